//! Where stores are: a temporary folder, and a schema of Postgres.

use crate::Anyhow;
use portcullis_sqlx::{PostgresStore, SqliteStore};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A folder that goes when the run is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Anyhow<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("portcullis-races-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("accounts.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub async fn sqlite(folder: &Folder, connections: u32) -> Anyhow<SqliteStore> {
    sqlite_file(&folder.file(), connections).await
}

/// As an application opens it that has a pool of its own.
pub async fn sqlite_file(file: &Path, connections: u32) -> Anyhow<SqliteStore> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().max_connections(connections).connect_with(options).await?;
    Ok(SqliteStore::new(pool).migrate().await?)
}

/// An empty schema of the server that the runs share.
pub async fn postgres(schema: &str) -> Anyhow<PostgresStore> {
    schema_at(&url()?, schema).await
}

/// An empty schema.
pub async fn schema_at(url: &str, schema: &str) -> Anyhow<PostgresStore> {
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
    let create = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await?;
    Ok(PostgresStore::new(pool_at(url, schema, schema).await?).migrate().await?)
}

/// A pool under this name, on a schema that is there.
pub async fn pool_at(url: &str, schema: &str, name: &str) -> Anyhow<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.options([("search_path", schema)]).application_name(name);
    Ok(PgPoolOptions::new().max_connections(12).connect_with(options).await?)
}

pub fn url() -> Anyhow<String> {
    let url = env::var("DATABASE_URL");
    Ok(url.map_err(|_| "DATABASE_URL is not set: `tests/servers/postgres.sh up` prints it")?)
}
