//! Schemas, namespaces, and policies that are replaced while the service runs.

use crate::{edit, gate_with, kit::*};
use portcullis_cedar::Cedar;
use serde_json::json;
use std::thread;

const SCHEMA: &str = r#"
    entity Role;
    entity User in [Role] { department?: String };
    entity Project;
    action edit appliesTo { principal: User, resource: Project, context: { role?: String } };
"#;
const OWNERS: &str = r#"permit (principal, action, resource) when { context has role && context.role == "owner" };"#;
const EDITORS: &str = r#"permit (principal in Role::"editor", action, resource);"#;

fn misconfigured<T>(result: Result<T, Error>, words: &str) {
    let error = result.err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn what_is_no_set_of_policies_is_refused() {
    misconfigured(Cedar::new(""), "no policy");
    misconfigured(Cedar::new("// a comment"), "no policy");
    misconfigured(Cedar::new("permit (principal, action);"), "the policies of Cedar");
    misconfigured(Cedar::new("permit (principal == ?principal, action, resource);"), "template");
    misconfigured(Cedar::new(OWNERS).unwrap().schema("entity"), "the schema of Cedar");
    assert!(Cedar::new(OWNERS).is_ok());
}

#[test]
fn a_schema_checks_policies_at_the_start_and_questions_later() {
    let cedar = Cedar::new(OWNERS).unwrap().schema(SCHEMA).unwrap();
    assert_eq!(edit(&cedar, acting_as("alice")), "200");
    assert_eq!(edit(&cedar, acting_as("bob").with_role("editor")), "403 engine_denied");
    for wrong in [
        r#"permit (principal in Role::"editor", action == Action::"edti", resource);"#,
        r#"permit (principal, action, resource) when { context.role == "owner" };"#,
        r#"permit (principal in Group::"editor", action, resource);"#,
        r#"permit (principal, action, resource) when { principal.staff };"#,
    ] {
        misconfigured(Cedar::new(wrong).unwrap().schema(SCHEMA), "do not fit the schema");
    }
    // An action, a type, a principal and an attribute that the schema does not know.
    let gate = gate_with(cedar.clone()).acting_as(acting_as("alice"));
    let ask = |action, kind| engine("cedar", action).on(kind, path("project_id"));
    assert_eq!(answer(&gate, ask("edit", "project"), project(1)), "200");
    assert_eq!(answer(&gate, ask("delete", "project"), project(1)), "500 misconfigured");
    assert_eq!(answer(&gate, ask("edit", "note"), project(1)), "500 misconfigured");
    assert_eq!(answer(&gate, not(ask("edit", "note")), project(1)), "500 misconfigured");
    assert_eq!(edit(&cedar, Principal::new(PrincipalKind::Key, "key-1")), "500 misconfigured");
    let with = |attributes: serde_json::Value| cedar.clone().principal_attr(move |_| Ok(attributes.clone()));
    assert_eq!(edit(&with(json!({ "department": "sales" })), acting_as("alice")), "200");
    assert_eq!(edit(&with(json!({ "department": 1 })), acting_as("alice")), "500 misconfigured");
    assert_eq!(edit(&with(json!({ "staff": true })), acting_as("alice")), "500 misconfigured");
}

#[test]
fn a_namespace_is_before_every_type() {
    let policy = r#"permit (principal in Gallery::Role::"editor", action == Gallery::Action::"edit", resource is Gallery::Project);"#;
    let editor = || acting_as("bob").with_role("editor");
    let cedar = Cedar::new(policy).unwrap();
    assert_eq!(edit(&cedar, editor()), "403 engine_denied");
    assert_eq!(edit(&cedar.clone().namespace("Gallery"), editor()), "200");
    assert_eq!(edit(&cedar.clone().namespace("Gallery"), acting_as("bob")), "403 engine_denied");
    assert_eq!(edit(&cedar.namespace("no namespace"), editor()), "500 misconfigured");
}

#[test]
fn replaced_policies_hold_at_once_and_wrong_ones_change_nothing() {
    let cedar = Cedar::new(OWNERS).unwrap().schema(SCHEMA).unwrap();
    let gate = gate_with(cedar.clone());
    let ask = |who: Principal| answer(&gate.acting_as(who), crate::EDIT, project(1));
    let (owner, editor) = (|| acting_as("alice"), || acting_as("bob").with_role("editor"));
    assert_eq!([ask(owner()), ask(editor())], ["200", "403 engine_denied"]);
    cedar.replace(EDITORS).unwrap();
    assert_eq!([ask(owner()), ask(editor())], ["403 engine_denied", "200"]);
    misconfigured(cedar.replace("permit"), "the policies of Cedar");
    misconfigured(cedar.replace(""), "no policy");
    misconfigured(cedar.replace("permit (principal is Group, action, resource);"), "do not fit the schema");
    assert_eq!([ask(owner()), ask(editor())], ["403 engine_denied", "200"]);
}

#[test]
fn a_clone_without_the_schema_replaces_nothing_behind_it() {
    let without = Cedar::new(OWNERS).unwrap();
    let with = without.clone().schema(SCHEMA).unwrap();
    without.replace("permit (principal, action, resource);").unwrap();
    assert_eq!([edit(&without, acting_as("bob")), edit(&with, acting_as("bob"))], ["200", "403 engine_denied"]);
}

/// Each set permits by another rule. Between them there is no moment without one.
#[test]
fn a_question_is_answered_by_one_set() {
    let sets = [r#"permit (principal is User, action, resource);"#, OWNERS];
    let cedar = Cedar::new(OWNERS).unwrap();
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..300 {
                assert_eq!(edit(&cedar, acting_as("alice")), "200");
            }
        });
        for policies in sets.iter().rev().cycle() {
            cedar.replace(policies).unwrap();
            if asking.is_finished() {
                break;
            }
        }
    });
    cedar.replace("forbid (principal, action, resource);").unwrap();
    assert_eq!(edit(&cedar, acting_as("alice")), "403 engine_denied");
}

#[test]
fn debug_shows_no_policy() {
    let cedar = Cedar::new(OWNERS).unwrap();
    assert_eq!(format!("{cedar:?}"), "Cedar { policies: 1, has_schema: false, .. }");
}

/// The page cannot compile it: `portcullis` does not know this crate.
#[test]
fn the_page_about_engines_shows_what_compiles_here() {
    let (page, crate_docs) = (include_str!("../../../../docs/engines.md"), include_str!("../../src/lib.rs"));
    let code = page.split("## Cedar").nth(1).unwrap().split("```").nth(1).unwrap();
    let compiled: Vec<&str> = crate_docs.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let shown: Vec<&str> = code.lines().skip(1).map(str::trim).collect();
    assert!(shown.len() > 10 && shown.iter().all(|line| compiled.contains(line)), "{shown:#?}");
}
