//! Floods of made-up tokens, answers that are large, and issuers that hang: what good tokens notice of it.

use super::{
    INACTIVE, active, ask, asking, asking_of, assert_is, begin, begun, client::*, down, poll, seconds, without_keys,
};
use crate::tokens::NOW;
use portcullis_core::{
    Answer, ClaimMap, HttpClient, HttpRequest, HttpResponse, Introspection, Reply, testing::FixedClock,
};
use serde::Deserialize;
use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

fn good(at: usize) -> String {
    format!("good-{at}")
}

fn made_up(at: usize) -> String {
    format!("made-up-{at}")
}

#[test]
fn refusals_make_no_good_token_be_forgotten() {
    let endpoint =
        Endpoint::answering(|token| ok(if token.starts_with("good") { active(&[]) } else { INACTIVE.into() }));
    let asking = asking(&endpoint);
    (0..100).for_each(|at| assert!(ask(&asking, &good(at)).is_ok()));
    (0..20_000).for_each(|at| assert!(ask(&asking, &made_up(at)).is_err()));
    let before = endpoint.asked();
    (0..100).for_each(|at| assert!(ask(&asking, &good(at)).is_ok()));
    assert_eq!(endpoint.asked(), before, "all of them are remembered");
    // The latest refusals are, too, and the first are not.
    assert!(ask(&asking, &made_up(19_999)).is_err());
    assert_eq!(endpoint.asked(), before);
    assert!(ask(&asking, &made_up(0)).is_err());
    assert_eq!(endpoint.asked(), before + 1);
}

/// What was said last is remembered, and nothing beside it.
#[test]
fn a_token_that_is_accepted_and_then_refused() {
    let clock = FixedClock::at(NOW);
    let endpoint = Endpoint::saying(active(&[]));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    for again in 0..3 {
        endpoint.become_like(&Endpoint::saying(active(&[])));
        assert!(ask(&asking, "abc").is_ok(), "{again}");
        clock.advance(seconds(10));
        endpoint.become_like(&Endpoint::saying(INACTIVE));
        assert!(ask(&asking, "abc").is_err() && ask(&asking, "abc").is_err(), "{again}");
        clock.advance(seconds(2));
        assert_eq!(endpoint.asked(), 2 * (again + 1));
    }
}

/// While 256 questions hang and a thousand made-up tokens come each second, for a minute.
#[test]
fn tokens_that_held_before_are_answered_under_attack() {
    const GOOD: usize = 100;
    let (endpoint, clock) = (Endpoint::later(), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    let enter = |token: &str| {
        let mut waiting = begin(&asking, token);
        poll(&mut waiting).unwrap_or_else(|| {
            endpoint.answer(token, ok(active(&[])));
            poll(&mut waiting).expect("an answer")
        })
    };
    (0..GOOD).for_each(|at| assert!(enter(&good(at)).is_ok()));
    let hanging: Vec<_> = (0..256).map(|at| begun(&asking, &made_up(at))).collect();
    let (mut refused, mut next) = (0, 256);
    for second in 0..60 {
        for part in 0..10 {
            for _ in 0..100 {
                let outcome = poll(&mut begin(&asking, &made_up(next)));
                refused += usize::from(outcome.is_some_and(|outcome| outcome.is_err()));
                next += 1;
            }
            (0..GOOD / 10).for_each(|at| {
                let outcome = enter(&good(part * GOOD / 10 + at));
                assert!(outcome.is_ok(), "second {second}: {outcome:?}");
            });
        }
        clock.advance(seconds(1));
    }
    assert!(refused > 55_000, "nearly none of the made-up ones is passed on: {refused}");
    // Who was never accepted finds no place.
    (next..next + 256).for_each(|at| drop(poll(&mut begin(&asking, &made_up(at)))));
    assert_is("a new one", &ask(&asking, "good-but-new"), down("too many tokens are being asked about"));
    drop(hanging);
}

/// A token that is refused has lost its place.
#[test]
fn a_token_that_held_once() {
    let (endpoint, clock) = (Endpoint::saying(active(&[])), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    assert!(ask(&asking, "good").is_ok() && ask(&asking, "ended").is_ok());
    clock.advance(seconds(10));
    endpoint.become_like(&Endpoint::saying(INACTIVE));
    assert!(ask(&asking, "ended").is_err());
    clock.advance(seconds(2));
    endpoint.become_like(&Endpoint::later());
    let _hanging: Vec<_> = (0..256).map(|at| begun(&asking, &made_up(at))).collect();
    assert_is("ended", &ask(&asking, "ended"), down("too many tokens"));
    let mut waiting = begun(&asking, "good");
    endpoint.answer("good", ok(active(&[])));
    assert!(poll(&mut waiting).unwrap().is_ok());
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts itself, as long as somebody keeps the claims that it was read from.
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from)?;
        ALIVE.fetch_add(1, SeqCst);
        Ok(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

#[test]
fn answers_that_are_large_fill_no_more_than_the_memory() {
    const LARGE: usize = 64 << 10;
    let endpoint = Endpoint::saying(active(&[("x", &format!("\"{}\"", "x".repeat(LARGE)))]));
    let remembered = |asking: &Introspection, many: usize| {
        for at in 0..many {
            ask(asking, &good(at)).unwrap().claims::<Counted>().unwrap();
        }
        ALIVE.load(SeqCst)
    };
    let usual = asking(&endpoint);
    let many = remembered(&usual, 20_000);
    assert!(many * LARGE <= 64 << 20 && many * LARGE >= 16 << 20, "{many} answers of 64 KiB");
    drop(usual);
    let less = asking(&endpoint).max_memory_bytes(8 << 20);
    let many = remembered(&less, 200);
    assert!(many * LARGE <= 8 << 20 && many > 10, "{many} answers of 64 KiB");
}

/// Every wait for it is over at once.
#[derive(Debug, Clone)]
pub struct Impatient(pub Endpoint);

impl HttpClient for Impatient {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.0.send(request, reply);
    }

    fn time_limit(&self) -> Duration {
        seconds(5)
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        assert_eq!(time, seconds(5));
        Answer::now(())
    }
}

/// It frees its place, and what it says in the end is not taken for the answer to another question.
#[test]
fn a_question_that_never_ends() {
    let (endpoint, clock) = (Endpoint::later(), FixedClock::at(NOW));
    let asking = Introspection::new(without_keys().claim_map(ClaimMap::new()), super::URL, Impatient(endpoint.clone()));
    let asking = asking.unwrap().clock(clock.clone());
    for again in 1..=600 {
        clock.advance(seconds(60));
        let error = ask(&asking, "abc").unwrap_err();
        assert_eq!((error.status(), error.issuer()), (503, Some(crate::tokens::ISSUER)));
        assert!(error.to_string().contains("did not answer in its time"), "{error}");
        assert_eq!(endpoint.asked(), again);
    }
    endpoint.answer("abc", ok(active(&[])));
    clock.advance(seconds(60));
    assert!(ask(&asking, "abc").is_err());
    assert_eq!(endpoint.asked(), 601);
    // One that nobody waits for ends as well.
    let (endpoint, clock) = (Endpoint::later(), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    (0..256).for_each(|at| drop(begun(&asking, &made_up(at))));
    assert_is("too many", &ask(&asking, "abc"), down("too many tokens"));
    clock.advance(seconds(6));
    let mut waiting = begun(&asking, "abc");
    endpoint.answer("abc", ok(active(&[])));
    assert!(poll(&mut waiting).unwrap().is_ok());
}

/// An issuer that says when to come again is left alone until then: with 429 and 503, also while it answers garbage.
#[test]
fn an_issuer_that_asks_to_be_left_alone() {
    for (what, status, body) in [("too many", 429, ""), ("busy", 503, ""), ("garbage", 200, "garbage")] {
        let busy = HttpResponse::new(status, body).with_header("retry-after", "30");
        let answer = move |token: &str| if token == "known" { ok(active(&[])) } else { Ok(busy.clone()) };
        let (endpoint, clock) = (Endpoint::answering(answer), FixedClock::at(NOW));
        let asking = asking_of(without_keys(), &endpoint, &clock).remember(seconds(60), seconds(2));
        assert!(ask(&asking, "known").is_ok());
        assert_eq!(ask(&asking, "abc").unwrap_err().retry_after(), Some(seconds(30)), "{what}");
        for second in 0..30 {
            for token in ["abc", "another", &made_up(second)] {
                let error = ask(&asking, token).unwrap_err();
                let left = Some(seconds(30 - second as u64));
                assert_eq!((error.status(), error.retry_after()), (503, left), "{what}: {error}");
                assert_eq!(error.issuer(), Some(crate::tokens::ISSUER));
            }
            assert!(ask(&asking, "known").is_ok(), "{what}: what is remembered holds");
            clock.advance(seconds(1));
        }
        assert_eq!(endpoint.asked(), 2, "{what}");
        endpoint.become_like(&Endpoint::saying(active(&[])));
        assert!(ask(&asking, "abc").is_ok(), "{what}");
        assert_eq!(endpoint.asked(), 3, "{what}");
    }
}
