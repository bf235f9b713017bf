//! Policies of Cedar as an engine: what they permit, forbid and cannot decide.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[allow(dead_code, unreachable_pub, reason = "of the core's examples")]
mod kit {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../portcullis-core/tests/doc/kit.rs"));
}

mod decisions;
mod hostile;
mod settings;

use kit::*;
use portcullis_cedar::Cedar;

/// With alice an owner of project 1 and a viewer of project 2.
fn gate_with(cedar: Cedar) -> Gate {
    let projects = Projects(&[("alice", 1, "owner"), ("alice", 2, "viewer")]);
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    let gate = Gate::builder().scheme(scheme).roles_on("project", roles).membership("project", projects);
    gate.engine("cedar", cedar).build().unwrap()
}

/// What the policies answer to a caller that asks to edit project 1.
fn edit(cedar: &Cedar, caller: Principal) -> String {
    answer(&gate_with(cedar.clone()).acting_as(caller), EDIT, project(1))
}

const EDIT: &dyn Policy = &engine("cedar", "edit").on("project", path("project_id"));
