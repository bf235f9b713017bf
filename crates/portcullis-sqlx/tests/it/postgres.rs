use crate::{Anyhow, TABLES, dropped, sign_in};
use portcullis_accounts::{
    Client, Session, SessionId, Token, UserId,
    store::{SessionStore, Stores},
    testing::suite,
};
use portcullis_core::testing::key_store;
use portcullis_sqlx::{MIGRATIONS, PostgresStore};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{env, error::Error, time::SystemTime};

fn options(variable: &str) -> Anyhow<PgConnectOptions> {
    let missing = |_| format!("{variable} is not set: `tests/servers/postgres.sh up` prints it");
    Ok(env::var(variable).map_err(missing)?.parse()?)
}

/// Connections to an empty schema of this name.
async fn schema(variable: &str, name: &str) -> Anyhow<PgConnectOptions> {
    let options = options(variable)?;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let create = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await?;
    pool.close().await;
    Ok(options.options([("search_path", name)]))
}

async fn pool(options: &PgConnectOptions, connections: u32) -> sqlx::Result<PgPool> {
    PgPoolOptions::new().max_connections(connections).connect_with(options.clone()).await
}

async fn store(name: &str, connections: u32) -> Anyhow<PostgresStore> {
    let options = schema("DATABASE_URL", name).await?;
    Ok(PostgresStore::new(pool(&options, connections).await?).migrate().await?)
}

async fn number(pool: &PgPool, query: &'static str) -> sqlx::Result<i64> {
    sqlx::query_scalar(query).fetch_one(pool).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn a_pool_of_eight_passes_the_suite() -> Anyhow {
    let store = store("suite_8", 8).await?;
    suite::organizations(store.clone()).await;
    suite::all(&store.into()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn sessions_of_sign_in_pass_the_suite() -> Anyhow {
    sign_in::suite(store("sign_in", 8).await?).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn a_pool_of_one_connection_passes_the_suite() -> Anyhow {
    suite::all(&store("suite_1", 1).await?.into()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn a_database_that_defaults_to_serializable_passes_the_suite() -> Anyhow {
    let options = schema("SERIALIZABLE_DATABASE_URL", "suite").await?;
    let pool = pool(&options, 8).await?;
    let default: String = sqlx::query_scalar("SHOW default_transaction_isolation").fetch_one(&pool).await?;
    assert_eq!(default, "serializable");
    suite::all(&PostgresStore::new(pool).migrate().await?.into()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn users_and_sessions_may_be_in_different_databases() -> Anyhow {
    let (users, sessions) = (store("suite_users", 4).await?, store("suite_sessions", 4).await?);
    suite::all(&Stores::new(users, sessions)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn four_migrate_at_once_and_again() -> Anyhow {
    let options = schema("DATABASE_URL", "migrate").await?;
    let mut migrating = Vec::new();
    for _ in 0..4 {
        let pool = pool(&options, 2).await?;
        migrating.push(tokio::spawn(PostgresStore::new(pool).migrate()));
    }
    for migrated in migrating {
        let store = migrated.await??;
        let applied = number(store.pool(), "SELECT COUNT(*) FROM portcullis_migrations").await?;
        assert_eq!(applied, i64::try_from(MIGRATIONS.len())?);
    }
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'migrate' ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool(&options, 1).await?).await?;
    assert_eq!(tables, TABLES, "every table is ours, and there are no others");
    let reading = options.options([("default_transaction_read_only", "on")]);
    let store = PostgresStore::new(pool(&reading, 1).await?).migrate().await?;
    assert!(store.purge(SystemTime::UNIX_EPOCH).await.is_err(), "it may only read, and that is enough to migrate");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn a_command_that_is_dropped_is_done_or_undone() -> Anyhow {
    for connections in [8, 1] {
        let store = store(&format!("dropped_{connections}"), connections).await?;
        dropped::everywhere(&store, async |query| number(store.pool(), query).await).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn a_purge_of_many_rows_is_complete() -> Anyhow {
    let store = store("purge", 2).await?;
    let many = "INSERT INTO portcullis_one_time (digest, purpose, stamp, payload, expires_at) \
        SELECT lpad(i::text, 32, '0')::bytea, 'reset', 0, '{}', i FROM generate_series(1, 1203) i";
    sqlx::query(many).execute(store.pool()).await?;
    let at = |millis| SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(millis);
    assert_eq!(store.purge(at(1001)).await?, 1000);
    assert_eq!(store.purge(at(1203)).await?, 202);
    assert_eq!(number(store.pool(), "SELECT COUNT(*) FROM portcullis_one_time").await?, 1);
    // A chain of refresh tokens: all but the last two go.
    let session = "INSERT INTO portcullis_sessions (id, user_id, stamp, methods, created_at, used_at, not_after) \
        VALUES ('s', 'u', 0, '', 0, 0, 5000)";
    sqlx::query(session).execute(store.pool()).await?;
    let chain = "INSERT INTO portcullis_refresh (digest, session_id, issued_at, expires_at, rotated_at, successor) \
        SELECT lpad(i::text, 32, '0')::bytea, 's', i, 5000, CASE WHEN i < 1203 THEN i + 1 END, \
            CASE WHEN i < 1203 THEN lpad((i + 1)::text, 32, '0')::bytea END FROM generate_series(1, 1203) i";
    sqlx::query(chain).execute(store.pool()).await?;
    assert_eq!(store.purge(at(4000)).await?, 1, "the single-use token");
    assert_eq!(number(store.pool(), "SELECT COUNT(*) FROM portcullis_refresh").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn an_error_shows_no_values() -> Anyhow {
    let store = store("errors", 1).await?;
    let now = SystemTime::UNIX_EPOCH;
    let session = Session {
        id: SessionId::new("session-of-alice"),
        user: UserId::new("alice"),
        stamp: 0,
        methods: Vec::new(),
        organization: None,
        client: Client::unknown(),
        created_at: now,
        used_at: now,
        not_after: now,
        ended_at: None,
    };
    let open = async |token: &str| store.open(session.clone(), Token::new(token).digest("refresh"), now).await;
    open("one").await?;
    let error = open("other").await.expect_err("the identifier is there already");
    let cause = error.source().and_then(|cause| cause.downcast_ref::<sqlx::Error>());
    let cause = cause.and_then(sqlx::Error::as_database_error).expect("the error of sqlx is the source");
    assert!(cause.is_unique_violation());
    for text in [error.to_string(), format!("{error:?}"), cause.to_string()] {
        assert!(!text.contains("alice"), "{text}");
    }
    assert!(format!("{error:?}").contains("portcullis_sessions_pkey"), "it says what was wrong: {error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
async fn api_keys_pass_the_suite() -> Anyhow {
    key_store(&store("keys", 2).await?).await;
    Ok(())
}
