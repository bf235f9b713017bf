//! When an issuer is not asked, because it requested a pause or because it fails.

use super::recent_answers::Key;
use crate::{
    backoff::Backoff,
    error::Error,
    telemetry::{self, Upstream},
};
use std::time::{Duration, SystemTime};

/// A pause that the issuer requested (`Retry-After`; RFC 9110, section 10.2.3).
#[derive(Debug)]
pub(super) struct Pause {
    since: SystemTime,
    time: Duration,
    failure: Error,
}

impl Pause {
    /// The pause after this failure, if the issuer gave its length.
    pub(super) fn after(failure: &Error, since: SystemTime) -> Option<Self> {
        Some(Self { since, time: failure.retry_after()?, failure: failure.clone() })
    }

    /// The answer during the pause, with the time that is left. `None` if the clock was set back.
    pub(super) fn refusal(&self, now: SystemTime) -> Option<Error> {
        let left = self.time.checked_sub(now.duration_since(self.since).ok()?).filter(|left| !left.is_zero())?;
        Some(self.failure.clone().with_retry_after(left))
    }
}

/// Failures in a row, with no answer between them, of an issuer that requests no pause.
///
/// The cause may be the issuer, or the token that it is asked about. A single token only delays itself. Made-up tokens,
/// however many, do not delay those that were valid before.
#[derive(Debug)]
pub(super) struct Outage {
    failure: Error,
    /// The token, as long as it is the only one.
    only: Option<Key>,
    /// For tokens that were valid before.
    valid: Backoff,
    others: Backoff,
}

impl Outage {
    /// `failure` is the answer during the outage.
    pub(super) fn new(key: Key, failure: Error) -> Self {
        Self { failure, only: Some(key), valid: Backoff::default(), others: Backoff::default() }
    }

    /// Records another failure, of a token that was valid before or of another one. A failure during a pause was asked for
    /// before it.
    pub(super) fn note(&mut self, key: Key, was_valid: bool, now: SystemTime) {
        self.only = self.only.filter(|only| *only == key);
        if self.others.pause(now).is_none() {
            telemetry::pause(Upstream::Token);
        }
        for backoff in [Some(&mut self.others), was_valid.then_some(&mut self.valid)].into_iter().flatten() {
            if backoff.pause(now).is_none() {
                backoff.fail(now);
            }
        }
    }

    pub(super) fn is_recent(&self, now: SystemTime) -> bool {
        self.others.is_recent(now)
    }

    /// The answer instead of asking about this token.
    pub(super) fn refusal(&self, key: &Key, was_valid: bool, now: SystemTime) -> Option<Error> {
        let left = if was_valid { &self.valid } else { &self.others }.pause(now);
        let left = left.filter(|_| self.only.is_none_or(|only| only == *key))?;
        Some(self.failure.clone().with_retry_after(left))
    }
}
