use super::{Gate, Parts, TokenCache, cache::Cache, wiring};
use crate::{
    clock::Clock,
    credential::CredentialSource,
    error::Error,
    refusal::Refusal,
    revocation::Revocations,
    rights::{Membership, Permission, PermissionSet, RoleHierarchy},
    verifier::Verifier,
};
use std::{fmt, sync::Arc};

/// Puts a [`Gate`] together.
#[derive(Default)]
pub struct GateBuilder(Parts, Problem);

/// What was wrong first with what was said, for `build` to return.
type Problem = Option<Error>;

impl GateBuilder {
    /// Reads credentials from this cookie.
    #[must_use]
    pub fn cookie(self, name: &str) -> Self {
        self.source(CredentialSource::cookie(name))
    }

    /// Reads credentials from `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self) -> Self {
        self.source(CredentialSource::bearer())
    }

    /// Reads credentials from this header.
    #[must_use]
    pub fn header(self, name: &str) -> Self {
        self.source(CredentialSource::header(name))
    }

    /// Reads credentials from this query parameter; see [`CredentialSource::query`] before you do.
    #[must_use]
    pub fn query(self, name: &str) -> Self {
        self.source(CredentialSource::query(name))
    }

    /// Reads credentials from the subprotocols of WebSockets: see [`CredentialSource::websocket_protocol`].
    #[must_use]
    pub fn websocket_protocol(self) -> Self {
        self.source(CredentialSource::websocket_protocol())
    }

    /// Reads credentials from this query parameter of WebSockets: see [`CredentialSource::websocket_query`].
    #[must_use]
    pub fn websocket_query(self, name: &str) -> Self {
        self.source(CredentialSource::websocket_query(name))
    }

    /// Reads credentials from this source too. The order is that of the calls: the first in which something is present
    /// decides.
    #[must_use]
    pub fn source(mut self, source: CredentialSource) -> Self {
        self.0.sources.push(source);
        self
    }

    /// Refuses requests in which two sources present different credentials (400, `conflicting_credentials`), instead of
    /// going by the first.
    #[must_use]
    pub fn reject_conflicts(mut self) -> Self {
        self.0.reject_conflicts = true;
        self
    }

    /// Pages of this origin, such as `https://app.example.com`, may make requests that carry a cookie, beside those of the
    /// service itself.
    ///
    /// A cookie comes with every request, whichever page made it. So where a cookie is the credential, a request that
    /// changes something (every method but GET, HEAD, OPTIONS and TRACE) or opens a WebSocket has to come from the service's
    /// own origin or from an allowed one, by what the browser says in `Sec-Fetch-Site` or else in `Origin`. What another
    /// site loads into its pages is refused too, such as an image, which names no origin and so cannot be allowed; following
    /// a link is not refused, nor is a page in a frame. The answer is 403, `cross_origin`. Credentials in other places are only sent by who knows them,
    /// and are not concerned; a header that a login proxy adds for whoever has its cookie is not such a place.
    ///
    /// `Origin` is compared with the host that the request is for, whatever the scheme. Where a proxy changes the host, allow
    /// the service's own origin as well.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.0.origins.allowed.push(origin.into());
        self
    }

    /// Lets pages of every origin make requests with a visitor's cookie: see [`allow_origin`](Self::allow_origin).
    #[must_use]
    pub fn dangerous_allow_cross_origin(mut self) -> Self {
        self.0.origins.is_any_allowed = true;
        self
    }

    /// Who turns credentials into principals: a [`Jwt`](crate::Jwt), an [`Introspection`](crate::Introspection), a
    /// [`SharedSecret`](crate::SharedSecret), or an [`Authenticator`](crate::Authenticator) of yours. They are asked in the
    /// order of the calls.
    #[must_use]
    pub fn authenticator(mut self, verifier: impl Into<Verifier>) -> Self {
        self.0.verifiers.push(verifier.into());
        self
    }

    /// Remembers tokens that were verified, so that the next request with one costs a look at its text instead of a signature.
    ///
    /// Every request is answered as it would be without: times and keys are looked at anew each time, revocations too, and
    /// what somebody may do is decided each time. It serves what does nothing but verify signatures: a [`Jwt`](crate::Jwt)
    /// itself, and a provider that is one. An [`Authenticator`](crate::Authenticator) of yours is asked each time, also one
    /// around a `Jwt`.
    #[must_use]
    pub fn cache(mut self, size: TokenCache) -> Self {
        self.0.cache = Some(Arc::new(Cache::new(size)));
        self
    }

    /// What was withdrawn before its time. Asked about every principal that a credential brings.
    #[must_use]
    pub fn revocations(mut self, revocations: impl Revocations) -> Self {
        self.once(".revocations(…)", self.0.revocations.is_none());
        self.0.revocations = Some(Arc::new(revocations));
        self
    }

    /// Tells the time by another clock than the system's, where the gate itself looks at it: for the end of a
    /// [`Lease`](crate::Lease). Verifiers, and the list of what was revoked, have clocks of their own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.0.clock = Some(Arc::new(clock));
        self
    }

    /// The roles there are, on resources as well unless [`roles_on`](Self::roles_on) says otherwise.
    #[must_use]
    pub fn roles(mut self, roles: RoleHierarchy) -> Self {
        self.0.rights.roles = roles;
        self
    }

    /// The roles there are on resources of this kind.
    #[must_use]
    pub fn roles_on(mut self, kind: impl Into<String>, roles: RoleHierarchy) -> Self {
        let kind = kind.into();
        self.once(&format!(".roles_on({kind:?}, …)"), !self.0.rights.roles_on.contains_key(&kind));
        self.0.rights.roles_on.insert(kind, roles);
        self
    }

    /// All permissions that there are. Then every other one is an error: in a policy, where its route is added, and in what a
    /// role permits, here.
    ///
    /// ```
    /// # use portcullis_core::{GateBuilder, RoleHierarchy, policy::permission};
    /// # fn check(gate: GateBuilder) -> Result<(), portcullis_core::Error> {
    /// let roles = RoleHierarchy::builder().ranked(["viewer", "owner"]).permits("owner", ["project:*"]).build()?;
    /// let gate = gate.roles(roles).permissions(["project:read", "project:delete"]).build()?;
    ///
    /// assert!(gate.check(&permission("project:delete")).is_ok());
    /// assert!(gate.check(&permission("project:delte")).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn permissions<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.once(".permissions(…)", self.0.rights.permissions.is_none());
        let parsed: Result<Vec<Permission>, Error> = names.into_iter().map(|name| name.as_ref().parse()).collect();
        match parsed.and_then(|names| PermissionSet::new(names.iter().map(Permission::as_str))) {
            Ok(set) => self.0.rights.permissions = Some(set),
            Err(error) => self.1 = self.1.or(Some(error)),
        }
        self
    }

    /// Who knows the roles that principals have on resources.
    #[must_use]
    pub fn membership(mut self, membership: impl Membership) -> Self {
        self.0.rights.membership = Some(Arc::new(membership));
        self
    }

    /// The realm of the challenge (RFC 9110, section 11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.0.realm = Some(realm.into());
        self
    }

    /// Makes the answers to refused requests from the error and the default answer. Go by the error's kind and code; what
    /// it says in words is for the log, and would tell a hidden denial from an unknown path.
    #[must_use]
    pub fn render(mut self, render: impl Fn(&Error, Refusal) -> Refusal + Send + Sync + 'static) -> Self {
        self.0.render = Some(Arc::new(render));
        self
    }

    /// What is said a second time would silently take the place of the first.
    fn once(&mut self, what: &str, is_new: bool) {
        if !is_new && self.1.is_none() {
            self.1 = Some(Error::misconfigured(format!("`{what}` is said twice, and only one of them would count")));
        }
    }

    /// The gate.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if there is no source or no authenticator, a source
    /// is there twice or cannot be in a request, an allowed origin is none, or the realm cannot be quoted; and for wiring that
    /// cannot work: an authenticator that is never asked since one before it decides, that has no keys, or whose secret no
    /// source can carry; roles or permissions that do not fit each other; what has no effect without something else; what
    /// would add up and is said twice.
    pub fn build(mut self) -> Result<Gate, Error> {
        if let Some(error) = self.1 {
            return Err(error);
        }
        if self.0.sources.is_empty() {
            return Err(Error::misconfigured("the gate reads no credentials; name a source, such as `.bearer()`"));
        }
        if self.0.verifiers.is_empty() {
            return Err(Error::misconfigured("the gate has no `.authenticator(…)` to verify credentials"));
        }
        for (place, source) in self.0.sources.iter().enumerate() {
            source.check()?;
            if self.0.sources.iter().take(place).any(|earlier| earlier == source) {
                return Err(Error::misconfigured(format!("the source {source} is there twice")));
            }
        }
        self.0.origins.check()?;
        wiring::check(&self.0)?;
        let quotable =
            |realm: &String| realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte));
        if !self.0.realm.as_ref().is_none_or(quotable) {
            return Err(Error::misconfigured("the realm has characters that cannot be quoted in a header"));
        }
        let verified_only = self.0.verifiers.iter().all(|verifier| verifier.jwt().is_some());
        self.0.finds_again = self.0.cache.is_some() && verified_only && self.0.revocations.is_none();
        Ok(Gate(Arc::new(self.0)))
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder")
            .field("sources", &self.0.sources)
            .field("verifiers", &self.0.verifiers)
            .finish_non_exhaustive()
    }
}
