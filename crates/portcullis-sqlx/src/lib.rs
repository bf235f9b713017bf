//! Accounts in SQLite and Postgres, through sqlx.
//!
//! ```
//! use portcullis_accounts::store::Stores;
//! use portcullis_sqlx::SqliteStore;
//!
//! # async fn stores() -> Result<(), Box<dyn std::error::Error>> {
//! // A file of its own, which is created with its tables.
//! let stores: Stores = SqliteStore::open("accounts.db").await?.into();
//! # Ok(()) }
//! ```
//!
//! With [`SqliteStore::new`] and [`PostgresStore::new`] the accounts share a pool, and so a database, with the application.
//! Their tables begin with `portcullis_`. So does the table of applied migrations: sqlx's `_sqlx_migrations` stays yours.
//!
//! Connections to Postgres are encrypted if the application enables one of the `tls-…` features of sqlx. Behind PgBouncer in
//! transaction mode, make the pool with `PgConnectOptions::statement_cache_capacity(0)`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(dead_code, reason = "no database"))]

mod dialect;
mod family;
mod one_time;
#[cfg(feature = "postgres")]
mod postgres;
mod purge;
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod transaction;
mod users;
mod value;

pub use store::SqlStore;

/// Accounts in SQLite.
///
/// Writes of a store and its clones wait for each other in the order of their arrival, so the size of the pool does not
/// matter. Other programs may use the same file. Their writes are waited for as long as the pool's `busy_timeout` says.
///
/// [`open`](Self::open) makes a pool with a write-ahead log. A pool of your own should have one as well:
/// `SqliteConnectOptions::journal_mode(SqliteJournalMode::Wal)`.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;

/// Accounts in Postgres 12 or later.
///
/// Writes run in transactions of their own with `READ COMMITTED`, whatever the database's default is.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;

/// The migrations, each with its name, in order: one text for SQLite and Postgres. `migrate` applies them.
pub const MIGRATIONS: &[(&str, &str)] = &[("0001_accounts", include_str!("../migrations/0001_accounts.sql"))];
