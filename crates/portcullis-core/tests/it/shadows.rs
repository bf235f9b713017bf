//! Shadow mode: a candidate is asked beside the live policy, and nothing of it reaches the answer.

use crate::{
    asking::{decide, gate, shared},
    head::Head,
    log::listen,
};
use portcullis_core::{
    Access, Decision, Error, ErrorKind, Gate, GateBuilder, Membership, Principal, Question, RoleHierarchy, Scheme,
    ShadowCounts, ShadowLimits, SharedSecret, Standing,
    policy::*,
    testing::{FixedClock, TestIssuer, acting_as},
};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tracing::Level;

/// A rule that answers as it is told, after it has waited this often.
#[derive(Debug, Clone, Copy)]
struct Says(char, usize);

impl Rule for Says {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        for _ in 0..self.1 {
            tokio::task::yield_now().await;
        }
        match self.0 {
            'Y' => Ok(Decision::allow()),
            'N' => Ok(Decision::deny("said-no")),
            'P' => panic!("a rule panics"),
            '_' => std::future::pending().await,
            _ => Err(Error::new(ErrorKind::Unavailable, "a rule fails")),
        }
    }
}

/// Project 1 is managed by the caller, 2 is not, 3 fails, and 4 panics.
#[derive(Debug, Default)]
struct Projects(Arc<AtomicUsize>);

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        self.0.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        match id {
            1 => Ok(Standing::role("manager")),
            2 => Ok(Standing::stranger()),
            3 => Err(Error::new(ErrorKind::Unavailable, "the row could not be read")),
            4 => panic!("the membership panics"),
            _ => Ok(Standing::missing()),
        }
    }
}

fn roles() -> RoleHierarchy {
    RoleHierarchy::ranked(["viewer", "manager", "owner"]).unwrap()
}

fn of_nobody(more: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    gate(|gate| more(gate.roles(roles()).membership("project", Projects::default())))
}

fn over(more: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    of_nobody(more).acting_as(acting_as("alice@example.org").with_role("manager").with_scope("a"))
}

fn counts(gate: &Gate) -> [u64; 5] {
    let ShadowCounts { agreed, would_allow, would_deny, failed, skipped, .. } = gate.shadow("new").unwrap();
    [agreed, would_allow, would_deny, failed, skipped]
}

/// All that the service and the client see of a decision.
fn seen(gate: &Gate, decided: Result<Access, Error>) -> String {
    match decided {
        Ok(access) => format!("{:?} {:?} {:?}", access.role(), access.resource(), access.standing("project")),
        Err(error) => {
            let refusal = gate.refuse(&error);
            let (headers, body) = (refusal.headers().collect::<Vec<_>>(), String::from_utf8_lossy(refusal.body()));
            format!("{error:?} {:?} {} {headers:?} {body}", error.explanation(), refusal.status())
        }
    }
}

async fn ask(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> String {
    seen(gate, decide(gate, &gate.establish(head).await, policy, head).await)
}

#[tokio::test]
async fn the_live_policy_answers_and_the_candidate_is_counted() {
    let yes = || shared(authenticated());
    for (live, candidate, expected) in [
        (yes(), yes(), [1, 0, 0, 0, 0]),
        (shared(staff()), shared(scope("none")), [1, 0, 0, 0, 0]),
        (shared(staff()), yes(), [0, 1, 0, 0, 0]),
        (yes(), shared(staff()), [0, 0, 1, 0, 0]),
        (yes(), shared(Says('E', 0)), [0, 0, 0, 1, 0]),
        (yes(), shared(Says('P', 0)), [0, 0, 0, 1, 0]),
        (yes(), shared(Says('P', 2)), [0, 0, 0, 1, 0]),
        (yes(), shared(when("panics", |_| -> bool { panic!("a closure panics") })), [0, 0, 0, 1, 0]),
        (yes(), shared(not(Says('E', 1))), [0, 0, 0, 1, 0]),
        (yes(), shared(Says('N', 2)), [0, 0, 1, 0, 0]),
        (shared(Says('Y', 2)), shared(Says('N', 1)), [0, 0, 1, 0, 0]),
        (yes(), shared(role("viewer").on("project", query("id"))), [0, 0, 1, 0, 0]),
        // What fails without a candidate is not asked with one.
        (shared(Says('E', 0)), yes(), [0, 0, 0, 0, 1]),
        // Nobody waits for it for long.
        (yes(), shared(Says('_', 0)), [0, 0, 0, 0, 1]),
    ] {
        let gate = over(|gate| gate.shadow_limits(ShadowLimits::new().wait(Duration::from_millis(30))));
        let head = Head::new().query("id=2");
        let alone = ask(&gate, live.clone(), &head).await;
        assert_eq!(gate.shadow("new"), None);
        let text = format!("{live:?} {candidate:?}");
        assert_eq!(ask(&gate, shadow("new", live, candidate), &head).await, alone, "{text}");
        assert_eq!(counts(&gate), expected, "{text}");
    }
}

#[tokio::test]
async fn what_the_candidate_asks_stays_with_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let projects = Projects(asked.clone());
    let gate = gate(|gate| gate.roles(roles()).membership("project", projects)).acting_as(acting_as("alice"));
    let on = |id: u32| role("manager").on("project", portcullis_core::policy::id(id));
    let head = Head::new();
    let caller = gate.establish(&head).await.caller(&head).unwrap();
    // It uses what the live policy has read,
    caller.require(shadow("new", on(1), all((on(1), on(1))))).await.unwrap();
    assert_eq!((asked.load(SeqCst), counts(&gate)), (1, [1, 0, 0, 0, 0]));
    // and what it asks itself is asked anew by the request, also if it failed or panicked.
    for candidate in [3, 4] {
        caller.require(shadow("new", on(1), on(candidate))).await.unwrap();
    }
    assert_eq!((asked.load(SeqCst), counts(&gate)), (3, [1, 0, 0, 2, 0]));
    assert_eq!(caller.require(on(3)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(asked.load(SeqCst), 4);
}

/// Asks as a guard does: it drops a decision that would have to wait, and decides again where it can.
async fn guard(gate: &Gate, policy: Arc<dyn Policy>, head: &Head) -> Result<Access, Error> {
    let (plan, who) = (gate.plan(policy).unwrap(), gate.establish(head).await);
    match gate.authorize(&who, &plan, head).ready() {
        Ok(decided) => decided,
        Err(waits) => {
            drop(waits);
            gate.authorize(&who, &plan, head).await
        }
    }
}

#[tokio::test]
async fn a_candidate_that_waits_is_begun_once() {
    for (one_in, range) in [(1, 400..401), (2, 130..270)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let limits = ShadowLimits::new().one_in(one_in).wait(Duration::from_secs(5));
        let gate =
            gate(|gate| gate.roles(roles()).membership("project", Projects(asked.clone())).shadow_limits(limits));
        let gate = gate.acting_as(acting_as("alice"));
        let candidates = [
            shared(role("manager").on("project", query("id"))),
            shared(any((staff(), role("manager").on("project", query("id"))))),
            shared(all((Says('Y', 1), role("manager").on("project", query("id"))))),
            shared(not(role("manager").on("project", query("id")))),
        ];
        for candidate in candidates.iter().cycle().take(400) {
            let policy = shared(shadow("new", authenticated(), candidate.clone()));
            assert!(guard(&gate, policy, &Head::new().query("id=1")).await.is_ok());
        }
        let [agreed, 0, would_deny, 0, 0] = counts(&gate) else { panic!("{:?}", counts(&gate)) };
        let compared = agreed + would_deny;
        assert!(range.contains(&compared), "{compared} of 400, one in {one_in}");
        assert_eq!(asked.load(SeqCst) as u64, compared, "each has asked once");
    }
    // What has been read already is judged without waiting.
    let gate = over(|gate| gate);
    let (head, on) = (Head::new().query("id=1"), || role("manager").on("project", query("id")));
    let who = gate.establish(&head).await;
    let (alone, beside) = (gate.plan(on()).unwrap(), gate.plan(shadow("new", authenticated(), on())).unwrap());
    assert!(gate.authorize(&who, &alone, &head).await.is_ok());
    assert!(gate.authorize(&who, &beside, &head).ready().is_ok());
    assert_eq!(counts(&gate), [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_plan_is_that_of_the_live_policy() {
    let secret = SharedSecret::new("sync", "swordfish-swordfish-swordfish-swordfish").unwrap();
    let gate = over(|gate| gate.scheme(Scheme::named("sync", secret).header("x-sync")));
    let on = || role("viewer").on("project", path("id")).hidden();
    for live in [
        shared(authenticated()),
        shared(any((staff(), on()))),
        shared(all((on(), not(scope("b"))))),
        shared(visitors(on())),
        shared(also_via("sync", on())),
        shared(via("sync")),
    ] {
        let alone = gate.plan(live.clone()).unwrap();
        let beside = gate.plan(shadow("new", live.clone(), any((via("sync"), role("owner"))))).unwrap();
        assert_eq!(beside.description().to_string(), alone.description().to_string());
        assert_eq!((beside.params(), beside.schemes()), (alone.params(), alone.schemes()));
        assert_eq!((beside.max_age(), beside.is_public()), (alone.max_age(), alone.is_public()));
        assert_eq!(beside.description().parts(), [live.describe()]);
    }
    // Among others it is written as the live one would be.
    let policy = all((staff(), shadow("new", any((scope("a"), scope("b"))), anyone())));
    assert_eq!(policy.describe().to_string(), "staff and (scope a or scope b)");
}

#[tokio::test]
async fn a_candidate_that_cannot_work_is_found_at_start_and_never_by_a_request() {
    let gate = over(|gate| gate);
    let minute = Duration::from_secs(60);
    for (policy, problem) in [
        (shared(shadow("new", staff(), role("manger"))), "no role `manger`"),
        (shared(all((staff(), shadow("new", staff(), role("viewer").on("team", id(1)))))), "membership(\"team\""),
        (shared(shadow("new", staff(), via("snyc"))), "no scheme `snyc`"),
        (shared(shadow("new", staff(), without_baseline(staff()))), "without_baseline"),
        (shared(shadow("new", staff(), fresh(minute, staff()))), "`fresh`"),
        (shared(shadow("new", anyone(), staff())), "public"),
        (shared(any((anyone(), shadow("new", staff(), staff())))), "public"),
    ] {
        let error = gate.plan(policy.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(problem), "{error}");
    }
    // A mistake in the live policy is one of the plan, too.
    assert!(gate.plan(shadow("new", role("manger"), staff())).is_err());
    // A handler's policy is planned by a request, which must not fail for its candidate.
    let caller = gate.establish(&Head::new()).await.caller(&Head::new()).unwrap();
    caller.require(shadow("handler", role("viewer"), role("manger"))).await.unwrap();
    assert_eq!(gate.shadow("handler").unwrap().failed, 1);
    assert!(caller.require(shadow("handler", role("manger"), staff())).await.is_err());
}

#[tokio::test]
async fn visitors_are_judged_where_the_live_policy_judges_them() {
    let gate = of_nobody(|gate| gate);
    let on = || role("viewer").on("project", query("id"));
    let head = Head::new().query("id=1");
    let absent = ask(&gate, on(), &head).await;
    assert_eq!(ask(&gate, shadow("new", on(), visitors(on())), &head).await, absent);
    assert_eq!(counts(&gate), [0; 5], "who has no credential was refused before");
    let alone = ask(&gate, visitors(on()), &head).await;
    assert_eq!(ask(&gate, shadow("new", visitors(on()), on()), &head).await, alone);
    assert_eq!(counts(&gate), [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn other_roles_are_asked_beside_the_live_ones() {
    let only = |names: &[&str]| RoleHierarchy::builder().ranked(names.iter().copied());
    let other = || only(&["viewer", "owner"]).role("manager", []).build().unwrap();
    let gate = over(|gate| gate.shadow_roles("new", other()).shadow_roles_on("kind", "project", other()));
    let head = Head::new().query("id=1");
    let plain = over(|gate| gate);
    for (policy, new, kind) in [
        (shared(role("viewer")), [0, 0, 1, 0, 0], [1, 0]),
        (shared(not(role("viewer"))), [0, 1, 0, 0, 0], [1, 0]),
        (shared(role("manager")), [1, 0, 0, 0, 0], [1, 0]),
        (shared(role("viewer").on("project", query("id"))), [0, 0, 1, 0, 0], [0, 1]),
        // It asks for no role.
        (shared(scope("a")), [0; 5], [0, 0]),
    ] {
        let before = gate.shadow("new").map_or([0; 5], |_| counts(&gate));
        let kinds = gate.shadow("kind").unwrap_or_default();
        assert_eq!(ask(&gate, policy.clone(), &head).await, ask(&plain, policy.clone(), &head).await);
        let after = gate.shadow("new").map_or([0; 5], |_| counts(&gate));
        assert_eq!(std::array::from_fn(|place| after[place] - before[place]), new, "{policy:?}");
        let found = gate.shadow("kind").unwrap_or_default();
        assert_eq!([found.agreed - kinds.agreed, found.would_deny - kinds.would_deny], kind, "{policy:?}");
    }
    // A candidate that lacks a role of a policy is found where the policy is planned.
    let gate = over(|gate| gate.shadow_roles("new", only(&["viewer"]).build().unwrap()));
    let error = gate.plan(role("owner")).unwrap_err().to_string();
    assert!(error.contains("candidate `new`") && error.contains("no role `owner`"), "{error}");
    assert!(gate.plan(role("viewer")).is_ok());
    // The baseline is asked by them too.
    let gate = over(|gate| gate.baseline(role("viewer")).shadow_roles("new", other()));
    assert_eq!(ask(&gate, scope("a"), &head).await, ask(&plain, scope("a"), &head).await);
    assert_eq!(ask(&gate, without_baseline(role("manager")), &head).await, ask(&plain, role("manager"), &head).await);
    assert_eq!(counts(&gate), [1, 0, 1, 0, 0]);
    // One that cannot work at all, where the gate is built.
    let builder = || Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).roles(roles());
    let inherits = only(&["viewer"]).inherits("team").build().unwrap();
    assert!(builder().shadow_roles("new", inherits).build().unwrap_err().to_string().contains("candidate `new`"));
    assert!(builder().shadow_roles_on("new", "team", roles()).build().is_err());
    let twice = builder().shadow_limits(ShadowLimits::new()).shadow_limits(ShadowLimits::new()).build();
    assert!(twice.unwrap_err().to_string().contains("shadow_limits"));
}

#[test]
fn differences_are_logged_within_bounds_and_without_the_subject() {
    let clock = FixedClock::at(1_000);
    let time = clock.clone();
    let gate = over(|gate| gate.shadow_limits(ShadowLimits::new().events_per_minute(2)).clock(time));
    let differ = || shadow("new", any((staff(), role("viewer"))), all((role("owner"), staff())));
    let ask_often = |policy: Arc<dyn Policy>| {
        let gate = gate.clone();
        listen(Level::INFO, async move || {
            for _ in 0..5 {
                ask(&gate, policy.clone(), &Head::new()).await;
            }
        })
    };
    let events = ask_often(shared(differ()));
    assert_eq!((events.len(), counts(&gate)), (2, [0, 0, 5, 0, 0]));
    let (level, target, fields) = &events[0];
    assert_eq!((*level, *target), (Level::INFO, "portcullis::shadow"));
    let field = |name: &str| fields.get(name).map(String::as_str);
    assert_eq!((field("shadow"), field("live"), field("candidate")), (Some("new"), Some("allowed"), Some("denied")));
    assert_eq!(field("code"), Some("role_required"));
    assert_eq!(
        field("live_explanation"),
        Some("+ any of\n  - staff\n  + role `viewer` (by the role `manager` of the credential)")
    );
    let candidate = field("candidate_explanation").unwrap();
    assert!(candidate.starts_with("- all of\n  - role `owner` (no role that includes it"), "{candidate}");
    assert!(!format!("{events:?}").contains("alice"));
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask_often(shared(shadow("new", staff(), Says('P', 0)))).len(), 5 + 2, "five refusals");
    clock.advance(Duration::from_secs(60));
    let failures = ask_often(shared(shadow("new", authenticated(), Says('E', 0))));
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0].2["message"], "the candidate failed: a rule fails");
    assert_eq!(counts(&gate), [0, 0, 5, 10, 0]);
    clock.advance(Duration::from_secs(60));
    assert!(
        ask_often(shared(shadow("new", staff(), Says('N', 0)))).iter().all(|(_, target, _)| *target == "portcullis")
    );
}

#[tokio::test]
async fn a_sample_is_of_the_size_that_was_asked_for() {
    for (one_in, range) in [(0, 1000..1001), (1, 1000..1001), (2, 350..650), (u32::MAX, 0..5)] {
        let gate = over(|gate| gate.shadow_limits(ShadowLimits::new().one_in(one_in)));
        for _ in 0..1000 {
            ask(&gate, shadow("new", authenticated(), staff()), &Head::new()).await;
        }
        let [0, 0, found, 0, 0] = counts(&gate) else { panic!("{:?}", counts(&gate)) };
        assert!(range.contains(&found), "{found} of 1000, one in {one_in}");
    }
}

/// Any policy; with panics only where it is a candidate.
fn policies(panics: bool) -> impl Strategy<Value = Arc<dyn Policy>> {
    let says = prop_oneof![Just('Y'), Just('N'), Just('E'), Just(if panics { 'P' } else { 'N' })];
    let on = |name| {
        (1..6_u32).prop_map(move |number| {
            let number = if number == 4 && !panics { 5 } else { number };
            shared(role(name).on("project", id(number)))
        })
    };
    let leaf = prop_oneof![
        (says, 0..3_usize).prop_map(|(word, waits)| shared(Says(word, waits))),
        Just(shared(authenticated())),
        Just(shared(staff())),
        Just(shared(role("viewer"))),
        Just(shared(role("owner"))),
        Just(shared(scope("a"))),
        on("viewer"),
        on("owner"),
        Just(shared(role("manager").on("project", query("id")).hidden())),
        Just(shared(when("closure", move |_| if panics { panic!("a closure panics") } else { true }))),
    ];
    leaf.prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| shared(all(parts))),
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| shared(any(parts))),
            part.clone().prop_map(|part| shared(not(part))),
            part.clone().prop_map(|part| shared(hidden(part))),
            part.prop_map(|part| shared(visitors(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_candidate_the_answer_is_that_of_the_live_policy(
        live in policies(false),
        candidate in policies(true),
        number in 1..4_u32,
        explains in prop::bool::ANY,
        is_known in prop::bool::ANY,
    ) {
        let settings = |gate: GateBuilder| {
            let gate = gate.shadow_limits(ShadowLimits::new().wait(Duration::from_secs(5)));
            if explains { gate.dangerous_explain_denials() } else { gate }
        };
        let build = || if is_known { over(settings) } else { of_nobody(settings) };
        let (alone, beside) = (build(), build());
        let head = Head::new().query(&format!("id={number}"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(async {
            let (plan, shadowed) = (alone.plan(live.clone()), beside.plan(shadow("new", live, candidate)));
            let (plan, shadowed) = (plan.unwrap(), shadowed.unwrap());
            let ask = async |gate: &Gate, plan| {
                let who = gate.establish(&head).await;
                seen(gate, gate.authorize(&who, plan, &head).await)
            };
            (ask(&alone, &plan).await, ask(&beside, &shadowed).await)
        });
        prop_assert_eq!(found.0, found.1);
        let compared = counts(&beside).iter().sum::<u64>();
        prop_assert!(compared == 1 || !is_known && compared == 0);
    }
}
