//! Refusals as responses: what a renderer makes up, and what the log is told.

use crate::{
    ask::{Served, Wire, expect, get_as},
    cast::{self, Names, VIEW, View, builder, open},
    log::Log,
};
use actix_web::{App, HttpResponse, ResponseError, http::StatusCode, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Rejection, Visitor, respond};
use portcullis_core::{
    Error, ErrorKind, Gate, Refusal,
    policy::{values::OnResource, *},
};

const OWN: OnResource = role("owner").on("project", path("id"));

async fn app(gate: &Gate) -> Served {
    let at = |path: &str| web::resource(path);
    serve!(
        App::new()
            .app_data(gate.clone())
            .service(at("/guard").to(open).wrap(gate.require(authenticated())))
            .service(at("/extract").to(async |_: Authenticated| "open"))
            .service(at("/visit").to(async |_: Visitor| "open"))
            .service(
                at("/four/{id}").to(async |_: Visitor, _: Authenticated, _: Authorized<View>, _: Authenticated| "")
            )
            .service(at("/p/{id}").to(open).wrap(gate.require(VIEW)))
            .service(at("/scope").to(open).wrap(gate.require(scope("kb:read"))))
            .service(at("/hidden/{id}").to(open).wrap(gate.require(VIEW.hidden())))
            .service(at("/owned/{id}").to(open).wrap(gate.require(OWN.hidden())))
            .service(at("/wiring").to(open).wrap(gate.require(VIEW)))
            .configure(
                cast::routes(gate)
                    .route("/twice", anyone(), web::get().to(open))
                    .route("/twice", authenticated(), web::post().to(open))
                    .into_config()
            )
            .wrap(gate.enforce())
    )
}

const INVALID: &str = "Bearer error=\"invalid_token\", error_description=\"the token is not valid\"";
const EXPIRED: &str = "Bearer error=\"invalid_token\", error_description=\"the token has expired\"";
const SCOPE: &str = "Bearer error=\"insufficient_scope\", scope=\"kb:read\"";

#[actix_web::test]
async fn each_situation_has_its_answer() {
    for (_, gate) in cast::fast_and_slow() {
        let app = app(&gate).await;
        for (path, who, status, challenge, body) in [
            ("/guard", "", 401, Some("Bearer"), r#"{"code":"credential_missing","status":401,"title":"Unauthorized"}"#),
            ("/guard", "broken", 401, Some(INVALID), r#"{"code":"invalid_token","status":401,"title":"Unauthorized"}"#),
            (
                "/extract",
                "expired",
                401,
                Some(EXPIRED),
                r#"{"code":"token_expired","status":401,"title":"Unauthorized"}"#,
            ),
            (
                "/visit",
                "foreign",
                401,
                Some(INVALID),
                r#"{"code":"invalid_token","status":401,"title":"Unauthorized"}"#,
            ),
            ("/visit", "down", 503, None, r#"{"code":"unavailable","status":503,"title":"Service Unavailable"}"#),
            ("/p/42", "alice", 403, None, r#"{"code":"not_a_member","status":403,"title":"Forbidden"}"#),
            ("/owned/42", "viewer", 403, None, r#"{"code":"role_required","status":403,"title":"Forbidden"}"#),
            ("/owned/42", "alice", 404, None, ""),
            ("/scope", "alice", 403, Some(SCOPE), r#"{"code":"insufficient_scope","status":403,"title":"Forbidden"}"#),
            ("/hidden/42", "alice", 404, None, ""),
            ("/wiring", "viewer", 500, None, r#"{"status":500,"title":"Internal Server Error"}"#),
        ] {
            let answer = get_as(&app, path, who).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body), "{path} as {who:?}");
            assert_eq!(answer.header("www-authenticate"), challenge, "{path} as {who:?}");
            assert_eq!(answer.header("content-type"), (status != 404).then_some("application/problem+json"));
            assert_eq!(answer.header("retry-after"), (who == "down").then_some("7"));
        }
        for (path, who) in
            [("/guard", "alice"), ("/extract", "alice"), ("/visit", ""), ("/p/42", "viewer"), ("/owned/42", "owner")]
        {
            assert_eq!(get_as(&app, path, who).await.body, "open");
        }
    }
}

/// The log says why and the client does not; neither says who, or shows the credential.
#[actix_web::test]
async fn one_refusal_is_one_event() {
    for (_, gate) in cast::fast_and_slow() {
        let app = app(&gate).await;
        let log = Log::listen();
        for (line, who, level, words) in [
            ("GET /guard", "", "INFO", &["credential_missing"][..]),
            ("GET /guard", "broken", "INFO", &["invalid_token", "the name does not hold", "bearer header"]),
            ("GET /extract", "broken", "INFO", &["invalid_token", "the name does not hold", "bearer header"]),
            ("GET /four/42", "broken", "INFO", &["invalid_token"]),
            ("GET /four/42", "mallory", "INFO", &["not_a_member"]),
            ("GET /p/42", "mallory", "INFO", &["not_a_member", "bearer header"]),
            ("GET /owned/42", "viewer", "INFO", &["role_required", "has the role `viewer` there"]),
            ("GET /hidden/42", "mallory", "INFO", &["not_found", "not_a_member"]),
            ("GET /p/13", "mallory", "WARN", &["unavailable", "the database is down"]),
            ("GET /wiring", "mallory", "ERROR", &["misconfigured", "`id`"]),
            ("POST /twice", "broken", "INFO", &["invalid_token"]),
            ("PATCH /twice", "broken", "INFO", &["invalid_token"]),
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = crate::ask::ask(&app, method, path, who).await;
            let lines = log.lines();
            assert_eq!(lines.len(), 1, "{path} as {who:?}: {lines:?}");
            assert!(lines[0].starts_with(level) && words.iter().all(|word| lines[0].contains(word)), "{lines:?}");
            assert!(!lines[0].contains("mallory"), "{lines:?}");
            for secret in ["the name", "database", "param"] {
                assert!(!answer.body.contains(secret), "{answer:?}");
            }
        }
        expect(&app, "alice", &[("GET /guard", 200), ("GET /unknown", 404), ("PATCH /twice", 405)]).await;
        expect(&app, "broken", &[("GET /twice", 200)]).await;
        assert!(log.lines().is_empty(), "who is let in makes no noise");
    }
}

/// actix-web and its middleware ask an error for its status as often as they like.
#[test]
fn only_the_answer_is_an_event() {
    let log = Log::listen();
    let rejection = Rejection::from(Error::new(ErrorKind::Denied, "no"));
    for kind in [(ErrorKind::Denied, 403), (ErrorKind::Hidden, 404), (ErrorKind::Misconfigured, 500)] {
        assert_eq!(Rejection::from(Error::new(kind.0, "no")).status_code(), kind.1);
    }
    let error = actix_web::Error::from(rejection.clone());
    assert_eq!(error.as_response_error().status_code(), 403);
    assert_eq!((rejection.to_string(), error.to_string()), ("no".to_owned(), "no".to_owned()));
    assert!(error.as_error::<Rejection>().is_some_and(|rejection| rejection.error().kind() == ErrorKind::Denied));
    assert!(log.lines().is_empty());
    assert_eq!(HttpResponse::from_error(error).status(), 403);
    assert_eq!(log.lines().len(), 1);
}

fn rendered(change: fn(Refusal) -> Refusal) -> Gate {
    builder(&Names::default()).render(move |_, default| change(default)).build().unwrap()
}

/// A renderer may make up what HTTP cannot carry. It is left out, told to the log, and opens nothing.
#[actix_web::test]
async fn what_http_cannot_carry_is_left_out() {
    let log = Log::listen();
    for (change, status, kept) in [
        (
            (|to: Refusal| to.with_header("x-a", "line\r\nset-cookie: session=evil")) as fn(Refusal) -> Refusal,
            401,
            None,
        ),
        (|to| to.with_header("x a", "name"), 401, None),
        (|to| to.with_header("", "name"), 401, None),
        (|to| to.with_header("x-a", "zero\0"), 401, None),
        (|to| to.with_header("x-a", "fine"), 401, Some("fine")),
        (|to| to.with_header("X-A", "grüße"), 401, Some("grüße")),
        (|to| to.with_status(0), 500, None),
        (|to| to.with_status(99), 500, None),
        (|to| to.with_status(1000), 500, None),
        (|to| to.with_status(999), 999, None),
        (|to| to.with_status(418), 418, None),
    ] {
        let is_carried = kept.is_some() || matches!(status, 999 | 418);
        let app = app(&rendered(change)).await;
        for path in ["/guard", "/extract"] {
            let answer = get_as(&app, path, "").await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
            assert_eq!(answer.header("x-a"), kept, "{path}");
            assert_eq!(answer.header("set-cookie"), None);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "the rest is there");
            let lines = log.lines();
            let told = lines.iter().filter(|line| line.starts_with("ERROR") && line.contains("HTTP cannot carry"));
            assert_eq!((told.count(), lines.len()), if is_carried { (0, 1) } else { (1, 2) }, "{lines:?}");
        }
    }
}

#[actix_web::test]
async fn a_refusal_becomes_a_response_as_it_is() {
    let refusal = Refusal::new(429).with_header("retry-after", "7").with_body("text/plain", "later");
    let wire = Wire::of_response(respond(refusal)).await;
    assert_eq!((wire.status, wire.body.as_str()), (StatusCode::TOO_MANY_REQUESTS, "later"));
    let headers = [("cache-control", "no-store"), ("content-type", "text/plain"), ("retry-after", "7")];
    assert_eq!(wire.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let empty = Wire::of_response(respond(Refusal::new(404))).await;
    assert_eq!((empty.headers.len(), empty.body.as_str()), (1, ""));
}
