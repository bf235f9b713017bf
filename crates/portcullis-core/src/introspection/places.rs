//! Which questions may be under way.

use super::recent::Key;
use std::collections::{HashMap, VecDeque};

/// More tokens of which nothing is known are not asked about at a time: a flood of made-up ones is not passed on whole.
const MOST_ASKED: usize = 256;

/// As many more may be asked about that held before. No flood of others takes these places.
const RESERVED: usize = 256;

/// Of so many tokens it is known that they held, for longer than what was said of them is remembered.
const MOST_KNOWN: usize = 65_536;

/// Tokens that held when the issuer answered about them last.
#[derive(Debug, Default)]
pub(super) struct Good {
    tokens: HashMap<Key, Known>,
    order: VecDeque<(Key, u64)>,
    count: u64,
}

#[derive(Debug)]
struct Known {
    number: u64,
    /// Whether the issuer failed to answer since.
    failed: bool,
}

impl Good {
    /// Whether one more may be asked about, of which this is known.
    pub(super) fn has_place(&self, key: &Key, asked: usize) -> bool {
        asked < MOST_ASKED || self.tokens.contains_key(key) && asked < MOST_ASKED + RESERVED
    }

    /// Whether the issuer answered when it was asked about this token last, and it held.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.tokens.get(key).is_some_and(|known| !known.failed)
    }

    /// The issuer failed to answer. The token keeps its place.
    pub(super) fn note_failure(&mut self, key: &Key) {
        if let Some(known) = self.tokens.get_mut(key) {
            known.failed = true;
        }
    }

    /// What the issuer answered.
    pub(super) fn note(&mut self, key: Key, holds: bool) {
        if !holds {
            self.tokens.remove(&key);
            return;
        }
        if let Some(known) = self.tokens.get_mut(&key) {
            known.failed = false;
            return;
        }
        self.count = self.count.wrapping_add(1);
        self.tokens.insert(key, Known { number: self.count, failed: false });
        self.order.push_back((key, self.count));
        while self.order.len() > MOST_KNOWN {
            let Some((oldest, number)) = self.order.pop_front() else { break };
            if self.tokens.get(&oldest).is_some_and(|known| known.number == number) {
                self.tokens.remove(&oldest);
            }
        }
    }
}
