//! Recent answers of issuers about tokens.

use super::recent_answers::{Freshness, Key, Outcome, Validity};
use crate::{claims::Claims, principal::Principal};
use std::{
    collections::{HashMap, VecDeque},
    time::SystemTime,
};

/// The maximum number of remembered outcomes. The oldest is dropped first.
const MOST_REMEMBERED: usize = 10_000;

/// What an outcome takes in addition to what grows with its answer.
const BESIDE: usize = 512;

/// Accepted and refused tokens have separate limits. So a flood of made-up tokens cannot push out a valid one.
#[derive(Debug)]
pub(super) struct Memory {
    accepted: Shelf,
    refused: Shelf,
}

/// Outcomes of one kind, limited in number and in bytes.
#[derive(Debug)]
struct Shelf {
    outcomes: HashMap<Key, (Outcome, Validity)>,
    /// In the order in which they were first settled.
    order: VecDeque<Key>,
    bytes: usize,
    most_bytes: usize,
}

impl Memory {
    /// Limited to this many bytes; an eighth of it is for refusals.
    pub(super) fn new(bytes: usize) -> Self {
        let refused = bytes / 8;
        Self { accepted: Shelf::new(bytes - refused), refused: Shelf::new(refused) }
    }

    /// What is remembered of a token, if it is as fresh as required. An outcome that has ended never becomes valid again,
    /// even if the clock is set back. It keeps its place until it is the oldest.
    pub(super) fn outcome(&mut self, key: Key, now: SystemTime, fresh: Option<Freshness>) -> Option<Outcome> {
        let found = self.accepted.outcomes.get_mut(&key).or_else(|| self.refused.outcomes.get_mut(&key));
        let (outcome, validity) = found?;
        if now < validity.since || validity.until <= now {
            validity.until = validity.since;
            return None;
        }
        fresh.is_none_or(|fresh| fresh.admits(validity.start)).then(|| outcome.clone())
    }

    /// Remembers the last outcome for a token.
    pub(super) fn remember(&mut self, key: Key, outcome: &Outcome, validity: Validity) {
        let (shelf, other) = match outcome {
            Ok(_) => (&mut self.accepted, &mut self.refused),
            Err(_) => (&mut self.refused, &mut self.accepted),
        };
        other.forget(key);
        shelf.put(key, outcome.clone(), validity);
    }
}

impl Shelf {
    fn new(most_bytes: usize) -> Self {
        Self { outcomes: HashMap::new(), order: VecDeque::new(), bytes: 0, most_bytes }
    }

    /// Remembers an outcome, and drops the oldest ones over the limits. An outcome that is replaced keeps its place in the order.
    fn put(&mut self, key: Key, outcome: Outcome, validity: Validity) {
        self.bytes = self.bytes.saturating_add(weight(&outcome));
        match self.outcomes.insert(key, (outcome, validity)) {
            Some((before, _)) => self.bytes = self.bytes.saturating_sub(weight(&before)),
            None => self.order.push_back(key),
        }
        while self.order.len() > MOST_REMEMBERED || self.bytes > self.most_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.take(oldest);
        }
    }

    fn forget(&mut self, key: Key) {
        if self.outcomes.contains_key(&key) {
            self.take(key);
            self.order.retain(|other| *other != key);
        }
    }

    fn take(&mut self, key: Key) {
        if let Some((outcome, _)) = self.outcomes.remove(&key) {
            self.bytes = self.bytes.saturating_sub(weight(&outcome));
        }
    }
}

/// The text of the claims counts twice: the text is kept, and so is what was read from it.
fn weight(outcome: &Outcome) -> usize {
    let claims = outcome.as_ref().ok().and_then(Principal::token_claims);
    claims.map_or(0, Claims::bytes).saturating_mul(2).saturating_add(BESIDE)
}
