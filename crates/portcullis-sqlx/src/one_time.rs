use crate::{dialect::Dialect, store::SqlStore};
use portcullis_accounts::{Digest, OneTime, Purpose, UserId, store::StoreResult};
use std::time::SystemTime;

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn insert_one_time(&self, token: &OneTime, replaces: bool) -> StoreResult<()> {
        const REPLACE: &str = "DELETE FROM portcullis_one_time WHERE user_id = $1 AND purpose = $2";
        const INSERT: &str = "INSERT INTO portcullis_one_time (digest, purpose, user_id, stamp, payload, expires_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let mut tx = self.write("keeping a single-use token").await?;
        let (user, purpose) = (token.user.as_ref().map(UserId::as_str), token.purpose.as_str());
        if let Some(user) = user.filter(|_| replaces) {
            // Of several at once, the last one stays.
            tx.lock_name(&format!("portcullis_one_time {purpose} {user}")).await?;
            tx.execute(REPLACE, [user.into(), purpose.into()]).await?;
        }
        let values = [
            (&token.digest).into(),
            purpose.into(),
            user.into(),
            token.stamp.into(),
            (&token.payload).into(),
            token.expires_at.into(),
        ];
        tx.execute(INSERT, values).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn delete_one_time(
        &self,
        purpose: Purpose,
        digest: &Digest,
        now: SystemTime,
    ) -> StoreResult<Option<OneTime>> {
        const TAKE: &str = "DELETE FROM portcullis_one_time WHERE digest = $1 AND purpose = $2 \
            RETURNING user_id, stamp, payload, expires_at";
        let mut tx = self.write("taking a single-use token").await?;
        let taken = tx
            .fetch_one(TAKE, [digest.into(), purpose.as_str().into()], |row| {
                Ok(OneTime {
                    purpose,
                    digest: *digest,
                    user: row.next::<Option<String>>()?.map(UserId::new),
                    stamp: row.next()?,
                    payload: row.next()?,
                    expires_at: row.next()?,
                })
            })
            .await?;
        tx.commit().await?;
        Ok(taken.filter(|token| token.expires_at > now))
    }
}
