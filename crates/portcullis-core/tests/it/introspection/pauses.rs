//! When an issuer is left alone that fails, and who waits for that.

use super::{
    Outcome, URL, active, ask, asking_of, attack::Impatient, begun, client::*, kind, millis, poll, seconds,
    without_keys,
};
use crate::tokens::{ISSUER, NOW};
use portcullis_core::{ErrorKind, HttpResponse, Introspection, testing::FixedClock};
use std::time::Duration;

/// The pause that it is refused for.
fn paused(outcome: &Outcome) -> Option<Duration> {
    outcome.as_ref().unwrap_err().retry_after()
}

/// Many tokens that held before and many new ones, every tenth of a second.
#[test]
fn an_outage_of_three_minutes() {
    for (what, out) in [
        ("refused", Endpoint::answering(|_| outage())),
        ("500", Endpoint::answering(|_| Ok(HttpResponse::new(500, "")))),
        ("garbage", Endpoint::answering(|_| ok("garbage"))),
        ("dropped", Endpoint::dropping()),
        ("hanging", Endpoint::later()),
    ] {
        let (endpoint, clock) = (Endpoint::saying(active(&[])), FixedClock::at(NOW));
        let asking = Introspection::new(without_keys(), URL, Impatient(endpoint.clone())).unwrap().clock(clock.clone());
        (0..20).for_each(|at| assert!(ask(&asking, &format!("good-{at}")).is_ok()));
        clock.advance(seconds(9));
        assert!(ask(&asking, "remembered").is_ok());
        clock.advance(seconds(1));
        endpoint.become_like(&out);
        let before = endpoint.asked();
        for step in 0..1800 {
            for token in [format!("good-{}", step % 20), format!("new-{step}")] {
                let asked = endpoint.asked();
                let error = ask(&asking, &token).unwrap_err();
                assert_eq!((error.status(), error.issuer()), (503, Some(ISSUER)), "{what}");
                match error.retry_after() {
                    Some(left) => {
                        assert!(left <= seconds(60), "{what}: {left:?}");
                        assert_eq!(endpoint.asked(), asked, "{what}: nothing goes upstream in a pause");
                    }
                    None => assert_eq!(endpoint.asked(), asked + 1, "{what}"),
                }
            }
            if step < 80 {
                assert!(ask(&asking, "remembered").is_ok(), "{what}: what is remembered holds");
            }
            clock.advance(millis(100));
        }
        let asked = endpoint.asked() - before;
        assert!((6..=30).contains(&asked), "{what}: asked {asked} times");
        // The first answer ends it for all.
        endpoint.become_like(&Endpoint::saying(active(&[])));
        clock.advance(seconds(60));
        assert!(ask(&asking, "good-1").is_ok() && ask(&asking, "new").is_ok() && ask(&asking, "good-2").is_ok());
    }
}

/// Whatever makes an issuer fail over one token, others are answered.
#[test]
fn one_token_makes_nobody_else_wait() {
    let answer = |token: &str| ok(if token == "bad" { "garbage".into() } else { active(&[]) });
    let (endpoint, clock) = (Endpoint::answering(answer), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    let mut failures = 0;
    for _ in 0..600 {
        failures += usize::from(paused(&ask(&asking, "bad")).is_none());
        clock.advance(millis(100));
    }
    assert!((3..=10).contains(&failures), "its own pause grows: {failures}");
    assert_eq!(endpoint.asked(), failures);
    assert!(paused(&ask(&asking, "bad")).is_some());
    assert!(ask(&asking, "good").is_ok() && ask(&asking, "another").is_ok());
    // Nor does one that held before.
    endpoint
        .become_like(&Endpoint::answering(|token| ok(if token == "good" { "garbage".into() } else { active(&[]) })));
    clock.advance(seconds(10));
    for second in 0..60 {
        assert!(ask(&asking, "good").is_err());
        assert!(ask(&asking, &format!("new-{second}")).is_ok());
        clock.advance(seconds(1));
    }
}

/// However many tokens fail that nobody knows, those that held before are asked about.
#[test]
fn made_up_tokens_make_no_good_one_wait() {
    let answer = |token: &str| ok(if token.starts_with("good") { active(&[]) } else { "garbage".into() });
    let (endpoint, clock) = (Endpoint::answering(answer), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    assert!(ask(&asking, "good").is_ok());
    for round in 0..20 {
        let mut new = 0;
        for at in 0..200 {
            new += usize::from(paused(&ask(&asking, &format!("made-up-{round}-{at}"))).is_none());
            clock.advance(millis(50));
        }
        assert!((2..=10).contains(&new), "they wait themselves: {new}");
        // The last pause may just be over, and then this token is asked about. The next one waits in any case.
        assert!(ask(&asking, "made-up").is_err());
        assert!(paused(&ask(&asking, "another")).is_some(), "{round}");
        assert!(ask(&asking, "good").is_ok(), "{round}");
    }
}

/// Once it is answered, late failures of the time before say nothing.
#[test]
fn an_answer_says_more_than_failures_before_it() {
    let (endpoint, clock) = (Endpoint::later(), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    let mut waiting = ["a", "b", "c", "d"].map(|token| begun(&asking, token));
    endpoint.answer("a", outage());
    endpoint.answer("b", outage());
    assert!(paused(&ask(&asking, "e")).is_some() && paused(&ask(&asking, "a")).is_some());
    endpoint.answer("c", ok(active(&[])));
    endpoint.answer("d", outage());
    let outcomes = waiting.each_mut().map(|waiting| kind(&poll(waiting).unwrap()));
    let down = Some(ErrorKind::Unavailable);
    assert_eq!(outcomes, [down, down, None, down]);
    for token in ["a", "d", "e"] {
        let mut waiting = begun(&asking, token);
        endpoint.answer(token, ok(active(&[])));
        assert!(poll(&mut waiting).unwrap().is_ok(), "{token}");
    }
}
