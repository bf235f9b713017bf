use crate::{
    dialect::{Dialect, locking},
    sessions::{self, sessions},
    store::SqlStore,
    transaction::Transaction,
    value::Columns,
};
use async_trait::async_trait;
use portcullis_accounts::{
    Digest,
    store::{Family, RefreshRow, RotateOutcome, Rotation, StoreResult, rotate},
};
use std::time::SystemTime;

/// The columns of a refresh token, as [`refresh`] reads them.
macro_rules! refresh_columns {
    () => {
        "issued_at, expires_at, rotated_at, attempt, successor, is_superseded"
    };
}
pub(crate) use refresh_columns;

pub(crate) fn refresh<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<RefreshRow> {
    Ok(RefreshRow {
        issued_at: row.next()?,
        expires_at: row.next()?,
        rotated_at: row.next()?,
        attempt: u32::try_from(row.next::<i64>()?).unwrap_or(u32::MAX),
        successor: row.next()?,
        is_superseded: row.next()?,
    })
}

/// A session whose row the transaction has locked, by its identifier.
///
/// Whoever reads a session's refresh tokens to decide, or changes them, holds this lock until the transaction ends. So the
/// commands on them are ordered.
struct Locked<D: Dialect>(Transaction<D>, String);

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn exchange(&self, rotation: &Rotation) -> StoreResult<RotateOutcome> {
        const FIND: &str = "SELECT session_id FROM portcullis_refresh WHERE digest = $1";
        let doing = "exchanging a refresh token";
        // Unknown tokens take no lock.
        let presented = (&rotation.presented()).into();
        let Some(id) = self.fetch_one(doing, FIND, [presented], |row| row.next::<String>()).await? else {
            return Ok(RotateOutcome::Unknown);
        };
        let mut tx = self.write(doing).await?;
        let lock = D::locking(locking!(sessions!("id = $1"), " FOR UPDATE"));
        let Some(session) = tx.fetch_one(lock, [id.as_str().into()], sessions::session).await? else {
            return Ok(RotateOutcome::Unknown);
        };
        let mut family = Locked(tx, id);
        let outcome = rotate(&mut family, session, rotation).await?;
        family.0.commit().await?;
        Ok(outcome)
    }
}

#[async_trait]
impl<D: Dialect> Family for Locked<D> {
    async fn row(&mut self, token: &Digest) -> StoreResult<Option<RefreshRow>> {
        const READ: &str =
            concat!("SELECT ", refresh_columns!(), " FROM portcullis_refresh WHERE digest = $1 AND session_id = $2");
        Ok(self.0.fetch_one(READ, [token.into(), self.1.as_str().into()], refresh).await?)
    }

    async fn put(&mut self, token: &Digest, row: RefreshRow, successor: (Digest, RefreshRow)) -> StoreResult<()> {
        const REPLACE: &str = "UPDATE portcullis_refresh SET issued_at = $2, expires_at = $3, rotated_at = $4, \
            attempt = $5, successor = $6, is_superseded = $7 WHERE digest = $1";
        const USED: &str = "UPDATE portcullis_sessions SET used_at = $2 WHERE id = $1";
        let (next, next_row) = successor;
        insert(&mut self.0, &next, &self.1, &next_row).await?;
        let values = [
            token.into(),
            row.issued_at.into(),
            row.expires_at.into(),
            row.rotated_at.into(),
            i64::from(row.attempt).into(),
            row.successor.into(),
            row.is_superseded.into(),
        ];
        self.0.execute(REPLACE, values).await?;
        self.0.execute(USED, [self.1.as_str().into(), next_row.issued_at.into()]).await?;
        Ok(())
    }

    async fn supersede(&mut self, token: &Digest) -> StoreResult<()> {
        const SUPERSEDE: &str = "UPDATE portcullis_refresh SET is_superseded = TRUE WHERE digest = $1";
        self.0.execute(SUPERSEDE, [token.into()]).await?;
        Ok(())
    }

    async fn end(&mut self, now: SystemTime) -> StoreResult<()> {
        const END: &str = "UPDATE portcullis_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
        self.0.execute(END, [self.1.as_str().into(), now.into()]).await?;
        Ok(())
    }
}

/// Inserts a refresh token of this session.
pub(crate) async fn insert<D: Dialect>(
    tx: &mut Transaction<D>,
    token: &Digest,
    session: &str,
    row: &RefreshRow,
) -> StoreResult<()> {
    const INSERT: &str = "INSERT INTO portcullis_refresh (digest, session_id, issued_at, expires_at, rotated_at, attempt, \
        successor, is_superseded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        token.into(),
        session.into(),
        row.issued_at.into(),
        row.expires_at.into(),
        row.rotated_at.into(),
        i64::from(row.attempt).into(),
        row.successor.into(),
        row.is_superseded.into(),
    ];
    tx.execute(INSERT, values).await?;
    Ok(())
}
