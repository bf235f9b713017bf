//! Accounts, sessions of sign-in at a provider, and API keys in SQLite and Postgres, through sqlx.
//!
//! The features `accounts`, which is a default, and `sign-in` say for which of both. API keys
//! need no feature. One store serves all of them.
//!
//! ```
//! # #[cfg(feature = "accounts")]
//! # async fn stores() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis_accounts::store::Stores;
//! use portcullis_sqlx::SqliteStore;
//!
//! // A file of its own, which is created with its tables.
//! let stores: Stores = SqliteStore::open("accounts.db").await?.into();
//! # Ok(()) }
//! ```
//!
//! With [`SqliteStore::new`] and [`PostgresStore::new`] the store shares a pool, and so a database, with the application.
//! Its tables begin with `portcullis_`. So does the table of applied migrations: sqlx's `_sqlx_migrations` stays yours.
//!
//! Connections to Postgres are encrypted if the application enables one of the `tls-…` features of sqlx. Behind PgBouncer in
//! transaction mode, make the pool with `PgConnectOptions::statement_cache_capacity(0)`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(any(feature = "sqlite", feature = "postgres"), feature = "accounts", feature = "sign-in")),
    allow(dead_code, unused_imports, unused_macros, reason = "parts of it have no user")
)]

mod dialect;
mod error;
#[cfg(feature = "accounts")]
mod factors;
#[cfg(feature = "accounts")]
mod family;
#[cfg(feature = "accounts")]
mod invitations;
mod keys;
#[cfg(feature = "accounts")]
mod one_time;
#[cfg(feature = "accounts")]
mod organizations;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "accounts")]
mod purge;
#[cfg(feature = "accounts")]
mod sessions;
#[cfg(feature = "sign-in")]
mod sign_in;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod transaction;
#[cfg(feature = "accounts")]
mod users;
mod value;

pub use error::{SqlError, SqlResult};
pub use store::SqlStore;

/// Rows in SQLite.
///
/// Writes of a store and its clones wait for each other in the order of their arrival, so the size of the pool does not
/// matter. Other programs may use the same file. Their writes are waited for as long as the pool's `busy_timeout` says.
///
/// [`open`](Self::open) makes a pool with a write-ahead log. A pool of your own should have one as well:
/// `SqliteConnectOptions::journal_mode(SqliteJournalMode::Wal)`.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;

/// Rows in Postgres 12 or later.
///
/// Writes run in transactions of their own with `READ COMMITTED`, whatever the database's default is.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;

/// The migrations, each with its name, in order: one text for SQLite and Postgres. `migrate` applies them.
/// Those of a feature that is off are left out.
pub const MIGRATIONS: &[(&str, &str)] = &[
    #[cfg(feature = "accounts")]
    ("0001_accounts", include_str!("../migrations/0001_accounts.sql")),
    #[cfg(feature = "sign-in")]
    ("0002_sign_in", include_str!("../migrations/0002_sign_in.sql")),
    ("0003_keys", include_str!("../migrations/0003_keys.sql")),
];
