//! Roles, and what a gate knows about them.

use super::{Permission, PermissionSet};
use crate::error::Error;
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The name of a role, such as `manager`.
///
/// A [`RoleHierarchy`] gives it a meaning.
///
/// Literals and owned texts convert into it, so it is rarely written out. Case matters, and a role that the gate does not know
/// has no effect in a token.
///
/// ```
/// use portcullis_core::{Role, RoleHierarchy};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let roles = RoleHierarchy::ranked(["viewer", "manager"])?;
/// let stored = Role::from("manager".to_owned()); // from a row, for example
/// assert!(roles.includes(stored.as_str(), "viewer"));
/// assert!(!roles.knows(Role::new("Manager").as_str()));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Role(Cow<'static, str>);

impl Role {
    /// A role with this name.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Role {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Role {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The known roles: which include which others, what they permit, and from where they are inherited.
///
/// All is worked out when it is built; a lookup reads a table and one bit. A role that is not listed has no effect.
///
/// ```
/// use portcullis_core::{Permission, RoleHierarchy};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// // Each includes those before it.
/// let ranked = RoleHierarchy::ranked(["viewer", "manager", "owner"])?;
/// assert!(ranked.includes("owner", "viewer") && !ranked.includes("viewer", "owner"));
///
/// // Each includes those it names.
/// let roles = RoleHierarchy::builder()
///     .role("viewer", [])
///     .role("billing", [])
///     .role("admin", ["viewer", "billing"])
///     .permits("viewer", ["project:read"])
///     .permits("admin", ["project:*"])
///     .build()?;
/// assert!(roles.includes("admin", "billing") && !roles.includes("billing", "viewer"));
///
/// let delete = Permission::from_static("project:delete");
/// assert!(roles.permits("admin", &delete) && !roles.permits("viewer", &delete));
/// assert_eq!(roles.names(), ["viewer", "billing", "admin"]);
/// assert!(!roles.knows("root") && !roles.permits("root", &delete));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RoleHierarchy {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    /// For each role, one bit for each role that it includes, with itself.
    included: Vec<Vec<u64>>,
    /// For each role, what it and the included roles permit.
    permitted: Vec<PermissionSet>,
    inherited: Vec<Inheritance>,
    /// All known permissions, if the gate lists them.
    permissions: Option<PermissionSet>,
}

#[derive(Debug, Clone)]
struct Inheritance {
    kind: String,
    /// Which role on the parent gives which role here; `None`: the same one.
    roles: Option<Vec<(String, Role)>>,
}

impl RoleHierarchy {
    /// Roles from the lowest to the highest; each includes those before it.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a name is empty or occurs twice.
    pub fn ranked<S: Into<String>>(roles: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        RoleHierarchyBuilder::default().ranked(roles).build()
    }

    /// Starts a hierarchy that is built role by role.
    #[must_use]
    pub fn builder() -> RoleHierarchyBuilder {
        RoleHierarchyBuilder::default()
    }

    /// Whether the first role is or includes the second.
    #[must_use]
    pub fn includes(&self, held: &str, asked: &str) -> bool {
        self.place(asked).is_some_and(|asked| self.includes_at(held, asked))
    }

    /// The place of a role in the tables; `None` if the name is unknown.
    pub(crate) fn place(&self, role: &str) -> Option<usize> {
        self.places.get(role).copied()
    }

    /// The same for a role that a policy or a query names.
    pub(crate) fn known_place(&self, role: &str) -> Result<usize, Error> {
        self.place(role).ok_or_else(|| {
            let known = self.names();
            Error::misconfigured(match known.is_empty() {
                true => format!("the gate knows no role `{role}`; list all roles in `.roles(…)`"),
                false => format!("the gate knows no role `{role}`; it knows {known:?}"),
            })
        })
    }

    pub(super) fn permissions(&self) -> Option<&PermissionSet> {
        self.permissions.as_ref()
    }

    /// The permissions that a gate lists.
    pub(crate) fn set_permissions(&mut self, all: Option<&PermissionSet>) {
        self.permissions = all.cloned();
    }

    /// Whether the first role is or includes the one at this place.
    pub(crate) fn includes_at(&self, held: &str, asked: usize) -> bool {
        let bits = self.places.get(held).and_then(|&held| self.included.get(held)?.get(asked / 64));
        bits.is_some_and(|bits| bits >> (asked % 64) & 1 == 1)
    }

    /// Whether a role permits this, by itself or by the roles that it includes.
    #[must_use]
    pub fn permits(&self, role: &str, permission: &Permission) -> bool {
        self.permitted(role).is_some_and(|permitted| permitted.contains(permission))
    }

    /// All that a role permits, by itself or by the roles that it includes.
    pub(crate) fn permitted(&self, role: &str) -> Option<&PermissionSet> {
        self.places.get(role).and_then(|&place| self.permitted.get(place))
    }

    /// What each role permits.
    pub(crate) fn all_permitted(&self) -> impl Iterator<Item = &PermissionSet> {
        self.permitted.iter()
    }

    /// Whether a role permits this by its exact name, not by a wildcard.
    pub(crate) fn names_permission(&self, permission: &str) -> bool {
        self.permitted.iter().any(|permitted| permitted.names(permission))
    }

    /// Whether a role has this name.
    #[must_use]
    pub fn knows(&self, role: &str) -> bool {
        self.places.contains_key(role)
    }

    /// The names of all roles, in the order in which they were given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether roles on a resource of this kind give roles here.
    pub(crate) fn inherits_from(&self, kind: &str) -> bool {
        self.inherited.iter().any(|inherited| inherited.kind == kind)
    }

    /// The kinds that roles are inherited from; with the roles there, where they are named.
    pub(crate) fn inherited(&self) -> impl Iterator<Item = (&str, Option<impl Iterator<Item = &str>>)> {
        self.inherited.iter().map(|Inheritance { kind, roles }| {
            let there = roles.as_ref().map(|pairs| pairs.iter().map(|(there, _)| there.as_str()));
            (kind.as_str(), there)
        })
    }

    /// A permission of a role that is none of these.
    pub(crate) fn permits_beside(&self, all: &PermissionSet) -> Option<String> {
        self.permitted.iter().find_map(|permitted| permitted.beside(all))
    }

    /// The roles here that a role on a parent of this kind gives; `there` is the hierarchy of the parent.
    pub(crate) fn inherited_roles(&self, kind: &str, role: &Role, there: &Self) -> Vec<Role> {
        let Some(inherited) = self.inherited.iter().find(|inherited| inherited.kind == kind) else { return Vec::new() };
        let Some(pairs) = &inherited.roles else { return vec![role.clone()] };
        let has = |name: &str| name == role.as_str() || there.includes(role.as_str(), name);
        pairs.iter().filter(|(theirs, _)| has(theirs)).map(|(_, ours)| ours.clone()).collect()
    }
}

/// Builds a [`RoleHierarchy`].
///
/// Names are checked by [`build`](Self::build), so the order of calls does not matter:
///
/// ```
/// use portcullis_core::RoleHierarchy;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let builder =
///     || RoleHierarchy::builder().ranked(["viewer", "manager"]).role("auditor", ["viewer"]);
/// let roles = builder().permits("auditor", ["log:read"]).build()?;
/// assert!(roles.includes("auditor", "viewer") && !roles.includes("manager", "auditor"));
///
/// assert!(builder().permits("auditer", ["log:read"]).build().is_err()); // an unknown role
/// assert!(builder().permits("auditor", ["log"]).build().is_err()); // no permission
/// assert!(builder().role("viewer", []).build().is_err()); // there already
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RoleHierarchyBuilder {
    roles: Vec<(String, Vec<String>)>,
    permits: Vec<(String, Vec<String>)>,
    inherited: Vec<Inheritance>,
}

impl RoleHierarchyBuilder {
    /// Roles from the lowest to the highest; each includes those before it.
    #[must_use]
    pub fn ranked<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        let mut below: Option<String> = None;
        for role in roles {
            let role = role.into();
            self.roles.push((role.clone(), below.into_iter().collect()));
            below = Some(role);
        }
        self
    }

    /// A role that includes these others.
    #[must_use]
    pub fn role<const N: usize>(mut self, name: &str, includes: [&str; N]) -> Self {
        self.roles.push((name.to_owned(), includes.map(str::to_owned).into()));
        self
    }

    /// What a role permits; wildcards as in a [`PermissionSet`].
    #[must_use]
    pub fn permits<const N: usize>(mut self, role: &str, permissions: [&str; N]) -> Self {
        self.permits.push((role.to_owned(), permissions.map(str::to_owned).into()));
        self
    }

    /// Callers with a role on a parent of this kind have the same role here, unless they have one here.
    ///
    /// The standing on the resource names its parents with [`Standing::under`](crate::Standing::under). The gate needs a
    /// membership of the parent's kind. Chains are followed for up to 8 steps.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // All projects belong to team 1. alice manages the team, bob is a viewer of it.
    /// let gate = builder()?
    ///     .roles_on(
    ///         "project",
    ///         RoleHierarchy::builder().ranked(["viewer", "manager"]).inherits("team").build()?,
    ///     )
    ///     .membership("project", By(|_| Standing::stranger().under("team", 1)))
    ///     .membership("team", Projects(&[("alice", 1, "manager"), ("bob", 1, "viewer")]))
    ///     .build()?;
    /// const EDIT: &dyn Policy = &role("manager").on("project", path("project_id"));
    ///
    /// let [alice, bob, carol] =
    ///     ["alice", "bob", "carol"].map(|name| gate.acting_as(acting_as(name)));
    /// assert_eq!(answer(&alice, EDIT, project(5)), "200");
    /// assert_eq!(answer(&bob, EDIT, project(5)), "403 role_required");
    /// assert_eq!(answer(&carol, EDIT, project(5)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn inherits(mut self, kind: &str) -> Self {
        self.inherited.push(Inheritance { kind: kind.to_owned(), roles: None });
        self
    }

    /// Callers with the first role of a pair on a parent of this kind, or with one that includes it there, have the second
    /// one here, unless they have one here.
    ///
    /// Roles that no pair names give none.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // Owners of an organization manage its projects. Its other members get nothing by that.
    /// let projects = RoleHierarchy::builder()
    ///     .ranked(["viewer", "manager"])
    ///     .inherits_as("organization", [("owner", "manager")]);
    /// let gate = builder()?
    ///     .roles_on("project", projects.build()?)
    ///     .membership("project", By(|_| Standing::stranger().under("organization", 1)))
    ///     .membership("organization", Projects(&[("alice", 1, "owner"), ("bob", 1, "manager")]))
    ///     .build()?;
    /// const EDIT: &dyn Policy = &role("manager").on("project", path("project_id"));
    ///
    /// let [alice, bob] = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
    /// assert_eq!(answer(&alice, EDIT, project(5)), "200");
    /// assert_eq!(answer(&bob, EDIT, project(5)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn inherits_as<const N: usize>(mut self, kind: &str, roles: [(&str, &str); N]) -> Self {
        let roles = roles.map(|(there, here)| (there.to_owned(), Role::new(here.to_owned())));
        self.inherited.push(Inheritance { kind: kind.to_owned(), roles: Some(roles.into()) });
        self
    }

    /// Builds the hierarchy.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a role is empty, occurs twice, includes an unknown
    /// one, or includes itself through others; if a permission is malformed; and if inheritance from one kind is set twice.
    pub fn build(self) -> Result<RoleHierarchy, Error> {
        let mut hierarchy = RoleHierarchy { inherited: self.inherited, ..RoleHierarchy::default() };
        for (place, (name, _)) in self.roles.iter().enumerate() {
            if name.is_empty() || hierarchy.places.insert(name.clone(), place).is_some() {
                return Err(Error::misconfigured(format!("the role `{name}` is empty or is added twice")));
            }
            hierarchy.names.push(name.clone());
        }
        for (place, Inheritance { kind, .. }) in hierarchy.inherited.iter().enumerate() {
            if hierarchy.inherited.iter().take(place).any(|earlier| earlier.kind == *kind) {
                return Err(Error::misconfigured(format!("inheritance from a {kind} is set twice")));
            }
        }
        let below = |name: &str| self.roles.iter().find(|(role, _)| role == name).map_or(&[][..], |(_, below)| below);
        let missing = |name: &str| {
            Error::misconfigured(format!("the hierarchy has no role `{name}`; it has {:?}", hierarchy.names))
        };
        for (name, _) in &self.roles {
            let mut bits = vec![0_u64; self.roles.len().div_ceil(64)];
            let mut permitted = PermissionSet::default();
            let mut waiting = vec![name.as_str()];
            while let Some(role) = waiting.pop() {
                let place = *hierarchy.places.get(role).ok_or_else(|| missing(role))?;
                let Some(word) = bits.get_mut(place / 64).filter(|word| **word >> (place % 64) & 1 == 0) else {
                    continue;
                };
                *word |= 1 << (place % 64);
                for (_, permissions) in self.permits.iter().filter(|(of, _)| of == role) {
                    permitted = permitted.union(&PermissionSet::new(permissions)?);
                }
                if below(role).iter().any(|included| included == name) {
                    return Err(Error::misconfigured(format!("the role `{name}` includes itself, through `{role}`")));
                }
                waiting.extend(below(role).iter().map(String::as_str));
            }
            hierarchy.included.push(bits);
            hierarchy.permitted.push(permitted);
        }
        let here = hierarchy.inherited.iter().filter_map(|inherited| inherited.roles.as_ref()).flatten();
        let named = self.permits.iter().map(|(role, _)| role.as_str()).chain(here.map(|(_, here)| here.as_str()));
        if let Some(unknown) = named.into_iter().find(|role| !hierarchy.knows(role)) {
            return Err(missing(unknown));
        }
        Ok(hierarchy)
    }
}
