//! What nobody may see in logs, errors, `Debug` and answers.

use crate::{
    log::{listen, log},
    request::{Answer, Request},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Members of answers that are secret.
const SECRETS: [&str; 5] = ["access_token", "refresh_token", "second_factor", "secret", "uri"];

/// Secrets that were sent and received. Each is searched for in whatever must not contain one.
pub struct Secrets {
    texts: BTreeSet<String>,
    /// Where the log was when there was none yet.
    start: usize,
}

impl Secrets {
    /// Shorter texts are part of other words.
    const MIN: usize = 8;

    /// None yet. From here on, everything is logged.
    pub fn new() -> Self {
        Self { texts: BTreeSet::new(), start: listen() }
    }

    pub fn add(&mut self, secret: &str) {
        if secret.len() >= Self::MIN {
            self.texts.insert(secret.to_owned());
        }
    }

    /// Passwords, tokens and addresses of a request.
    pub fn add_of_request(&mut self, request: &Request) {
        if let Ok(Value::Object(members)) = serde_json::from_slice(&request.body) {
            for name in ["email", "password", "old", "new", "token", "refresh_token"] {
                members.get(name).and_then(Value::as_str).into_iter().for_each(|secret| self.add(secret));
            }
        }
        for (name, value) in &request.headers {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            match &**name {
                "authorization" => value.split(' ').skip(1).for_each(|secret| self.add(secret)),
                "cookie" => value.split(';').for_each(|pair| self.add_cookie(pair)),
                _ => {}
            }
        }
    }

    /// Tokens of an answer.
    pub fn add_of_answer(&mut self, answer: &Answer) {
        for name in SECRETS {
            answer.json().get(name).and_then(Value::as_str).into_iter().for_each(|secret| self.add(secret));
        }
        let codes = answer.json().get("recovery_codes").and_then(Value::as_array).cloned();
        codes.iter().flatten().filter_map(Value::as_str).for_each(|code| self.add(code));
        for cookie in answer.all("set-cookie") {
            self.add_cookie(cookie.split(';').next().unwrap_or_default());
        }
    }

    fn add_cookie(&mut self, pair: &str) {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        self.add(value.trim_matches('"').trim_start_matches("Bearer "));
    }

    #[track_caller]
    pub fn assert_not_in(&self, what: &str, text: &str) {
        for secret in &self.texts {
            assert!(!text.contains(secret), "{what} contains {secret}: {text}");
        }
    }

    /// Asserts that an answer contains a secret only where it has to.
    #[track_caller]
    pub fn assert_not_in_answer(&self, what: &str, answer: &Answer) {
        let mut body = answer.json();
        if answer.status < 400 {
            for name in SECRETS.into_iter().chain(["recovery_codes"]) {
                body.as_object_mut().and_then(|body| body.remove(name));
            }
            let invitations = body.get_mut("invitations").and_then(Value::as_array_mut);
            for invitation in invitations.into_iter().flatten().filter_map(Value::as_object_mut) {
                invitation.remove("email");
            }
            if let Some(user) = body.get_mut("user").and_then(Value::as_object_mut) {
                user.remove("email");
            }
        }
        let body = if body.is_null() { answer.body.clone() } else { body.to_string() };
        self.assert_not_in(what, &body);
        for (name, value) in answer.headers.iter().filter(|(name, _)| name != "set-cookie" || answer.status >= 400) {
            self.assert_not_in(what, &format!("{name}: {value}"));
        }
    }

    /// Asserts that the log of this process since then, also that of other tests, contains none of them.
    #[track_caller]
    pub fn assert_not_logged(&self) {
        let log = log();
        let log = &log[self.start..];
        for secret in &self.texts {
            let line = || log.lines().find(|line| line.contains(secret));
            assert!(!log.contains(secret), "the log contains {secret}: {:?}", line());
        }
    }
}
