//! Users, as stores keep them.

use crate::{email::EmailAddress, id::UserId};
use serde_json::{Map, Value};
use std::{fmt, time::SystemTime};

/// A user.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column. `Debug` shows the identifier.
#[derive(Clone, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct User {
    /// The identifier, which is the subject of tokens.
    pub id: UserId,
    /// The address that the user signs in with.
    pub email: EmailAddress,
    /// When the user proved that the address is theirs.
    pub email_confirmed_at: Option<SystemTime>,
    /// The hash of the password, in the PHC string format. `None` for users without a password.
    pub password_hash: Option<String>,
    /// Changes with the password, and whenever all sessions shall end. Sessions and single-use tokens with another stamp are
    /// not valid.
    pub stamp: i64,
    /// The role that the user has everywhere.
    pub role: String,
    /// Whether the user runs the service.
    pub is_staff: bool,
    /// When an administrator approved the account.
    pub approved_at: Option<SystemTime>,
    /// When an administrator disabled the account.
    pub disabled_at: Option<SystemTime>,
    /// Fields of the application. The endpoints show all of them to their user.
    pub extra: Map<String, Value>,
    /// When the user signed up.
    pub created_at: SystemTime,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// A user to add. See [`User`] for the fields.
#[derive(Clone)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct NewUser {
    /// A new identifier. A store with identifiers of its own returns another one.
    pub id: UserId,
    /// The address.
    pub email: EmailAddress,
    /// When the address was confirmed.
    pub email_confirmed_at: Option<SystemTime>,
    /// The hash of the password.
    pub password_hash: Option<String>,
    /// The role.
    pub role: String,
    /// When the account was approved.
    pub approved_at: Option<SystemTime>,
    /// Fields of the application.
    pub extra: Map<String, Value>,
    /// The time.
    pub created_at: SystemTime,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The user that a store makes of it: stamp 0, not staff, not disabled.
impl From<NewUser> for User {
    fn from(new: NewUser) -> Self {
        let NewUser { id, email, email_confirmed_at, password_hash, role, approved_at, extra, created_at } = new;
        let (stamp, is_staff, disabled_at) = (0, false, None);
        Self {
            id,
            email,
            email_confirmed_at,
            password_hash,
            stamp,
            role,
            is_staff,
            approved_at,
            disabled_at,
            extra,
            created_at,
        }
    }
}

/// An identity of a user at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct LinkedIdentity {
    /// The provider's name, `iss` of its ID tokens.
    pub issuer: String,
    /// Who the user is there, `sub` of its ID tokens.
    pub subject: String,
    /// When it was linked.
    pub linked_at: SystemTime,
}

/// A change of a user. `None` leaves a field as it is.
#[derive(Clone, Default)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct UserChange {
    /// Another address, and when it was confirmed.
    pub email: Option<(EmailAddress, SystemTime)>,
    /// When the address was confirmed. A user whose address is confirmed already keeps the earlier time.
    pub confirmed_at: Option<SystemTime>,
    /// Another password, or none any more.
    pub password_hash: Option<Option<String>>,
    /// Another role.
    pub role: Option<String>,
    /// Staff or not.
    pub is_staff: Option<bool>,
    /// Approved or not.
    pub approved_at: Option<Option<SystemTime>>,
    /// Disabled or not.
    pub disabled_at: Option<Option<SystemTime>>,
    /// Fields of the application to set. `null` removes one.
    pub extra: Map<String, Value>,
    /// Whether the stamp changes, which ends all sessions.
    pub new_stamp: bool,
    /// Changes the user only if the stamp is still this one.
    pub if_stamp: Option<i64>,
}

impl UserChange {
    /// Applies the change to a user, regardless of [`if_stamp`](Self::if_stamp).
    pub fn apply(self, user: &mut User) {
        if let Some((email, at)) = self.email {
            (user.email, user.email_confirmed_at) = (email, Some(at));
        }
        user.email_confirmed_at = user.email_confirmed_at.or(self.confirmed_at);
        if let Some(hash) = self.password_hash {
            user.password_hash = hash;
        }
        if let Some(role) = self.role {
            user.role = role;
        }
        user.is_staff = self.is_staff.unwrap_or(user.is_staff);
        user.approved_at = self.approved_at.unwrap_or(user.approved_at);
        user.disabled_at = self.disabled_at.unwrap_or(user.disabled_at);
        for (name, value) in self.extra {
            match value {
                Value::Null => user.extra.remove(&name),
                value => user.extra.insert(name, value),
            };
        }
        user.stamp = user.stamp.saturating_add(i64::from(self.new_stamp));
    }
}

impl fmt::Debug for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserChange")
            .field("new_stamp", &self.new_stamp)
            .field("if_stamp", &self.if_stamp)
            .finish_non_exhaustive()
    }
}
