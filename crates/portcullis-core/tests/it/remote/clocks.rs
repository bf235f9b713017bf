//! Clocks that are set forward and back.

use super::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::SystemTime,
};

const YEAR: i64 = 365 * 24 * 3600 * 1000;

/// A clock that can be set back; it counts milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Jumpy(Arc<AtomicI64>);

impl Jumpy {
    fn jump(&self, millis: i64) {
        self.0.fetch_add(millis, SeqCst);
    }
}

impl Clock for Jumpy {
    fn now(&self) -> SystemTime {
        match self.0.load(SeqCst) {
            after @ 0.. => SystemTime::UNIX_EPOCH + Duration::from_millis(after.unsigned_abs()),
            before => SystemTime::UNIX_EPOCH - Duration::from_millis(before.unsigned_abs()),
        }
    }
}

fn jumpy(does: Does, settings: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder) -> (Rig, Jumpy) {
    let clock = Jumpy(Arc::new(AtomicI64::new(NOW as i64 * 1000)));
    let issuer = Scripted::new(does);
    let keys = settings(as_said()).jwks(URL, issuer.clone()).unwrap();
    // Tokens are judged by the time of `rig.clock`, so that only keys are at stake here.
    (Rig::by(issuer, keys, |_| clock.clone()), clock)
}

#[test]
fn keys_are_fetched_anew_after_a_jump() {
    for jump in [-1, -1000, -100_000, -YEAR, -100 * YEAR, 100_000, YEAR, 100 * YEAR] {
        let (rig, clock) = jumpy(Does::Give(keys(&[1])), |keys| keys);
        rig.expect("before", &[(&token(1), PASSES)], 1);
        clock.jump(10_000);
        clock.jump(jump);
        rig.issuer.now(Does::Give(keys(&[2])));
        rig.expect("after", &[(&token(2), PASSES)], 2);
        for _ in 0..10 {
            rig.expect("and no more", &[(&token(2), PASSES), (&under(1, "k2"), INVALID)], 2);
        }
        clock.jump(-jump);
        // Within their time they are as good as before.
        assert_eq!((rig.ask(&token(2)), rig.ask(&token(2))), (PASSES, PASSES));
        let again = usize::from(jump <= -100_000 || jump > 0);
        assert_eq!(rig.issuer.count(), 2 + again, "back again from {jump}");
    }
}

/// A clock that was set back while the issuer is down: keys whose age nobody knows serve, with as few requests as ever.
#[test]
fn an_outage_with_a_clock_that_is_set_back() {
    for jump in [-1, -1000, -100_000, -YEAR] {
        let (rig, clock) = jumpy(Does::Give(keys(&[1])), |keys| keys);
        rig.expect("before", &[(&token(1), PASSES)], 1);
        rig.issuer.now(Does::Fail);
        clock.jump(jump);
        for _ in 0..600 {
            assert_eq!(rig.ask(&token(1)), PASSES, "{jump}");
            clock.jump(100);
        }
        assert!(rig.issuer.count() <= 1 + 8, "{jump}: {}", rig.issuer.count());
    }
}

/// Pauses and looks are forgotten when the clock is set back, and none is asked for without end.
#[test]
fn pauses_and_jumps() {
    for (jump, looks) in [(-YEAR, false), (YEAR, false), (-YEAR, true), (YEAR, true)] {
        let (rig, clock) = jumpy(Does::Fail, |keys| keys);
        if looks {
            rig.issuer.now(Does::Give(keys(&[1])));
            assert_eq!(rig.ask(&token(1)), PASSES);
        }
        let (token, want) = if looks { (under(9, "x"), INVALID) } else { (token(1), UNAVAILABLE) };
        for _ in 0..50 {
            assert_eq!(rig.ask(&token), want);
        }
        let before = rig.issuer.count();
        assert!(before <= 2, "{before}");
        clock.jump(jump);
        for _ in 0..50 {
            assert_eq!(rig.ask(&token), want);
        }
        let requests = rig.issuer.count() - before;
        assert!((1..=2).contains(&requests), "{jump} {looks}: {requests}");
    }
}

/// A clock that trembles by a second does not bring a request for each token.
#[test]
fn a_clock_that_trembles() {
    let (rig, clock) = jumpy(Does::Give(keys_for(&[1], 3600)), |keys| keys);
    for round in 0..1000 {
        assert_eq!(rig.ask(&token(1)), PASSES);
        clock.jump(if round % 2 == 0 { -900 } else { 1000 });
    }
    // 50 seconds have passed.
    assert!(rig.issuer.count() <= 20, "{}", rig.issuer.count());
}

/// A jump while an answer is waited for.
#[test]
fn a_jump_in_flight() {
    for jump in [-YEAR, YEAR] {
        let (rig, clock) = jumpy(Does::Keep, |keys| keys);
        let mut asking = rig.asking(&token(1));
        assert!(poll(&mut asking).is_none());
        clock.jump(jump);
        rig.issuer.now(Does::Give(keys(&[1])));
        rig.issuer.answer_next(keys(&[1]));
        assert_eq!(poll(&mut asking).map(Says::from), Some(PASSES), "{jump}");
        rig.expect("and then", &[(&token(1), PASSES)], 2);
    }
}

/// Before 1970, and at the end of time.
#[test]
fn at_the_ends_of_time() {
    for at in [-100 * YEAR, -1, 0, 200_000 * YEAR] {
        let (rig, clock) = jumpy(Does::Give(keys(&[1])), |keys| keys.max_stale(Duration::MAX));
        clock.0.store(at, SeqCst);
        rig.expect("there", &[(&token(1), PASSES), (&token(1), PASSES)], 1);
        let export = rig.keys.export().unwrap();
        let imported = as_said().import(&export);
        assert_eq!(imported.is_ok(), at >= 0, "{at}: {imported:?}");
    }
}
