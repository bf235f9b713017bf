//! Known and unknown users, in pairs.

use super::{add, builder, client, hash};
use portcullis_accounts::store::{MemoryStore, Stores};
use portcullis_sqlx::SqliteStore;
use std::{env, fs, process, time::Instant};

const PAIRS: usize = 200;
/// Before the pairs that count.
const WARM_UP: usize = 20;
/// Of the median of the known ones.
const ALLOWED: f64 = 0.05;

/// Measures both stores. Returns whether all medians are close enough.
pub(super) async fn report() -> bool {
    let hash = hash(|builder| builder).await;
    println!("medians of {PAIRS} pairs, in microseconds\n");
    println!("| store | asked | known | unknown | apart | 10 % to 90 %, known | unknown |");
    println!("|---|---|---:|---:|---:|---|---|");
    let mut is_close = measure("memory", MemoryStore::new().into(), &hash).await;
    let folder = env::temp_dir().join(format!("portcullis-timing-{}", process::id()));
    fs::create_dir(&folder).expect("a folder");
    let store = SqliteStore::open(folder.join("accounts.db")).await.expect("a database");
    is_close &= measure("SQLite", store.into(), &hash).await;
    let _ = fs::remove_dir_all(&folder);
    is_close
}

async fn measure(store: &str, stores: Stores, hash: &str) -> bool {
    for nth in 0..WARM_UP + PAIRS {
        add(&stores, nth, &address("user", nth), hash).await;
    }
    let accounts = builder(stores).build().expect("accounts");
    let sign_in = async |email: String| {
        let refused = accounts.sign_in(&email, "a wrong password", &client()).await.expect_err("refused");
        assert_eq!(refused.code(), "invalid_credentials");
    };
    let reset = async |email: String| accounts.request_reset(&email, &client()).await.expect("accepted");
    let mut is_close = print(store, "sign-in", pairs(sign_in).await);
    is_close &= print(store, "reset", pairs(reset).await);
    // Now there is a token to replace, of those that exist.
    is_close & print(store, "reset, again", pairs(reset).await)
}

/// Of equal length, so that parsing is the same.
fn address(name: &str, nth: usize) -> String {
    format!("{name}{nth:04}@example.com")
}

/// The times of known and of unknown users in microseconds. Each pair asks for another address, and the order alternates:
/// what drifts while this runs, and what one call leaves behind for the next, comes to both alike.
async fn pairs(ask: impl AsyncFn(String)) -> [Vec<f64>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for nth in 0..WARM_UP + PAIRS {
        for half in 0..2 {
            let is_unknown = (nth + half) % 2;
            let email = address(["user", "none"].get(is_unknown).expect("two kinds"), nth);
            let start = Instant::now();
            ask(email).await;
            let time = start.elapsed().as_secs_f64() * 1e6;
            if nth >= WARM_UP {
                times.get_mut(is_unknown).expect("two kinds").push(time);
            }
        }
    }
    times
}

fn print(store: &str, asked: &str, mut times: [Vec<f64>; 2]) -> bool {
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let [known, unknown] = &times;
    let (median, other) = (percentile(known, 50), percentile(unknown, 50));
    let apart = (other - median) / median;
    let spread = |times: &[f64]| format!("{:.1} to {:.1}", percentile(times, 10), percentile(times, 90));
    println!(
        "| {store} | {asked} | {median:.1} | {other:.1} | {:+.1} % | {} | {} |",
        100.0 * apart,
        spread(known),
        spread(unknown)
    );
    apart.abs() <= ALLOWED
}

pub(super) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
