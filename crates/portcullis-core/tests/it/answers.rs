//! What a refused client is told, and what not.

use crate::{
    asking::{Data, Members, decide, shared},
    head::Head,
};
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Principal, Refusal, RoleHierarchy, Scheme,
    Verifier,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const PRIVATE: &str = "a detail for the log alone";

/// Whoever says one of these words gets this error.
#[derive(Debug)]
struct Words;

impl Authenticator for Words {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let error = |kind| Error::new(kind, PRIVATE).with_cause(std::io::Error::other(PRIVATE));
        Err(match credential.expose() {
            "busy" => error(ErrorKind::Unavailable).with_retry_after(Duration::from_secs(30)),
            "brief" => error(ErrorKind::Unavailable).with_retry_after(Duration::from_millis(1)),
            "fraction" => error(ErrorKind::Unavailable).with_retry_after(Duration::from_millis(1500)),
            "down" => error(ErrorKind::Unavailable),
            "mistake" => error(ErrorKind::Misconfigured).with_code("the-secret-is-not-set"),
            "unconfirmed" => error(ErrorKind::Denied).with_code("email_unconfirmed"),
            _ => error(ErrorKind::Unrecognized),
        })
    }
}

fn gate(issuer: &TestIssuer, parts: fn(GateBuilder) -> GateBuilder) -> Gate {
    let scheme = |verifier: Verifier| Scheme::new(verifier).cookie("session").bearer().query("token").header("x-key");
    let builder = Gate::builder().scheme(scheme(issuer.verifier().into())).scheme(scheme(Words.into()));
    let roles = RoleHierarchy::ranked(["viewer"]).unwrap();
    parts(builder.reject_conflicts().roles(roles)).build().unwrap()
}

async fn answer(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Refusal {
    let who = gate.establish(head).await;
    gate.refuse(&decide(gate, &who, policy, head).await.unwrap_err())
}

fn header<'a>(refusal: &'a Refusal, name: &str) -> Option<&'a str> {
    refusal.headers().find(|(found, _)| *found == name).map(|(_, value)| value)
}

const INVALID: &str = "error=\"invalid_token\", error_description=\"the token is not valid\"";
const EXPIRED: &str = "error=\"invalid_token\", error_description=\"the token has expired\"";
const REQUEST: &str = "error=\"invalid_request\"";

/// What is asked by whom, the status, the challenge but for the scheme and the realm, and the code.
type Situation = (&'static str, Arc<dyn Policy>, Head, u16, Option<&'static str>, &'static str);

fn situations(issuer: &TestIssuer) -> Vec<Situation> {
    let token = issuer.token("alice").scope("read").sign();
    let alice = || Head::new().bearer(&token);
    let authorization = |value: &str| Head::of(&[("authorization", value)]);
    let (head, body) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}{}", if body.starts_with('A') { 'B' } else { 'A' }, &body[1..]);
    let elsewhere = TestIssuer::new().named("https://other.test").token("alice").sign();
    let expired = issuer.token("alice").expired_for(Duration::from_secs(3600)).sign();
    let who = || -> Arc<dyn Policy> { shared(authenticated()) };
    let on_project = || role("viewer").on("project", query("id"));
    vec![
        ("nothing", who(), Head::new(), 401, Some(""), "credential_missing"),
        ("an empty cookie", who(), Head::of(&[("cookie", "session=")]), 401, Some(""), "credential_missing"),
        ("another scheme", who(), authorization("Basic eA=="), 401, Some(""), "credential_missing"),
        ("no token", who(), authorization("Bearer"), 401, Some(INVALID), "invalid_token"),
        ("two words", who(), authorization("Bearer a b"), 401, Some(INVALID), "invalid_token"),
        ("no JWT", who(), authorization("Bearer abc"), 401, Some(INVALID), "invalid_token"),
        ("forged", who(), Head::new().bearer(&forged), 401, Some(INVALID), "invalid_token"),
        ("another issuer", who(), Head::new().bearer(&elsewhere), 401, Some(INVALID), "invalid_token"),
        ("expired", who(), Head::new().bearer(&expired), 401, Some(EXPIRED), "token_expired"),
        ("two headers", who(), alice().bearer(&token), 400, Some(REQUEST), "invalid_request"),
        ("two cookies", who(), Head::of(&[("cookie", "session=a; session=b")]), 400, Some(REQUEST), "invalid_request"),
        ("two parameters", who(), Head::new().query("token=a&token=b"), 400, Some(REQUEST), "invalid_request"),
        ("header and address", who(), alice().query("token=a"), 400, Some(REQUEST), "invalid_request"),
        ("sources disagree", who(), alice().header("x-key", "other"), 400, Some(REQUEST), "conflicting_credentials"),
        ("not allowed", shared(staff()), alice(), 403, None, "staff_required"),
        ("no permission", shared(permission("kb:read")), alice(), 403, None, "permission_required"),
        (
            "scope",
            shared(scope("write")),
            alice(),
            403,
            Some("error=\"insufficient_scope\", scope=\"write\""),
            "insufficient_scope",
        ),
        ("not by its scope", shared(all((scope("read"), staff()))), alice(), 403, None, "staff_required"),
        ("a code of one's own", who(), Head::new().bearer("unconfirmed"), 403, None, "email_unconfirmed"),
        ("hidden", shared(hidden(staff())), alice(), 404, None, ""),
        ("hidden scope", shared(hidden(scope("write"))), alice(), 404, None, ""),
        // A hidden route still asks who is there before it hides.
        ("hidden from nobody", shared(hidden(staff())), Head::new(), 401, Some(""), "credential_missing"),
        ("a store that is down", shared(on_project()), alice().query("id=1"), 503, None, "unavailable"),
        (
            "hidden, a store that is down",
            shared(on_project().hidden()),
            alice().query("id=1"),
            503,
            None,
            "unavailable",
        ),
        ("an issuer that is down", who(), Head::new().bearer("down"), 503, None, "unavailable"),
        ("no such parameter", shared(on_project()), alice(), 400, None, "parameter_missing"),
        (
            "an unreadable parameter",
            shared(role("viewer").on("project", path("id"))),
            alice().param("id", "%"),
            400,
            Some(REQUEST),
            "invalid_request",
        ),
        ("a guard on the wrong route", shared(role("viewer").on("project", path("id"))), alice(), 500, None, ""),
        ("a mistake with a name", who(), Head::new().bearer("mistake"), 500, None, ""),
    ]
}

#[tokio::test]
async fn every_situation_has_its_answer() {
    let issuer = TestIssuer::new();
    let plain = gate(&issuer, |builder| builder.members(&Data::down()));
    let named = gate(&issuer, |builder| builder.members(&Data::down()).realm("My app"));
    for (what, policy, head, status, challenge, code) in situations(&issuer) {
        for (gate, realm) in [(&plain, ""), (&named, "realm=\"My app\"")] {
            let refusal = answer(gate, policy.clone(), &head).await;
            assert_eq!(refusal.status(), status, "{what}");
            let expected = challenge.map(|challenge| {
                let parts: Vec<&str> = [realm, challenge].into_iter().filter(|part| !part.is_empty()).collect();
                format!("Bearer {}", parts.join(", ")).trim_end().to_owned()
            });
            assert_eq!(header(&refusal, "www-authenticate"), expected.as_deref(), "{what}");
            assert_eq!(header(&refusal, "cache-control"), Some("no-store"), "{what}");
            if status == 404 {
                assert_eq!(refusal, Refusal::new(404), "{what}");
                continue;
            }
            let title = match status {
                400 => "Bad Request",
                401 => "Unauthorized",
                403 => "Forbidden",
                500 => "Internal Server Error",
                _ => "Service Unavailable",
            };
            let body: Value = serde_json::from_slice(refusal.body()).unwrap();
            let mut expected = json!({ "title": title, "status": status });
            if !code.is_empty() {
                expected["code"] = code.into();
            }
            assert_eq!(body, expected, "{what}");
            assert_eq!(header(&refusal, "content-type"), Some("application/problem+json"), "{what}");
            let known = ["cache-control", "www-authenticate", "content-type"];
            let extra = refusal.headers().filter(|(name, _)| !known.contains(name)).count();
            assert_eq!(extra, 0, "{what}");
            assert!(
                !format!("{refusal:?}").contains("detail") && refusal.clone().into_parts().1 == refusal.body(),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn the_client_is_told_when_to_come_back() {
    let gate = gate(&TestIssuer::new(), |builder| builder);
    for (word, after) in
        [("busy", Some("30")), ("brief", Some("1")), ("fraction", Some("2")), ("down", None), ("other", None)]
    {
        let refusal = answer(&gate, authenticated(), &Head::new().bearer(word)).await;
        assert_eq!(header(&refusal, "retry-after"), after, "{word}");
    }
}

#[tokio::test]
async fn a_renderer_has_the_last_word() {
    let issuer = TestIssuer::new();
    let render = |error: &Error, default: Refusal| match error.kind() {
        ErrorKind::Hidden => default.with_body("text/html", "<h1>Nothing here</h1>"),
        ErrorKind::Missing => Refusal::new(302).with_header("location", "/login"),
        _ => default.with_body("application/json", format!("{{\"error\":\"{}\"}}", error.code())),
    };
    let plain = gate(&issuer, |builder| builder);
    let gate = plain_with(&issuer, render);
    let alice = Head::new().bearer(&issuer.token("alice").sign());

    let login = answer(&gate, authenticated(), &Head::new()).await;
    assert_eq!(
        (login.status(), login.headers().collect::<Vec<_>>(), login.body()),
        (302, vec![("cache-control", "no-store"), ("location", "/login")], &b""[..])
    );
    let denied = answer(&gate, scope("write"), &alice).await;
    let challenge = header(&denied, "www-authenticate");
    assert_eq!(challenge, Some("Bearer error=\"insufficient_scope\", scope=\"write\""));
    assert_eq!(header(&denied, "content-type"), Some("application/json"));
    assert_eq!((denied.status(), denied.body()), (403, &b"{\"error\":\"insufficient_scope\"}"[..]));
    // A hidden denial and an unknown path are one answer.
    let hidden_one = answer(&gate, hidden(staff()), &alice).await;
    assert_eq!(hidden_one.body(), b"<h1>Nothing here</h1>");
    assert_eq!(gate.not_found(), hidden_one);
    assert_eq!(plain.not_found(), Refusal::new(404));
}

/// What a renderer makes anew says it too, unless it says something else.
#[tokio::test]
async fn refusals_are_kept_by_no_cache() {
    let issuer = TestIssuer::new();
    for (render, expected) in [
        ((|error, _| Refusal::new(error.status())) as fn(&Error, Refusal) -> Refusal, Some("no-store")),
        (|_, default| default.with_status(200).with_body("text/plain", "no"), Some("no-store")),
        (|_, default| default.with_header("Cache-Control", "private, max-age=5"), Some("private, max-age=5")),
        (|_, default| default.without_header("Cache-Control"), None),
    ] {
        let gate = plain_with(&issuer, render);
        for policy in [shared(authenticated()), shared(staff()), shared(hidden(staff()))] {
            let refusal = answer(&gate, policy, &Head::new().bearer("opaque")).await;
            let told: Vec<_> =
                refusal.headers().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control")).collect();
            assert_eq!(told.iter().map(|(_, value)| *value).collect::<Vec<_>>(), Vec::from_iter(expected));
        }
        let found = gate.not_found();
        let told = found.headers().find(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
        assert_eq!(told.map(|(_, value)| value), expected);
    }
    assert_eq!(header(&Error::new(ErrorKind::Denied, "no").refuse(), "cache-control"), Some("no-store"));
}

/// What looks like a token that is missing is a layer at the wrong place.
#[tokio::test]
async fn a_preflight_without_a_credential_names_cors() {
    let gate = gate(&TestIssuer::new(), |builder| builder);
    let method = |method| Head::of(&[("access-control-request-method", "POST")]).method(method);
    for (head, names_it) in [
        (method("OPTIONS"), true),
        (method("OPTIONS").header("origin", "https://app.example.com"), true),
        (method("POST"), false),
        (Head::new().method("OPTIONS"), false),
        (Head::of(&[("origin", "https://app.example.com")]).method("OPTIONS"), false),
    ] {
        for policy in [shared(authenticated()), shared(hidden(staff()))] {
            let plan = gate.plan(policy).unwrap();
            let who = gate.establish_for(&plan, &head).await;
            let error = gate.authorize(&who, &plan, &head).await.unwrap_err();
            assert_eq!((error.kind(), gate.refuse(&error).status()), (ErrorKind::Missing, 401));
            assert_eq!(error.to_string().contains("CORS layer outside of the guard"), names_it, "{error}");
            assert_eq!(error.to_string().contains("the route reads: cookie `session`"), !names_it, "{error}");
        }
    }
    // One that does not hold is told as such.
    let error = gate.establish(&method("OPTIONS").bearer("opaque")).await.principal().unwrap_err();
    assert!(!error.to_string().contains("CORS"), "{error}");
}

fn plain_with(issuer: &TestIssuer, render: impl Fn(&Error, Refusal) -> Refusal + Send + Sync + 'static) -> Gate {
    Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).render(render).build().unwrap()
}

#[test]
fn headers_of_an_answer_are_there_once() {
    let refusal = Refusal::new(401).with_header("X-One", "1").with_header("x-two", "2").with_header("x-ONE", "3");
    let no_store = ("cache-control", "no-store");
    assert_eq!(refusal.headers().collect::<Vec<_>>(), [no_store, ("x-two", "2"), ("x-ONE", "3")]);
    let refusal =
        refusal.without_header("Cache-Control").without_header("X-TWO").without_header("x-none").with_status(403);
    assert_eq!((refusal.status(), refusal.headers().count()), (403, 1));
    let refusal =
        refusal.with_body("text/plain", "a").with_body("text/html", "b").with_header("Content-Type", "text/css");
    assert_eq!(refusal.headers().collect::<Vec<_>>(), [("x-ONE", "3"), ("Content-Type", "text/css")]);
    assert_eq!(refusal.body(), b"b");
}

#[test]
fn a_rejection_has_its_status_and_its_code() {
    let plain = plain_with(&TestIssuer::new(), |_, default| default);
    for (status, title) in [
        (400, Some("Bad Request")),
        (401, Some("Unauthorized")),
        (403, Some("Forbidden")),
        (404, Some("Not Found")),
        (409, Some("Conflict")),
        (413, Some("Content Too Large")),
        (415, Some("Unsupported Media Type")),
        (422, Some("Unprocessable Content")),
        (429, Some("Too Many Requests")),
        (418, None),
        (499, None),
    ] {
        let error = Error::rejected(status, "own").with_retry_after(Duration::from_millis(1500));
        assert_eq!((error.kind(), error.status(), error.code()), (ErrorKind::Rejected, status, "own"));
        let refusal = plain.refuse(&error);
        assert_eq!(refusal.status(), status);
        let mut expected = json!({ "status": status, "code": "own" });
        if let Some(title) = title {
            expected["title"] = title.into();
        }
        assert_eq!(serde_json::from_slice::<Value>(refusal.body()).unwrap(), expected);
        assert_eq!(header(&refusal, "content-type"), Some("application/problem+json"));
        assert_eq!(header(&refusal, "retry-after"), Some("2"));
        assert_eq!(header(&refusal, "www-authenticate"), (status == 401).then_some("Bearer"), "{status}");
        let challenge = error.challenge(Some("here"));
        assert_eq!(challenge.as_deref(), (status == 401).then_some("Bearer realm=\"here\""), "{status}");
    }
    for status in [0, 99, 200, 302, 399, 500, 503, u16::MAX] {
        let error = Error::rejected(status, "own").with_list("rules", ["a"]);
        assert_eq!((error.kind(), error.status()), (ErrorKind::Misconfigured, 500), "{status}");
        let text = error.to_string();
        assert!(text.contains("`own`") && text.contains(&status.to_string()), "the log says where: {text}");
        let body: Value = serde_json::from_slice(plain.refuse(&error).body()).unwrap();
        assert_eq!(body, json!({ "title": "Internal Server Error", "status": 500 }));
    }
}

#[test]
fn lists_are_members_of_the_body() {
    let error = Error::rejected(422, "rejected_password");
    let with = error
        .clone()
        .with_list("rules", ["before"])
        .with_list("rules", ["too_short", "\"quoted\"\n"])
        .with_list("fields", Vec::<String>::new());
    let expected = json!({
        "title": "Unprocessable Content", "status": 422, "code": "rejected_password",
        "rules": ["too_short", "\"quoted\"\n"], "fields": [],
    });
    assert_eq!(serde_json::from_slice::<Value>(with.refuse().body()).unwrap(), expected);
    assert_eq!(with.list("rules"), ["too_short", "\"quoted\"\n"]);
    assert!(with.list("fields").is_empty() && with.list("none").is_empty());
    assert!(error.list("rules").is_empty(), "a clone is a copy");
    for name in ["type", "title", "status", "detail", "instance", "code", "acr_values", "max_age", "explanation"] {
        let same = error.clone().with_list(name, ["own"]);
        assert_eq!((same.refuse(), same.list(name)), (error.refuse(), &[][..]), "{name}");
    }
    // Whatever has to be written with escapes.
    let odd = Error::denied("\"so\\\u{7f}\u{1}\u{e9}").with_list("a\"b\n", ["c"]);
    let expected = json!({ "title": "Forbidden", "status": 403, "code": "\"so\\\u{7f}\u{1}\u{e9}", "a\"b\n": ["c"] });
    assert_eq!(serde_json::from_slice::<Value>(odd.refuse().body()).unwrap(), expected);
    // Of other kinds too, where there is a body.
    let denied = Error::denied("over_quota").with_list("quotas", ["disk"]);
    let body = br#"{"code":"over_quota","quotas":["disk"],"status":403,"title":"Forbidden"}"#;
    assert_eq!(denied.refuse().body(), body);
    assert!(Error::missing("project").with_list("rules", ["a"]).refuse().body().is_empty());

    let gate = plain_with(&TestIssuer::new(), |error, default| {
        default.with_body("text/plain", format!("{:?} {}", error.kind(), error.list("rules").join(",")))
    });
    assert_eq!(gate.refuse(&error.with_list("rules", ["a", "b"])).body(), b"Rejected a,b");
}

#[test]
fn every_kind_has_one_status_and_one_code() {
    for (kind, status, code) in [
        (ErrorKind::Missing, 401, "credential_missing"),
        (ErrorKind::Malformed, 400, "invalid_request"),
        (ErrorKind::Unrecognized, 401, "invalid_token"),
        (ErrorKind::Invalid, 401, "invalid_token"),
        (ErrorKind::Expired, 401, "token_expired"),
        (ErrorKind::Denied, 403, "denied"),
        (ErrorKind::Hidden, 404, "not_found"),
        (ErrorKind::Rejected, 400, "rejected"),
        (ErrorKind::Unavailable, 503, "unavailable"),
        (ErrorKind::Misconfigured, 500, "misconfigured"),
    ] {
        let error = Error::new(kind, PRIVATE);
        assert_eq!((error.status(), error.code(), error.kind()), (status, code, kind));
        let own = error.clone().with_code("own").with_cause(std::io::Error::other("below"));
        assert_eq!((own.status(), own.code(), own.to_string().as_str()), (status, "own", PRIVATE));
        assert_eq!(std::error::Error::source(&own).unwrap().to_string(), "below");
        assert!(std::error::Error::source(&error).is_none() && error.code() == code, "a clone is a copy");
        let acting = plain_with(&TestIssuer::new(), |_, default| default).acting_as(acting_as("alice"));
        assert_eq!(acting.refuse(&error).status(), status);
        assert_eq!(error.refuse(), acting.refuse(&error));
    }
}
