use crate::{
    backoff::{Backoff, rest},
    error::Error,
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::time::{Duration, SystemTime};

/// After a look for what is missing, the next one.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How long whoever has expired keys waits for newer ones.
const BRIEFLY: Duration = Duration::from_secs(1);

/// The one request that may be under way, and when the next one may be.
#[derive(Debug, Default)]
pub(super) struct Flight {
    under_way: Option<UnderWay>,
    /// Which flight that is, or the last one was.
    number: u64,
    /// When that began.
    pub(super) began: Option<SystemTime>,
    /// Where a discovery document said that the keys are.
    pub(super) keys_at: Option<String>,
    /// The last failure, until something else comes of asking.
    pub(super) failure: Option<Error>,
    backoff: Backoff,
    /// When somebody began to look for what is missing.
    pub(super) looked: Option<SystemTime>,
    /// Whether the log knows that the issuer's keys are kept for longer than it says.
    pub(super) told_floor: bool,
}

#[derive(Debug)]
struct UnderWay {
    landing: Shared<Receiver<()>>,
    began: SystemTime,
    limit: Duration,
}

/// What a token does not find among the keys at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jwt) enum Missing {
    /// The key that it means.
    Key,
    /// The one that may have replaced the key of that name.
    Replacement,
}

pub(super) struct Joined {
    pub(super) landing: Shared<Receiver<()>>,
    pub(super) number: u64,
    /// How long it may take yet, and how long it is waited for where there are keys that have expired.
    pub(super) rest: Duration,
    pub(super) briefly: Duration,
    /// For who has to begin it.
    pub(super) to_begin: Option<Sender<()>>,
}

impl Flight {
    /// Joins the flight that is under way, or else begins one that may take so long; not in the pause after a failure, which
    /// takes so long yet.
    pub(super) fn join(&mut self, now: SystemTime, limit: Duration) -> Result<Joined, Duration> {
        match self.pause(now).filter(|_| !self.is_under_way()) {
            Some(pause) => Err(pause),
            None => Ok(self.join_or_begin(now, limit)),
        }
    }

    /// The same, whatever the pause.
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

    /// The flight whose client has not replied in its time, though nobody waits to see that.
    pub(super) fn overdue(&self, now: SystemTime) -> Option<u64> {
        let flight = self.under_way.as_ref()?;
        left(flight.began, flight.limit, now).is_none().then_some(self.number)
    }

    /// How long nobody asks yet, after a failure.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.backoff.pause(now)
    }

    /// Whether somebody waits already.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// How long nobody looks yet for what is missing: a flood of made-up names and signatures gets one request in five seconds,
    /// and a new key is known after as long, also when the issuer is back after a failure.
    pub(super) fn look_pause(&self, missing: Missing, now: SystemTime) -> Option<Duration> {
        let after = |then: Option<SystemTime>| then.and_then(|then| rest(then, BETWEEN_LOOKS, now));
        match (missing, &self.failure) {
            (Missing::Key, None) => after(self.looked),
            (Missing::Key, Some(_)) => after(self.looked).max(after(self.began)),
            (Missing::Replacement, _) => after(self.began).max(self.pause(now)),
        }
    }

    /// Whether the last flight failed, and not so long ago that it says nothing of now.
    pub(super) fn is_failing(&self, now: SystemTime) -> bool {
        self.failure.is_some() && self.backoff.is_recent(now)
    }

    /// Whether no other one has begun since this one did.
    pub(super) fn is_last(&self, number: u64) -> bool {
        self.number == number
    }

    /// The end of this flight, and whether it was one: a flight that was given up has failed already, and only keys still
    /// count for anything.
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

/// How long a flight may take yet. One that began later than `now` has all of its time: the clock was set on or back meanwhile,
/// and whoever waits keeps the limit.
fn left(began: SystemTime, limit: Duration, now: SystemTime) -> Option<Duration> {
    let passed = now.duration_since(began).unwrap_or_default();
    limit.checked_sub(passed).filter(|left| !left.is_zero())
}
