//! The contract of `Service`: only the one that said that it is ready is called, and nobody is called who was refused.

use crate::cast::{self, Later, Names, Text, request};
use http::{Request, Response};
use portcullis_core::{Gate, policy::*};
use portcullis_tower::GateExt;
use std::{
    convert::Infallible,
    future::{Ready, poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};
use tower::{Layer, Service};

/// Panics when it is called without having been asked whether it is ready. A clone has to be asked anew.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
    polls: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, polls: self.polls.clone(), calls: self.calls.clone() }
    }
}

impl Service<Request<Text>> for Strict {
    type Response = Response<Text>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Text>, Infallible>>;

    /// Ready the second time it is asked.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.polls.fetch_add(1, Relaxed).is_multiple_of(2) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        self.calls.fetch_add(1, Relaxed);
        ready(Ok(Response::new(request.into_body())))
    }
}

type Case = (&'static str, Gate, Box<dyn Fn(&Gate) -> portcullis_tower::RequireLayer>);

/// Deciding at once, waiting for the verifier, waiting for the policy, and not deciding at all.
fn cases() -> [Case; 5] {
    let later = || Later(|who| who.is_staff());
    [
        ("now", cast::gate(), Box::new(|gate| gate.require(staff()))),
        ("slow verifier", cast::gate_of(&Names::slow()), Box::new(|gate| gate.require(staff()))),
        ("slow policy", cast::gate(), Box::new(move |gate| gate.require(later()))),
        ("both slow", cast::gate_of(&Names::slow()), Box::new(move |gate| gate.require(later()))),
        ("public", cast::gate(), Box::new(|gate| gate.require(anyone()))),
    ]
}

#[tokio::test]
async fn the_one_that_was_ready_is_the_one_called() {
    for (name, gate, guard) in cases() {
        let strict = Strict::default();
        let (polls, calls) = (strict.polls.clone(), strict.calls.clone());
        // One service for all requests, as a connection has it: after each it has to get ready anew.
        let mut guarded = guard(&gate).layer(strict);
        for round in 1..=3 {
            poll_fn(|context| guarded.poll_ready(context)).await.unwrap();
            let answer = guarded.call(request("/", "staff")).await.unwrap();
            assert_eq!(answer.status(), 200, "{name}");
            assert_eq!((polls.load(Relaxed), calls.load(Relaxed)), (2 * round, round), "{name}");
        }
    }
}

#[tokio::test]
async fn who_is_refused_calls_nobody_and_the_next_is_served() {
    for (name, gate, guard) in cases().into_iter().filter(|(name, ..)| *name != "public") {
        let strict = Strict::default();
        let calls = strict.calls.clone();
        let mut guarded = guard(&gate).layer(strict);
        for (who, status) in [("", 401), ("broken", 401), ("alice", 403), ("staff", 200), ("down", 503), ("staff", 200)]
        {
            poll_fn(|context| guarded.poll_ready(context)).await.unwrap();
            let before = calls.load(Relaxed);
            assert_eq!(guarded.call(request("/", who)).await.unwrap().status(), status, "{name} {who:?}");
            assert_eq!(calls.load(Relaxed) - before, usize::from(status == 200), "{name} {who:?}");
        }
    }
}

/// Where nobody has to be waited for, one poll brings the answer, and the service is called within `call` as if there were
/// no guard.
#[test]
fn a_decision_at_once_takes_no_turn() {
    for (name, gate, guard) in cases() {
        let strict = Strict { ready: true, ..Strict::default() };
        let calls = strict.calls.clone();
        let mut guarded = guard(&gate).layer(strict);
        let mut answer = pin!(guarded.call(request("/", "staff")));
        let at_once = matches!(name, "now" | "public");
        assert_eq!(calls.load(Relaxed), usize::from(at_once), "{name}");
        let mut context = Context::from_waker(Waker::noop());
        let pauses = match name {
            "slow verifier" | "slow policy" => 1,
            "both slow" => 2,
            _ => 0,
        };
        for _ in 0..pauses {
            assert!(answer.as_mut().poll(&mut context).is_pending(), "{name}");
        }
        let polled = answer.as_mut().poll(&mut context);
        assert!(matches!(polled, Poll::Ready(Ok(answer)) if answer.status() == 200), "{name}");
        assert_eq!(calls.load(Relaxed), 1, "{name}");
    }
}

/// What is dropped while somebody is being asked is dropped: the service is not called behind the caller's back.
#[test]
fn a_request_given_up_on_calls_nobody() {
    let strict = Strict { ready: true, ..Strict::default() };
    let calls = strict.calls.clone();
    let mut guarded = cast::gate_of(&Names::slow()).require(staff()).layer(strict);
    {
        let mut answer = pin!(guarded.call(request("/", "staff")));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(calls.load(Relaxed), 0);
}

/// A service that fails to get ready fails as without the guard.
#[tokio::test]
async fn not_getting_ready_is_the_services_error() {
    #[derive(Clone)]
    struct Broken;
    impl Service<Request<Text>> for Broken {
        type Response = Response<Text>;
        type Error = &'static str;
        type Future = Ready<Result<Response<Text>, &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("out of order"))
        }
        fn call(&mut self, _: Request<Text>) -> Self::Future {
            panic!("called though it is out of order")
        }
    }
    let gate = cast::gate();
    let mut guarded = gate.enforce().layer(gate.require(anyone()).layer(Broken));
    assert_eq!(poll_fn(|context| guarded.poll_ready(context)).await, Err("out of order"));
}
