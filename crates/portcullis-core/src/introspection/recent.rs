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

/// When an issuer was asked, and as which of all questions: clocks are set back, and stand still in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    at: SystemTime,
    number: u64,
}

/// How fresh an answer has to be: asked for since somebody came, or not long before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    came: Asked,
    max_age: Duration,
}

impl Fresh {
    pub(super) fn admits(&self, asked: Asked) -> bool {
        let is_young = || self.came.at.duration_since(asked.at).is_ok_and(|age| age < self.max_age);
        asked.number > self.came.number || is_young()
    }
}

/// For how long an answer holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) asked: Asked,
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
    asked: HashMap<Key, (Answering, Asked)>,
    /// How many questions there were.
    count: u64,
}

pub(super) struct Joined {
    pub(super) answering: Answering,
    pub(super) asked: Asked,
    /// For who has to ask.
    pub(super) to_begin: Option<Sender<Outcome>>,
}

impl Recent {
    /// What somebody who comes now takes for fresh.
    pub(super) fn fresh(&self, now: SystemTime, max_age: Duration) -> Fresh {
        Fresh { came: Asked { at: now, number: self.count }, max_age }
    }

    /// What is remembered of a token, if that is as fresh as asked for. What does not hold any more never does again,
    /// whatever becomes of the clock; its place stays until it is the oldest.
    pub(super) fn settled(&mut self, key: Key, now: SystemTime, fresh: Option<Fresh>) -> Option<Outcome> {
        let (outcome, kept) = self.settled.get_mut(&key)?;
        if now < kept.since || kept.until <= now {
            kept.until = kept.since;
            return None;
        }
        fresh.is_none_or(|fresh| fresh.admits(kept.asked)).then(|| outcome.clone())
    }

    /// The answer that is under way, or one that somebody has to ask for. `None` if there are too many.
    pub(super) fn join(&mut self, key: Key, now: SystemTime) -> Option<Joined> {
        if let Some((answering, asked)) = self.asked.get(&key) {
            return Some(Joined { answering: answering.clone(), asked: *asked, to_begin: None });
        }
        if self.asked.len() >= MOST_ASKED {
            return None;
        }
        self.count = self.count.saturating_add(1);
        let (begun, answering) = channel();
        let (answering, asked) = (answering.shared(), Asked { at: now, number: self.count });
        self.asked.insert(key, (answering.clone(), asked));
        Some(Joined { answering, asked, to_begin: Some(begun) })
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
