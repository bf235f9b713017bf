//! `portcullis-redis` without a server, and against a real one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod away;
#[cfg(feature = "accounts")]
mod ended;
#[cfg(feature = "accounts")]
mod limits;
mod proofs;
mod revocations;

use portcullis_redis::Redis;
use std::{
    env, error, fmt,
    future::Future,
    time::{Duration, SystemTime},
};

type Anyhow<T = ()> = Result<T, Box<dyn error::Error + Send + Sync>>;

/// A prefix that no other test has.
fn prefix() -> String {
    format!("test-{:016x}", fastrand::u64(..))
}

fn url() -> Anyhow<String> {
    Ok(env::var("REDIS_URL").map_err(|_| "REDIS_URL is not set: `tests/servers/redis.sh up` prints it")?)
}

/// Of another process: with a connection of its own.
fn redis(prefix: &str) -> Anyhow<Redis> {
    Ok(Redis::open(&url()?)?.prefix(prefix))
}

/// What somebody else does to this Redis.
async fn command(parts: &[&str]) -> Anyhow<redis::Value> {
    let mut connection = redis::Client::open(url()?)?.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(parts[0]);
    for part in &parts[1..] {
        command.arg(part);
    }
    Ok(command.query_async(&mut connection).await?)
}

/// Waits until it is so. That it never is ends the test.
async fn until<F: Future<Output = bool>>(what: impl fmt::Display, mut is: impl FnMut() -> F) {
    let end = SystemTime::now() + Duration::from_secs(20);
    while !is().await {
        assert!(SystemTime::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
