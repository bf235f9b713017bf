//! Organizations: what they are, who belongs to them, and who is invited.

mod active;
pub(crate) mod gate;
mod invitations;
mod organizations;
mod roles;
mod rules;

pub use organizations::Organizations;
pub use rules::{ChangeMemberOutcome, MemberChange, MemberFacts};

use crate::{
    email::EmailAddress,
    id::{OrganizationId, UserId},
};
use serde_json::{Map, Value};
use std::time::SystemTime;

/// An organization.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct Organization {
    /// The identifier.
    pub id: OrganizationId,
    /// The short name for addresses, which no other organization has: letters `a` to `z`, digits, and `-` between them.
    pub slug: String,
    /// The name.
    pub name: String,
    /// Fields of the application.
    pub extra: Map<String, Value>,
    /// Raised by every change of members and roles.
    pub version: u64,
    /// When it was created.
    pub created_at: SystemTime,
}

/// What to change in an organization. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct OrganizationChange {
    /// Another name.
    pub name: Option<String>,
    /// Another short name.
    pub slug: Option<String>,
    /// Other fields of the application.
    pub extra: Option<Map<String, Value>>,
}

impl OrganizationChange {
    /// Makes the change.
    pub fn apply(self, organization: &mut Organization) {
        let OrganizationChange { name, slug, extra } = self;
        name.into_iter().for_each(|name| organization.name = name);
        slug.into_iter().for_each(|slug| organization.slug = slug);
        extra.into_iter().for_each(|extra| organization.extra = extra);
    }
}

/// A member of an organization.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct Member {
    /// The organization.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// The role in the organization.
    pub role: String,
    /// When the user became a member.
    pub since: SystemTime,
}

/// An invitation to an address.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct Invitation {
    /// The organization.
    pub organization: OrganizationId,
    /// The address that is invited. Only an account that has confirmed it can accept.
    pub email: EmailAddress,
    /// The role that it gives.
    pub role: String,
    /// Who invited. `None` for the service itself.
    pub invited_by: Option<UserId>,
    /// When it expires.
    pub expires_at: SystemTime,
}

/// Who changes something about members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum By<'a> {
    /// A member, whose own role limits which roles they can change and give.
    Member(&'a UserId),
    /// The service itself, such as a job or its administrators. Only the last owner is protected.
    Service,
}

impl<'a> By<'a> {
    pub(crate) fn user(self) -> Option<&'a UserId> {
        match self {
            Self::Member(user) => Some(user),
            Self::Service => None,
        }
    }
}
