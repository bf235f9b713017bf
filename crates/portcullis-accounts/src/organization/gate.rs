//! What a gate takes from organizations.

use super::Organizations;
use crate::{
    error::Error,
    id::{OrganizationId, UserId, is_storable},
    store::StoreResult,
};
use portcullis_core::{
    Error as CoreError, ErrorKind, Gate, Membership, OrganizationVersions, Permission, PermissionSet, Principal, Role,
    RoleHierarchy, RoleHierarchyBuilder, Standing,
};

/// The kind of resources that organizations are, for the guards of the endpoints.
pub(crate) const KIND: &str = "organization";

/// What the endpoints ask for: to read, to change the organization and its members, and what owners alone do.
pub(crate) const READ: &str = "organization:read";
pub(crate) const MANAGE: &str = "organization:manage";
pub(crate) const OWN: &str = "organization:own";

impl Organizations {
    /// The roles for [`roles_on`](portcullis_core::GateBuilder::roles_on) of a gate, with the permissions that the endpoints ask
    /// for. What else they permit can be added before it is built.
    ///
    /// | permission | for | roles |
    /// |---|---|---|
    /// | `organization:read` | the organization, its members and roles | all |
    /// | `organization:manage` | its names, members and invitations | the owner's and, of three or more, the one below |
    /// | `organization:own` | its removal, and the roles that it defines | the owner's |
    ///
    /// ```
    /// use portcullis_accounts::{Organizations, store::MemoryStore};
    /// use portcullis_core::{Gate, Permission};
    ///
    /// # fn main() -> Result<(), portcullis_accounts::Error> {
    /// let organizations = Organizations::new("https://shop.example.com", MemoryStore::new())
    ///     .ranked(["viewer", "editor", "chief"])?;
    /// let roles = organizations.hierarchy().permits("editor", ["article:publish"]).build()?;
    /// let manages = |role| roles.permits(role, &Permission::from_static("organization:manage"));
    /// assert!(manages("editor") && !manages("viewer"));
    ///
    /// let gate = Gate::builder()
    ///     .membership("organization", organizations.clone())
    ///     .roles_on("organization", roles);
    /// # let _ = gate; Ok(()) }
    /// ```
    #[must_use]
    pub fn hierarchy(&self) -> RoleHierarchyBuilder {
        let (ranked, apart) = (&self.rules.ranked, &self.rules.apart);
        let owner = self.rules.owner();
        let manager = ranked.iter().rev().nth(1).filter(|_| ranked.len() > 2).map_or(owner, String::as_str);
        let lowest = ranked.first().map_or(owner, String::as_str);
        let builder = RoleHierarchy::builder().ranked(ranked).permits(lowest, [READ]);
        let builder = builder.permits(manager, [MANAGE]).permits(owner, [OWN]);
        apart.iter().fold(builder, |builder, role| builder.role(role, []).permits(role, [READ]))
    }

    /// Whether a gate can ask what the guards of the endpoints ask for.
    pub(crate) fn check(&self, gate: &Gate) -> Result<(), CoreError> {
        let refused = |detail: String| {
            let write = "write `.membership(\"organization\", organizations.clone())` and `.roles_on(\"organization\", \
                         organizations.hierarchy().build()?)`, or leave organizations out of the accounts";
            Err(CoreError::new(ErrorKind::Misconfigured, format!("{detail}; {write}")))
        };
        if !gate.kinds().any(|kind| kind == KIND) {
            return refused("the endpoints of organizations need a gate that knows their members".to_owned());
        }
        let roles = gate.roles_on(KIND);
        if let Some(role) = self.rules.ranked.iter().chain(&self.rules.apart).find(|role| !roles.knows(role)) {
            return refused(format!("the gate does not know the role `{role}` of organizations"));
        }
        let owner = self.rules.owner();
        for permission in [
            const { Permission::from_static(READ) },
            const { Permission::from_static(MANAGE) },
            const { Permission::from_static(OWN) },
        ] {
            if !roles.permits(owner, &permission) {
                return refused(format!("the role `{owner}` of the gate does not permit `{permission}`"));
            }
        }
        Ok(())
    }

    /// Texts that no store can keep are those of no organization.
    async fn stored(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<(u64, Option<String>)>> {
        if is_storable(id.as_str()) { self.store.standing(id, user).await } else { Ok(None) }
    }
}

/// Roles in organizations. Each request asks the store once for each organization.
impl Membership for Organizations {
    type Id = OrganizationId;

    async fn standing(&self, who: &Principal, id: &OrganizationId) -> Result<Standing, CoreError> {
        let Some(user) = self.user(who) else { return Ok(Standing::stranger()) };
        Ok(match self.stored(id, &user).await.map_err(Error::from)? {
            None => Standing::missing(),
            Some((_, None)) => Standing::stranger(),
            Some((_, Some(role))) => Standing::role(role),
        })
    }

    async fn permits(&self, role: &Role, id: &OrganizationId) -> Result<Option<PermissionSet>, CoreError> {
        match self.defined(id, role.as_str()).await? {
            Some(permissions) => PermissionSet::exact(permissions).map(Some),
            None => Ok(None),
        }
    }
}

/// A context is valid until the organization's members or roles change.
impl OrganizationVersions for Organizations {
    async fn version(&self, who: &Principal, organization: &str) -> Result<Option<u64>, CoreError> {
        let Some(user) = self.user(who) else { return Ok(None) };
        let standing = self.stored(&OrganizationId::new(organization), &user).await.map_err(Error::from)?;
        Ok(standing.and_then(|(version, role)| role.map(|_| version)))
    }
}
