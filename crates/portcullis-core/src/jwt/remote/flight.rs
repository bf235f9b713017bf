use crate::error::Error;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::time::{Duration, SystemTime};

/// After a look for a key that nobody knows, the next one.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The one request that may be under way, and when the next one may be.
#[derive(Debug, Default)]
pub(super) struct Flight {
    under_way: Option<UnderWay>,
    /// Which flight that is, or the last one was.
    number: u64,
    /// Where a discovery document said that the keys are.
    pub(super) keys_at: Option<String>,
    failures: u32,
    /// The last failure, until something else comes of asking.
    pub(super) failure: Option<Error>,
    paused: Option<(SystemTime, Duration)>,
    looked: Option<SystemTime>,
}

#[derive(Debug)]
struct UnderWay {
    landing: Shared<Receiver<()>>,
    began: SystemTime,
    limit: Duration,
}

pub(super) struct Joined {
    pub(super) landing: Shared<Receiver<()>>,
    pub(super) number: u64,
    /// How long it may take yet.
    pub(super) rest: Duration,
    /// For who has to begin it.
    pub(super) to_begin: Option<Sender<()>>,
}

impl Flight {
    /// Joins the flight that is under way, or else begins one that may take so long; not in the pause after a failure, which
    /// takes so long yet.
    pub(super) fn join(&mut self, now: SystemTime, limit: Duration) -> Result<Joined, Duration> {
        if let Some(UnderWay { landing, began, limit }) = &self.under_way {
            let rest = rest(*began, *limit, now).unwrap_or_default();
            return Ok(Joined { landing: landing.clone(), number: self.number, rest, to_begin: None });
        }
        if let Some(pause) = self.pause(now) {
            return Err(pause);
        }
        let (landed, landing) = channel();
        let landing = landing.shared();
        self.under_way = Some(UnderWay { landing: landing.clone(), began: now, limit });
        self.number = self.number.wrapping_add(1);
        Ok(Joined { landing, number: self.number, rest: limit, to_begin: Some(landed) })
    }

    /// The flight whose client has not replied in its time, though nobody waits to see that.
    pub(super) fn overdue(&self, now: SystemTime) -> Option<u64> {
        let flight = self.under_way.as_ref()?;
        rest(flight.began, flight.limit, now).is_none().then_some(self.number)
    }

    /// How long nobody asks yet, after a failure.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.paused.and_then(|(since, pause)| rest(since, pause, now))
    }

    /// Whether somebody waits already.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether a key that nobody knows may be looked for: a flood of made-up names gets one request in five seconds, and a
    /// new key is known after as long.
    pub(super) fn may_look(&self, now: SystemTime) -> bool {
        self.looked.is_none_or(|looked| rest(looked, BETWEEN_LOOKS, now).is_none())
    }

    /// Somebody looked for a key that nobody knows.
    pub(super) fn note_look(&mut self, now: SystemTime) {
        self.looked = Some(now);
    }

    /// Whether the last flight failed, and not so long ago that it says nothing of now.
    pub(super) fn is_failing(&self, now: SystemTime) -> bool {
        self.failure.is_some() && self.paused.is_some_and(|(since, _)| rest(since, 2 * LONGEST_PAUSE, now).is_some())
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
            (self.failures, self.paused) = (0, None);
            return true;
        }
        // Where the keys are may be what was wrong.
        self.keys_at = None;
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.paused = Some((now, pause.mul_f64(0.5 + 0.5 * fastrand::f64())));
        self.failures = self.failures.saturating_add(1);
        true
    }
}

/// What is left of a time that began then; nothing where the clock was set back.
fn rest(since: SystemTime, time: Duration, now: SystemTime) -> Option<Duration> {
    let passed = match now.duration_since(since) {
        Ok(passed) => passed,
        // It began since somebody looked at the clock.
        Err(early) if early.duration() < Duration::from_secs(1) => Duration::ZERO,
        Err(_) => return None,
    };
    time.checked_sub(passed).filter(|rest| !rest.is_zero())
}
