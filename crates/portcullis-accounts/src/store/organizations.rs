use super::StoreResult;
use crate::{
    email::EmailAddress,
    id::{OrganizationId, UserId},
    organization::{ChangeMemberOutcome, Invitation, Member, MemberChange, Organization, OrganizationChange},
    secret::Digest,
};
use async_trait::async_trait;
use std::{fmt, time::SystemTime};

/// Organizations with their members, invitations and roles. It knows users by their identifiers only.
///
/// Commands that change members or roles lock the organization first, and raise its version in the same transaction.
#[async_trait]
pub trait OrganizationStore: fmt::Debug + Send + Sync {
    /// Adds an organization together with its first member, unless another one has the short name.
    async fn add_organization(&self, organization: Organization, owner: Member) -> StoreResult<AddOrganizationOutcome>;
    /// Finds an organization.
    async fn organization(&self, by: OrganizationKey<'_>) -> StoreResult<Option<Organization>>;
    /// The organizations of a user with the role in each, oldest first.
    async fn organizations_of(&self, user: &UserId) -> StoreResult<Vec<(Organization, String)>>;
    /// Changes an organization, and returns it as it is then.
    async fn change_organization(
        &self,
        id: &OrganizationId,
        change: OrganizationChange,
    ) -> StoreResult<ChangeOrganizationOutcome>;
    /// Removes an organization with everything that belongs to it. Returns whether it was there.
    async fn remove_organization(&self, id: &OrganizationId) -> StoreResult<bool>;
    /// The version of an organization, and the role that a user has in it. `None` without such an organization.
    async fn standing(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<(u64, Option<String>)>>;
    /// Finds a member.
    async fn member(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<Member>>;
    /// The members, oldest first.
    async fn members(&self, id: &OrganizationId) -> StoreResult<Vec<Member>>;
    /// Adds, changes or removes a member: lock the organization, read [`MemberFacts`](super::MemberFacts), ask
    /// [`MemberChange::decide`], and write if it says so.
    async fn change_member(&self, change: MemberChange) -> StoreResult<ChangeMemberOutcome>;
    /// Keeps an invitation under the digest of its token, in place of an earlier one of the same address. Returns whether
    /// there is such an organization.
    async fn invite(&self, invitation: Invitation, token: Digest) -> StoreResult<bool>;
    /// The invitations that have not expired, by address.
    async fn invitations(&self, id: &OrganizationId, now: SystemTime) -> StoreResult<Vec<Invitation>>;
    /// Removes an invitation and adds the member, if the address is the invited one. Of several callers one is added.
    async fn accept(
        &self,
        token: &Digest,
        user: &UserId,
        email: &EmailAddress,
        now: SystemTime,
    ) -> StoreResult<AcceptOutcome>;
    /// Removes the invitation of an address. Returns whether there was one.
    async fn withdraw(&self, id: &OrganizationId, email: &EmailAddress) -> StoreResult<bool>;
    /// Defines a role, or changes what it permits. Returns whether there is such an organization.
    async fn define_role(&self, id: &OrganizationId, name: &str, permissions: &[String]) -> StoreResult<bool>;
    /// The defined roles by name, with what they permit.
    async fn roles(&self, id: &OrganizationId) -> StoreResult<Vec<(String, Vec<String>)>>;
    /// Removes a defined role, unless a member has it or an invitation gives it.
    async fn remove_role(&self, id: &OrganizationId, name: &str) -> StoreResult<RemoveRoleOutcome>;
}

/// How to find an organization.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum OrganizationKey<'a> {
    /// By identifier.
    Id(&'a OrganizationId),
    /// By short name.
    Slug(&'a str),
}

/// The outcome of [`OrganizationStore::add_organization`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddOrganizationOutcome {
    /// The organization was added.
    Added,
    /// Another organization has the short name.
    Taken,
}

/// The outcome of [`OrganizationStore::change_organization`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChangeOrganizationOutcome {
    /// The organization was changed.
    Changed(Organization),
    /// There is no such organization.
    Absent,
    /// Another organization has the short name.
    Taken,
}

/// The outcome of [`OrganizationStore::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptOutcome {
    /// The user is a member now.
    Accepted(Member),
    /// There is no such invitation, or it has expired.
    Unknown,
    /// The invitation is for another address.
    OtherAddress,
    /// The user is a member already.
    AlreadyMember,
}

/// The outcome of [`OrganizationStore::remove_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveRoleOutcome {
    /// The role was removed.
    Removed,
    /// There is no such role.
    Absent,
    /// A member has the role, or an invitation gives it.
    InUse,
}
