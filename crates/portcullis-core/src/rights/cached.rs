use super::{Membership, Moment, PermissionSet, Role, Standing};
use crate::{
    error::{Error, ErrorKind},
    principal::{Principal, PrincipalId},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use quick_cache::sync::Cache;
use std::{
    fmt,
    future::Future,
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A membership that remembers between requests what it was answered: standings with their rows, and what roles permit.
///
/// What is answered is remembered by [`Principal::id`] and the resource, so it may depend on nothing else: not on the
/// organization, the scopes or the claims of the credential. Two keys of one user would share the answer. What differs between
/// the credentials of a principal belongs into the policy.
///
/// It is bounded, asks once however many requests wait, and keeps neither errors nor panics. A route with
/// [`fresh`](crate::policy::fresh) passes by what is older than it asks for. Clones share what is remembered: one goes into the
/// gate, another where memberships are changed. Write to the database first, and forget then:
///
/// ```
/// use portcullis_core::{CachedMembership, Error, Gate, GateBuilder, Membership, Principal, Standing};
/// use std::time::Duration;
///
/// # #[derive(Debug)] struct Projects;
/// # impl Membership for Projects {
/// #     type Id = u32;
/// #     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> { Ok(Standing::stranger()) }
/// # }
/// # fn parts(gate: GateBuilder) {
/// let projects = CachedMembership::new(Projects, 10_000, Duration::from_secs(5));
/// let gate = gate.membership("project", projects.clone());
/// projects.forget_resource(&42);
/// # let _ = gate; }
/// ```
pub struct CachedMembership<M>(Arc<Inner<M>>);

struct Inner<M> {
    membership: Arc<M>,
    max_age: Duration,
    standings: Cache<(PrincipalId, String), Asked<Standing>>,
    permits: Cache<(Role, String), Asked<Option<PermissionSet>>>,
}

/// A question, and when it was asked.
struct Asked<T: Clone> {
    at: SystemTime,
    answer: Shared<BoxFuture<'static, Result<T, Error>>>,
}

impl<T: Clone> Clone for Asked<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, answer: self.answer.clone() }
    }
}

impl<M: Membership> CachedMembership<M> {
    /// Remembers so many standings, and as many roles, for so long at most.
    #[must_use]
    pub fn new(membership: M, places: usize, max_age: Duration) -> Self {
        let (standings, permits) = (Cache::new(places), Cache::new(places));
        Self(Arc::new(Inner { membership: Arc::new(membership), max_age, standings, permits }))
    }

    /// Forgets what this principal is to all resources.
    pub fn forget_principal(&self, who: &PrincipalId) {
        self.0.standings.retain(|(known, _), _| known != who);
    }

    /// Forgets what everybody is to this resource, and what roles permit on it.
    pub fn forget_resource(&self, id: &M::Id) {
        let id = id.to_string();
        self.0.standings.retain(|(_, known), _| *known != id);
        self.0.permits.retain(|(_, known), _| *known != id);
    }

    /// Forgets what this role permits on this resource.
    pub fn forget_role(&self, role: &Role, id: &M::Id) {
        self.0.permits.remove(&(role.clone(), id.to_string()));
    }
}

impl<M> Inner<M> {
    /// What is remembered and young enough, or what is asked now.
    async fn remembered<K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static>(
        &self,
        cache: &Cache<K, Asked<T>>,
        key: K,
        moment: Moment,
        ask: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let max_age = moment.max_age.map_or(self.max_age, |asked| asked.min(self.max_age));
        // What is from the future was asked by a clock that has been set back since.
        let is_young = |asked: &Asked<T>| moment.now.duration_since(asked.at).is_ok_and(|age| age < max_age);
        cache.remove_if(&key, |asked| !is_young(asked));
        let begun = || {
            let asked = AssertUnwindSafe(ask).catch_unwind().map(|answer| {
                let panicked = |_| Err(Error::new(ErrorKind::Unavailable, "the membership panicked"));
                answer.unwrap_or_else(panicked)
            });
            Ok::<_, Error>(Asked { at: moment.now, answer: asked.boxed().shared() })
        };
        let Asked { answer, .. } = cache.get_or_insert_with(&key, begun)?;
        let outcome = answer.clone().await;
        if outcome.is_err() {
            cache.remove_if(&key, |asked| asked.answer.ptr_eq(&answer));
        }
        outcome
    }
}

/// As the gate made it from what the membership printed.
fn parsed<M: Membership>(id: &str) -> Result<M::Id, Error> {
    id.parse().map_err(|_| Error::misconfigured("a `Membership::Id` prints what it does not parse"))
}

impl<M: Membership> Membership for CachedMembership<M> {
    type Id = M::Id;

    async fn standing(&self, who: &Principal, id: &M::Id) -> Result<Standing, Error> {
        self.0.membership.standing(who, id).await
    }

    async fn permits(&self, role: &Role, id: &M::Id) -> Result<Option<PermissionSet>, Error> {
        self.0.membership.permits(role, id).await
    }

    async fn visitor(&self, id: &M::Id) -> Result<Standing, Error> {
        self.0.membership.visitor(id).await
    }

    async fn standing_at(&self, who: &Principal, id: &M::Id, moment: Moment) -> Result<Standing, Error> {
        let (membership, who, id) = (self.0.membership.clone(), who.clone(), id.to_string());
        let key = (who.id().clone(), id.clone());
        let ask = async move { membership.standing(&who, &parsed::<M>(&id)?).await };
        self.0.remembered(&self.0.standings, key, moment, ask).await
    }

    async fn permits_at(&self, role: &Role, id: &M::Id, moment: Moment) -> Result<Option<PermissionSet>, Error> {
        let (membership, role, id) = (self.0.membership.clone(), role.clone(), id.to_string());
        let key = (role.clone(), id.clone());
        let ask = async move { membership.permits(&role, &parsed::<M>(&id)?).await };
        self.0.remembered(&self.0.permits, key, moment, ask).await
    }
}

impl<M> Clone for CachedMembership<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: fmt::Debug> fmt::Debug for CachedMembership<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedMembership").field(&self.0.membership).finish()
    }
}
