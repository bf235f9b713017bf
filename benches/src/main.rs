//! Measures what verification costs, beside its peers and beside the bare cryptography, and what a guard costs a route,
//! and what it costs to know a token again. See the README.

#[cfg(feature = "accounts")]
mod accounts;
mod allocations;
mod cache;
mod case;
mod check;
mod claims;
mod companion;
mod guard;
mod instructions;
mod policy;
#[cfg(feature = "accounts")]
mod stores;
mod table;
mod time;
mod verify;

use case::{Case, Operation};
use std::{env, process::ExitCode};
use table::{Figures, Table};

/// Above this many nanoseconds instructions are not counted: it would take minutes, and the primitive is nearly all.
const LONGEST_COUNTED: f64 = 100_000.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => report(""),
        ["check"] => return check(),
        #[cfg(feature = "accounts")]
        ["stores"] => stores::report(),
        #[cfg(feature = "accounts")]
        ["timing"] if accounts::timing() => {}
        #[cfg(feature = "accounts")]
        ["timing"] => return ExitCode::FAILURE,
        #[cfg(feature = "accounts")]
        ["queue"] => accounts::queue(),
        ["step", case, by] => step(case, by),
        [filter] => report(filter),
        _ => {
            eprintln!(
                "usage: portcullis-benches [check | FILTER], such as `HS256` or `verify/HS256/small`; with the feature `accounts` \
                 also stores, timing and queue"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    [verify::cases(&wanted), guard::cases(&wanted), policy::cases(&wanted), cache::cases(&wanted)]
        .into_iter()
        .flatten()
        .collect()
}

/// Everything there is to know of the cases whose name has the filter in it.
fn report(filter: &str) {
    let mut cases = cases(|name| name.contains(filter));
    eprintln!("timing {} cases", cases.len());
    let mut operations: Vec<&mut Operation> = cases.iter_mut().flat_map(|case| &mut case.operations).collect();
    let mut times = time::least(&mut operations).into_iter();
    let each = |case: &mut Case| {
        eprintln!("counting {}", case.name);
        let times: Vec<f64> = times.by_ref().take(case.operations.len()).collect();
        let countable = times.iter().all(|time| *time <= LONGEST_COUNTED);
        let mut figures = if countable { counted(case) } else { allocated(case) };
        for (figures, time) in figures.iter_mut().zip(times) {
            figures.nanoseconds = Some(time).filter(|time| time.is_finite());
        }
        figures
    };
    let figures: Vec<_> = cases.iter_mut().map(each).collect();
    print(&cases, &figures);
}

/// Measures what is judged, and judges it.
fn check() -> ExitCode {
    let mut cases = cases(check::concerns);
    let figures: Vec<_> = cases.iter_mut().map(counted).collect();
    print(&cases, &figures);
    if check::judge(&cases, &figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The call that a parent process single-steps.
fn step(name: &str, by: &str) {
    let mut cases = cases(|case| case == name);
    let operation = cases.iter_mut().flat_map(|case| &mut case.operations).find(|operation| operation.by == by);
    let operation = operation.expect("the parent names what there is");
    operation.warm_up();
    instructions::region(operation);
}

fn allocated(case: &mut Case) -> Vec<Figures> {
    let count = |operation| Figures { allocations: allocations::count(operation), ..Figures::default() };
    case.operations.iter_mut().map(count).collect()
}

fn counted(case: &mut Case) -> Vec<Figures> {
    let mut figures = allocated(case);
    for (figures, operation) in figures.iter_mut().zip(&case.operations) {
        figures.instructions = instructions::count(&["step", &case.name, operation.by]);
    }
    figures
}

fn print(cases: &[Case], figures: &[Vec<Figures>]) {
    let rows: Vec<(&Case, &Vec<Figures>)> = cases.iter().zip(figures).collect();
    for of_one_table in rows.chunk_by(|(one, _), (next, _)| one.table == next.table) {
        let mut table = Table::new(of_one_table.first().map_or("", |(case, _)| &case.table));
        for (case, figures) in of_one_table {
            table.push(case, figures);
        }
        println!("{table}");
    }
}
