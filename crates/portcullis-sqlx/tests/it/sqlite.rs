use crate::{Anyhow, TABLES, dropped, sign_in};
use portcullis_accounts::{
    Client, Secret, Session, SessionId, SessionRules, Token, UserId,
    store::{RotateOutcome, Rotation, SessionStore},
    testing::suite,
};
use portcullis_core::testing::key_store;
use portcullis_sqlx::{MIGRATIONS, SqliteStore};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{
    error::Error,
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// A file that goes when the test is over.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("portcullis-sqlx-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder.join("accounts.db"))
    }

    fn options(&self) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new().filename(&self.0).create_if_missing(true);
        options.journal_mode(SqliteJournalMode::Wal)
    }

    async fn pool(&self, connections: u32) -> sqlx::Result<SqlitePool> {
        SqlitePoolOptions::new().max_connections(connections).connect_with(self.options()).await
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = self.0.parent().map(fs::remove_dir_all);
    }
}

async fn number(pool: &SqlitePool, query: &'static str) -> sqlx::Result<i64> {
    sqlx::query_scalar(query).fetch_one(pool).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_of_eight_and_of_one_connection_pass_the_suite() -> Anyhow {
    for connections in [8, 1] {
        let file = File::new(&format!("suite-{connections}"));
        let store = SqliteStore::new(file.pool(connections).await?).migrate().await?;
        suite::organizations(store.clone()).await;
        suite::all(&store.into()).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_memory_passes_the_suite() -> Anyhow {
    suite::all(&SqliteStore::in_memory().await?.into()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_sign_in_pass_the_suite() -> Anyhow {
    let file = File::new("sign-in");
    sign_in::suite(SqliteStore::open(&file.0).await?).await?;
    sign_in::suite(SqliteStore::in_memory().await?).await
}

/// Writers of two programs wait for each other by the file's own lock.
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_share_a_file() -> Anyhow {
    let file = File::new("shared");
    let stores = [SqliteStore::open(&file.0).await?, SqliteStore::open(&file.0).await?];
    for round in 0..8 {
        let token = Token::new(format!("token {round}"));
        let session = Session { id: SessionId::new(format!("session {round}")), ..session() };
        stores[0].open(session, token.digest("refresh"), session_end()).await?;
        let refreshes = (0..16).map(|place| {
            let secret = Secret::new([7; 32]).expect("32 bytes");
            let rotation = Rotation::new(token.clone(), secret, SystemTime::UNIX_EPOCH, SessionRules::new());
            let store = stores[place % 2].clone();
            tokio::spawn(async move { store.rotate(rotation).await })
        });
        let (mut exchanged, mut replayed) = (0, 0);
        for refresh in refreshes.collect::<Vec<_>>() {
            match refresh.await?? {
                RotateOutcome::Next { .. } => exchanged += 1,
                RotateOutcome::Replay { hops: 1, .. } => replayed += 1,
                other => panic!("each gets the successor, and not {other:?}"),
            }
        }
        assert_eq!((exchanged, replayed), (1, 15));
    }
    Ok(())
}

fn session_end() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(3600)
}

fn session() -> Session {
    Session {
        id: SessionId::new("session"),
        user: UserId::new("user"),
        stamp: 0,
        methods: Vec::new(),
        organization: None,
        client: Client::unknown(),
        created_at: SystemTime::UNIX_EPOCH,
        used_at: SystemTime::UNIX_EPOCH,
        not_after: session_end(),
        ended_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_created_and_opened_again() -> Anyhow {
    let file = File::new("open");
    let store = SqliteStore::open(&file.0).await?;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(store.pool()).await?;
    assert_eq!((mode.as_str(), number(store.pool(), "PRAGMA foreign_keys").await?), ("wal", 1));
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(store.pool()).await?;
    assert_eq!(tables, TABLES, "every table is ours, and there are no others");
    sqlx::query("INSERT INTO portcullis_factors (user_id, sealed, last_step, recovery) VALUES ('a', x'00', 0, x'')")
        .execute(store.pool())
        .await?;
    store.pool().close().await;
    let store = SqliteStore::open(&file.0).await?;
    assert_eq!(number(store.pool(), "SELECT COUNT(*) FROM portcullis_factors").await?, 1, "what was there stays");
    assert!(SqliteStore::open(file.0.join("no/such/folder.db")).await.is_err(), "a file that cannot be created");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn four_migrate_at_once_and_again() -> Anyhow {
    let file = File::new("migrate");
    let mut migrating = Vec::new();
    for _ in 0..4 {
        // Each with a pool of its own, as four programs have.
        let pool = file.pool(2).await?;
        migrating.push(tokio::spawn(SqliteStore::new(pool).migrate()));
    }
    for migrated in migrating {
        let store = migrated.await??;
        let applied = number(store.pool(), "SELECT COUNT(*) FROM portcullis_migrations").await?;
        assert_eq!(applied, i64::try_from(MIGRATIONS.len())?);
    }
    let pool = SqlitePoolOptions::new().connect_with(file.options().read_only(true)).await?;
    let store = SqliteStore::new(pool).migrate().await?;
    assert!(store.purge(SystemTime::UNIX_EPOCH).await.is_err(), "it may only read, and that is enough to migrate");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_without_foreign_keys_is_refused() -> Anyhow {
    let file = File::new("foreign-keys");
    let pool = SqlitePoolOptions::new().connect_with(file.options().foreign_keys(false)).await?;
    let error = SqliteStore::new(pool.clone()).migrate().await.expect_err("foreign keys are off");
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("foreign_keys(true)"), "{cause}");
    assert_eq!(number(&pool, "SELECT COUNT(*) FROM sqlite_master").await?, 0, "nothing was created");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_dropped_is_done_or_undone() -> Anyhow {
    for connections in [8, 1] {
        let file = File::new(&format!("dropped-{connections}"));
        let store = SqliteStore::new(file.pool(connections).await?).migrate().await?;
        dropped::everywhere(&store, async |query| number(store.pool(), query).await).await?;
    }
    let store = SqliteStore::in_memory().await?;
    dropped::everywhere(&store, async |query| number(store.pool(), query).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_many_rows_is_complete() -> Anyhow {
    let store = SqliteStore::in_memory().await?;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1203) \
        INSERT INTO portcullis_one_time (digest, purpose, stamp, payload, expires_at) \
        SELECT CAST(printf('%032d', i) AS BLOB), 'reset', 0, '{}', i FROM n";
    sqlx::query(many).execute(store.pool()).await?;
    let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
    assert_eq!(store.purge(at(1001)).await?, 1000);
    assert_eq!(store.purge(at(1203)).await?, 202);
    assert_eq!(number(store.pool(), "SELECT COUNT(*) FROM portcullis_one_time").await?, 1);
    // A chain of refresh tokens: all but the last two go.
    let session = "INSERT INTO portcullis_sessions (id, user_id, stamp, methods, created_at, used_at, not_after) \
        VALUES ('s', 'u', 0, '', 0, 0, 5000)";
    sqlx::query(session).execute(store.pool()).await?;
    let chain = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1203) \
        INSERT INTO portcullis_refresh (digest, session_id, issued_at, expires_at, rotated_at, successor) \
        SELECT CAST(printf('%032d', i) AS BLOB), 's', i, 5000, CASE WHEN i < 1203 THEN i + 1 END, \
            CASE WHEN i < 1203 THEN CAST(printf('%032d', i + 1) AS BLOB) END FROM n";
    sqlx::query(chain).execute(store.pool()).await?;
    assert_eq!(store.purge(at(4000)).await?, 1, "the single-use token");
    assert_eq!(number(store.pool(), "SELECT COUNT(*) FROM portcullis_refresh").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_pass_the_suite() -> Anyhow {
    key_store(&SqliteStore::new(File::new("keys").pool(2).await?).migrate().await?).await;
    Ok(())
}
