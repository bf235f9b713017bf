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
pub(super) struct Flight {
    under_way: Option<UnderWay>,
    /// The number of the current request, or of the last one.
    number: u64,
    /// When that request started.
    pub(super) began: Option<SystemTime>,
    /// The address of the keys, from a discovery document.
    pub(super) keys_at: Option<String>,
    /// The last failure. Cleared by success.
    pub(super) failure: Option<Error>,
    backoff: Backoff,
    /// When the last fetch for a missing key started.
    pub(super) looked: Option<SystemTime>,
    /// Whether it is already logged that the issuer's keys are kept for longer than it says.
    pub(super) told_floor: bool,
}

#[derive(Debug)]
struct UnderWay {
    landing: Shared<Receiver<()>>,
    began: SystemTime,
    limit: Duration,
}

/// What a token needs and the keys at hand do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jwt) enum Missing {
    /// The key that the token names.
    Key,
    /// A new key with the same name, which may have replaced the known one.
    Replacement,
}

pub(super) struct Joined {
    pub(super) landing: Shared<Receiver<()>>,
    pub(super) number: u64,
    /// The time left for the request, and the time to wait for it if there are expired keys.
    pub(super) rest: Duration,
    pub(super) briefly: Duration,
    /// For the caller that has to start it.
    pub(super) to_begin: Option<Sender<()>>,
}

impl Flight {
    /// Joins the request in progress, or starts one that may take this long. During the pause after a failure, the error is
    /// the time left of the pause.
    pub(super) fn join(&mut self, now: SystemTime, limit: Duration) -> Result<Joined, Duration> {
        match self.pause(now).filter(|_| !self.is_under_way()) {
            Some(pause) => Err(pause),
            None => Ok(self.join_or_begin(now, limit)),
        }
    }

    /// The same, without regard to the pause.
    pub(super) fn join_or_begin(&mut self, now: SystemTime, limit: Duration) -> Joined {
        if let Some(UnderWay { landing, began, limit }) = &self.under_way {
            let [rest, briefly] = [*limit, BRIEFLY].map(|time| left(*began, time, now).unwrap_or_default());
            return Joined { landing: landing.clone(), number: self.number, rest, briefly, to_begin: None };
        }
        let (landed, landing) = channel();
        let landing = landing.shared();
        self.under_way = Some(UnderWay { landing: landing.clone(), began: now, limit });
        self.began = Some(now);
        self.number = self.number.wrapping_add(1);
        Joined { landing, number: self.number, rest: limit, briefly: BRIEFLY, to_begin: Some(landed) }
    }

    /// The number of the request whose client has not replied in time, even if nobody waits for it.
    pub(super) fn overdue(&self, now: SystemTime) -> Option<u64> {
        let flight = self.under_way.as_ref()?;
        left(flight.began, flight.limit, now).is_none().then_some(self.number)
    }

    /// The time left of the pause after a failure.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.backoff.pause(now)
    }

    /// Whether a request is in progress.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The time left before the next fetch for a missing key. A flood of made-up names and signatures causes one request in
    /// five seconds. A new key is known after that time too, also when the issuer is back after a failure.
    pub(super) fn look_pause(&self, missing: Missing, now: SystemTime) -> Option<Duration> {
        let after = |then: Option<SystemTime>| then.and_then(|then| rest(then, BETWEEN_LOOKS, now));
        match (missing, &self.failure) {
            (Missing::Key, None) => after(self.looked),
            (Missing::Key, Some(_)) => after(self.looked).max(after(self.began)),
            (Missing::Replacement, _) => after(self.began).max(self.pause(now)),
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
        if !self.is_last(number) || (self.under_way.take().is_none() && failure.is_some()) {
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
fn left(began: SystemTime, limit: Duration, now: SystemTime) -> Option<Duration> {
    let passed = now.duration_since(began).unwrap_or_default();
    limit.checked_sub(passed).filter(|left| !left.is_zero())
}
