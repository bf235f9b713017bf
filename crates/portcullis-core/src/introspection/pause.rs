//! When an issuer has asked to be left alone.

use crate::error::Error;
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
