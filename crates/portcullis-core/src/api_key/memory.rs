//! Keys in memory.

use super::{KeyDigest, KeyRow, KeyStore, KeyUse};
use crate::{
    error::{Error, ErrorKind},
    principal::PrincipalId,
    sync::{Mutex, MutexGuard},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::SystemTime,
};

/// Keys in memory, for tests and examples. Clones share them.
///
/// Collected from rows, it has those; of several with the same id or digest, one.
#[derive(Clone, Default)]
pub struct MemoryKeys(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    by_digest: HashMap<KeyDigest, KeyRow>,
    digests: HashMap<String, KeyDigest>,
}

impl MemoryKeys {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Whether it is new.
    fn add(&mut self, key: KeyRow) -> bool {
        let is_new = !self.digests.contains_key(&key.id) && !self.by_digest.contains_key(&key.digest);
        if is_new {
            self.digests.insert(key.id.clone(), key.digest);
            self.by_digest.insert(key.digest, key);
        }
        is_new
    }

    fn row(&mut self, id: &str) -> Option<&mut KeyRow> {
        self.by_digest.get_mut(self.digests.get(id)?)
    }
}

impl FromIterator<KeyRow> for MemoryKeys {
    fn from_iter<I: IntoIterator<Item = KeyRow>>(rows: I) -> Self {
        let keys = Self::new();
        rows.into_iter().for_each(|row| _ = keys.rows().add(row));
        keys
    }
}

impl KeyStore for MemoryKeys {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        let is_new = self.rows().add(key);
        let twice = || Error::new(ErrorKind::Unavailable, "a key with this id or digest is stored already");
        is_new.then_some(()).ok_or_else(twice)
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        Ok(self.rows().by_digest.get(digest).cloned())
    }

    async fn keys_of(&self, owner: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        let mut keys: Vec<_> = self.rows().by_digest.values().filter(|key| key.owner == *owner).cloned().collect();
        keys.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        Ok(keys)
    }

    async fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> Result<Option<KeyRow>, Error> {
        let mut rows = self.rows();
        let key = rows.row(id).filter(|key| key.owner == *owner && key.is_valid_at(now));
        Ok(key.map(|key| {
            key.withdrawn_at = Some(key.withdrawn_at.map_or(at, |earlier| earlier.min(at)));
            key.clone()
        }))
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        let mut rows = self.rows();
        for KeyUse { id, at, count } in uses {
            if let Some(key) = rows.row(id) {
                key.used_at = key.used_at.max(Some(*at));
                key.uses = key.uses.saturating_add(*count);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryKeys({})", self.rows().by_digest.len())
    }
}
