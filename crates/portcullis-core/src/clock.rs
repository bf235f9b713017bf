//! The time. A gate gives one clock to all of its parts.
//!
//! [`Time`] is the clock of one part, and [`SharedTime`] that of a part that several gates can have: the first gate, or the
//! first use, decides it. Times of tokens are compared with [`Clock::now`]. Entries of a
//! [`RevocationList`](crate::RevocationList) end by [`Clock::elapsed`], which no correction of the clock moves.

use std::{
    fmt, ptr,
    sync::{Arc, LazyLock, OnceLock},
    time::{Duration, Instant, SystemTime},
};

/// Returns the time: the system's, or in tests a fixed one.
///
/// A [gate](crate::GateBuilder::clock) has one clock for all of its parts; without one it uses [`SystemClock`]. Tests have
/// [`FixedClock`](crate::testing::FixedClock). Implement it for time from elsewhere:
///
/// ```
/// use portcullis_core::{Clock, SystemClock};
/// use std::{sync::Arc, time::{Duration, SystemTime}};
///
/// /// The time of a simulation, some time ahead of the system's.
/// #[derive(Debug)]
/// struct Ahead(Duration);
///
/// impl Clock for Ahead {
///     fn now(&self) -> SystemTime {
///         SystemClock::default().now() + self.0
///     }
/// }
///
/// let clock: Arc<dyn Clock> = Arc::new(Ahead(Duration::from_secs(3600)));
/// assert!(clock.now() > SystemTime::now() + Duration::from_secs(3599));
/// let before = clock.elapsed();
/// assert!(clock.elapsed() >= before); // the default, which no clock setting moves
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// The time that has passed since some fixed moment, even if the clock was set since then. By default since the process
    /// first asked.
    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    /// Identifies the clock; clones that share one time have the same identity. Parts of two gates are compared by it.
    #[doc(hidden)]
    fn identity(&self) -> *const () {
        ptr::from_ref(self).cast()
    }
}

/// The clock of the operating system: the default everywhere.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn identity(&self) -> *const () {
        ptr::null()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn elapsed(&self) -> Duration {
        (**self).elapsed()
    }

    fn identity(&self) -> *const () {
        (**self).identity()
    }
}

/// The time of a question by the gate's clock, and the greatest age of cached answers.
///
/// [`CachedDirectory`](crate::CachedDirectory) and [`CachedMembership`](crate::CachedMembership) get it with each question.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Moment {
    /// The time.
    pub now: SystemTime,
    /// The greatest age of cached answers, where the route requires a [`fresh`](crate::policy::fresh) identity.
    pub max_age: Option<Duration>,
}

impl Moment {
    pub(crate) fn new(now: SystemTime, max_age: Option<Duration>) -> Self {
        Self { now, max_age }
    }
}

/// The clock of a part: the system's by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Time(Option<Arc<dyn Clock>>);

impl Time {
    pub(crate) fn by(clock: impl Clock + 'static) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        // The system's clock is asked without a pointer in between.
        Self((clock.identity() != SystemClock.identity()).then_some(clock))
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.as_ref().map_or_else(SystemTime::now, |clock| clock.now())
    }

    fn elapsed(&self) -> Duration {
        self.0.as_ref().map_or_else(|| SystemClock.elapsed(), |clock| clock.elapsed())
    }

    pub(crate) fn is_system(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let identity = |time: &Self| time.0.as_ref().map(|clock| clock.identity());
        identity(self) == identity(other)
    }
}

/// The clock of a part that several gates can share. It is set once: by a gate, or by the first use.
#[derive(Debug, Default)]
pub(crate) struct SharedTime(OnceLock<Time>);

impl SharedTime {
    fn get(&self) -> &Time {
        self.0.get_or_init(Time::default)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.get().now()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.get().elapsed()
    }

    /// Sets it if it is not set. Returns whether it is the same.
    pub(crate) fn settle(&self, time: &Time) -> bool {
        self.0.get_or_init(|| time.clone()).is_same(time)
    }
}

/// Seconds since 1970, rounded down; before that none.
pub(crate) fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds since 1970, with fractions: what NumericDate (RFC 7519, section 2) is compared with.
pub(crate) fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
