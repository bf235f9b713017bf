//! Measures what verification costs, beside its peers and beside the bare cryptography, and what a guard costs a route. See
//! the README.

mod allocations;
mod case;
mod claims;
mod guard;
mod instructions;
mod table;
mod time;
mod verify;

use case::{Case, Operation};
use std::{env, process::ExitCode};
use table::{Figures, Table};

/// What `check` judges, and the share of the peer's instructions that ours may need there.
const CHECKED: &str = "verify/HS256/small";
const MOST_OF_PEER: f64 = 0.5;
/// How many instructions a guard may add to a route where the caller is known.
const MOST_OF_GUARD: u64 = 1_500;
/// Above this many nanoseconds instructions are not counted: it would take minutes, and the primitive is nearly all.
const LONGEST_COUNTED: f64 = 100_000.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => report(""),
        ["check"] => return check(),
        ["step", case, by] => step(case, by),
        [filter] => report(filter),
        _ => {
            eprintln!("usage: portcullis-benches [check | FILTER], such as `HS256` or `verify/HS256/small`");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    verify::cases(&wanted).into_iter().chain(guard::cases(&wanted)).collect()
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

/// Judges what is the same in every run, so that a busy machine cannot fail it.
fn check() -> ExitCode {
    let mut cases = cases(|name| [CHECKED, "verify/RS256/small", guard::KNOWN].contains(&name));
    let figures: Vec<_> = cases.iter_mut().map(counted).collect();
    print(&cases, &figures);
    let instructions = |name: &str| {
        let (_, figures) = cases.iter().zip(&figures).find(|(case, _)| case.name == name)?;
        let [ours, other, ..] = &**figures else { return None };
        Some((ours.instructions?, other.instructions?))
    };
    let (Some((ours, peer)), Some((guarded, bare))) = (instructions(CHECKED), instructions(guard::KNOWN)) else {
        eprintln!("instructions: not available here, so there is nothing to judge");
        return ExitCode::FAILURE;
    };
    let share = ours as f64 / peer as f64;
    println!("{CHECKED}: {share:.3} of the peer's instructions, and at most {MOST_OF_PEER} is allowed");
    let added = guarded.saturating_sub(bare);
    println!("{}: {added} instructions over the bare route, and at most {MOST_OF_GUARD} are allowed", guard::KNOWN);
    if share <= MOST_OF_PEER && added <= MOST_OF_GUARD { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
