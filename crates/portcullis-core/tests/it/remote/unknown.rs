//! Tokens that name a key that nobody knows: a new key, or a made-up name.

use super::*;
use std::collections::VecDeque;

/// How many of these moments lie in any ten seconds.
fn most_in_ten_seconds(moments: &[u64]) -> usize {
    let mut window = VecDeque::new();
    let mut most = 0;
    for moment in moments {
        window.push_back(*moment);
        while window.front().is_some_and(|first| first + 10_000 <= *moment) {
            window.pop_front();
        }
        most = most.max(window.len());
    }
    most
}

/// Made-up names through a minute; what they are answered, and when requests were made.
fn flood(rig: &Rig, each: impl Fn(u64, Says)) -> Vec<u64> {
    let mut asked = Vec::new();
    for n in 0..1000_u64 {
        let before = rig.issuer.count();
        each(n, rig.ask(&under(9, &format!("forged-{n}"))));
        assert!(rig.issuer.count() <= before + 1);
        asked.extend((rig.issuer.count() > before).then_some(n * 60));
        rig.clock.advance(Duration::from_millis(60));
    }
    asked
}

#[test]
fn a_flood_of_made_up_names() {
    let rig = Rig::warm(Does::Give(keys_for(&[1], 3600)));
    let asked = flood(&rig, |n, says| assert_eq!(says, INVALID, "{n}"));
    assert!(most_in_ten_seconds(&asked) <= 2, "{asked:?}");
    assert!((11..=13).contains(&asked.len()), "{asked:?}");
    assert_eq!(rig.ask(&token(1)), PASSES);
    // Nothing of any token is in any request.
    for asked in rig.issuer.asked() {
        let headers: Vec<_> = asked.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!((&*asked.method, &*asked.url, headers, &*asked.body), ("GET", URL, vec![KEYS_ACCEPT], ""));
    }
}

#[test]
fn a_flood_while_the_issuer_is_down() {
    let rig = Rig::warm(Does::Fail);
    let asked = flood(&rig, |n, says| {
        assert_eq!(says, UNAVAILABLE, "{n}");
        assert_eq!((rig.verify(&token(1)), rig.ask(&under(9, "k1"))), (PASSES, INVALID));
    });
    assert!(most_in_ten_seconds(&asked) <= 2, "{asked:?}");
    assert!((10..=12).contains(&asked.len()), "{asked:?}");
}

#[test]
fn a_flood_while_the_issuer_does_not_answer() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(10);
    // Whoever comes after five seconds waits for the next request.
    let asked = flood(&rig, |n, says| assert!(says == if n < 100 { WAITS } else { says } && says != INVALID, "{n}"));
    assert!(most_in_ten_seconds(&asked) <= 2, "{asked:?}");
    assert_eq!(rig.verify(&token(1)), PASSES);
}

/// Cold, with nothing at hand at all: the first fetch counts.
#[test]
fn a_flood_before_there_are_keys() {
    let rig = Rig::new(Does::Give(keys_for(&[1], 3600)));
    let asked = std::cell::RefCell::new(Vec::new());
    for n in 0..200_u64 {
        let before = rig.issuer.count();
        assert_eq!(rig.ask(&under(9, &format!("forged-{n}"))), INVALID);
        asked.borrow_mut().extend((before..rig.issuer.count()).map(|_| n * 60));
        rig.clock.advance(Duration::from_millis(60));
    }
    assert!(most_in_ten_seconds(&asked.borrow()) <= 2, "{asked:?}");
}

#[test]
fn a_key_that_is_published_during_a_flood() {
    for after in [0, 1, 250, 500, 777] {
        let rig = Rig::warm(Does::Give(keys_for(&[1], 3600)));
        let mut accepted = None;
        for n in 0..1000_u64 {
            if n == after {
                rig.issuer.now(Does::Give(keys_for(&[1, 2], 3600)));
            }
            rig.ask(&under(9, &format!("forged-{n}")));
            if n >= after && rig.ask(&token(2)) == PASSES {
                accepted = accepted.or(Some((n - after) * 60));
            }
            rig.clock.advance(Duration::from_millis(60));
        }
        assert!(accepted.is_some_and(|took| took <= 5060), "published at {after}: {accepted:?}");
    }
}

/// The same with answers that take a quarter of a second, and only from those who do not wait.
#[test]
fn a_key_that_is_published_during_a_flood_at_a_slow_issuer() {
    for (after, patient) in [(30, true), (30, false), (111, true), (111, false)] {
        let rig = Rig::warm(Does::Keep);
        let (mut under_way, mut accepted, mut asked) = (0, None, Vec::new());
        for n in 0..300_u64 {
            let forged = under(9, &format!("forged-{n}"));
            let before = rig.issuer.count();
            let says = if patient { rig.ask(&forged) } else { rig.verify(&forged) };
            assert!(says == INVALID || patient && says == WAITS, "{says:?}");
            if n >= after && rig.verify(&token(2)) == PASSES {
                accepted = accepted.or(Some((n - after) * 60));
            }
            asked.extend((before..rig.issuer.count()).map(|_| n * 60));
            under_way += rig.issuer.waiting();
            if under_way == 4 {
                under_way = 0;
                rig.issuer.answer_next(if n < after { keys_for(&[1], 3600) } else { keys_for(&[1, 2], 3600) });
            }
            rig.clock.advance(Duration::from_millis(60));
        }
        assert!(accepted.is_some_and(|took| took <= 5600), "published at {after}, {patient}: {accepted:?}");
        assert!(most_in_ten_seconds(&asked) <= 2, "{asked:?}");
    }
}

/// Without a flood it is known at once.
#[test]
fn a_new_key() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(10);
    let mut all: Vec<Asking> = [&token(2), &token(2), &under(9, "forged"), &token(1)].map(|t| rig.asking(t)).into();
    let first: Vec<_> = all.iter_mut().map(|asking| poll(asking).map(Says::from)).collect();
    assert_eq!(first, [None, None, None, Some(PASSES)]);
    assert_eq!((rig.verify(&token(2)), rig.issuer.count()), (INVALID, 2));
    rig.issuer.answer_next(keys(&[1, 2]));
    all.truncate(3);
    let then: Vec<_> = all.iter_mut().map(|asking| poll(asking).map(Says::from)).collect();
    assert_eq!(then, [Some(PASSES), Some(PASSES), Some(INVALID)]);
    rig.expect("known", &[(&token(1), PASSES), (&token(2), PASSES)], 2);
}

#[test]
fn at_most_once_in_five_seconds() {
    let rig = Rig::warm(Does::Give(keys(&[1])));
    let forged = under(9, "forged");
    rig.advance(20);
    rig.expect("the first", &[(&forged, INVALID), (&forged, INVALID)], 2);
    rig.clock.advance(Duration::from_millis(4999));
    rig.expect("a moment before", &[(&forged, INVALID)], 2);
    rig.clock.advance(Duration::from_millis(1));
    rig.expect("on time", &[(&forged, INVALID), (&forged, INVALID)], 3);
}

/// What is refused without a look.
#[test]
fn known_names_and_none() {
    let rig = Rig::warm(Does::Keep);
    rig.expect("another signature under a known name", &[(&under(2, "k1"), INVALID)], 1);
    rig.expect("without a name", &[(&signed(1, r#"{"alg":"EdDSA"}"#), PASSES)], 1);
    rig.expect("without a name, forged", &[(&signed(2, r#"{"alg":"EdDSA"}"#), INVALID)], 1);
    let two = Rig::new(Does::Give(keys(&[1, 2])));
    two.expect("without a name, and two keys", &[(&signed(1, r#"{"alg":"EdDSA"}"#), INVALID)], 1);
    // A name that is as long as a token may be goes nowhere either.
    let long = "x".repeat(5000);
    rig.advance(10);
    rig.expect("a long name", &[(&under(9, &long), WAITS)], 2);
    assert!(!format!("{:?}", rig.issuer.asked()).contains("xxx"));
}

/// A name that no key at hand has is 503 while the issuer cannot be asked for it, and a forged signature is 401.
#[test]
fn while_the_issuer_is_down() {
    let rig = Rig::warm(Does::Fail);
    let (unknown, forged) = (under(9, "new"), under(9, "k1"));
    rig.advance(10);
    let table = [(&*unknown, UNAVAILABLE), (&forged, INVALID), (&unknown, UNAVAILABLE)];
    rig.expect("fresh", &table, 2);
    rig.advance(85);
    rig.expect("due", &table, 3);
    rig.advance(100);
    rig.expect("stale", &table, 4);
    let error = rig.asking(&unknown).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.retry_after(), Some(seconds(5)));
    rig.advance(5);
    rig.issuer.now(Does::Give(keys(&[1])));
    rig.expect("asked, and not known", &[(&unknown, INVALID), (&unknown, INVALID), (&forged, INVALID)], 6);
    rig.issuer.now(Does::Fail);
    let forged = unknown;
    rig.advance(24 * 3600);
    rig.expect("too old", &[(&forged, UNAVAILABLE), (&forged, UNAVAILABLE)], 7);
}

/// A look never makes a token wait more than once more, whatever comes of it.
#[test]
fn nobody_waits_for_ever() {
    let rig = Rig::new(Does::Keep);
    let mut asking = rig.asking(&under(9, "forged"));
    let mut requests = 0;
    for _ in 0..10 {
        match poll(&mut asking) {
            Some(answer) => {
                assert_eq!(Says::from(answer), INVALID);
                assert!(requests <= 2, "waited for {requests}");
                assert!(rig.issuer.count() <= 3);
                return;
            }
            None => requests += 1,
        }
        rig.advance(200);
        rig.issuer.answer_next(keys_for(&[1], 1));
    }
    panic!("it waits for ever");
}

#[test]
fn a_look_that_brings_the_end_of_a_key() {
    let rig = Rig::warm(Does::Give(keys(&[2])));
    rig.advance(10);
    rig.expect("k1 is gone with it", &[(&token(2), PASSES), (&token(1), INVALID)], 2);
}
