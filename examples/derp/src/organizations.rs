//! Organizations. Users of Cognito and Clerk found them here and change their members, as users of the service's own do by the
//! endpoints of accounts. Members of all backends choose one by a context.

use crate::Service;
use portcullis::{
    Caller, Error, OrganizationVersions, Principal, PrincipalKind,
    accounts::{self, By, OrganizationId, UserId},
    policy::{id, path, permission, values::OnResource},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a role in the organization of the path permits. Strangers get 404.
#[must_use]
pub const fn may(right: &'static str) -> OnResource {
    permission(right).on("organization", path("id")).hidden()
}

/// The body of a request that founds an organization.
#[derive(Debug, Deserialize)]
pub struct NewOrganization {
    name: String,
    slug: String,
}

/// The body of a request that adds a member. Addresses are not known here, so users are named by their subjects.
#[derive(Debug, Deserialize)]
pub struct NewMember {
    user: String,
    role: String,
}

/// The body of a request that changes a role.
#[derive(Debug, Deserialize)]
pub struct NewRole {
    role: String,
}

/// The path of a member.
#[derive(Debug, Deserialize)]
pub struct MemberPath {
    id: String,
    user: String,
}

/// The bodies of handlers, whose guards have let the caller in. The store decides who may change whose role, with the organization
/// locked.
impl Service {
    /// Programs found no organizations and change none.
    fn user(&self, who: &Principal) -> Result<UserId, Error> {
        let user = self.organizations.user(who).filter(|_| who.kind() == PrincipalKind::User);
        user.ok_or_else(|| Error::denied("users_only"))
    }

    pub(crate) async fn organizations_of(&self, who: &Principal) -> Result<Value, accounts::Error> {
        let all = self.organizations.of(&self.user(who)?).await?;
        let shown = all
            .iter()
            .map(|(one, role)| json!({ "id": one.id.as_str(), "slug": one.slug, "name": one.name, "role": role }));
        Ok(json!({ "organizations": shown.collect::<Vec<_>>() }))
    }

    pub(crate) async fn found(&self, who: &Principal, new: NewOrganization) -> Result<Value, accounts::Error> {
        let organization = self.organizations.create(&new.name, &new.slug, &self.user(who)?).await?;
        Ok(json!({ "id": organization.id.as_str() }))
    }

    pub(crate) async fn remove(&self, who: &Principal, organization: String) -> Result<(), accounts::Error> {
        self.user(who)?;
        self.organizations.remove(&OrganizationId::new(organization)).await
    }

    pub(crate) async fn members(&self, organization: String) -> Result<Value, accounts::Error> {
        let all = self.organizations.members(&OrganizationId::new(organization)).await?;
        let shown = all.iter().map(|member| json!({ "user": member.user.as_str(), "role": member.role }));
        Ok(json!({ "members": shown.collect::<Vec<_>>() }))
    }

    pub(crate) async fn add_member(
        &self,
        who: &Principal,
        organization: String,
        new: NewMember,
    ) -> Result<(), accounts::Error> {
        let (by, organization, user) = (self.user(who)?, OrganizationId::new(organization), UserId::new(new.user));
        self.organizations.add_member(&organization, &user, &new.role, By::Member(&by)).await.map(drop)
    }

    pub(crate) async fn set_role(
        &self,
        who: &Principal,
        MemberPath { id, user }: MemberPath,
        new: NewRole,
    ) -> Result<(), accounts::Error> {
        let (by, organization, user) = (self.user(who)?, OrganizationId::new(id), UserId::new(user));
        self.organizations.set_role(&organization, &user, &new.role, By::Member(&by)).await.map(drop)
    }

    /// Members leave by themselves. To remove others, they need more than the guard asks for.
    pub(crate) async fn remove_member(
        &self,
        caller: &Caller,
        MemberPath { id: organization, user }: MemberPath,
    ) -> Result<(), accounts::Error> {
        let (by, user) = (self.user(caller.principal())?, UserId::new(user));
        if by != user {
            caller.require(permission("organization:manage").on("organization", id(organization.clone()))).await?;
        }
        self.organizations.remove_member(&OrganizationId::new(organization), &user, By::Member(&by)).await
    }

    /// What the client sends in `X-Org-Context` to act in this organization.
    pub(crate) async fn context(&self, who: &Principal, organization: String) -> Result<Value, Error> {
        let version = self.organizations.version(who, &organization).await?;
        let version = version.ok_or_else(|| Error::missing("organization"))?;
        Ok(json!({ "context": self.contexts.issue(who, &organization, version)? }))
    }
}
