use super::{
    memory::Memory,
    pause::{Outage, Pause},
    places::Good,
};
use crate::{
    error::{Error, ErrorKind},
    principal::Principal,
};
use aws_lc_rs::digest;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

pub(super) type Outcome = Result<Principal, Error>;

/// The answer that any number of callers wait for. It continues when they leave.
pub(super) type Answering = Shared<Receiver<Outcome>>;

/// When an issuer was asked, and the number of the question: clocks are set back, and stand still in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    at: SystemTime,
    number: u64,
}

/// How fresh an answer has to be: asked for after the caller came, or shortly before.
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

/// How long an answer is valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) asked: Asked,
    /// When it came. A time before that means that the clock was set back.
    pub(super) since: SystemTime,
    pub(super) until: SystemTime,
}

/// The key of a token: its SHA-256.
pub(super) type Key = [u8; 32];

pub(super) fn fingerprint(token: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    key
}

/// Recent answers of the issuer, and the questions in progress.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) memory: Memory,
    good: Good,
    pause: Option<Pause>,
    outage: Option<Outage>,
    asked: HashMap<Key, (Answering, Asked)>,
    /// The number of questions, and the number at the issuer's last answer.
    count: u64,
    answered: u64,
}

pub(super) struct Joined {
    pub(super) answering: Answering,
    pub(super) asked: Asked,
    /// For the caller that has to ask.
    pub(super) to_begin: Option<Sender<Outcome>>,
}

impl Recent {
    pub(super) fn new(memory: Memory) -> Self {
        let (good, asked) = (Good::default(), HashMap::new());
        Self { memory, good, pause: None, outage: None, asked, count: 0, answered: 0 }
    }

    /// What counts as fresh for a caller that comes now.
    pub(super) fn fresh(&self, now: SystemTime, max_age: Duration) -> Fresh {
        Fresh { came: Asked { at: now, number: self.count }, max_age }
    }

    /// The answer in progress, or a new question that the caller has to send.
    ///
    /// # Errors
    /// `Unavailable` during a pause, and if there are too many questions. Those in progress for longer than `limit` do not
    /// count.
    pub(super) fn join(&mut self, key: Key, now: SystemTime, limit: Duration) -> Result<Joined, Error> {
        if let Some((answering, asked)) = self.asked.get(&key) {
            return Ok(Joined { answering: answering.clone(), asked: *asked, to_begin: None });
        }
        let asked_to_wait = self.pause.as_ref().and_then(|pause| pause.refusal(now));
        let is_down = || self.outage.as_ref()?.refusal(&key, self.good.has(&key), now);
        if let Some(refusal) = asked_to_wait.or_else(is_down) {
            return Err(refusal);
        }
        if !self.good.has_place(&key, self.asked.len()) {
            self.asked.retain(|_, (_, asked)| now.duration_since(asked.at).is_ok_and(|age| age < limit));
            if !self.good.has_place(&key, self.asked.len()) {
                return Err(Error::new(ErrorKind::Unavailable, "too many tokens are being asked about"));
            }
        }
        self.count = self.count.saturating_add(1);
        let (begun, answering) = channel();
        let (answering, asked) = (answering.shared(), Asked { at: now, number: self.count });
        self.asked.insert(key, (answering.clone(), asked));
        Ok(Joined { answering, asked, to_begin: Some(begun) })
    }

    /// Ends this question. `kept` says how long its outcome is remembered. A question that was given up has ended already.
    pub(super) fn settle(&mut self, key: Key, asked: Asked, outcome: &Outcome, now: SystemTime, kept: Option<Kept>) {
        if !self.end(key, asked) {
            return;
        }
        match outcome {
            // An outage says nothing of the token.
            Err(error) if error.status() >= 500 => self.note_failure(key, asked, error, now),
            _ => {
                (self.outage, self.answered) = (None, self.count);
                self.good.note(key, outcome.is_ok());
            }
        }
        if let Some(kept) = kept {
            self.memory.remember(key, outcome, kept);
        }
    }

    /// Stops waiting for the answer to this question, if it is still in progress.
    pub(super) fn give_up(&mut self, key: Key, asked: Asked, error: &Error, now: SystemTime) {
        if self.end(key, asked) {
            self.note_failure(key, asked, error, now);
        }
    }

    fn note_failure(&mut self, key: Key, asked: Asked, error: &Error, now: SystemTime) {
        if let Some(pause) = Pause::after(error, now) {
            self.pause = Some(pause);
            return;
        }
        // Of the issuer as a whole, an answer to somebody else that came since says more.
        if asked.number <= self.answered {
            return;
        }
        let outage = self.outage.take().filter(|outage| outage.is_recent(now));
        let mut outage = outage.unwrap_or_else(|| Outage::new(key, error.clone()));
        outage.note(key, self.good.has(&key), now);
        self.outage = Some(outage);
        self.good.note_failure(&key);
    }

    /// Makes room for another question, if this one is still in progress.
    fn end(&mut self, key: Key, asked: Asked) -> bool {
        let is_under_way = self.asked.get(&key).is_some_and(|(_, other)| other.number == asked.number);
        is_under_way && self.asked.remove(&key).is_some()
    }
}
