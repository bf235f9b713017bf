//! The requests that the original system was measured with, and what this one answers, the same on axum and on actix-web. Where it differs on purpose, the
//! README of the example says so.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use actix_web::test;
use axum::{body::Body, http::Request};
use dembrane::{on_actix, on_axum};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Error, Gate,
    directus::{Directus, SESSION_COOKIE},
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use tower::ServiceExt;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "the secret of the Directus instance in this test, long enough for HS512";

/// The claims of a good token of user `u1`.
fn good() -> Value {
    json!({
        "id": "u1", "role": "r1", "app_access": true, "admin_access": false,
        "iat": NOW, "exp": NOW + 900, "iss": "directus",
    })
}

/// The good claims with some changed; `null` leaves one out.
fn claims(changes: Value) -> Value {
    let (mut claims, Value::Object(changes)) = (good(), changes) else { panic!("changes are an object") };
    for (name, value) in changes {
        match (&mut claims, value) {
            (Value::Object(claims), Value::Null) => drop(claims.remove(&name)),
            (claims, value) => claims[name] = value,
        }
    }
    claims
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(algorithm, secret).unwrap_or_else(|error| panic!("{error}"));
    key.sign(&json!({ "alg": algorithm.name(), "typ": "JWT" }).to_string(), &claims.to_string())
}

/// A token with some claims changed.
fn token(changes: Value) -> String {
    signed(Algorithm::Hs256, SECRET, &claims(changes))
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

fn cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("{SESSION_COOKIE}={token}"))
}

struct Service {
    gate: Gate,
}

impl Service {
    fn new() -> Self {
        Self::with(directus(), SESSION_COOKIE)
    }

    fn with(directus: Directus, cookie: &str) -> Self {
        Self { gate: dembrane::gate(directus, cookie).unwrap_or_else(|error| panic!("{error}")) }
    }

    /// What both frameworks answer.
    async fn ask(&self, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
        let (axum, actix) = (self.ask_axum(path, headers).await, self.ask_actix(path, headers).await);
        assert_eq!(axum, actix, "axum and actix-web answer differently to {path}");
        let (status, has_challenge, body) = axum;
        assert!(!has_challenge, "no challenge for these clients");
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
    }

    async fn ask_axum(&self, path: &str, headers: &[(&str, String)]) -> (u16, bool, Vec<u8>) {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, value));
        let request = request.body(Body::empty()).unwrap_or_else(|error| panic!("{error}"));
        let answer = on_axum::app(self.gate.clone()).oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, has_challenge) = (answer.status().as_u16(), answer.headers().contains_key("www-authenticate"));
        let body = answer.into_body().collect().await.unwrap_or_else(|error| panic!("{error}"));
        (status, has_challenge, body.to_bytes().into())
    }

    async fn ask_actix(&self, path: &str, headers: &[(&str, String)]) -> (u16, bool, Vec<u8>) {
        let routes = on_actix::routes(&self.gate).into_config();
        let app = test::init_service(actix_web::App::new().configure(routes)).await;
        let request = headers.iter().fold(test::TestRequest::with_uri(path), |request, (name, value)| {
            request.append_header((*name, value.as_str()))
        });
        let answer = test::call_service(&app, request.to_request()).await;
        let (status, has_challenge) = (answer.status().as_u16(), answer.headers().contains_key("www-authenticate"));
        (status, has_challenge, test::read_body(answer).await.into())
    }

    /// `/me` names this user.
    #[track_caller]
    fn passes(&self, user: &str, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let (status, body) = self.ask("/api/v2/me", headers).await;
            assert_eq!((status, &body["user_id"]), (200, &json!(user)), "{at}: {body}");
        }
    }

    /// The original's one answer to everything that is wrong with a session.
    #[track_caller]
    fn refuses(&self, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.ask("/api/v2/me", headers).await;
            assert_eq!(answer, (401, json!({ "detail": "Invalid session" })), "{at}");
        }
    }
}

fn directus() -> Directus {
    Directus::new(SECRET).map(|directus| directus.clock(FixedClock::at(NOW))).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn sources_and_their_order() {
    let service = Service::new();
    let (t, u2) = (token(json!({})), token(json!({ "id": "u2" })));
    let expired = token(json!({ "exp": NOW - 1 }));
    service.refuses(&[]).await;
    service.passes("u1", &[bearer(&t)]).await;
    service.passes("u1", &[cookie(&t)]).await;
    // The first source that is present decides, and its failure is final.
    service.passes("u1", &[cookie(&t), bearer(&u2)]).await;
    service.refuses(&[cookie(&expired), bearer(&t)]).await;
    service.refuses(&[cookie("zzz"), bearer(&t)]).await;
    service.passes("u2", &[cookie(""), bearer(&u2)]).await;
    service.passes("u2", &[cookie("  "), bearer(&u2)]).await;
    service.passes("u2", &[cookie("\"  \""), bearer(&u2)]).await;
    service.passes("u1", &[cookie(&t), bearer("garbage")]).await;
    // Only these two places are looked at.
    let (status, _) = service.ask(&format!("/api/v2/me?access_token={t}"), &[]).await;
    assert_eq!(status, 401);
    service.refuses(&[("cookie", format!("directus_refresh_token={t}"))]).await;
}

#[tokio::test]
async fn the_bearer_header() {
    let service = Service::new();
    let t = token(json!({}));
    let header = |value: String| [("authorization", value)];
    // Differs: the original takes `Bearer` only.
    service.passes("u1", &header(format!("bearer {t}"))).await;
    service.passes("u1", &header(format!("BEARER {t}"))).await;
    service.passes("u1", &header(format!("Bearer   {t}"))).await;
    service.passes("u1", &header(format!("Bearer {t}  "))).await;
    service.refuses(&header("Bearer ".into())).await;
    service.refuses(&header("Basic abc".into())).await;
    service.refuses(&header(format!("Bearer\t{t}"))).await;
}

#[tokio::test]
async fn the_cookie_is_named_by_the_configuration() {
    let service = Service::with(directus(), "foo");
    let t = token(json!({}));
    service.passes("u1", &[("cookie", format!("foo={t}"))]).await;
    service.refuses(&[cookie(&t)]).await;
}

#[tokio::test]
async fn times() {
    let service = Service::new();
    let at = |changes: Value| [bearer(&token(changes))];
    service.refuses(&at(json!({ "exp": NOW - 1 }))).await;
    service.refuses(&at(json!({ "exp": NOW }))).await;
    service.passes("u1", &at(json!({ "exp": NOW + 1 }))).await;
    service.refuses(&at(json!({ "nbf": NOW + 500 }))).await;
    service.passes("u1", &at(json!({ "nbf": NOW }))).await;
    // Differ: the original needs no `exp` and does not look at `iat`.
    service.refuses(&at(json!({ "exp": null }))).await;
    service.refuses(&at(json!({ "iat": NOW + 5000 }))).await;
    service.passes("u1", &at(json!({ "iat": null }))).await;
}

#[tokio::test]
async fn issuer_and_audience() {
    let service = Service::new();
    // Differ: the original does not look at `iss`.
    service.refuses(&[bearer(&token(json!({ "iss": "other" })))]).await;
    service.refuses(&[bearer(&token(json!({ "iss": null })))]).await;
    service.refuses(&[bearer(&token(json!({ "aud": "x" })))]).await;
    service.passes("u1", &[bearer(&token(json!({})))]).await;
}

#[tokio::test]
async fn what_differs_can_be_loosened_by_name() -> Result<(), Error> {
    let any_issuer = Service::with(directus().dangerous_any_issuer(), SESSION_COOKIE);
    any_issuer.passes("u1", &[bearer(&token(json!({ "iss": "other" })))]).await;
    any_issuer.passes("u1", &[bearer(&token(json!({ "iss": null })))]).await;
    any_issuer.refuses(&[bearer(&token(json!({ "exp": null })))]).await;
    let no_expiry = Service::with(directus().dangerous_without_expiry(), SESSION_COOKIE);
    no_expiry.passes("u1", &[bearer(&token(json!({ "exp": null })))]).await;
    no_expiry.refuses(&[bearer(&token(json!({ "exp": NOW - 1 })))]).await;
    let future = Service::with(directus().dangerous_issued_in_future(), SESSION_COOKIE);
    future.passes("u1", &[bearer(&token(json!({ "iat": NOW + 5000 })))]).await;
    let audience = Service::with(directus().dangerous_any_audience()?, SESSION_COOKIE);
    audience.passes("u1", &[bearer(&token(json!({ "aud": "x" })))]).await;
    let hmac = Service::with(Directus::dangerous_any_hmac(SECRET)?.clock(FixedClock::at(NOW)), SESSION_COOKIE);
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        hmac.passes("u1", &[bearer(&signed(algorithm, SECRET, &good()))]).await;
    }
    Ok(())
}

#[tokio::test]
async fn algorithms_and_secrets() {
    let service = Service::new();
    service.refuses(&[bearer(&signed(Algorithm::Hs384, SECRET, &good()))]).await;
    service.refuses(&[bearer(&signed(Algorithm::Hs512, SECRET, &good()))]).await;
    let other = "the secret of another Directus instance, just as long as ours is";
    service.refuses(&[bearer(&signed(Algorithm::Hs256, other, &good()))]).await;
    let t = token(json!({}));
    let (_, rest) = t.split_once('.').unwrap_or_default();
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25FIn0"] {
        service.refuses(&[bearer(&format!("{none}.{rest}"))]).await;
        let (claims, _) = rest.split_once('.').unwrap_or_default();
        service.refuses(&[bearer(&format!("{none}.{claims}."))]).await;
    }
    // A secret that is empty or short does not even start.
    assert!(
        Directus::new("").is_err() && Directus::new("short").is_err() && Directus::dangerous_short_secret("").is_err()
    );
    assert!(Directus::new(SECRET).is_ok() && Directus::dangerous_short_secret("short").is_ok());
}

#[tokio::test]
async fn whom_a_token_names() {
    let service = Service::new();
    service.refuses(&[bearer(&token(json!({ "id": null })))]).await;
    let null = good().to_string().replace("\"u1\"", "null");
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap_or_else(|error| panic!("{error}"));
    service.refuses(&[bearer(&key.sign(r#"{"alg":"HS256"}"#, &null))]).await;
    service.passes("5", &[bearer(&token(json!({ "id": 5 })))]).await;
    service.refuses(&[bearer(&token(json!({ "id": "" })))]).await;
    service.refuses(&[bearer(&token(json!({ "id": ["u1"] })))]).await;
    // A share names no user; even with an `id` it is no user's token.
    let share = json!({ "id": null, "share": "s1", "role": null, "app_access": false });
    service.refuses(&[bearer(&token(share))]).await;
    service.refuses(&[bearer(&token(json!({ "share": "s1" })))]).await;
    // What Directus signs for invitations and password resets.
    let reset = json!({ "email": "a@example.com", "scope": "password-reset", "iss": "directus", "exp": NOW + 900 });
    service.refuses(&[bearer(&signed(Algorithm::Hs256, SECRET, &reset))]).await;
}

#[tokio::test]
async fn staff_is_a_flag_and_no_text() {
    let service = Service::new();
    let table = [
        (json!(true), true),
        (json!(1), true),
        (json!(null), false),
        (json!(0), false),
        (json!(false), false),
        // Differs: to the original every text that is not empty is true.
        (json!("false"), false),
        (json!("true"), false),
        (json!("1"), false),
        (json!(1.0), false),
        (json!([true]), false),
    ];
    for (flag, is_staff) in table {
        let headers = [cookie(&token(json!({ "admin_access": flag })))];
        let (status, body) = service.ask("/api/v2/me", &headers).await;
        assert_eq!((status, &body["is_admin"]), (200, &json!(is_staff)), "{flag}");
        let expected = if is_staff { (200, json!({ "users": 2 })) } else { (403, json!({ "detail": "Staff-only" })) };
        assert_eq!(service.ask("/api/v2/admin/stats", &headers).await, expected, "{flag}");
    }
    assert_eq!(service.ask("/api/v2/admin/stats", &[]).await.0, 401);
}

#[tokio::test]
async fn routes_that_ask_nobody_look_at_no_token() {
    let service = Service::new();
    for headers in [vec![], vec![cookie("zzz")], vec![bearer("zzz")], vec![cookie(&token(json!({})))]] {
        assert_eq!(service.ask("/api/participant/projects/p1", &headers).await, (200, json!("welcome")));
    }
    assert_eq!(service.ask("/api/nowhere", &[cookie("zzz")]).await, (404, json!({ "detail": "Not Found" })));
}

#[tokio::test]
async fn the_same_place_twice_is_refused() {
    let service = Service::new();
    let (a, b) = (token(json!({ "id": "a" })), token(json!({ "id": "b" })));
    // Differ: the original takes the first header and the last cookie.
    let twice = [bearer(&a), bearer(&b)];
    assert_eq!(service.ask("/api/v2/me", &twice).await, (400, json!({ "detail": "Invalid request" })));
    for cookies in
        [vec![cookie(&a), cookie(&b)], vec![("cookie", format!("{SESSION_COOKIE}={a}; {SESSION_COOKIE}={b}"))]]
    {
        assert_eq!(service.ask("/api/v2/me", &cookies).await, (400, json!({ "detail": "Invalid request" })));
    }
    service.passes("a", &[cookie(&a), ("cookie", "other=1".into())]).await;
}
