//! Two gates, and what happens around them.

use super::{
    setup::Setup,
    side::{Outcome, Side},
    steps::{Mode, Requests, Step},
    tokens::{FETCHED, FOUND, Token},
};
use crate::{
    cached::web::{Page, Web},
    tokens::NOW,
};
use portcullis_core::testing::FixedClock;
use proptest::{prelude::*, test_runner::TestCaseError};

pub(super) struct World {
    pub(super) web: Web,
    pub(super) clock: FixedClock,
    /// In milliseconds.
    pub(super) now: u64,
    /// Requests to issuers are answered while those who ask still look.
    is_prompt: bool,
    pub(super) plain: Side,
    pub(super) cached: Side,
    pub(super) tokens: Vec<Token>,
    pub(super) presented: usize,
    seed: u64,
}

impl World {
    pub(super) fn new(setup: &Setup) -> Self {
        let (web, clock) = (Web::default(), FixedClock::at(NOW));
        web.publish(FETCHED, Page::of(&[("k1", 1), ("k2", 2)]));
        web.publish(FOUND, Page::of(&[("k5", 5), ("k6", 6)]));
        // Pauses come out the same on both sides: remote keys draw them from generators of their own, seeded here.
        let side = |cache| {
            fastrand::seed(setup.seed);
            Side::new(setup, &web, &clock, cache)
        };
        let (plain, cached) = (side(None), side(Some(setup.cache())));
        Self {
            web,
            clock,
            now: NOW * 1000,
            is_prompt: true,
            plain,
            cached,
            tokens: Vec::new(),
            presented: 0,
            seed: setup.seed,
        }
    }

    /// Does the same to both. What is drawn at random inside, such as how early keys are fetched again, comes out the same:
    /// it is drawn from the generator of this thread.
    pub(super) fn each(&mut self, action: impl Fn(&mut Side)) {
        self.seed = self.seed.wrapping_add(1);
        for side in [&mut self.plain, &mut self.cached] {
            fastrand::seed(self.seed);
            action(side);
        }
    }

    /// Takes a step, and compares all that can be seen from outside.
    pub(super) fn step(&mut self, step: &Step) -> Result<Vec<Outcome>, TestCaseError> {
        match step {
            Step::Token(presented, asking) => self.present(presented, asking),
            Step::Time(to) => self.move_to(to),
            Step::Publish(issuer, change) => self.publish(issuer, change),
            Step::Requests(Requests::Prompt) => self.is_prompt = true,
            Step::Requests(Requests::Wait) => self.is_prompt = false,
            Step::Requests(Requests::Answer) => self.each(|side| _ = side.client.answer_next()),
            Step::Requests(Requests::Drop) => self.each(|side| side.client.drop_next()),
            Step::Revoke(revoke) => self.revoke(revoke),
            Step::Revocations(mode) => self.each(|side| side.store.now(*mode)),
            Step::Own(mode) => self.each(|side| side.own.now(*mode)),
            Step::Release => self.release(),
        }
        self.settle();
        self.compare()
    }

    /// Everybody who waits is answered in the end.
    pub(super) fn end(&mut self) -> Result<Vec<Outcome>, TestCaseError> {
        self.is_prompt = true;
        self.each(|side| {
            side.own.now(Mode::Now);
            side.store.now(Mode::Now);
        });
        for _ in 0..8 {
            self.release();
            self.settle();
        }
        prop_assert_eq!(self.plain.waiting(), 0, "somebody waits for nothing");
        self.compare()
    }

    fn release(&mut self) {
        self.each(|side| {
            side.own.release();
            side.store.release();
        });
    }

    /// What one scheme answers may lead to the next one, and that one to another request.
    fn settle(&mut self) {
        for _ in 0..3 {
            if self.is_prompt {
                self.each(|side| side.client.answer_all());
            }
            if self.plain.waiting() + self.cached.waiting() > 0 {
                self.each(Side::poll);
            }
        }
    }

    fn compare(&mut self) -> Result<Vec<Outcome>, TestCaseError> {
        let (plain, cached) = (self.plain.take_outcomes(), self.cached.take_outcomes());
        prop_assert_eq!(&plain, &cached, "plain, and cached");
        prop_assert_eq!(self.plain.waiting(), self.cached.waiting(), "how many wait");
        prop_assert_eq!(self.plain.client.asked(), self.cached.client.asked(), "what issuers are asked");
        prop_assert_eq!(self.plain.own.asked(), self.cached.own.asked(), "how often the own authenticator is asked");
        prop_assert_eq!(self.plain.store.asked(), self.cached.store.asked(), "how often revocations are asked");
        prop_assert_eq!(self.plain.hits, 0, "without a cache, every token is verified");
        Ok(plain)
    }
}
