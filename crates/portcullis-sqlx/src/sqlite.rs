use crate::{SqlError, SqlResult, SqliteStore};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use std::{path::Path, time::Duration};

impl SqliteStore {
    /// Opens a file, which it creates with its tables if there is none: write-ahead log, foreign keys, ten seconds of patience
    /// with other programs that write.
    ///
    /// # Errors
    /// If the file cannot be opened, or the tables cannot be created.
    pub async fn open(file: impl AsRef<Path>) -> SqlResult<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        Self::connect(SqlitePoolOptions::new(), options).await
    }

    /// A store in memory, for tests. It has one connection, and ends with it.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub async fn in_memory() -> SqlResult<Self> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        // Each connection has a database of its own, so it must never be exchanged for another.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        Self::connect(pool, options).await
    }

    async fn connect(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> SqlResult<Self> {
        // There is no network to test. A connection that is dropped during the test is closed.
        let pool = pool.test_before_acquire(false).connect_with(options).await;
        Self::new(pool.map_err(|error| SqlError::new("opening the database", error))?).migrate().await
    }
}
