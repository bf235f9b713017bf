//! From claims to a principal.
//!
//! Every reader here returns an error for a value that it does not know. A claim that is silently read as nothing takes rights
//! away, and grants them below [`not`](crate::policy::not).

use super::{ClaimPath, Claims, NumericDate, RegisteredClaims, Text};
use crate::{
    error::Error,
    json::{Object, Value},
    principal::{Parts, Principal, PrincipalId, PrincipalKind},
    rights::{PermissionSet, Role},
};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// How an issuer's claims become a principal.
///
/// Every place is a [`ClaimPath`]: a claim's name, or a JSON pointer (RFC 6901) such as `/realm_access/roles`. Claims that
/// are not named here are not read. A flag is true only for JSON `true` or `1`, never for a string.
///
/// Names of roles, scopes and permissions are read in the shapes that issuers use: a string, an array of strings, an array of
/// objects with a `name` or an `authority`, and an object whose keys are the names, with an object (Zitadel) or a flag for
/// each. Absent, `null` and empty mean no names. A token with anything else there is refused, because it is not known what it
/// allows.
///
/// ```
/// use portcullis_core::{
///     ClaimMap, Credential, CredentialSource, ErrorKind, Jwt, Permission, Verifier,
///     testing::TestIssuer,
/// };
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let map = ClaimMap::new()
///     .roles("/realm_access/roles")?
///     .scopes("scope")?
///     .permissions("permissions")?
///     .staff("is_admin")?
///     .organization("org_id")?
///     .session("session_state")?;
/// let issuer = TestIssuer::new();
/// let verifier = Verifier::from(Jwt::new(issuer.issuer().claim_map(map)).clock(issuer.clock()));
/// let by = |token| Credential::new(token, CredentialSource::bearer());
///
/// let token = issuer
///     .token("alice")
///     .claim("realm_access", json!({ "roles": ["editor"] }))
///     .scope("read write");
/// let token = token
///     .permission("report:read")
///     .claim("is_admin", true)
///     .claim("org_id", 7)
///     .claim("session_state", "s1");
/// let alice = verifier.authenticate(&by(token.sign())).await?;
/// assert_eq!(alice.roles(), ["editor".into()]);
/// assert_eq!(alice.scopes(), ["read", "write"]);
/// assert!(alice.has_permission(&Permission::from_static("report:read")) && alice.is_staff());
/// assert_eq!(alice.organization(), Some("7"));
/// assert_eq!(alice.session().as_ref().map(|session| session.id()), Some("s1"));
///
/// // A number is none of the shapes of roles, so it is not known what this token allows.
/// let odd = issuer.token("alice").claim("realm_access", json!({ "roles": 7 })).sign();
/// assert!(
///     verifier
///         .authenticate(&by(odd))
///         .await
///         .is_err_and(|error| error.kind() == ErrorKind::Invalid)
/// );
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ClaimMap {
    subjects: Vec<ClaimPath>,
    integer_subject: bool,
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
            subjects: vec![ClaimPath::from_static("sub")],
            integer_subject: false,
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
    /// Reads the subject from `sub`, the session from `sid`, the time of authentication from `auth_time` or `iat`, and
    /// nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of the subject: a string that is not empty, or an integer, which is written in decimal. `sub` by default. In
    /// `sub`, an integer is accepted only with [`integer_subject`](Self::integer_subject).
    ///
    /// ```
    /// use portcullis_core::{
    ///     ClaimMap, Credential, CredentialSource, Jwt, Verifier, testing::TestIssuer,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// // and never by what `sub` says
    /// let named = issuer.issuer().claim_map(ClaimMap::new().subject("uid")?);
    /// let verifier = Verifier::from(Jwt::new(named).clock(issuer.clock()));
    /// let by = |token| Credential::new(token, CredentialSource::bearer());
    ///
    /// let numbered = issuer.token("a-pairwise-name").claim("uid", 7).sign();
    /// assert_eq!(verifier.authenticate(&by(numbered)).await?.id().subject(), "7");
    /// assert!(verifier.authenticate(&by(issuer.token("alice").sign())).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn subject(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.subjects = vec![ClaimPath::new(path)?];
        Ok(self)
    }

    /// Another place of the subject, for tokens that have it in none of the places before, such as the machine tokens of an
    /// issuer that leaves `sub` out of them. Call again for more places.
    ///
    /// A principal named by its client, in `client_id`, `azp`, `cid`, `appid` or `clientId`, is a
    /// [service](PrincipalKind::Service). No user may have the name of a client: see RFC 9068, section 5.
    ///
    /// ```
    /// use portcullis_core::{
    ///     ClaimMap, Credential, CredentialSource, Jwt, PrincipalKind, Verifier, testing::TestIssuer,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// let named = issuer.issuer().claim_map(ClaimMap::new().or_subject("client_id")?);
    /// let verifier = Verifier::from(Jwt::new(named).clock(issuer.clock()));
    /// let by = |token| Credential::new(token, CredentialSource::bearer());
    ///
    /// let of_a_user = verifier
    ///     .authenticate(&by(issuer.token("alice").claim("client_id", "web").sign()))
    ///     .await?;
    /// assert_eq!((of_a_user.kind(), of_a_user.id().subject()), (PrincipalKind::User, "alice"));
    /// let machine = issuer.token("").without("sub").claim("client_id", "exporter").sign();
    /// let exporter = verifier.authenticate(&by(machine)).await?;
    /// assert_eq!((exporter.kind(), exporter.id().subject()), (PrincipalKind::Service, "exporter"));
    ///
    /// let anonymous = issuer.token("").without("sub").sign();
    /// assert!(verifier.authenticate(&by(anonymous)).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn or_subject(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.subjects.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// Accepts an integer in `sub` as well, which RFC 7519, section 4.1.2 does not allow. The string `"7"` is the same
    /// subject as the integer `7`.
    ///
    /// ```
    /// use portcullis_core::{
    ///     ClaimMap, Credential, CredentialSource, Jwt, Verifier, testing::TestIssuer,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// let credential =
    ///     Credential::new(issuer.token("").claim("sub", 7).sign(), CredentialSource::bearer());
    /// let with =
    ///     |map| Verifier::from(Jwt::new(issuer.issuer().claim_map(map)).clock(issuer.clock()));
    ///
    /// let lenient = with(ClaimMap::new().integer_subject());
    /// assert_eq!(lenient.authenticate(&credential).await?.id().subject(), "7");
    /// assert!(with(ClaimMap::new()).authenticate(&credential).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn integer_subject(mut self) -> Self {
        self.integer_subject = true;
        self
    }

    /// The place of roles, in one of the shapes of names described above. Call again for more places.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn roles(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.roles.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The place of scopes: a string of words separated by spaces (RFC 8693, section 4.2), or names in the same shapes as
    /// roles.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn scopes(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.scopes.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The place of permissions: names in the same shapes as roles, written `resource:action`, with wildcards if the issuer
    /// grants them.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn permissions(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.permissions.push(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The flag that makes a principal staff: JSON `true` or `1`. No other value does. Below [`not`](crate::policy::not), a
    /// value that is neither set nor unset is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn staff(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.staff = Some(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The place of the organization in which the principal acts: a string, an integer, or one name in another shape. Several
    /// names are an error.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn organization(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.organization = Some(ClaimPath::new(path)?);
        Ok(self)
    }

    /// The place of the session that the token belongs to. `sid` by default (OpenID Connect Front-Channel Logout 1.0, section
    /// 3).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn session(mut self, path: impl AsRef<str>) -> Result<Self, Error> {
        self.session = ClaimPath::new(path)?;
        Ok(self)
    }

    /// The kind of this issuer's principals. Users by default. The kind is part of the [`PrincipalId`]: change it before ids
    /// are stored.
    ///
    /// ```
    /// use portcullis_core::{
    ///     ClaimMap, Credential, CredentialSource, Jwt, PrincipalKind, Verifier, testing::TestIssuer,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new(); // an issuer of tokens for programs only
    /// let programs = issuer.issuer().claim_map(ClaimMap::new().kind(PrincipalKind::Service));
    /// let verifier = Verifier::from(Jwt::new(programs).clock(issuer.clock()));
    ///
    /// let token = Credential::new(issuer.token("exporter").sign(), CredentialSource::bearer());
    /// assert_eq!(
    ///     verifier.authenticate(&token).await?.id().to_string(),
    ///     "service|https://issuer.test|exporter"
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn kind(mut self, kind: PrincipalKind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether `sub` may be an integer, which the check of registered claims refuses otherwise.
    pub(crate) fn takes_integers(&self) -> bool {
        self.integer_subject
    }

    /// Whether a token belongs to a session, whatever the session's name.
    pub(crate) fn has_session(&self, claims: &Claims) -> bool {
        claims.at(self.session.as_str()).is_some()
    }

    /// The principal of these claims. The issuer's clock may be ahead by the leeway.
    pub(crate) fn principal(&self, claims: &Claims, issuer: Arc<str>, leeway: Duration) -> Result<Principal, Error> {
        let (subject, kind) = self.subject_of(claims)?;
        let mut parts = Parts::of(PrincipalId::of(kind, Text::of(claims, subject)).with_issuer(issuer));
        let (mut roles, mut scopes) = (Vec::new(), Vec::new());
        for path in &self.roles {
            each_name(claims, path, |role| {
                if roles.is_empty() {
                    roles.reserve_exact(1); // as many as most have
                }
                roles.push(Role::new(role.into_owned()));
            })?;
        }
        for path in &self.scopes {
            // RFC 6749, section 3.3: the space, and no other white space.
            each_name(claims, path, |text| {
                scopes.extend(text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned));
            })?;
        }
        (parts.roles, parts.scopes) = (roles.into(), scopes.into());
        if !self.permissions.is_empty() {
            let mut held = Vec::new();
            for path in &self.permissions {
                each_name(claims, path, |permission| held.push(permission.into_owned()))?;
            }
            parts.more_mut().permissions = PermissionSet::from_untrusted(held);
        }
        parts.organization = self.organization_of(claims)?.map(|name| Text::of(claims, name));
        if let Some(value) = present(claims, &self.session) {
            // A session without a readable id could not be ended.
            let session = name(value).ok_or_else(|| unreadable(&self.session, "a string or an integer"))?;
            parts.session = Some(Text::of(claims, session));
        }
        parts.staff = self.staff.as_ref().and_then(|path| claims.at(path.as_str())).map_or(Some(false), flag);
        parts.leeway = leeway;
        parts.claims = Some(claims.clone());
        Ok(parts.into())
    }

    /// The principal of an issuer's answer, with what the unverified token says about itself. It can only be used for
    /// revocation.
    pub(crate) fn unverified(&self, answer: &Principal, token: &Object, times: &RegisteredClaims) -> Principal {
        let mut own = Principal::of(answer.id().clone()).with_leeway(answer.leeway());
        if let Some(session) = token.at(self.session.as_str()).and_then(name) {
            own = own.with_session(session);
        }
        if let Some(id) = token.member("jti").and_then(Value::as_str) {
            own = own.with_token_id(id);
        }
        let [issued, expires] = [times.issued_at, times.expires_at].map(NumericDate::time);
        own.with_times(issued, expires)
    }

    fn subject_of<'c>(&self, claims: &'c Claims) -> Result<(Cow<'c, str>, PrincipalKind), Error> {
        let no_subject = |why: String| Error::invalid(format!("the token has no valid subject: {why}"));
        let mut places = self.subjects.iter();
        let found = places.find_map(|path| Some((path.as_str(), present(claims, path)?)));
        let Some((path, value)) = found else {
            let places: Vec<&str> = self.subjects.iter().map(ClaimPath::as_str).collect();
            return Err(no_subject(format!(
                "it has no `{}`; ClaimMap::or_subject names another place",
                places.join("` or `")
            )));
        };
        let subject = name(value).filter(|subject| !subject.is_empty());
        let subject =
            subject.ok_or_else(|| no_subject(format!("`{path}` is empty, or neither a string nor an integer")))?;
        let kind = match path.strip_prefix('/').unwrap_or(path) {
            "client_id" | "azp" | "cid" | "appid" | "clientId" => PrincipalKind::Service,
            _ => self.kind,
        };
        Ok((subject, kind))
    }

    fn organization_of<'c>(&self, claims: &'c Claims) -> Result<Option<Cow<'c, str>>, Error> {
        let Some(path) = &self.organization else { return Ok(None) };
        let Some(value) = present(claims, path) else { return Ok(None) };
        if let Some(one) = name(value) {
            return Ok(Some(one).filter(|one| !one.is_empty()));
        }
        let mut names = Vec::new();
        each_name(claims, path, |name| names.push(name))?;
        match (names.pop(), names.is_empty()) {
            (one, true) => Ok(one),
            _ => Err(unreadable(path, "one organization")),
        }
    }
}

/// A flag: JSON `true` or `1` is set; `false`, `0` or `null` is not. Some databases have no booleans. `None` for any other
/// type: a string is never a flag.
pub(crate) fn flag(value: Value<'_>) -> Option<bool> {
    match value.text() {
        "true" | "1" => Some(true),
        "false" | "0" | "null" => Some(false),
        _ => None,
    }
}

/// A string, or an integer in decimal.
fn name(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.as_str().or_else(|| value.as_integer().map(Cow::Borrowed))
}

fn present<'c>(claims: &'c Claims, path: &ClaimPath) -> Option<Value<'c>> {
    claims.at(path.as_str()).filter(|value| !value.is_null())
}

fn unreadable(path: &ClaimPath, expected: &str) -> Error {
    Error::invalid(format!("the claim `{path}` is not {expected}; name the place inside it that is"))
}

/// The names at a place. An unknown shape is an error. Reading it as no names would silently take rights away, and would
/// grant them where a role must be absent.
fn each_name<'c>(claims: &'c Claims, path: &ClaimPath, mut take: impl FnMut(Cow<'c, str>)) -> Result<(), Error> {
    let Some(value) = present(claims, path) else { return Ok(()) };
    let mut found = |name: Cow<'c, str>| {
        if !name.is_empty() {
            take(name);
        }
    };
    let read = match (value.elements(), value.members()) {
        (Some(mut elements), _) => elements.try_for_each(|element| {
            let inside = || ["name", "authority"].into_iter().find_map(|name| element.member(name)?.as_str());
            element.as_str().or_else(inside).map(&mut found)
        }),
        (_, Some(mut members)) => members.try_for_each(|(name, value)| match value.text() {
            "false" | "0" | "null" => Some(()),
            _ => (value.members().is_some() || flag(value) == Some(true)).then(|| found(name)),
        }),
        _ => value.as_str().map(found),
    };
    read.ok_or_else(|| {
        unreadable(path, "a string, an array of strings or of objects with a `name`, or an object of objects or flags")
    })
}
