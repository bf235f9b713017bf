//! Stores under races and kills: sixteen callers at once, and processes that are killed in the middle of their work, also those of
//! the database.
//!
//! `cargo test -p portcullis-tests --test races` takes about a minute, `-- --long` has 10 000 rounds a race,
//! 1 000 kills on each database, and 20 of the Postgres server itself; a name runs one. It needs the environment that
//! `servers/postgres.sh up` prints.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod exchange;
mod family;
mod kills;
mod naive;
#[path = "../servers/own.rs"]
mod own;
mod owners;
mod places;
mod rounds;
mod victim;

use portcullis_accounts::store::MemoryStore;
use std::{env, error, process::ExitCode};
use tokio::runtime;

type Anyhow<T = ()> = Result<T, Box<dyn error::Error + Send + Sync>>;

const RUNS: [&str; 9] =
    ["memory", "sqlite", "sqlite-one", "postgres", "naive", "owners", "kills-sqlite", "kills-postgres", "kills-server"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    if let [flag, place] = &arguments[..]
        && flag == victim::FLAG
    {
        let Err(error) = runtime.block_on(victim::work(place)) else { return ExitCode::SUCCESS };
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let is_long = arguments.iter().any(|argument| argument == "--long");
    let names: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--long").collect();
    if let Some(unknown) = names.iter().find(|name| !RUNS.contains(name)) {
        eprintln!("there is no run `{unknown}`: {RUNS:?}, and `--long`");
        return ExitCode::FAILURE;
    }
    for name in RUNS.into_iter().filter(|name| names.is_empty() || names.contains(name)) {
        if let Err(error) = runtime.block_on(run(name, is_long)) {
            println!("{name}: FAILED: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn run(name: &str, is_long: bool) -> Anyhow {
    let (rounds, kills, crashes) = if is_long { (10_000, 1000, 20) } else { (200, 10, 3) };
    match name {
        "memory" => rounds::all(name, MemoryStore::new().into(), rounds).await,
        "sqlite" => rounds::all(name, places::sqlite(&places::Folder::new()?, 8).await?.into(), rounds).await,
        "sqlite-one" => rounds::all(name, places::sqlite(&places::Folder::new()?, 1).await?.into(), rounds).await,
        "postgres" => rounds::all(name, places::postgres("races").await?.into(), rounds).await,
        "naive" => naive::all(rounds.min(1000)).await,
        "owners" => owners::all(rounds).await,
        "kills-sqlite" => kills::sqlite(kills).await,
        "kills-postgres" => kills::postgres(kills).await,
        _ => kills::server(crashes).await,
    }
}
