//! Uses of keys that are not stored yet.

use super::KeyUse;
use crate::sync::Mutex;
use std::{collections::HashMap, fmt, sync::PoisonError, time::SystemTime};

/// So many keys are stored without being asked for.
const MANY: usize = 1_000;

/// So many keys are remembered, while the store is down.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<String, (SystemTime, u64)>>);

impl Uses {
    /// Notes one. Returns whether so many came together that they should be stored.
    pub(super) fn note(&self, id: &str, now: SystemTime) -> bool {
        self.add(id, now, 1)
    }

    fn add(&self, id: &str, at: SystemTime, count: u64) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, uses)) = keys.get_mut(id) {
            (*last, *uses) = (at.max(*last), uses.saturating_add(count));
            return false;
        }
        if keys.len() >= MOST {
            return false;
        }
        keys.insert(id.to_owned(), (at, count));
        keys.len().is_multiple_of(MANY)
    }

    pub(super) fn take(&self) -> Vec<KeyUse> {
        let keys = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        keys.into_iter().map(|(id, (at, count))| KeyUse { id, at, count }).collect()
    }

    /// Those that could not be stored.
    pub(super) fn put_back(&self, uses: &[KeyUse]) {
        for KeyUse { id, at, count } in uses {
            self.add(id, *at, *count);
        }
    }
}

impl fmt::Debug for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uses(..)")
    }
}
