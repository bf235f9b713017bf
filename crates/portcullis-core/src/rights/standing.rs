//! What a membership returns.

use super::{PermissionSet, ResourceRef, Role};
use std::{any::Any, borrow::Cow, fmt, iter, sync::Arc, time::SystemTime};

/// A caller's relation to a resource, as a [`Membership`](super::Membership) returns it.
///
/// | | the answer to a request | parents are asked | below `not` |
/// |---|---|---|---|
/// | [`role`](Self::role) | what the role permits | no: the nearest role counts | judged |
/// | [`stranger`](Self::stranger) | 403 `not_a_member`, or 404 below `.hidden()` | yes | judged |
/// | [`missing`](Self::missing) | 404 | no | stays a denial |
/// | [`refused`](Self::refused) | 403 with its code | no | stays a denial |
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = builder()?.membership("project", By(|id| match id {
///     1 => Standing::role("viewer"),
///     2 => Standing::stranger(),
///     3 => Standing::refused("suspended"),
///     _ => Standing::missing(),
/// }));
/// let alice = gate.build()?.acting_as(acting_as("alice"));
///
/// let read = || role("viewer").on("project", path("project_id"));
/// let answers = [1, 2, 3, 4].map(|id| answer(&alice, read(), project(id)));
/// assert_eq!(answers, ["200", "403 not_a_member", "403 suspended", "404 not_found"]);
/// let inverted = [1, 2, 3, 4].map(|id| answer(&alice, not(read()), project(id)));
/// assert_eq!(inverted, ["403 not_allowed", "200", "403 suspended", "404 not_found"]);
/// # Ok(()) }
/// ```
///
/// Usually it comes from one row: the role, if there is one, the team that the project belongs to, and the row itself.
///
/// ```
/// use portcullis_core::Standing;
///
/// struct Project { title: String, team: Option<u32> }
///
/// fn found(project: Project, role: Option<&'static str>) -> Standing {
///     Standing::from(role).under_each("team", project.team).with(project)
/// }
///
/// let standing = found(Project { title: "Bridge".to_owned(), team: Some(7) }, Some("manager"));
/// assert_eq!(standing.held().map(|role| role.as_str()), Some("manager"));
/// assert_eq!(standing.row::<Project>().map(|project| &*project.title), Some("Bridge"));
/// assert!(found(Project { title: String::new(), team: None }, None).held().is_none());
/// ```
#[derive(Clone)]
pub struct Standing(Arc<Facts>);

#[derive(Clone)]
struct Facts {
    state: State,
    permissions: PermissionSet,
    parents: Vec<Parent>,
    until: Option<SystemTime>,
    row: Option<Arc<dyn Any + Send + Sync>>,
}

#[derive(Debug, Clone)]
pub(crate) enum State {
    Missing,
    Stranger,
    Role(Role),
    Refused(Cow<'static, str>),
}

/// A resource that this one belongs to.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub(super) on: ResourceRef,
    /// The least role on the parent that counts here.
    pub(super) least: Option<&'static str>,
    /// The role here that any role on the parent gives; `None`: as the gate's roles say.
    pub(super) gives: Option<Role>,
}

impl Parent {
    fn new(kind: &'static str, id: impl ToString) -> Self {
        Self { on: ResourceRef::new(kind, id.to_string()), least: None, gives: None }
    }
}

impl Standing {
    fn new(state: State) -> Self {
        let (permissions, parents) = (PermissionSet::default(), Vec::new());
        Self(Arc::new(Facts { state, permissions, parents, until: None, row: None }))
    }

    fn with_facts(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The resource does not exist: 404 for every caller.
    #[must_use]
    pub fn missing() -> Self {
        Self::new(State::Missing)
    }

    /// The caller has no role on the resource.
    ///
    /// Its parents are asked, if it has any.
    #[must_use]
    pub fn stranger() -> Self {
        Self::new(State::Stranger)
    }

    /// The caller has this role.
    #[must_use]
    pub fn role(role: impl Into<Role>) -> Self {
        Self::new(State::Role(role.into()))
    }

    /// The caller is a member but may do nothing now: a suspended one, for example.
    ///
    /// `code` is the code of the denial (403).
    ///
    /// Unlike a [`stranger`](Self::stranger), it inherits nothing from parents, and no [`not`](crate::policy::not) turns it
    /// into an allow.
    #[must_use]
    pub fn refused(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(State::Refused(code.into()))
    }

    /// Names a parent: a resource of another kind that this one belongs to.
    ///
    /// [`inherits`](super::RoleHierarchyBuilder::inherits) says whether roles on it count here.
    ///
    /// Name all parents, also for a caller with a role: [`OnResource::of`](crate::policy::values::OnResource::of) compares them
    /// with the path of the request.
    #[must_use]
    pub fn under(self, kind: &'static str, id: impl ToString) -> Self {
        self.under_each(kind, iter::once(id))
    }

    /// The same for several parents: an `Option`, a `Vec`.
    #[must_use]
    pub fn under_each<I: ToString>(self, kind: &'static str, ids: impl IntoIterator<Item = I>) -> Self {
        let parents = ids.into_iter().map(|id| Parent::new(kind, id));
        self.with_facts(|facts| facts.parents.extend(parents))
    }

    /// The same, but only this role on the parent, and those that include it, count here: a workspace that is open only to
    /// the owners of its organization, for example.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // Workspace 1 is open to the organization, workspace 2 to its owners only.
    /// let gate = builder()?
    ///     .roles_on(
    ///         "workspace",
    ///         RoleHierarchy::builder()
    ///             .ranked(["viewer", "owner"])
    ///             .inherits("organization")
    ///             .build()?,
    ///     )
    ///     .membership("organization", Projects(&[("alice", 5, "owner"), ("bob", 5, "viewer")]))
    ///     .membership(
    ///         "workspace",
    ///         By(|id| match id {
    ///             1 => Standing::stranger().under("organization", 5),
    ///             _ => Standing::stranger().under_at_least("organization", 5, "owner"),
    ///         }),
    ///     )
    ///     .build()?;
    /// let read = |name, id: u32| {
    ///     let policy = role("viewer").on("workspace", path("id"));
    ///     answer(&gate.acting_as(acting_as(name)), policy, get("/workspaces/_").param("id", id))
    /// };
    /// assert_eq!([read("alice", 1), read("bob", 1)], ["200", "200"]);
    /// assert_eq!([read("alice", 2), read("bob", 2)], ["200", "403 not_a_member"]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn under_at_least(self, kind: &'static str, id: impl ToString, role: &'static str) -> Self {
        self.with_facts(|facts| facts.parents.push(Parent { least: Some(role), ..Parent::new(kind, id) }))
    }

    /// The same, but any role on the parent gives this one here: a project shared with a caller for as long as it is a
    /// member of the workspace.
    ///
    /// It needs no [`inherits`](super::RoleHierarchyBuilder::inherits).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // Project 7 is shared with the members of workspace 1.
    /// let gate = builder()?
    ///     .membership("workspace", Projects(&[("alice", 1, "owner")]))
    ///     .membership("project", By(|_| Standing::stranger().under_as("workspace", 1, "viewer")))
    ///     .build()?;
    ///
    /// let [alice, bob] = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
    /// let on_project = |name| role(name).on("project", path("project_id"));
    /// assert_eq!(answer(&alice, on_project("viewer"), project(7)), "200");
    /// // an owner there, a viewer here
    /// assert_eq!(answer(&alice, on_project("manager"), project(7)), "403 role_required");
    /// assert_eq!(answer(&bob, on_project("viewer"), project(7)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn under_as(self, kind: &'static str, id: impl ToString, role: impl Into<Role>) -> Self {
        self.with_facts(|facts| facts.parents.push(Parent { gives: Some(role.into()), ..Parent::new(kind, id) }))
    }

    /// With these permissions on the resource, beside those of the role: for rights that one member got in addition.
    ///
    /// A stranger may have them too.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let extra = |_| {
    ///     Standing::role("viewer")
    ///         .permitting(PermissionSet::new(["project:export"]).unwrap_or_default())
    /// };
    /// let alice =
    ///     builder()?.membership("project", By(extra)).build()?.acting_as(acting_as("alice"));
    ///
    /// let may = |name| permission(name).on("project", path("project_id"));
    /// assert_eq!(answer(&alice, may("project:export"), project(1)), "200");
    /// assert_eq!(answer(&alice, may("project:delete"), project(1)), "403 permission_required");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn permitting(self, permissions: PermissionSet) -> Self {
        self.with_facts(|facts| facts.permissions = permissions)
    }

    /// The end of this standing; `None`: no end.
    ///
    /// After it, the caller is a stranger.
    ///
    /// The end is compared with the gate's clock for each request, so it also counts where the standing is cached.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::{Duration, SystemTime};
    ///
    /// let clock = FixedClock::at(1_000);
    /// let guest =
    ///     |_| Standing::role("viewer").until(SystemTime::UNIX_EPOCH + Duration::from_secs(1_060));
    /// let gate = builder()?.clock(clock.clone()).membership("project", By(guest)).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    ///
    /// let read = || role("viewer").on("project", path("project_id"));
    /// assert_eq!(answer(&alice, read(), project(1)), "200");
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(answer(&alice, read(), project(1)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn until(self, end: impl Into<Option<SystemTime>>) -> Self {
        self.with_facts(|facts| facts.until = end.into())
    }

    /// With the row, for policies and handlers: [`OnResource::row`](crate::policy::values::OnResource::row) judges it, and
    /// [`Access::row`](crate::Access::row) hands it to the handler.
    ///
    /// A caller that is denied never gets it.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(self, row: T) -> Self {
        self.with_facts(|facts| facts.row = Some(Arc::new(row)))
    }

    /// The row, if it has this type.
    #[must_use]
    pub fn row<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.row.as_deref()?.downcast_ref()
    }

    /// The role on the resource itself; `None` without one.
    #[must_use]
    pub fn held(&self) -> Option<&Role> {
        match &self.0.state {
            State::Role(role) => Some(role),
            _ => None,
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.0.state
    }

    pub(super) fn parents(&self) -> &[Parent] {
        &self.0.parents
    }

    pub(super) fn with_parents(self, parents: Vec<Parent>) -> Self {
        self.with_facts(|facts| facts.parents = parents)
    }

    pub(crate) fn permits(&self, permission: &str) -> bool {
        self.0.permissions.holds(permission)
    }

    pub(crate) fn is_under(&self, parent: &ResourceRef) -> bool {
        self.0.parents.iter().any(|known| known.on == *parent)
    }

    /// The standing at this time.
    pub(super) fn at(self, now: SystemTime) -> Self {
        match self.0.until {
            Some(end) if end <= now => self.with_facts(|facts| {
                (facts.state, facts.permissions) = (State::Stranger, PermissionSet::default());
            }),
            _ => self,
        }
    }
}

impl<R: Into<Role>> From<Option<R>> for Standing {
    fn from(role: Option<R>) -> Self {
        role.map_or_else(Self::stranger, Self::role)
    }
}

/// Shows nothing of the row.
impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Standing({:?}, ..)", self.0.state)
    }
}
