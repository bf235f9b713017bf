//! The tables of the service, in memory. A service has a database here; each function stands for one query.

use portcullis::{Error, KeyDigest, KeyRow, KeyStore, KeyUse, MemoryKeys, PermissionSet, PrincipalId};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

/// The tables. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tables: Mutex<Tables>,
    queries: AtomicUsize,
}

/// What stands in them.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Default)]
pub struct Tables {
    /// The id of a user, by that of Stytch.
    pub users: HashMap<String, String>,
    /// Members, by organization and user.
    pub members: HashMap<(String, String), Member>,
    /// What roles permit, by organization and name.
    pub roles: HashMap<(String, String), PermissionSet>,
    /// API keys.
    pub keys: MemoryKeys,
    /// What Stytch said has happened, by the id of the message.
    pub events: HashMap<String, Value>,
}

/// Somebody in an organization.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone)]
pub struct Member {
    /// The name of a role of the organization.
    pub role: String,
    /// Whether the member may use it.
    pub status: Status,
}

/// Whether somebody is a member now.
#[allow(clippy::exhaustive_enums, reason = "a further status has to be thought about")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has not accepted yet.
    Invited,
    /// It may.
    Active,
    /// It may not for now.
    Suspended,
    /// It may not any more.
    Deleted,
}

impl Store {
    /// Changes the tables, as the rest of the service would.
    pub fn change<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        change(&mut self.0.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn query<T>(&self, ask: impl FnOnce(&Tables) -> T) -> T {
        self.0.queries.fetch_add(1, Ordering::Relaxed);
        self.change(|tables| ask(tables))
    }

    /// How many queries there were since the last call.
    #[must_use]
    pub fn take_queries(&self) -> usize {
        self.0.queries.swap(0, Ordering::Relaxed)
    }

    pub(crate) async fn user(&self, stytch_id: &str) -> Option<String> {
        self.query(|tables| tables.users.get(stytch_id).cloned())
    }

    pub(crate) async fn member(&self, organization: &str, user: &str) -> Option<Member> {
        self.query(|tables| tables.members.get(&(organization.to_owned(), user.to_owned())).cloned())
    }

    pub(crate) async fn role(&self, organization: &str, name: &str) -> Option<PermissionSet> {
        self.query(|tables| tables.roles.get(&(organization.to_owned(), name.to_owned())).cloned())
    }

    fn keys(&self) -> MemoryKeys {
        self.query(|tables| tables.keys.clone())
    }

    pub(crate) async fn define_role(&self, organization: &str, name: &str, permissions: PermissionSet) {
        self.change(|tables| tables.roles.insert((organization.to_owned(), name.to_owned()), permissions));
    }
}

impl KeyStore for Store {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        self.keys().add(key).await
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        self.keys().find(digest).await
    }

    async fn keys_of(&self, owner: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        self.keys().keys_of(owner).await
    }

    async fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> Result<Option<KeyRow>, Error> {
        self.keys().end(owner, id, at, now).await
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        self.keys().note_uses(uses).await
    }
}
