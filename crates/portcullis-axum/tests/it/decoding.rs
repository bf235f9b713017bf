//! The guard looks at the identifier that the handler goes by, however it is encoded.

use crate::{
    cast::{self, Names, Projects, View},
    wire::{expect, get_as},
};
use axum::{
    Router,
    extract::{Path, RawPathParams},
    routing::get,
};
use portcullis_axum::{Authorized, GateExt, Routes};
use portcullis_core::{Decision, Error, Question, policy::*};

/// A segment as it is sent, and decoded as `axum::extract::Path` decodes it; `None`: 400.
const SEGMENTS: [(&str, Option<&str>); 14] = [
    ("42", Some("42")),
    ("%34%32", Some("42")),
    ("%34", Some("4")),
    ("a%2Fb", Some("a/b")),
    ("a%2fb", Some("a/b")),
    ("a%252Fb", Some("a%2Fb")),
    ("a%25b", Some("a%b")),
    ("a%2Bb", Some("a+b")),
    ("a+b", Some("a+b")),
    ("a%20b", Some("a b")),
    ("a%b", Some("a%b")),
    ("42%00", Some("42\0")),
    ("%C3%A9", Some("é")),
    ("%ff", None),
];

#[tokio::test]
async fn guard_extractor_and_handler_see_one_identifier() {
    let projects = Projects::default();
    let gate = cast::builder_over(cast::scheme(&Names::default()), &projects).build().unwrap();
    // Lets everybody in who is asked about, so that the handler says what it saw.
    let always = any((cast::VIEW, authenticated()));
    let app = Routes::new(&gate)
        .route("/plain/{id}/x", anyone(), get(async |Path(id): Path<String>| id))
        .route("/guard/{id}/x", always, get(async |Path(id): Path<String>| id))
        .route("/rest/{*id}", always, get(async |Path(id): Path<String>| id))
        .route("/nest/{id}", always, get(async || ()))
        .nest("/n/{id}", Routes::new(&gate).route("/x", always, get(async |Path(id): Path<String>| id)))
        .into_router()
        .route("/layer/{id}/x", get(async |Path(id): Path<String>| id).layer(gate.require(always)))
        .route(
            "/extract/{id}/x",
            get(async |_: Result<Authorized<View>, portcullis_axum::Rejection>, Path(id): Path<String>| id),
        )
        .with_state(gate);
    for (sent, decoded) in SEGMENTS {
        let plain = get_as(&app, &format!("/plain/{sent}/x"), "alice").await;
        assert_eq!(
            (plain.status.as_u16(), decoded.is_none()),
            (if decoded.is_some() { 200 } else { 400 }, decoded.is_none()),
            "{sent}"
        );
        for path in ["/guard/{}/x", "/rest/{}", "/n/{}/x", "/layer/{}/x", "/extract/{}/x"] {
            let path = path.replace("{}", sent);
            let answer = get_as(&app, &path, "alice").await;
            match decoded {
                Some(id) => {
                    assert_eq!(answer.body, id, "{path}: {answer:?}");
                    assert_eq!(plain.body, id, "{path}");
                    assert_eq!(projects.asked(), [id], "{path}");
                }
                None => {
                    assert_eq!(answer.status, 400, "{path}: {answer:?}");
                    assert!(projects.asked().is_empty(), "{path}");
                }
            }
        }
    }
}

/// Nobody is told about the path before they said who they are.
#[tokio::test]
async fn an_unreadable_parameter_is_malformed_for_those_who_may_ask() {
    let gate = cast::gate();
    let app: Router = Router::new()
        .route("/guard/{id}", get(async || ()).layer(gate.require(cast::VIEW)))
        .route("/hidden/{id}", get(async || ()).layer(gate.require(cast::VIEW.hidden())))
        .route("/extract/{id}", get(async |_: Authorized<View>| ()))
        .route("/staff/{id}", get(async || ()).layer(gate.require(staff())))
        .with_state(gate);
    expect(&app, "", &[("GET /guard/%ff", 401), ("GET /hidden/%ff", 401), ("GET /extract/%ff", 401)]).await;
    expect(&app, "viewer", &[("GET /guard/%ff", 400), ("GET /hidden/%ff", 400), ("GET /extract/%ff", 400)]).await;
    // A policy that does not ask for it does not mind.
    expect(&app, "staff", &[("GET /staff/%ff", 200), ("GET /guard/42", 403)]).await;
}

#[derive(Debug)]
struct SameName;

impl Rule for SameName {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        let same = question.param("name")? == question.principal().id().subject();
        Ok(if same { Decision::allow() } else { Decision::deny("other_name") })
    }
}

/// Closures and rules of the application's own need not say beforehand which parameters they ask for.
#[tokio::test]
async fn closures_and_rules_read_parameters() {
    let gate = cast::gate();
    let own =
        |question: &Question<'_>| question.param("name").is_ok_and(|name| name == question.principal().id().subject());
    let not_own = |question: &Question<'_>| question.param("name").is_err();
    let app = Routes::new(&gate)
        .route("/when/{name}", when("own", own), get(async || ()))
        .route("/not/{name}", when("not-own", not_own), get(async || ()))
        .route("/own/{name}", SameName, get(async || ()))
        .route("/all/{name}", all((authenticated(), SameName, when("own", own))), get(async || ()))
        .route("/mixed/{name}/{id}", all((SameName, cast::VIEW)), get(async || ()))
        .nest("/n/{name}", Routes::new(&gate).route("/x", when("own", own), get(async || ())))
        .into_router();
    for who in ["viewer", "a/b"] {
        let encoded = who.replace('/', "%2F");
        for path in ["/when/", "/own/", "/all/", "/n/"] {
            let rest = if path == "/n/" { "/x" } else { "" };
            let (own, other) = (format!("GET {path}{encoded}{rest}"), format!("GET {path}someone{rest}"));
            if who == "viewer" {
                expect(&app, who, &[(&own, 200), (&other, 403)]).await;
            } else {
                // No such bearer name, so only the refusal of what is not theirs is seen.
                expect(&app, "viewer", &[(&own, 403)]).await;
            }
        }
    }
    expect(&app, "viewer", &[("GET /not/viewer", 403), ("GET /mixed/viewer/42", 200), ("GET /mixed/someone/42", 403)])
        .await;
    expect(&app, "viewer", &[("GET /mixed/viewer/43", 403), ("GET /own/%ff", 400)]).await;
}

/// Which of two parameters of one name a handler goes by depends on how it takes them, so the guard goes by neither.
#[tokio::test]
async fn two_parameters_of_one_name_are_an_error() {
    let gate = cast::gate();
    let last = async |Path(params): Path<std::collections::HashMap<String, String>>| params["id"].clone();
    let inner: Router = Router::new()
        .route("/x/{id}", get(last).layer(gate.require(cast::VIEW)))
        .route("/e/{id}", get(async |_: Authorized<View>| ()))
        .route(
            "/y/{other}",
            get(async |params: RawPathParams| params.iter().count().to_string()).layer(gate.require(cast::VIEW)),
        )
        .with_state(gate.clone());
    let app: Router = Router::new().nest_service("/s/{id}", inner);
    // A handler with a map would go by the second, a guard by the first: 43 would be open to the viewers of 42.
    expect(&app, "viewer", &[("GET /s/42/x/43", 500), ("GET /s/43/x/42", 500), ("GET /s/42/e/43", 500)]).await;
    expect(&app, "viewer", &[("GET /s/42/y/43", 200), ("GET /s/43/y/42", 403)]).await;
}

/// Not used further, but an `Error` of a parameter is the gate's: 500 tells nothing.
#[tokio::test]
async fn an_error_about_parameters_tells_the_client_nothing() -> Result<(), Error> {
    let gate = cast::gate();
    let app: Router = Router::new().route("/", get(async || ()).layer(gate.require(cast::VIEW)));
    let answer = get_as(&app, "/", "viewer").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains("id") && !answer.body.contains("param"), "{answer:?}");
    Ok(())
}
