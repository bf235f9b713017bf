//! Each policy by itself: whom it lets pass, whom not, and with which code.

use crate::{
    asking::{Data, Members, ask, decide, gate, shared, why},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Decision, Error, ErrorKind, Gate, PermissionSet, Principal, PrincipalKind, Question, Requirement, Role,
    RoleHierarchy, Scheme,
    policy::{values::RequireClaim, *},
    testing::{TestIssuer, acting_as},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Roles of which the higher ones permit more, and alice managing project 1.
fn app() -> Gate {
    let roles =
        RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]).permits("manager", ["project:write", "kb:*"]);
    gate(|builder| builder.roles(roles.build().unwrap()).members(&Data::default().role("project:1", "manager")))
}

/// A policy of the application, which has to wait.
#[derive(Debug, Clone, Copy)]
struct Is(&'static str);

impl Rule for Is {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        tokio::task::yield_now().await;
        Ok(match question.principal().id().subject() == self.0 {
            true => Decision::allow(),
            false => Decision::deny("is_somebody_else"),
        })
    }
}

/// The code of the denial, or `None` if it was allowed.
async fn denied(gate: &Gate, principal: &Principal, policy: Arc<dyn Policy>, head: &Head) -> Option<String> {
    let error = ask(gate, principal, policy.clone(), head).await.err()?;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Denied, 403), "{policy:?}");
    Some(error.code().to_owned())
}

#[tokio::test]
async fn every_policy_says_yes_and_no() {
    let gate = app();
    let (alice, nobody) = (acting_as("alice"), acting_as("nobody"));
    let held = |permissions: &[&str]| nobody.clone().with_permissions(PermissionSet::new(permissions).unwrap());
    let alone = |name: &str| nobody.clone().with_role(Role::new(name.to_owned()));
    let (on_project, head) = (permission("project:write").on("project", query("id")), Head::new().query("id=1"));
    let viewer_there = role("viewer").on("project", query("id"));
    for policy in [shared(anyone()), shared(authenticated())] {
        assert_eq!(denied(&gate, &nobody, policy.clone(), &head).await, None, "{policy:?}");
    }
    for (policy, allowed, refused, code) in [
        (shared(staff()), nobody.clone().with_staff(true), nobody.clone().with_staff(false), "staff_required"),
        (shared(staff()), nobody.clone().with_staff(true), alone("staff"), "staff_required"),
        (
            shared(scope("read")),
            nobody.clone().with_scope("write").with_scope("read"),
            alone("read"),
            "insufficient_scope",
        ),
        (
            shared(scope("read")),
            nobody.clone().with_scope("read"),
            nobody.clone().with_scope("read:all"),
            "insufficient_scope",
        ),
        (
            shared(scope("read")),
            nobody.clone().with_scope("read"),
            nobody.clone().with_scope("READ"),
            "insufficient_scope",
        ),
        // One scope is one word; two of them in one are another one.
        (
            shared(scope("read")),
            nobody.clone().with_scope("read"),
            nobody.clone().with_scope("read write"),
            "insufficient_scope",
        ),
        (shared(permission("kb:read")), held(&["kb:read"]), held(&["kb:write", "kb:rea"]), "permission_required"),
        (shared(permission("kb:read")), held(&["*:read"]), held(&["kb:admin"]), "permission_required"),
        (shared(permission("kb:read")), alone("manager"), alone("viewer"), "permission_required"),
        (shared(permission("kb:read")), alone("owner"), alone("ghost"), "permission_required"),
        (
            shared(permission("kb:read")),
            alone("viewer").with_role("manager"),
            nobody.clone().with_scope("kb:read"),
            "permission_required",
        ),
        (shared(role("manager")), alone("manager"), alone("viewer"), "role_required"),
        (shared(role("manager")), alone("owner"), alone("Manager"), "role_required"),
        (shared(role("viewer")), alone("ghost").with_role("manager"), alone("ghost").with_role(""), "role_required"),
        (shared(when("is-bob", |q| q.principal().id().subject() == "bob")), acting_as("bob"), nobody.clone(), "is-bob"),
        (
            shared(when("is-bob", |q: &Question<'_>| Ok(q.principal().id().subject() == "bob"))),
            acting_as("bob"),
            nobody.clone(),
            "is-bob",
        ),
        (shared(Is("bob")), acting_as("bob"), nobody.clone(), "is_somebody_else"),
        // What somebody has everywhere is not what somebody has there.
        (shared(viewer_there), alice.clone(), alone("owner"), "not_a_member"),
        (shared(on_project), alice.clone(), held(&["*:*"]).with_role("owner"), "not_a_member"),
        (shared(not(staff())), nobody.clone(), nobody.clone().with_staff(true), "not_allowed"),
        (shared(not(not(staff()))), nobody.clone().with_staff(true), nobody.clone(), "not_allowed"),
    ] {
        assert_eq!(denied(&gate, &allowed, policy.clone(), &head).await, None, "{policy:?}");
        assert_eq!(denied(&gate, &refused, policy.clone(), &head).await.as_deref(), Some(code), "{policy:?}");
    }
    // A role that the gate does not know is worth nothing where a token brings it.
    assert_eq!(denied(&gate, &alone("ghost"), shared(not(role("viewer"))), &head).await, None);
    let owner_there = role("owner").on("project", query("id"));
    assert_eq!(denied(&gate, &alice, shared(owner_there), &head).await.as_deref(), Some("role_required"));
}

#[tokio::test]
async fn access_tells_the_role_and_the_resource() {
    let gate = app();
    let owner = acting_as("alice").with_role("ghost").with_role("viewer").with_role("owner");
    let access = ask(&gate, &owner, role("manager"), &Head::new()).await.unwrap();
    assert_eq!((access.role().map(Role::as_str), access.resource()), (Some("owner"), None));
    let access = ask(&gate, &owner, authenticated(), &Head::new()).await.unwrap();
    assert_eq!((access.role(), access.resource()), (None, None));
    // A role on the project is never mixed up with one that somebody has everywhere.
    let there = role("viewer").on("project", query("id"));
    for policy in [
        shared(there),
        shared(all((role("owner"), there))),
        shared(all((there, role("owner")))),
        shared(any((not(authenticated()), there))),
    ] {
        let access = ask(&gate, &owner, policy.clone(), &Head::new().query("id=1")).await.unwrap();
        assert_eq!(access.role().map(Role::as_str), Some("manager"), "{policy:?}");
        assert_eq!(access.resource().map(|on| (on.kind(), on.id())), Some(("project", "1")), "{policy:?}");
    }
    let access = ask(&gate, &owner, all((staff_or_not(), role("owner"))), &Head::new()).await.unwrap();
    assert_eq!(access.role().map(Role::as_str), Some("owner"));
}

fn staff_or_not() -> impl Policy {
    any((staff(), not(staff())))
}

/// What is decided of this token: yes, no, or that it cannot be judged, which `not` does not change.
async fn judged(claims: &[(&str, Value)], policy: RequireClaim) -> Option<bool> {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let token = claims.iter().fold(issuer.token("alice"), |token, (name, value)| token.claim(name, value.clone()));
    let head = Head::new().bearer(&token.sign());
    let who = gate.establish(&head).await;
    let ask =
        |policy: Arc<dyn Policy>| match decide(&gate, &who, policy, &head).now_or_never().expect("it needs no waiting")
        {
            Ok(_) => Some(true),
            Err(error) if error.kind() == ErrorKind::Denied => {
                assert!(["claim_required", "not_allowed"].contains(&error.code()));
                Some(false)
            }
            Err(error) => {
                assert_eq!((error.kind(), error.status()), (ErrorKind::Invalid, 401));
                assert!(error.to_string().contains("what the token has at"), "{error}");
                None
            }
        };
    let plain = ask(shared(policy));
    assert_eq!(ask(shared(not(policy))), plain.map(|holds| !holds));
    assert_eq!(ask(shared(not(not(policy)))), plain);
    assert_eq!(ask(shared(hidden(all((authenticated(), any((not(policy), not(not(policy))))))))), plain.map(|_| true));
    plain
}

#[tokio::test]
async fn claims_are_compared_with_their_type() {
    let (yes, no, error) = (Some(true), Some(false), None);
    for (value, expected) in [
        (json!(true), yes),
        (json!(1), yes),
        (json!(false), no),
        (json!(0), no),
        (json!(null), no),
        (json!("true"), error),
        (json!("false"), error),
        (json!("1"), error),
        (json!("yes"), error),
        (json!(2), error),
        (json!(-1), error),
        (json!(1.0), error),
        (json!(1.5), error),
        (json!(10), error),
        (json!([]), error),
        (json!([true]), error),
        (json!({}), error),
        (json!({"admin": true}), error),
        (json!(""), error),
        (json!("\u{0}true"), error),
    ] {
        assert_eq!(judged(&[("admin", value.clone())], claim("admin")).await, expected, "{value}");
        let inside = judged(&[("app", json!({"a/b": [{"admin": value}]}))], claim("/app/a~1b/0/admin")).await;
        assert_eq!(inside, expected, "{value}");
    }
    assert_eq!(judged(&[("Admin", json!(true)), ("admin ", json!(true))], claim("admin")).await, no);
    assert_eq!(judged(&[("app", json!({"admin": true}))], claim("admin")).await, no);
    // On the way to a claim stand objects, and arrays where it has a number.
    for (value, expected) in [
        (json!({"admin": true}), yes),
        (json!({}), no),
        (json!({"other": "text"}), no),
        (json!(null), no),
        (json!("text"), error),
        (json!(true), error),
        (json!(1), error),
        (json!([{"admin": true}]), error),
    ] {
        assert_eq!(judged(&[("app", value.clone())], claim("/app/admin")).await, expected, "{value}");
        let deeper = judged(&[("app", json!({"meta": value}))], claim("/app/meta/admin")).await;
        assert_eq!(deeper, expected, "{value}");
    }
    assert_eq!(judged(&[("app", json!("text"))], claim("/app/meta/admin").is("gold")).await, error);
    for (value, expected) in [(json!([true]), yes), (json!([]), no), (json!({}), no), (json!("text"), error)] {
        assert_eq!(judged(&[("app", value.clone())], claim("/app/0")).await, expected, "{value}");
    }
    let gold = claim("plan").is("gold");
    for (value, expected) in [
        (json!("gold"), yes),
        (json!(["free", "gold"]), yes),
        (json!("Gold"), no),
        (json!("gold "), no),
        (json!("golden"), no),
        (json!("free gold"), no),
        (json!(["free"]), no),
        (json!([]), no),
        (json!(null), no),
        (json!([["gold"]]), error),
        (json!([{"plan": "gold"}]), error),
        (json!(["gold", 1]), error),
        (json!([null, "gold"]), error),
        (json!({"gold": true}), error),
        (json!(true), error),
        (json!(1), error),
    ] {
        assert_eq!(judged(&[("plan", value.clone())], gold).await, expected, "{value}");
    }
    assert_eq!(judged(&[], gold).await, no);
    assert_eq!(judged(&[], claim("plan")).await, no);
    // Texts that look like other types are still texts.
    assert_eq!(judged(&[("plan", json!(1))], claim("plan").is("1")).await, error);
    assert_eq!(judged(&[("plan", json!(true))], claim("plan").is("true")).await, error);
    assert_eq!(judged(&[("plan", json!("true"))], claim("plan").is("true")).await, yes);
    // Somebody without a token has no claims.
    let app = app();
    assert_eq!(why(ask(&app, &acting_as("alice"), claim("sub").is("alice"), &Head::new()).await).1, "claim_required");
    assert!(ask(&app, &acting_as("alice"), not(claim("banned")), &Head::new()).await.is_ok());
}

#[tokio::test]
async fn where_the_resource_stands() {
    let gate = app();
    let alice = acting_as("alice");
    let (by_query, by_path) = (role("viewer").on("project", query("id")), role("viewer").on("project", path("id")));
    let malformed = (ErrorKind::Malformed, "invalid_request".to_owned());
    let missing = (ErrorKind::Malformed, "parameter_missing".to_owned());
    let denied = (ErrorKind::Denied, "not_a_member".to_owned());
    for (what, policy, head, refused) in [
        ("query", by_query, Head::new().query("id=1"), None),
        ("query, encoded", by_query, Head::new().query("%69d=%31"), None),
        ("query, another", by_query, Head::new().query("id=2"), Some(denied.clone())),
        ("query, not there", by_query, Head::new(), Some(missing.clone())),
        ("query, empty", by_query, Head::new().query("id="), Some(missing.clone())),
        ("query, twice", by_query, Head::new().query("id=1&id=2"), Some(malformed.clone())),
        ("query, twice and equal", by_query, Head::new().query("id=1&id=1"), Some(malformed.clone())),
        ("query, but in the path", by_query, Head::new().param("id", "1"), Some(missing.clone())),
        ("path", by_path, Head::new().param("id", "1"), None),
        ("path, another", by_path, Head::new().param("id", "2"), Some(denied.clone())),
        // The identifier is compared as the handler sees it: nothing is decoded a second time or tidied up.
        ("path, still encoded", by_path, Head::new().param("id", "%31"), Some(denied.clone())),
        ("path, with a space", by_path, Head::new().param("id", "1 "), Some(denied.clone())),
        ("path, with a zero", by_path, Head::new().param("id", "01"), Some(denied.clone())),
        ("path, unreadable", by_path, Head::new().param("id", "%"), Some(malformed)),
        (
            "path, of another name",
            by_path,
            Head::new().param("ID", "1"),
            Some((ErrorKind::Misconfigured, "misconfigured".to_owned())),
        ),
        (
            "path, but in the query",
            by_path,
            Head::new().query("id=1"),
            Some((ErrorKind::Misconfigured, "misconfigured".to_owned())),
        ),
    ] {
        assert_eq!(ask(&gate, &alice, policy, &head).await.err().map(|error| why::<()>(Err(error))), refused, "{what}");
    }
    // Without anybody to ask it is a mistake of the service, and nobody passes.
    let without = self::gate(|builder| builder.roles(RoleHierarchy::ranked(["viewer"]).unwrap()));
    assert_eq!(why(ask(&without, &alice, by_query, &Head::new().query("id=1")).await).0, ErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_closure_sees_the_request_and_its_error_is_no_denial() {
    let gate = app();
    let own = when("own-page", |question: &Question<'_>| {
        question.param("name").is_ok_and(|name| name == question.principal().id().subject())
            && question.query("tab").is_ok_and(|tab| tab.as_deref() == Some("a b"))
            && question.head().method() == "GET"
    });
    let head = Head::new().param("name", "alice").query("tab=a+b");
    assert!(ask(&gate, &acting_as("alice"), own, &head).await.is_ok());
    assert_eq!(why(ask(&gate, &acting_as("bob"), own, &head).await), (ErrorKind::Denied, "own-page".to_owned()));
    for kind in [ErrorKind::Unavailable, ErrorKind::Misconfigured, ErrorKind::Malformed] {
        let broken = move || when("paid", move |_| Err::<bool, _>(Error::new(kind, "the till is closed")));
        for policy in [
            shared(broken()),
            shared(not(broken())),
            shared(not(not(broken()))),
            shared(hidden(broken())),
            shared(any((broken(), authenticated()))),
            shared(Fails(kind)),
            shared(not(Fails(kind))),
            shared(any((hidden(Fails(kind)), authenticated()))),
        ] {
            let error = ask(&gate, &acting_as("alice"), policy.clone(), &head).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{policy:?}");
        }
    }
}

/// Cannot tell, after a while.
#[derive(Debug)]
struct Fails(ErrorKind);

impl Rule for Fails {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        tokio::task::yield_now().await;
        Err(Error::new(self.0, "the till is closed"))
    }
}

struct Editors;

impl Requirement for Editors {
    const POLICY: &'static dyn Policy = &any((staff(), all((role("manager"), not(scope("draft"))))));
}

#[tokio::test]
async fn a_requirement_is_a_constant() {
    let gate = app();
    let manager = Principal::new(PrincipalKind::User, "bob").with_role("manager");
    let asked = async |who: &Principal| {
        let (plan, gate) = (gate.plan_of::<Editors>().unwrap(), gate.acting_as(who.clone()));
        let who = gate.establish_for(&plan, &Head::new()).await;
        gate.authorize(&who, &plan, &Head::new()).await
    };
    assert!(asked(&manager).await.is_ok());
    let drafting = manager.with_scope("draft");
    assert_eq!(why(asked(&drafting).await), (ErrorKind::Denied, "not_allowed".to_owned()));
    assert!(asked(&drafting.clone().with_staff(true)).await.is_ok());
    // It goes wherever a policy goes.
    assert_eq!(why(ask(&gate, &drafting, Editors::POLICY, &Head::new()).await).0, ErrorKind::Denied);
    assert!(ask(&gate, &drafting, any((Editors::POLICY, scope("draft"))), &Head::new()).await.is_ok());
}

#[test]
fn malformed_literals_fail_where_they_are_written() {
    for good in ["read", "kb:read", "https://api.example.com/read", "!#[]~"] {
        let _ = scope(good);
    }
    for bad in ["", "a b", " a", "a\"", "a\\b", "a\tb", "é", "a\r\nb", "a\u{7f}"] {
        assert!(std::panic::catch_unwind(|| scope(bad)).is_err(), "{bad:?}");
    }
    for bad in ["", "kb", "kb:*", "*:*", "kb:read:all", "kb read"] {
        assert!(std::panic::catch_unwind(|| permission(bad)).is_err(), "{bad:?}");
    }
}

/// Names are compared in pieces. One that differs anywhere, or by its length, is another role.
#[tokio::test]
async fn a_role_is_compared_to_its_last_byte() {
    let text = "abcdefghijklmnopqrstuvwxyz-abcdefghijklm";
    for name in (1..=text.len()).map(|length| &text[..length]) {
        let roles = RoleHierarchy::ranked([name]).unwrap();
        let gate = gate(|builder| builder.roles(roles));
        let name: &'static str = name.to_owned().leak();
        let has = async |roles: &[&str]| {
            let caller = roles.iter().fold(acting_as("alice"), |caller, role| caller.with_role((*role).to_owned()));
            denied(&gate, &caller, Arc::new(role(name)), &Head::default()).await.is_none()
        };
        assert!(has(&[name]).await && has(&["other", name]).await, "{name}");
        let changed = (0..name.len()).map(|place| format!("{}A{}", &name[..place], &name[place + 1..]));
        let of_another_length = [format!("{name}a"), name[1..].to_owned(), name[..name.len() - 1].to_owned()];
        for other in changed.chain(of_another_length) {
            assert!(!has(&[&other]).await && !has(&[&other, &other]).await, "{name} {other}");
        }
    }
}
