//! Keys whose time is over: renewed, or kept while the issuer is down.

use super::*;

const DAY: u64 = 24 * 3600;

#[test]
fn the_token_waits_for_the_new_set() {
    let rig = Rig::warm(Does::Keep);
    rig.clock.advance(Duration::from_millis(99_999));
    assert_eq!(rig.at_once(&token(1)), PASSES);
    rig.clock.advance(Duration::from_millis(1));
    let mut waiting: Vec<Asking> = (0..10).map(|_| rig.asking(&token(1))).collect();
    assert!(waiting.iter_mut().all(|asking| poll(asking).is_none()));
    // Who cannot wait takes what is there.
    assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (PASSES, 2));
    rig.issuer.answer_next(keys(&[1, 2]));
    assert!(waiting.into_iter().all(|mut asking| poll(&mut asking).unwrap().is_ok()));
    assert_eq!((rig.at_once(&token(2)), rig.issuer.count()), (PASSES, 2));
}

/// Whatever happens in between, while the issuer answers.
#[test]
fn a_key_that_left_the_set_is_refused_soon() {
    for steps in [1, 3, 7, 50, 99, 100] {
        let rig = Rig::warm(Does::Give(keys(&[2])));
        let mut after = 0;
        while after < 100 {
            rig.ask(&token(1));
            rig.advance(steps);
            after += steps;
        }
        assert_eq!((rig.ask(&token(1)), rig.ask(&token(2))), (INVALID, PASSES));
        // Ahead of expiry, and once in five seconds for the old one.
        assert!(rig.issuer.count() <= 2 + 6, "in steps of {steps}: {}", rig.issuer.count());
    }
}

/// To the millisecond: good to the end of `max_stale`, and not a moment longer.
#[test]
fn while_the_issuer_is_down() {
    for (max_stale, set) in [(DAY, false), (DAY, true), (60, true), (1, true), (0, true), (u64::MAX, true)] {
        let settings = |keys: RemoteKeysBuilder| if set { keys.max_stale(seconds(max_stale)) } else { keys };
        let down = || Rig::warm_with(Does::Fail, settings);
        let rig = down();
        rig.clock.advance(Duration::from_millis(99_999));
        rig.expect("before its time is over", &[(&token(1), PASSES)], 2);
        if max_stale == u64::MAX {
            rig.advance(1_000_000_000);
            rig.expect("for ever", &[(&token(1), PASSES)], 3);
            continue;
        }
        let rig = down();
        rig.clock.advance(Duration::from_millis((100 + max_stale) * 1000 - 1));
        rig.expect("the last moment", &[(&token(1), PASSES)], 2);
        assert_eq!(rig.verify(&token(1)), PASSES);
        let rig = down();
        rig.advance(100 + max_stale);
        rig.expect("afterwards", &[(&token(1), UNAVAILABLE), (&under(1, "x"), UNAVAILABLE)], 2);
        assert_eq!(rig.verify(&token(1)), UNAVAILABLE);
        rig.issuer.now(Does::Give(keys(&[1, 2])));
        rig.advance(1);
        rig.expect("recovered", &[(&token(1), PASSES), (&token(2), PASSES)], 3);
    }
}

#[test]
fn a_day_of_an_outage() {
    let (rig, good, bad) = (Rig::warm(Does::Fail), token(1), under(2, "k1"));
    for minute in 0..24 * 60 {
        assert_eq!((rig.ask(&good), rig.ask(&bad)), (PASSES, INVALID));
        assert!(rig.issuer.count() <= 12 + 2 * minute, "{minute}: {}", rig.issuer.count());
        rig.advance(60);
    }
    rig.advance(100);
    assert_eq!(rig.ask(&good), UNAVAILABLE);
    rig.issuer.now(Does::Give(keys(&[2])));
    rig.advance(60);
    let requests = rig.issuer.count();
    rig.expect("recovered", &[(&token(2), PASSES)], requests + 1);
    rig.advance(69);
    rig.expect("as usual", &[(&token(2), PASSES)], requests + 1);
}

/// As long as the issuer fails nobody waits, neither in the pause nor for the request after it.
#[test]
fn nobody_waits_for_an_issuer_that_is_down() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(100);
    let mut asking = rig.asking(&token(1));
    assert!(poll(&mut asking).is_none());
    rig.issuer.fail_next();
    assert!(poll(&mut asking).unwrap().is_ok(), "the old ones hold while there are no others");
    for _ in 0..4 {
        rig.clock.advance(Duration::from_millis(100));
        assert_eq!((rig.at_once(&token(1)), rig.verify(&token(1)), rig.issuer.count()), (PASSES, PASSES, 2));
    }
    rig.advance(1);
    assert_eq!((rig.at_once(&token(1)), rig.at_once(&token(1)), rig.issuer.count()), (PASSES, PASSES, 3));
    rig.issuer.answer_next(keys(&[2]));
    assert_eq!((rig.at_once(&token(2)), rig.issuer.count()), (PASSES, 3));
    // It is up again, and waited for again.
    rig.advance(100);
    assert_eq!((rig.at_once(&token(2)), rig.issuer.count()), (WAITS, 4));
}

/// One failure long ago does not mean that the issuer is down: a key that it has taken back since is not good any more.
#[test]
fn a_failure_long_ago() {
    let rig = Rig::warm(Does::Fail);
    rig.advance(95);
    rig.expect("a hiccup", &[(&token(1), PASSES)], 2);
    rig.issuer.now(Does::Keep);
    rig.advance(10 * 3600);
    let mut asking = rig.asking(&token(1));
    let first = poll(&mut asking).map(Says::from);
    rig.issuer.answer_next(keys(&[2]));
    assert_eq!((first, rig.issuer.count()), (None, 3), "it waits for the set of today");
}

/// Keys that have expired before they come are still the answer to what waited for them.
#[test]
fn an_answer_that_takes_longer_than_it_holds() {
    for (max_stale, name) in [(DAY, "a day"), (0, "no time")] {
        let rig = Rig::with(Does::Keep, |keys| keys.max_stale(seconds(max_stale)));
        let mut asking = rig.asking(&token(1));
        assert!(poll(&mut asking).is_none());
        rig.advance(2);
        rig.issuer.answer_next(ok(set(&[1])).with_header("cache-control", "no-store"));
        let answer = poll(&mut asking).map(Says::from);
        assert_eq!((answer, rig.issuer.count()), (Some(PASSES), 1), "stale for {name}");
    }
}
