//! Identifiers of users, sessions and organizations.

use crate::{error::Error, secret};
use std::{
    convert::Infallible,
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The identifier with this text.
            #[must_use]
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub(crate) fn fresh(now: SystemTime) -> Result<Self, Error> {
                uuid_v7(now).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// The identifier of a user, which is the subject of their tokens.
    ///
    /// New ones are UUIDs of version 7 (RFC 9562). A store over a table of your own may use others, such as numbers in decimal.
    UserId,
    /// The identifier of a session. It is not secret.
    ///
    /// A principal has it together with its issuer, as [`portcullis_core::SessionId`].
    SessionId,
    /// The identifier of an organization. It is not secret.
    OrganizationId
}

/// Any text may be one. Whether there is such an organization is up to the store.
impl FromStr for OrganizationId {
    type Err = Infallible;

    fn from_str(id: &str) -> Result<Self, Infallible> {
        Ok(Self::new(id))
    }
}

/// Whether every store can keep a text that comes from outside: an identifier in a path, a name. Postgres has no NUL.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
}

/// The time in milliseconds, as every store can keep it.
pub(crate) fn in_millis(now: SystemTime) -> SystemTime {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A UUID of version 7: the time in milliseconds, then random bits.
pub(crate) fn uuid_v7(now: SystemTime) -> Result<String, Error> {
    let millis = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let random = u128::from_be_bytes(secret::random()?);
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let low = random & ((1 << 80) - 1) & !VERSION & !VARIANT;
    let id = millis << 80 | low | 0x7 << 76 | 0b10 << 62;
    let group = |shift: u32, bits: u32| (id >> shift) & ((1 << bits) - 1);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    ))
}
