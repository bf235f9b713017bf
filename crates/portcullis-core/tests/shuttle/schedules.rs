//! Which orders are tried: random ones, ones in which hardly anybody is interrupted, and where there are few enough, all.

use shuttle::{
    Config, Runner,
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler},
};
use std::{
    collections::BTreeSet,
    fmt::Display,
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

/// What happened in some order or other. A property that holds because nothing ever happens is none.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<BTreeSet<String>>>);

impl Seen {
    pub fn note(&self, what: impl Display) {
        self.0.lock().unwrap().insert(what.to_string());
    }

    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        let seen = self.0.lock().unwrap();
        assert!(seen.iter().eq(expected), "seen: {seen:?}, and not {expected:?}");
    }
}

/// How many interruptions an order has at most that is not random. Most mistakes need one or two.
const INTERRUPTIONS: usize = 3;

/// Where there are more, a test is not one to try them all with.
const MOST: usize = 200_000;

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x8_0000;
    Runner::new(scheduler, config).run(move || {
        // When keys are due, and how long a pause is: the same in each run, so that a schedule can be tried again.
        fastrand::seed(7);
        test();
    })
}

fn report(schedules: usize, kind: &str, began: Instant) {
    let test = thread::current().name().unwrap_or_default().to_owned();
    println!("{test}: {schedules} schedules {kind} in {} ms", began.elapsed().as_millis());
}

/// Tries so many random orders, and as many with few interruptions. These things are seen, and no others.
#[track_caller]
pub fn explore(schedules: usize, expected: &[&str], test: impl Fn(&Seen) + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").map_or(schedules, |many| many.parse().expect("SCHEDULES is a number"));
    let (seen, test, began) = (Seen::default(), Arc::new(test), Instant::now());
    let with = || {
        let (seen, test) = (seen.clone(), test.clone());
        move || test(&seen)
    };
    let random = run(RandomScheduler::new_from_seed(1, schedules), with());
    let rest = run(PctScheduler::new_from_seed(1, INTERRUPTIONS, schedules), with());
    report(random + rest, "tried", began);
    seen.expect(expected);
}

/// Tries all orders.
#[track_caller]
pub fn exhaust(expected: &[&str], test: impl Fn(&Seen) + Send + Sync + 'static) {
    let (seen, began) = (Seen::default(), Instant::now());
    let noting = seen.clone();
    let all = run(DfsScheduler::new(Some(MOST), false), move || test(&noting));
    report(all, "and no more", began);
    assert!(all < MOST, "there are too many to try all");
    seen.expect(expected);
}
