//! Three processes of one service, on one Postgres and one Redis: sign-outs, attempts, a Redis that stops and starts, and another
//! secret under load.
//!
//! `cargo test -p portcullis-tests --test instances` takes about half a minute, `-- --long` has more rounds. It needs the environment that
//! `servers/postgres.sh up` prints, and starts a Redis of its own.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod attempts;
mod client;
mod instance;
#[path = "../servers/own.rs"]
mod own;
mod rotation;
mod sign_out;

use std::{env, error, process::ExitCode};
use tokio::runtime;

type Anyhow<T = ()> = Result<T, Box<dyn error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let done = runtime.block_on(async {
        match &arguments[..] {
            [flag, settings] if flag == instance::FLAG => instance::serve(settings).await,
            [] => all(9, 20).await,
            [flag] if flag == "--long" => all(90, 1000).await,
            _ => Err("there is `--long`, and nothing else".into()),
        }
    });
    let Err(error) = done else { return ExitCode::SUCCESS };
    println!("instances: FAILED: {error}");
    ExitCode::FAILURE
}

/// With so many sign-outs a state of Redis, and so many refreshes of a client at each step of a rotation.
async fn all(sign_outs: usize, refreshes: u64) -> Anyhow {
    let redis = own::OwnServer::start("redis.sh", "18477", "REDIS_URL")?;
    let place = instance::Place::new(&redis.url).await?;
    sign_out::all(&place, &redis, sign_outs).await?;
    attempts::all(&place, &redis).await?;
    rotation::all(&place, refreshes).await
}
