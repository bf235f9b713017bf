use crate::{SqlResult, dialect::Dialect, store::SqlStore, transaction::Transaction, value::Columns};
use portcullis_accounts::{
    Digest, Factor, UserId,
    store::{FactorChange, FactorWrite, StoreResult},
};

const FIND: &str = "SELECT sealed, confirmed_at, last_step, recovery FROM portcullis_factors WHERE user_id = $1";

fn factor<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<Factor> {
    Ok(Factor {
        sealed: row.next()?,
        confirmed_at: row.next()?,
        last_step: row.next()?,
        recovery: digests(&row.next::<Vec<u8>>()?)?,
    })
}

/// One after the other.
fn digests(bytes: &[u8]) -> sqlx::Result<Vec<Digest>> {
    let (whole, rest) = bytes.as_chunks::<32>();
    match rest {
        [] => Ok(whole.iter().copied().map(Digest::from_bytes).collect()),
        _ => Err(sqlx::Error::Decode("a digest has 32 bytes".into())),
    }
}

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn find_factor(&self, user: &UserId) -> StoreResult<Option<Factor>> {
        Ok(self.fetch_one("reading a second factor", FIND, [user.as_str().into()], factor).await?)
    }

    pub(crate) async fn write_factor(&self, user: &UserId, change: FactorChange) -> StoreResult<bool> {
        let mut tx = self.write("changing a second factor").await?;
        // Also where there is none yet, so that there is no row to lock.
        tx.lock_name(&format!("portcullis_factors {}", user.as_str())).await?;
        let found = tx.fetch_one(FIND, [user.as_str().into()], factor).await?;
        match change.apply(found) {
            FactorWrite::Nothing => return Ok(false),
            FactorWrite::Put(factor) => put(&mut tx, user, factor).await?,
            FactorWrite::Delete => {
                const DELETE: &str = "DELETE FROM portcullis_factors WHERE user_id = $1";
                tx.execute(DELETE, [user.as_str().into()]).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

async fn put<D: Dialect>(tx: &mut Transaction<D>, user: &UserId, factor: Factor) -> SqlResult<()> {
    const PUT: &str = "INSERT INTO portcullis_factors (user_id, sealed, confirmed_at, last_step, recovery) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET sealed = $2, confirmed_at = $3, \
        last_step = $4, recovery = $5";
    let recovery: Vec<u8> = factor.recovery.iter().flat_map(|digest| *digest.as_bytes()).collect();
    let values = [
        user.as_str().into(),
        factor.sealed.into(),
        factor.confirmed_at.into(),
        factor.last_step.into(),
        recovery.into(),
    ];
    tx.execute(PUT, values).await.map(drop)
}
