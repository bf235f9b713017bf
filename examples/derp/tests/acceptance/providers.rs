//! Cases 121 to 123: sign-in at a provider that the settings name.

use crate::{
    op::{Op, Person, person, query},
    service::*,
};
use portcullis::{accounts::Config, testing::FixedClock};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

const ISSUER: &str = "https://id.test";

/// The settings of the example, and a provider. The one for Google differs by its address.
fn settings() -> Config {
    let provider = r#"
        [auth.native.oidc.id]
        issuer = "https://id.test"
        client_id = "shop"
        client_secret = "that-of-the-client"
        redirect_uri = "https://derp.test/auth/oauth/id/callback"
    "#;
    Config::parse(&format!("{SETTINGS}\n{provider}"), |_| Some(SECRET.to_owned())).unwrap()
}

/// Each service, and a provider, which has the time of this machine.
async fn with_provider() -> Vec<(Service, Op)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let op = Op::new(ISSUER, &FixedClock::at(now));
    let client = op.clone();
    let services = both_with(move |builder| builder.with_providers(&settings(), client.clone()).unwrap()).await;
    services.into_iter().map(|service| (service, op.clone())).collect()
}

/// Where the browser is sent, and the cookie that it has then.
async fn begin(service: &Service) -> (String, String) {
    let answer = service.ask("GET", "/auth/oauth/id?return_to=/hello", &[], &Value::Null).await;
    assert_eq!(answer.status, 303);
    let cookie = answer.cookies()[0].split(';').next().unwrap().to_owned();
    (answer.header("location"), cookie)
}

async fn come_back(service: &Service, query: &str, cookie: &str) -> Answer {
    let path = format!("/auth/oauth/id/callback?{query}");
    service.ask("GET", &path, &[("cookie", cookie)], &Value::Null).await
}

async fn signed_in(service: &Service, op: &Op, who: &Person) -> Answer {
    let (address, cookie) = begin(service).await;
    come_back(service, &op.authorize(&address, who), &cookie).await
}

#[actix_web::test]
async fn case_121_the_address_of_the_provider() {
    for (service, _) in with_provider().await {
        let (address, _) = begin(&service).await;
        assert!(address.starts_with("https://id.test/auth?"), "{address}");
        let parameters = query(&address);
        let mut names: Vec<&str> = parameters.keys().map(String::as_str).collect();
        names.sort_unstable();
        let there = ["client_id", "redirect_uri", "response_type", "scope", "state"];
        let mut expected = [&there[..], &["code_challenge", "code_challenge_method", "nonce"]].concat();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(parameters["redirect_uri"], "https://derp.test/auth/oauth/id/callback");
        let said = ["client_id", "response_type", "scope", "code_challenge_method"].map(|name| &*parameters[name]);
        assert_eq!(said, ["shop", "code", "openid email", "S256"]);
    }
}

#[actix_web::test]
async fn case_122_only_verified_addresses_lead_to_an_account() {
    for (service, op) in with_provider().await {
        let alice = service.signed_in(ALICE).await;
        let refused = signed_in(&service, &op, &person("1", ALICE, false)).await;
        assert_eq!(refused.refusal(), (403, "not_linkable".into()));
        assert!(refused.cookies().iter().all(|cookie| !cookie.starts_with("__Host-access=ey")));
        let answer = signed_in(&service, &op, &person("1", ALICE, true)).await;
        assert_eq!((answer.status, &*answer.header("location")), (303, "/hello"));
        let access = answer.cookies().into_iter().find_map(|cookie| cookie.strip_prefix("__Host-access=")).unwrap();
        let access = access.split(';').next().unwrap();
        let who = |access: &str| {
            let (service, access) = (service.clone(), access.to_owned());
            async move { service.get("/auth/me", &access).await.json()["user"]["id"].clone() }
        };
        assert_eq!(who(access).await, who(&alice.text("access_token")).await, "the same user");
    }
}

#[actix_web::test]
async fn case_123_another_state_and_another_browser() {
    for (service, op) in with_provider().await {
        let (address, cookie) = begin(&service).await;
        let query = op.authorize(&address, &person("1", ALICE, true));
        let (other_address, other_cookie) = begin(&service).await;
        let other_state = crate::op::query(&other_address)["state"].clone();
        let state = crate::op::query(&address)["state"].clone();
        // Another code, since it is spent: the other flow has another verifier.
        let spent = op.authorize(&address, &person("1", ALICE, true));
        for (query, cookie) in [
            (query.replace(&state, &other_state), &cookie),
            (spent.replace(&state, &other_state), &other_cookie),
            (query.replace(&state, "made-up"), &cookie),
            (query.clone(), &other_cookie),
            (query.clone(), &String::from("none=1")),
            (query.replace(ISSUER, "https://other.test"), &cookie),
        ] {
            assert_eq!(come_back(&service, &query, cookie).await.refusal(), (400, "sign_in_failed".into()), "{query}");
        }
        assert_eq!(come_back(&service, &query, &cookie).await.status, 303);
        // Once.
        assert_eq!(come_back(&service, &query, &cookie).await.refusal(), (400, "sign_in_failed".into()));
    }
}
