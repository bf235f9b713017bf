//! Which changes of members are allowed. Stores ask it with the organization's row locked.

use super::Member;
use crate::id::{OrganizationId, UserId};
use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

/// The roles that an organization knows.
#[derive(Debug, Clone)]
pub(super) struct RoleRules {
    /// From the lowest to the owner's.
    pub(super) ranked: Vec<String>,
    /// Roles that are no step to another one.
    pub(super) apart: BTreeSet<String>,
}

impl RoleRules {
    pub(super) fn owner(&self) -> &str {
        self.ranked.last().map_or("owner", String::as_str)
    }

    pub(super) fn knows(&self, role: &str) -> bool {
        self.rank(role).is_some() || self.apart.contains(role)
    }

    fn rank(&self, role: &str) -> Option<usize> {
        self.ranked.iter().position(|known| known == role)
    }

    /// Whether a member with this role can give this one, and take it away. One without a rank cannot.
    pub(super) fn reaches(&self, own: &str, role: &str) -> bool {
        self.rank(own).is_some_and(|own| self.rank(role).is_none_or(|role| own >= role))
    }
}

/// A change of one member: added, with another role, or removed.
#[derive(Debug, Clone)]
pub struct MemberChange {
    pub(super) organization: OrganizationId,
    pub(super) user: UserId,
    pub(super) what: What,
    pub(super) by: Option<UserId>,
    pub(super) now: SystemTime,
    pub(super) rules: Arc<RoleRules>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Add(String),
    Set(String),
    Remove,
}

/// What a store reads for a [`MemberChange`], after it has locked the organization.
#[derive(Debug, Clone, Default)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores what is needed")]
pub struct MemberFacts {
    /// The role of the user in the organization.
    pub role: Option<String>,
    /// The role of the member who changes it.
    pub by: Option<String>,
    /// How many members have the [owner's role](MemberChange::owner_role).
    pub owners: u64,
    /// Whether the organization has defined the new role.
    pub is_defined: bool,
}

/// The outcome of [`change_member`](crate::store::OrganizationStore::change_member).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeMemberOutcome {
    /// The change was made. With the role before it.
    Changed(Option<String>),
    /// There is no such organization or member.
    Absent,
    /// The user is a member already.
    AlreadyMember,
    /// The organization would have no owner.
    LastOwner,
    /// The organization does not know the role.
    UnknownRole,
    /// The change would lead from a role apart to another one, or back.
    Apart,
    /// The role of the member who changes it is too low.
    Forbidden,
}

impl MemberChange {
    /// The organization. A store locks its row first.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Who changes it, if it is a member.
    #[must_use]
    pub fn by(&self) -> Option<&UserId> {
        self.by.as_ref()
    }

    /// The new role. `None` removes the member.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match &self.what {
            What::Add(role) | What::Set(role) => Some(role),
            What::Remove => None,
        }
    }

    /// The role that at least one member has.
    #[must_use]
    pub fn owner_role(&self) -> &str {
        self.rules.owner()
    }

    /// The member after the change, if they are one.
    #[must_use]
    pub fn member(&self) -> Option<Member> {
        let (organization, user, since) = (self.organization.clone(), self.user.clone(), self.now);
        self.role().map(|role| Member { organization, user, role: role.to_owned(), since })
    }

    /// Decides. If it is [`Changed`](ChangeMemberOutcome::Changed), the store writes [`role`](Self::role) and raises the
    /// organization's version in the same transaction.
    #[must_use]
    pub fn decide(&self, facts: &MemberFacts) -> ChangeMemberOutcome {
        let (rules, before, after) = (&self.rules, facts.role.as_deref(), self.role());
        match (&self.what, before) {
            (What::Add(_), Some(_)) => return ChangeMemberOutcome::AlreadyMember,
            (What::Set(_) | What::Remove, None) => return ChangeMemberOutcome::Absent,
            _ => {}
        }
        if after.is_some_and(|role| !rules.knows(role) && !facts.is_defined) {
            return ChangeMemberOutcome::UnknownRole;
        }
        // Everybody can leave.
        let leaves = after.is_none() && self.by.as_ref() == Some(&self.user);
        if self.by.is_some() && !leaves {
            let reaches = |role: &str| facts.by.as_deref().is_some_and(|own| rules.reaches(own, role));
            if !before.is_none_or(reaches) || !after.is_none_or(reaches) {
                return ChangeMemberOutcome::Forbidden;
            }
        }
        if let (Some(before), Some(after)) = (before, after)
            && rules.apart.contains(before) != rules.apart.contains(after)
        {
            return ChangeMemberOutcome::Apart;
        }
        let was_owner = before == Some(self.owner_role());
        if was_owner && after != Some(self.owner_role()) && facts.owners <= 1 {
            return ChangeMemberOutcome::LastOwner;
        }
        ChangeMemberOutcome::Changed(facts.role.clone())
    }
}
