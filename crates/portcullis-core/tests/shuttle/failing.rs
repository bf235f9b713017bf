//! Answers that are none, and what comes after.

use crate::{
    desk::{Desk, Does, answering},
    rig::{Invalid, NOW, Passes, Rig, URL, Unavailable, answer, keys, poll},
    schedules::{exhaust, explore},
};
use portcullis_core::{Clock, HttpResponse, RemoteKeys, testing::FixedClock};
use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    thread,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

fn none() -> Does {
    let all = [
        Does::Fails,
        Does::Drops,
        Does::Gives(HttpResponse::new(500, "")),
        // Nobody has asked whether they are unchanged.
        Does::Gives(HttpResponse::new(304, "")),
    ];
    all[thread_rng().gen_range(0..4)].clone()
}

#[test]
fn all_hear_of_it_and_one_asks_again() {
    explore(2000, &["at once", "waits"], |seen| {
        let (rig, asked) = Rig::cold();
        let does = none();
        let issuer = answering(asked, move |place, _| if place == 0 { does.clone() } else { keys(&[1]) });
        let asking: Vec<_> = (0..3).map(|_| rig.answering(1, seen)).collect();
        for asking in asking {
            assert_eq!(asking.join().unwrap(), Unavailable);
        }
        issuer.landed();
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Unavailable), 1));
        rig.advance(1);
        let again = [rig.waiting(1), rig.waiting(1), rig.waiting(1)];
        assert_eq!(again.map(|asking| asking.join().unwrap()), [Passes; 3]);
        assert_eq!(rig.desk.requests(), 2);
        drop(rig);
        issuer.ends();
    });
}

/// Whoever looks at the clock before a failure, and at the pause after it, keeps to the pause as well.
#[test]
fn time_passes_meanwhile() {
    explore(3000, &["failed early: 1", "failed early: 2", "failed late: 1"], |seen| {
        let (rig, asked) = Rig::cold();
        let late = Arc::new(AtomicBool::new(false));
        let (clock, is_late) = (rig.clock.clone(), late.clone());
        let issuer = answering(asked, move |place, _| {
            if place > 0 {
                return keys(&[1]);
            }
            // The pause begins then or later.
            is_late.store(clock.now() > FixedClock::at(NOW).now(), SeqCst);
            Does::Fails
        });
        let asking: Vec<_> = (0..3).map(|_| rig.waiting(1)).collect();
        let clock = rig.clone();
        let time = thread::spawn(move || clock.advance_millis(999));
        for asking in asking {
            assert_ne!(asking.join().unwrap(), Invalid);
        }
        time.join().unwrap();
        issuer.landed();
        let (late, requests) = (late.load(SeqCst), rig.desk.requests());
        assert!(requests <= if late { 1 } else { 2 }, "{requests} requests, failed late: {late}");
        seen.note(format_args!("failed {}: {requests}", if late { "late" } else { "early" }));
        rig.advance(2);
        assert_eq!((rig.waiting(1).join().unwrap(), rig.desk.requests()), (Passes, 2));
        assert_eq!(rig.desk.most_under_way(), 1);
        drop(rig);
        issuer.ends();
    });
}

/// With keys that have expired nobody is turned away for it.
#[test]
fn keys_that_are_there_serve_on() {
    explore(1000, &["at once", "waits"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 100);
        let does = none();
        let issuer = answering(asked, move |_, _| does.clone());
        let asking: Vec<_> = (0..3).map(|_| rig.answering(1, seen)).collect();
        for asking in asking {
            assert_eq!(asking.join().unwrap(), Passes);
        }
        issuer.landed();
        // The issuer is down: nobody waits to hear it again.
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Passes), 2));
        drop(rig);
        issuer.ends();
    });
}

/// Unless they are too old by then: whoever waits for newer ones is not let in with the old ones, whenever it is told.
#[test]
fn keys_that_are_too_old_do_not() {
    exhaust(&["at once", "waits"], |seen| {
        let (desk, asked) = Desk::new();
        let keys_at = RemoteKeys::builder().max_stale(Duration::ZERO).jwks(URL, desk.clone()).unwrap();
        let rig = Rig::of(&desk, keys_at);
        rig.fetch(&asked, &[1]);
        rig.advance(100);
        let mut first = rig.asking(1);
        assert_eq!(poll(&mut first), None);
        let reply = asked.recv().unwrap().1;
        let fails = thread::spawn(|| Does::Fails.with(reply));
        assert_eq!(answer(rig.asking(1), seen), Unavailable);
        assert_eq!(block_on(first), Unavailable);
        fails.join().unwrap();
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Unavailable), 2));
        rig.advance(1);
        assert_eq!((rig.at_once(1), rig.desk.requests()), (None, 3));
        keys(&[1]).with(asked.recv().unwrap().1);
        assert_eq!(rig.at_once(1), Some(Passes));
    });
}

/// Two wait, and the answer fails, in every order. Whoever comes meanwhile hears of the failure or of the pause.
#[test]
fn a_failure_and_who_comes_meanwhile() {
    exhaust(&["at once", "waits"], |seen| {
        let (rig, asked) = Rig::cold();
        let mut first = rig.asking(1);
        assert_eq!(poll(&mut first), None);
        let reply = asked.recv().unwrap().1;
        let fails = thread::spawn(|| Does::Fails.with(reply));
        assert_eq!(answer(rig.asking(1), seen), Unavailable);
        assert_eq!(block_on(first), Unavailable);
        fails.join().unwrap();
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Unavailable), 1));
        rig.advance(1);
        assert_eq!((rig.at_once(1), rig.desk.requests()), (None, 2));
        keys(&[1]).with(asked.recv().unwrap().1);
        assert_eq!(rig.at_once(1), Some(Passes));
    });
}

/// A clock that has a bug, now and then.
#[derive(Debug, Clone)]
struct Broken(FixedClock, Arc<AtomicBool>);

impl Clock for Broken {
    fn now(&self) -> SystemTime {
        if self.1.swap(false, SeqCst) {
            // As `panic!` does, and the log of the test stays empty.
            resume_unwind(Box::new("the clock has a bug"));
        }
        self.0.now()
    }
}

/// It panics where the answer lands, or in one of those who ask. Nobody waits for ever, and another one may begin.
#[test]
fn a_panic_while_it_lands() {
    explore(2000, &["503", "panics", "passes"], |seen| {
        let ((desk, asked), clock) = (Desk::new(), FixedClock::at(NOW));
        let is_broken = Arc::new(AtomicBool::new(false));
        let keys_at = RemoteKeys::jwks(URL, desk.clone()).unwrap();
        // Keys go by the clock of the verifier that has them first.
        drop(Rig::eddsa(&keys_at).clock(Broken(clock.clone(), is_broken.clone())));
        let rig = Rig::by(clock, &desk, keys_at);
        let first = if thread_rng().r#gen() { keys(&[1]) } else { Does::Fails };
        let issuer = thread::spawn(move || {
            for (does, (_, reply)) in [first, keys(&[1])].into_iter().zip(asked.iter()) {
                let _ = catch_unwind(AssertUnwindSafe(|| does.with(reply)));
            }
        });
        let ask = || {
            let asking = rig.asking(1);
            thread::spawn(move || catch_unwind(AssertUnwindSafe(|| block_on(asking))).ok())
        };
        let breaking = thread::spawn(move || is_broken.store(true, SeqCst));
        for asking in [ask(), ask(), ask()] {
            let says = asking.join().unwrap();
            assert_ne!(says, Some(Invalid));
            seen.note(says.map_or("panics".to_owned(), |says| says.to_string()));
        }
        breaking.join().unwrap();
        // The pause after it is one like others.
        assert_eq!(rig.desk.requests(), 1);
        rig.advance(100);
        // The bug may have waited for one of them.
        let last = [ask().join().unwrap(), ask().join().unwrap()];
        assert!(last.contains(&Some(Passes)), "{last:?}");
        assert_eq!(rig.desk.requests(), 2);
        issuer.join().unwrap();
    });
}
