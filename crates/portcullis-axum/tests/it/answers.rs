//! What refused requests are answered: status, challenge, media type and body of each situation.

use crate::{
    cast::{self, Names, Projects, View, builder, builder_of, scheme},
    log::Log,
    wire::{Wire, ask, get_as, request, send},
};
use axum::{Router, routing::get};
use http::HeaderValue;
use portcullis_axum::{Authenticated, Authorized, GateExt, Rejection};
use portcullis_core::{
    Error, ErrorKind, Gate, Refusal, Scheme,
    policy::{values::OnResource, *},
    testing::TestIssuer,
};
use std::time::Duration;

/// One row: who asks how, and the answer.
struct Row {
    name: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    status: u16,
    challenge: Option<&'static str>,
    code: Option<&'static str>,
}

const INVALID: &str = "Bearer error=\"invalid_token\", error_description=\"the token is not valid\"";
const EXPIRED: &str = "Bearer error=\"invalid_token\", error_description=\"the token has expired\"";
const MALFORMED: &str = "Bearer error=\"invalid_request\"";

fn row<'r>(
    name: &'static str,
    path: &'static str,
    headers: impl IntoIterator<Item = (&'static str, &'r str)>,
    status: u16,
    challenge: impl Into<Option<&'static str>>,
    code: impl Into<Option<&'static str>>,
) -> Row {
    let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    Row { name, path, headers, status, challenge: challenge.into(), code: code.into() }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

const OWN: OnResource = role("owner").on("project", path("id"));

fn app(gate: Gate) -> Router {
    Router::new()
        .route("/guard", get(async || "ok").layer(gate.require(authenticated())))
        .route("/extract", get(async |_: Authenticated| "ok"))
        .route("/visit", get(async |_: Option<Authenticated>| "ok"))
        .route("/staff", get(async || "ok").layer(gate.require(staff())))
        .route("/scope", get(async || "ok").layer(gate.require(scope("kb:read"))))
        .route("/p/{id}", get(async || "ok").layer(gate.require(cast::VIEW)))
        .route("/x/{id}", get(async |_: Authorized<View>| "ok"))
        .route("/hidden/{id}", get(async || "ok").layer(gate.require(cast::VIEW.hidden())))
        .route("/owned/{id}", get(async || "ok").layer(gate.require(OWN)))
        .route("/owned/hidden/{id}", get(async || "ok").layer(gate.require(OWN.hidden())))
        .route("/wiring", get(async || "ok").layer(gate.require(cast::VIEW)))
        .with_state(gate)
}

fn check(row: &Row, answer: &Wire) {
    let name = row.name;
    assert_eq!(answer.status, row.status, "{name}: {answer:?}");
    assert_eq!(answer.header("www-authenticate"), row.challenge, "{name}");
    let body = match (row.status, row.code) {
        (404, _) => String::new(),
        (status, None) => format!(r#"{{"status":{status},"title":"{}"}}"#, title(status)),
        (status, Some(code)) => format!(r#"{{"code":"{code}","status":{status},"title":"{}"}}"#, title(status)),
    };
    assert_eq!(answer.body, body, "{name}");
    assert_eq!(answer.header("content-type"), (row.status != 404).then_some("application/problem+json"), "{name}");
    assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{name}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    let known = ["cache-control", "www-authenticate", "content-type", "content-length", "retry-after"];
    assert!(answer.headers.keys().all(|header| known.contains(&header.as_str())), "{name}: {answer:?}");
}

#[tokio::test]
async fn each_situation_has_its_answer() {
    let app = app(builder_of(scheme(&Names::default()).query("token")).build().unwrap());
    let bearer = |value: &'static str| [("authorization", value)];
    let twice = [("authorization", "Bearer alice"), ("authorization", "Bearer alice")];
    let mut rows = vec![
        row("another scheme", "/guard", bearer("Basic YWxpY2U6"), 401, "Bearer", "credential_missing"),
        row("no token", "/guard", bearer("Bearer"), 401, INVALID, "invalid_token"),
        row("two tokens", "/guard", bearer("Bearer alice bob"), 401, INVALID, "invalid_token"),
        row("no scheme", "/guard", bearer("\"alice\""), 401, INVALID, "invalid_token"),
        row("two headers", "/guard", twice, 400, MALFORMED, "invalid_request"),
        row("two cookies", "/guard", [("cookie", "session=a; session=b")], 400, MALFORMED, "invalid_request"),
        row(
            "two cookie headers",
            "/guard",
            [("cookie", "session=a"), ("cookie", "session=b")],
            400,
            MALFORMED,
            "invalid_request",
        ),
        row("parameter twice", "/guard?token=a&token=a", [], 400, MALFORMED, "invalid_request"),
        row("header and query", "/guard?token=a", bearer("Bearer a"), 400, MALFORMED, "invalid_request"),
        row("not staff", "/staff", bearer("Bearer alice"), 403, None, "staff_required"),
        row("no role", "/p/42", bearer("Bearer alice"), 403, None, "not_a_member"),
        row("too low a role", "/owned/42", bearer("Bearer viewer"), 403, None, "role_required"),
        row("too low a role, hidden", "/owned/hidden/42", bearer("Bearer viewer"), 403, None, "role_required"),
        row("no role, hidden", "/owned/hidden/42", bearer("Bearer alice"), 404, None, None),
        row("no role, extractor", "/x/42", bearer("Bearer alice"), 403, None, "not_a_member"),
        row(
            "no scope",
            "/scope",
            bearer("Bearer alice"),
            403,
            "Bearer error=\"insufficient_scope\", scope=\"kb:read\"",
            "insufficient_scope",
        ),
        row("hidden", "/hidden/42", bearer("Bearer alice"), 404, None, None),
        row("parameter not UTF-8", "/p/%ff", bearer("Bearer alice"), 400, MALFORMED, "invalid_request"),
        row("store down", "/p/13", bearer("Bearer viewer"), 503, None, "unavailable"),
        row("store down, hidden", "/hidden/13", bearer("Bearer viewer"), 503, None, "unavailable"),
        row("wiring", "/wiring", bearer("Bearer viewer"), 500, None, None),
        row("wiring, nobody", "/wiring", [], 401, "Bearer", "credential_missing"),
    ];
    for path in ["/guard", "/extract", "/visit"] {
        rows.push(row("broken", path, bearer("Bearer broken"), 401, INVALID, "invalid_token"));
        rows.push(row("foreign", path, bearer("Bearer foreign"), 401, INVALID, "invalid_token"));
        rows.push(row("expired", path, bearer("Bearer expired"), 401, EXPIRED, "token_expired"));
        rows.push(row("down", path, bearer("Bearer down"), 503, None, "unavailable"));
        rows.push(row("empty header", path, bearer("Bearer "), 401, INVALID, "invalid_token"));
    }
    for path in ["/guard", "/extract"] {
        rows.push(row("nobody", path, [], 401, "Bearer", "credential_missing"));
        rows.push(row("empty cookie", path, [("cookie", "session=")], 401, "Bearer", "credential_missing"));
        rows.push(row("other cookie", path, [("cookie", "other=alice")], 401, "Bearer", "credential_missing"));
    }
    for row in &rows {
        let mut request = request("GET", row.path, "");
        for (name, value) in &row.headers {
            request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        check(row, &send(&app, request).await);
    }
    // The neighbours that are let in.
    for (path, who) in [
        ("/guard", "alice"),
        ("/extract", "alice"),
        ("/visit", ""),
        ("/staff", "staff"),
        ("/p/42", "viewer"),
        ("/owned/hidden/42", "owner"),
    ] {
        let answer = get_as(&app, path, who).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "ok"), "{path} as {who:?}");
        assert!(answer.header("www-authenticate").is_none());
    }
}

#[tokio::test]
async fn tokens_of_an_issuer_are_answered_alike() {
    let issuer = TestIssuer::new();
    let app = app(Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .membership("project", Projects::default())
        .roles(portcullis_core::RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
        .build()
        .unwrap());
    let other = TestIssuer::new().named("https://other.test");
    let minute = Duration::from_secs(60);
    let good = issuer.token("viewer").sign();
    let (claims, signature) = good.rsplit_once('.').unwrap();
    let swapped =
        if signature.starts_with('A') { signature.replacen('A', "B", 1) } else { format!("A{}", &signature[1..]) };
    for (name, token, status, challenge) in [
        ("good", good.clone(), 200, None),
        ("expired", issuer.token("viewer").expired_for(minute * 60).sign(), 401, Some(EXPIRED)),
        ("another issuer", other.token("viewer").sign(), 401, Some(INVALID)),
        ("another audience", issuer.token("viewer").claim("aud", "other").sign(), 401, Some(INVALID)),
        ("another signature", format!("{claims}.{swapped}"), 401, Some(INVALID)),
        ("no signature", format!("{claims}."), 401, Some(INVALID)),
        ("no token", "viewer".to_owned(), 401, Some(INVALID)),
    ] {
        for path in ["/guard", "/extract", "/visit", "/p/42"] {
            let answer = get_as(&app, path, &token).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("www-authenticate")),
                (status, challenge),
                "{name} at {path}: {answer:?}"
            );
        }
    }
    // The clock is the issuer's: what is good now is told apart when it has expired.
    issuer.clock().advance(Duration::from_secs(3600));
    assert_eq!(get_as(&app, "/guard", &good).await.header("www-authenticate"), Some(EXPIRED));
}

#[tokio::test]
async fn a_realm_is_in_every_challenge() {
    let gate = builder(&Names::default()).realm("the books").build().unwrap();
    let app = app(gate);
    for (path, who, challenge) in [
        ("/guard", "", Some("Bearer realm=\"the books\"")),
        ("/extract", "", Some("Bearer realm=\"the books\"")),
        (
            "/guard",
            "broken",
            Some("Bearer realm=\"the books\", error=\"invalid_token\", error_description=\"the token is not valid\""),
        ),
        ("/scope", "alice", Some("Bearer realm=\"the books\", error=\"insufficient_scope\", scope=\"kb:read\"")),
        ("/staff", "alice", None),
        ("/guard", "down", None),
    ] {
        assert_eq!(get_as(&app, path, who).await.header("www-authenticate"), challenge, "{path} as {who:?}");
    }
}

#[tokio::test]
async fn who_may_try_again_is_told_when() {
    let app = app(cast::gate());
    for path in ["/guard", "/extract", "/visit", "/p/42"] {
        assert_eq!(get_as(&app, path, "down").await.header("retry-after"), Some("7"), "{path}");
    }
    let unknown = get_as(&app, "/p/13", "viewer").await;
    assert_eq!((unknown.status.as_u16(), unknown.header("retry-after")), (503, None));
}

/// A renderer decides about every answer, whichever form of guard it comes from.
#[tokio::test]
async fn a_renderer_makes_every_answer() {
    fn render(error: &Error, default: Refusal) -> Refusal {
        let body = format!(r#"{{"detail":"{}"}}"#, error.code());
        let default = default.without_header("WWW-Authenticate").with_header("x-kind", format!("{:?}", error.kind()));
        if error.kind() == ErrorKind::Denied { default.with_status(418) } else { default }
            .with_body("application/json", body)
    }
    let app = app(builder(&Names::default()).render(render).build().unwrap());
    for (path, who, status, kind, code) in [
        ("/guard", "", 401, "Missing", "credential_missing"),
        ("/extract", "", 401, "Missing", "credential_missing"),
        ("/visit", "broken", 401, "Invalid", "invalid_token"),
        ("/guard", "down", 503, "Unavailable", "unavailable"),
        ("/staff", "alice", 418, "Denied", "staff_required"),
        ("/x/42", "alice", 418, "Denied", "not_a_member"),
        ("/owned/42", "viewer", 418, "Denied", "role_required"),
        ("/hidden/42", "alice", 404, "Hidden", "not_found"),
        ("/wiring", "alice", 500, "Misconfigured", "misconfigured"),
    ] {
        let answer = get_as(&app, path, who).await;
        assert_eq!(answer.status, status, "{path} as {who:?}");
        assert_eq!(answer.body, format!(r#"{{"detail":"{code}"}}"#));
        assert_eq!((answer.header("x-kind"), answer.header("content-type")), (Some(kind), Some("application/json")));
        assert_eq!(answer.header("www-authenticate"), None);
        let head = ask(&app, "HEAD", path, who).await;
        assert_eq!((head.status, head.headers, head.body.as_str()), (answer.status, answer.headers, ""));
    }
    assert_eq!(get_as(&app, "/staff", "staff").await.body, "ok");
}

/// An error of a handler's own, with and without the gate's renderer.
#[tokio::test]
async fn a_handler_answers_errors_of_its_own() {
    let gate =
        builder(&Names::default()).render(|_, default| default.with_body("text/plain", "rendered")).build().unwrap();
    let error = || Error::new(ErrorKind::Denied, "e-mail not confirmed").with_code("email_unconfirmed");
    let (rendered, plain) = (gate.clone(), async move || Err::<(), _>(Rejection::from(error())));
    let app: Router = Router::new()
        .route("/plain", get(plain))
        .route("/rendered", get(async move || Err::<(), _>(Rejection::new(&rendered, error()))))
        .with_state(gate);
    let log = Log::listen();
    let answer = get_as(&app, "/plain", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (403, r#"{"code":"email_unconfirmed","status":403,"title":"Forbidden"}"#)
    );
    assert_eq!(get_as(&app, "/rendered", "").await.body, "rendered");
    assert_eq!(log.lines().len(), 2, "one event for each");
}

/// The log says why and the client does not; neither says who or shows the credential.
#[tokio::test]
async fn one_refusal_is_one_event() {
    let app = app(cast::gate());
    let log = Log::listen();
    for (path, who, level, words) in [
        ("/guard", "", "INFO", &["credential_missing"][..]),
        ("/guard", "broken", "INFO", &["invalid_token", "the name does not hold", "bearer header"]),
        ("/extract", "broken", "INFO", &["invalid_token", "the name does not hold", "bearer header"]),
        ("/p/42", "mallory", "INFO", &["not_a_member", "bearer header"]),
        ("/owned/hidden/42", "viewer", "INFO", &["role_required", "has the role `viewer` there"]),
        ("/hidden/42", "mallory", "INFO", &["not_found", "not_a_member"]),
        ("/p/13", "mallory", "WARN", &["unavailable", "the database is down"]),
        ("/wiring", "mallory", "ERROR", &["misconfigured", "`id`"]),
    ] {
        let answer = get_as(&app, path, who).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{path} as {who:?}: {lines:?}");
        assert!(
            lines[0].starts_with(level) && words.iter().all(|word| lines[0].contains(word)),
            "{words:?}: {lines:?}"
        );
        assert!(!lines[0].contains("mallory"), "{lines:?}");
        for secret in ["the name", "database", "param"] {
            assert!(!answer.body.contains(secret), "{answer:?}");
        }
    }
    get_as(&app, "/guard", "alice").await;
    assert!(log.lines().is_empty(), "who is let in makes no noise");
}
