//! Principals, and the names of principals, sessions and tokens.
//!
//! A verifier makes a principal, and a [`Directory`](crate::Directory) may add an [`Account`] to it. After that it does not
//! change. It is one pointer, because every extractor and policy of a request gets a clone.

mod account;
mod id;
mod parts;
mod sign_in;

pub use account::Account;
pub use id::{PrincipalId, SessionId, TokenId};
use parts::End;
pub(crate) use parts::Parts;

use crate::{
    claims::{Claims, Text},
    error::Error,
    organization_context::ChosenOrganization,
    rights::{KeyScopes, Permission, PermissionSet, Role},
};
use serde::de::DeserializeOwned;
use std::{
    borrow::Cow,
    fmt, iter, mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A verified identity: a user, a service, or a key.
///
/// It has what every application needs; read what only yours knows from the [`claims`](Self::claims). Cheap to clone.
/// `Debug` shows kind and issuer only.
///
/// Verifiers make principals from tokens. An [`Authenticator`](crate::Authenticator) of yours builds one itself, with
/// everything that policies need:
///
/// ```
/// use portcullis_core::{Permission, PermissionSet, Principal, PrincipalKind};
/// use std::time::{Duration, SystemTime};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let (issued, expires) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(900));
/// let exporter = Principal::new(PrincipalKind::Key, "exporter")
///     .with_issuer("https://keys.example.com")
///     .with_organization("acme")
///     .with_token_id("key-7")
///     .with_session("s1")
///     .with_role("reader")
///     .with_scope("reports")
///     .with_permissions(PermissionSet::new(["report:read"])?)
///     .with_staff(false)
///     .with_times(Some(issued), Some(expires))
///     .with_leeway(Duration::from_secs(30));
///
/// assert_eq!(exporter.id().to_string(), "key|https://keys.example.com|exporter");
/// assert_eq!(
///     exporter.token_id().map(|id| id.to_string()).as_deref(),
///     Some("https://keys.example.com|key-7")
/// );
/// assert_eq!(
///     (exporter.organization(), exporter.roles()),
///     (Some("acme"), &["reader".into()][..])
/// );
/// assert!(exporter.has_permission(&Permission::from_static("report:read")));
/// assert!(
///     !exporter.has_permission(&Permission::from_static("report:delete"))
///         && !exporter.is_staff()
/// );
/// assert_eq!(format!("{exporter:?}"), "Principal(Key of `https://keys.example.com`, ..)");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Parts>);

/// The kinds of principals.
///
/// The kind is a part of the [`PrincipalId`], so a user and a service with the same subject are two principals.
///
/// ```
/// use portcullis_core::{Error, Principal, PrincipalKind};
///
/// fn people_only(principal: &Principal) -> Result<(), Error> {
///     match principal.kind() {
///         PrincipalKind::User => Ok(()),
///         _ => Err(Error::denied("people_only")), // also a kind that a later version adds
///     }
/// }
///
/// assert!(people_only(&Principal::new(PrincipalKind::User, "alice")).is_ok());
/// assert!(people_only(&Principal::new(PrincipalKind::Service, "alice")).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person. The default of a [`ClaimMap`](crate::ClaimMap).
    User,
    /// A program with an account of its own, such as an OAuth client, or one with a [`SharedSecret`](crate::SharedSecret).
    Service,
    /// A key that was issued to a client, such as an API key that a user created.
    Key,
}

impl PrincipalKind {
    const ALL: [Self; 3] = [Self::User, Self::Service, Self::Key];

    /// As in the text of a [`PrincipalId`].
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Key => "key",
        }
    }
}

impl From<Parts> for Principal {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Principal {
    /// A principal without any roles or rights, for verifiers to return. It has no issuer, no end, and is not staff.
    #[must_use]
    pub fn new(kind: PrincipalKind, subject: impl Into<String>) -> Self {
        Self::of(PrincipalId::new(kind, subject))
    }

    pub(crate) fn of(id: PrincipalId) -> Self {
        Parts::of(id).into()
    }

    /// Whether it is this very value, and no equal one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// With this issuer.
    #[must_use]
    pub fn with_issuer(self, issuer: impl Into<Arc<str>>) -> Self {
        self.with(|inner| inner.id.set_issuer(issuer.into()))
    }

    /// Of this kind.
    #[must_use]
    pub fn with_kind(self, kind: PrincipalKind) -> Self {
        self.with(|inner| inner.id.set_kind(kind))
    }

    /// With the organization in which it acts.
    #[must_use]
    pub fn with_organization(self, organization: impl Into<String>) -> Self {
        self.with(|inner| {
            inner.organization = Some(organization.into().into());
            if inner.more().chosen.is_some() {
                inner.more_mut().chosen = None;
            }
        })
    }

    /// With the session of its credential, by its id at the issuer. [`end_session`](crate::RevocationList::end_session) then
    /// ends it.
    #[must_use]
    pub fn with_session(self, session: impl Into<String>) -> Self {
        self.with(|inner| inner.session = Some(session.into().into()))
    }

    /// With the id of its credential at the issuer, such as that of an API key.
    #[must_use]
    pub fn with_token_id(self, id: impl Into<String>) -> Self {
        self.with(|inner| inner.more_mut().token_id = Some(id.into()))
    }

    /// With one more role that it has everywhere.
    #[must_use]
    pub fn with_role(self, role: impl Into<Role>) -> Self {
        self.with(|inner| append(&mut inner.roles, [role.into()]))
    }

    /// With one more scope.
    #[must_use]
    pub fn with_scope(self, scope: impl Into<String>) -> Self {
        self.with(|inner| append(&mut inner.scopes, [scope.into()]))
    }

    /// With the scopes of its key, which narrow what it may do: see [`KeyScopes`]. They replace its other scopes.
    #[must_use]
    pub fn with_key_scopes(self, scopes: KeyScopes) -> Self {
        self.with(|inner| inner.more_mut().key_scopes = Some(scopes).filter(|scopes| !scopes.has_all_rights()))
    }

    /// With these permissions instead of those it had.
    #[must_use]
    pub fn with_permissions(self, permissions: PermissionSet) -> Self {
        self.with(|inner| inner.more_mut().permissions = permissions)
    }

    /// With or without the staff flag.
    #[must_use]
    pub fn with_staff(self, staff: bool) -> Self {
        self.with(|inner| inner.staff = Some(staff))
    }

    /// With the time at which its credential was issued, and the end of its validity. The gate does not refuse a principal that has ended: see
    /// [`Authenticator`](crate::Authenticator#the-end-of-a-credential).
    #[must_use]
    pub fn with_times(self, issued_at: Option<SystemTime>, expires_at: Option<SystemTime>) -> Self {
        self.with(|inner| {
            let more = inner.more_mut();
            (more.issued_at, more.end) = (issued_at, Some(End(expires_at)));
        })
    }

    /// With the leeway for the clock of its issuer, which may be ahead: see [`precedes`](Self::precedes).
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        self.with(|inner| inner.leeway = leeway)
    }

    /// The principal as its issuer describes it, which has to be the one that its token was verified for.
    pub(crate) fn confirming(self, verified: &Self) -> Result<Self, Error> {
        if self.id() != verified.id() {
            return Err(Error::invalid("the issuer's answer is about another principal than the token"));
        }
        let described = self.with(|inner| inner.session = inner.session.take().or_else(|| verified.0.session.clone()));
        Ok(described.and_by_token(verified.clone()))
    }

    /// With the same principal as its token describes it, verified or not. Both may be revoked, and the earlier expiry counts.
    pub(crate) fn and_by_token(self, own: Self) -> Self {
        let end = self.expires_at().into_iter().chain(own.expires_at()).min();
        let own = match own.since() {
            Some(_) => own,
            None => own.with(|inner| inner.more_mut().issued_at = self.since()),
        };
        self.with(|inner| {
            let more = inner.more_mut();
            (more.end, more.by_token) = (Some(End(end)), Some(own));
        })
    }

    /// Its identity, by kind, issuer and subject: compare and store this. The subject alone, `id().subject()`, is unique
    /// only at its issuer.
    #[must_use]
    pub fn id(&self) -> &PrincipalId {
        &self.0.id
    }

    /// What kind of principal it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.0.id.kind()
    }

    /// Its issuer; `None` if that is this service itself.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.id.issuer()
    }

    pub(crate) fn issuer_shared(&self) -> Option<Arc<str>> {
        self.0.id.issuer_shared()
    }

    /// The organization in which it acts.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.0.organization.as_ref().map(Text::as_str)
    }

    /// The version of the organization, where a signed context has chosen it: see
    /// [`OrganizationContext`](crate::OrganizationContext).
    #[must_use]
    pub fn organization_version(&self) -> Option<u64> {
        self.chosen_organization()?.version
    }

    pub(crate) fn chosen_organization(&self) -> Option<&ChosenOrganization> {
        self.0.more().chosen.as_deref()
    }

    /// In the organization that it chose. One that belongs to an organization cannot choose another.
    pub(crate) fn acting_in(self, chosen: ChosenOrganization) -> Result<Self, Error> {
        if self.organization().is_some_and(|own| own != chosen.organization) {
            return Err(Error::invalid_context(
                "it is for another organization than that of the credential or account",
            ));
        }
        Ok(self.with(|inner| {
            inner.organization = Some(chosen.organization.clone().into());
            append(&mut inner.roles, chosen.role.clone());
            inner.more_mut().chosen = Some(Arc::new(chosen));
        }))
    }

    /// The session of its credential, if known.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session_text().map(|id| SessionId::of(self.issuer_shared(), id))
    }

    pub(crate) fn session_text(&self) -> Option<&str> {
        self.0.session.as_ref().map(Text::as_str)
    }

    /// The id of its credential, if it has one; for a token its `jti`.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        self.token_id_text().map(|id| TokenId::of(self.issuer_shared(), id))
    }

    pub(crate) fn token_id_text(&self) -> Option<Cow<'_, str>> {
        let own = self.0.more().token_id.as_deref().map(Cow::Borrowed);
        own.or_else(|| self.all_claims().find_map(Claims::token_id))
    }

    /// The roles that it has everywhere. For those on a resource see [`Membership`](crate::Membership).
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// The scopes granted to its client (RFC 6749, section 3.3).
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.key_scopes().map_or(&self.0.scopes, KeyScopes::list)
    }

    /// The scopes of its key, which narrow what it may do; `None` if nothing narrows it.
    #[must_use]
    pub fn key_scopes(&self) -> Option<&KeyScopes> {
        self.0.more().key_scopes.as_ref()
    }

    /// Its own permissions. The gate adds those of its roles.
    #[must_use]
    pub fn permissions(&self) -> &PermissionSet {
        &self.0.more().permissions
    }

    /// Whether this permission is one of its own.
    #[must_use]
    pub fn has_permission(&self, permission: &Permission) -> bool {
        self.permissions().contains(permission)
    }

    /// Whether it is staff, who run the service.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        self.0.staff == Some(true)
    }

    /// The same; `None` if that is not known.
    pub(crate) fn staff_flag(&self) -> Option<bool> {
        self.0.staff
    }

    /// When its token was issued (`iat`), or its credential, if its verifier says so.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.all_claims().find_map(Claims::issued_at).or(self.0.more().issued_at)
    }

    pub(crate) fn leeway(&self) -> Duration {
        self.0.leeway
    }

    /// Whether its credential counts as issued before a sign-out at this time. It does if it was issued until then, or
    /// later by at most the leeway of its issuer, whose clock may be ahead. If the time of issue is not known, the time of
    /// the sign-in counts. If that is not known either, it counts as issued before. For [`Revocations`](crate::Revocations)
    /// of your own that store one time for each principal:
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalKind};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let (sign_out, alice) = (SystemTime::now(), Principal::new(PrincipalKind::User, "alice"));
    /// let issued = |at| alice.clone().with_times(Some(at), None);
    /// assert!(issued(sign_out - Duration::from_secs(1)).precedes(sign_out));
    /// assert!(!issued(sign_out + Duration::from_secs(1)).precedes(sign_out));
    /// assert!(alice.precedes(sign_out)); // it is not known when
    /// ```
    #[must_use]
    pub fn precedes(&self, sign_out: SystemTime) -> bool {
        self.since().zip(sign_out.checked_add(self.0.leeway)).is_none_or(|(issued, last)| issued <= last)
    }

    pub(crate) fn since(&self) -> Option<SystemTime> {
        self.issued_at().or_else(|| self.authenticated_at())
    }

    /// This principal, and the same one as its token describes it, if its issuer was asked. Either may be revoked.
    pub(crate) fn each_description(&self) -> impl Iterator<Item = &Self> {
        iter::once(self).chain(self.by_token())
    }

    pub(crate) fn by_token(&self) -> Option<&Self> {
        self.0.more().by_token.as_ref()
    }

    fn all_claims(&self) -> impl Iterator<Item = &Claims> {
        self.each_description().filter_map(Self::token_claims)
    }

    /// Until when it is valid, if that ends. A [`Lease`](crate::Lease) ends then; a request is not refused for it.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        match self.0.more().end {
            Some(End(end)) => end,
            None => self.token_claims()?.expires_at(),
        }
    }

    /// The claims of its token, if it has one. A principal of a [`SharedSecret`](crate::SharedSecret), an authenticator or
    /// [`acting_as`](crate::Gate::acting_as) has none.
    #[must_use]
    pub fn token_claims(&self) -> Option<&Claims> {
        self.0.claims.as_ref()
    }

    /// The claims of its token as a type of yours: parsed on first use, then shared.
    ///
    /// ```
    /// use portcullis_core::{
    ///     Credential, CredentialSource, Error, Principal, Verifier,
    ///     testing::{TestIssuer, acting_as},
    /// };
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Profile {
    ///     email: String,
    /// }
    ///
    /// fn email(principal: &Principal) -> Result<&str, Error> {
    ///     Ok(&principal.claims::<Profile>()?.email)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let token = issuer.token("alice").claim("email", "alice@example.com").sign();
    /// let alice = Verifier::from(issuer.verifier())
    ///     .authenticate(&Credential::new(token, CredentialSource::bearer()))
    ///     .await?;
    /// assert_eq!(email(&alice)?, "alice@example.com");
    /// assert!(email(&acting_as("bob")).is_err()); // no token
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if there was no token, or its claims do not fit the type.
    pub fn claims<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<&T, Error> {
        self.token_claims().ok_or_else(|| Error::invalid("the principal has no token, and so no claims"))?.view()
    }
}

/// A principal has no room for more of them than it has.
fn append<T>(list: &mut Box<[T]>, more: impl IntoIterator<Item = T>) {
    *list = mem::take(list).into_iter().chain(more).collect();
}

/// Shows kind and issuer only: a subject may be an e-mail address, and a session's id a credential.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({:?}, ..)", self.id())
    }
}
