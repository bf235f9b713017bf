//! The pauses after failures: a second, two, four, up to a minute, each shortened by up to a half.

use super::*;

/// Lets a token come in small steps until the next request is made; how long that took.
fn until_next(rig: &Rig, step: u64, want: Says) -> Duration {
    let token = token(1);
    let (before, mut waited) = (rig.issuer.count(), Duration::ZERO);
    loop {
        rig.clock.advance(Duration::from_millis(step));
        waited += Duration::from_millis(step);
        assert_eq!(rig.ask(&token), want, "nobody waits, and the answer stays the same");
        if rig.issuer.count() > before {
            assert_eq!(rig.issuer.count(), before + 1);
            return waited;
        }
        assert!(waited < seconds(61), "no request any more");
    }
}

fn pauses(rig: &Rig, want: Says) -> Vec<f64> {
    (0..10).map(|_| until_next(rig, 50, want).as_secs_f64()).collect()
}

const LONGEST: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0];

#[test]
fn they_grow_and_differ() {
    let mut shares = Vec::new();
    for place in 0..6 {
        // Cold, and with keys that hold on.
        let (rig, want) = if place % 2 == 0 {
            (Rig::new(Does::Fail), UNAVAILABLE)
        } else {
            let rig = Rig::warm(Does::Fail);
            rig.advance(100);
            (rig, PASSES)
        };
        assert_eq!(rig.ask(&token(1)), want);
        for (pause, longest) in pauses(&rig, want).into_iter().zip(LONGEST) {
            assert!(pause >= longest * 0.5 && pause <= longest + 0.051, "{pause} of {longest}");
            shares.push(pause / longest);
        }
    }
    let below = shares.iter().filter(|share| **share < 0.75).count();
    assert!((12..48).contains(&below), "{below} of {} are in the lower half", shares.len());
}

#[test]
fn success_begins_anew() {
    let rig = Rig::new(Does::Fail);
    assert_eq!(rig.ask(&token(1)), UNAVAILABLE);
    pauses(&rig, UNAVAILABLE);
    rig.issuer.now(Does::Give(keys(&[1])));
    rig.advance(60);
    let requests = rig.issuer.count();
    rig.expect("recovered", &[(&token(1), PASSES)], requests + 1);
    rig.issuer.now(Does::Fail);
    rig.advance(100);
    rig.expect("down again", &[(&token(1), PASSES)], requests + 2);
    let pause = until_next(&rig, 10, PASSES);
    assert!(pause <= Duration::from_millis(1010), "{pause:?}");
}

/// An hour of an outage with a token every 100 ms.
#[test]
fn few_requests_in_an_outage() {
    let rig = Rig::new(Does::Fail);
    let token = token(1);
    let mut at_most = 0;
    for minute in 0..60 {
        for _ in 0..600 {
            assert_eq!(rig.ask(&token), UNAVAILABLE);
            rig.clock.advance(Duration::from_millis(100));
        }
        // The short pauses at first, and then one to two a minute.
        at_most = if minute == 0 { 8 } else { at_most + 3 };
        assert!(rig.issuer.count() <= at_most, "minute {minute}: {}", rig.issuer.count());
    }
    assert!((62..=130).contains(&rig.issuer.count()), "{}", rig.issuer.count());
}

/// What a client is told to wait is what is left of the pause.
#[test]
fn retry_after_counts_down() {
    let rig = Rig::new(Does::Fail);
    let after = || rig.asking(&token(1)).now_or_never().unwrap().unwrap_err().retry_after().unwrap();
    let first = after();
    rig.clock.advance(Duration::from_millis(100));
    assert_eq!(first.saturating_sub(after()), Duration::from_millis(100));
    rig.clock.advance(first.saturating_sub(Duration::from_millis(100)) + Duration::from_millis(1));
    rig.expect("the pause is over", &[(&token(1), UNAVAILABLE)], 2);
    assert!(after() >= seconds(1));
}

/// A failure of the request that a made-up name brought is one like others; the next one for a name is made after five seconds.
#[test]
fn a_look_that_fails_is_followed_by_a_pause() {
    let rig = Rig::warm(Does::Fail);
    rig.advance(10);
    rig.expect("forged", &[(&under(1, "x"), UNAVAILABLE)], 2);
    for _ in 0..49 {
        rig.clock.advance(Duration::from_millis(100));
        rig.expect("forged", &[(&under(1, "x"), UNAVAILABLE), (&token(1), PASSES)], 2);
    }
    rig.clock.advance(Duration::from_millis(100));
    rig.expect("forged", &[(&under(1, "x"), UNAVAILABLE), (&token(1), PASSES)], 3);
}
