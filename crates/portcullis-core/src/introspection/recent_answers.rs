//! What is known about tokens at the moment: remembered answers, queries in progress, and whether the issuer may be asked now.

use super::{
    memory::Memory,
    pause::{Outage, Pause},
    valid_tokens::ValidTokens,
};
use crate::{
    error::{Error, ErrorKind},
    principal::Principal,
    telemetry::{self, Upstream},
};
use aws_lc_rs::digest;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

/// What an issuer says about a token: its principal, or why it is refused.
pub(super) type Outcome = Result<Principal, Error>;

/// The answer that any number of callers wait for. It continues when they leave.
pub(super) type PendingAnswer = Shared<Receiver<Outcome>>;

/// When a query started, and its number: clocks are set back, and stand still in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryStart {
    at: SystemTime,
    number: u64,
}

/// How fresh an answer has to be: the query started after the caller came, or shortly before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    arrival: QueryStart,
    max_age: Duration,
}

impl Freshness {
    /// Whether the answer to a query that started then is fresh enough. Numbers decide where the clock stands still.
    pub(super) fn admits(&self, start: QueryStart) -> bool {
        let is_young = || self.arrival.at.duration_since(start.at).is_ok_and(|age| age < self.max_age);
        start.number > self.arrival.number || is_young()
    }
}

/// How long an answer is valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub(super) start: QueryStart,
    /// When it came. A time before that means that the clock was set back.
    pub(super) since: SystemTime,
    pub(super) until: SystemTime,
}

/// The key of a token: its SHA-256.
pub(super) type Key = [u8; 32];

/// Tokens are remembered by their digest, so that memory does not contain them.
pub(super) fn fingerprint(token: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    key
}

/// Recent answers of the issuer, and the queries in progress.
#[derive(Debug)]
pub(super) struct RecentAnswers {
    pub(super) memory: Memory,
    valid: ValidTokens,
    pause: Option<Pause>,
    outage: Option<Outage>,
    running: HashMap<Key, (PendingAnswer, QueryStart)>,
    /// The number of queries, and the number at the issuer's last answer.
    count: u64,
    last_answered: u64,
}

/// A caller's part in a query: its answer to wait for, and whether the caller has to send it.
pub(super) struct JoinedQuery {
    pub(super) answer: PendingAnswer,
    pub(super) start: QueryStart,
    /// For the caller that has to ask.
    pub(super) to_send: Option<Sender<Outcome>>,
}

impl RecentAnswers {
    pub(super) fn new(memory: Memory) -> Self {
        let (valid, running) = (ValidTokens::default(), HashMap::new());
        Self { memory, valid, pause: None, outage: None, running, count: 0, last_answered: 0 }
    }

    /// What counts as fresh for a caller that comes now.
    pub(super) fn fresh(&self, now: SystemTime, max_age: Duration) -> Freshness {
        Freshness { arrival: QueryStart { at: now, number: self.count }, max_age }
    }

    /// The answer in progress, or a new query that the caller has to send.
    ///
    /// # Errors
    /// `Unavailable` during a pause, and if there are too many queries. Those in progress for longer than `limit` do not
    /// count.
    pub(super) fn join(&mut self, key: Key, now: SystemTime, limit: Duration) -> Result<JoinedQuery, Error> {
        if let Some((answer, start)) = self.running.get(&key) {
            return Ok(JoinedQuery { answer: answer.clone(), start: *start, to_send: None });
        }
        let asked_to_wait = self.pause.as_ref().and_then(|pause| pause.refusal(now));
        let is_down = || self.outage.as_ref()?.refusal(&key, self.valid.has(&key), now);
        if let Some(refusal) = asked_to_wait.or_else(is_down) {
            return Err(refusal);
        }
        if !self.valid.has_place(&key, self.running.len()) {
            self.running.retain(|_, (_, start)| now.duration_since(start.at).is_ok_and(|age| age < limit));
            if !self.valid.has_place(&key, self.running.len()) {
                return Err(Error::new(ErrorKind::Unavailable, "too many tokens are being asked about"));
            }
        }
        self.count = self.count.saturating_add(1);
        let (reply, answer) = channel();
        let (answer, start) = (answer.shared(), QueryStart { at: now, number: self.count });
        self.running.insert(key, (answer.clone(), start));
        Ok(JoinedQuery { answer, start, to_send: Some(reply) })
    }

    /// Ends this query. `validity` says how long its outcome is remembered. A query that was given up has ended already.
    pub(super) fn settle(
        &mut self,
        key: Key,
        start: QueryStart,
        outcome: &Outcome,
        now: SystemTime,
        validity: Option<Validity>,
    ) {
        if !self.end(key, start) {
            return;
        }
        match outcome {
            // An outage says nothing of the token.
            Err(error) if error.status() >= 500 => self.note_failure(key, start, error, now),
            _ => {
                (self.outage, self.last_answered) = (None, self.count);
                self.valid.note(key, outcome.is_ok());
            }
        }
        if let Some(validity) = validity {
            self.memory.remember(key, outcome, validity);
        }
    }

    /// Stops waiting for the answer to this query, if it is still in progress.
    pub(super) fn give_up(&mut self, key: Key, start: QueryStart, error: &Error, now: SystemTime) {
        if self.end(key, start) {
            self.note_failure(key, start, error, now);
        }
    }

    /// Begins or extends the pause that follows a failure.
    fn note_failure(&mut self, key: Key, start: QueryStart, error: &Error, now: SystemTime) {
        if let Some(pause) = Pause::after(error, now) {
            self.pause = Some(pause);
            telemetry::pause(Upstream::Token);
            return;
        }
        // The issuer has answered about another token since, so it is not down.
        if start.number <= self.last_answered {
            return;
        }
        let outage = self.outage.take().filter(|outage| outage.is_recent(now));
        let mut outage = outage.unwrap_or_else(|| Outage::new(key, error.clone()));
        outage.note(key, self.valid.has(&key), now);
        self.outage = Some(outage);
        self.valid.note_failure(&key);
    }

    /// Makes room for another query, if this one is still in progress.
    fn end(&mut self, key: Key, start: QueryStart) -> bool {
        let is_running = self.running.get(&key).is_some_and(|(_, other)| other.number == start.number);
        is_running && self.running.remove(&key).is_some()
    }
}
