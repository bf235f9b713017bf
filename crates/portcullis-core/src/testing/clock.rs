//! A clock for tests.

use crate::clock::Clock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// A clock that stands still until it is moved.
///
/// Clones show the same time: give one to the gate and move the other.
///
/// ```
/// use portcullis_core::{Clock, testing::FixedClock};
/// use std::time::Duration;
///
/// let clock = FixedClock::at(1_767_268_800);
/// let (clone, before) = (clock.clone(), clock.elapsed());
/// clock.advance(Duration::from_millis(2_500));
/// assert_eq!(
///     (clone.seconds(), clone.elapsed() - before),
///     (1_767_268_802, Duration::from_millis(2_500))
/// );
///
/// clock.set(1_767_268_800); // the clock is corrected, and what measures time does not notice
/// assert_eq!(
///     (clone.seconds(), clone.elapsed() - before),
///     (1_767_268_800, Duration::from_millis(2_500))
/// );
/// ```
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<Milliseconds>);

#[derive(Debug)]
struct Milliseconds {
    now: AtomicU64,
    /// As [`Clock::elapsed`] tells it.
    passed: AtomicU64,
}

impl FixedClock {
    /// A clock at this many seconds after 1970.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        let now = seconds.saturating_mul(1000);
        Self(Arc::new(Milliseconds { now: AtomicU64::new(now), passed: AtomicU64::new(now) }))
    }

    /// Moves the clock forward: time passes.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.now.fetch_add(by, Relaxed);
        self.0.passed.fetch_add(by, Relaxed);
    }

    /// Sets the clock to this many seconds after 1970, forward or back, as when a clock is corrected: no time passes.
    pub fn set(&self, seconds: u64) {
        self.0.now.store(seconds.saturating_mul(1000), Relaxed);
    }

    /// The whole seconds since 1970, as used in tokens.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.0.now.load(Relaxed) / 1000
    }
}

impl Clock for FixedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.now.load(Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.passed.load(Relaxed))
    }

    fn identity(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }
}
