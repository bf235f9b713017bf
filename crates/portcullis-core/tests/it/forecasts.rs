//! What is worked out in advance about callers with one right is what the gate answers them.

use crate::{
    asking::{Data, Members, Quiet, gate, shared},
    head::Head,
};
use portcullis_core::{
    Forecast, Gate, GateBuilder, Holder, Principal, RoleHierarchy, Scheme, SharedSecret, SuperuserScope,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use proptest::{
    prelude::{BoxedStrategy, Just, Strategy, prop, prop_assert, prop_oneof, proptest},
    test_runner::Config,
};
use std::sync::Arc;

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";
const ROLES: [&str; 3] = ["viewer", "manager", "owner"];

/// Managers of a team are viewers of its projects. `org` has the roles of everywhere.
fn kinds(data: &Data) -> Gate {
    with_roles(data).build().unwrap()
}

/// The same, with superusers.
fn kinds_with_superusers(data: &Data) -> Gate {
    let scope = SuperuserScope::permissions(["a:b", "c:d"]);
    with_roles(data).superuser(any((staff(), role("owner"))), scope).build().unwrap()
}

fn with_roles(data: &Data) -> GateBuilder {
    let ranked = || RoleHierarchy::builder().ranked(ROLES).permits("manager", ["a:b"]).permits("owner", ["c:*"]);
    let secret = SharedSecret::new("key", SECRET).unwrap();
    let projects = ranked().inherits_as("team", [("manager", "viewer")]).build().unwrap();
    let builder = Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .scheme(Scheme::named("key", secret).header("x-key"))
        .roles(ranked().build().unwrap())
        .roles_on("project", projects)
        .roles_on("team", RoleHierarchy::ranked(ROLES).unwrap());
    builder.members(data)
}

fn holder(role: &str, on: Option<&str>) -> Holder {
    Holder::Role { role: role.to_owned(), on: on.map(str::to_owned) }
}

/// All that a caller of these gates can have alone.
fn holders() -> Vec<Holder> {
    let on = [None, Some("project"), Some("team")];
    let roles = on.into_iter().flat_map(|on| ROLES.map(|role| holder(role, on)));
    let permission = |on: Option<&str>| Holder::Permission { permission: "a:b".into(), on: on.map(str::to_owned) };
    [Holder::Visitor, Holder::Caller, Holder::Staff, permission(None)].into_iter().chain(roles).collect()
}

/// The gate as this caller asks it, and without the project below the team.
fn acting(holder: &Holder) -> (Option<Principal>, Data) {
    let alice = acting_as("alice");
    let (who, data) = match holder {
        Holder::Visitor => return (None, Data::default()),
        Holder::Staff => (alice.with_staff(true), Data::default()),
        Holder::Role { role, on: None } => (alice.with_role(role.clone()), Data::default()),
        Holder::Role { role, on: Some(kind) } => {
            let role = ROLES.into_iter().find(|known| known == role).unwrap();
            (alice, Data::default().role(&format!("{kind}:1"), role))
        }
        Holder::Permission { permission, .. } => {
            (alice.with_permissions(portcullis_core::PermissionSet::new([permission]).unwrap()), Data::default())
        }
        _ => (alice, Data::default()),
    };
    (Some(who), data)
}

/// Whether the gate allows the caller: by each scheme that the policy accepts, each way of the conditions, and with and without
/// the project below the team.
fn answers(kinds: fn(&Data) -> Gate, policy: &Arc<dyn Policy>, holder: &Holder) -> Vec<bool> {
    let mut answers = Vec::new();
    let (who, data) = acting(holder);
    for data in [data.clone(), data.parents("project:1", &["team:1"])] {
        let gate = kinds(&data);
        let plan = gate.plan(policy.clone()).unwrap();
        let accepts = |name: &str| plan.schemes().iter().any(|scheme| scheme == name);
        let mut gates = Vec::new();
        match &who {
            None => gates.push(gate.clone()),
            Some(who) => {
                gates.extend(accepts("bearer header").then(|| gate.acting_as(who.clone())));
                gates.extend(accepts("key").then(|| gate.acting_via("key", who.clone())));
            }
        }
        for gate in gates {
            for paid in ["0", "1"] {
                for late in ["0", "1"] {
                    let head = Head::new().param("project", "1").param("team", "1").header("x-paid", paid);
                    let head = head.header("x-late", late);
                    let who = now(gate.establish_for(&plan, &head));
                    answers.push(now(gate.authorize(&who, &plan, &head)).is_ok());
                }
            }
        }
    }
    answers
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn is_set(question: &portcullis_core::Question<'_>, name: &str) -> bool {
    let mut is_set = false;
    question.head().each_header(name, &mut |value| is_set = value == b"1");
    is_set
}

fn leaf() -> BoxedStrategy<Arc<dyn Policy>> {
    let role_of = || prop::sample::select(ROLES.to_vec());
    prop_oneof![
        Just(shared(anyone())),
        Just(shared(authenticated())),
        Just(shared(staff())),
        role_of().prop_map(|name| shared(role(name))),
        role_of().prop_map(|name| shared(role(name).on("project", path("project")))),
        role_of().prop_map(|name| shared(role(name).on("team", path("team")).hidden())),
        Just(shared(permission("a:b"))),
        Just(shared(permission("c:d").on("project", path("project")))),
        Just(shared(when("paid", |question| is_set(question, "x-paid")))),
        Just(shared(Quiet(shared(when("late", |question| is_set(question, "x-late")))))),
    ]
    .boxed()
}

fn policies() -> BoxedStrategy<Arc<dyn Policy>> {
    let whole = leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| shared(all(parts))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| shared(any(parts))),
            inner.clone().prop_map(|part| shared(not(part))),
            inner.clone().prop_map(|part| shared(hidden(part))),
            inner.clone().prop_map(|part| shared(visitors(part))),
            inner.prop_map(|part| shared(via("key").and(part))),
        ]
    });
    prop_oneof![3 => whole.clone(), 1 => whole.prop_map(|part| shared(also_via("key", part)))].boxed()
}

proptest! {
    #![proptest_config(Config { cases: 128, ..Config::default() })]

    #[test]
    fn what_is_known_in_advance_is_what_the_gate_answers(policy in policies(), superusers in proptest::bool::ANY) {
        let kinds: fn(&Data) -> Gate = if superusers { kinds_with_superusers } else { kinds };
        let gate = kinds(&Data::default());
        let Ok(plan) = gate.plan(policy.clone()) else { return Ok(()) };
        for holder in holders() {
            let (forecast, answers) = (gate.forecast(&plan, &holder), answers(kinds, &policy, &holder));
            let fits = match &forecast {
                Forecast::Allow => answers.iter().all(|allowed| *allowed),
                Forecast::Deny => answers.iter().all(|allowed| !*allowed),
                Forecast::Depends(on) => !on.is_empty(),
            };
            prop_assert!(fits, "{} for {holder}: {forecast}, and the gate answers {answers:?}", policy.describe());
        }
    }
}

/// The answers to all of these callers, which have one right each.
fn row(policy: impl Policy + 'static, holders: &[Holder]) -> Vec<String> {
    let gate = kinds(&Data::default());
    let plan = gate.plan(policy).unwrap();
    holders.iter().map(|holder| gate.forecast(&plan, holder).to_string()).collect()
}

#[test]
fn parts_that_depend_on_more_are_named() {
    let on_project = || role("viewer").on("project", path("project"));
    let few =
        [Holder::Visitor, Holder::Caller, Holder::Staff, holder("manager", None), holder("owner", Some("project"))];
    let depends = |on: &str| format!("depends: {on}");
    let (yes, no) = ("yes".to_owned(), "no".to_owned());
    let cases: Vec<(Arc<dyn Policy>, [String; 5])> = vec![
        (shared(anyone()), [&yes, &yes, &yes, &yes, &yes].map(Clone::clone)),
        (shared(authenticated()), [&no, &yes, &yes, &yes, &yes].map(Clone::clone)),
        (shared(any((staff(), role("manager")))), [&no, &no, &yes, &yes, &no].map(Clone::clone)),
        (
            shared(all((role("viewer"), scope("a"), claim("plan").is("gold")))),
            [no.clone(), no.clone(), no.clone(), depends("scope a; claim plan is gold"), no.clone()],
        ),
        (
            shared(any((on_project().row("locked", |_: &String| true), staff()))),
            [no.clone(), no.clone(), yes.clone(), no.clone(), depends("unless locked")],
        ),
        (
            shared(visitors(on_project())),
            [
                depends("what visitors may do on the project"),
                depends("what visitors may do on the project"),
                depends("what visitors may do on the project"),
                depends("what visitors may do on the project"),
                yes.clone(),
            ],
        ),
        // What decides nothing is not named.
        (shared(any((when("paid", |_| true), authenticated()))), [&no, &yes, &yes, &yes, &yes].map(Clone::clone)),
        (shared(all((when("paid", |_| true), role("owner")))), [&no, &no, &no, &no, &no].map(Clone::clone)),
        (
            shared(any((staff(), via("key")))),
            [no.clone(), depends("by key"), yes, depends("by key"), depends("by key")],
        ),
    ];
    for (policy, expected) in cases {
        assert_eq!(row(policy.clone(), &few), expected, "{}", policy.describe());
    }
}

#[test]
fn inherited_roles_depend_on_the_parents_of_the_resource() {
    let on_project = || role("viewer").on("project", path("project"));
    let on_team = [holder("viewer", Some("team")), holder("manager", Some("team")), holder("owner", Some("org"))];
    assert_eq!(row(on_project(), &on_team), ["no", "depends: whether the project belongs to the team", "no"]);
    assert_eq!(row(role("manager").on("project", path("project")), &on_team), ["no", "no", "no"]);
}

#[test]
fn the_baseline_is_part_of_the_answer_of_the_gate() {
    let gate = gate(|gate| gate.roles(RoleHierarchy::ranked(ROLES).unwrap()).baseline(not(role("owner"))));
    let asked = |policy: Arc<dyn Policy>, role: &str| {
        let plan = gate.plan(policy).unwrap();
        let holder = holder(role, None);
        (gate.forecast(&plan, &holder), plan.forecast(&holder))
    };
    let read = || shared(role("viewer"));
    assert_eq!(asked(read(), "manager"), (Forecast::Allow, Forecast::Allow));
    assert_eq!(asked(read(), "owner"), (Forecast::Deny, Forecast::Allow));
    assert_eq!(asked(shared(without_baseline(read())), "owner"), (Forecast::Allow, Forecast::Allow));
    assert_eq!(asked(shared(anyone()), "owner"), (Forecast::Allow, Forecast::Allow));
}

#[test]
fn a_gate_names_its_kinds_and_permissions() {
    let gate = kinds(&Data::default());
    assert_eq!(gate.kinds().collect::<Vec<_>>(), ["Team", "company", "kb", "org", "project", "team"]);
    // Wildcards are no names.
    assert_eq!(gate.permissions(), ["a:b"]);
}
