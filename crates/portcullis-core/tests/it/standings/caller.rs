//! What a handler asks itself, of resources that only it knows.

use super::{Table, built, now, said, why};
use crate::head::Head;
use portcullis_core::{
    Account, Caller, Directory, Error, ErrorKind, Gate, GateBuilder, Principal, Question, Scheme, SharedSecret,
    Standing, policy::*, testing::acting_as,
};
use std::time::Duration;

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

fn caller(gate: &Gate, head: &Head) -> Caller {
    now(gate.establish(head)).caller(head).unwrap()
}

fn projects() -> Table {
    let table = Table::new().with("*", 1, Standing::role("viewer")).with("*", 2, Standing::stranger());
    table.with("*", 3, Standing::missing())
}

fn alice(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    built(parts).acting_as(acting_as("alice"))
}

fn on(id_: u32) -> values::OnResource<values::IdValue> {
    role("viewer").on("project", id(id_))
}

#[test]
fn an_identifier_at_hand_is_asked_about() {
    let projects = projects();
    let gate = alice(|gate| gate.membership("project", projects.clone()));
    let caller = caller(&gate, &Head::new());
    assert_eq!(caller.principal().id().subject(), "alice");
    let access = now(caller.require(on(1))).unwrap();
    assert_eq!(access.role().unwrap().as_str(), "viewer");
    assert_eq!(access.principal().unwrap().id().subject(), "alice");
    assert_eq!(why(now(caller.require(on(2)))), said(403, "not_a_member", "not_a_member"));
    assert_eq!(why(now(caller.require(on(2).hidden()))), said(404, "not_found", "not_a_member"));
    assert_eq!(why(now(caller.require(on(3)))), said(404, "not_found", "missing"));
    assert_eq!(now(caller.require(role("viewer").on("project", id("x")))).unwrap_err().status(), 400);
    let allowed = [on(1), on(2), on(3)].map(|policy| now(caller.allows(policy)).unwrap());
    assert_eq!(allowed, [true, false, false]);
    let unavailable = now(caller.allows(on(666))).unwrap_err();
    assert_eq!(unavailable.kind(), ErrorKind::Unavailable, "what cannot be judged is no denial");
}

#[test]
fn nothing_is_asked_twice_in_a_request() {
    let projects = projects();
    let gate = alice(|gate| gate.membership("project", projects.clone()));
    let head = Head::new().param("id", "1");
    let plan = gate.plan(role("viewer").on("project", path("id"))).unwrap();
    let who = now(gate.establish_for(&plan, &head));
    now(gate.authorize(&who, &plan, &head)).unwrap();
    let caller = who.caller(&head).unwrap();
    for _ in 0..2 {
        now(caller.require(on(1))).unwrap();
        now(caller.clone().require(role("viewer").on("project", path("id")))).unwrap();
    }
    assert_eq!(projects.asked(), ["alice 1"]);
    now(caller.require(on(2))).unwrap_err();
    assert_eq!(projects.asked(), ["alice 2"]);
    // The next request has a memory of its own.
    let next = self::caller(&gate, &head);
    now(next.require(on(1))).unwrap();
    assert_eq!(projects.asked(), ["alice 1"]);
}

#[test]
fn a_mistake_is_told_and_lets_nobody_in() {
    let gate = alice(|gate| gate.membership("project", projects()));
    let caller = caller(&gate, &Head::new());
    for policy in [
        Box::new(role("manger").on("project", id(1))) as Box<dyn Policy>,
        Box::new(role("viewer").on("projct", id(1))),
        Box::new(via("snyc")),
        Box::new(fresh(Duration::from_secs(60), all((authenticated(), via("nobody"))))),
        Box::new(not(role("manger"))),
    ] {
        let shown = format!("{policy:?}");
        assert_eq!(now(caller.require(policy)).unwrap_err().kind(), ErrorKind::Misconfigured, "{shown}");
    }
}

/// Nobody is confirmed.
#[derive(Debug)]
struct Unconfirmed;

impl Directory for Unconfirmed {
    async fn account(&self, _: &Principal) -> Result<Account, Error> {
        Ok(Account::new(false))
    }
}

#[test]
fn schemes_and_the_baseline_are_a_matter_of_the_route() {
    let secret = Scheme::named("sync", SharedSecret::new("sync", SECRET).unwrap()).header("x-sync");
    let gate = built(|gate| {
        let gate = gate.scheme(secret).membership("project", projects());
        gate.baseline(account("unconfirmed", |is_confirmed: &bool| *is_confirmed)).directory(Unconfirmed)
    });
    let head = Head::new().header("x-sync", SECRET);
    let plan = gate.plan(without_baseline(via("sync"))).unwrap();
    let who = now(gate.establish_for(&plan, &head));
    assert!(now(gate.authorize(&who, &plan, &head)).is_ok());
    let caller = who.caller(&head).unwrap();
    assert!(now(caller.require(on(1))).is_ok(), "it came by a scheme with a name, which the route accepts");
    assert!(now(caller.require(via("sync").and(on(1)))).is_ok());
    assert!(now(caller.require(without_baseline(on(1)))).is_ok());
    assert!(!now(caller.allows(on(2))).unwrap());
    // A policy of a route is judged by what the route accepts.
    let other = gate.plan(without_baseline(role("viewer").on("project", id(1)))).unwrap();
    assert!(now(gate.authorize(&who, &other, &head)).is_err());
}

#[test]
fn a_fresher_identity_than_that_of_the_route_is_an_error() {
    let gate = built(|gate| gate);
    let issuer = portcullis_core::testing::TestIssuer::new();
    let head = Head::new().bearer(&issuer.token("alice").sign());
    let caller = caller(&gate, &head);
    assert!(now(caller.require(authenticated())).is_ok());
    let error = now(caller.require(fresh(Duration::ZERO, authenticated()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

/// What is left of a head for policies that are asked later.
#[derive(Debug)]
struct Sees(&'static [(&'static str, usize)]);

impl Rule for Sees {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        let head = question.head();
        for (name, count) in self.0 {
            let mut seen = 0;
            head.each_header(name, &mut |value| {
                assert!(!value.windows(9).any(|part| part == b"swordfish"), "a credential was kept");
                seen += 1;
            });
            assert_eq!(seen, *count, "{name}");
        }
        assert_eq!((head.method(), head.path()), ("GET", "/"));
        assert_eq!(question.param("id")?, "7");
        assert_eq!(head.param("bad").unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(head.param("none")?, None);
        assert_eq!(question.query("x")?.as_deref(), Some("1"));
        assert_ne!(question.query("token")?.as_deref(), Some("swordfish"));
        question.ask(&authenticated()).await
    }
}

#[test]
fn what_is_kept_of_the_request_has_no_credentials() {
    let issuer = portcullis_core::testing::TestIssuer::new();
    let scheme = Scheme::new(issuer.verifier()).cookie("session").bearer().header("x-api-key").query("token");
    let gate = Gate::builder().scheme(scheme).build().unwrap();
    let head = Head::new().bearer(&issuer.token("alice").sign()).header("x-api-key", "swordfish");
    let head = head.header("x-forwarded-for", "1.2.3.4").header("x-forwarded-for", "5.6.7.8");
    let head = head.header("referer", "https://here.test/?token=swordfish").query("x=1&token=swordfish");
    let head = head.param("id", "7").param("bad", "%");
    let gate = gate.acting_as(acting_as("alice"));
    let caller = caller(&gate, &head);
    let sees = Sees(&[("authorization", 0), ("cookie", 0), ("x-api-key", 0), ("x-forwarded-for", 2), ("referer", 1)]);
    assert!(now(caller.require(sees)).is_ok());
}
