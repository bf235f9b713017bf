//! What a policy costs beside policy engines, on equal rules. See the README of the benches.

#[path = "../../src/allocations.rs"]
#[allow(dead_code, reason = "other programs look at the bytes")]
mod allocations;
#[path = "../../src/case.rs"]
mod case;
#[path = "../../src/companion.rs"]
mod companion;
mod engines;
#[path = "../../src/head.rs"]
#[allow(dead_code, reason = "cases of other programs use the rest")]
mod head;
#[path = "../../src/instructions.rs"]
mod instructions;
#[path = "../../src/policy.rs"]
mod policy;
#[path = "../../src/report.rs"]
mod report;
#[path = "../../src/table.rs"]
mod table;
#[path = "../../src/time.rs"]
mod time;

mod verify {
    pub(crate) const OURS: &str = "portcullis";
}

use case::Case;
use std::env;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &*arguments {
        [] => drop(report::report(&mut cases(|_| true))),
        [step, case, by] if step == "step" => report::step(cases(|name| name == case), by),
        [filter, ..] => drop(report::report(&mut cases(|name| name.contains(filter.as_str())))),
    }
}

/// The cases of the policies, with the engines between ours and the floor. They are asked about a caller with one role.
fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let mut cases = policy::cases(|name| wanted(name) && !policy::LAST_ROLE.contains(&name));
    for case in &mut cases {
        let size = if case.name.contains("10,000") { 10_000 } else { 100 };
        case.operations.splice(1..1, engines::operations(size));
    }
    cases
}
