//! One question about a token at a time, however many wait for the answer.

use super::{
    INACTIVE, Waiting, active, ask, ask_after_pause, asking, asking_of, assert_is, begin, begun, client::*, down, kind,
    poll, seconds, without_keys,
};
use crate::tokens::{NOW, invalid};
use portcullis_core::{ErrorKind, Introspection, testing::FixedClock};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Bell {
    fn poll(self: &Arc<Self>, waiting: &mut Waiting) -> bool {
        let waker = Waker::from(self.clone());
        matches!(waiting.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(_))
    }

    fn rang(&self) -> bool {
        self.0.load(SeqCst) > 0
    }
}

#[test]
fn a_hundred_ask_once() {
    for (answer, want) in [
        (ok(active(&[])), None),
        (ok(INACTIVE), Some(ErrorKind::Invalid)),
        (ok(active(&[("exp", "5")])), Some(ErrorKind::Expired)),
        (outage(), Some(ErrorKind::Unavailable)),
        (ok("garbage"), Some(ErrorKind::Unavailable)),
    ] {
        let endpoint = Endpoint::later();
        let asking = asking(&endpoint);
        let mut waiting: Vec<(Waiting, Arc<Bell>)> =
            (0..100).map(|_| (begin(&asking.clone(), "abc"), Arc::default())).collect();
        for (waiting, bell) in &mut waiting {
            assert!(!bell.poll(waiting));
        }
        assert_eq!((endpoint.asked(), endpoint.under_way().len()), (1, 1));
        endpoint.answer("abc", answer);
        for (waiting, bell) in &mut waiting {
            assert!(bell.rang(), "everybody is told");
            assert_eq!(kind(&poll(waiting).expect("an answer")), want);
        }
        assert_eq!(endpoint.asked(), 1);
    }
}

#[test]
fn an_answer_comes_though_everybody_has_left() {
    for (answer, want) in [(ok(active(&[])), None), (ok(INACTIVE), Some(ErrorKind::Invalid))] {
        let endpoint = Endpoint::later();
        let asking = asking(&endpoint);
        let waiting: Vec<_> = (0..10).map(|_| begun(&asking, "abc")).collect();
        drop(waiting);
        // Who comes meanwhile waits for the same answer.
        let mut late = begun(&asking, "abc");
        assert_eq!(endpoint.asked(), 1);
        drop(begun(&asking, "abc"));
        endpoint.answer("abc", answer);
        assert_eq!(kind(&poll(&mut late).unwrap()), want);
        assert_eq!(kind(&ask(&asking, "abc")), want, "it is remembered");
        assert_eq!(endpoint.asked(), 1);
    }
    // An outage that nobody waits for is forgotten, and leaves the token free.
    let endpoint = Endpoint::later();
    let clock = FixedClock::at(NOW);
    let asking = asking_of(without_keys(), &endpoint, &clock);
    drop(begun(&asking, "abc"));
    endpoint.answer("abc", outage());
    clock.advance(seconds(1));
    let mut again = begun(&asking, "abc");
    endpoint.answer("abc", ok(active(&[])));
    assert!(poll(&mut again).unwrap().is_ok());
    assert_eq!(endpoint.asked(), 2);
}

#[test]
fn one_of_two_leaves() {
    for leaves in [0, 1] {
        let endpoint = Endpoint::later();
        let asking = asking(&endpoint);
        let mut two: Vec<(Waiting, Arc<Bell>)> = (0..2).map(|_| (begin(&asking, "abc"), Arc::default())).collect();
        for (waiting, bell) in &mut two {
            assert!(!bell.poll(waiting));
        }
        drop(two.remove(leaves));
        let (mut stays, bell) = two.pop().unwrap();
        let reply = endpoint.take("abc");
        thread::spawn(move || reply.give(ok(active(&[])))).join().unwrap();
        assert!(bell.rang(), "{leaves}");
        assert!(poll(&mut stays).unwrap().is_ok(), "{leaves}");
        assert_eq!(endpoint.asked(), 1);
    }
}

/// Who has not looked yet when the answer comes gets it all the same.
#[test]
fn who_looks_late_and_who_never_looks() {
    let endpoint = Endpoint::later();
    let asking = asking(&endpoint);
    drop(begin(&asking, "abc"));
    let mut first = begun(&asking, "abc");
    let mut late = begin(&asking, "abc");
    endpoint.answer("abc", ok(active(&[])));
    assert!(poll(&mut late).unwrap().is_ok());
    assert!(poll(&mut first).unwrap().is_ok());
    assert_eq!(endpoint.asked(), 1);
}

#[test]
fn different_tokens_are_asked_about_side_by_side() {
    let endpoint = Endpoint::later();
    let asking = asking(&endpoint);
    let mut waiting: Vec<(String, Waiting)> =
        (0..50).map(|at| format!("token-{at}")).map(|token| (token.clone(), begun(&asking, &token))).collect();
    assert_eq!(endpoint.asked(), 50);
    // Answered in the other order, every second one with a refusal, and nobody gets another's answer.
    for (at, (token, _)) in waiting.iter().enumerate().rev() {
        let subject = format!("\"of {token}\"");
        endpoint.answer(token, ok(if at % 2 == 0 { active(&[("sub", &subject)]) } else { INACTIVE.into() }));
    }
    for (at, (token, waiting)) in waiting.iter_mut().enumerate() {
        let outcome = poll(waiting).unwrap();
        let subject = outcome.as_ref().ok().map(|principal| principal.id().subject().to_owned());
        assert_eq!(subject, (at % 2 == 0).then(|| format!("of {token}")));
    }
    assert_eq!(endpoint.asked(), 50);
}

fn flood(asking: &Introspection, many: usize) -> Vec<Waiting> {
    (0..many).map(|at| begun(asking, &format!("made-up-{at}"))).collect()
}

#[test]
fn no_more_than_256_are_asked_about_at_a_time() {
    let endpoint = Endpoint::later();
    let asking = asking(&endpoint);
    let mut known = begun(&asking, "known");
    endpoint.answer("known", ok(active(&[])));
    assert!(poll(&mut known).unwrap().is_ok());
    let mut waiting = flood(&asking, 256);
    assert_eq!(endpoint.asked(), 257);
    for again in ["one more", "another", "one more"] {
        assert_is(again, &ask(&asking, again), down("too many tokens are being asked about"));
    }
    assert_eq!(endpoint.asked(), 257, "nothing is sent for them");
    assert!(ask(&asking, "known").is_ok(), "what is remembered holds");
    let mut joined = begun(&asking, "made-up-7");
    assert_eq!(endpoint.asked(), 257, "and who waits for the same waits");
    // Leaving makes no room: the questions are still under way.
    waiting.truncate(10);
    assert_eq!(kind(&ask(&asking, "one more")), Some(ErrorKind::Unavailable));
    endpoint.answer("made-up-7", ok(INACTIVE));
    assert_eq!(kind(&poll(&mut joined).unwrap()), Some(ErrorKind::Invalid));
    let mut more = begun(&asking, "one more");
    assert_eq!((endpoint.asked(), endpoint.under_way().len()), (258, 256));
    assert_eq!(kind(&ask(&asking, "another")), Some(ErrorKind::Unavailable));
    // However the questions end, they make room.
    endpoint.answer("one more", ok(active(&[])));
    drop(endpoint.take("made-up-8"));
    endpoint.answer("made-up-9", outage());
    assert!(poll(&mut more).unwrap().is_ok());
    drop(["made-up-8", "made-up-9"].map(|token| begun(&asking, token)));
    assert_eq!(endpoint.answer_all(&ok(INACTIVE)), 255);
    flood_is_over(&endpoint, &asking);
}

/// All 256 places are free.
fn flood_is_over(endpoint: &Endpoint, asking: &Introspection) {
    let before = endpoint.asked();
    let waiting: Vec<_> = (0..256).map(|at| begun(asking, &format!("after-{at}"))).collect();
    assert_eq!(endpoint.asked(), before + 256);
    assert_eq!(endpoint.answer_all(&ok(active(&[]))), 256);
    for mut waiting in waiting {
        assert!(poll(&mut waiting).unwrap().is_ok());
    }
}

#[test]
fn a_client_may_answer_before_it_returns() {
    for (body, want) in [(active(&[]), None), (INACTIVE.into(), Some(ErrorKind::Invalid))] {
        let endpoint = Endpoint::saying(body);
        let asking = asking(&endpoint);
        for _ in 0..3 {
            assert_eq!(kind(&ask(&asking, "abc")), want);
        }
        assert_eq!(endpoint.asked(), 1);
    }
    // No place is taken by questions that are over.
    let endpoint = Endpoint::answering(|_| outage());
    let clock = FixedClock::at(NOW);
    let asking = asking_of(without_keys(), &endpoint, &clock);
    for at in 0..600 {
        assert_is("an outage", &ask_after_pause(&asking, &format!("token-{at}"), &clock), down("connection refused"));
    }
    assert_eq!(endpoint.asked(), 600);
}

/// A client that panics takes the one request with it, and nobody else's.
#[test]
fn a_client_that_panics() {
    let endpoint = Endpoint::panicking();
    let clock = FixedClock::at(NOW);
    let asking = asking_of(without_keys(), &endpoint, &clock);
    for again in 1..=3 {
        clock.advance(seconds(60));
        let outcome = catch_unwind(AssertUnwindSafe(|| ask(&asking, "abc")));
        assert!(outcome.is_err() || outcome.is_ok_and(|outcome| outcome.is_err()));
        assert_eq!(endpoint.asked(), again);
    }
    endpoint.become_like(&Endpoint::later());
    clock.advance(seconds(60));
    let mut waiting = begun(&asking, "abc");
    endpoint.answer("abc", ok(active(&[])));
    assert!(poll(&mut waiting).unwrap().is_ok());
    flood_is_over(&endpoint, &asking);
}

/// Nothing is kept for the sake of a question that is over, nor by one that outlives who asked.
#[test]
fn what_is_dropped_is_gone() {
    let endpoint = Endpoint::later();
    let first = asking(&endpoint);
    let waiting = begun(&first, "abc");
    let reply = endpoint.take("abc");
    drop((first, waiting));
    reply.give(ok(active(&[])));
    assert_eq!(endpoint.holders(), 1);
    let second = asking(&endpoint);
    let mut waiting = begun(&second, "abc");
    drop(second);
    endpoint.answer("abc", ok(INACTIVE));
    assert_is("its issuer's word", &poll(&mut waiting).unwrap(), invalid("not active"));
    drop(waiting);
    assert_eq!((endpoint.holders(), endpoint.asked()), (1, 2));
}
