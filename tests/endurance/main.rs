//! What takes time to show: ports that run out, outages, attacks. Over loopback, in network namespaces that this makes.
//!
//! `cargo test -p portcullis-tests --test endurance` takes less than a minute. `-- --long` takes the times
//! that the library is promised for, five minutes in all; a name runs one. It needs Linux, `unshare` and `ip`, and root or
//! leave to make user namespaces.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod attack;
mod introspection;
mod issuer;
mod log;
mod namespace;
mod outage;
mod service;

use std::{env, error, process::ExitCode};
use tokio::runtime;

type Anyhow<T = ()> = Result<T, Box<dyn error::Error + Send + Sync>>;

const RUNS: [&str; 4] = ["ports", "introspection", "outage", "attack"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_long = arguments.iter().any(|argument| argument == "--long");
    let names: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--long").collect();
    if let Some(unknown) = names.iter().find(|name| !RUNS.contains(name)) {
        eprintln!("there is no run `{unknown}`: {RUNS:?}, and `--long`");
        return ExitCode::FAILURE;
    }
    let chosen = RUNS.into_iter().filter(|name| names.is_empty() || names.contains(name));
    let failed = match namespace::is_inside() {
        true => chosen.filter(|name| failed(name, is_long)).count(),
        // Each in one of its own: what is left of the ports of one run is nothing to the next.
        false => chosen.filter(|name| !namespace::run_inside(name, is_long)).count(),
    };
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn failed(name: &str, is_long: bool) -> bool {
    log::listen();
    let run = async {
        match name {
            "ports" => introspection::ports().await,
            "introspection" => introspection::run(is_long).await,
            "outage" => outage::run(is_long).await,
            _ => attack::run(is_long).await,
        }
    };
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run));
    let Err(error) = done else { return false };
    println!("{name}: FAILED: {error}");
    log::print();
    true
}
