//! A browser: it keeps cookies, and says where its pages are from.

use crate::service::*;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis::{
    accounts::{Mail, testing::Mailbox},
    testing::FixedClock,
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(86_400);

/// The claims of a token of the service.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&payload).unwrap_or_else(|error| panic!("{error}"))
}

pub struct Browser {
    pub service: Service,
    on: On,
    /// As the service sets them, quotes included.
    pub cookies: BTreeMap<String, String>,
    pub site: &'static str,
}

impl Browser {
    /// A service of its own, with accounts in a database.
    pub async fn new(on: On) -> Self {
        Self { service: Service::with_database().await, on, cookies: BTreeMap::new(), site: "same-origin" }
    }

    pub fn clock(&self) -> &FixedClock {
        &self.service.clock
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send("POST", path, &body).await
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = vec![("sec-fetch-site", self.site.to_owned())];
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.join("; ")));
        }
        let kind = "application/x-www-form-urlencoded";
        let answer = self.service.send(self.on, method, path, &headers, kind, body).await;
        for cookie in answer.header("set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap_or_default();
            let (value, attributes) = rest.split_once(';').unwrap_or_default();
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/access-token", &[("username", email), ("password", password)]).await
    }

    pub async fn refresh(&mut self) -> Answer {
        self.post("/api/v1/auth/refresh-token", &[]).await
    }

    /// The token in a cookie.
    pub fn token(&self, cookie: &str) -> String {
        let value = self.cookies.get(cookie).map(|value| value.trim_matches('"'));
        value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
    }

    /// Puts a token into the refresh cookie.
    pub fn present(&mut self, token: &str) {
        self.cookies.insert("refresh_token".to_owned(), format!("\"Bearer {token}\""));
    }

    /// The token of the latest mail to this address whose link leads to this page.
    pub fn mailed(&self, to: &str, page: &str) -> String {
        let page = format!("https://d2s.example.com/auth/{page}#token=");
        let leads_there = |mail: &Mail| mail.link.as_ref().is_some_and(|link| link.starts_with(&page));
        let mail = self.service.mailbox.mails().into_iter().rfind(|mail| mail.to.as_str() == to && leads_there(mail));
        let token = mail.as_ref().and_then(Mailbox::token_of);
        token.unwrap_or_else(|| panic!("no mail to {to}")).expose().to_owned()
    }
}
