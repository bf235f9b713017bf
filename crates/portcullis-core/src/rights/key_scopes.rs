//! What an API key may be used for, of what its owner may do.

use super::PermissionSet;
use crate::error::{Error, ErrorKind};
use std::{fmt, str::FromStr, sync::Arc};

/// The scopes of an API key: all rights of its owner, or the permissions and scopes on a list.
///
/// A scope is a permission, with wildcards as in a [`PermissionSet`], or a word for [`scope`](crate::policy::scope). A key with
/// scopes passes only where the policy names a permission or scope that the key has. There, its owner has to be allowed as
/// well.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let roles = RoleHierarchy::builder().ranked(["editor"]).permits("editor", ["kb:*"]).build()?;
/// let gate = builder()?.roles(roles).build()?;
/// let key = |scopes| {
///     gate.acting_as(acting_as("alice").with_role("editor").with_key_scopes(scopes))
/// };
///
/// let reads = key(KeyScopes::new(["kb:read", "user:*"])?);
/// assert_eq!(answer(&reads, permission("kb:read"), get("/kb")), "200");
/// // a right of the owner, and not of the key
/// assert_eq!(answer(&reads, permission("kb:write"), get("/kb")), "403 scope_required");
/// // a right of the key, and not of the owner
/// assert_eq!(answer(&reads, permission("user:read"), get("/users")), "403 permission_required");
///
/// // A role alone names no permission. Beside one that the key has, it is asked.
/// assert_eq!(answer(&reads, role("editor"), get("/kb")), "403 scope_required");
/// assert_eq!(answer(&reads, all((permission("kb:read"), role("editor"))), get("/kb")), "200");
/// assert_eq!(answer(&key(KeyScopes::all_rights()), role("editor"), get("/kb")), "200");
/// # Ok(()) }
/// ```
///
/// As text, to store it, the scopes are separated by spaces; `*` alone is all rights. `Debug` shows how many there are.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyScopes(Option<Arc<List>>);

#[derive(PartialEq, Eq)]
struct List {
    texts: Vec<String>,
    permissions: PermissionSet,
}

impl KeyScopes {
    /// These scopes.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] (400, `invalid_scope`) if there is none, or if a text is neither a permission nor a word. A star
    /// is allowed in permissions only.
    pub fn new<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut texts: Vec<String> = scopes.into_iter().map(|scope| scope.as_ref().to_owned()).collect();
        texts.sort();
        texts.dedup();
        let (mut permissions, mut is_malformed) = (Vec::new(), texts.is_empty());
        for text in &texts {
            match PermissionSet::new([text]) {
                Ok(_) => permissions.push(text),
                Err(_) => is_malformed |= text.contains('*') || !super::is_word(text.as_bytes()),
            }
        }
        if is_malformed {
            let detail = "a key has one scope or more, each of the form `resource:action` or a word without spaces";
            return Err(Error::new(ErrorKind::Rejected, detail).with_code("invalid_scope"));
        }
        let permissions = PermissionSet::new(permissions)?;
        Ok(Self(Some(Arc::new(List { texts, permissions }))))
    }

    /// All rights of the owner, those of the future included.
    #[must_use]
    pub fn all_rights() -> Self {
        Self(None)
    }

    /// Whether these are all rights of the owner.
    #[must_use]
    pub fn has_all_rights(&self) -> bool {
        self.0.is_none()
    }

    /// The scopes on the list, in order; empty for all rights.
    #[must_use]
    pub fn list(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |list| &list.texts)
    }

    pub(crate) fn permit(&self, permission: &str) -> bool {
        self.0.as_ref().is_none_or(|list| list.permissions.holds(permission))
    }

    pub(crate) fn name(&self, scope: &str) -> bool {
        self.0.as_ref().is_none_or(|list| list.texts.iter().any(|text| text == scope))
    }
}

impl fmt::Display for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_all_rights() { f.write_str("*") } else { f.write_str(&self.list().join(" ")) }
    }
}

impl FromStr for KeyScopes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "*" { Ok(Self::all_rights()) } else { Self::new(text.split(' ')) }
    }
}

impl fmt::Debug for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(list) => write!(f, "KeyScopes({})", list.texts.len()),
            None => f.write_str("KeyScopes(all rights)"),
        }
    }
}
