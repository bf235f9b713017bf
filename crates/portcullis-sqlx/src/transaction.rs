use crate::{
    SqlError, SqlResult,
    dialect::Dialect,
    value::{Columns, Value},
};
use tokio::sync::OwnedMutexGuard;

/// A transaction that writes. Dropped before it is committed, it is rolled back.
pub(crate) struct Transaction<D: Dialect> {
    // The order matters: the turn ends after the transaction.
    tx: sqlx::Transaction<'static, D>,
    _turn: Option<OwnedMutexGuard<()>>,
    doing: &'static str,
}

impl<D: Dialect> Transaction<D> {
    pub(crate) fn new(
        tx: sqlx::Transaction<'static, D>,
        turn: Option<OwnedMutexGuard<()>>,
        doing: &'static str,
    ) -> Self {
        Self { tx, _turn: turn, doing }
    }

    /// The number of rows it concerned.
    pub(crate) async fn execute<const N: usize>(
        &mut self,
        statement: &'static str,
        values: [Value; N],
    ) -> SqlResult<u64> {
        let done = async { D::execute(&mut self.tx, statement, arguments::<D>(values)?).await };
        done.await.map_err(|error| SqlError::new(self.doing, error))
    }

    pub(crate) async fn execute_script(&mut self, script: &'static str) -> SqlResult<()> {
        D::execute_script(&mut self.tx, script).await.map_err(|error| SqlError::new(self.doing, error))
    }

    /// As [`execute`](Self::execute). `None` if the constraint of a unique column refused it; then only a rollback is left.
    pub(crate) async fn execute_unique<const N: usize>(
        &mut self,
        statement: &'static str,
        values: [Value; N],
    ) -> SqlResult<Option<u64>> {
        let done = async { D::execute(&mut self.tx, statement, arguments::<D>(values)?).await };
        match done.await {
            Ok(rows) => Ok(Some(rows)),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
            Err(error) => Err(SqlError::new(self.doing, error)),
        }
    }

    pub(crate) async fn fetch<T, const N: usize>(
        &mut self,
        statement: &'static str,
        values: [Value; N],
        read: impl Fn(&mut Columns<'_, D>) -> sqlx::Result<T>,
    ) -> SqlResult<Vec<T>> {
        fetch::<D, _, N>(&mut *self.tx, statement, values, read).await.map_err(|error| SqlError::new(self.doing, error))
    }

    pub(crate) async fn fetch_one<T, const N: usize>(
        &mut self,
        statement: &'static str,
        values: [Value; N],
        read: impl Fn(&mut Columns<'_, D>) -> sqlx::Result<T>,
    ) -> SqlResult<Option<T>> {
        Ok(self.fetch(statement, values, read).await?.into_iter().next())
    }

    /// Other transactions that lock this name wait until this one has ended.
    pub(crate) async fn lock_name(&mut self, name: &str) -> SqlResult<()> {
        match D::LOCK_NAME {
            Some(statement) => self.execute(statement, [name.into()]).await.map(drop),
            None => Ok(()),
        }
    }

    pub(crate) async fn commit(self) -> SqlResult<()> {
        self.tx.commit().await.map_err(|error| SqlError::new(self.doing, error))
    }
}

pub(crate) async fn fetch<D: Dialect, T, const N: usize>(
    connection: &mut D::Connection,
    statement: &'static str,
    values: [Value; N],
    read: impl Fn(&mut Columns<'_, D>) -> sqlx::Result<T>,
) -> sqlx::Result<Vec<T>> {
    let rows = D::fetch(connection, statement, arguments::<D>(values)?).await?;
    rows.iter().map(|row| read(&mut Columns::of(row))).collect()
}

fn arguments<D: Dialect>(values: impl IntoIterator<Item = Value>) -> sqlx::Result<D::Arguments> {
    let mut arguments = D::Arguments::default();
    values.into_iter().try_for_each(|value| D::bind(&mut arguments, value)).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}
