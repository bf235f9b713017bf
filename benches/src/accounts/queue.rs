//! Many sign-ins at once.

use super::{PASSWORD, add, builder, client, hash, timing::percentile};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use portcullis_accounts::{
    Accounts, Error,
    store::{MemoryStore, Stores},
};
use portcullis_axum::Routes;
use portcullis_core::{Gate, policy::authenticated};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};
use tower_service::Service;

const SIGN_INS: usize = 200;
const EMAIL: &str = "user@example.com";

/// Costs as derp has them: 64 MiB, three passes, four lanes.
fn costs(builder: portcullis_accounts::AccountsBuilder) -> portcullis_accounts::AccountsBuilder {
    builder.argon2(65_536, 3, 4)
}

pub(super) async fn report() {
    let stores = Stores::from(MemoryStore::new());
    add(&stores, 0, EMAIL, &hash(costs).await).await;
    let accounts = costs(builder(stores)).build().expect("accounts");
    let tokens =
        accounts.sign_in(EMAIL, PASSWORD, &client()).await.expect("a sign-in").signed_in().expect("signed in").tokens;
    let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build().expect("a gate");
    let router: Router = Routes::new(&gate).route("/orders", authenticated(), get(async || "ok")).into_router();
    let token = format!("Bearer {}", tokens.access.expose());

    let mut alone = Vec::new();
    for _ in 0..20 {
        alone.push(timed(sign_in(&accounts)).await.0);
    }
    println!("a sign-in with 64 MiB, three passes and four lanes: {}", spread(alone));
    println!("another route before: {}", spread(probe(&router, &token, &Arc::new(AtomicBool::new(true)), 200).await));

    let (is_on, most) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let before = resident();
    let watching = thread::spawn({
        let (is_on, most) = (is_on.clone(), most.clone());
        move || {
            while is_on.load(Ordering::Acquire) {
                most.fetch_max(resident(), Ordering::AcqRel);
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let probing = tokio::spawn({
        let (router, token, is_on) = (router.clone(), token.clone(), is_on.clone());
        async move { probe(&router, &token, &is_on, usize::MAX).await }
    });
    let start = Instant::now();
    let mut sign_ins = JoinSet::new();
    for _ in 0..SIGN_INS {
        let accounts = accounts.clone();
        sign_ins.spawn(async move { timed(sign_in(&accounts)).await });
    }
    let (mut good, mut busy, mut retry) = (Vec::new(), Vec::new(), Duration::ZERO);
    for (time, outcome) in sign_ins.join_all().await {
        match outcome {
            Ok(()) => good.push(time),
            Err(Error::Busy { retry_after }) => {
                busy.push(time);
                retry = retry_after;
            }
            Err(error) => println!("unexpected: {error}"),
        }
    }
    let taken = start.elapsed();
    is_on.store(false, Ordering::Release);
    let other = probing.await.expect("probed");
    watching.join().expect("watched");

    println!("{SIGN_INS} sign-ins at once, {:.1} s in all:", taken.as_secs_f64());
    println!("- signed in: {}, {}", good.len(), spread(good));
    println!("- 503, to be tried again after {:.1} s: {}, {}", retry.as_secs_f64(), busy.len(), spread(busy));
    println!("- memory: {before} MiB before, at most {} MiB meanwhile", most.load(Ordering::Acquire));
    println!("- another route meanwhile: {}", spread(other));
}

async fn sign_in(accounts: &Accounts) -> Result<(), Error> {
    accounts.sign_in(EMAIL, PASSWORD, &client()).await.map(drop)
}

/// Milliseconds.
async fn timed<T>(work: impl Future<Output = T>) -> (f64, T) {
    let start = Instant::now();
    let result = work.await;
    (start.elapsed().as_secs_f64() * 1e3, result)
}

/// Asks a guarded route every five milliseconds.
async fn probe(router: &Router, token: &str, is_on: &AtomicBool, most: usize) -> Vec<f64> {
    let mut times = Vec::new();
    while is_on.load(Ordering::Acquire) && times.len() < most {
        // In a task of its own, as a server has one for each connection.
        let (mut router, token) = (router.clone(), token.to_owned());
        let work = tokio::spawn(async move {
            let request =
                Request::get("/orders").header("authorization", token).body(Body::empty()).expect("a request");
            let answer = router.call(request).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK);
        });
        let (time, done) = timed(work).await;
        done.expect("answered");
        times.push(time);
        sleep(Duration::from_millis(5)).await;
    }
    times
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |percent| percentile(&times, percent);
    format!("median {:.2} ms, 99 % {:.2} ms, at most {:.2} ms", at(50), at(99), at(100))
}

/// Resident memory of this process in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
