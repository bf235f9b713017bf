//! What verification and guards cost beside other libraries. See the README of the benches.

mod actix_peers;
mod axum_peers;
mod jwt_simple;

#[path = "../../src/allocations.rs"]
#[allow(dead_code, reason = "other programs look at the bytes")]
mod allocations;
#[path = "../../src/case.rs"]
#[allow(dead_code, reason = "cases of other programs use the rest")]
mod case;
#[path = "../../src/claims.rs"]
mod claims;
#[path = "../../src/companion.rs"]
#[allow(dead_code, reason = "cases of other programs use it")]
mod companion;
#[path = "../../src/guard/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the checks use the rest")]
mod guard;
#[path = "../../src/instructions.rs"]
mod instructions;
#[path = "../../src/plot.rs"]
mod plot;
#[path = "../../src/report.rs"]
mod report;
#[path = "../../src/table.rs"]
mod table;
#[path = "../../src/time.rs"]
mod time;
#[path = "../../src/verify.rs"]
#[allow(dead_code, reason = "the checks use the rest")]
mod verify;

use case::{Case, Operation};
use std::{env, fs, path::Path};
use table::Figures;

/// The plots of the README: a file, a title, and which cases it shows.
const PLOTS: [(&str, &str, fn(&str) -> bool); 4] = [
    ("verify-small", "A small token verified, and its claims read", |name| is_verified(name, "small")),
    ("verify-large", "A large token verified, and its claims read", |name| is_verified(name, "large")),
    ("axum", "A guarded route of axum", |name| name.starts_with("guard/axum/")),
    ("actix", "A guarded route of actix-web", |name| name.starts_with("guard/actix/")),
];

fn is_verified(name: &str, size: &str) -> bool {
    name.starts_with("verify/") && name.ends_with(size)
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &*arguments {
        [] => {
            let mut cases = cases(|_| true);
            let figures = report::report(&mut cases);
            plot(&cases, &figures).expect("the plots can be written");
        }
        [step, case, by] if step == "step" => report::step(cases(|name| name == case), by),
        [filter, ..] => drop(report::report(&mut cases(|name| name.contains(filter.as_str())))),
    }
}

fn plot(cases: &[Case], figures: &[Vec<Figures>]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plots");
    fs::create_dir_all(&folder)?;
    for (file, title, is_shown) in PLOTS {
        let shown = cases.iter().zip(figures).filter(|(case, _)| is_shown(&case.name));
        let shown: Vec<(&Case, &[Figures])> = shown.map(|(case, figures)| (case, figures.as_slice())).collect();
        fs::write(folder.join(format!("{file}.svg")), plot::svg(title, &shown))?;
    }
    Ok(())
}

/// The cases of the benches where there are more peers, with those before the floor, and cases of their own.
fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let mut cases = verify::cases(|name| wanted(name) && jwt_simple::knows(name));
    cases.extend(guard::cases(|name| wanted(name) && (axum_peers::knows(name) || actix_peers::knows(name))));
    for case in &mut cases {
        let more: Vec<Operation> = axum_peers::peers(&case.name)
            .into_iter()
            .chain(jwt_simple::peers(&case.name))
            .chain(actix_peers::peers(&case.name))
            .collect();
        let before_the_floor = case.operations.len().saturating_sub(1);
        case.operations.splice(before_the_floor..before_the_floor, more);
    }
    cases.extend(axum_peers::cases(&wanted));
    cases
}
