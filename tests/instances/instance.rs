//! An instance: a process with the accounts of the service, which answers over HTTP.

use crate::Anyhow;
use axum::Router;
use portcullis::{
    Gate,
    accounts::{Accounts, Limit, Limits, Secret},
    axum::Routes,
    policy::authenticated,
    redis::Redis,
};
use portcullis_sqlx::PostgresStore;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    env,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{self, Child, Command, Stdio},
    thread,
    time::Duration,
};
use tokio::net::TcpListener;

pub const FLAG: &str = "--instance";

/// How many wrong passwords an account has.
pub const ATTEMPTS: u32 = 10;

const SCHEMA: &str = "instances";

/// Where the instances of a run keep what they share.
pub struct Place {
    redis: String,
}

impl Place {
    /// With an empty schema.
    pub async fn new(redis: &str) -> Anyhow<Self> {
        let pool = PgPoolOptions::new().max_connections(1).connect(&database()?).await?;
        let create = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await?;
        Ok(Self { redis: redis.to_owned() })
    }

    /// Starts a process, the first secret of which signs.
    pub fn start(&self, secrets: &[&str]) -> Anyhow<Instance> {
        let settings = json!({ "secrets": secrets, "redis": self.redis }).to_string();
        let mut command = Command::new(env::current_exe()?);
        let mut child = command.args([FLAG, &settings]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the instance has no output")?).lines();
        let address = lines.next().ok_or("the instance did not start")??;
        Ok(Instance { origin: format!("http://{address}"), child })
    }
}

/// A process. It ends with this value.
pub struct Instance {
    pub origin: String,
    child: Child,
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn database() -> Anyhow<String> {
    Ok(env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set: `tests/servers/postgres.sh up` prints it")?)
}

/// Serves until the process that started it has gone.
pub async fn serve(settings: &str) -> Anyhow {
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        process::exit(0);
    });
    let settings: Value = serde_json::from_str(settings)?;
    let texts: Vec<&str> = settings["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let [first, others @ ..] = &texts[..] else { return Err("no secret".into()) };
    let secret = others.iter().try_fold(Secret::new(first)?, |secret, other| secret.also(other))?;
    let options: PgConnectOptions = database()?.parse()?;
    let pool = PgPoolOptions::new().max_connections(8).connect_with(options.options([("search_path", SCHEMA)])).await?;
    let redis = Redis::open(settings["redis"].as_str().unwrap_or_default())?.prefix("instances");
    let per_account = Limit::new(ATTEMPTS, Duration::from_secs(300));
    let accounts = Accounts::builder("https://instances.test", secret, PostgresStore::new(pool).migrate().await?)
        .dangerous_without_confirmation()
        .argon2(64, 1, 1)
        .limits(Limits::dangerous_unlimited().sign_ins_per_account(per_account))
        .rate_limits(redis.limits())
        .ended_sessions(redis.ended_sessions())
        .build()?;
    let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build()?;
    let routes = Routes::new(&gate).accounts("/auth", &accounts.endpoints());
    let app: Router = routes.get("/orders", authenticated(), async || "orders").into_router();
    tokio::spawn(async move { accounts.follow(Duration::from_secs(1), tokio::time::sleep).await });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
