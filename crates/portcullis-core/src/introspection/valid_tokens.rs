//! Limits for the queries in progress.

use super::recent_answers::Key;
use std::collections::{HashMap, VecDeque};

/// With this many queries in progress, unknown tokens are not asked about. So a flood of made-up ones does not reach the
/// issuer whole.
const MOST_ASKED: usize = 256;

/// How many more may be in progress for tokens that were valid before. Other tokens cannot take these places.
const RESERVED: usize = 256;

/// How many valid tokens are known. They are known for longer than the answers about them are remembered.
const MOST_KNOWN: usize = 65_536;

/// Tokens that were valid when the issuer last answered about them.
#[derive(Debug, Default)]
pub(super) struct ValidTokens {
    tokens: HashMap<Key, ValidToken>,
    order: VecDeque<(Key, u64)>,
    count: u64,
}

#[derive(Debug)]
struct ValidToken {
    /// Tells an entry in `order` from an older one of the same token.
    number: u64,
    /// Whether the issuer has failed to answer since.
    failed: bool,
}

impl ValidTokens {
    /// Whether this token may be asked about now.
    pub(super) fn has_place(&self, key: &Key, asked: usize) -> bool {
        asked < MOST_ASKED || self.tokens.contains_key(key) && asked < MOST_ASKED + RESERVED
    }

    /// Whether the issuer answered the last query about this token, and the token was valid.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.tokens.get(key).is_some_and(|known| !known.failed)
    }

    /// Records that the issuer failed to answer. The token keeps its place.
    pub(super) fn note_failure(&mut self, key: &Key) {
        if let Some(known) = self.tokens.get_mut(key) {
            known.failed = true;
        }
    }

    /// Records what the issuer answered.
    pub(super) fn note(&mut self, key: Key, is_valid: bool) {
        if !is_valid {
            self.tokens.remove(&key);
            return;
        }
        if let Some(known) = self.tokens.get_mut(&key) {
            known.failed = false;
            return;
        }
        self.count = self.count.wrapping_add(1);
        self.tokens.insert(key, ValidToken { number: self.count, failed: false });
        self.order.push_back((key, self.count));
        while self.order.len() > MOST_KNOWN {
            let Some((oldest, number)) = self.order.pop_front() else { break };
            if self.tokens.get(&oldest).is_some_and(|known| known.number == number) {
                self.tokens.remove(&oldest);
            }
        }
    }
}
