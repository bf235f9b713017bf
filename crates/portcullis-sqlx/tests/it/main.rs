//! Those on Postgres need a server: `tests/servers/postgres.sh up` prints the environment. Then
//! `cargo test -p portcullis-sqlx --features postgres -- --include-ignored`.
#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]
#![cfg(any(feature = "sqlite", feature = "postgres"))]

mod dropped;
#[cfg(feature = "postgres")]
mod postgres;
mod sign_in;
#[cfg(feature = "sqlite")]
mod sqlite;

type Anyhow<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Every table there is, by name.
const TABLES: [&str; 13] = [
    "portcullis_factors",
    "portcullis_identities",
    "portcullis_invitations",
    "portcullis_keys",
    "portcullis_members",
    "portcullis_migrations",
    "portcullis_one_time",
    "portcullis_organizations",
    "portcullis_refresh",
    "portcullis_roles",
    "portcullis_sessions",
    "portcullis_sign_in",
    "portcullis_users",
];
