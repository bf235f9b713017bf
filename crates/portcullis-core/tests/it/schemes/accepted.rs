//! By which schemes a policy lets callers in.

use super::{Knows, answer, built, three};
use crate::{
    asking::{Quiet, shared},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    ErrorKind, Gate, Principal, PrincipalKind, Question, Scheme,
    policy::{
        values::{AnyPrincipal, Via},
        *,
    },
};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert_eq, prop_oneof, proptest};
use std::sync::Arc;

#[test]
fn a_scheme_with_a_name_counts_where_a_policy_names_it() {
    let (gate, _) = three();
    let token = || Head::new().bearer("token.alice");
    let key = || Head::new().header("x-api-key", "key.alice");
    let both = || key().bearer("token.bob");
    let (by_token, by_key) = (Ok("user|token|alice".to_owned()), Ok("user|key|alice".to_owned()));
    let of = |policy: fn() -> Box<dyn Policy>, head: Head| answer(&gate, policy(), &head);
    // Elsewhere it is absent, whatever else is there.
    assert_eq!(of(|| Box::new(authenticated()), token()), by_token);
    assert_eq!(of(|| Box::new(authenticated()), key()), Err(401));
    assert_eq!(of(|| Box::new(authenticated()), both()), Ok("user|token|bob".to_owned()));
    // Only by it.
    assert_eq!(of(|| Box::new(via("key")), key()), by_key);
    assert_eq!(of(|| Box::new(via("key")), token()), Err(401));
    assert_eq!(of(|| Box::new(via("key")), both()), by_key);
    assert_eq!(of(|| Box::new(via("key")), Head::new().header("x-sync", "sync.cron")), Err(401));
    assert_eq!(of(|| Box::new(via("key").and(staff())), key()), Err(403));
    assert_eq!(
        of(|| Box::new(via("key").and(staff())), Head::new().header("x-api-key", "key.staff")),
        Ok("user|key|staff".to_owned())
    );
    // By it too: what stands first in the order of schemes decides.
    assert_eq!(of(|| Box::new(also_via("key", authenticated())), key()), by_key);
    assert_eq!(of(|| Box::new(also_via("key", authenticated())), token()), by_token);
    assert_eq!(of(|| Box::new(also_via("key", authenticated())), both()), Ok("user|token|bob".to_owned()));
    assert_eq!(of(|| Box::new(also_via("key", staff())), key()), Err(403));
}

/// A flag that a key's principal has is for parts that accept keys.
#[test]
fn no_part_judges_callers_of_a_scheme_that_it_does_not_accept() {
    let (gate, _) = three();
    let staff_by_key = Head::new().header("x-api-key", "key.staff");
    let staff_by_token = Head::new().bearer("token.staff");
    let names = |who: &'static str| when("name", move |question| question.principal().id().subject() == who);
    let either = any((via("key").and(names("alice")), staff()));
    assert_eq!(answer(&gate, either, &staff_by_key), Err(403));
    assert_eq!(answer(&gate, either, &staff_by_token), Ok("user|token|staff".to_owned()));
    assert_eq!(answer(&gate, either, &Head::new().header("x-api-key", "key.alice")), Ok("user|key|alice".to_owned()));
    assert_eq!(answer(&gate, either, &Head::new().bearer("token.alice")), Err(403));
    // Nor does a negation let such a caller in.
    let barred = any((via("key").and(names("alice")), not(names("mallory"))));
    assert_eq!(answer(&gate, barred, &Head::new().header("x-api-key", "key.bob")), Err(403));
    assert_eq!(answer(&gate, barred, &Head::new().bearer("token.bob")), Ok("user|token|bob".to_owned()));
    assert_eq!(answer(&gate, barred, &Head::new().bearer("token.mallory")), Err(403));
    // Who came by another scheme is what `not(via(..))` is about.
    assert_eq!(answer(&gate, also_via("key", not(via("key"))), &staff_by_key), Err(403));
    assert_eq!(answer(&gate, also_via("key", not(via("key"))), &staff_by_token), Ok("user|token|staff".to_owned()));
}

#[test]
fn the_reason_is_what_the_part_says_that_judged() {
    let (gate, _) = three();
    let head = Head::new().header("x-api-key", "key.alice");
    let code = |policy: Box<dyn Policy>| {
        let plan = gate.plan(policy).unwrap();
        let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
        gate.authorize(&who, &plan, &head).now_or_never().unwrap().unwrap_err().code().to_owned()
    };
    let no = || when("paid", |_| false);
    assert_eq!(code(Box::new(any((via("key").and(no()), staff())))), "paid");
    assert_eq!(code(Box::new(any((staff(), via("key").and(no()))))), "paid");
    assert_eq!(code(Box::new(any((via("sync"), via("key").and(no()), via("sync"))))), "paid");
    assert_eq!(code(Box::new(any((via("sync"), also_via("key", not(via("key"))))))), "not_allowed");
}

#[test]
fn what_could_never_let_anybody_in_is_an_error_at_start() {
    let (gate, _) = three();
    let error = |policy: Box<dyn Policy>| {
        let error = gate.plan(policy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        error.to_string()
    };
    let unknown = error(Box::new(via("kye")));
    assert!(unknown.contains("no scheme `kye`") && unknown.contains("[\"key\", \"sync\"]"), "{unknown}");
    error(Box::new(also_via("kye", staff())));
    error(Box::new(not(via("kye"))));
    for policy in [
        Box::new(all((via("key"), staff()))) as Box<dyn Policy>,
        Box::new(all((also_via("key", staff()), authenticated()))),
        Box::new(all((via("key"), via("sync")))),
        Box::new(via("key").and(via("sync"))),
    ] {
        let text = error(policy);
        assert!(text.contains("put `also_via") || text.contains("no scheme of the gate"), "{text}");
    }
    // With the same sense, as it works.
    assert!(gate.plan(also_via("key", all((staff(), authenticated())))).is_ok());
    assert!(gate.plan(via("key").and(all((staff(), authenticated())))).is_ok());
    assert!(gate.plan(all((also_via("key", staff()), also_via("key", authenticated())))).is_ok());
    // A gate whose schemes all have names has no routes without.
    let named = built(Gate::builder().scheme(Scheme::named("key", Knows::new("key")).header("x-api-key")));
    assert!(named.plan(authenticated()).is_err());
    assert!(named.plan(via("key")).is_ok());
    assert_eq!(
        answer(&named, via("key"), &Head::new().header("x-api-key", "key.alice")),
        Ok("user|key|alice".to_owned())
    );
}

/// Asks whether somebody came by a key, and names that.
#[derive(Debug)]
struct ByKey;

const BY_KEY: Via<AnyPrincipal> = via("key");

impl Rule for ByKey {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        question.ask(&BY_KEY).await
    }

    fn parts(&self) -> Vec<&dyn Policy> {
        vec![&BY_KEY]
    }
}

/// A rule opens a route to no scheme: that has to be seen from outside.
#[test]
fn a_rule_about_a_scheme_stands_where_the_scheme_is_accepted() {
    let (gate, _) = three();
    let (key, token) = (Head::new().header("x-api-key", "key.alice"), Head::new().bearer("token.alice"));
    let error = gate.plan(ByKey).unwrap_err().to_string();
    assert!(error.contains("no caller of `key` can be allowed here"), "{error}");
    assert_eq!(answer(&gate, also_via("key", ByKey), &key), Ok("user|key|alice".to_owned()));
    assert_eq!(answer(&gate, also_via("key", ByKey), &token), Err(403));
    // One that keeps it to itself lets nobody in by it.
    assert_eq!(answer(&gate, Quiet(shared(via("key"))), &key), Err(401));
    assert_eq!(answer(&gate, Quiet(shared(via("key"))), &token), Err(403));
    assert_eq!(answer(&gate, Quiet(shared(also_via("key", authenticated()))), &key), Err(401));
    assert_eq!(answer(&gate, Quiet(shared(via("kye"))), &token), Err(500));
}

#[test]
fn an_identity_of_another_scheme_or_a_plan_of_another_gate_is_refused() {
    let (gate, _) = three();
    let head = Head::new().header("x-api-key", "key.staff");
    let (by_key, people) = (gate.plan(via("key")).unwrap(), gate.plan(staff()).unwrap());
    let who = gate.establish_for(&by_key, &head).now_or_never().unwrap();
    assert_eq!(who.scheme(), Some("key"));
    assert!(gate.authorize(&who, &by_key, &head).now_or_never().unwrap().is_ok());
    let error = gate.authorize(&who, &people, &head).now_or_never().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Missing, 401));
    // Nobody was found by one policy; another one may look elsewhere.
    let nobody = gate.establish_for(&people, &head).now_or_never().unwrap();
    assert!(nobody.visitor().unwrap().is_none() && nobody.is_enough_for(&people) && !nobody.is_enough_for(&by_key));
    assert!(who.is_enough_for(&people), "and gets no other identity");

    let (other, _) = three();
    let foreign = other.plan(via("key")).unwrap();
    let error = gate.authorize(&who, &foreign, &head).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[test]
fn acting_as_comes_by_a_scheme_like_everybody() {
    let (gate, _) = three();
    let alice = || Principal::new(PrincipalKind::User, "alice");
    let (plain, by_key) = (gate.acting_as(alice()), gate.acting_via("key", alice()));
    let (head, yes) = (Head::new(), Ok("user||alice".to_owned()));
    assert_eq!(answer(&plain, authenticated(), &head), yes);
    assert_eq!(answer(&plain, via("key"), &head), Err(401));
    assert_eq!(answer(&plain, also_via("key", authenticated()), &head), yes);
    assert_eq!(answer(&by_key, authenticated(), &head), Err(401));
    assert_eq!(answer(&by_key, via("key"), &head), yes);
    assert_eq!(answer(&by_key, any((via("key"), staff())), &head), yes);
    assert_eq!(answer(&gate.acting_via("kye", alice()), authenticated(), &head), Err(500));
}

/// A policy over four schemes, of which two have names.
#[derive(Debug, Clone)]
enum Says {
    Yes,
    No,
    Via(usize, Box<Self>),
    AlsoVia(usize, Box<Self>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

const NAMES: [&str; 2] = ["key", "sync"];

fn policies() -> impl Strategy<Value = Says> {
    let leaf = prop_oneof![Just(Says::Yes), Just(Says::Yes), Just(Says::No)];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let list = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (0..2_usize, boxed()).prop_map(|(name, part)| Says::Via(name, part)),
            (0..2_usize, boxed()).prop_map(|(name, part)| Says::AlsoVia(name, part)),
            boxed().prop_map(Says::Not),
            list().prop_map(Says::All),
            list().prop_map(Says::Any),
        ]
    })
}

impl Says {
    fn policy(&self) -> Arc<dyn Policy> {
        let list = |parts: &[Self]| parts.iter().map(Self::policy).collect::<Vec<_>>();
        match self {
            Self::Yes => Arc::new(when("yes", |_| true)),
            Self::No => Arc::new(when("no", |_| false)),
            Self::Via(name, part) => Arc::new(via(NAMES[*name]).and(part.policy())),
            Self::AlsoVia(name, part) => Arc::new(also_via(NAMES[*name], part.policy())),
            Self::Not(part) => Arc::new(not(part.policy())),
            Self::All(parts) => Arc::new(all(list(parts))),
            Self::Any(parts) => Arc::new(any(list(parts))),
        }
    }

    /// What a caller of a scheme is answered, read once more: yes, no, or a no that stays one. The schemes are 0 and 1 without
    /// a name, 2 and 3 with.
    fn judges(&self, scheme: usize, accepted: &[usize]) -> Option<bool> {
        let is_accepted = accepted.contains(&scheme);
        match self {
            Self::Yes => is_accepted.then_some(true),
            Self::No => is_accepted.then_some(false),
            Self::Via(name, part) if scheme == name + 2 => part.judges(scheme, &[name + 2]),
            Self::Via(..) => Some(false),
            Self::AlsoVia(name, part) => part.judges(scheme, &[accepted, &[name + 2]].concat()),
            Self::Not(part) if is_accepted => part.judges(scheme, accepted).map(|yes| !yes),
            Self::Not(_) => None,
            Self::All(parts) => {
                let first = parts.iter().map(|part| part.judges(scheme, accepted)).find(|said| *said != Some(true));
                first.unwrap_or(Some(true))
            }
            Self::Any(parts) => {
                let said: Vec<_> = parts.iter().map(|part| part.judges(scheme, accepted)).collect();
                match said.contains(&Some(true)) {
                    true => Some(true),
                    false if said.contains(&None) => None,
                    false => Some(false),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the policy, nobody passes but whom it lets in by that scheme, and the schemes that a route reads are those by
    /// which somebody can pass at all.
    #[test]
    fn policies_over_schemes_are_as_they_read(says in policies()) {
        let names = ["one", "two", "key", "sync"];
        let [one, two, key, sync] = names.map(Knows::new);
        let gate = built(Gate::builder()
            .scheme(Scheme::new(one).header("x-one"))
            .scheme(Scheme::new(two).header("x-two"))
            .scheme(Scheme::named("key", key).header("x-key"))
            .scheme(Scheme::named("sync", sync).header("x-sync")));
        let Ok(plan) = gate.plan(says.policy()) else { return Ok(()) };
        for (scheme, name) in names.iter().enumerate() {
            let head = Head::new().header(&format!("x-{name}"), format!("{name}.alice"));
            let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
            let allowed = gate.authorize(&who, &plan, &head).now_or_never().unwrap();
            let expected = says.judges(scheme, &[0, 1]) == Some(true);
            prop_assert_eq!(allowed.is_ok(), expected, "{:?} by {}", says, name);
            if let Err(error) = allowed {
                // What is not read is absent.
                let status = if who.visitor().unwrap().is_some() { 403 } else { 401 };
                prop_assert_eq!(error.status(), status);
            }
        }
    }
}
