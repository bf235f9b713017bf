//! Policies as data: what they say of themselves, and what a gate makes of it.

use crate::asking::{Data, Members, gate, shared, why};
use portcullis_core::{
    Error, ErrorKind, Gate, Plan, Question, Requirement, RoleHierarchy, Scheme,
    policy::{values::Description, *},
    testing::TestIssuer,
};
use std::{borrow::Cow, time::Duration};

/// A rule around something, with the name of its type.
#[derive(Debug)]
struct Around<P>(P);

impl<P: Policy + 'static> Rule for Around<P> {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        question.ask(&self.0).await
    }

    fn parts(&self) -> Vec<&dyn Policy> {
        vec![&self.0]
    }
}

/// A rule with a name of its own.
#[derive(Debug)]
struct Office(u8);

impl Rule for Office {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        Ok(portcullis_core::Decision::deny("closed"))
    }

    fn name(&self) -> Cow<'static, str> {
        format!("office {} is open", self.0).into()
    }
}

#[test]
fn a_policy_says_in_words_what_it_asks() {
    let on_project = || role("viewer").on("project", path("project_id"));
    for (policy, text) in [
        (shared(anyone()), "anyone"),
        (shared(authenticated()), "authenticated"),
        (shared(staff()), "staff"),
        (shared(role("viewer")), "role viewer"),
        (shared(on_project()), "role viewer on project"),
        (shared(permission("kb:read")), "permission kb:read"),
        (shared(permission("kb:read").on("kb", query("id"))), "permission kb:read on kb"),
        (shared(scope("read")), "scope read"),
        (shared(claim("admin")), "claim admin"),
        (shared(claim("plan").is("gold")), "claim plan is gold"),
        (shared(when("paid", |_| true)), "paid"),
        (shared(signed("tiles")), "signed address tiles"),
        (shared(any((signed("tiles"), staff()))), "signed address tiles or staff"),
        (shared(Around(staff())), "Around"),
        (shared(Around(Around(on_project()))), "Around"),
        (shared(Office(7)), "office 7 is open"),
        (shared(all((staff(), scope("a"), scope("b")))), "staff and scope a and scope b"),
        (shared(any((staff(), scope("a")))), "staff or scope a"),
        (shared(all((staff(), any((scope("a"), scope("b")))))), "staff and (scope a or scope b)"),
        (shared(any((all((staff(), scope("a"))), scope("b")))), "(staff and scope a) or scope b"),
        (shared(not(staff())), "not (staff)"),
        (shared(hidden(staff())), "staff, hidden"),
        (shared(any((on_project().hidden(), staff()))), "role viewer on project, hidden or staff"),
        (shared(via("key")), "by key"),
        (shared(via("key").and(scope("read"))), "by key: scope read"),
        (shared(also_via("key", staff())), "staff, also by key"),
        (shared(fresh(Duration::from_secs(5), staff())), "staff, fresh within 5s"),
        (shared(visitors(on_project().hidden())), "role viewer on project, hidden, visitors too"),
        (shared(without_baseline(staff())), "staff, without the baseline"),
        (shared(engine("cerbos", "read")), "read by cerbos"),
        (shared(engine("cerbos", "read").on("project", path("id"))), "read by cerbos on project"),
        (shared(account("unconfirmed", |_: &String| true)), "unless unconfirmed"),
        (shared(on_project().row("locked", |_: &String| true)), "role viewer on project, unless locked"),
        (shared(on_project().of("team", path("team"))), "role viewer on project of the team"),
        (
            shared(on_project().of("team", path("t")).of("farm", path("f"))),
            "role viewer on project of the team and the farm",
        ),
        (shared(shared(staff())), "staff"),
    ] {
        assert_eq!(policy.describe().to_string(), text);
    }
}

#[test]
fn descriptions_are_told_apart_and_have_parts() {
    let read = permission("kb:read").on("kb", path("kb"));
    assert_eq!(read.describe(), permission("kb:read").on("kb", path("kb")).describe());
    assert_ne!(read.describe(), permission("kb:read").on("kb", path("id")).describe());
    assert_ne!(read.describe(), permission("kb:read").describe());
    assert_ne!(all((staff(), read)).describe(), any((staff(), read)).describe());
    let Description::Permission { permission: name, on: Some(on) } = read.describe() else { panic!("{read:?}") };
    assert_eq!((name, on.kind, on.params), ("kb:read", "kb", vec!["kb"]));
    let parts = |policy: &dyn Policy| policy.describe().parts().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(parts(&all((staff(), scope("a")))), ["staff", "scope a"]);
    assert_eq!(parts(&not(staff())), ["staff"]);
    assert_eq!(parts(&via("key").and(staff())), ["staff"]);
    assert_eq!(parts(&Around(scope("a"))), ["scope a"]);
    assert_eq!((parts(&staff()), parts(&Office(1))), (Vec::<String>::new(), Vec::new()));
}

fn app() -> Gate {
    gate(|builder| builder.roles(RoleHierarchy::ranked(["viewer"]).unwrap()).members(&Data::default()))
}

#[test]
fn a_plan_says_what_a_route_has_to_know() {
    let gate = app();
    let on = |name| role("viewer").on("project", name);
    let policy =
        any((on(path("a")), all((staff(), not(on(path("b"))))), on(query("c")), Around(hidden(on(path("d"))))));
    let plan = gate.plan(policy).unwrap();
    assert_eq!(plan.params(), ["a", "b", "d"], "what is in the query is no parameter of the path");
    assert!(!plan.is_public() && plan.max_age().is_none());
    assert_eq!(format!("{plan:?}"), format!("Plan({})", plan.description()));
    let public = gate.plan(any((staff(), anyone()))).unwrap();
    assert!(public.is_public() && public.params().is_empty());
}

#[test]
fn a_plan_names_the_schemes_that_it_accepts() {
    let verifier = || TestIssuer::new().verifier();
    let gate = Gate::builder()
        .scheme(Scheme::named("key", verifier()).bearer().header("x-key"))
        .scheme(Scheme::new(verifier()).cookie("session").bearer())
        .build()
        .unwrap();
    for (policy, expected) in [
        (shared(authenticated()), &["cookie `session`", "bearer header"][..]),
        (shared(via("key")), &["key"]),
        (shared(also_via("key", staff())), &["key", "bearer header", "cookie `session`"]),
        (shared(any((via("key"), staff()))), &["key", "bearer header", "cookie `session`"]),
    ] {
        assert_eq!(gate.plan(policy).unwrap().schemes(), expected);
    }
}

/// What a rule names is checked as if it stood there itself; what it keeps to itself is not.
#[test]
fn names_are_checked_through_rules() {
    let gate = app();
    assert!(gate.plan(Around(role("viewer"))).is_ok());
    for policy in [
        shared(Around(role("viewr"))),
        shared(not(Around(hidden(Around(role("viewr")))))),
        shared(Around(via("kye"))),
        shared(Around(role("viewr").on("project", path("id")))),
    ] {
        assert_eq!(why(gate.plan(policy)).0, ErrorKind::Misconfigured);
    }
    assert!(gate.plan(crate::asking::Quiet(shared(role("viewr")))).is_ok());
}

struct Viewers;

impl Requirement for Viewers {
    const POLICY: &'static dyn Policy = &role("viewer");
}

struct Misspelt;

impl Requirement for Misspelt {
    const POLICY: &'static dyn Policy = &role("viewr");
}

#[test]
fn a_policy_with_a_name_is_planned_once_for_a_gate() {
    let (gate, other) =
        (app(), Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).build().unwrap());
    let said = |plan: Result<Plan, Error>| plan.map(|plan| plan.description().to_string());
    for _ in 0..2 {
        assert_eq!(said(gate.plan_of::<Viewers>()).unwrap(), "role viewer");
        assert!(said(gate.plan_of::<Misspelt>()).unwrap_err().to_string().contains("`viewr`"));
        // Another gate has its own, since it knows other roles.
        assert_eq!(why(other.plan_of::<Viewers>()).0, ErrorKind::Misconfigured);
    }
}
