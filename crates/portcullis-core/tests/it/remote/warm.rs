//! Keys at hand, and the next ones fetched before they expire.

use super::*;

#[test]
fn no_request_and_no_wait() {
    let rig = Rig::warm(Does::Keep);
    for _ in 0..69 {
        for _ in 0..10 {
            assert_eq!((rig.at_once(&token(1)), rig.verify(&token(1))), (PASSES, PASSES));
        }
        rig.advance(1);
    }
    assert_eq!(rig.issuer.count(), 1);
}

/// Somewhere between 70 and 90 of the 100 seconds, and not at the same time for all.
#[test]
fn the_next_are_fetched_ahead() {
    let (mut begun, good) = (Vec::new(), token(1));
    for _ in 0..100 {
        let rig = Rig::warm(Does::Keep);
        rig.clock.advance(Duration::from_millis(69_999));
        rig.expect("before", &[(&token(1), PASSES)], 1);
        let mut after = 70_000;
        rig.clock.advance(Duration::from_millis(1));
        while rig.issuer.count() == 1 {
            assert_eq!(rig.at_once(&good), PASSES);
            assert!(after <= 90_000, "none ahead of expiry");
            after += 100;
            rig.clock.advance(Duration::from_millis(100));
        }
        begun.push(after);
        for _ in 0..10 {
            assert_eq!((rig.at_once(&token(1)), rig.verify(&token(1))), (PASSES, PASSES));
        }
        assert_eq!(rig.issuer.count(), 2, "one at a time");
    }
    let (first, last) = (begun.iter().min().unwrap(), begun.iter().max().unwrap());
    assert!(*first < 75_000 && *last > 85_000, "they bunch: {first} to {last}");
}

#[test]
fn they_serve_when_they_have_landed() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(90);
    rig.expect("one in the background", &[(&token(1), PASSES), (&token(1), PASSES)], 2);
    rig.issuer.answer_next(keys(&[2]));
    assert_eq!((rig.at_once(&token(2)), rig.verify(&token(2)), rig.issuer.count()), (PASSES, PASSES, 2));
    assert_eq!(rig.verify(&token(1)), INVALID);
}

#[test]
fn a_client_that_answers_at_once() {
    let rig = Rig::warm(Does::Give(keys(&[2])));
    rig.advance(90);
    // The old keys were taken when the token came.
    rig.expect("ahead", &[(&token(1), PASSES), (&token(2), PASSES)], 2);
}

/// A new key that comes with the fetch ahead is not fetched twice.
#[test]
fn a_new_key_waits_for_the_one_under_way() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(90);
    let mut asking = rig.asking(&token(2));
    assert!(poll(&mut asking).is_none());
    assert_eq!(rig.issuer.count(), 2);
    rig.issuer.answer_next(keys(&[1, 2]));
    assert!(poll(&mut asking).unwrap().is_ok());
    assert_eq!(rig.issuer.count(), 2);
}

#[test]
fn they_serve_on_when_it_fails() {
    for does in [Does::Fail, Does::Drop, Does::Give(status(503))] {
        let rig = Rig::warm(does);
        rig.advance(90);
        for _ in 0..10 {
            assert_eq!((rig.at_once(&token(1)), rig.verify(&token(1))), (PASSES, PASSES));
        }
        assert_eq!(rig.issuer.count(), 2, "paused");
        rig.advance(1);
        rig.expect("after the pause", &[(&token(1), PASSES), (&token(1), PASSES)], 3);
    }
}

/// How long they hold counts from the request, not from the answer that took its time.
#[test]
fn a_slow_answer_is_as_old_as_its_request() {
    let rig = Rig::with(Does::Keep, |keys| keys.max_stale(Duration::ZERO));
    let mut asking = rig.asking(&token(1));
    assert!(poll(&mut asking).is_none());
    rig.advance(30);
    rig.issuer.answer_next(keys(&[1]));
    assert!(poll(&mut asking).unwrap().is_ok());
    rig.advance(69);
    rig.expect("99 seconds after the request", &[(&token(1), PASSES)], 2);
    rig.advance(1);
    rig.expect("100 seconds after the request", &[(&token(1), WAITS)], 2);
}

/// Within five seconds from the last request on, and in a pause.
#[test]
fn a_bad_signature_asks_nothing() {
    let rig = Rig::warm(Does::Keep);
    let good = token(1);
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    let tokens =
        [under(2, "k1"), format!("{signed_part}."), format!("{signed_part}.AAAA"), signed(2, r#"{"alg":"EdDSA"}"#)];
    for token in &tokens {
        assert_eq!((rig.at_once(token), rig.verify(token)), (INVALID, INVALID));
    }
    assert_eq!(rig.issuer.count(), 1);
}
