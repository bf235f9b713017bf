use super::{
    AcceptOutcome, AddOrganizationOutcome, ChangeMemberOutcome, ChangeOrganizationOutcome, MemberChange, MemberFacts,
    MemoryStore, OrganizationKey, OrganizationStore, RemoveRoleOutcome, StoreResult,
};
use crate::{
    email::EmailAddress,
    id::{OrganizationId, UserId},
    organization::{Invitation, Member, Organization, OrganizationChange},
    secret::Digest,
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

/// The organizations of a [`MemoryStore`].
pub(super) type Organizations = HashMap<OrganizationId, Entry>;

pub(super) struct Entry {
    organization: Organization,
    members: HashMap<UserId, Member>,
    invitations: BTreeMap<EmailAddress, (Invitation, Digest)>,
    roles: BTreeMap<String, Vec<String>>,
}

impl Entry {
    fn raise_version(&mut self) {
        self.organization.version = self.organization.version.saturating_add(1);
    }

    fn role(&self, user: &UserId) -> Option<String> {
        self.members.get(user).map(|member| member.role.clone())
    }
}

#[async_trait]
impl OrganizationStore for MemoryStore {
    async fn add_organization(&self, organization: Organization, owner: Member) -> StoreResult<AddOrganizationOutcome> {
        let mut all = self.organizations().await;
        if all.values().any(|known| known.organization.slug == organization.slug) {
            return Ok(AddOrganizationOutcome::Taken);
        }
        let members = HashMap::from([(owner.user.clone(), owner)]);
        let (invitations, roles) = (BTreeMap::new(), BTreeMap::new());
        all.insert(organization.id.clone(), Entry { organization, members, invitations, roles });
        Ok(AddOrganizationOutcome::Added)
    }

    async fn organization(&self, by: OrganizationKey<'_>) -> StoreResult<Option<Organization>> {
        let all = self.organizations().await;
        let found = match by {
            OrganizationKey::Id(id) => all.get(id),
            OrganizationKey::Slug(slug) => all.values().find(|known| known.organization.slug == slug),
        };
        Ok(found.map(|known| known.organization.clone()))
    }

    async fn organizations_of(&self, user: &UserId) -> StoreResult<Vec<(Organization, String)>> {
        let all = self.organizations().await;
        let with_role = |known: &Entry| known.role(user).map(|role| (known.organization.clone(), role));
        let mut found: Vec<_> = all.values().filter_map(with_role).collect();
        found.sort_by(|(one, _), (other, _)| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(found)
    }

    async fn change_organization(
        &self,
        id: &OrganizationId,
        change: OrganizationChange,
    ) -> StoreResult<ChangeOrganizationOutcome> {
        let mut all = self.organizations().await;
        let is_other = |known: &Entry| known.organization.id != *id;
        let is_taken = (change.slug.as_ref())
            .is_some_and(|slug| all.values().any(|known| known.organization.slug == *slug && is_other(known)));
        let Some(known) = all.get_mut(id) else { return Ok(ChangeOrganizationOutcome::Absent) };
        if is_taken {
            return Ok(ChangeOrganizationOutcome::Taken);
        }
        change.apply(&mut known.organization);
        Ok(ChangeOrganizationOutcome::Changed(known.organization.clone()))
    }

    async fn remove_organization(&self, id: &OrganizationId) -> StoreResult<bool> {
        Ok(self.organizations().await.remove(id).is_some())
    }

    async fn standing(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<(u64, Option<String>)>> {
        Ok(self.organizations().await.get(id).map(|known| (known.organization.version, known.role(user))))
    }

    async fn member(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<Member>> {
        Ok(self.organizations().await.get(id).and_then(|known| known.members.get(user).cloned()))
    }

    async fn members(&self, id: &OrganizationId) -> StoreResult<Vec<Member>> {
        let all = self.organizations().await;
        let mut members: Vec<Member> =
            all.get(id).into_iter().flat_map(|known| known.members.values().cloned()).collect();
        members.sort_by(|one, other| (one.since, &one.user).cmp(&(other.since, &other.user)));
        Ok(members)
    }

    async fn change_member(&self, change: MemberChange) -> StoreResult<ChangeMemberOutcome> {
        let mut all = self.organizations().await;
        let Some(known) = all.get_mut(change.organization()) else { return Ok(ChangeMemberOutcome::Absent) };
        let owners = known.members.values().filter(|member| member.role == change.owner_role()).count();
        let facts = MemberFacts {
            role: known.role(change.user()),
            by: change.by().and_then(|by| known.role(by)),
            owners: u64::try_from(owners).unwrap_or(u64::MAX),
            is_defined: change.role().is_some_and(|role| known.roles.contains_key(role)),
        };
        let outcome = change.decide(&facts);
        if matches!(outcome, ChangeMemberOutcome::Changed(_)) {
            match (known.members.get_mut(change.user()), change.member()) {
                (Some(before), Some(after)) => before.role = after.role,
                (None, Some(member)) => drop(known.members.insert(member.user.clone(), member)),
                (_, None) => drop(known.members.remove(change.user())),
            }
            known.raise_version();
        }
        Ok(outcome)
    }

    async fn invite(&self, invitation: Invitation, token: Digest) -> StoreResult<bool> {
        let mut all = self.organizations().await;
        let Some(known) = all.get_mut(&invitation.organization) else { return Ok(false) };
        known.invitations.insert(invitation.email.clone(), (invitation, token));
        Ok(true)
    }

    async fn invitations(&self, id: &OrganizationId, now: SystemTime) -> StoreResult<Vec<Invitation>> {
        let all = self.organizations().await;
        let kept = all.get(id).into_iter().flat_map(|known| known.invitations.values());
        Ok(kept.map(|(invitation, _)| invitation).filter(|invitation| invitation.expires_at > now).cloned().collect())
    }

    async fn accept(
        &self,
        token: &Digest,
        user: &UserId,
        email: &EmailAddress,
        now: SystemTime,
    ) -> StoreResult<AcceptOutcome> {
        let mut all = self.organizations().await;
        let found = all.values_mut().find_map(|known| {
            let is_meant =
                |(invitation, digest): &&(Invitation, Digest)| digest == token && invitation.expires_at > now;
            let invitation = known.invitations.values().find(is_meant).map(|(invitation, _)| invitation.clone());
            invitation.map(|invitation| (known, invitation))
        });
        let Some((known, invitation)) = found else { return Ok(AcceptOutcome::Unknown) };
        if invitation.email != *email {
            return Ok(AcceptOutcome::OtherAddress);
        }
        if known.members.contains_key(user) {
            return Ok(AcceptOutcome::AlreadyMember);
        }
        known.invitations.remove(email);
        let Invitation { organization, role, .. } = invitation;
        let member = Member { organization, user: user.clone(), role, since: now };
        known.members.insert(user.clone(), member.clone());
        known.raise_version();
        Ok(AcceptOutcome::Accepted(member))
    }

    async fn withdraw(&self, id: &OrganizationId, email: &EmailAddress) -> StoreResult<bool> {
        let mut all = self.organizations().await;
        Ok(all.get_mut(id).is_some_and(|known| known.invitations.remove(email).is_some()))
    }

    async fn define_role(&self, id: &OrganizationId, name: &str, permissions: &[String]) -> StoreResult<bool> {
        let mut all = self.organizations().await;
        let Some(known) = all.get_mut(id) else { return Ok(false) };
        known.roles.insert(name.to_owned(), permissions.to_vec());
        known.raise_version();
        Ok(true)
    }

    async fn roles(&self, id: &OrganizationId) -> StoreResult<Vec<(String, Vec<String>)>> {
        let all = self.organizations().await;
        Ok(all.get(id).map(|known| known.roles.clone().into_iter().collect()).unwrap_or_default())
    }

    async fn remove_role(&self, id: &OrganizationId, name: &str) -> StoreResult<RemoveRoleOutcome> {
        let mut all = self.organizations().await;
        let Some(known) = all.get_mut(id) else { return Ok(RemoveRoleOutcome::Absent) };
        let is_used = known.members.values().any(|member| member.role == name)
            || known.invitations.values().any(|(invitation, _)| invitation.role == name);
        if !known.roles.contains_key(name) {
            return Ok(RemoveRoleOutcome::Absent);
        }
        if is_used {
            return Ok(RemoveRoleOutcome::InUse);
        }
        known.roles.remove(name);
        known.raise_version();
        Ok(RemoveRoleOutcome::Removed)
    }
}
