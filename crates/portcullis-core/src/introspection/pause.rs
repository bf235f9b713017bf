//! When an issuer is left alone, because it asked for that or because it fails.

use super::recent::Key;
use crate::{backoff::Backoff, error::Error};
use std::time::{Duration, SystemTime};

/// For how long nobody asks, because the issuer said so (`Retry-After`; RFC 9110, section 10.2.3).
#[derive(Debug)]
pub(super) struct Pause {
    since: SystemTime,
    time: Duration,
    failure: Error,
}

impl Pause {
    /// The pause after this failure, if the issuer said how long.
    pub(super) fn after(failure: &Error, since: SystemTime) -> Option<Self> {
        Some(Self { since, time: failure.retry_after()?, failure: failure.clone() })
    }

    /// What whoever would have to ask is answered instead, with what is left of the time. Nothing where the clock was set back.
    pub(super) fn refusal(&self, now: SystemTime) -> Option<Error> {
        let left = self.time.checked_sub(now.duration_since(self.since).ok()?).filter(|left| !left.is_zero())?;
        Some(self.failure.clone().with_retry_after(left))
    }
}

/// Failures in a row of an issuer that does not say for how long, with no answer between them.
///
/// What fails may be the issuer, or be due to the token that it is asked about. One token alone makes only itself wait. Made-up
/// tokens, however many, do not make those wait that held before.
#[derive(Debug)]
pub(super) struct Outage {
    failure: Error,
    /// The token, as long as it is the only one.
    only: Option<Key>,
    /// For tokens that held before.
    good: Backoff,
    others: Backoff,
}

impl Outage {
    /// With what is said to who has to wait.
    pub(super) fn new(key: Key, failure: Error) -> Self {
        Self { failure, only: Some(key), good: Backoff::default(), others: Backoff::default() }
    }

    /// One more failure, of a token that held before or of another one. What fails in a pause was asked before it.
    pub(super) fn note(&mut self, key: Key, held: bool, now: SystemTime) {
        self.only = self.only.filter(|only| *only == key);
        for backoff in [Some(&mut self.others), held.then_some(&mut self.good)].into_iter().flatten() {
            if backoff.pause(now).is_none() {
                backoff.fail(now);
            }
        }
    }

    pub(super) fn is_recent(&self, now: SystemTime) -> bool {
        self.others.is_recent(now)
    }

    /// What is answered instead of asking about this token.
    pub(super) fn refusal(&self, key: &Key, held: bool, now: SystemTime) -> Option<Error> {
        let left = if held { &self.good } else { &self.others }.pause(now);
        let left = left.filter(|_| self.only.is_none_or(|only| only == *key))?;
        Some(self.failure.clone().with_retry_after(left))
    }
}
