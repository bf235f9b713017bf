//! The policy `fresh` at a gate: what it asks for, what counts then, and where it cannot be had.

use super::{INACTIVE, active, noon, opaque, seconds, upstream::Upstream};
use crate::{asking::shared, head::Head};
use futures_util::FutureExt;
use portcullis_core::{
    Error, ErrorKind, Gate, Plan, Question, Scheme,
    policy::{
        values::{All, AnyPrincipal, Fresh, Staff},
        *,
    },
    testing::{TestIssuer, acting_as},
};
use std::{sync::Arc, time::Duration};

const NOW: Fresh<AnyPrincipal> = fresh(Duration::ZERO, authenticated());

/// As a route with this policy does.
fn enter(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Result<String, Error> {
    let plan = gate.plan(policy)?;
    let who = gate.establish_for(&plan, head).now_or_never().expect("an answer at once");
    gate.authorize(&who, &plan, head).now_or_never().expect("a decision at once")?;
    Ok(who.principal()?.id().subject().to_owned())
}

fn max_age(gate: &Gate, policy: impl Policy + 'static) -> Option<Duration> {
    gate.plan(policy).unwrap().max_age()
}

fn status(gate: &Gate, policy: impl Policy + 'static, token: &str) -> u16 {
    let head = if token.is_empty() { Head::new() } else { Head::new().bearer(token) };
    enter(gate, policy, &head).map_or_else(|error| gate.refuse(&error).status(), |_| 200)
}

/// A gate that asks about opaque tokens, and knows that alice is staff.
fn asking() -> (Upstream, Gate) {
    let upstream = Upstream::saying(active("alice", r#","staff":true"#));
    let gate = Gate::builder().scheme(Scheme::new(opaque(&upstream, &noon())).bearer()).build().unwrap();
    assert_eq!(status(&gate, staff(), "abc"), 200);
    (upstream, gate)
}

/// Asks a policy and says so.
#[derive(Debug)]
struct Names(Arc<dyn Policy>);

impl Rule for Names {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        question.ask(&self.0).await
    }

    fn parts(&self) -> Vec<&dyn Policy> {
        vec![&self.0]
    }
}

/// Policies that want everything fresh and otherwise staff, whatever they are put together like.
fn wrapped() -> Vec<(&'static str, Arc<dyn Policy>)> {
    static BOTH: All<(Staff, Fresh<AnyPrincipal>)> = all((staff(), NOW));
    let list: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(NOW)];
    vec![
        ("staff first", shared(all((staff(), NOW)))),
        ("fresh first", shared(all((NOW, staff())))),
        ("a reference", shared(&BOTH as &'static dyn Policy)),
        ("an Arc", shared(shared(BOTH))),
        ("a Box", shared(Box::new(BOTH) as Box<dyn Policy>)),
        ("a rule that names it", shared(Names(shared(BOTH)))),
        ("a list", shared(all(list))),
        ("hidden", shared(hidden(BOTH))),
        ("one of both", shared(all((any((NOW, staff())), staff())))),
        ("not asked", shared(any((staff(), all((NOW, staff())))))),
        ("turned around", shared(all((staff(), not(not(NOW)))))),
        ("deep", shared(all((hidden(all((any((hidden(NOW),)),))), staff())))),
        ("twice", shared(all((fresh(seconds(3600), authenticated()), staff(), NOW)))),
    ]
}

#[test]
fn what_was_taken_away_meanwhile_is_denied() {
    for (what, policy) in wrapped() {
        let (upstream, gate) = asking();
        assert_eq!(max_age(&gate, policy.clone()), Some(Duration::ZERO), "{what}");
        assert_eq!(status(&gate, policy.clone(), "abc"), 200, "{what}");
        assert_eq!(upstream.asked(), 2, "{what}");
        upstream.says(active("alice", r#","staff":false"#));
        assert_eq!(status(&gate, staff(), "abc"), 200, "{what}: elsewhere it is remembered");
        let denied = if matches!(what, "hidden") { 404 } else { 403 };
        assert_eq!(status(&gate, policy.clone(), "abc"), denied, "{what}");
        assert_eq!(status(&gate, staff(), "abc"), 403, "{what}: and now elsewhere too");
        upstream.says(INACTIVE);
        assert_eq!(status(&gate, policy.clone(), "abc"), 401, "{what}");
        upstream.goes_down();
        assert_eq!(status(&gate, policy.clone(), "abc"), 503, "{what}");
    }
}

#[test]
fn the_opposite_of_fresh_is_nobody() {
    let (upstream, gate) = asking();
    assert_eq!(status(&gate, not(NOW), "abc"), 403);
    assert_eq!(upstream.asked(), 2, "it was asked all the same");
    assert_eq!(status(&gate, any((not(NOW), staff())), "abc"), 200);
}

#[test]
fn of_several_ages_the_least_counts() {
    let clock = noon();
    let upstream = Upstream::saying(active("alice", ""));
    let gate = Gate::builder().scheme(Scheme::new(opaque(&upstream, &clock)).bearer()).build().unwrap();
    let several = any((
        fresh(seconds(9), authenticated()),
        all((fresh(seconds(3), authenticated()), fresh(seconds(5), authenticated()))),
    ));
    assert_eq!([max_age(&gate, authenticated()), max_age(&gate, several)], [None, Some(seconds(3))]);
    let policy = all((fresh(seconds(9), authenticated()), fresh(seconds(3), authenticated())));
    for (advance, asked) in [(0, 1), (2, 1), (1, 2), (2, 2), (1, 3)] {
        clock.advance(seconds(advance));
        assert_eq!(status(&gate, policy, "abc"), 200);
        assert_eq!(upstream.asked(), asked);
    }
}

#[test]
fn who_does_not_get_as_far_asks_nobody() {
    let (upstream, gate) = asking();
    for policy in [shared(NOW), shared(all((staff(), NOW))), shared(hidden(NOW))] {
        assert_eq!(status(&gate, policy.clone(), ""), 401);
        for head in [Head::new().header("authorization", "Basic YTpi"), Head::new().bearer("a b")] {
            assert_eq!(enter(&gate, policy.clone(), &head).unwrap_err().status(), 401);
        }
        let twice = Head::new().bearer("abc").bearer("abc");
        assert_eq!(enter(&gate, policy.clone(), &twice).unwrap_err().status(), 400);
    }
    assert_eq!(upstream.asked(), 1);
    assert_eq!(status(&gate, any((anyone(), NOW)), ""), 401, "a gate that is asked nonetheless");
    let public = |policy: Arc<dyn Policy>| gate.plan(policy).unwrap().is_public();
    assert!(public(shared(any((anyone(), NOW)))) && !public(shared(all((anyone(), NOW)))) && !public(shared(NOW)));
}

#[test]
fn whom_a_test_acts_as_is_fresh() {
    let (upstream, gate) = asking();
    let verifying = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).build().unwrap();
    let acting = gate.acting_as(acting_as("bob"));
    assert_eq!(enter(&acting, NOW, &Head::new()).unwrap(), "bob");
    assert_eq!(enter(&acting, all((NOW, staff())), &Head::new()).unwrap_err().status(), 403);
    // And hides no mistake: what the gate cannot do for others, it does for nobody.
    let error = enter(&verifying.acting_as(acting_as("bob")), NOW, &Head::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert_eq!(upstream.asked(), 1);
}

#[test]
fn what_was_established_for_one_policy_is_enough_for_another_or_is_not() {
    let (upstream, gate) = asking();
    let head = Head::new().bearer("abc");
    let find = |plan: &Plan, head: &Head| gate.establish_for(plan, head).now_or_never().unwrap();
    let plan = |age: Option<Duration>| match age {
        Some(age) => gate.plan(fresh(age, authenticated())).unwrap(),
        None => gate.plan(authenticated()).unwrap(),
    };
    let ages = [None, Some(0), Some(5), Some(9)].map(|age| age.map(seconds));
    for established in ages {
        for asked in ages {
            let enough = asked.is_none_or(|asked| established.is_some_and(|established| established <= asked));
            let (who, asked_for) = (find(&plan(established), &head), plan(asked));
            assert_eq!(who.is_enough_for(&asked_for), enough, "{established:?} for {asked:?}");
            let decided = gate.authorize(&who, &asked_for, &head).now_or_never().unwrap();
            let status = decided.map_or_else(|error| error.status(), |_| 200);
            assert_eq!(status, if enough { 200 } else { 500 }, "{established:?} for {asked:?}");
        }
    }
    // Nobody, and a credential that does not hold, do not get any better.
    let (usual, now) = (plan(None), plan(Some(Duration::ZERO)));
    assert!(find(&usual, &Head::new()).is_enough_for(&now));
    upstream.says(INACTIVE);
    let refused = find(&now, &head);
    assert!(refused.principal().is_err() && refused.is_enough_for(&now));
    assert!(find(&usual, &head).is_enough_for(&now));
}

#[test]
fn an_explanation_shows_it() {
    let (_, gate) = asking();
    let (policy, plain) =
        (gate.plan(all((staff(), fresh(seconds(5), authenticated())))).unwrap(), gate.plan(staff()).unwrap());
    let head = Head::new().bearer("abc");
    let who = gate.establish_for(&policy, &head).now_or_never().unwrap();
    let decision = gate.explain(&who, &policy, &head).now_or_never().unwrap().unwrap();
    let text = decision.explain().unwrap().to_string();
    assert!(decision.is_allowed() && text.contains("fresh within 5s"), "{text}");
    let stale = gate.establish(&head).now_or_never().unwrap();
    let error = gate.explain(&stale, &policy, &head).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    let plain = gate.explain(&who, &plain, &head).now_or_never().unwrap().unwrap();
    assert!(!plain.explain().unwrap().to_string().contains("fresh"));
}
