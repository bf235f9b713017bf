use crate::{
    dialect::{Dialect, Locking, locking},
    store::SqlStore,
};
use portcullis_accounts::{Digest, store::StoreResult};
use std::time::SystemTime;

/// How many rows a transaction deletes. Others wait for no more.
const AT_ONCE: usize = 500;

// Rows that others have locked are left for the next time, so no transaction waits for another.
macro_rules! delete {
    ($table:literal, $key:literal, $condition:literal, $order:literal) => {
        locking!(
            concat!(
                "WITH old AS MATERIALIZED (SELECT ",
                $key,
                " AS id FROM ",
                $table,
                " t WHERE ",
                $condition,
                $order,
                " LIMIT $2"
            ),
            " FOR UPDATE SKIP LOCKED",
            concat!(") DELETE FROM ", $table, " WHERE ", $key, " IN (SELECT id FROM old) RETURNING ", $key)
        )
    };
}

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn delete_before(&self, before: SystemTime) -> StoreResult<u64> {
        const ONE_TIME: Locking = delete!("portcullis_one_time", "digest", "t.expires_at < $1", "");
        // Their refresh tokens go with them.
        const SESSIONS: Locking = delete!("portcullis_sessions", "id", "(t.not_after < $1 OR t.ended_at < $1)", "");
        let one_time = self.delete_all(ONE_TIME, before).await?;
        let sessions = self.delete_all(SESSIONS, before).await?;
        self.delete_refresh(before).await?;
        Ok(one_time.saturating_add(sessions))
    }

    async fn delete_all(&self, statement: Locking, before: SystemTime) -> StoreResult<u64> {
        let mut all = 0_u64;
        loop {
            let mut tx = self.write("purging").await?;
            let values = [before.into(), AT_ONCE.into()];
            let deleted = tx.fetch(D::locking(statement), values, |_| Ok(())).await?.len();
            tx.commit().await?;
            all = all.saturating_add(u64::try_from(deleted).unwrap_or(u64::MAX));
            if deleted < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// Each open session keeps some old rows, so this goes over the table once, by the key, and not from its start each time.
    async fn delete_refresh(&self, before: SystemTime) -> StoreResult<()> {
        const REFRESH: Locking = delete!(
            "portcullis_refresh",
            "digest",
            "t.digest > $3 AND t.rotated_at < $1 AND NOT EXISTS (SELECT 1 FROM portcullis_refresh s \
             WHERE s.digest = t.successor AND s.rotated_at IS NULL AND NOT s.is_superseded)",
            " ORDER BY t.digest"
        );
        let mut last = Digest::from_bytes([0; 32]);
        loop {
            let mut tx = self.write("purging").await?;
            let values = [before.into(), AT_ONCE.into(), (&last).into()];
            let deleted = tx.fetch(D::locking(REFRESH), values, |row| row.next::<Digest>()).await?;
            tx.commit().await?;
            match deleted.iter().max_by_key(|digest| digest.as_bytes()) {
                Some(max) if deleted.len() >= AT_ONCE => last = *max,
                _ => return Ok(()),
            }
        }
    }
}
