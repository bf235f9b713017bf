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
use report::{counted, print, report, step};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    #[cfg(feature = "metrics")]
    recorder::install();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => drop(report(&mut cases(|_| true))),
        ["check"] => return check(),
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
                "usage: portcullis-benches [check | FILTER], such as `HS256` or `verify/HS256/small`; with the feature `accounts` \
                 also stores, timing and queue, and with the feature `loopback` also loopback"
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

/// Measures what is judged, and judges it.
fn check() -> ExitCode {
    let mut cases = cases(check::concerns);
    let figures: Vec<_> = cases.iter_mut().map(counted).collect();
    print(&cases, &figures);
    if check::judge(&cases, &figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
