//! Signed contexts: in which organization a caller acts.
//!
//! A context is `oc1.{expiry}.{version}.{organization}.{signature}`: times in seconds since 1970, the organization and the
//! HMAC-SHA256 in base64url. The principal is signed and not written, so the text names nobody. Its length is signed before it,
//! so no other principal and text have the same signature. The key is derived for this purpose.
//!
//! `gate/context.rs` reads the header, and [`ChosenOrganization`] becomes a part of the principal.

mod unexpiring;
mod versions;

pub use unexpiring::UnexpiringContext;
pub use versions::OrganizationVersions;

use crate::{
    answer::Answer,
    clock::{SharedTime, Time, whole_seconds},
    error::Error,
    jwt::base64url,
    principal::Principal,
    rights::Role,
};
use aws_lc_rs::hmac;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use versions::AnyOrganizationVersions;

/// Shorter secrets can be guessed from one context.
const MIN_BYTES: usize = 32;

/// Names the format and its version.
const FORMAT: &str = "oc1";

/// What the key is derived for, so that a signature of another use of the secret is none here.
const PURPOSE: &[u8] = b"portcullis organization context 1";

/// Signs and verifies in which organization a caller acts, in a header of its requests.
///
/// A user of several organizations chooses one, and the service issues a context for it. The client sends the context with its
/// requests, beside its credential. [`GateBuilder::organization_context`](crate::GateBuilder::organization_context) verifies it
/// and sets [`Principal::organization`]. Policies ask for that by [`organization()`](crate::policy::organization). The role there
/// comes from the [`Membership`](crate::Membership), as always: the context only chooses.
///
/// A context is for one principal and one organization, and ends after five minutes. It also has the version of the
/// organization, a number that the service raises with every change of its members. [`OrganizationVersions`] knows the current
/// one, and an older context is refused.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// /// The version of each organization, for its members.
/// #[derive(Debug)]
/// struct Organizations;
///
/// impl OrganizationVersions for Organizations {
///     async fn version(&self, who: &Principal, id: &str) -> Result<Option<u64>, Error> {
///         // from a table of organizations and their members
///         Ok((who.id().subject() == "alice" && id == "5").then_some(3))
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let contexts =
/// OrganizationContext::new("a secret of at least thirty-two bytes", Organizations)?;
/// let gate = builder()?
///     .membership("organization", Projects(&[("alice", 5, "owner"), ("bob", 5, "owner")]))
///     .organization_context("x-org-context", contexts.clone())
///     .build()?;
/// const BILLING: &dyn Policy = &role("owner").on("organization", organization());
/// let billing = |name, context: &str| {
///     let gate = gate.acting_as(acting_as(name));
///     answer(&gate, BILLING, get("/billing").header("x-org-context", context))
/// };
///
/// let context = contexts.issue(&acting_as("alice"), "5", 3)?;
/// assert_eq!(billing("alice", &context), "200");
/// assert_eq!(billing("bob", &context), "401 invalid_context"); // issued to alice
///
/// let outdated = contexts.issue(&acting_as("alice"), "5", 2)?;
/// assert_eq!(billing("alice", &outdated), "401 invalid_context");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct OrganizationContext {
    /// The first signs, all verify.
    keys: Vec<hmac::Key>,
    lifetime: Duration,
    /// `None`: a context is valid until it expires.
    versions: Option<Arc<dyn AnyOrganizationVersions>>,
    time: Arc<SharedTime>,
}

impl OrganizationContext {
    /// Contexts signed with this secret, refused when their version is outdated.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the secret has less than 32 bytes.
    pub fn new(secret: impl AsRef<[u8]>, versions: impl OrganizationVersions) -> Result<Self, Error> {
        Ok(Self { versions: Some(Arc::new(versions)), ..Self::offline(secret)? })
    }

    /// Contexts signed with this secret, valid until they expire.
    ///
    /// For a service that cannot ask for the current version. A removed member has the organization for up to the
    /// [lifetime](Self::lifetime) of its context, so use it only where policies ask a [`Membership`](crate::Membership) for the
    /// role.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let contexts = OrganizationContext::offline("a secret of at least thirty-two bytes")?;
    /// let gate = builder()?.organization_context("x-org-context", contexts.clone()).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    ///
    /// let request = get("/").header("x-org-context", &contexts.issue(&acting_as("alice"), "5", 1)?);
    /// let who = now(alice.establish(&request));
    /// assert_eq!(who.principal()?.organization(), Some("5"));
    /// assert_eq!(who.principal()?.organization_version(), Some(1));
    /// assert!(OrganizationContext::offline("too short").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the secret has less than 32 bytes.
    pub fn offline(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let lifetime = Duration::from_secs(300);
        Self { keys: Vec::new(), lifetime, versions: None, time: Arc::default() }.also(secret)
    }

    /// Adds a secret that contexts are verified with, too, so that secrets can be changed without a gap. The first one signs.
    ///
    /// ```
    /// use portcullis_core::OrganizationContext;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let (current, former) =
    ///     ("pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU");
    /// let contexts = OrganizationContext::offline(current)?.also(former)?;
    /// # let _ = contexts; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the secret has less than 32 bytes.
    pub fn also(mut self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let (secret, given) = (secret.as_ref(), secret.as_ref().len());
        if given < MIN_BYTES {
            let detail =
                format!("organization contexts need a secret of at least {MIN_BYTES} bytes, and this one has {given}");
            return Err(Error::misconfigured(detail));
        }
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
        self.keys.push(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()));
        Ok(self)
    }

    /// How long a context is valid: five minutes by default.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// A context for this principal, for the header of its requests.
    ///
    /// Check before that the principal is a member:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// async fn choose(
    ///     caller: Caller,
    ///     contexts: &OrganizationContext,
    ///     organization: &str,
    /// ) -> Result<String, Error> {
    ///     caller.require(role("viewer").on("organization", id(organization))).await?;
    ///     let version = 3; // of the organization, from its row
    ///     contexts.issue(caller.principal(), organization, version)
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// # let contexts = OrganizationContext::offline("a secret of at least thirty-two bytes")?;
    /// # let gate = builder()?.membership("organization", Projects(&[("alice", 5, "owner")])).build()?;
    /// # let caller = |name| {
    /// #     let gate = gate.acting_as(acting_as(name));
    /// #     now(gate.establish(&get("/"))).caller(&get("/"))
    /// # };
    /// assert!(now(choose(caller("alice")?, &contexts, "5")).is_ok());
    /// assert!(now(choose(caller("bob")?, &contexts, "5")).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the organization is empty.
    pub fn issue(&self, principal: &Principal, organization: &str, version: u64) -> Result<String, Error> {
        let key = self.keys.first().filter(|_| !organization.is_empty());
        let key = key.ok_or_else(|| Error::misconfigured("a context needs the id of an organization"))?;
        let expiry = whole_seconds(self.time.now()).saturating_add(self.lifetime.as_secs());
        let organization = base64url::encode(organization.as_bytes());
        let signed = format!("{FORMAT}.{expiry}.{version}.{organization}");
        let signature = base64url::encode(hmac::sign(key, &message(principal, &signed)).as_ref());
        Ok(format!("{signed}.{signature}"))
    }

    /// What the context says, if it was signed for this principal and has not expired.
    pub(crate) fn verify(
        &self,
        principal: &Principal,
        text: &str,
        now: SystemTime,
    ) -> Result<ChosenOrganization, Error> {
        let (chosen, expiry) = self.read(principal, text).ok_or_else(|| {
            Error::invalid_context("it is malformed, or was not signed with a known secret for this caller")
        })?;
        if expiry <= whole_seconds(now) {
            return Err(Error::invalid_context("it has expired; issue another one"));
        }
        Ok(chosen)
    }

    fn read(&self, principal: &Principal, text: &str) -> Option<(ChosenOrganization, u64)> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (message, signature) = (message(principal, signed), base64url::decode(signature.as_bytes())?);
        // All keys are tried, so that the time does not show which one fits.
        let fits = |key: &hmac::Key| hmac::verify(key, &message, &signature).is_ok();
        if !self.keys.iter().fold(false, |found, key| fits(key) | found) {
            return None;
        }
        let mut parts = signed.split('.');
        let (format, expiry, version) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let organization = String::from_utf8(base64url::decode(parts.next()?.as_bytes())?).ok()?;
        let chosen = ChosenOrganization { organization, version: Some(version), role: None };
        (format == FORMAT && parts.next().is_none()).then_some((chosen, expiry))
    }

    /// The principal in this organization, unless the version is outdated.
    pub(crate) fn enter(
        &self,
        principal: Principal,
        chosen: ChosenOrganization,
    ) -> Answer<'static, Result<Principal, Error>> {
        let signed = chosen.version;
        self.ask(principal, chosen, move |current| signed >= Some(current))
    }

    /// The principal in the organization that it chose before, if it is still a member. A change of other members does not end
    /// a connection.
    pub(crate) fn stay(
        &self,
        principal: Principal,
        chosen: ChosenOrganization,
    ) -> Answer<'static, Result<Principal, Error>> {
        self.ask(principal, chosen, |_| true)
    }

    fn ask(
        &self,
        principal: Principal,
        chosen: ChosenOrganization,
        is_current: impl FnOnce(u64) -> bool + Send + 'static,
    ) -> Answer<'static, Result<Principal, Error>> {
        let Some(versions) = self.versions.clone() else { return Answer::now(principal.acting_in(chosen)) };
        let asked = versions.version(principal.clone(), chosen.organization.clone());
        asked.map(move |version| match version {
            Ok(Some(current)) if is_current(current) => principal.acting_in(chosen),
            Ok(Some(_)) => Err(Error::invalid_context("it is outdated, since the organization has changed")),
            Ok(None) => Err(Error::invalid_context("the caller is no member of the organization")),
            Err(error) if error.status() >= 500 => Err(error),
            Err(error) => {
                Err(Error::new(crate::ErrorKind::Unavailable, "the version of the organization could not be read")
                    .with_cause(error))
            }
        })
    }

    /// Sets its clock.
    ///
    /// # Errors
    /// If it uses another one.
    pub(crate) fn settle(&self, time: &Time) -> Result<(), Error> {
        if self.time.settle(time) {
            return Ok(());
        }
        Err(Error::misconfigured(
            "the organization context uses another clock than the gate: that of another gate, or the system's because a context \
             was issued before; share one clock, and build the gate before contexts are issued",
        ))
    }
}

impl fmt::Debug for OrganizationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OrganizationContext");
        shown.field("lifetime", &self.lifetime).field("versions", &self.versions).finish_non_exhaustive()
    }
}

/// What a verified context says. A part of the principal from then on.
#[derive(Clone)]
pub(crate) struct ChosenOrganization {
    pub(crate) organization: String,
    pub(crate) version: Option<u64>,
    /// The role that an unexpiring context names, where it is trusted.
    pub(crate) role: Option<Role>,
}

/// What is signed: the principal after its length, and the text.
fn message(principal: &Principal, signed: &str) -> Vec<u8> {
    let id = principal.id().to_string();
    let length = (id.len() as u64).to_be_bytes();
    [&length[..], id.as_bytes(), signed.as_bytes()].concat()
}
