use crate::{
    dialect::{Dialect, Locking, locking},
    store::SqlStore,
    value::{Columns, Value},
};
use async_trait::async_trait;
use portcullis_core::Error;
use portcullis_sign_in::{SessionStore, StoredSession};
use std::time::SystemTime;

/// How many ended sessions a new one removes.
const AT_ONCE: usize = 100;

fn session<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<StoredSession> {
    let (key, version) = (row.next()?, u64::try_from(row.next::<i64>()?).unwrap_or_default());
    Ok(StoredSession::new(key, version, row.next()?, row.next()?, row.next()?).with_sid(row.next()?))
}

/// All columns, in the order of [`session`].
fn values(session: &StoredSession) -> [Value; 6] {
    [
        session.key.as_str().into(),
        i64::try_from(session.version).unwrap_or(i64::MAX).into(),
        session.sealed.as_str().into(),
        session.subject.as_str().into(),
        session.ends_at.into(),
        session.sid.as_deref().into(),
    ]
}

impl<D: Dialect> SqlStore<D> {
    async fn delete(&self, statement: &'static str, value: &str) -> Result<(), Error> {
        let mut tx = self.write("ending sessions of sign-in").await?;
        tx.execute(statement, [value.into()]).await?;
        Ok(tx.commit().await?)
    }
}

#[async_trait]
impl<D: Dialect> SessionStore for SqlStore<D> {
    async fn add(&self, session: StoredSession) -> Result<(), Error> {
        const ADD: &str = "INSERT INTO portcullis_sign_in (key, version, sealed, subject, ends_at, sid) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        // Rows that others have locked are left for the next time.
        const ENDED: Locking = locking!(
            "DELETE FROM portcullis_sign_in WHERE key IN (SELECT key FROM portcullis_sign_in WHERE ends_at < $1 LIMIT $2",
            " FOR UPDATE SKIP LOCKED",
            ")"
        );
        let mut tx = self.write("adding a session of sign-in").await?;
        // What began after another has ended was added later than that.
        let now = SystemTime::now().min(session.ends_at);
        tx.execute(D::locking(ENDED), [now.into(), AT_ONCE.into()]).await?;
        tx.execute(ADD, values(&session)).await?;
        Ok(tx.commit().await?)
    }

    async fn find(&self, key: &str) -> Result<Option<StoredSession>, Error> {
        const FIND: &str = "SELECT key, version, sealed, subject, ends_at, sid FROM portcullis_sign_in WHERE key = $1";
        Ok(self.fetch_one("reading a session of sign-in", FIND, [key.into()], session).await?)
    }

    async fn replace(&self, session: StoredSession) -> Result<bool, Error> {
        const REPLACE: &str = "UPDATE portcullis_sign_in SET version = $2, sealed = $3, subject = $4, ends_at = $5, sid = $6 \
            WHERE key = $1 AND version = $2 - 1";
        let mut tx = self.write("replacing a session of sign-in").await?;
        let replaced = tx.execute(REPLACE, values(&session)).await?;
        tx.commit().await?;
        Ok(replaced == 1)
    }

    async fn remove(&self, key: &str) -> Result<(), Error> {
        self.delete("DELETE FROM portcullis_sign_in WHERE key = $1", key).await
    }

    async fn remove_sid(&self, sid: &str) -> Result<(), Error> {
        self.delete("DELETE FROM portcullis_sign_in WHERE sid = $1", sid).await
    }

    async fn remove_subject(&self, subject: &str) -> Result<(), Error> {
        self.delete("DELETE FROM portcullis_sign_in WHERE subject = $1", subject).await
    }
}
