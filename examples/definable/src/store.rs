//! The tables of the service, in memory. A service has a database here; each function stands for one query.

use aws_lc_rs::digest::{SHA256, digest};
use portcullis::PermissionSet;
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
    /// Keys, by their hash.
    pub keys: HashMap<Vec<u8>, ApiKey>,
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

/// A key that somebody made for an organization.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Who made it.
    pub user: String,
    /// Where it may be used.
    pub organization: String,
    /// Until when.
    pub expires_at: SystemTime,
    /// Whether it was not revoked.
    pub is_active: bool,
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

    pub(crate) async fn key(&self, key: &str) -> Option<ApiKey> {
        self.query(|tables| tables.keys.get(&hash(key)).cloned())
    }

    pub(crate) async fn define_role(&self, organization: &str, name: &str, permissions: PermissionSet) {
        self.change(|tables| tables.roles.insert((organization.to_owned(), name.to_owned()), permissions));
    }
}

/// What is kept of a key. It is random and long, so one round of SHA-256 is enough.
#[must_use]
pub fn hash(key: &str) -> Vec<u8> {
    digest(&SHA256, key.as_bytes()).as_ref().to_vec()
}
