//! What a gate takes from organizations.

use super::Organizations;
use crate::{error::Error, id::OrganizationId};
use portcullis_core::{Error as CoreError, Membership, OrganizationVersions, PermissionSet, Principal, Role, Standing};

/// Roles in organizations. Each request asks the store once for each organization.
impl Membership for Organizations {
    type Id = OrganizationId;

    async fn standing(&self, who: &Principal, id: &OrganizationId) -> Result<Standing, CoreError> {
        let Some(user) = self.user(who) else { return Ok(Standing::stranger()) };
        Ok(match self.store.standing(id, &user).await.map_err(Error::from)? {
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
        let standing = self.store.standing(&OrganizationId::new(organization), &user).await.map_err(Error::from)?;
        Ok(standing.and_then(|(version, role)| role.map(|_| version)))
    }
}
