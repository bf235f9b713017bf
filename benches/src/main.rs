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
mod flood;
mod growth;
mod guard;
mod head;
mod instructions;
#[cfg(feature = "loopback")]
mod loopback;
mod memory;
mod own;
mod policy;
mod record;
#[cfg(feature = "metrics")]
mod recorder;
mod report;
mod startup;
#[cfg(feature = "accounts")]
mod stores;
mod table;
mod time;
mod tokens;
mod verify;

use case::Case;
use report::{counted, report, step};
use std::{env, process::ExitCode};
use table::Figures;

fn main() -> ExitCode {
    #[cfg(feature = "metrics")]
    recorder::install();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => drop(report(&mut cases(|_| true))),
        ["check"] => return check(),
        ["record"] => record(),
        ["memory"] => memory::report(),
        #[cfg(feature = "accounts")]
        ["stores"] => stores::report(),
        #[cfg(feature = "accounts")]
        ["timing"] if accounts::timing() => {}
        #[cfg(feature = "accounts")]
        ["timing"] => return ExitCode::FAILURE,
        #[cfg(feature = "accounts")]
        ["queue"] => accounts::queue(),
        #[cfg(feature = "loopback")]
        ["loopback"] => loopback::report(),
        #[cfg(feature = "loopback")]
        ["serve", name] => loopback::serve(name),
        ["step", case, by] => step(cases(|name| name == case), by),
        [filter] => drop(report(&mut cases(|name| name.contains(filter)))),
        _ => {
            eprintln!(
                "usage: portcullis-benches [check | record | memory | FILTER], such as `HS256` or `growth`; with the feature \
                 `accounts` also stores, timing and queue, and with the feature `loopback` also loopback"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let cases = [
        verify::cases(&wanted),
        guard::cases(&wanted),
        policy::cases(&wanted),
        own::cases(&wanted),
        cache::cases(&wanted),
        growth::cases(&wanted),
        flood::cases(&wanted),
        startup::cases(&wanted).into_iter().collect(),
    ];
    cases.into_iter().flatten().collect()
}

/// Counts what is judged, and judges it.
fn check() -> ExitCode {
    let (cases, figures) = judged();
    // All of both is printed, so without an early exit.
    let kept = [check::judge(&cases, &figures), record::judge(&cases, &figures), memory::judge()];
    if kept == [true; 3] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts the same, and writes down what ours takes now.
fn record() {
    let (cases, figures) = judged();
    record::write(&cases, &figures).expect("it can be counted and written");
}

/// Ours, and what it is compared with: single-stepping the rest would take minutes.
fn judged() -> (Vec<Case>, Vec<Vec<Figures>>) {
    let mut cases = cases(|name| check::concerns(name) || record::concerns(name));
    for case in &mut cases {
        let needed = [case.operations.first(), record::floor(case)].map(|operation| operation.map(|it| it.by));
        let is_needed = |by| needed.contains(&Some(by)) || check::compares(&case.name, by);
        case.operations.retain(|operation| is_needed(operation.by));
    }
    let figures = cases.iter_mut().map(counted).collect();
    (cases, figures)
}
