use crate::{
    MIGRATIONS, SqlError, SqlResult,
    dialect::Dialect,
    transaction::{self, Transaction},
    value::{Columns, Value},
};
use sqlx::Pool;
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

/// Rows in a database of sqlx: `SqliteStore` or `PostgresStore`. Clones share the pool.
pub struct SqlStore<D: Dialect> {
    pub(crate) pool: Pool<D>,
    /// Writers wait for it where the database admits one at a time. SQLite itself makes them poll, in no order.
    turn: Option<Arc<Mutex<()>>>,
}

impl<D: Dialect> SqlStore<D> {
    /// A store on a pool of your own, of which one connection is enough. [`migrate`](Self::migrate) creates its tables.
    ///
    /// ```
    /// # async fn migrated(pool: sqlx::SqlitePool) -> portcullis_sqlx::SqlResult<()> {
    /// let store = portcullis_sqlx::SqliteStore::new(pool).migrate().await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn new(pool: Pool<D>) -> Self {
        let turn = D::LOCK_NAME.is_none().then(Arc::default);
        Self { pool, turn }
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    /// Creates and updates the tables. Several instances may do so at once. If the tables are up to date it changes nothing,
    /// and needs no right to.
    ///
    /// # Errors
    /// If the database refuses, or if the pool's connections have foreign keys switched off.
    pub async fn migrate(self) -> SqlResult<Self> {
        const APPLIED: &str = "SELECT name FROM portcullis_migrations";
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS portcullis_migrations (name TEXT PRIMARY KEY)";
        const APPLY: &str = "INSERT INTO portcullis_migrations (name) VALUES ($1) ON CONFLICT DO NOTHING";
        let doing = "migrating the tables";
        if self.fetch(doing, D::FOREIGN_KEYS, [], |_| Ok(())).await?.is_empty() {
            let why = "foreign keys are switched off: set `foreign_keys(true)` in the options of the pool";
            return Err(SqlError::new(doing, sqlx::Error::Configuration(why.into())));
        }
        // An error means that there is no table yet. Any other cause shows in what follows.
        let applied = self.fetch(doing, APPLIED, [], |row| row.next::<String>()).await.unwrap_or_default();
        if MIGRATIONS.iter().any(|(name, _)| !applied.iter().any(|applied| applied == name)) {
            let mut tx = self.write(doing).await?;
            tx.lock_name("portcullis_migrations").await?;
            tx.execute(TABLE, []).await?;
            for (name, script) in MIGRATIONS {
                if tx.execute(APPLY, [(*name).into()]).await? == 1 {
                    tx.execute_script(script).await?;
                }
            }
            tx.commit().await?;
        }
        Ok(self)
    }

    /// Begins a transaction that writes.
    pub(crate) async fn write(&self, doing: &'static str) -> SqlResult<Transaction<D>> {
        // Before the connection, so that readers get the connections of those who wait.
        let turn = match &self.turn {
            Some(turn) => Some(turn.clone().lock_owned().await),
            None => None,
        };
        let begun = self.pool.begin_with(D::BEGIN).await;
        Ok(Transaction::new(begun.map_err(|error| SqlError::new(doing, error))?, turn, doing))
    }

    /// The rows of a query that decides nothing.
    pub(crate) async fn fetch<T, const N: usize>(
        &self,
        doing: &'static str,
        statement: &'static str,
        values: [Value; N],
        read: impl Fn(&mut Columns<'_, D>) -> sqlx::Result<T>,
    ) -> SqlResult<Vec<T>> {
        let rows = async {
            let mut connection = self.pool.acquire().await?;
            transaction::fetch::<D, _, N>(&mut *connection, statement, values, read).await
        };
        rows.await.map_err(|error| SqlError::new(doing, error))
    }

    pub(crate) async fn fetch_one<T, const N: usize>(
        &self,
        doing: &'static str,
        statement: &'static str,
        values: [Value; N],
        read: impl Fn(&mut Columns<'_, D>) -> sqlx::Result<T>,
    ) -> SqlResult<Option<T>> {
        Ok(self.fetch(doing, statement, values, read).await?.into_iter().next())
    }
}

impl<D: Dialect> Clone for SqlStore<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), turn: self.turn.clone() }
    }
}

impl<D: Dialect> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlStore").field(&D::NAME).finish()
    }
}
