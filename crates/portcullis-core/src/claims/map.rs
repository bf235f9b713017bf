use super::{ClaimPath, Claims, Registered};
use crate::{
    error::Error,
    json::{Object, Value},
    permission::PermissionSet,
    principal::{Method, Principal, PrincipalKind},
    role::Role,
};
use std::{borrow::Cow, sync::Arc};

/// How an issuer's claims become a principal.
///
/// Every place is a [`ClaimPath`]: a claim's name, or a JSON pointer (RFC 6901) such as `/realm_access/roles`.
/// What is not named here is not read, and what has another type than expected gives nothing: a flag is true only for
/// JSON `true` or `1`, never for a text.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::ClaimMap;
///
/// let keycloak = ClaimMap::new().roles("/realm_access/roles")?.scopes("scope")?;
/// let directus = ClaimMap::new().subject("id")?.roles("role")?.staff("admin_access")?;
/// # let _ = (keycloak, directus); Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ClaimMap {
    subject: ClaimPath,
    roles: Vec<ClaimPath>,
    scopes: Vec<ClaimPath>,
    permissions: Vec<ClaimPath>,
    staff: Option<ClaimPath>,
    organization: Option<ClaimPath>,
    session: ClaimPath,
    kind: PrincipalKind,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self {
            subject: ClaimPath::from_static("sub"),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            staff: None,
            organization: None,
            session: ClaimPath::from_static("sid"),
            kind: PrincipalKind::User,
        }
    }
}

impl ClaimMap {
    /// The subject from `sub`, the session from `sid`, the time of authentication from `auth_time` or `iat`, and nothing
    /// else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the subject stands: a text that is not empty, or an integer, which is written in decimal.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn subject(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.subject = ClaimPath::new(path)?;
        Ok(self)
    }

    /// Where roles stand: one text, or an array of texts. Call again for more places.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn roles(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.roles.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// Where scopes stand: a text of words (RFC 8693, section 4.2), or an array of texts.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn scopes(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.scopes.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// Where held permissions stand: `resource:action`, with wildcards if the issuer gives them.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn permissions(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.permissions.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The flag that makes a principal staff: JSON `true` or `1`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn staff(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.staff = Some(ClaimPath::new(path)?);
        Ok(self)
    }

    /// Where the organization stands in which the principal acts.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn organization(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.organization = Some(ClaimPath::new(path)?);
        Ok(self)
    }

    /// Where the session stands that the token belongs to; `sid` unless said otherwise (OpenID Connect Front-Channel Logout
    /// 1.0, section 3).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn session(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.session = ClaimPath::new(path)?;
        Ok(self)
    }

    /// What the principals of this issuer are; users, unless said otherwise.
    #[must_use]
    pub fn kind(mut self, kind: PrincipalKind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether a token belongs to a session, whatever its name.
    pub(crate) fn has_session(&self, claims: &Claims) -> bool {
        claims.at(self.session.as_str()).is_some()
    }

    pub(crate) fn principal(&self, claims: &Claims, issuer: Arc<str>) -> Result<Principal, Error> {
        let subject =
            claims.at(self.subject.as_str()).and_then(name).filter(|subject| !subject.is_empty()).ok_or_else(|| {
                Error::invalid(format!("the token does not say whom it is about: `{}` is no text", self.subject))
            })?;
        let mut principal = Principal::new(self.kind, subject).with_method(Method::Token).with_issuer(issuer);
        for role in self.roles.iter().flat_map(|path| texts(claims.at(path.as_str()))) {
            principal = principal.with_role(Role::new(role));
        }
        let scopes = self.scopes.iter().flat_map(|path| texts(claims.at(path.as_str())));
        for scope in scopes.flat_map(|text| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
            principal = principal.with_scope(scope);
        }
        if !self.permissions.is_empty() {
            let held = self.permissions.iter().flat_map(|path| texts(claims.at(path.as_str())));
            principal = principal.with_permissions(PermissionSet::from_untrusted(held));
        }
        if let Some(organization) = self.organization.as_ref().and_then(|path| claims.at(path.as_str())?.as_str()) {
            principal = principal.with_organization(organization);
        }
        if let Some(session) = claims.at(self.session.as_str()).and_then(name) {
            principal = principal.with_session(session);
        }
        let staff = self.staff.as_ref().and_then(|path| claims.at(path.as_str())).is_some_and(is_set);
        // A time that cannot be read is not replaced by `iat`: that would make an old sign-in look new.
        let since = match claims.member("auth_time") {
            Some(value) => value.as_number().and_then(super::time),
            None => claims.issued_at(),
        };
        Ok(principal.with_staff(staff).with_times(since, claims.expires_at()).with_claims(claims.clone()))
    }

    /// A principal of an issuer's answer, by what its token says of itself though nobody verified that. It can only be
    /// revoked.
    pub(crate) fn unverified(&self, said: &Principal, token: &Object, times: &Registered) -> Principal {
        let mut own = Principal::of(said.id().clone()).with_leeway(said.leeway());
        if let Some(session) = token.at(self.session.as_str()).and_then(name) {
            own = own.with_session(session);
        }
        if let Some(id) = token.member("jti").and_then(Value::as_str) {
            own = own.with_token_id(id);
        }
        let [issued, expires] = [times.issued_at, times.expires_at].map(|time| time.and_then(super::time));
        own.with_times(issued, expires)
    }
}

/// A flag is JSON `true` or `1`; some databases have no booleans. A text, whatever it says, is not set.
pub(crate) fn is_set(value: Value<'_>) -> bool {
    value.is_true() || value.as_integer() == Some("1")
}

/// A text, or an integer in decimal.
fn name(value: Value<'_>) -> Option<String> {
    value.as_str().map(Cow::into_owned).or_else(|| value.as_integer().map(str::to_owned))
}

fn texts(value: Option<Value<'_>>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    match value.elements() {
        Some(elements) => elements.filter_map(Value::as_str).map(Into::into).collect(),
        None => value.as_str().map(Into::into).into_iter().collect(),
    }
}
