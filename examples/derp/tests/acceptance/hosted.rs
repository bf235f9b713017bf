//! The service with a hosted backend, on both frameworks, with an issuer that a test signs for.

use actix_web::test;
use axum::{body::Body, http::Request};
use derp::{gate, on_actix, on_axum};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Gate, HttpClient, HttpRequest, HttpResponse, Reply,
    accounts::Config,
    testing::{SigningKey, TestIssuer, TestToken},
};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

pub const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123";
pub const FRONTEND: &str = "https://clerk.example.com";
pub const APP: &str = "https://app.example.com";

pub const COGNITO: &str = "[auth.cognito]
user_pool_id = 'eu-central-1_AbCdEf123'
client_id = 'web'
client_secret = 'the secret of the app client, from its page at Amazon'
default_role = 'default'
";

pub const CLERK: &str = "[auth.clerk]
publishable_key = 'pk_test_Y2xlcmsuZXhhbXBsZS5jb20k'
authorized_parties = ['https://app.example.com']
default_role = 'default'
";

/// The keys that an issuer publishes, by their ids, and how often it was asked.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<Mutex<(Vec<&'static str>, usize)>>);

impl Keys {
    pub fn publish(&self, ids: &[&'static str]) {
        self.0.lock().unwrap().0 = ids.to_vec();
    }

    pub fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl HttpClient for Keys {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        let key = SigningKey::embedded(Algorithm::Rs256);
        let keys: Vec<_> = state.0.iter().filter_map(|id| key.public_jwk(id)).collect();
        drop(state);
        let is_known = [POOL, FRONTEND].iter().any(|name| request.url() == format!("{name}/.well-known/jwks.json"));
        let answer = HttpResponse::new(200, format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
        reply.give(Ok(if is_known { answer } else { HttpResponse::new(404, "") }));
    }
}

pub struct Hosted {
    pub gate: Gate,
    pub issuer: TestIssuer,
    pub keys: Keys,
}

impl Hosted {
    pub fn new(settings: &str, issuer: &str) -> Self {
        let (issuer, keys) = (TestIssuer::with_algorithm(Algorithm::Rs256).named(issuer), Keys::default());
        keys.publish(&["1"]);
        let config = Config::parse(settings, |_| None).unwrap();
        let gate = gate(&config, None, keys.clone()).unwrap().clock(issuer.clock()).build().unwrap();
        Self { gate, issuer, keys }
    }

    pub fn cognito() -> Self {
        Self::new(COGNITO, POOL)
    }

    pub fn clerk() -> Self {
        Self::new(CLERK, FRONTEND)
    }

    pub fn access(&self) -> TestToken<'_> {
        let token = self.issuer.token("u-1").without("aud").header("kid", "1").claim("client_id", "web");
        token.claim("token_use", "access").claim("origin_jti", "login-1").claim("jti", "token-1")
    }

    pub fn session(&self) -> TestToken<'_> {
        let token = self.issuer.token("user_1").without("aud").header("kid", "1").claim("sid", "sess_1");
        token.claim("azp", APP)
    }

    /// What both frameworks answer: the status, and the body if it is JSON.
    pub async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let axum = self.ask_axum(path, headers).await;
        let actix = self.ask_actix(path, headers).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {path}");
        axum
    }

    async fn ask_axum(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let answer = on_axum::app(&self.gate, None).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask_actix(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let app = actix_web::App::new().configure(on_actix::routes(&self.gate, None).into_config());
        let app = test::init_service(app).await;
        let request = headers
            .iter()
            .fold(test::TestRequest::with_uri(path), |request, (name, value)| request.append_header((*name, *value)));
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default())
    }

    pub async fn me(&self, token: TestToken<'_>) -> (u16, Value) {
        self.ask("/me", &[("authorization", &format!("Bearer {}", token.sign()))]).await
    }

    pub async fn status(&self, path: &str, token: TestToken<'_>) -> u16 {
        self.ask(path, &[("authorization", &format!("Bearer {}", token.sign()))]).await.0
    }
}
