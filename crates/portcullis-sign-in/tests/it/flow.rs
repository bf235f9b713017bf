//! From `login` to the session, and everything hostile in between.

use crate::op::{Browser, CALLBACK, KEY, Op, location, provider, sign_in};
use portcullis_core::testing::{SigningKey, TestIssuer, TestToken};
use portcullis_core::{Algorithm, ErrorKind};
use portcullis_sign_in::{Endpoint, SealingKeys, SignIn, SignedIn};
use serde_json::json;

fn browser() -> Browser {
    let op = Op::new();
    let sign_in = sign_in(&op);
    Browser::new(&op, sign_in)
}

/// The code of the refused callback.
async fn refused(browser: &mut Browser, query: &str) -> String {
    let error = browser.ask_from(Endpoint::Callback, query, "cross-site").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error:?}");
    assert!(!browser.cookies.contains_key(SignIn::COOKIE));
    error.code().to_owned()
}

#[tokio::test]
async fn a_browser_signs_in() {
    let mut browser = browser();
    let answer = browser.signs_in().await;
    assert_eq!((answer.status(), &*location(&answer)), (http::StatusCode::SEE_OTHER, "/orders?page=2"));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [SignIn::COOKIE], "the flow is over");
    let alice = browser.who().await.unwrap();
    assert_eq!(alice.id().to_string(), "user|https://issuer.test|alice");
    assert_eq!(alice.session().unwrap().id(), "sid-1");
    assert_eq!(alice.account::<SignedIn>().unwrap().claim::<String>("email").unwrap(), "alice@example.com");
    assert_eq!(browser.beside().who().await.unwrap_err(), "invalid_token");
}

#[tokio::test]
async fn the_client_authenticates_in_the_header_or_in_the_form() {
    let (header, form) = ((Some("Basic c2hvcDphJTJGYg==".to_owned()), String::new()), (None, "a/b".to_owned()));
    let both = json!(["client_secret_post", "client_secret_basic"]);
    for (supported, in_body, expected) in [
        (json!([]), false, &header),
        (both.clone(), false, &header),
        (both, true, &form),
        (json!(["client_secret_post"]), false, &form),
    ] {
        let op = Op::new();
        op.says.lock().unwrap()["token_endpoint_auth_methods_supported"] = supported;
        let provider = provider(&op).secret("a/b");
        let provider = if in_body { provider.secret_in_body() } else { provider };
        let sign_in = SignIn::new(provider, CALLBACK, SealingKeys::new(KEY).unwrap()).unwrap();
        Browser::new(&op, sign_in).signs_in().await;
        assert_eq!(&*op.client.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_callback_has_to_be_of_a_flow_of_this_browser() {
    let mut alice = browser();
    let query = alice.begin().await;
    // Login CSRF and code injection: the callback of another browser, with and without a flow of its own.
    let mut mallory = alice.beside();
    assert_eq!(refused(&mut mallory, &query).await, "sign_in_failed");
    let own = mallory.begin().await;
    let injected = format!("{}&state={}", query.split('&').next().unwrap(), own.split("state=").nth(1).unwrap());
    assert_eq!(refused(&mut mallory, &injected).await, "sign_in_failed");
    // The code was redeemed by that, so it is worth nothing any more.
    assert_eq!(refused(&mut alice, &query).await, "sign_in_failed");
}

#[tokio::test]
async fn a_changed_state_is_refused() {
    for change in ["", "x", "&state=again", "&code=again"] {
        let mut browser = browser();
        let query = browser.begin().await;
        let changed = if change.is_empty() { query.split('&').next().unwrap().to_owned() } else { query + change };
        assert_eq!(refused(&mut browser, &changed).await, "sign_in_failed", "{change}");
    }
}

#[tokio::test]
async fn a_callback_counts_once_and_in_time() {
    let mut browser = browser();
    let query = browser.begin().await;
    let before = browser.cookies.clone();
    browser.ask(Endpoint::Callback, &query).await.unwrap();
    browser.cookies.remove(SignIn::COOKIE);
    assert_eq!(refused(&mut browser, &query).await, "sign_in_failed", "the cookie of the flow is gone");
    browser.cookies = before;
    assert_eq!(refused(&mut browser, &query).await, "sign_in_failed", "the provider does not take the code again");

    let late = browser.begin().await;
    browser.op.clock().advance(std::time::Duration::from_secs(600));
    assert_eq!(refused(&mut browser, &late).await, "sign_in_failed");
}

#[tokio::test]
async fn tabs_have_flows_of_their_own() {
    let mut browser = browser();
    let (first, second) = (browser.begin().await, browser.begin().await);
    assert!(browser.ask(Endpoint::Callback, &first).await.is_ok());
    assert!(browser.ask(Endpoint::Callback, &second).await.is_ok());
    for _ in 0..20 {
        browser.begin().await;
    }
    assert!(browser.cookies.len() <= 9, "{:?}", browser.cookies.keys());
}

#[tokio::test]
async fn the_provider_names_itself() {
    for (says, iss, is_taken) in [
        (false, "", true),
        (false, "&iss=https://issuer.test", true),
        (false, "&iss=https://evil.test", false),
        (true, "&iss=https://issuer.test", true),
        (true, "", false),
    ] {
        let mut browser = browser();
        browser.op.says.lock().unwrap()["authorization_response_iss_parameter_supported"] = says.into();
        let query = browser.begin().await + iss;
        assert_eq!(browser.ask(Endpoint::Callback, &query).await.is_ok(), is_taken, "{says} {iss}");
    }
}

#[tokio::test]
async fn error_answers_are_refusals() {
    for (error, code) in [("access_denied", "access_denied"), ("server_error", "sign_in_failed")] {
        let mut browser = browser();
        let state = browser.begin().await.split_once('&').unwrap().1.to_owned();
        assert_eq!(refused(&mut browser, &format!("error={error}&{state}")).await, code);
        assert_eq!(refused(&mut browser, "error=access_denied&state=of-somebody-else").await, "sign_in_failed");
    }
    let mut browser = browser();
    let query = browser.begin().await;
    *browser.op.down.lock().unwrap() = true;
    let error = browser.ask(Endpoint::Callback, &query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_refused_code_is_told_from_a_refused_client() {
    for (status, body, kind) in [
        (400, r#"{"error":"invalid_grant"}"#, ErrorKind::Rejected),
        (403, r#"{"error":"invalid_code"}"#, ErrorKind::Rejected),
        (400, "", ErrorKind::Rejected),
        (401, r#"{"error":"invalid_client"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error":"invalid_request"}"#, ErrorKind::Misconfigured),
        (403, "", ErrorKind::Misconfigured),
        (400, r#"{"error":"temporarily_unavailable"}"#, ErrorKind::Unavailable),
        (429, "", ErrorKind::Unavailable),
    ] {
        let mut browser = browser();
        *browser.op.refusal.lock().unwrap() = (status, body);
        let query = browser.begin().await.replace("code=code-0", "code=made-up");
        let error = browser.ask(Endpoint::Callback, &query).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}");
    }
}

#[tokio::test]
async fn id_tokens_that_are_not_for_this_flow_are_refused() {
    type Change = fn(TestToken<'_>) -> String;
    let changes: [(&str, Change, bool); 10] = [
        ("as it is", |token| token.sign(), true),
        ("azp", |token| token.claim("azp", "shop").claim("typ", "ID").sign(), true),
        ("another nonce", |token| token.claim("nonce", "another").sign(), false),
        ("no nonce", |token| token.without("nonce").sign(), false),
        ("another audience", |token| token.claim("aud", "bank").sign(), false),
        ("several audiences", |token| token.claim("aud", json!(["shop", "bank"])).sign(), false),
        ("another azp", |token| token.claim("azp", "bank").sign(), false),
        ("another issuer", |token| token.claim("iss", "https://evil.test").sign(), false),
        ("an access token", |token| token.claim("token_use", "access").sign(), false),
        ("expired", |token| token.expired_for(std::time::Duration::from_secs(1)).sign(), false),
    ];
    for (what, change, is_taken) in changes {
        let mut browser = browser();
        browser.op.gives(change);
        let query = browser.begin().await;
        match is_taken {
            true => assert!(browser.ask(Endpoint::Callback, &query).await.is_ok(), "{what}"),
            false => assert_eq!(refused(&mut browser, &query).await, "sign_in_failed", "{what}"),
        }
    }
    let mut browser = browser();
    browser.op.gives(|_| {
        let key = SigningKey::secret(Algorithm::Hs256, "guessed").unwrap();
        TestIssuer::with_key(key).for_audience("shop").token("alice").sign()
    });
    let query = browser.begin().await;
    assert_eq!(refused(&mut browser, &query).await, "sign_in_failed");
}

#[tokio::test]
async fn a_browser_comes_back_to_this_service_only() {
    let mut browser = browser();
    for path in
        ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "", "/%09/evil.test", "/a%0d%0ab", "/%5cevil"]
    {
        let error = browser.ask(Endpoint::Login, &format!("return_to={path}")).await.unwrap_err();
        assert_eq!(error.code(), "invalid_return_to", "{path}");
    }
    for path in ["/", "/a/b?c=//d"] {
        assert!(browser.ask(Endpoint::Login, &format!("return_to={path}")).await.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_is_refused() {
    for (name, value) in [("issuer", "https://evil.test"), ("token_endpoint", "http://issuer.test/token")] {
        let mut browser = browser();
        browser.op.says.lock().unwrap()[name] = value.into();
        assert_eq!(browser.ask(Endpoint::Login, "").await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn parameters_are_added_to_authorization_requests() {
    let op = Op::new();
    let with = provider(&op).parameter("resource", "https://orders.test/a&b").unwrap();
    let (address, _) = with.parameter("resource", "second").unwrap().begin(CALLBACK).await.unwrap();
    assert!(address.ends_with("&resource=https%3A%2F%2Forders.test%2Fa%26b&resource=second"), "{address}");
    for own in ["state", "nonce", "redirect_uri", "response_mode", "request_uri", "max_age", ""] {
        assert_eq!(provider(&op).parameter(own, "x").unwrap_err().kind(), ErrorKind::Misconfigured, "{own}");
    }
}
