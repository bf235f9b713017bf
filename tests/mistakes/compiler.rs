//! What the compiler says.
//!
//! The compiler is asked by `tests/compile`. That the page shows what is written down there is asserted here.

use crate::{blocks, one_line};

const NO_GATE_IN_STATE: &str = include_str!("../compile/cases/no_gate_in_state.stderr");
const WITHOUT_DEBUG_HANDLER: &str = include_str!("../compile/cases/no_gate_in_state_without_debug_handler.stderr");
const HANDLER_OF_AXUM: &str = include_str!("../compile/cases/error_of_a_handler_of_axum.stderr");
const HANDLER_OF_ACTIX: &str = include_str!("../compile/cases/error_of_a_handler_of_actix.stderr");
const NO_GATE_EXT: &str = include_str!("../compile/cases/no_gate_ext.stderr");
const NO_POLICY: &str = include_str!("../compile/cases/no_policy.stderr");
const OWN_POLICY: &str = include_str!("../compile/cases/own_policy.stderr");
const NO_VERIFIER: &str = include_str!("../compile/cases/no_verifier.stderr");

/// Asserts that one block of the page has the lines of what the compiler said that begin like these.
#[track_caller]
fn assert_shown(said: &str, beginnings: &[&str]) {
    let lines: Vec<String> = beginnings
        .iter()
        .map(|beginning| {
            let begins = |line: &&str| line.trim_start_matches(['|', '=', ' ']).starts_with(beginning);
            one_line(said.lines().find(begins).unwrap_or_else(|| panic!("the compiler does not say: {beginning}")))
        })
        .collect();
    let has_all = |block: &str| lines.iter().all(|line| one_line(block).contains(line));
    assert!(blocks("text").any(has_all), "docs/mistakes.md does not show: {lines:#?}");
}

#[test]
fn gate_missing_from_the_state() {
    assert_shown(
        NO_GATE_IN_STATE,
        &["error[E0277]: no `Gate`", "10 |", "^^^^^^^^^^^^^ this state", "note: use the gate", "note: below `#[debug"],
    );
}

#[test]
fn gate_missing_from_the_state_without_debug_handler() {
    assert_shown(WITHOUT_DEBUG_HANDLER, &["error[E0277]", "14 |", "^^ unsatisfied", "note: Consider using"]);
}

#[test]
fn trait_of_the_gate_not_imported() {
    assert_shown(
        NO_GATE_EXT,
        &[
            "error[E0599]",
            "5 |",
            "^^^^^^^",
            "help: items",
            "help: the following",
            "1 + use portcullis::actix::GateExt;",
            "1 + use portcullis::axum::GateExt;",
            "1 + use portcullis::tower::GateExt;",
        ],
    );
}

#[test]
fn error_of_a_handler() {
    assert_shown(HANDLER_OF_AXUM, &["error[E0277]", "10 |", "^^^^^^ the trait"]);
    assert_shown(HANDLER_OF_ACTIX, &["error[E0277]", "14 |", "-- ^^^^^ the trait"]);
}

#[test]
fn type_that_is_no_policy() {
    const RULE: &str = "help: the trait `portcullis::policy::Rule` is not";
    assert_shown(NO_POLICY, &["error[E0277]: `Paid` is", "7 |", "---           ^^^^ unsatisfied", RULE, "note: use"]);
    assert_shown(OWN_POLICY, &["error[E0277]", "6 | impl Policy", "^^^^ unsatisfied", RULE]);
}

#[test]
fn type_that_verifies_nothing() {
    const AUTHENTICATOR: &str = "help: the trait `Authenticator` is not";
    assert_shown(NO_VERIFIER, &["error[E0277]", "7 |", "-------------            ^^^^^^^", AUTHENTICATOR]);
}
