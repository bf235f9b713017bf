//! The service on both frameworks, with a Directus that knows what a test tells it.

use actix_web::test;
use axum::{body::Body, http::Request};
use genie_helper::{directus, gate, on_actix, on_axum, people::People, sync_secret};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Error, ErrorKind, Gate, HttpClient, HttpRequest, HttpResponse, Reply,
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use tower::ServiceExt;

pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";
pub const OLD_SECRET: &str = "the-secret-before-it-of-this-test";

/// The header of a good token and these claims. Nobody here has the secret to verify it.
pub fn token(changes: Value) -> String {
    let mut claims = json!({ "id": "u1", "role": "r1", "iss": "directus", "iat": NOW, "exp": NOW + 900 });
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let key = SigningKey::secret(Algorithm::Hs256, "only Directus knows").unwrap_or_else(|error| panic!("{error}"));
    key.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub fn invalid() -> (u16, Value) {
    (401, json!({ "ok": false, "error": "Invalid or expired token" }))
}

/// What an instance answers about one token: `data` of `/users/me` in full, of `/policies/me/globals`, or a status.
#[derive(Debug, Clone)]
pub enum Known {
    As(Value, Value),
    Refused(u16, &'static str),
}

#[derive(Debug, Clone, Default)]
pub struct Instance(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub struct State {
    pub known: Vec<(String, Known)>,
    /// What it answers at other addresses, and what was sent there.
    pub answers: Vec<(&'static str, u16, Value)>,
    pub sent: Vec<(String, Value, Option<String>)>,
    pub is_down: bool,
    pub asked: usize,
}

impl Instance {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|error| panic!("{error}"))
    }

    /// A user as Directus 11 tells of it.
    pub fn knows(&self, token: &str, user: Value, globals: Value) {
        self.state().known.push((token.to_owned(), Known::As(user, globals)));
    }

    pub fn refuses(&self, token: &str, status: u16, code: &'static str) {
        self.state().known.push((token.to_owned(), Known::Refused(status, code)));
    }

    /// How often it was asked since the last call.
    pub fn take_asked(&self) -> usize {
        std::mem::take(&mut self.state().asked)
    }
}

impl HttpClient for Instance {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut state = self.state();
        state.asked += 1;
        let shown = |token: &str| request.headers().any(|(_, value)| value == format!("Bearer {token}"));
        let known = state.known.iter().find(|(token, _)| shown(token)).map(|(_, known)| known.clone());
        let is_down = state.is_down;
        let path = request.url().strip_prefix("https://directus.test").unwrap_or_default();
        if let Some((_, status, body)) = state.answers.iter().find(|(known, ..)| *known == path).cloned() {
            let sent = serde_json::from_str(request.body()).unwrap_or_default();
            let authorization = request.headers().find(|(name, _)| *name == "authorization");
            let authorization = authorization.map(|(_, value)| value.to_owned());
            state.sent.push((path.to_owned(), sent, authorization));
            let answer = HttpResponse::new(status, body.to_string());
            return reply.give(if is_down { Err(Error::new(ErrorKind::Unavailable, "down")) } else { Ok(answer) });
        }
        drop(state);
        let known = known.unwrap_or(Known::Refused(401, "INVALID_CREDENTIALS"));
        let (status, body) = match (known, request.url().strip_prefix("https://directus.test")) {
            (Known::Refused(status, code), _) => {
                (status, json!({ "errors": [{ "message": code, "extensions": { "code": code } }] }))
            }
            (Known::As(_, globals), Some("/policies/me/globals")) => (200, json!({ "data": globals })),
            (Known::As(user, _), Some(path)) => match path.strip_prefix("/users/me?fields=") {
                Some(fields) => {
                    let told = fields.split(',').filter_map(|name| Some((name.to_owned(), user.get(name)?.clone())));
                    // Of a share it tells that, whatever is asked.
                    let share = user.get("share").map(|share| ("share".to_owned(), share.clone()));
                    (200, json!({ "data": told.chain(share).collect::<serde_json::Map<_, _>>() }))
                }
                None => (404, Value::Null),
            },
            _ => (404, Value::Null),
        };
        reply.give(match is_down {
            true => Err(Error::new(ErrorKind::Unavailable, "connection refused")),
            false => Ok(HttpResponse::new(status, body.to_string())),
        });
    }
}

pub const ADMIN_TOKEN: &str = "the-static-token-of-the-administrator";
pub const ROLE: &str = "22222222-2222-4222-8222-222222222222";

pub struct Service {
    pub gate: Gate,
    pub people: People,
    pub instance: Instance,
}

impl Service {
    pub fn new() -> Self {
        Self::with_secrets(&[SECRET])
    }

    pub fn with_secrets(secrets: &[&str]) -> Self {
        let instance = Instance::default();
        let asking = directus("https://directus.test/", instance.clone()).unwrap_or_else(|error| panic!("{error}"));
        let sync = sync_secret(secrets.iter().copied()).unwrap_or_else(|error| panic!("{error}"));
        let gate = gate(asking.clock(FixedClock::at(NOW)), sync).unwrap_or_else(|error| panic!("{error}"));
        let people = People::new("https://directus.test", ADMIN_TOKEN, ROLE, instance.clone());
        Self { gate, people: people.unwrap_or_else(|error| panic!("{error}")), instance }
    }

    /// What both frameworks answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
        self.send(method, path, headers, &Value::Null).await
    }

    /// The same with a body.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: &Value) -> (u16, Value) {
        let axum = self.ask_axum(method, path, headers, body).await;
        let actix = self.ask_actix(method, path, headers, body).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {method} {path}");
        axum
    }

    async fn ask_axum(&self, method: &str, path: &str, headers: &[(&str, String)], body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = match body {
            Value::Null => request.body(Body::empty()),
            body => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        };
        let request = request.unwrap_or_else(|error| panic!("{error}"));
        let answer = on_axum::app(self.gate.clone(), self.people.clone())
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap_or_else(|error| panic!("{error}"));
        (status, serde_json::from_slice(&body.to_bytes()).unwrap_or_default())
    }

    async fn ask_actix(&self, method: &str, path: &str, headers: &[(&str, String)], body: &Value) -> (u16, Value) {
        let routes = on_actix::routes(&self.gate, &self.people).into_config();
        let app = test::init_service(actix_web::App::new().configure(routes)).await;
        let method = method.parse().unwrap_or_else(|error| panic!("{error}"));
        let request =
            headers.iter().fold(test::TestRequest::with_uri(path).method(method), |request, (name, value)| {
                request.append_header((*name, value.as_str()))
            });
        let request = if body.is_null() { request } else { request.set_json(body) };
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default())
    }

    /// Whether both refuse a body that is not what the route takes; axum says 422, and actix-web 400.
    pub async fn refuses_body(&self, what: &str, body: Value) -> bool {
        let path = format!("/api/auth/{what}");
        let axum = self.ask_axum("POST", &path, &[], &body).await.0;
        let actix = self.ask_actix("POST", &path, &[], &body).await.0;
        (axum, actix) == (422, 400)
    }

    /// A request of somebody who is not signed in.
    pub async fn auth(&self, what: &str, body: Value) -> (u16, Value) {
        self.send("POST", &format!("/api/auth/{what}"), &[], &body).await
    }

    pub async fn caption(&self, headers: &[(&str, String)]) -> (u16, Value) {
        self.ask("POST", "/api/captions/generate", headers).await
    }

    pub async fn stats(&self, headers: &[(&str, String)]) -> (u16, Value) {
        self.ask("GET", "/api/queue/stats", headers).await
    }
}
