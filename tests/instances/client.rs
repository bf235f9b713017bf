//! A client of the instances.

use crate::Anyhow;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

pub const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
pub struct Client(reqwest::Client);

/// What a sign-in or a refresh answers.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Client {
    pub fn new() -> Self {
        Self(reqwest::Client::new())
    }

    pub async fn post(&self, origin: &str, path: &str, body: &Value) -> Anyhow<(u16, Value)> {
        let request = self.0.post(format!("{origin}/auth/{path}")).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? }))
    }

    /// The status of a request with this access token.
    pub async fn orders(&self, origin: &str, access: &str) -> Anyhow<u16> {
        Ok(self.0.get(format!("{origin}/orders")).bearer_auth(access).send().await?.status().as_u16())
    }

    /// Somebody new, signed in.
    pub async fn sign_up(&self, origin: &str) -> Anyhow<(String, Tokens)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let email = format!("user-{}@example.com", COUNT.fetch_add(1, Ordering::Relaxed));
        let answer = self.post(origin, "sign-up", &json!({ "email": email, "password": PASSWORD })).await?;
        Ok((email, tokens(&answer)?))
    }

    pub async fn sign_in(&self, origin: &str, email: &str, password: &str) -> Anyhow<u16> {
        Ok(self.post(origin, "sign-in", &json!({ "email": email, "password": password })).await?.0)
    }

    pub async fn refresh(&self, origin: &str, refresh: &str) -> Anyhow<Tokens> {
        tokens(&self.post(origin, "refresh", &json!({ "refresh_token": refresh })).await?)
    }
}

fn tokens((status, body): &(u16, Value)) -> Anyhow<Tokens> {
    let member = |name: &str| body[name].as_str().map(str::to_owned);
    match (status, member("access_token"), member("refresh_token")) {
        (200, Some(access), Some(refresh)) => Ok(Tokens { access, refresh }),
        _ => Err(format!("{status} {}", body["code"]).into()),
    }
}
