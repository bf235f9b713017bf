//! When a service that failed to answer is asked again.

use fastrand::Rng;
use std::time::{Duration, SystemTime};

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after a failure: a second, then two, four and so on up to a minute. Up to half of it is taken off at random, so
/// that many processes do not ask at once. The default is no failure.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
    paused: Option<(SystemTime, Duration)>,
    random: Rng,
}

impl Backoff {
    /// Begins the next pause.
    pub(crate) fn fail(&mut self, now: SystemTime) {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.paused = Some((now, pause.mul_f64(0.5 + 0.5 * self.random.f64())));
        self.failures = self.failures.saturating_add(1);
    }

    /// Ends the pause, and counts from the beginning again.
    pub(crate) fn succeed(&mut self) {
        (self.failures, self.paused) = (0, None);
    }

    /// How long the pause still takes.
    pub(crate) fn pause(&self, now: SystemTime) -> Option<Duration> {
        self.paused.and_then(|(since, pause)| rest(since, pause, now))
    }

    /// Whether the last failure is recent enough to matter now, that is at most two minutes ago.
    pub(crate) fn is_recent(&self, now: SystemTime) -> bool {
        self.paused.is_some_and(|(since, _)| rest(since, 2 * LONGEST_PAUSE, now).is_some())
    }
}

/// What is left of a time that began at `since`. `None` if it is over, or if the clock was set back.
pub(crate) fn rest(since: SystemTime, time: Duration, now: SystemTime) -> Option<Duration> {
    let passed = match now.duration_since(since) {
        Ok(passed) => passed,
        // It began since the caller read the clock.
        Err(early) if early.duration() < Duration::from_secs(1) => Duration::ZERO,
        Err(_) => return None,
    };
    time.checked_sub(passed).filter(|rest| !rest.is_zero())
}
