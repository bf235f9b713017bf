//! A table of users that an application has had for years: `docs/users-table.md` shows it, and the suite of stores runs over it.

use crate::service::{HASH, PASSWORD};
use members::{ADDED, Members};
use portcullis::{
    accounts::{
        Accounts, Client, Secret,
        store::{Stores, UserKey, UserStore},
        testing::suite,
    },
    sqlx::SqliteStore,
};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

/// As wide as the page.
#[rustfmt::skip]
mod members;

/// As the application made it.
const TABLE: &str = "CREATE TABLE members (
    member_no INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT NOT NULL UNIQUE, password TEXT,
    is_admin BOOLEAN NOT NULL DEFAULT FALSE, shoe_size INTEGER, joined BIGINT NOT NULL)";

async fn pool() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.expect("a pool");
    sqlx::raw_sql(TABLE).execute(&pool).await.expect("a table");
    sqlx::query("INSERT INTO members (mail, password, shoe_size, joined) VALUES ('Old@Example.com', $1, 43, 0)")
        .bind(HASH)
        .execute(&pool)
        .await
        .expect("a row");
    sqlx::raw_sql(ADDED).execute(&pool).await.expect("more columns");
    pool
}

#[tokio::test]
async fn the_suite() {
    suite::users(&Members(pool().await)).await;
    let sessions = SqliteStore::in_memory().await.expect("a store");
    suite::all(&Stores::new(Members(pool().await), sessions)).await;
}

#[tokio::test]
async fn a_member_of_old_signs_in() {
    let (pool, sessions) = (pool().await, SqliteStore::in_memory().await.expect("a store"));
    let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").expect("a secret");
    let accounts = members::accounts(secret, pool.clone(), sessions).dangerous_without_confirmation();
    let accounts: Accounts = accounts.build().expect("accounts");
    let refused = accounts.sign_in("old@example.com", "wrong horse battery", &Client::unknown()).await;
    assert_eq!(refused.expect_err("refused").code(), "invalid_credentials");
    for _ in 0..2 {
        let sign_in = accounts.sign_in("old@example.com", PASSWORD, &Client::unknown()).await.expect("a sign-in");
        let sign_in = sign_in.signed_in().expect("signed in");
        assert_eq!(sign_in.user.id.as_str(), "1");
        assert!(accounts.refresh(sign_in.tokens.refresh.expose(), &Client::unknown()).await.is_ok());
    }
    let row: (String, i64) =
        sqlx::query_as("SELECT password, shoe_size FROM members").fetch_one(&pool).await.expect("a row");
    assert!(row.0.starts_with("$argon2id$") && row.1 == 43, "hashed again, and the other columns are as they were");
    let email = "nobody@example.com".parse().expect("an address");
    assert!(Members(pool).find(UserKey::Email(&email)).await.expect("a store").is_none());
}

/// What the page shows is what these tests run.
#[test]
fn the_page_shows_this_code() {
    let page = include_str!("../../../../../docs/users-table.md");
    let code = include_str!("members.rs");
    assert!(page.contains(code), "docs/users-table.md shows other code than users_table/members.rs");
}
