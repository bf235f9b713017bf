//! The policy `fresh` at a gate: what it asks for, what counts then, and where it cannot be had.

use super::{INACTIVE, active, noon, opaque, seconds, upstream::Upstream};
use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Error, ErrorKind, Gate,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::{sync::Arc, time::Duration};

const NOW: Fresh = fresh(Duration::ZERO);

/// As a route with this policy does.
fn enter(gate: &Gate, policy: &dyn Policy, head: &Head) -> Result<String, Error> {
    let who = gate.establish_for(policy, head).now_or_never().expect("an answer at once");
    gate.authorize(&who, policy, head).now_or_never().expect("a decision at once")?;
    Ok(who.principal()?.id().subject().to_owned())
}

fn status(gate: &Gate, policy: &dyn Policy, token: &str) -> u16 {
    let head = if token.is_empty() { Head::new() } else { Head::new().bearer(token) };
    enter(gate, policy, &head).map_or_else(|error| gate.refuse(&error).status(), |_| 200)
}

/// A gate that asks about opaque tokens, and knows that alice is staff.
fn asking() -> (Upstream, Gate) {
    let upstream = Upstream::saying(active("alice", r#","staff":true"#));
    let gate = Gate::builder().bearer().authenticator(opaque(&upstream, &noon())).build().unwrap();
    assert_eq!(status(&gate, &staff(), "abc"), 200);
    (upstream, gate)
}

/// Policies that want everything fresh and otherwise staff, whatever they are put together like.
fn wrapped() -> Vec<(&'static str, Box<dyn Policy>)> {
    static BOTH: All<(Staff, Fresh)> = all((staff(), NOW));
    let list: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(NOW)];
    vec![
        ("staff first", Box::new(all((staff(), NOW)))),
        ("fresh first", Box::new(all((NOW, staff())))),
        ("a reference", Box::new(&BOTH)),
        ("a reference to any policy", Box::new(&BOTH as &'static dyn Policy)),
        ("an Arc", Box::new(Arc::new(BOTH))),
        ("an Arc of any policy", Box::new(Arc::new(BOTH) as Arc<dyn Policy>)),
        ("a list", Box::new(all(list))),
        ("hidden", Box::new(hidden(BOTH))),
        ("one of both", Box::new(all((any((NOW, staff())), staff())))),
        ("not asked", Box::new(any((staff(), all((NOW, staff())))))),
        ("turned around", Box::new(all((staff(), not(not(NOW)))))),
        ("deep", Box::new(all((hidden(all((any((hidden(NOW),)),))), staff())))),
        ("twice", Box::new(all((fresh(seconds(3600)), staff(), NOW)))),
    ]
}

#[test]
fn what_was_taken_away_meanwhile_is_denied() {
    for (what, policy) in wrapped() {
        let (upstream, gate) = asking();
        assert!(gate.check(&*policy).is_ok(), "{what}");
        assert_eq!(max_age(&*policy), Some(Duration::ZERO), "{what}");
        assert_eq!(status(&gate, &*policy, "abc"), 200, "{what}");
        assert_eq!(upstream.asked(), 2, "{what}");
        upstream.says(active("alice", r#","staff":false"#));
        assert_eq!(status(&gate, &staff(), "abc"), 200, "{what}: elsewhere it is remembered");
        let denied = if matches!(what, "hidden") { 404 } else { 403 };
        assert_eq!(status(&gate, &*policy, "abc"), denied, "{what}");
        assert_eq!(status(&gate, &staff(), "abc"), 403, "{what}: and now elsewhere too");
        upstream.says(INACTIVE);
        assert_eq!(status(&gate, &*policy, "abc"), 401, "{what}");
        upstream.goes_down();
        assert_eq!(status(&gate, &*policy, "abc"), 503, "{what}");
    }
}

#[test]
fn the_opposite_of_fresh_is_nobody() {
    let (upstream, gate) = asking();
    assert_eq!(status(&gate, &not(NOW), "abc"), 403);
    assert_eq!(upstream.asked(), 2, "it was asked all the same");
    assert_eq!(status(&gate, &any((not(NOW), staff())), "abc"), 200);
}

#[test]
fn of_several_ages_the_least_counts() {
    assert_eq!(max_age(&authenticated()), None);
    assert_eq!(max_age(&any((fresh(seconds(9)), all((fresh(seconds(3)), fresh(seconds(5))))))), Some(seconds(3)));
    let clock = noon();
    let upstream = Upstream::saying(active("alice", ""));
    let gate = Gate::builder().bearer().authenticator(opaque(&upstream, &clock)).build().unwrap();
    let policy = all((fresh(seconds(9)), fresh(seconds(3))));
    for (advance, asked) in [(0, 1), (2, 1), (1, 2), (2, 2), (1, 3)] {
        clock.advance(seconds(advance));
        assert_eq!(status(&gate, &policy, "abc"), 200);
        assert_eq!(upstream.asked(), asked);
    }
}

#[test]
fn who_does_not_get_as_far_asks_nobody() {
    let (upstream, gate) = asking();
    for policy in [&NOW as &dyn Policy, &all((staff(), NOW)), &hidden(NOW)] {
        assert_eq!(status(&gate, policy, ""), 401);
        for head in [Head::new().header("authorization", "Basic YTpi"), Head::new().bearer("a b")] {
            assert_eq!(enter(&gate, policy, &head).unwrap_err().status(), 401);
        }
        let twice = Head::new().bearer("abc").bearer("abc");
        assert_eq!(enter(&gate, policy, &twice).unwrap_err().status(), 400);
    }
    assert_eq!(upstream.asked(), 1);
    assert_eq!(status(&gate, &any((anyone(), NOW)), ""), 401, "a gate that is asked nonetheless");
    assert!(any((anyone(), NOW)).is_public() && !all((anyone(), NOW)).is_public() && !NOW.is_public());
}

#[test]
fn whom_a_test_acts_as_is_fresh() {
    let (upstream, gate) = asking();
    let verifying = Gate::builder().bearer().authenticator(TestIssuer::new().authenticator()).build().unwrap();
    for gate in [gate.acting_as(acting_as("bob")), verifying.acting_as(acting_as("bob"))] {
        assert_eq!(enter(&gate, &NOW, &Head::new()).unwrap(), "bob");
        assert_eq!(enter(&gate, &all((NOW, staff())), &Head::new()).unwrap_err().status(), 403);
    }
    assert_eq!(upstream.asked(), 1);
}

#[test]
fn what_was_established_for_one_policy_is_enough_for_another_or_is_not() {
    let (upstream, gate) = asking();
    let head = Head::new().bearer("abc");
    let find = |policy: &dyn Policy, head: &Head| gate.establish_for(policy, head).now_or_never().unwrap();
    let ages = [None, Some(0), Some(5), Some(9)].map(|age| age.map(seconds));
    for established in ages {
        for asked in ages {
            let policy = |age: Option<Duration>| match age {
                Some(age) => Box::new(fresh(age)) as Box<dyn Policy>,
                None => Box::new(authenticated()),
            };
            let enough = asked.is_none_or(|asked| established.is_some_and(|established| established <= asked));
            let who = find(&*policy(established), &head);
            assert_eq!(who.is_enough_for(&*policy(asked)), enough, "{established:?} for {asked:?}");
            let decided = gate.authorize(&who, &*policy(asked), &head).now_or_never().unwrap();
            let status = decided.map_or_else(|error| error.status(), |_| 200);
            assert_eq!(status, if enough { 200 } else { 500 }, "{established:?} for {asked:?}");
        }
    }
    // Nobody, and a credential that does not hold, do not get any better.
    assert!(find(&authenticated(), &Head::new()).is_enough_for(&NOW));
    upstream.says(INACTIVE);
    let refused = find(&NOW, &head);
    assert!(refused.principal().is_err() && refused.is_enough_for(&NOW));
    assert!(find(&authenticated(), &head).is_enough_for(&NOW));
}

#[test]
fn an_explanation_shows_it() {
    let (_, gate) = asking();
    let policy = all((staff(), fresh(seconds(5))));
    let head = Head::new().bearer("abc");
    let who = gate.establish_for(&policy, &head).now_or_never().unwrap();
    let decision = gate.explain(&who, &policy, &head).now_or_never().unwrap().unwrap();
    let text = decision.explain().unwrap().to_string();
    assert!(decision.is_allowed() && text.contains("fresh within 5s"), "{text}");
    let stale = gate.establish(&head).now_or_never().unwrap();
    let error = gate.explain(&stale, &policy, &head).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    let plain = gate.explain(&who, &staff(), &head).now_or_never().unwrap().unwrap();
    assert!(!plain.explain().unwrap().to_string().contains("fresh"));
}
