//! Any order of questions, answers, outages and passing time, held against what has to come out of it.

use super::{INACTIVE, Waiting, active, asking_of, begin, client::*, kind, millis, poll, set_back, without_keys};
use crate::tokens::NOW;
use portcullis_core::{ErrorKind, Introspection, testing::FixedClock};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// When each token expires, in seconds after noon.
const TOKENS: [Option<u64>; 4] = [None, Some(7), Some(15), Some(1000)];

#[derive(Debug, Clone)]
enum Step {
    Ask(usize),
    /// One of those who wait leaves.
    Leave(usize),
    Answer(usize),
    Outage(usize),
    Drop(usize),
    /// What was active is so no longer, or again.
    Change(usize),
    Advance(u64),
    SetBack(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let token = || 0..TOKENS.len();
    let time = || prop_oneof![Just(1), Just(1999), Just(2000), Just(5000), Just(9999), Just(10_000), 0..12_000_u64];
    let step = prop_oneof![
        8 => token().prop_map(Step::Ask),
        1 => (0..8_usize).prop_map(Step::Leave),
        5 => token().prop_map(Step::Answer),
        1 => token().prop_map(Step::Outage),
        1 => token().prop_map(Step::Drop),
        1 => token().prop_map(Step::Change),
        3 => time().prop_map(Step::Advance),
        1 => time().prop_map(|by| Step::SetBack(by / 4)),
    ];
    prop::collection::vec(step, 1..120)
}

/// What the issuer has said, from when on and until when it is remembered, in milliseconds after noon.
#[derive(Debug, Clone, Copy)]
struct Said {
    is_active: bool,
    from: i64,
    until: i64,
}

struct Model {
    endpoint: Endpoint,
    clock: FixedClock,
    asking: Introspection,
    now: i64,
    active: [bool; TOKENS.len()],
    said: BTreeMap<usize, Said>,
    under_way: BTreeSet<usize>,
    waiting: Vec<(usize, Waiting)>,
    /// Whether it has failed since its last answer.
    fails: bool,
}

fn name(token: usize) -> String {
    format!("token-{token}")
}

fn expiry(token: usize) -> Option<i64> {
    TOKENS[token].map(|seconds| seconds as i64 * 1000)
}

impl Model {
    fn new() -> Self {
        let (endpoint, clock) = (Endpoint::later(), FixedClock::at(NOW));
        let asking = asking_of(without_keys(), &endpoint, &clock);
        let (said, under_way, waiting) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { endpoint, clock, asking, now: 0, active: [true; TOKENS.len()], said, under_way, waiting, fails: false }
    }

    fn has_expired(&self, token: usize) -> bool {
        expiry(token).is_some_and(|expiry| self.now >= expiry)
    }

    fn ask(&mut self, token: usize) {
        let known = self.said.get(&token).copied().filter(|said| said.from <= self.now && self.now < said.until);
        let before = self.endpoint.asked();
        let mut waiting = begin(&self.asking, &name(token));
        let outcome = poll(&mut waiting);
        if let Some(said) = known {
            assert_eq!(outcome.expect("what is remembered").is_ok(), said.is_active, "token {token} at {}", self.now);
            assert!(!said.is_active || !self.has_expired(token), "accepted past its end");
            assert_eq!(self.endpoint.asked(), before, "asked about what is remembered");
            return;
        }
        self.said.remove(&token);
        if let Some(left) = outcome.as_ref().and_then(|outcome| outcome.as_ref().err()?.retry_after()) {
            assert!(self.fails && !self.under_way.contains(&token) && left <= millis(60_000), "paused for {left:?}");
            assert_eq!(self.endpoint.asked(), before);
            return;
        }
        assert!(outcome.is_none(), "token {token} at {}: {outcome:?}, though the issuer has said nothing", self.now);
        let more = usize::from(self.under_way.insert(token));
        assert_eq!(self.endpoint.asked(), before + more, "one question at a time, and one there has to be");
        self.waiting.push((token, waiting));
    }

    /// The end of a question: everybody who waits for it, and nobody else, is told.
    fn settle(&mut self, token: usize, want: Option<ErrorKind>) {
        self.fails = want == Some(ErrorKind::Unavailable);
        self.under_way.remove(&token);
        for (of, waiting) in &mut self.waiting {
            match poll(waiting) {
                Some(outcome) => assert_eq!((*of, kind(&outcome)), (token, want)),
                None => assert_ne!(*of, token, "somebody waits for an answer that was given"),
            }
        }
        self.waiting.retain(|(of, _)| *of != token);
    }

    fn answer(&mut self, token: usize) {
        let exp = TOKENS[token].map_or(String::new(), |seconds| (NOW + seconds).to_string());
        let (want, time) = match (self.active[token], self.has_expired(token)) {
            (false, _) => (Some(ErrorKind::Invalid), 2_000),
            (true, true) => (Some(ErrorKind::Expired), 2_000),
            (true, false) => (None, 10_000),
        };
        self.endpoint
            .answer(&name(token), ok(if self.active[token] { active(&[("exp", &exp)]) } else { INACTIVE.into() }));
        let end = expiry(token).filter(|_| want.is_none());
        let until = end.map_or(self.now + time, |end| end.min(self.now + time));
        self.said.insert(token, Said { is_active: want.is_none(), from: self.now, until });
        self.settle(token, want);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Ask(token) => self.ask(token),
            Step::Leave(at) if at < self.waiting.len() => drop(self.waiting.remove(at)),
            Step::Answer(token) if self.under_way.contains(&token) => self.answer(token),
            Step::Outage(token) if self.under_way.contains(&token) => {
                self.endpoint.answer(&name(token), outage());
                self.settle(token, Some(ErrorKind::Unavailable));
            }
            Step::Drop(token) if self.under_way.contains(&token) => {
                drop(self.endpoint.take(&name(token)));
                self.settle(token, Some(ErrorKind::Unavailable));
            }
            Step::Change(token) => self.active[token] = !self.active[token],
            Step::Advance(by) => {
                self.clock.advance(millis(by));
                self.now += by as i64;
            }
            Step::SetBack(by) => {
                set_back(&self.clock, millis(by));
                self.now -= by as i64;
            }
            _ => {}
        }
        let sent: BTreeSet<_> = self.endpoint.under_way().into_iter().collect();
        assert_eq!(sent, self.under_way.iter().map(|token| name(*token)).collect::<BTreeSet<_>>());
        assert_eq!(self.endpoint.under_way().len(), sent.len(), "two questions about one token");
    }

    fn end(mut self) {
        while let Some(token) = self.under_way.first().copied() {
            self.answer(token);
        }
        assert!(self.waiting.is_empty(), "somebody waits for nothing");
        drop(self.asking);
        assert_eq!(self.endpoint.holders(), 1, "something is left over");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_order(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
        model.end();
    }
}
