//! Random schedules of tokens, time, rotations and outages.

use super::*;
use proptest::{prelude::*, test_runner::Config};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    /// A token by a key of the set, by one that left it, or with a made-up name.
    Current(bool),
    Gone(u8),
    Forged,
    BadSignature,
    Time(u64),
    Rotate,
    Down,
    Up,
    /// Answers wait until they are given.
    Slow,
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<bool>().prop_map(Step::Current),
        4 => (0..4_u8).prop_map(Step::Gone),
        3 => Just(Step::Forged),
        1 => Just(Step::BadSignature),
        4 => prop_oneof![0..2000_u64, 0..20_000_u64, 0..200_000_u64].prop_map(Step::Time),
        1 => prop_oneof![Just(100_000), Just(4_000_000)].prop_map(Step::Time),
        2 => Just(Step::Rotate),
        1 => Just(Step::Down),
        2 => Just(Step::Up),
        1 => Just(Step::Slow),
        3 => Just(Step::Answer),
    ]
}

/// What the issuer is like, and when it became so; milliseconds.
struct World {
    rig: Rig,
    now: u64,
    current: u8,
    /// When keys left the set.
    gone: BTreeMap<u8, u64>,
    up: bool,
    slow: bool,
    /// Since when it has answered every request at once.
    answers_since: Option<u64>,
    /// The sets that requests under way are going to be answered with are those of the moment they are answered.
    at_hand: Option<(u8, u64)>,
    /// When the last request was made that waits.
    kept: u64,
    requests: usize,
}

impl World {
    fn new() -> Self {
        let rig = Rig::new(Does::Give(keys(&[1])));
        Self {
            rig,
            now: 0,
            current: 1,
            gone: BTreeMap::new(),
            up: true,
            slow: false,
            answers_since: Some(0),
            at_hand: None,
            kept: 0,
            requests: 0,
        }
    }

    fn answer(&self) -> HttpResponse {
        if self.up { keys(&[self.current]) } else { status(503) }
    }

    /// The issuer is told what to do, and what is at hand is noted.
    fn turn(&mut self) {
        self.rig.issuer.now(if self.slow { Does::Keep } else { Does::Give(self.answer()) });
        let well = self.up && !self.slow && self.rig.issuer.waiting() == 0;
        self.answers_since = if well { self.answers_since.or(Some(self.now)) } else { None };
    }

    /// The key at hand and when it was fetched, from the export.
    fn note(&mut self) {
        self.at_hand = self.rig.keys.export().map(|export| {
            let name = export.split(r#""kid":"k"#).nth(1).unwrap();
            let n = name.split('"').next().unwrap().parse().unwrap();
            let fetched = export.split(r#""fetched":"#).nth(1).unwrap().split(',').next().unwrap();
            (n, (fetched.parse::<f64>().unwrap() * 1000.0).round() as u64 - NOW * 1000)
        });
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Time(by) => {
                self.rig.clock.advance(Duration::from_millis(*by));
                self.now += by;
            }
            Step::Rotate => {
                self.gone.insert(self.current, self.now);
                self.current += 1;
                self.turn();
            }
            Step::Down => {
                self.up = false;
                self.turn();
            }
            Step::Up => {
                (self.up, self.slow) = (true, false);
                while self.rig.issuer.waiting() > 0 {
                    self.rig.issuer.answer_next(self.answer());
                }
                self.turn();
            }
            Step::Slow => {
                self.slow = true;
                self.turn();
            }
            Step::Answer => {
                if self.rig.issuer.waiting() > 0 {
                    self.rig.issuer.answer_next(self.answer());
                }
                self.turn();
            }
            Step::Current(waits) => {
                let (says, at_hand) = self.token(&token(self.current), *waits)?;
                // It is good, so it passes while its key is at hand.
                if at_hand.is_some_and(|(n, at)| n == self.current && self.now < at + 24 * 3_600_000) {
                    prop_assert!(says == PASSES || says == WAITS, "{says:?}");
                }
            }
            Step::Gone(back) => {
                let n = self.current.saturating_sub(*back + 1).max(1);
                let (says, _) = self.token(&token(n), true)?;
                if let Some(left) = self.gone.get(&n) {
                    // A pause after failures may stand between it and the issuer for a minute.
                    let answering = self.answers_since.map_or(0, |since| self.now.saturating_sub(since.max(*left)));
                    if answering > 101_000 + 60_000 {
                        prop_assert_eq!(says, INVALID, "it left {} ms ago", self.now - left);
                    }
                }
            }
            Step::Forged => {
                let (says, _) = self.token(&under(9, "forged"), true)?;
                prop_assert!(says != PASSES);
            }
            Step::BadSignature => {
                let (says, _) =
                    self.token(&under(self.current.wrapping_add(100), &format!("k{}", self.current)), true)?;
                prop_assert!(says != PASSES);
            }
        }
        Ok(())
    }

    fn token(&mut self, token: &str, waits: bool) -> Result<(Says, Option<(u8, u64)>), TestCaseError> {
        self.note();
        let before = (self.rig.issuer.count(), self.at_hand);
        let says = if waits { self.rig.ask(token) } else { self.rig.verify(token) };
        self.note();
        let requests = self.rig.issuer.count();
        prop_assert!(requests - before.0 <= 2, "{} requests for one token", requests - before.0);
        // One at a time, and another one when its time is over.
        if requests > before.0 && self.rig.issuer.waiting() > 0 {
            prop_assert!(self.rig.issuer.waiting() == 1 || self.now >= self.kept + 6000);
            self.kept = self.now;
        }
        if says == UNAVAILABLE {
            let usable = before.1.is_some_and(|(n, at)| {
                token.starts_with(&under(n, &format!("k{n}"))[..40]) && self.now < at + 24 * 3_600_000
            });
            prop_assert!(!usable, "503 with keys at hand");
        }
        if says == WAITS {
            prop_assert!(self.rig.issuer.waiting() > 0, "it waits for nothing");
        }
        self.requests = requests;
        Ok((says, before.1))
    }
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn invariants_hold(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step)?;
        }
        // One look in five seconds, one fetch for each lifetime from 70 seconds on, one for each pause, and the first.
        let seconds = world.now / 1000;
        let bound = 3 + seconds / 5 + seconds / 70 + (seconds as f64).min(16.0) as u64;
        prop_assert!(world.requests as u64 <= bound, "{} requests in {seconds} s", world.requests);
    }
}
