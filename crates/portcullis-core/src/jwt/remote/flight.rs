use crate::error::Error;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::time::{Duration, SystemTime};

/// The end of a flight, for any number of those who wait. Leaving does not end it.
pub(in crate::jwt) type Landing = Shared<Receiver<()>>;

/// After a look for a key that nobody knows, the next one.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The one request that may be under way, and when the next one may be.
#[derive(Debug, Default)]
pub(super) struct Flight {
    landing: Option<Landing>,
    /// Where a discovery document said that the keys are.
    pub(super) keys_at: Option<String>,
    failures: u32,
    /// The last failure, until something else comes of asking.
    pub(super) failure: Option<Error>,
    paused: Option<(SystemTime, Duration)>,
    looked: Option<SystemTime>,
}

pub(super) struct Joined {
    pub(super) landing: Landing,
    /// For who has to begin it.
    pub(super) to_begin: Option<Sender<()>>,
}

impl Flight {
    /// Joins the flight that is under way, or else begins one; not in the pause after a failure, which takes so long yet.
    pub(super) fn join(&mut self, now: SystemTime) -> Result<Joined, Duration> {
        if let Some(landing) = &self.landing {
            return Ok(Joined { landing: landing.clone(), to_begin: None });
        }
        if let Some(pause) = self.pause(now) {
            return Err(pause);
        }
        let (landed, landing) = channel();
        let landing = landing.shared();
        self.landing = Some(landing.clone());
        Ok(Joined { landing, to_begin: Some(landed) })
    }

    /// How long nobody asks yet, after a failure.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.paused.and_then(|(since, pause)| rest(since, pause, now))
    }

    /// Whether somebody waits already.
    pub(super) fn is_under_way(&self) -> bool {
        self.landing.is_some()
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

    pub(super) fn end(&mut self, failure: Option<Error>, now: SystemTime) {
        self.landing = None;
        self.failure = failure;
        if self.failure.is_none() {
            (self.failures, self.paused) = (0, None);
            return;
        }
        // Where the keys are may be what was wrong.
        self.keys_at = None;
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.paused = Some((now, pause.mul_f64(0.5 + 0.5 * fastrand::f64())));
        self.failures = self.failures.saturating_add(1);
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
