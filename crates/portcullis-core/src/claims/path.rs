//! Where a claim is in a token.

use crate::error::Error;
use std::{borrow::Cow, fmt, str::FromStr};

/// The place of a claim: its name, or a JSON pointer (RFC 6901) if it begins with a slash.
///
/// `scope` and `https://example.com/roles` are names, in which slashes and dots have no meaning. `/realm_access/roles` is the
/// claim `roles` inside the claim `realm_access`. In a pointer, `~1` stands for a slash and `~0` for a tilde.
///
/// Everything that takes a place also takes a string, and refuses a malformed one. A place as a constant fails the build
/// instead:
///
/// ```
/// use portcullis_core::{ClaimPath, testing::TestIssuer};
/// use serde_json::json;
///
/// const TENANT: ClaimPath = ClaimPath::from_static("/https:~1~1example.com~1app/tenant");
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let token = issuer
///     .token("alice")
///     .claim("https://example.com/app", json!({ "tenant": "acme" }))
///     .claim("a.b", "dotted");
/// let claims = issuer.verifier().verify(&token.sign())?;
/// assert_eq!(claims.get::<String>(TENANT)?.as_deref(), Some("acme"));
/// assert_eq!(claims.get::<String>("a.b")?.as_deref(), Some("dotted"));
///
/// assert_eq!("/realm_access/roles".parse::<ClaimPath>()?.as_str(), "/realm_access/roles");
/// assert!("/a~b".parse::<ClaimPath>().is_err()); // `~` is written `~0`
/// assert!("".parse::<ClaimPath>().is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimPath(Cow<'static, str>);

impl ClaimPath {
    /// A place from a literal. A malformed one fails the build if this is evaluated in a constant.
    ///
    /// # Panics
    /// If the text is empty, or is a pointer with a tilde that is not followed by `0` or `1`.
    #[must_use]
    #[track_caller]
    pub const fn from_static(path: &'static str) -> Self {
        Self(Cow::Borrowed(checked(path)))
    }

    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is malformed.
    pub(crate) fn new(path: impl AsRef<str>) -> Result<Self, Error> {
        check(path.as_ref())?;
        Ok(Self(Cow::Owned(path.as_ref().to_owned())))
    }

    /// The text, a name or a pointer.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClaimPath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self, Error> {
        Self::new(path)
    }
}

impl AsRef<str> for ClaimPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn check(path: &str) -> Result<(), Error> {
    if is_path(path.as_bytes()) {
        return Ok(());
    }
    let detail = format!(
        "{path:?} is not the place of a claim: write a name, or a JSON pointer with `~0` and `~1` for `~` and `/`"
    );
    Err(Error::misconfigured(detail))
}

/// Checks that a literal is a place.
#[track_caller]
pub(crate) const fn checked(path: &'static str) -> &'static str {
    assert!(is_path(path.as_bytes()), "the place of a claim is a name, or a JSON pointer (RFC 6901)");
    path
}

const fn is_path(mut path: &[u8]) -> bool {
    if !matches!(path, [b'/', ..]) {
        return !path.is_empty();
    }
    while let [byte, rest @ ..] = path {
        if *byte == b'~' && !matches!(rest, [b'0' | b'1', ..]) {
            return false;
        }
        path = rest;
    }
    true
}
