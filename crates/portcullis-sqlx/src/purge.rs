use crate::{
    dialect::{Dialect, Locking, locking},
    store::SqlStore,
};
use portcullis_accounts::store::StoreResult;
use std::time::SystemTime;

/// How many rows a transaction deletes. Others wait for no more.
const AT_ONCE: u64 = 500;

// Rows that others have locked are left for the next time, so no transaction waits for another.
macro_rules! delete {
    ($table:literal, $key:literal, $condition:literal) => {
        locking!(
            concat!(
                "WITH over AS MATERIALIZED (SELECT ",
                $key,
                " AS key FROM ",
                $table,
                " t WHERE ",
                $condition,
                " LIMIT 500"
            ),
            " FOR UPDATE SKIP LOCKED",
            concat!(") DELETE FROM ", $table, " WHERE ", $key, " IN (SELECT key FROM over)")
        )
    };
}

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn delete_before(&self, before: SystemTime) -> StoreResult<u64> {
        const ONE_TIME: Locking = delete!("portcullis_one_time", "digest", "t.expires_at < $1");
        // Their refresh tokens go with them.
        const SESSIONS: Locking = delete!("portcullis_sessions", "id", "(t.not_after < $1 OR t.ended_at < $1)");
        const REFRESH: Locking = delete!(
            "portcullis_refresh",
            "digest",
            "t.rotated_at < $1 AND NOT EXISTS (SELECT 1 FROM portcullis_refresh s WHERE s.digest = t.successor \
             AND s.rotated_at IS NULL AND NOT s.is_superseded)"
        );
        let one_time = self.delete_all(ONE_TIME, before).await?;
        let sessions = self.delete_all(SESSIONS, before).await?;
        self.delete_all(REFRESH, before).await?;
        Ok(one_time.saturating_add(sessions))
    }

    async fn delete_all(&self, statement: Locking, before: SystemTime) -> StoreResult<u64> {
        let mut all = 0_u64;
        loop {
            let mut tx = self.write("purging").await?;
            let deleted = tx.execute(D::locking(statement), [before.into()]).await?;
            tx.commit().await?;
            all = all.saturating_add(deleted);
            if deleted < AT_ONCE {
                return Ok(all);
            }
        }
    }
}
