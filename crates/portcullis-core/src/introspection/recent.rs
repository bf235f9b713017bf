use crate::{error::Error, principal::Principal};
use aws_lc_rs::digest;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime},
};

pub(super) type Outcome = Result<Principal, Error>;

/// The answer that any number wait for. Leaving does not end it.
pub(super) type Answering = Shared<Receiver<Outcome>>;

/// More are not remembered; the oldest goes first.
const MOST_REMEMBERED: usize = 10_000;

/// More are not asked about at a time: a flood of made-up tokens is not passed on whole.
const MOST_ASKED: usize = 256;

/// For how long an answer holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// When it was asked for.
    pub(super) asked: SystemTime,
    /// When it came; before that, the clock was set back.
    pub(super) since: SystemTime,
    pub(super) until: SystemTime,
}

/// A token as it is remembered: its SHA-256.
pub(super) type Key = [u8; 32];

pub(super) fn fingerprint(token: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    key
}

/// What the issuer has said of tokens a moment ago, and what it is being asked.
#[derive(Debug, Default)]
pub(super) struct Recent {
    settled: HashMap<Key, (Outcome, Kept)>,
    /// In the order in which they were first settled.
    order: VecDeque<Key>,
    asked: HashMap<Key, (Answering, SystemTime)>,
}

pub(super) struct Joined {
    pub(super) answering: Answering,
    /// Since when the issuer is being asked.
    pub(super) at: SystemTime,
    /// For who has to ask.
    pub(super) to_begin: Option<Sender<Outcome>>,
}

impl Recent {
    /// What is remembered of a token, no older than that if it is said. What does not hold any more never does again,
    /// whatever becomes of the clock; its place stays until it is the oldest.
    pub(super) fn settled(&mut self, key: Key, now: SystemTime, max_age: Option<Duration>) -> Option<Outcome> {
        let (outcome, kept) = self.settled.get_mut(&key)?;
        if now < kept.since || kept.until <= now {
            kept.until = kept.since;
            return None;
        }
        let is_younger = |max_age| now.duration_since(kept.asked).is_ok_and(|age| age < max_age);
        max_age.is_none_or(is_younger).then(|| outcome.clone())
    }

    /// The answer that is under way, or one that somebody has to ask for. `None` if there are too many.
    pub(super) fn join(&mut self, key: Key, now: SystemTime) -> Option<Joined> {
        if let Some((answering, at)) = self.asked.get(&key) {
            return Some(Joined { answering: answering.clone(), at: *at, to_begin: None });
        }
        if self.asked.len() >= MOST_ASKED {
            return None;
        }
        let (begun, answering) = channel();
        let answering = answering.shared();
        self.asked.insert(key, (answering.clone(), now));
        Some(Joined { answering, at: now, to_begin: Some(begun) })
    }

    /// The end of a question, which is remembered if it is said for how long.
    pub(super) fn settle(&mut self, key: Key, outcome: &Outcome, kept: Option<Kept>) {
        self.asked.remove(&key);
        let Some(kept) = kept else { return };
        if self.settled.insert(key, (outcome.clone(), kept)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST_REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.settled.remove(&oldest);
            }
        }
    }
}
