//! Roles, permissions, and who has them on resources.
//!
//! A [`Membership`] of the application returns a caller's [`Standing`] on a resource. `held` follows it to the parents of the
//! resource and turns it into roles. `memory` lets one request ask for each standing once, and [`CachedMembership`] caches them
//! between requests. [`Rights`] are what a gate knows by name. Nothing here knows policies or gates.

mod cached;
mod held;
mod key_scopes;
mod lists;
mod membership;
mod memory;
mod page;
mod passing;
mod permission;
mod resource;
mod role;
mod standing;

pub use cached::CachedMembership;
pub(crate) use held::{Asker, HeldRole, HeldRoles};
pub use key_scopes::KeyScopes;
pub(crate) use membership::AnyMembership;
pub use membership::Membership;
pub(crate) use memory::{Halt, Standings, answer};
pub(crate) use page::Page;
pub(crate) use passing::{NamedRight, PassingRoles, RightsNamed};
pub use permission::{Permission, PermissionSet};
pub(crate) use permission::{checked, is_word};
pub use resource::ResourceRef;
pub use role::{Role, RoleHierarchy, RoleHierarchyBuilder};
pub use standing::Standing;
pub(crate) use standing::State;

use crate::{clock::Time, engine::AnyEngine, error::Error, policy::Superuser, shadow::Shadows, signed::SignedUrls};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The roles, permissions and memberships of a gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    pub(crate) roles: RoleHierarchy,
    pub(crate) roles_on: BTreeMap<String, RoleHierarchy>,
    /// All known permissions, if the application lists them.
    pub(crate) permissions: Option<PermissionSet>,
    /// The membership of each kind of resource.
    pub(crate) memberships: BTreeMap<String, Arc<dyn AnyMembership>>,
    /// The policy engines, by name.
    pub(crate) engines: BTreeMap<String, Arc<dyn AnyEngine>>,
    /// The names of the gate's schemes, in order; `None` for those without.
    pub(crate) schemes: Vec<Option<&'static str>>,
    /// The signers of addresses, by their names.
    pub(crate) signers: BTreeMap<String, SignedUrls>,
    /// Who passes without which of them.
    pub(crate) superuser: Option<Superuser>,
    /// What would be known by candidate roles, for each candidate.
    pub(crate) candidates: Vec<(&'static str, Arc<Rights>)>,
    pub(crate) shadows: Arc<Shadows>,
    /// The clock of the gate, for the policies that ask it.
    pub(crate) time: Time,
}

impl Rights {
    /// The known roles on resources of this kind.
    pub(crate) fn roles_on(&self, kind: &str) -> &RoleHierarchy {
        self.roles_on.get(kind).unwrap_or(&self.roles)
    }

    /// The known roles on resources of a kind, or everywhere.
    fn roles_of(&self, kind: Option<&str>) -> &RoleHierarchy {
        kind.map_or(&self.roles, |kind| self.roles_on(kind))
    }

    /// The known permissions: those of the closed set, and those that roles name.
    pub(crate) fn permission_names(&self) -> Vec<&str> {
        let of_roles =
            std::iter::once(&self.roles).chain(self.roles_on.values()).flat_map(RoleHierarchy::all_permitted);
        let names: BTreeSet<&str> =
            self.permissions.iter().chain(of_roles).flat_map(PermissionSet::exact_names).collect();
        names.into_iter().collect()
    }

    /// So that a query of roles can tell a misspelt permission.
    pub(crate) fn tell_roles_the_permissions(&mut self) {
        let all = self.permissions.as_ref();
        self.roles_on.values_mut().chain([&mut self.roles]).for_each(|roles| roles.set_permissions(all));
    }

    /// The place of a scheme that a policy names.
    pub(crate) fn scheme(&self, name: &str) -> Result<usize, Error> {
        self.schemes.iter().position(|known| *known == Some(name)).ok_or_else(|| {
            let known: Vec<&str> = self.schemes.iter().flatten().copied().collect();
            Error::misconfigured(match known.is_empty() {
                true => format!("the gate has no scheme `{name}`; name one by `Scheme::named({name:?}, …)`"),
                false => format!("the gate has no scheme `{name}`; it has {known:?}"),
            })
        })
    }

    /// A policy names this signer, or an address is signed by it.
    pub(crate) fn signer(&self, name: &str) -> Result<&SignedUrls, Error> {
        self.signers.get(name).ok_or_else(|| {
            let known: Vec<&String> = self.signers.keys().collect();
            Error::misconfigured(match known.is_empty() {
                true => format!("the gate has no signer `{name}`; add one by `.signer({name:?}, …)`"),
                false => format!("the gate has no signer `{name}`; it has {known:?}"),
            })
        })
    }

    /// A policy asks this engine.
    pub(crate) fn engine(&self, name: &str) -> Result<&Arc<dyn AnyEngine>, Error> {
        self.engines.get(name).ok_or_else(|| {
            let known: Vec<&String> = self.engines.keys().collect();
            Error::misconfigured(match known.is_empty() {
                true => format!("the gate has no `.engine({name:?}, …)`; add one"),
                false => format!("the gate has no `.engine({name:?}, …)`; it has {known:?}"),
            })
        })
    }

    /// A policy asks about resources of this kind.
    pub(crate) fn membership(&self, kind: &str) -> Result<&Arc<dyn AnyMembership>, Error> {
        self.memberships.get(kind).ok_or_else(|| {
            let known: Vec<&String> = self.memberships.keys().collect();
            Error::misconfigured(match known.is_empty() {
                true => format!(
                    "the gate has no `.membership({kind:?}, …)`; add one, which returns the standing of callers on a {kind}"
                ),
                false => format!("the gate has no `.membership({kind:?}, …)`; it has those of {known:?}"),
            })
        })
    }

    /// A policy asks for this role. Returns its place in the hierarchy.
    /// Whether a role of the gate has this right.
    pub(crate) fn has(&self, role: &str, right: NamedRight) -> bool {
        let roles = self.roles_of(right.kind);
        match right.is_role {
            true => roles.includes(role, right.name),
            false => roles.permitted(role).is_some_and(|permitted| permitted.holds(right.name)),
        }
    }

    /// # Errors
    /// If there is no such role or permission.
    pub(crate) fn knows(&self, right: NamedRight, below_not: bool) -> Result<(), Error> {
        match right.is_role {
            true => self.knows_role(right.name, right.kind).map(drop),
            false => self.knows_permission(right.name, right.kind, below_not),
        }
    }

    pub(crate) fn knows_role(&self, role: &str, on: Option<&str>) -> Result<usize, Error> {
        self.roles_of(on).known_place(role)
    }

    /// A policy asks for this permission: one of the closed set, or any; below a `not`, any that a role names.
    pub(crate) fn knows_permission(&self, name: &str, on: Option<&str>, below_not: bool) -> Result<(), Error> {
        match &self.permissions {
            Some(all) if all.names(name) => Ok(()),
            Some(_) => Err(Error::misconfigured(format!(
                "the gate knows no permission `{name}`; add it to `.permissions(…)`, or correct it"
            ))),
            None if !below_not || self.roles_of(on).names_permission(name) => Ok(()),
            None => Err(Error::misconfigured(format!(
                "a policy has the permission `{name}` below `not`, and no role permits exactly this; list all permissions in \
                 `.permissions(…)`"
            ))),
        }
    }
}
