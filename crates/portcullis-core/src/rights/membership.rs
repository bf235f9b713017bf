//! What only the application's database knows: who has which role on a resource.

use super::{PermissionSet, Role, Standing};
use crate::{answer::Answer, clock::Moment, error::Error, principal::Principal};
use futures_util::future::try_join_all;
use std::{
    fmt::{self, Display},
    future::Future,
    str::FromStr,
    sync::Arc,
};

/// The standing of callers on the resources of one kind, which only your database knows. Written with plain `async fn`.
///
/// Asked once for a request and resource, for all that need it: guard, extractor, each part of a policy, handler. The
/// [`RoleHierarchy`](crate::RoleHierarchy) says once that a team's roles count on its projects. A standing names the team,
/// and the membership of teams is then asked too.
///
/// Compare and store [`Principal::id`], not its subject alone: a subject is unique only at its issuer.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, builder, project};
/// use portcullis_core::{
///     Error, Membership, Principal, Standing, policy::*, testing::acting_as,
/// };
///
/// # #[derive(Debug)] struct Store;
/// # struct Project { team: Option<u32> }
/// # impl Store {
/// #     async fn project(&self, id: u32, who: &str) -> Result<Option<(Project, Option<&'static str>)>, Error> {
/// #         Ok((id == 1).then_some((Project { team: None }, (who == "user||alice").then_some("viewer"))))
/// #     }
/// # }
/// #[derive(Debug)]
/// struct Projects(Store);
///
/// impl Membership for Projects {
///     type Id = u32;
///
///     async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
///         Ok(match self.0.project(*id, &who.id().to_string()).await? {
///             None => Standing::missing(),
///             Some((project, role)) => {
///                 Standing::from(role).under_each("team", project.team).with(project)
///             }
///         })
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let gate = builder()?.membership("project", Projects(Store)).build()?;
/// let [alice, bob] = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
///
/// // Of the store's projects, alice is a viewer of number 1.
/// let read = || role("viewer").on("project", path("project_id"));
/// assert_eq!(answer(&alice, read(), project(1)), "200");
/// assert_eq!(answer(&bob, read(), project(1)), "403 not_a_member");
/// assert_eq!(answer(&alice, read(), project(2)), "404 not_found");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know what principals are to resources",
    note = "write `impl Membership for {Self}`"
)]
pub trait Membership: fmt::Debug + Send + Sync + 'static {
    /// What identifies a resource, such as a number or a UUID. A request with anything else is refused (400, `invalid_id`).
    /// Texts that parse to the same value are the same resource, so `/042` is 42.
    type Id: FromStr + Display + Send + Sync + 'static;

    /// The caller's standing on this resource.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be read.
    fn standing(&self, who: &Principal, id: &Self::Id) -> impl Future<Output = Result<Standing, Error>> + Send;

    /// The caller's standings on several resources, in their order: for [`Caller::filter`](crate::Caller::filter).
    ///
    /// By default each is asked by itself, all at once. Override it with one query:
    ///
    /// ```
    /// use portcullis_core::{Error, Membership, Principal, Standing};
    /// # use std::collections::HashMap;
    ///
    /// # #[derive(Debug)] struct Store;
    /// # impl Store {
    /// #     async fn roles(&self, who: &str, ids: &[u32]) -> Result<HashMap<u32, Option<String>>, Error> {
    /// #         let _ = (who, ids);
    /// #         Ok(HashMap::new())
    /// #     }
    /// # }
    /// #[derive(Debug)]
    /// struct Projects(Store);
    ///
    /// impl Membership for Projects {
    ///     type Id = u32;
    ///
    ///     async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
    ///         let standings = self.standings(who, std::slice::from_ref(id)).await?;
    ///         Ok(standings.into_iter().next().unwrap_or_else(Standing::missing))
    ///     }
    ///
    ///     async fn standings(&self, who: &Principal, ids: &[u32]) -> Result<Vec<Standing>, Error> {
    ///         // SELECT id, role FROM projects LEFT JOIN members … WHERE id = ANY($2)
    ///         let mut found = self.0.roles(&who.id().to_string(), ids).await?;
    ///         let standing = |id| found.remove(id).map_or_else(Standing::missing, Standing::from);
    ///         Ok(ids.iter().map(standing).collect())
    ///     }
    /// }
    /// ```
    ///
    /// No identifier occurs twice. Another number of standings than of identifiers is an error
    /// ([`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured)).
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if one could not be read: then none counts.
    fn standings(
        &self,
        who: &Principal,
        ids: &[Self::Id],
    ) -> impl Future<Output = Result<Vec<Standing>, Error>> + Send {
        try_join_all(ids.iter().map(|id| self.standing(who, id)))
    }

    /// What a role permits on this resource beyond the gate's roles, for roles that customers define. `None`, the default,
    /// means that the role is not known here. If the gate does not know it either, that is an error.
    ///
    /// Asked where a policy requires a permission, and where the gate does not know the role.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// #[derive(Debug)]
    /// struct Organizations;
    ///
    /// impl Membership for Organizations {
    ///     type Id = u32;
    ///
    ///     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
    ///         Ok(Standing::role("press")) // a role that a customer has defined
    ///     }
    ///
    ///     async fn permits(&self, role: &Role, _: &u32) -> Result<Option<PermissionSet>, Error> {
    ///         match role.as_str() {
    ///             "press" => PermissionSet::new(["article:publish"]).map(Some),
    ///             _ => Ok(None),
    ///         }
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?
    ///     .membership("organization", Organizations)
    ///     .build()?
    ///     .acting_as(acting_as("alice"));
    /// let may = |name| permission(name).on("organization", path("id"));
    /// assert_eq!(answer(&gate, may("article:publish"), get("/o/1").param("id", 1)), "200");
    /// assert_eq!(
    ///     answer(&gate, may("article:delete"), get("/o/1").param("id", 1)),
    ///     "403 permission_required"
    /// );
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be read.
    fn permits(&self, role: &Role, id: &Self::Id) -> impl Future<Output = Result<Option<PermissionSet>, Error>> + Send {
        let _ = (role, id);
        async { Ok(None) }
    }

    /// The standing of callers without a credential: strangers by default. Asked only below
    /// [`visitors`](crate::policy::visitors).
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be read.
    fn visitor(&self, id: &Self::Id) -> impl Future<Output = Result<Standing, Error>> + Send {
        let _ = id;
        async { Ok(Standing::stranger()) }
    }

    /// The same as `standing`, for memberships with a cache.
    #[doc(hidden)]
    fn standing_at(
        &self,
        who: &Principal,
        id: &Self::Id,
        moment: Moment,
    ) -> impl Future<Output = Result<Standing, Error>> + Send {
        let _ = moment;
        self.standing(who, id)
    }

    /// The same as `standings`, for memberships with a cache.
    #[doc(hidden)]
    fn standings_at(
        &self,
        who: &Principal,
        ids: &[Self::Id],
        moment: Moment,
    ) -> impl Future<Output = Result<Vec<Standing>, Error>> + Send {
        let _ = moment;
        self.standings(who, ids)
    }

    /// The same as `permits`, for memberships with a cache.
    #[doc(hidden)]
    fn permits_at(
        &self,
        role: &Role,
        id: &Self::Id,
        moment: Moment,
    ) -> impl Future<Output = Result<Option<PermissionSet>, Error>> + Send {
        let _ = moment;
        self.permits(role, id)
    }
}

impl<M: Membership> Membership for Arc<M> {
    type Id = M::Id;

    fn standing(&self, who: &Principal, id: &M::Id) -> impl Future<Output = Result<Standing, Error>> + Send {
        (**self).standing(who, id)
    }

    fn permits(&self, role: &Role, id: &M::Id) -> impl Future<Output = Result<Option<PermissionSet>, Error>> + Send {
        (**self).permits(role, id)
    }

    fn visitor(&self, id: &M::Id) -> impl Future<Output = Result<Standing, Error>> + Send {
        (**self).visitor(id)
    }

    fn standing_at(
        &self,
        who: &Principal,
        id: &M::Id,
        moment: Moment,
    ) -> impl Future<Output = Result<Standing, Error>> + Send {
        (**self).standing_at(who, id, moment)
    }

    fn standings(&self, who: &Principal, ids: &[M::Id]) -> impl Future<Output = Result<Vec<Standing>, Error>> + Send {
        (**self).standings(who, ids)
    }

    fn standings_at(
        &self,
        who: &Principal,
        ids: &[M::Id],
        moment: Moment,
    ) -> impl Future<Output = Result<Vec<Standing>, Error>> + Send {
        (**self).standings_at(who, ids, moment)
    }

    fn permits_at(
        &self,
        role: &Role,
        id: &M::Id,
        moment: Moment,
    ) -> impl Future<Output = Result<Option<PermissionSet>, Error>> + Send {
        (**self).permits_at(role, id, moment)
    }
}

/// [`Membership`] as a gate stores it. Identifiers are texts that it has printed. Futures own what they need, so that a
/// request can share them, and nothing is asked before one is polled.
pub(crate) trait AnyMembership: fmt::Debug + Send + Sync {
    /// The identifier as it prints it; `None` if it is none.
    fn canonical(&self, id: &str) -> Option<String>;
    fn standing(
        self: Arc<Self>,
        who: Option<Principal>,
        id: Arc<str>,
        moment: Moment,
    ) -> Answer<'static, Result<Standing, Error>>;
    fn standings(
        self: Arc<Self>,
        who: Principal,
        ids: Vec<Arc<str>>,
        moment: Moment,
    ) -> Answer<'static, Result<Vec<Standing>, Error>>;
    fn permits(
        self: Arc<Self>,
        role: Role,
        id: Arc<str>,
        moment: Moment,
    ) -> Answer<'static, Result<Option<PermissionSet>, Error>>;
}

/// Each resource has one standing, or they would be mixed up.
pub(super) fn counted(standings: Vec<Standing>, ids: usize) -> Result<Vec<Standing>, Error> {
    let found = standings.len();
    if found == ids {
        return Ok(standings);
    }
    let detail =
        format!("`Membership::standings` returned {found} standings for {ids} identifiers; return one for each");
    Err(Error::misconfigured(detail))
}

pub(super) fn parsed<T: FromStr>(id: &str) -> Result<T, Error> {
    id.parse().map_err(|_| Error::misconfigured("a `Membership::Id` prints what it does not parse"))
}

impl<M: Membership> AnyMembership for M {
    fn canonical(&self, id: &str) -> Option<String> {
        id.parse::<M::Id>().ok().map(|id| id.to_string()).filter(|id| !id.is_empty())
    }

    fn standing(
        self: Arc<Self>,
        who: Option<Principal>,
        id: Arc<str>,
        moment: Moment,
    ) -> Answer<'static, Result<Standing, Error>> {
        Answer::later(async move {
            let id: M::Id = parsed(&id)?;
            match who {
                Some(who) => self.standing_at(&who, &id, moment).await,
                None => self.visitor(&id).await,
            }
        })
    }

    fn standings(
        self: Arc<Self>,
        who: Principal,
        ids: Vec<Arc<str>>,
        moment: Moment,
    ) -> Answer<'static, Result<Vec<Standing>, Error>> {
        Answer::later(async move {
            let ids: Vec<M::Id> = ids.iter().map(|id| parsed(id)).collect::<Result<_, _>>()?;
            counted(self.standings_at(&who, &ids, moment).await?, ids.len())
        })
    }

    fn permits(
        self: Arc<Self>,
        role: Role,
        id: Arc<str>,
        moment: Moment,
    ) -> Answer<'static, Result<Option<PermissionSet>, Error>> {
        Answer::later(async move { self.permits_at(&role, &parsed(&id)?, moment).await })
    }
}
