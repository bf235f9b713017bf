//! Nonces that a service gives to clients, without remembering them (RFC 9449, section 8).

use crate::{
    clock::whole_seconds,
    error::Error,
    secret::{SigningSecret, is_same_signature},
};
use std::time::SystemTime;

/// How far the clock of another process of the service may be ahead.
const AHEAD: u64 = 60;

/// Makes nonces and recognizes them: each is the time at which it was made, with a signature.
#[derive(Debug, Clone)]
pub(super) struct Nonces(SigningSecret);

impl Nonces {
    /// How long a nonce is accepted, in seconds.
    const LIFE: u64 = 300;

    pub(super) fn new(secret: &[u8]) -> Result<Self, Error> {
        SigningSecret::new(secret).map(Self)
    }

    pub(super) fn make(&self, now: SystemTime) -> String {
        self.made_at(whole_seconds(now))
    }

    fn made_at(&self, time: u64) -> String {
        let mac = self.0.sign(|mac| {
            mac.field("DPoP nonce");
            mac.field(&time.to_string());
        });
        format!("{time}.{}", mac.to_base64url())
    }

    /// Whether it was made here, and recently.
    pub(super) fn accepts(&self, nonce: &str, now: SystemTime) -> bool {
        let time = nonce.split_once('.').and_then(|(time, _)| time.parse::<u64>().ok());
        time.is_some_and(|time| {
            let now = whole_seconds(now);
            let is_recent = time <= now.saturating_add(AHEAD) && now <= time.saturating_add(Self::LIFE);
            is_recent && is_same_signature(&self.made_at(time), nonce)
        })
    }
}
