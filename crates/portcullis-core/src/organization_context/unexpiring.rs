//! Contexts of other systems, without an expiry.

use super::ChosenOrganization;
use crate::{error::Error, principal::Principal, rights::Role};
use aws_lc_rs::hmac;
use std::{
    fmt::{self, Write},
    sync::Arc,
};

/// Contexts without an expiry, as another system signs them: `organization:role:signature`.
///
/// The signature is the HMAC-SHA256 of `subject:organization:role` in lower-case hex. Use it only while clients still have such
/// contexts: a removed member keeps the organization until the secret changes. The role in the text is ignored, unless it is
/// [trusted](Self::dangerous_trust_role). The kind and the issuer of the principal are not signed.
///
/// Whatever is wrong with a context, it is ignored, and the caller has no organization. See
/// [`GateBuilder::dangerous_unexpiring_context`](crate::GateBuilder::dangerous_unexpiring_context), and
/// [`OrganizationContext`](crate::OrganizationContext) for contexts that end.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let contexts = UnexpiringContext::new("the secret of the other system")?;
/// let gate = builder()?
///     .dangerous_unexpiring_context("x-org-context", contexts.clone())
///     .build()?;
/// let organization = |name, context: &str| {
///     let who = now(gate
///         .acting_as(acting_as(name))
///         .establish(&get("/").header("x-org-context", context)));
///     Ok::<_, Error>(who.principal()?.organization().map(str::to_owned))
/// };
///
/// let context = contexts.sign("alice", "acme", "owner")?;
/// assert!(context.starts_with("acme:owner:"));
/// assert_eq!(organization("alice", &context)?.as_deref(), Some("acme"));
/// assert_eq!(organization("bob", &context)?, None);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct UnexpiringContext {
    key: Arc<hmac::Key>,
    trusts_role: bool,
}

impl UnexpiringContext {
    /// Contexts signed with this secret, of any length, since the other system has chosen it.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the secret is empty or blank.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        if secret.as_ref().trim_ascii().is_empty() {
            return Err(Error::misconfigured("the secret of the organization contexts is empty"));
        }
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()));
        Ok(Self { key, trusts_role: false })
    }

    /// Gives the principal the role that the context names, everywhere.
    ///
    /// A member who gets a lesser role keeps the former one until the secret changes. Without this, roles come from the
    /// [`Membership`](crate::Membership).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let contexts = UnexpiringContext::new("the secret of the other system")?;
    /// let context = contexts.sign("alice", "acme", "owner")?;
    /// let request = || get("/").header("x-org-context", &context);
    ///
    /// let trusted = contexts.clone().dangerous_trust_role();
    /// let gate = builder()?.dangerous_unexpiring_context("x-org-context", trusted).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// assert_eq!(answer(&alice, role("owner"), request()), "200");
    ///
    /// let gate = builder()?.dangerous_unexpiring_context("x-org-context", contexts).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// assert_eq!(answer(&alice, role("owner"), request()), "403 role_required");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_trust_role(mut self) -> Self {
        self.trusts_role = true;
        self
    }

    /// A context for the principal with this subject.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the organization or the role is empty, or if one of the
    /// three has a `:`. It separates them, so `a:b` and `c` would have the signature of `a` and `b:c`.
    pub fn sign(&self, subject: &str, organization: &str, role: &str) -> Result<String, Error> {
        if [subject, organization, role].iter().any(|part| part.contains(':') || part.is_empty()) {
            let detail = "subject, organization and role of an unexpiring context are not empty and have no `:`";
            return Err(Error::misconfigured(detail));
        }
        let tag = hmac::sign(&self.key, format!("{subject}:{organization}:{role}").as_bytes());
        Ok(format!("{organization}:{role}:{}", hex(tag.as_ref())))
    }

    /// What the context says; `None` if anything is wrong with it.
    pub(crate) fn read(&self, principal: &Principal, text: &str) -> Option<ChosenOrganization> {
        let (organization, rest) = text.split_once(':')?;
        let (role, signature) = rest.split_once(':')?;
        let subject = principal.id().subject();
        if [subject, organization, role].iter().any(|part| part.contains(':') || part.is_empty()) {
            return None;
        }
        let message = format!("{subject}:{organization}:{role}");
        hmac::verify(&self.key, message.as_bytes(), &unhex(signature)?).ok()?;
        let role = self.trusts_role.then(|| Role::from(role.to_owned()));
        Some(ChosenOrganization { organization: organization.to_owned(), version: None, role })
    }
}

impl fmt::Debug for UnexpiringContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnexpiringContext").field("trusts_role", &self.trusts_role).finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower-case hex, two digits for each byte.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)?.wrapping_shl(4) | digit(*low)?)).collect()
}
