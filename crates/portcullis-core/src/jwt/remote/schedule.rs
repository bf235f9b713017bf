//! When an issuer is asked for its keys: one request at a time, pauses after failures, and a limit for unknown keys.

use crate::{
    backoff::{Backoff, rest},
    error::Error,
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::time::{Duration, SystemTime};

/// The time between two fetches for a missing key.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How long to wait for newer keys if there are expired ones.
const BRIEFLY: Duration = Duration::from_secs(1);

/// The one request that may be in progress, and when the next one may start.
#[derive(Debug, Default)]
pub(super) struct FetchSchedule {
    current: Option<CurrentFetch>,
    /// The number of the current request, or of the last one.
    number: u64,
    /// When that request started.
    pub(super) started: Option<SystemTime>,
    /// The address of the keys, from a discovery document.
    pub(super) keys_at: Option<String>,
    /// The last failure. Cleared by success.
    pub(super) failure: Option<Error>,
    backoff: Backoff,
    /// When the last fetch for a missing key started.
    pub(super) last_look: Option<SystemTime>,
    /// Whether it is already logged that the issuer's keys are kept for longer than it says.
    pub(super) is_floor_logged: bool,
}

/// The request in progress.
#[derive(Debug)]
struct CurrentFetch {
    end: Shared<Receiver<()>>,
    started: SystemTime,
    limit: Duration,
}

/// What a token needs and the keys at hand do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jwt) enum NeededKey {
    /// The key that the token names.
    Named,
    /// A new key with the same name, which may have replaced the known one.
    Replacement,
}

/// A caller's part in a fetch: its end to wait for, and whether the caller has to start it.
pub(super) struct JoinedFetch {
    pub(super) end: Shared<Receiver<()>>,
    pub(super) number: u64,
    /// The time left for the request, and the time to wait for it if there are expired keys.
    pub(super) rest: Duration,
    pub(super) briefly: Duration,
    /// For the caller that has to start it.
    pub(super) to_start: Option<Sender<()>>,
}

impl FetchSchedule {
    /// Joins the request in progress, or starts one that may take this long. During the pause after a failure, the error is
    /// the time left of the pause.
    pub(super) fn join(&mut self, now: SystemTime, limit: Duration) -> Result<JoinedFetch, Duration> {
        match self.pause(now).filter(|_| !self.is_fetching()) {
            Some(pause) => Err(pause),
            None => Ok(self.join_or_start(now, limit)),
        }
    }

    /// The same, without regard to the pause.
    pub(super) fn join_or_start(&mut self, now: SystemTime, limit: Duration) -> JoinedFetch {
        if let Some(CurrentFetch { end, started, limit }) = &self.current {
            let [rest, briefly] = [*limit, BRIEFLY].map(|time| left(*started, time, now).unwrap_or_default());
            return JoinedFetch { end: end.clone(), number: self.number, rest, briefly, to_start: None };
        }
        let (ended, end) = channel();
        let end = end.shared();
        self.current = Some(CurrentFetch { end: end.clone(), started: now, limit });
        self.started = Some(now);
        self.number = self.number.wrapping_add(1);
        JoinedFetch { end, number: self.number, rest: limit, briefly: BRIEFLY, to_start: Some(ended) }
    }

    /// The number of the request whose client has not replied in time, even if no caller waits for it.
    pub(super) fn overdue(&self, now: SystemTime) -> Option<u64> {
        let current = self.current.as_ref()?;
        left(current.started, current.limit, now).is_none().then_some(self.number)
    }

    /// The time left of the pause after a failure.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.backoff.pause(now)
    }

    /// Whether a request is in progress.
    pub(super) fn is_fetching(&self) -> bool {
        self.current.is_some()
    }

    /// The time left before the next fetch for a missing key. A flood of made-up names and signatures causes one request in
    /// five seconds. A new key is known after that time too, also when the issuer is back after a failure.
    pub(super) fn look_pause(&self, needed: NeededKey, now: SystemTime) -> Option<Duration> {
        let after = |then: Option<SystemTime>| then.and_then(|then| rest(then, BETWEEN_LOOKS, now));
        match (needed, &self.failure) {
            (NeededKey::Named, None) => after(self.last_look),
            (NeededKey::Named, Some(_)) => after(self.last_look).max(after(self.started)),
            (NeededKey::Replacement, _) => after(self.started).max(self.pause(now)),
        }
    }

    /// Whether the last request failed, recently enough to matter now.
    pub(super) fn is_failing(&self, now: SystemTime) -> bool {
        self.failure.is_some() && self.backoff.is_recent(now)
    }

    /// Whether no other request has started since this one.
    pub(super) fn is_last(&self, number: u64) -> bool {
        self.number == number
    }

    /// Ends this request, and returns whether it was still in progress or brought keys. A request that was given up has
    /// already failed, and only keys still count.
    pub(super) fn end(&mut self, number: u64, failure: Option<Error>, now: SystemTime) -> bool {
        if !self.is_last(number) || (self.current.take().is_none() && failure.is_some()) {
            return false;
        }
        self.failure = failure;
        if self.failure.is_none() {
            self.backoff.succeed();
            return true;
        }
        // Where the keys are may be what was wrong.
        self.keys_at = None;
        self.backoff.fail(now);
        true
    }
}

/// The time left for a request. One that started later than `now` has all of its time: the clock was corrected since, and the
/// limit still applies to callers that wait.
fn left(started: SystemTime, limit: Duration, now: SystemTime) -> Option<Duration> {
    let passed = now.duration_since(started).unwrap_or_default();
    limit.checked_sub(passed).filter(|left| !left.is_zero())
}
