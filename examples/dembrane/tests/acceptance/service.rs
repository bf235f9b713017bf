//! The service on both frameworks, and the tokens to present to it.

use actix_web::test;
use axum::{body::Body, http::Request};
use dembrane::{on_actix, on_axum};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Gate, Verifier,
    directus::{Directus, SESSION_COOKIE},
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use tower::ServiceExt;

pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &str = "the secret of the Directus instance in this test, long enough for HS512";

/// The claims of a good token of user `u1`.
pub fn good() -> Value {
    json!({
        "id": "u1", "role": "r1", "app_access": true, "admin_access": false,
        "iat": NOW, "exp": NOW + 900, "iss": "directus",
    })
}

/// The good claims with some changed; `null` leaves one out.
pub fn claims(changes: Value) -> Value {
    let (mut claims, Value::Object(changes)) = (good(), changes) else { panic!("changes are an object") };
    for (name, value) in changes {
        match (&mut claims, value) {
            (Value::Object(claims), Value::Null) => drop(claims.remove(&name)),
            (claims, value) => claims[name] = value,
        }
    }
    claims
}

pub fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(algorithm, secret).unwrap_or_else(|error| panic!("{error}"));
    key.sign(&json!({ "alg": algorithm.name(), "typ": "JWT" }).to_string(), &claims.to_string())
}

/// A token with some claims changed.
pub fn token(changes: Value) -> String {
    signed(Algorithm::Hs256, SECRET, &claims(changes))
}

pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub fn cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("{SESSION_COOKIE}={token}"))
}

pub struct Service {
    gate: Gate,
}

impl Service {
    pub fn new() -> Self {
        Self::with(directus(), SESSION_COOKIE)
    }

    pub fn with(directus: impl Into<Verifier>, cookie: &str) -> Self {
        Self { gate: dembrane::gate(directus, cookie).unwrap_or_else(|error| panic!("{error}")) }
    }

    /// What both frameworks answer.
    pub async fn ask(&self, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
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
    pub fn passes(&self, user: &str, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let (status, body) = self.ask("/api/v2/me", headers).await;
            assert_eq!((status, &body["user_id"]), (200, &json!(user)), "{at}: {body}");
        }
    }

    /// The original's one answer to everything that is wrong with a session.
    #[track_caller]
    pub fn refuses(&self, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.ask("/api/v2/me", headers).await;
            assert_eq!(answer, (401, json!({ "detail": "Invalid session" })), "{at}");
        }
    }
}

pub fn directus() -> Directus {
    Directus::new(SECRET).map(|directus| directus.clock(FixedClock::at(NOW))).unwrap_or_else(|error| panic!("{error}"))
}
