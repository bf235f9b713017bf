//! Sessions of accounts that have ended.

use crate::{
    Redis,
    stream::{Reader, Stream},
};
use async_trait::async_trait;
use portcullis_accounts::{
    EndedSessions, SessionId,
    store::{StoreError, StoreResult},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// The database is asked for what ended earlier.
const KEEP: Duration = Duration::from_secs(600);

/// The field of an entry: identifiers, with a space between them.
const FIELD: &str = "sessions";

/// How many sessions an entry names.
const AT_ONCE: usize = 500;

/// Sessions of accounts that have ended, for all processes. Made by [`Redis::ended_sessions`].
///
/// A sign-out in one process counts in the others within milliseconds, as far as they run
/// [`Accounts::follow`](portcullis_accounts::Accounts::follow). That asks the database too, so nothing is lost without Redis.
/// Each [`Accounts`](portcullis_accounts::Accounts) needs a value of its own.
pub struct RedisEndedSessions {
    stream: Stream,
    reader: Arc<Mutex<Reader>>,
}

impl Redis {
    /// Sessions of accounts that have ended.
    #[must_use]
    pub fn ended_sessions(&self) -> RedisEndedSessions {
        RedisEndedSessions { stream: Stream::new(self, "ended", KEEP), reader: Arc::default() }
    }
}

#[async_trait]
impl EndedSessions for RedisEndedSessions {
    async fn publish(&self, ended: &[SessionId]) -> StoreResult<()> {
        for some in ended.chunks(AT_ONCE) {
            let ids = some.iter().map(SessionId::as_str).collect::<Vec<_>>().join(" ");
            let appended = self.stream.append(&[(FIELD, &ids)]).await;
            appended.map_err(|error| StoreError::new("publishing ended sessions", error))?;
        }
        Ok(())
    }

    async fn next(&self) -> StoreResult<Vec<SessionId>> {
        let mut reader = self.reader.lock().await;
        let next = self.stream.next(&mut reader).await;
        let (entries, _) = next.map_err(|error| StoreError::new("reading ended sessions", error))?;
        let mut ended = Vec::new();
        for entry in &entries {
            match entry.get::<String>(FIELD) {
                Some(ids) => ended.extend(ids.split_ascii_whitespace().map(SessionId::new)),
                None => self.stream.skip(entry),
            }
        }
        Ok(ended)
    }
}

impl fmt::Debug for RedisEndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisEndedSessions").field("stream", &self.stream).finish_non_exhaustive()
    }
}
