//! What a refresh and the check of a session take in each store, beside better-auth on the same Postgres.
//!
//! One call at a time, and sixteen. Times are wall-clock, since most of them is the database; CPU time is that of this process,
//! the database's not included, as better-auth's bench counts it too.

use crate::time::process_cpu;
use futures_util::future::join_all;
use portcullis_accounts::{
    Accounts, Client, Error, Limits, Secret, SignUp, Token,
    store::{MemoryStore, Stores},
};
use portcullis_core::{Credential, CredentialSource, Gate, Scheme};
use portcullis_sqlx::{PostgresStore, SqliteStore};
use std::{env, fs, path::PathBuf, process::Command, time::Instant};
use tokio::sync::Mutex;

const CALLS: usize = 5000;
const AT_ONCE: usize = 16;

pub(crate) fn report() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("| operation | by | at once | median µs | 99 % µs | CPU µs | per second |");
    println!("| --- | --- | ---:| ---:| ---:| ---:| ---:|");
    runtime.block_on(stores());
    match env::var_os("DATABASE_URL") {
        Some(_) => better_auth(),
        None => eprintln!("no DATABASE_URL, so neither Postgres nor better-auth: `. <(tests/servers/postgres.sh up)`"),
    }
}

async fn stores() {
    measure("memory", MemoryStore::new().into()).await;
    let folder = env::temp_dir().join(format!("portcullis-benches-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("accounts.db");
    measure("SQLite", SqliteStore::open(&file).await.expect("SQLite").into()).await;
    fs::remove_dir_all(&folder).expect("the folder goes");
    if let Ok(url) = env::var("DATABASE_URL") {
        measure("Postgres", PostgresStore::connect(&url).await.expect("Postgres").into()).await;
    }
}

async fn measure(by: &str, stores: Stores) {
    let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").expect("a secret");
    let accounts = Accounts::builder("https://shop.example.com", secret, stores)
        .dangerous_without_confirmation()
        .limits(Limits::dangerous_unlimited())
        .argon2(64, 1, 1)
        .build()
        .expect("accounts");
    let gate = Gate::builder()
        .scheme(&accounts)
        .scheme(Scheme::new(accounts.sessions_by_token()).cookie("session"))
        .revocations(accounts.revocations())
        .directory(accounts.directory())
        .build()
        .expect("a gate");
    let mut sessions = Vec::new();
    for place in 0..AT_ONCE {
        sessions.push(
            session(&accounts, &format!("{by}-{}-{place}@example.com", std::process::id())).await.expect("a session"),
        );
    }
    let (access, refresh): (Vec<Token>, Vec<Mutex<Token>>) =
        sessions.into_iter().map(|(access, refresh)| (access, Mutex::new(refresh))).unzip();

    for at_once in [1, AT_ONCE] {
        let by_access = async |place: usize| {
            let token = access.get(place).expect("a token").expose().to_owned();
            let who = gate.authenticate(Credential::new(token, CredentialSource::bearer())).await;
            assert!(who.principal().is_ok());
        };
        operation("session check, access token", by, at_once, by_access).await;
        let by_session = async |place: usize| {
            let token = refresh.get(place).expect("a token").lock().await.expose().to_owned();
            let who = gate.authenticate(Credential::new(token, CredentialSource::cookie("session"))).await;
            assert!(who.principal().is_ok());
        };
        operation("session check, session cookie", by, at_once, by_session).await;
        let refreshing = async |place: usize| {
            let token = &mut *refresh.get(place).expect("a token").lock().await;
            *token = accounts.refresh(token.expose(), &Client::unknown()).await.expect("a refresh").refresh;
        };
        operation("refresh", by, at_once, refreshing).await;
    }
}

async fn session(accounts: &Accounts, email: &str) -> Result<(Token, Token), Error> {
    let form = SignUp { email, password: "correct horse battery staple", ..SignUp::default() };
    let tokens = accounts.sign_up(form, &Client::unknown()).await?.expect("signed in").tokens;
    Ok((tokens.access, tokens.refresh))
}

async fn operation(name: &str, by: &str, at_once: usize, call: impl AsyncFn(usize)) {
    let repeat = async |calls: usize| {
        let times = join_all((0..at_once).map(async |place| {
            let mut times = Vec::new();
            for _ in 0..calls / at_once {
                let start = Instant::now();
                call(place).await;
                times.push(start.elapsed());
            }
            times
        }));
        times.await.concat()
    };
    repeat(CALLS / 10).await;
    let (start, cpu) = (Instant::now(), process_cpu());
    let mut times = repeat(CALLS).await;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), process_cpu() - cpu);
    times.sort();
    let part = |share: f64| times.get((share * (times.len() - 1) as f64) as usize).map_or(0, |time| time.as_micros());
    let each = |total: f64| total / times.len() as f64;
    println!(
        "| {name} | {by} | {at_once} | {} | {} | {:.0} | {:.0} |",
        part(0.5),
        part(0.99),
        each(cpu.as_secs_f64() * 1e6),
        times.len() as f64 / seconds
    );
}

/// Its own program, in the same run.
fn better_auth() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("better-auth");
    let run = |arguments: &[&str]| Command::new("npm").args(arguments).current_dir(&folder).output();
    let installed = run(&["install", "--no-audit", "--no-fund", "--no-package-lock"]);
    assert!(installed.is_ok_and(|output| output.status.success()), "npm installs better-auth");
    let output = run(&["run", "--silent", "bench"]).expect("npm runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |name: &str| row.get(name).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
        let cells = ["operation", "by", "at_once", "median_us", "p99_us", "cpu_us", "per_second"].map(text);
        println!("| {} |", cells.join(" | "));
    }
}
