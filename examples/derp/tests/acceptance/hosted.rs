//! The service with a hosted backend, on both frameworks, with an issuer that a test signs for.

use crate::service::{Answer, FRAMEWORKS, Framework, exchange, gate};
use portcullis::{
    Algorithm, HttpClient, HttpRequest, HttpResponse, Reply,
    accounts::Config,
    sqlx::SqliteStore,
    testing::{SigningKey, TestIssuer, TestToken},
};
use serde_json::Value;
use std::sync::{Arc, Mutex};

pub const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123";
pub const FRONTEND: &str = "https://clerk.example.com";
pub const APP: &str = "https://app.example.com";

pub const COGNITO: &str = "[auth.cognito]
user_pool_id = 'eu-central-1_AbCdEf123'
client_id = 'web'
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
    pub served: derp::Service,
    pub issuer: TestIssuer,
    pub keys: Keys,
}

impl Hosted {
    pub async fn new(settings: &str, issuer: &str) -> Self {
        let (issuer, keys) = (TestIssuer::with_algorithm(Algorithm::Rs256).named(issuer), Keys::default());
        keys.publish(&["1"]);
        let config = Config::parse(settings, |_| None).unwrap();
        let organizations = derp::organizations(&config, SqliteStore::in_memory().await.unwrap()).unwrap();
        let (gate, contexts) = gate(&config, None, &organizations, keys.clone()).unwrap();
        let gate = gate.clock(issuer.clock()).build().unwrap();
        Self { served: derp::Service { gate, organizations, contexts, accounts: None }, issuer, keys }
    }

    pub async fn cognito() -> Self {
        Self::new(COGNITO, POOL).await
    }

    pub async fn clerk() -> Self {
        Self::new(CLERK, FRONTEND).await
    }

    pub fn access(&self) -> TestToken<'_> {
        let token = self.issuer.token("u-1").without("aud").header("kid", "1").claim("client_id", "web");
        token.claim("token_use", "access").claim("origin_jti", "login-1").claim("jti", "token-1")
    }

    pub fn session(&self) -> TestToken<'_> {
        let token = self.issuer.token("user_1").without("aud").header("kid", "1").claim("sid", "sess_1");
        token.claim("azp", APP)
    }

    pub async fn send(
        &self,
        framework: Framework,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        exchange(framework, &self.served, method, path, headers, body).await
    }

    /// What both frameworks answer: the status, and the body if it is JSON.
    pub async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut answers = Vec::new();
        for framework in FRAMEWORKS {
            let answer = self.send(framework, ("GET", path), headers, &Value::Null).await;
            answers.push((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()));
        }
        assert_eq!(answers[0], answers[1], "axum and actix-web answer differently to {path}");
        answers.remove(0)
    }

    pub async fn me(&self, token: TestToken<'_>) -> (u16, Value) {
        self.ask("/me", &[("authorization", &format!("Bearer {}", token.sign()))]).await
    }

    pub async fn status(&self, path: &str, token: TestToken<'_>) -> u16 {
        self.ask(path, &[("authorization", &format!("Bearer {}", token.sign()))]).await.0
    }
}
