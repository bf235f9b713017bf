//! What is permitted and forbidden, and what is an error.

use crate::{EDIT, edit, gate_with, kit::*};
use portcullis_cedar::Cedar;
use serde_json::json;

const POLICIES: &str = r#"
    permit (principal in Role::"editor", action == Action::"edit", resource is Project);
    permit (principal, action == Action::"edit", resource is Project)
    when { context has role && context.role == "owner" };
    permit (principal, action == Action::"status", resource == Application::"application");
    forbid (principal is Key, action, resource);
"#;

#[test]
fn roles_standings_and_forbids_decide() {
    let gate = gate_with(Cedar::new(POLICIES).unwrap());
    let key = Principal::new(PrincipalKind::Key, "key-1");
    for (caller, id, expected) in [
        (acting_as("alice"), 1, "200"),
        (acting_as("alice"), 2, "403 engine_denied"),
        (acting_as("alice"), 3, "403 engine_denied"),
        (acting_as("bob"), 1, "403 engine_denied"),
        (acting_as("bob").with_role("owner"), 1, "403 engine_denied"),
        (acting_as("bob").with_role("editor"), 2, "200"),
        (acting_as("bob").with_role("viewer").with_role("editor"), 2, "200"),
        (acting_as("bob").with_role("Editor"), 2, "403 engine_denied"),
        (key.clone(), 1, "403 engine_denied"),
        (key.with_role("editor"), 1, "403 engine_denied"),
    ] {
        let gate = gate.acting_as(caller.clone());
        assert_eq!(answer(&gate, EDIT, project(id)), expected, "{caller:?} {id}");
        let inverted = if expected == "200" { "403" } else { "200" };
        assert!(answer(&gate, not(EDIT), project(id)).starts_with(inverted), "{caller:?} {id}");
    }
}

#[test]
fn an_action_or_a_name_that_is_not_there() {
    let gate = gate_with(Cedar::new(POLICIES).unwrap()).acting_as(acting_as("alice"));
    let ask = |action| engine("cedar", action).on("project", path("project_id"));
    assert_eq!(answer(&gate, ask("edit"), project(1)), "200");
    assert_eq!(answer(&gate, ask("delete"), project(1)), "403 engine_denied");
    assert_eq!(answer(&gate, engine("cedar", "status"), get("/")), "200");
    assert_eq!(answer(&gate, engine("cedar", "edit"), get("/")), "403 engine_denied");
    assert!(gate.plan(engine("ceder", "edit")).is_err());
    // Without a credential nothing is asked.
    assert_eq!(answer(&gate_with(Cedar::new(POLICIES).unwrap()), EDIT, project(1)), "401 credential_missing");
}

#[test]
fn a_policy_that_fails_makes_no_decision() {
    let permit = "permit (principal, action, resource);";
    for failing in [
        "forbid (principal, action, resource) when { resource.is_locked };",
        "forbid (principal, action, resource) when { context.role == \"viewer\" && 9223372036854775807 + 1 > 0 };",
        "permit (principal, action, resource) when { principal.department == \"sales\" };",
    ] {
        let alice = gate_with(Cedar::new(&format!("{permit}{failing}")).unwrap()).acting_as(acting_as("alice"));
        assert_eq!(answer(&alice, EDIT, project(2)), "500 misconfigured", "{failing}");
        assert_eq!(answer(&alice, not(EDIT), project(2)), "500 misconfigured", "{failing}");
        assert_eq!(answer(&alice, any((staff(), EDIT)), project(2)), "500 misconfigured", "{failing}");
        assert_eq!(answer(&alice, any((authenticated(), EDIT)), project(2)), "200");
        // Also where another policy forbids.
        let forbid = "forbid (principal, action, resource);";
        let alice = gate_with(Cedar::new(&format!("{forbid}{failing}")).unwrap()).acting_as(acting_as("alice"));
        assert_eq!(answer(&alice, EDIT, project(2)), "500 misconfigured", "{failing}");
    }
    assert_eq!(edit(&Cedar::new(permit).unwrap(), acting_as("alice")), "200");
}

#[test]
fn attributes_decide_and_their_errors_do_not() {
    let policies = r#"
        permit (principal, action, resource)
        when { principal.department == resource.department && !resource.is_locked };
    "#;
    let cedar = |principal: fn(&str) -> serde_json::Value, resource: fn(&str) -> serde_json::Value| {
        let cedar = Cedar::new(policies).unwrap().principal_attr(move |who| Ok(principal(who.id().subject())));
        gate_with(cedar.resource_attr(move |on| Ok(resource(on.id()))))
    };
    let of = |who: &str| json!({ "department": if who == "alice" { "sales" } else { "legal" } });
    let project_of = |id: &str| json!({ "department": "sales", "is_locked": id == "2" });
    let gate = cedar(of, project_of);
    for (who, id, expected) in [("alice", 1, "200"), ("alice", 2, "403 engine_denied"), ("bob", 1, "403 engine_denied")]
    {
        assert_eq!(answer(&gate.acting_as(acting_as(who)), EDIT, project(id)), expected, "{who} {id}");
    }
    let alice = |gate: Gate| answer(&gate.acting_as(acting_as("alice")), EDIT, project(1));
    for wrong in [
        (|_| json!([])) as fn(&str) -> serde_json::Value,
        |_| json!("sales"),
        |_| json!({ "department": null }),
        |_| json!({ "department": 0.5 }),
        |_| json!({ "department": { "__extn": { "fn": "ip", "arg": "no address" } } }),
        |_| json!({}),
    ] {
        assert_eq!(alice(cedar(wrong, project_of)), "500 misconfigured");
        assert_eq!(alice(cedar(of, wrong)), "500 misconfigured");
    }
    let down = Cedar::new(policies)
        .unwrap()
        .principal_attr(|_| -> Result<(), Error> { Err(Error::new(ErrorKind::Unavailable, "the directory is down")) });
    assert_eq!(edit(&down, acting_as("alice")), "503 unavailable");
}

#[test]
fn the_rows_of_a_list() {
    let gate = gate_with(Cedar::new(POLICIES).unwrap()).acting_as(acting_as("alice"));
    let caller = now(gate.establish(&get("/projects"))).caller(&get("/projects")).unwrap();
    let shown = now(caller.filter(EDIT, "project_id", 1..4_u32, |id| *id)).unwrap();
    assert_eq!(shown, [1]);
}
