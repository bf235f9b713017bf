//! Routes that ask for a fresh identity.

use crate::{
    gate::{Head, gate},
    instance::*,
    tokens::*,
};
use portcullis_core::{
    ErrorKind, Gate, Plan,
    policy::{
        authenticated, fresh, staff,
        values::{AnyPrincipal, Fresh},
    },
};
use serde_json::json;
use std::time::Duration;

/// The status that a request with this token is answered with, on a route with this plan.
fn status(gate: &Gate, plan: &Plan, token: &str) -> u16 {
    let head = Head::bearer(token);
    let who = now(gate.establish_for(plan, &head));
    now(gate.authorize(&who, plan, &head)).map_or_else(|error| error.status(), |_| 200)
}

const fn within(seconds: u64) -> Fresh<AnyPrincipal> {
    fresh(Duration::from_secs(seconds), authenticated())
}

/// A token that is otherwise taken as it is, is asked about where a route says so.
#[test]
fn a_token_that_nobody_asks_about_otherwise() {
    let plain = token(json!({ "admin_access": true }));
    let instance = Instance::knowing(&plain, Standing::user("u1", true));
    let gate = gate(instance.hybrid());
    let usual = gate.plan(staff()).unwrap();
    let strict = gate.plan(fresh(Duration::ZERO, staff())).unwrap();
    assert_eq!((status(&gate, &usual, &plain), instance.asked()), (200, 0));
    assert_eq!((status(&gate, &strict, &plain), instance.asked()), (200, 2));
    assert_eq!((status(&gate, &strict, &plain), instance.asked()), (200, 4), "and each time");
    // Case 87: the right is gone, and the token has not heard of it.
    let instance = instance.and(&plain, Standing::user("u1", false));
    assert_eq!((status(&gate, &usual, &plain), status(&gate, &strict, &plain)), (200, 403));
    let instance = instance.and(&plain, Standing::user("u1", true).but(json!({ "id": "u1", "status": "suspended" })));
    assert_eq!((status(&gate, &usual, &plain), status(&gate, &strict, &plain)), (200, 401));
    let instance = instance.and(&plain, Standing::user("u2", true));
    assert_eq!((status(&gate, &usual, &plain), status(&gate, &strict, &plain)), (200, 401), "somebody else");
    let _instance = instance.and(&plain, Standing::fails(502, ""));
    assert_eq!((status(&gate, &usual, &plain), status(&gate, &strict, &plain)), (200, 503));
}

/// Case 28 without waiting for the memory to fade.
#[test]
fn a_session_that_was_just_ended() {
    for way in [true, false] {
        let instance = Instance::knowing(&session(), Standing::user("u1", false));
        let gate = gate(if way { instance.hybrid() } else { instance.introspect() });
        let (usual, strict) = (gate.plan(authenticated()).unwrap(), gate.plan(within(0)).unwrap());
        assert_eq!((status(&gate, &usual, &session()), instance.asked()), (200, 2));
        let instance = instance.and(&session(), Standing::unknown());
        assert_eq!((status(&gate, &usual, &session()), instance.asked()), (200, 2), "remembered");
        assert_eq!((status(&gate, &strict, &session()), instance.asked()), (401, 3));
        // And who asked has told all others.
        assert_eq!((status(&gate, &usual, &session()), instance.asked()), (401, 3));
    }
}

#[test]
fn as_fresh_as_a_route_says() {
    let instance = Instance::knowing("opaque", Standing::user("u1", false));
    let clock = portcullis_core::testing::FixedClock::at(NOW);
    let gate = gate(instance.hybrid().clock(clock.clone()));
    let within = |seconds| gate.plan(within(seconds)).unwrap();
    assert_eq!((status(&gate, &within(5), "opaque"), instance.asked()), (200, 2));
    clock.advance(Duration::from_secs(4));
    assert_eq!((status(&gate, &within(5), "opaque"), instance.asked()), (200, 2));
    assert_eq!((status(&gate, &within(4), "opaque"), instance.asked()), (200, 4));
    // However long a route allows, nothing is remembered for longer than it is.
    clock.advance(Duration::from_secs(10));
    assert_eq!((status(&gate, &within(3600), "opaque"), instance.asked()), (200, 6));
    // A forged token is not asked about here either.
    let forged = format!("{}x", session());
    assert_eq!((status(&gate, &within(0), &forged), instance.asked()), (401, 6));
}

/// Where nobody can be asked, such a route is a mistake of the wiring, found when it is added.
#[test]
fn the_secret_alone_is_never_fresh() {
    let gate = gate(Instance::local());
    let error = gate.plan(within(3600)).unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("cannot ask again"), "{error}");
    let usual = gate.plan(authenticated()).unwrap();
    assert_eq!(status(&gate, &usual, &token(json!({}))), 200);
    assert_eq!(status(&gate, &usual, &token(json!({ "exp": NOW }))), 401);
}
