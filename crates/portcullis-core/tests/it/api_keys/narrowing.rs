//! A key with scopes passes only where the policy names a permission or scope that the key has.

use super::*;
use crate::asking::{Data, Members, ask, gate, shared, why};
use portcullis_core::{Decision, Question, RoleHierarchy, policy::*, testing::acting_as};

/// Alice is an editor, who may do all with `kb`, and manages project 1.
fn editors() -> Gate {
    let roles = RoleHierarchy::builder().ranked(["viewer", "editor"]).permits("editor", ["kb:*"]);
    gate(|builder| builder.roles(roles.build().unwrap()).members(&Data::default().role("project:1", "editor")))
}

fn owner() -> Principal {
    acting_as("alice").with_role("editor").with_staff(true).with_account(portcullis_core::Account::new(7_u8))
}

fn key(scopes: &[&str]) -> Principal {
    owner().with_key_scopes(KeyScopes::new(scopes).unwrap())
}

/// The code, and what is required.
fn asked(gate: &Gate, who: &Principal, policy: Arc<dyn Policy>) -> String {
    match now(ask(gate, who, policy, &Head::new().param("id", "1"))) {
        Ok(_) => "200".to_owned(),
        Err(error) => {
            let required = error.denial().and_then(|denial| denial.required()).unwrap_or_default();
            format!("{} {} {required}", error.status(), error.code()).trim_end().to_owned()
        }
    }
}

#[derive(Debug)]
struct Open;

impl Rule for Open {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        Ok(Decision::allow())
    }
}

/// Turns the answer of a policy around, and so asks it about the key.
#[derive(Debug)]
struct Inverted(Arc<dyn Policy>);

impl Rule for Inverted {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        Ok(if question.ask(&self.0).await?.is_allowed() { Decision::deny("inverted") } else { Decision::allow() })
    }
}

fn on_project() -> values::OnResource {
    role("editor").on("project", path("id"))
}

fn read_project() -> values::OnResource {
    permission("kb:read").on("project", path("id"))
}

#[test]
fn what_names_no_scope_denies_unless_another_part_names_one() {
    let gate = editors();
    let leaves: Vec<(Arc<dyn Policy>, &str)> = vec![
        (shared(authenticated()), "authenticated"),
        (shared(staff()), "staff"),
        (shared(role("editor")), "role editor"),
        (shared(on_project()), "role editor on project"),
        (shared(account("seven", |row: &u8| *row == 7)), "unless seven"),
        (shared(when("yes", |_| true)), "yes"),
        (shared(Open), "Open"),
        (shared(not(role("viewer"))), "not (role viewer)"),
        (shared(not(when("no", |_| false))), "not (no)"),
    ];
    for (leaf, words) in &leaves {
        let part = || leaf.clone();
        assert_eq!(part().describe().to_string(), *words);
        let is_allowed = asked(&gate, &owner(), part()) == "200";
        assert_eq!(is_allowed, *words != "not (role viewer)", "{words}");
        if !is_allowed {
            continue;
        }
        for (policy, expected) in [
            (part(), "403 scope_required"),
            (shared(hidden(part())), "404 not_found"),
            (shared(visitors(any([part()]))), "403 scope_required"),
            (shared(all((part(), authenticated()))), "403 scope_required"),
            (shared(any((part(), staff()))), "403 scope_required"),
            (shared(not(not(part()))), "403 scope_required"),
            // The permission may stand before or behind, and deeper.
            (shared(all((permission("kb:read"), part()))), "200"),
            (shared(all((part(), permission("kb:read")))), "200"),
            (shared(all((part(), read_project()))), "200"),
            (shared(all((part(), hidden(all((staff(), permission("kb:read"))))))), "200"),
            (shared(all((part(), scope("reports")))), "200"),
            (shared(all((any((part(), staff())), scope("reports")))), "200"),
            (shared(all((not(not(part())), scope("reports")))), "200"),
            // Every part of an `any` has to name one that the key has.
            (shared(all((part(), any((permission("kb:read"), scope("reports")))))), "200"),
            (shared(all((part(), any((permission("kb:read"), permission("kb:write")))))), "403 scope_required"),
            (shared(all((part(), any((permission("kb:read"), authenticated()))))), "403 scope_required"),
            (shared(all((part(), any((permission("kb:read"), anyone()))))), "403 scope_required"),
            (shared(any((all((permission("kb:read"), authenticated())), part()))), "200"),
            (shared(any((part(), all((authenticated(), permission("kb:read")))))), "200"),
            // Below `not` nothing is named.
            (shared(all((part(), not(permission("user:read"))))), "500 misconfigured"),
            (shared(all((part(), not(scope("other"))))), "403 scope_required"),
            // What the key lacks denies it, whatever else is named.
            (shared(all((permission("kb:read"), part(), permission("kb:write")))), "403 scope_required kb:write"),
            (shared(all((permission("kb:read"), part(), scope("other")))), "403 scope_required other"),
        ] {
            let words = policy.describe().to_string();
            assert_eq!(asked(&gate, &key(&["kb:read", "reports"]), policy.clone()), expected, "{words}");
            // The same for the owner itself, and for its key with all rights.
            let of_owner = asked(&gate, &owner(), policy.clone());
            let all_rights = owner().with_key_scopes(KeyScopes::all_rights());
            assert_eq!(asked(&gate, &all_rights, policy), of_owner, "{words}");
        }
    }
}

#[test]
fn a_permission_needs_the_owner_and_the_key() {
    let gate = editors();
    for (scopes, policy, expected) in [
        (&["kb:read"][..], shared(permission("kb:read")), "200"),
        (&["kb:*"], shared(permission("kb:read")), "200"),
        (&["*:read"], shared(permission("kb:read")), "200"),
        (&["*:*"], shared(permission("kb:read")), "200"),
        (&["kb:write"], shared(permission("kb:read")), "403 scope_required kb:read"),
        (&["reports"], shared(permission("kb:read")), "403 scope_required kb:read"),
        (&["*:*"], shared(permission("user:read")), "403 permission_required user:read"),
        (&["kb:*"], shared(read_project()), "200"),
        (&["user:*"], shared(read_project()), "403 scope_required kb:read"),
        (&["user:*"], shared(read_project().hidden()), "403 scope_required kb:read"),
        (&["kb:*"], shared(permission("kb:read").on("project", path("other"))), "403 not_a_member kb:read"),
        (&["kb:*"], shared(scope("kb:read")), "403 scope_required kb:read"),
        (&["kb:read"], shared(scope("kb:read")), "200"),
        (&["reports"], shared(scope("reports")), "200"),
        (&["report"], shared(scope("reports")), "403 scope_required reports"),
    ] {
        let words = policy.describe().to_string();
        let head = Head::new().param("id", "1").param("other", "2");
        let answer = now(ask(&gate, &key(scopes), policy, &head));
        let answer = match &answer {
            Ok(_) => "200".to_owned(),
            Err(error) => {
                let required = error.denial().and_then(|denial| denial.required()).unwrap_or_default();
                format!("{} {} {required}", error.status(), error.code())
            }
        };
        assert_eq!(answer, expected, "{scopes:?} {words}");
    }
}

#[test]
fn a_client_is_told_which_scope_it_lacks() {
    let gate = editors();
    let denied = |policy: Arc<dyn Policy>| now(ask(&gate, &key(&["reports"]), policy, &Head::new())).unwrap_err();
    let challenge = denied(shared(permission("kb:read"))).challenge(None);
    assert_eq!(challenge.as_deref(), Some("Bearer error=\"insufficient_scope\", scope=\"kb:read\""));
    assert_eq!(denied(shared(hidden(permission("kb:read")))).challenge(None), None);
    assert_eq!(denied(shared(staff())).challenge(None), None);
    // The part that names one says more than those that do not.
    for policy in [shared(any((permission("kb:read"), staff()))), shared(any((staff(), permission("kb:read"))))] {
        assert_eq!(denied(policy).scope(), Some("kb:read"));
    }
    assert_eq!(why::<()>(Err(denied(shared(any((permission("kb:read"), staff())))))).1, "scope_required");
}

#[test]
fn the_explanation_says_it() {
    let gate = editors().acting_as(key(&["reports"]));
    let plan = gate.plan(any((staff(), permission("kb:read"), scope("reports")))).unwrap();
    let who = now(gate.establish_for(&plan, &Head::new()));
    let decision = now(gate.explain(&who, &plan, &Head::new())).unwrap();
    assert!(decision.is_allowed());
    assert_eq!(
        decision.explain().unwrap().to_string(),
        "+ a User (with an account)\n  + any of\n    - staff (the key has no scope that is named here)\n    - permission kb:read (the key has no \
         scope that is named here)\n    + scope `reports`"
    );
}

#[test]
fn public_routes_and_visitors() {
    let roles = RoleHierarchy::ranked(["viewer"]).unwrap();
    let gate = gate(|builder| builder.roles(roles).members(&Data::default().role("project:1", "viewer")));
    let key = key(&["reports"]);
    assert_eq!(asked(&gate, &key, shared(anyone())), "200");
    assert_eq!(asked(&gate, &key, shared(any((staff(), anyone())))), "200");
    assert_eq!(asked(&gate, &key, shared(fresh(Duration::ZERO, anyone()))), "500 misconfigured");
    assert_eq!(asked(&gate, &key, shared(visitors(anyone()))), "200");
    // No less than nobody may, and no more.
    let on = || role("viewer").on("project", path("id"));
    assert_eq!(asked(&gate, &key, shared(visitors(on()))), "403 scope_required");
}

/// A rule is asked where another part names a scope, and asks on behalf of the key.
#[test]
fn rules_ask_about_the_key() {
    let gate = editors();
    let key = key(&["kb:read"]);
    let rule = |part: Arc<dyn Policy>| shared(all((permission("kb:read"), Inverted(part))));
    assert_eq!(asked(&gate, &key, shared(Inverted(shared(when("no", |_| false))))), "403 scope_required");
    assert_eq!(asked(&gate, &key, rule(shared(when("no", |_| false)))), "200");
    assert_eq!(asked(&gate, &key, rule(shared(permission("kb:read")))), "403 inverted");
}

#[test]
fn a_baseline_only_restricts() {
    let roles = RoleHierarchy::builder().ranked(["editor"]).permits("editor", ["kb:*"]).build().unwrap();
    let gate = |baseline: Arc<dyn Policy>| gate(|builder| builder.roles(roles.clone()).baseline(baseline));
    let seven = |code, holds: fn(&u8) -> bool| shared(account(code, holds));
    let key = key(&["kb:read"]);
    let with = gate(seven("seven", |row| *row == 7));
    assert_eq!(asked(&with, &key, shared(permission("kb:read"))), "200");
    assert_eq!(asked(&with, &key, shared(authenticated())), "403 scope_required");
    let eight = gate(seven("eight", |row| *row == 8));
    assert_eq!(asked(&eight, &key, shared(permission("kb:read"))), "403 eight");
    // A permission there is asked of the key too, and opens nothing.
    let write = gate(shared(permission("kb:write")));
    assert_eq!(asked(&write, &key, shared(permission("kb:read"))), "403 scope_required kb:write");
    let read = gate(shared(permission("kb:read")));
    assert_eq!(asked(&read, &key, shared(authenticated())), "403 scope_required");
}

/// Callers and connections stay as narrow as the request that they began with.
#[test]
fn callers_and_leases() {
    let gate = editors().acting_as(key(&["kb:read"]));
    let head = Head::new().param("id", "1");
    let plan = gate.plan(permission("kb:read")).unwrap();
    let who = now(gate.establish_for(&plan, &head));
    assert!(now(gate.authorize(&who, &plan, &head)).is_ok());
    let caller = who.caller(&head).unwrap();
    assert!(now(caller.require(permission("kb:read").on("project", id(1)))).is_ok());
    let denied = now(caller.require(role("editor").on("project", id(1)))).unwrap_err();
    assert_eq!((denied.status(), denied.code()), (403, "scope_required"));
    assert!(!now(caller.allows(permission("kb:write"))).unwrap());
    assert_eq!(caller.principal().key_scopes().map(ToString::to_string).as_deref(), Some("kb:read"));
    // The directory adds an account. It takes no scope away, and the organization of a key stays.
    let with_account = key(&["kb:read"]).with_account(portcullis_core::Account::new(8_u8).staff(true));
    assert_eq!(with_account.key_scopes().map(ToString::to_string).as_deref(), Some("kb:read"));
    let account = || portcullis_core::Account::new(8_u8).organization("2");
    let of_key = Principal::new(PrincipalKind::Key, "alice");
    assert_eq!(of_key.clone().with_organization("1").with_account(account()).organization(), Some("1"));
    assert_eq!(of_key.with_account(account()).organization(), Some("2"));
    assert_eq!(acting_as("alice").with_organization("1").with_account(account()).organization(), Some("2"));
}

/// A baseline restricts and names no scope, also while it is explained.
#[test]
fn an_explanation_agrees_about_a_key_behind_a_baseline() {
    let gate = gate(|builder| builder.baseline(authenticated()));
    let gate =
        gate.acting_as(key(&["kb:read"]).with_permissions(portcullis_core::PermissionSet::new(["kb:*"]).unwrap()));
    for (name, is_allowed) in [("kb:read", true), ("kb:write", false)] {
        let plan = gate.plan(permission(name)).unwrap();
        let who = now(gate.establish(&Head::new()));
        assert_eq!(now(gate.authorize(&who, &plan, &Head::new())).is_ok(), is_allowed);
        assert_eq!(now(gate.explain(&who, &plan, &Head::new())).unwrap().is_allowed(), is_allowed);
    }
}
