//! Sessions in a store, instead of a sealed cookie.

use async_trait::async_trait;
use portcullis_core::Error;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// A session as a store has it. Its contents are sealed, and the key is a digest: who reads the store cannot act as anybody.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoredSession {
    /// The digest of what the cookie contains, in base64url.
    pub key: String,
    /// Counts the changes, from 1.
    pub version: u64,
    /// The sealed contents.
    pub sealed: String,
    /// The user at the provider.
    pub subject: String,
    /// The session at the provider, if it has a name.
    pub sid: Option<String>,
    /// The end of the session. The row can be removed then.
    pub ends_at: SystemTime,
}

impl StoredSession {
    /// A row, as a store reads it.
    #[must_use]
    pub fn new(key: String, version: u64, sealed: String, subject: String, ends_at: SystemTime) -> Self {
        Self { key, version, sealed, subject, sid: None, ends_at }
    }

    /// With the name of the session at the provider.
    #[must_use]
    pub fn with_sid(self, sid: Option<String>) -> Self {
        Self { sid, ..self }
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A store of sessions, such as a table that all processes share. [`MemorySessions`] is one, for a single process.
///
/// A store belongs to one provider. An error is [`Unavailable`](portcullis_core::ErrorKind::Unavailable), with its cause.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Adds a session.
    async fn add(&self, session: StoredSession) -> Result<(), Error>;

    /// The session with this key.
    async fn find(&self, key: &str) -> Result<Option<StoredSession>, Error>;

    /// Replaces a session whose version is one less, in one step. False if it has another version or has ended.
    async fn replace(&self, session: StoredSession) -> Result<bool, Error>;

    /// Removes the session with this key.
    async fn remove(&self, key: &str) -> Result<(), Error>;

    /// Removes the sessions with this `sid`.
    async fn remove_sid(&self, sid: &str) -> Result<(), Error>;

    /// Removes all sessions of this user.
    async fn remove_subject(&self, subject: &str) -> Result<(), Error>;
}

/// Sessions in memory, for one process. A restart ends them.
///
/// ```
/// use portcullis_sign_in::{MemorySessions, SessionStore, StoredSession};
/// use std::time::SystemTime;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let (store, end) = (MemorySessions::new(), SystemTime::now());
/// let row = |version| {
///     StoredSession::new("key".into(), version, "sealed".into(), "alice".into(), end)
/// };
/// store.add(row(1)).await?;
/// assert!(store.replace(row(2)).await?);
/// assert!(!store.replace(row(2)).await?); // somebody was faster
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct MemorySessions(Arc<Mutex<HashMap<String, StoredSession>>>);

impl MemorySessions {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<String, StoredSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn add(&self, session: StoredSession) -> Result<(), Error> {
        let mut rows = self.rows();
        // What began after another has ended was added later than that.
        let now = SystemTime::now();
        rows.retain(|_, row| row.ends_at >= now.min(session.ends_at));
        rows.insert(session.key.clone(), session);
        Ok(())
    }

    async fn find(&self, key: &str) -> Result<Option<StoredSession>, Error> {
        Ok(self.rows().get(key).cloned())
    }

    async fn replace(&self, session: StoredSession) -> Result<bool, Error> {
        let mut rows = self.rows();
        let row = rows.get_mut(&session.key).filter(|row| row.version.checked_add(1) == Some(session.version));
        let is_next = row.is_some();
        row.into_iter().for_each(|row| *row = session.clone());
        Ok(is_next)
    }

    async fn remove(&self, key: &str) -> Result<(), Error> {
        self.rows().remove(key);
        Ok(())
    }

    async fn remove_sid(&self, sid: &str) -> Result<(), Error> {
        self.rows().retain(|_, row| row.sid.as_deref() != Some(sid));
        Ok(())
    }

    async fn remove_subject(&self, subject: &str) -> Result<(), Error> {
        self.rows().retain(|_, row| row.subject != subject);
        Ok(())
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySessions({})", self.rows().len())
    }
}
