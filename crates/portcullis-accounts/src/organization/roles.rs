//! Roles that organizations define.

use super::{
    Organizations,
    gate::{MANAGE, OWN},
};
use crate::{
    error::Error,
    id::{OrganizationId, is_storable},
    store::RemoveRoleOutcome,
};
use portcullis_core::PermissionSet;

impl Organizations {
    /// Defines a role of an organization, or changes what it permits. Permissions are `resource:action`, without wildcards.
    ///
    /// It cannot have the name of a role that all organizations have, and cannot permit `organization:manage` or
    /// `organization:own`: members with a rank could give it to themselves. Name all roles of the gate by
    /// [`ranked`](Self::ranked) and [`apart`](Self::apart).
    ///
    /// ```
    /// use portcullis_accounts::{By, Organizations, UserId, store::MemoryStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let organizations = Organizations::new("https://shop.example.com", MemoryStore::new())
    ///     .roles_by_organization();
    /// let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    /// let acme = organizations.create("Acme", "acme", &alice).await?.id;
    /// organizations.define_role(&acme, "press", ["article:publish"]).await?;
    /// organizations.add_member(&acme, &bob, "press", By::Member(&alice)).await?;
    ///
    /// let refused = organizations.define_role(&acme, "owner", ["article:publish"]).await;
    /// assert_eq!(refused.unwrap_err().code(), "unknown_role");
    /// let refused = organizations.remove_role(&acme, "press").await;
    /// assert_eq!(refused.unwrap_err().code(), "role_in_use");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without [`roles_by_organization`](Self::roles_by_organization), [`Error::UnknownRole`] for a
    /// name that cannot be defined, [`Error::InvalidRequest`] for such permissions and malformed ones, [`Error::NotFound`],
    /// [`Error::Store`].
    pub async fn define_role<S: AsRef<str>>(
        &self,
        id: &OrganizationId,
        name: &str,
        permissions: impl IntoIterator<Item = S>,
    ) -> Result<(), Error> {
        if !self.defines_roles {
            return Err(Error::NotEnabled("roles by organization"));
        }
        if !is_storable(name) || name.len() > 64 || self.rules.knows(name) {
            return Err(Error::UnknownRole);
        }
        let set = PermissionSet::exact(permissions).map_err(|_| Error::InvalidRequest)?;
        let permissions: Vec<String> = set.iter().map(Into::into).collect();
        if permissions.iter().any(|permission| [MANAGE, OWN].contains(&&**permission)) {
            return Err(Error::InvalidRequest);
        }
        if self.store.define_role(id, name, &permissions).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    /// The roles that an organization has defined, by name, with what they permit.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn roles(&self, id: &OrganizationId) -> Result<Vec<(String, Vec<String>)>, Error> {
        if self.defines_roles { Ok(self.store.roles(id).await?) } else { Ok(Vec::new()) }
    }

    /// Removes a role that an organization has defined.
    ///
    /// # Errors
    /// [`Error::RoleInUse`] while members have it or invitations give it, [`Error::NotFound`], [`Error::Store`].
    pub async fn remove_role(&self, id: &OrganizationId, name: &str) -> Result<(), Error> {
        match self.store.remove_role(id, name).await? {
            RemoveRoleOutcome::Removed => Ok(()),
            RemoveRoleOutcome::Absent => Err(Error::NotFound),
            RemoveRoleOutcome::InUse => Err(Error::RoleInUse),
        }
    }

    pub(super) async fn defined(&self, id: &OrganizationId, role: &str) -> Result<Option<Vec<String>>, Error> {
        let mut roles = self.roles(id).await?.into_iter();
        Ok(roles.find(|(name, _)| name == role).map(|(_, permissions)| permissions))
    }
}
