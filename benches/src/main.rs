//! Measures what verification costs, beside its peers and beside the bare cryptography. See the README.

mod allocations;
mod case;
mod claims;
mod instructions;
mod table;
mod time;
mod verify;

use case::{Case, Operation};
use std::{env, process::ExitCode};
use table::{Figures, Table};

/// What `check` allows: the share of the peer's instructions that ours may need for a small HS256 token.
const CHECKED: &str = "verify/HS256/small";
const MOST_OF_PEER: f64 = 0.5;

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

/// Everything there is to know of the cases whose name has the filter in it.
fn report(filter: &str) {
    let mut cases = verify::cases(|name| name.contains(filter));
    let mut figures = countable(&mut cases);
    let mut operations: Vec<&mut Operation> = cases.iter_mut().flat_map(|case| &mut case.operations).collect();
    let times = time::least(&mut operations);
    for (figures, time) in figures.iter_mut().flatten().zip(times) {
        figures.nanoseconds = Some(time);
    }
    print(&cases, &figures);
}

/// Judges what is the same in every run, so that a busy machine cannot fail it.
fn check() -> ExitCode {
    let mut cases = verify::cases(|name| [CHECKED, "verify/RS256/small"].contains(&name));
    let figures = countable(&mut cases);
    print(&cases, &figures);
    let judged = cases.iter().zip(&figures).find(|(case, _)| case.name == CHECKED).map(|(_, figures)| &**figures);
    let Some([Figures { instructions: Some(ours), .. }, Figures { instructions: Some(peer), .. }, ..]) = judged else {
        eprintln!("instructions cannot be counted here, so there is nothing to judge");
        return ExitCode::FAILURE;
    };
    let share = *ours as f64 / *peer as f64;
    println!("{CHECKED}: {share:.3} of the peer's instructions; at most {MOST_OF_PEER} is allowed");
    if share <= MOST_OF_PEER { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The call that a parent process single-steps.
fn step(name: &str, by: &str) {
    let mut cases = verify::cases(|case| case == name);
    let operation = cases.iter_mut().flat_map(|case| &mut case.operations).find(|operation| operation.by == by);
    let operation = operation.expect("the parent names what there is");
    operation.warm_up();
    instructions::region(operation);
}

/// Allocations and instructions of every operation of every case.
fn countable(cases: &mut [Case]) -> Vec<Vec<Figures>> {
    let each = |case: &mut Case| {
        let name = &case.name;
        let figures = case.operations.iter_mut().map(|operation| Figures {
            allocations: allocations::count(operation),
            instructions: instructions::count(&["step", name, operation.by]),
            nanoseconds: None,
        });
        figures.collect()
    };
    cases.iter_mut().map(each).collect()
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
