//! Two gates built alike, one with a cache, and anything that may happen: they answer alike, and ask alike.

mod changes;
mod gates;
mod happening;
mod heads;
mod random;
mod seams;
mod setup;
mod side;
mod steps;
mod tokens;
mod told;
mod world;

use portcullis_core::ErrorKind;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRunner};
use random::steps;
use setup::setup;
use side::Outcome;
use std::{cell::RefCell, collections::HashMap, env};
use world::World;

/// What came of all schedules, so that none of them is empty talk.
#[derive(Debug, Default)]
struct Tally {
    hits: usize,
    /// What was found again once and refused later.
    turned: usize,
    accepted: usize,
    waited: usize,
    refused: HashMap<ErrorKind, usize>,
}

impl Tally {
    fn add(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.waited += usize::from(!outcome.at_once);
            match &outcome.told.who {
                Ok(Some(_)) => self.accepted += 1,
                Ok(None) => *self.refused.entry(ErrorKind::Missing).or_default() += 1,
                Err(error) => *self.refused.entry(error.kind).or_default() += 1,
            }
        }
    }

    #[track_caller]
    fn has_seen_everything(&self, cases: usize) {
        let least = self.hits.min(self.accepted / 2).min(self.waited).min(self.turned * 8);
        assert!(least >= cases, "{cases} cases, {self:?}");
        let kinds = [
            ErrorKind::Missing,
            ErrorKind::Malformed,
            ErrorKind::Unrecognized,
            ErrorKind::Invalid,
            ErrorKind::Expired,
            ErrorKind::CrossOrigin,
            ErrorKind::Unavailable,
            ErrorKind::Misconfigured,
            ErrorKind::Denied,
        ];
        for kind in kinds {
            assert!(self.refused.contains_key(&kind), "{kind:?} never came up: {self:?}");
        }
    }
}

/// So many schedules, or as many as `PROPTEST_CASES` says.
fn cases(usual: u32) -> u32 {
    env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Takes so many schedules, step by step.
fn run(cases: u32) -> Tally {
    let tally = RefCell::new(Tally::default());
    // The cheapest generator: schedules are long, and there are many.
    let config =
        Config { cases, failure_persistence: None, rng_algorithm: RngAlgorithm::XorShift, ..Config::default() };
    let result = TestRunner::new(config).run(&(setup(), steps()), |(setup, steps)| {
        let (mut world, mut tally) = (World::new(&setup), tally.borrow_mut());
        for step in &steps {
            tally.add(&world.step(step)?);
        }
        tally.add(&world.end()?);
        tally.hits += world.cached.hits;
        tally.turned += world.cached.turned;
        Ok(())
    });
    if let Err(TestError::Fail(why, (setup, steps))) = &result {
        let steps: String = steps.iter().map(|step| format!("{step:?}\n")).collect();
        panic!("{why}\n{setup:?}\n{steps}");
    }
    assert!(result.is_ok(), "{result:?}");
    tally.into_inner()
}

#[test]
fn nobody_can_tell_that_there_is_a_cache() {
    let cases = cases(500);
    run(cases).has_seen_everything(cases as usize);
}
