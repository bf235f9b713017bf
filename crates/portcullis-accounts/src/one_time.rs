//! Tokens that can be used once: those of links in mails, and those of sign-ins that wait for a second factor.

use crate::{
    id::UserId,
    secret::{Digest, Token},
};
use serde_json::{Map, Value};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// What a single-use token is for. It is part of the token's digest, so a token for one purpose is not valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To confirm an address. Valid for 24 hours.
    Confirm,
    /// To set a new password. Valid for an hour.
    Reset,
    /// To sign in. Valid for ten minutes.
    MagicLink,
    /// To confirm a new address. Valid for an hour.
    EmailChange,
    /// To approve an account. Valid for 24 hours.
    Approve,
    /// To complete a sign-in with a second factor. Valid for five minutes.
    SecondFactor,
}

impl Purpose {
    /// The name that stores keep.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::MagicLink => "magic_link",
            Self::EmailChange => "email_change",
            Self::Approve => "approve",
            Self::SecondFactor => "second_factor",
        }
    }

    pub(crate) const fn life(self) -> Duration {
        Duration::from_secs(match self {
            Self::Confirm | Self::Approve => 24 * 3600,
            Self::Reset | Self::EmailChange => 3600,
            Self::MagicLink => 600,
            Self::SecondFactor => 300,
        })
    }

    pub(crate) fn digest(self, token: &Token) -> Digest {
        token.digest(self.as_str())
    }
}

/// A single-use token, as stores keep it.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Clone, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct OneTime {
    /// What it is for.
    pub purpose: Purpose,
    /// The digest of purpose and token.
    pub digest: Digest,
    /// The user it is about, if there is one already.
    pub user: Option<UserId>,
    /// The user's stamp when it was made. A new password makes it invalid.
    pub stamp: i64,
    /// What else is needed when it is used, such as the new address.
    pub payload: Map<String, Value>,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTime").field("purpose", &self.purpose).field("user", &self.user).finish_non_exhaustive()
    }
}
