use crate::{
    dialect::Dialect,
    store::SqlStore,
    value::{Columns, Value},
};
use portcullis_core::{Error, KeyDigest, KeyRow, KeyStore, KeyUse, PrincipalId};
use std::time::SystemTime;

/// As [`key`] reads them.
macro_rules! columns {
    () => {
        "id, digest, owner, organization, name, start, scopes, created_at, expires_at, withdrawn_at, used_at, uses"
    };
}

fn key<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<KeyRow> {
    let decode = |error: Error| sqlx::Error::Decode(Box::new(error));
    Ok(KeyRow {
        id: row.next()?,
        digest: row.next()?,
        owner: row.next::<String>()?.parse().map_err(decode)?,
        organization: row.next()?,
        name: row.next()?,
        start: row.next()?,
        scopes: row.next::<String>()?.parse().map_err(decode)?,
        created_at: row.next()?,
        expires_at: row.next()?,
        withdrawn_at: row.next()?,
        used_at: row.next()?,
        uses: u64::try_from(row.next::<i64>()?).unwrap_or_default(),
    })
}

/// All columns, in the order of [`key`].
fn values(key: &KeyRow) -> [Value; 12] {
    [
        key.id.as_str().into(),
        (&key.digest).into(),
        owner(&key.owner),
        key.organization.as_deref().into(),
        key.name.as_str().into(),
        key.start.as_str().into(),
        key.scopes.to_string().as_str().into(),
        key.created_at.into(),
        key.expires_at.into(),
        key.withdrawn_at.into(),
        key.used_at.into(),
        count(key.uses),
    ]
}

fn owner(owner: &PrincipalId) -> Value {
    owner.to_string().as_str().into()
}

fn count(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

/// API keys, for [`ApiKeys`](portcullis_core::ApiKeys). They need no accounts.
impl<D: Dialect> KeyStore for SqlStore<D> {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        const ADD: &str = concat!(
            "INSERT INTO portcullis_keys (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        let mut tx = self.write("adding an API key").await?;
        tx.execute(ADD, values(&key)).await?;
        Ok(tx.commit().await?)
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM portcullis_keys WHERE digest = $1");
        Ok(self.fetch_one("reading an API key", FIND, [digest.into()], key).await?)
    }

    async fn keys_of(&self, of: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        const OF: &str =
            concat!("SELECT ", columns!(), " FROM portcullis_keys WHERE owner = $1 ORDER BY created_at DESC, id DESC");
        Ok(self.fetch("reading API keys", OF, [owner(of)], key).await?)
    }

    async fn end(&self, of: &PrincipalId, id: &str, at: SystemTime, now: SystemTime) -> Result<Option<KeyRow>, Error> {
        const END: &str = concat!(
            "UPDATE portcullis_keys SET withdrawn_at = CASE WHEN withdrawn_at < $3 THEN withdrawn_at ELSE $3 END \
             WHERE id = $1 AND owner = $2 AND COALESCE(withdrawn_at > $4, TRUE) AND COALESCE(expires_at > $4, TRUE) \
             RETURNING ",
            columns!()
        );
        let mut tx = self.write("withdrawing an API key").await?;
        let ended = tx.fetch_one(END, [id.into(), owner(of), at.into(), now.into()], key).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        const NOTE: &str = "UPDATE portcullis_keys SET used_at = CASE WHEN used_at > $2 THEN used_at ELSE $2 END, \
            uses = uses + $3 WHERE id = $1";
        // All instances lock the rows in the same order, so none waits for another that waits for it.
        let mut uses: Vec<&KeyUse> = uses.iter().collect();
        uses.sort_by(|one, other| one.id.cmp(&other.id));
        let mut tx = self.write("noting uses of API keys").await?;
        for used in uses {
            tx.execute(NOTE, [used.id.as_str().into(), used.at.into(), count(used.count)]).await?;
        }
        Ok(tx.commit().await?)
    }
}
