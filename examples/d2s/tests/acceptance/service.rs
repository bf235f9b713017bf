//! The service on both frameworks, with the rows of the example, and what is sent to it.

use actix_web::test;
use axum::{body::Body, http::Request};
pub use d2s::rows::*;
use d2s::{on_actix, on_axum, store::Store};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Gate,
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &str = "the SECRET_KEY of the service in this test";

pub type Header = (&'static str, String);

/// A good access token of somebody.
pub fn token(who: Uuid) -> String {
    signed(SECRET, &json!({ "sub": who, "type": "access", "exp": NOW + 900 }))
}

pub fn signed(secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(Algorithm::Hs256, secret).unwrap_or_else(|error| panic!("{error}"));
    key.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

/// The cookie as the service sets it: quoted, since there is a space in it.
pub fn cookie(token: &str) -> Header {
    ("cookie", format!(r#"access_token="Bearer {token}""#))
}

pub fn bearer(token: &str) -> Header {
    ("authorization", format!("Bearer {token}"))
}

pub fn by(who: Uuid) -> Vec<Header> {
    vec![bearer(&token(who))]
}

pub fn key(key: &str) -> Vec<Header> {
    vec![("x-api-key", key.to_owned())]
}

pub fn project(id: impl ToString) -> String {
    format!("/api/v1/projects/{}", id.to_string())
}

pub fn flight(project_id: Uuid, id: Uuid) -> String {
    format!("{}/flights/{id}", project(project_id))
}

pub fn product(flight_id: Uuid, id: Uuid) -> String {
    format!("{}/data_products/{id}", flight(PROJECT, flight_id))
}

/// What both frameworks answer, and what the database was asked for it.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub selects: Vec<&'static str>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }
}

pub struct Service {
    pub store: Store,
    pub gate: Gate,
}

impl Service {
    pub fn new() -> Self {
        let store = store();
        let tokens = d2s::tokens(SECRET).map(|tokens| tokens.clock(FixedClock::at(NOW)));
        let gate = tokens.and_then(|tokens| d2s::gate(tokens, &store));
        Self { gate: gate.unwrap_or_else(|error| panic!("{error}")), store }
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[Header], body: &Value) -> Answer {
        let axum = self.ask_axum(method, path, headers, body).await;
        let actix = self.ask_actix(method, path, headers, body).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {method} {path}");
        axum
    }

    async fn ask_axum(&self, method: &str, path: &str, headers: &[Header], body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(Body::from(body.to_string())).unwrap_or_else(|error| panic!("{error}"));
        let answer = on_axum::app(self.gate.clone()).oneshot(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let told = ["cache-control", "www-authenticate"].map(|name| (name, head.headers.get(name)));
        let told = told.into_iter().filter_map(|(name, value)| Some((name, value?.to_str().ok()?)));
        let headers = told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = body.collect().await.unwrap_or_else(|error| panic!("{error}")).to_bytes().into();
        Answer { status: head.status.as_u16(), headers, body, selects: self.selects() }
    }

    async fn ask_actix(&self, method: &str, path: &str, headers: &[Header], body: &Value) -> Answer {
        let routes = on_actix::routes(&self.gate).into_config();
        let app = test::init_service(actix_web::App::new().configure(routes)).await;
        let method = method.parse().unwrap_or_else(|error| panic!("{error}"));
        let request = test::TestRequest::with_uri(path).method(method).set_json(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.append_header((*name, value.as_str())));
        let answer = test::call_service(&app, request.to_request()).await;
        let told = ["cache-control", "www-authenticate"].map(|name| (name, answer.headers().get(name)));
        let told = told.into_iter().filter_map(|(name, value)| Some((name, value?.to_str().ok()?)));
        let headers = told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let status = answer.status().as_u16();
        Answer { status, headers, body: test::read_body(answer).await.into(), selects: self.selects() }
    }

    fn selects(&self) -> Vec<&'static str> {
        self.store.with(|tables| std::mem::take(&mut tables.selects))
    }

    /// The request is answered with this status and, if it is refused, with this detail.
    #[track_caller]
    pub fn answers(
        &self,
        method: &str,
        path: impl AsRef<str>,
        headers: &[Header],
        status: u16,
        detail: &str,
    ) -> impl Future<Output = Answer> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.ask(method, path.as_ref(), headers, &Value::Null).await;
            let found = answer.json();
            let found = found["detail"].as_str().unwrap_or_default();
            assert_eq!((answer.status, found), (status, detail), "{at}: {method} {}", path.as_ref());
            answer
        }
    }

    /// The request gets through.
    #[track_caller]
    pub fn passes(&self, method: &str, path: impl AsRef<str>, headers: &[Header]) -> impl Future<Output = Answer> {
        self.answers(method, path, headers, 200, "")
    }
}
