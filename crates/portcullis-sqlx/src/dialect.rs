//! What differs between the databases, and what sqlx does not let generic code say.

use crate::value::Value;
use futures_util::future::BoxFuture;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sqlx::{Arguments, Executor, Row};
use sqlx::{Database, error::BoxDynError};

/// A statement that locks the rows it selects. SQLite has no words for that, and needs none: it admits one writer.
#[derive(Debug, Clone, Copy)]
pub struct Locking {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// `locking!(select, lock, rest…)`: the lock is left out on SQLite.
macro_rules! locking {
    ($select:expr, $lock:literal $(, $rest:expr)?) => {
        $crate::dialect::Locking {
            sqlite: concat!($select $(, $rest)?),
            postgres: concat!($select, $lock $(, $rest)?),
        }
    };
}
pub(crate) use locking;

/// A database that accounts can be in. Both take `$1` for parameters.
pub trait Dialect: Database {
    /// Begins a transaction that writes.
    const BEGIN: &'static str;
    /// Locks a name until the end of the transaction, if the transaction itself does not keep other writers out.
    const LOCK_NAME: Option<&'static str>;
    /// Returns a row if the database checks foreign keys.
    const FOREIGN_KEYS: &'static str;

    fn locking(statement: Locking) -> &'static str;

    fn bind(arguments: &mut Self::Arguments, value: Value) -> Result<(), BoxDynError>;
    fn execute<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
        arguments: Self::Arguments,
    ) -> BoxFuture<'c, sqlx::Result<u64>>;
    fn fetch<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
        arguments: Self::Arguments,
    ) -> BoxFuture<'c, sqlx::Result<Vec<Self::Row>>>;
    /// Several statements without parameters.
    fn execute_script<'c>(
        connection: &'c mut Self::Connection,
        script: &'static str,
    ) -> BoxFuture<'c, sqlx::Result<()>>;

    fn text(row: &Self::Row, column: usize) -> sqlx::Result<Option<String>>;
    fn integer(row: &Self::Row, column: usize) -> sqlx::Result<Option<i64>>;
    fn boolean(row: &Self::Row, column: usize) -> sqlx::Result<bool>;
    fn bytes(row: &Self::Row, column: usize) -> sqlx::Result<Option<Vec<u8>>>;
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
macro_rules! dialect {
    ($database:ty, $locking:ident, $begin:literal, $lock_name:expr, $foreign_keys:literal) => {
        impl Dialect for $database {
            const BEGIN: &'static str = $begin;
            const LOCK_NAME: Option<&'static str> = $lock_name;
            const FOREIGN_KEYS: &'static str = $foreign_keys;

            fn locking(statement: Locking) -> &'static str {
                statement.$locking
            }

            fn bind(arguments: &mut Self::Arguments, value: Value) -> Result<(), BoxDynError> {
                match value {
                    Value::Text(text) => arguments.add(text),
                    Value::Integer(integer) => arguments.add(integer),
                    Value::Boolean(boolean) => arguments.add(boolean),
                    Value::Bytes(bytes) => arguments.add(bytes),
                }
            }

            fn execute<'c>(
                connection: &'c mut Self::Connection,
                statement: &'static str,
                arguments: Self::Arguments,
            ) -> BoxFuture<'c, sqlx::Result<u64>> {
                let done = connection.execute(sqlx::query_with(statement, arguments));
                Box::pin(async move { Ok(done.await?.rows_affected()) })
            }

            fn fetch<'c>(
                connection: &'c mut Self::Connection,
                statement: &'static str,
                arguments: Self::Arguments,
            ) -> BoxFuture<'c, sqlx::Result<Vec<Self::Row>>> {
                connection.fetch_all(sqlx::query_with(statement, arguments))
            }

            fn execute_script<'c>(
                connection: &'c mut Self::Connection,
                script: &'static str,
            ) -> BoxFuture<'c, sqlx::Result<()>> {
                let done = connection.execute(sqlx::raw_sql(script));
                Box::pin(async move { done.await.map(drop) })
            }

            fn text(row: &Self::Row, column: usize) -> sqlx::Result<Option<String>> {
                row.try_get(column)
            }

            fn integer(row: &Self::Row, column: usize) -> sqlx::Result<Option<i64>> {
                row.try_get(column)
            }

            fn boolean(row: &Self::Row, column: usize) -> sqlx::Result<bool> {
                row.try_get(column)
            }

            fn bytes(row: &Self::Row, column: usize) -> sqlx::Result<Option<Vec<u8>>> {
                row.try_get(column)
            }
        }
    };
}

// A transaction that reads first and writes later would fail with `SQLITE_BUSY` without waiting.
#[cfg(feature = "sqlite")]
dialect!(
    sqlx::Sqlite,
    sqlite,
    "BEGIN IMMEDIATE",
    None,
    "SELECT foreign_keys FROM pragma_foreign_keys WHERE foreign_keys = 1"
);

// What follows a lock has to see what was committed by then, and a database may have another default.
#[cfg(feature = "postgres")]
dialect!(
    sqlx::Postgres,
    postgres,
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    Some("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"),
    "SELECT 1"
);
