//! Attempts counted in memory.

use super::{Limit, RateLimits, SpendOutcome};
use crate::store::StoreResult;
use async_trait::async_trait;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Counts attempts in memory.
///
/// The period of a name begins with its first attempt (a fixed window), so twice the limit is possible around its end.
///
/// At most 100 000 names are counted. Beyond that, the name that has the most attempts left is forgotten, and of those the one
/// whose period ends first. A flood of new names therefore forgets names like its own: to reset a name that has reached its
/// limit, an attacker must bring 100 000 others to theirs.
#[derive(Default)]
pub struct MemoryLimits(Mutex<Windows>);

#[derive(Default)]
struct Windows {
    by_name: HashMap<Arc<str>, Window>,
    by_end: BTreeSet<(SystemTime, Arc<str>)>,
    /// In the order in which they are forgotten when there is no room.
    by_use: BTreeSet<(u32, SystemTime, Arc<str>)>,
}

#[derive(Clone, Copy)]
struct Window {
    spent: u32,
    limit: u32,
    end: SystemTime,
}

impl Window {
    /// The more attempts are left, the smaller.
    const fn usage(&self) -> u32 {
        u32::MAX - self.limit.saturating_sub(self.spent)
    }
}

impl MemoryLimits {
    const MAX_NAMES: usize = 100_000;

    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Windows {
    /// The window of a name, if it has not ended.
    fn current(&self, name: &str, limit: Limit, now: SystemTime) -> Option<Window> {
        let window = self.by_name.get(name)?;
        // A clock that was set back must not make the window longer.
        let is_current = window.end.duration_since(now).is_ok_and(|left| !left.is_zero() && left <= limit.per);
        is_current.then_some(*window)
    }

    fn put(&mut self, name: &str, window: Window, now: SystemTime, room: usize) {
        self.remove(name);
        while self.by_end.first().is_some_and(|(end, _)| *end <= now) {
            self.by_end.first().cloned().inspect(|(_, name)| self.remove(name));
        }
        while self.by_name.len() >= room {
            self.by_use.first().cloned().inspect(|(.., name)| self.remove(name));
        }
        let name: Arc<str> = name.into();
        self.by_end.insert((window.end, name.clone()));
        self.by_use.insert((window.usage(), window.end, name.clone()));
        self.by_name.insert(name, window);
    }

    fn remove(&mut self, name: &str) {
        if let Some((name, window)) = self.by_name.remove_entry(name) {
            self.by_end.remove(&(window.end, name.clone()));
            self.by_use.remove(&(window.usage(), window.end, name));
        }
    }

    fn spend(&mut self, name: &str, limit: Limit, now: SystemTime, room: usize) -> SpendOutcome {
        let end = now.checked_add(limit.per).unwrap_or(now);
        let window = self.current(name, limit, now).unwrap_or(Window { spent: 0, limit: limit.count, end });
        if window.spent >= limit.count {
            return SpendOutcome::Over { retry_after: window.end.duration_since(now).unwrap_or_default() };
        }
        self.put(name, Window { spent: window.spent.saturating_add(1), ..window }, now, room);
        SpendOutcome::Within
    }

    fn refund(&mut self, name: &str, limit: Limit, now: SystemTime, room: usize) {
        match self.current(name, limit, now) {
            Some(Window { spent: 0 | 1, .. }) => self.remove(name),
            Some(window) => self.put(name, Window { spent: window.spent - 1, ..window }, now, room),
            None => {}
        }
    }
}

#[async_trait]
impl RateLimits for MemoryLimits {
    async fn spend(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<SpendOutcome> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(windows.spend(name, limit, now, Self::MAX_NAMES))
    }

    async fn refund(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refund(name, limit, now, Self::MAX_NAMES);
        Ok(())
    }
}

impl fmt::Debug for MemoryLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLimits(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const LIMIT: Limit = Limit::new(3, Duration::from_secs(60));

    fn at(seconds: u64) -> SystemTime {
        NOW + Duration::from_secs(seconds)
    }

    fn over(seconds: u64) -> SpendOutcome {
        SpendOutcome::Over { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_window_begins_with_the_first_attempt_and_ends_after_its_period() {
        let mut windows = Windows::default();
        for now in [10, 20, 30] {
            assert_eq!(windows.spend("a", LIMIT, at(now), 9), SpendOutcome::Within);
        }
        assert_eq!(windows.spend("a", LIMIT, at(30), 9), over(40));
        assert_eq!(windows.spend("b", LIMIT, at(30), 9), SpendOutcome::Within);
        assert_eq!(windows.spend("a", LIMIT, at(69), 9), over(1));
        assert_eq!(windows.spend("a", LIMIT, at(70), 9), SpendOutcome::Within);
        assert_eq!(windows.spend("b", LIMIT, at(9999), 9), SpendOutcome::Within);
        assert_eq!(windows.by_name.len(), 1, "windows that have ended are forgotten");
        assert_eq!((windows.by_end.len(), windows.by_use.len()), (1, 1));
    }

    #[test]
    fn a_refund_gives_one_attempt_back() {
        let mut windows = Windows::default();
        windows.refund("a", LIMIT, NOW, 9);
        for _ in 0..3 {
            assert_eq!(windows.spend("a", LIMIT, NOW, 9), SpendOutcome::Within);
        }
        windows.refund("a", LIMIT, NOW, 9);
        assert_eq!(windows.spend("a", LIMIT, NOW, 9), SpendOutcome::Within);
        assert_eq!(windows.spend("a", LIMIT, NOW, 9), over(60));
        // A refund after the window does nothing.
        windows.refund("a", LIMIT, at(60), 9);
        assert_eq!(windows.spend("a", LIMIT, NOW, 9), over(60));
    }

    #[test]
    fn a_limit_of_none_refuses_all_and_a_clock_that_was_set_back_blocks_nobody() {
        let mut windows = Windows::default();
        let none = Limit::new(0, Duration::from_secs(60));
        assert_eq!(windows.spend("a", none, NOW, 9), over(60));
        for _ in 0..3 {
            windows.spend("b", LIMIT, at(100_000), 9);
        }
        assert_eq!(windows.spend("b", LIMIT, at(100_000), 9), over(60));
        assert_eq!(windows.spend("b", LIMIT, at(1000), 9), SpendOutcome::Within);
    }

    #[test]
    fn a_flood_of_new_names_forgets_its_own_and_no_full_window() {
        let mut windows = Windows::default();
        let room = 100;
        for _ in 0..3 {
            windows.spend("full", LIMIT, NOW, room);
        }
        for _ in 0..2 {
            windows.spend("used", LIMIT, NOW, room);
        }
        for flood in 0..100_000 {
            windows.spend(&format!("flood {flood}"), LIMIT, at(1), room);
        }
        assert_eq!((windows.by_name.len(), windows.by_end.len(), windows.by_use.len()), (room, room, room));
        assert_eq!(windows.spend("full", LIMIT, at(1), room), over(59));
        assert_eq!(windows.spend("used", LIMIT, at(1), room), SpendOutcome::Within);
        assert_eq!(windows.spend("used", LIMIT, at(1), room), over(59));
        // Full windows of the flood are older than the next ones, and end first.
        for flood in 0..room {
            for _ in 0..3 {
                windows.spend(&format!("full {flood}"), LIMIT, at(2), room);
            }
        }
        assert_eq!(windows.spend("full", LIMIT, at(2), room), SpendOutcome::Within);
        assert_eq!(windows.by_name.len(), room);
    }
}
