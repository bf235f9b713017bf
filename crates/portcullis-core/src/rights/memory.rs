//! The standings and permissions that a request has read already.
//!
//! Each question is a shared future. A second one for the same resource, at the same time or later, gets the same answer,
//! errors included.

use super::{AnyMembership, PermissionSet, ResourceRef, Role, Standing};
use crate::{answer::Answer, clock::Moment, error::Error, principal::Principal};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

type SharedAnswer<T> = Shared<Answer<'static, Result<T, Error>>>;

/// What one caller was found to be, for the length of a request. Clones share it: guard, extractors, each part of a policy
/// and the handler.
#[derive(Clone, Default)]
pub(crate) struct Standings(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    /// By resource, and whether the question is about callers without a credential.
    standings: HashMap<(ResourceRef, bool), SharedAnswer<Standing>>,
    permits: HashMap<(ResourceRef, Role), SharedAnswer<Option<PermissionSet>>>,
}

impl Standings {
    pub(super) async fn standing(
        &self,
        membership: &Arc<dyn AnyMembership>,
        who: Option<&Principal>,
        on: &ResourceRef,
        moment: Moment,
    ) -> Result<Standing, Error> {
        let ask = || membership.clone().standing(who.cloned(), on.shared_id(), moment);
        self.once(|memory| &mut memory.standings, (on.clone(), who.is_none()), ask).await
    }

    pub(super) async fn permits(
        &self,
        membership: &Arc<dyn AnyMembership>,
        role: &Role,
        on: &ResourceRef,
        moment: Moment,
    ) -> Result<Option<PermissionSet>, Error> {
        let ask = || membership.clone().permits(role.clone(), on.shared_id(), moment);
        self.once(|memory| &mut memory.permits, (on.clone(), role.clone()), ask).await
    }

    /// Joins an earlier question, or asks. Nothing here is polled under the lock.
    fn once<K: Eq + Hash, T: Clone + Unpin>(
        &self,
        of: impl FnOnce(&mut Memory) -> &mut HashMap<K, SharedAnswer<T>>,
        key: K,
        ask: impl FnOnce() -> Answer<'static, Result<T, Error>>,
    ) -> SharedAnswer<T> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        of(&mut memory).entry(key).or_insert_with(|| ask().shared()).clone()
    }
}

impl fmt::Debug for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standings(..)")
    }
}
