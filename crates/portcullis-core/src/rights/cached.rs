//! A cache around a membership of the application.

use super::{
    Membership, PermissionSet, Role, Standing,
    membership::{counted, parsed},
};
use crate::{
    answer_cache::AnswerCache,
    clock::Moment,
    error::Error,
    principal::{Principal, PrincipalId},
    telemetry::CacheMeter,
};
use std::{fmt, sync::Arc, time::Duration};

/// A membership that caches between requests: standings with their rows, and what roles permit.
///
/// Answers are cached by [`Principal::id`] and the resource, so they may depend on nothing else: not on the organization,
/// the scopes or the claims of the credential. Two keys of one user share an answer. What differs between the credentials
/// of a principal belongs in the policy.
///
/// It is bounded, asks once for all waiting requests, and caches neither errors nor panics. A route with
/// [`fresh`](crate::policy::fresh) skips entries older than it allows. Clones share the cache: give one to the gate, and
/// use another where memberships change. Write to the database first, then forget. Otherwise a removed member is still allowed
/// for as long as an entry may be old:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, builder, project};
/// use portcullis_core::{CachedMembership, policy::*, testing::acting_as};
/// use std::time::Duration;
/// # use {portcullis_core::*, std::sync::{Arc, Mutex}};
/// # #[derive(Debug, Clone)] struct Projects(Arc<Mutex<Option<&'static str>>>);
/// # impl Membership for Projects {
/// #     type Id = u32;
/// #     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> { Ok((*self.0.lock().unwrap()).into()) }
/// # }
///
/// # fn main() -> Result<(), Error> {
/// # let role_of_alice = Arc::new(Mutex::new(Some("viewer")));
/// # let set_role = |role| *role_of_alice.lock().unwrap() = role;
/// # let projects = Projects(role_of_alice.clone());
/// let projects = CachedMembership::new(projects, 10_000, Duration::from_secs(5));
/// let gate = builder()?.membership("project", projects.clone()).build()?;
/// let alice = gate.acting_as(acting_as("alice"));
/// let read = || role("viewer").on("project", path("project_id"));
/// assert_eq!(answer(&alice, read(), project(1)), "200");
///
/// set_role(None); // alice is removed from all projects
/// assert_eq!(answer(&alice, read(), project(1)), "200"); // from the cache
/// projects.forget_resource(&1);
/// assert_eq!(answer(&alice, read(), project(1)), "403 not_a_member");
///
/// set_role(Some("viewer"));
/// projects.forget_principal(acting_as("alice").id());
/// assert_eq!(answer(&alice, read(), project(1)), "200");
/// # Ok(()) }
/// ```
pub struct CachedMembership<M>(Arc<Inner<M>>);

struct Inner<M> {
    membership: Arc<M>,
    standings: AnswerCache<(PrincipalId, String), Standing>,
    permits: AnswerCache<(Role, String), Option<PermissionSet>>,
}

impl<M: Membership> CachedMembership<M> {
    /// Caches at most this many standings, and what as many roles permit, for at most `max_age`.
    ///
    /// A few seconds are enough to serve the requests of one page with one query. After
    /// `max_age` an entry is read again, by the gate's clock.
    #[must_use]
    pub fn new(membership: M, places: usize, max_age: Duration) -> Self {
        let standings = AnswerCache::new(CacheMeter::new("standings"), places, max_age);
        let permits = AnswerCache::new(CacheMeter::new("permissions"), places, max_age);
        Self(Arc::new(Inner { membership: Arc::new(membership), standings, permits }))
    }

    /// Forgets this principal's standings on all resources: when it was suspended, or left an organization.
    ///
    /// Compares every entry.
    pub fn forget_principal(&self, who: &PrincipalId) {
        self.0.standings.forget_where(|(known, _)| known == who);
    }

    /// Forgets all standings on this resource, and what roles permit on it: when its members, its parent or its row have
    /// changed.
    ///
    /// Compares every entry. A resource below it has entries of its own, and what it inherits is worked out for each
    /// request.
    pub fn forget_resource(&self, id: &M::Id) {
        let id = id.to_string();
        self.0.standings.forget_where(|(_, known)| *known == id);
        self.0.permits.forget_where(|(_, known)| *known == id);
    }

    /// Forgets what this role permits on this resource: when a customer has changed a role.
    ///
    /// Needed where the membership implements [`Membership::permits`].
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # use std::{sync::{Arc, Mutex}, time::Duration};
    /// # #[derive(Debug, Clone)] struct Organizations(Arc<Mutex<&'static str>>);
    /// # impl Membership for Organizations {
    /// #     type Id = u32;
    /// #     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> { Ok(Standing::role("press")) }
    /// #     async fn permits(&self, _: &Role, _: &u32) -> Result<Option<PermissionSet>, Error> {
    /// #         PermissionSet::exact([*self.0.lock().unwrap()]).map(Some)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// # let stored = Arc::new(Mutex::new("article:publish"));
    /// # let organizations = CachedMembership::new(Organizations(stored.clone()), 100, Duration::from_secs(60));
    /// let gate = builder()?.membership("organization", organizations.clone()).build()?;
    /// let alice = gate.acting_as(acting_as("alice")); // in the role `press` of organization 1
    /// let publish = || permission("article:publish").on("organization", path("id"));
    /// assert_eq!(answer(&alice, publish(), get("/o/1").param("id", 1)), "200");
    ///
    /// # *stored.lock().unwrap() = "article:read";
    /// // The organization takes this permission from the role `press`.
    /// organizations.forget_role(&Role::new("press"), &1);
    /// assert_eq!(answer(&alice, publish(), get("/o/1").param("id", 1)), "403 permission_required");
    /// # Ok(()) }
    /// ```
    pub fn forget_role(&self, role: &Role, id: &M::Id) {
        self.0.permits.forget(&(role.clone(), id.to_string()));
    }
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
        let ask = async move { membership.standing(&who, &parsed::<M::Id>(&id)?).await };
        self.0.standings.get(key, moment, ask).await
    }

    async fn standings(&self, who: &Principal, ids: &[M::Id]) -> Result<Vec<Standing>, Error> {
        self.0.membership.standings(who, ids).await
    }

    async fn standings_at(&self, who: &Principal, ids: &[M::Id], moment: Moment) -> Result<Vec<Standing>, Error> {
        let (membership, who) = (self.0.membership.clone(), who.clone());
        let keys = ids.iter().map(|id| (who.id().clone(), id.to_string())).collect();
        let ask = |unknown: Vec<(PrincipalId, String)>| async move {
            let ids: Vec<M::Id> = unknown.iter().map(|(_, id)| parsed(id)).collect::<Result<_, _>>()?;
            counted(membership.standings(&who, &ids).await?, ids.len())
        };
        self.0.standings.get_all(keys, moment, ask).await
    }

    async fn permits_at(&self, role: &Role, id: &M::Id, moment: Moment) -> Result<Option<PermissionSet>, Error> {
        let (membership, role, id) = (self.0.membership.clone(), role.clone(), id.to_string());
        let key = (role.clone(), id.clone());
        let ask = async move { membership.permits(&role, &parsed::<M::Id>(&id)?).await };
        self.0.permits.get(key, moment, ask).await
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
