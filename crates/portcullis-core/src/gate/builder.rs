use super::{Gate, Parts, TokenCache, cache::Cache, wiring};
use crate::{
    clock::{Clock, Time},
    directory::Directory,
    error::Error,
    policy::{Planner, Policy, without_baseline},
    refusal::Refusal,
    revocation::Revocations,
    rights::{Membership, Permission, PermissionSet, Rights, RoleHierarchy},
    scheme::{Scheme, SchemeSet, Sources},
};
use std::{fmt, sync::Arc};

/// Builds a [`Gate`].
#[derive(Default)]
pub struct GateBuilder {
    parts: Parts,
    rights: Rights,
    baseline: Option<Arc<dyn Policy>>,
    time: Option<Time>,
    /// The first mistake in the calls so far, for `build` to return.
    problem: Option<Error>,
}

impl GateBuilder {
    /// Adds a way to authenticate: see [`Scheme`].
    ///
    /// The first source with a value decides, in the order of these calls. If several schemes read that source, they are
    /// asked in order, and the first that recognizes the credential decides.
    #[must_use]
    pub fn scheme(mut self, scheme: impl Into<Scheme>) -> Self {
        self.parts.schemes.push(scheme.into());
        self
    }

    /// Refuses requests in which two sources present different credentials (400, `conflicting_credentials`). By default the
    /// first source decides.
    #[must_use]
    pub fn reject_conflicts(mut self) -> Self {
        self.parts.reject_conflicts = true;
        self
    }

    /// Allows pages of this origin, such as `https://app.example.com`, to make requests with a cookie, beside the service's
    /// own pages.
    ///
    /// Browsers send a cookie with every request, whichever page made it. So a request that is authenticated by a cookie
    /// has to come from the service's own origin or from an allowed one, if it changes something (every method but GET,
    /// HEAD, OPTIONS and TRACE) or opens a WebSocket. The browser states the origin in `Sec-Fetch-Site`, or else in
    /// `Origin`. What another site loads into its pages is refused too, such as an image; an image names no origin and so
    /// cannot be allowed. Following a link and a page in a frame are not refused. The answer is 403, `cross_origin`.
    /// Credentials in other places are sent only by clients that know them, so this does not apply to them. It does apply
    /// to a header that a login proxy adds to requests with its cookie.
    ///
    /// `Origin` is compared with the host of the request; `http` or `https` makes no difference. If a proxy changes the
    /// host, allow the service's own origin as well.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.parts.origins.allowed.push(origin.into());
        self
    }

    /// Allows pages of every origin to make requests with the caller's cookie: see [`allow_origin`](Self::allow_origin).
    #[must_use]
    pub fn dangerous_allow_cross_origin(mut self) -> Self {
        self.parts.origins.is_any_allowed = true;
        self
    }

    /// Caches verified tokens. A repeated token then costs a lookup by its text instead of a signature.
    ///
    /// Every request is answered as it would be without the cache. Times, keys and revocations are checked each time, and
    /// each decision is made again. The cache serves schemes that only verify signatures: those of a [`Jwt`](crate::Jwt),
    /// and of a provider that is one. An [`Authenticator`](crate::Authenticator) of yours is asked each time, also one
    /// around a `Jwt`.
    #[must_use]
    pub fn cache(mut self, size: TokenCache) -> Self {
        self.parts.cache = Some(Arc::new(Cache::new(size)));
        self
    }

    /// What was revoked. Asked about every principal that a credential names.
    #[must_use]
    pub fn revocations(mut self, revocations: impl Revocations) -> Self {
        self.once(".revocations(…)", self.parts.revocations.is_none());
        self.parts.revocations = Some(Arc::new(revocations));
        self
    }

    /// The clock of the gate and all of its parts: verifiers, fetched keys, the [list](crate::RevocationList) of
    /// revocations, caches of memberships and accounts, [leases](crate::Lease).
    ///
    /// By default, the clock of the first verifier that was given one, such as that of a test issuer; otherwise the
    /// system's. An [`Authenticator`](crate::Authenticator) of yours keeps its own time.
    ///
    /// A part that several gates share has one clock, so these gates need the same one: clones of one `Arc`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.once(".clock(…)", self.time.is_none());
        self.time = Some(Time::by(clock));
        self
    }

    /// The known roles. They also count on resources, except kinds with [`roles_on`](Self::roles_on).
    #[must_use]
    pub fn roles(mut self, roles: RoleHierarchy) -> Self {
        self.rights.roles = roles;
        self
    }

    /// The known roles on resources of this kind.
    #[must_use]
    pub fn roles_on(mut self, kind: impl Into<String>, roles: RoleHierarchy) -> Self {
        let kind = kind.into();
        self.once(&format!(".roles_on({kind:?}, …)"), !self.rights.roles_on.contains_key(&kind));
        self.rights.roles_on.insert(kind, roles);
        self
    }

    /// All known permissions. Any other one is then an error: in a policy, when its route is added; in what a role permits,
    /// when the gate is built.
    ///
    /// ```
    /// # use portcullis_core::{GateBuilder, RoleHierarchy, policy::permission};
    /// # fn check(gate: GateBuilder) -> Result<(), portcullis_core::Error> {
    /// let roles = RoleHierarchy::builder().ranked(["viewer", "owner"]).permits("owner", ["project:*"]).build()?;
    /// let gate = gate.roles(roles).permissions(["project:read", "project:delete"]).build()?;
    ///
    /// assert!(gate.plan(permission("project:delete")).is_ok());
    /// assert!(gate.plan(permission("project:delte")).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn permissions<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.once(".permissions(…)", self.rights.permissions.is_none());
        let parsed: Result<Vec<Permission>, Error> = names.into_iter().map(|name| name.as_ref().parse()).collect();
        match parsed.and_then(|names| PermissionSet::new(names.iter().map(Permission::as_str))) {
            Ok(set) => self.rights.permissions = Some(set),
            Err(error) => self.problem = self.problem.or(Some(error)),
        }
        self
    }

    /// The standing of callers on resources of this kind: see [`Membership`].
    #[must_use]
    pub fn membership(mut self, kind: impl Into<String>, membership: impl Membership) -> Self {
        let kind = kind.into();
        self.once(&format!(".membership({kind:?}, …)"), !self.rights.memberships.contains_key(&kind));
        self.rights.memberships.insert(kind, Arc::new(membership));
        self
    }

    /// The accounts of verified principals: see [`Directory`].
    #[must_use]
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.once(".directory(…)", self.parts.directory.is_none());
        self.parts.directory = Some(Arc::new(directory));
        self
    }

    /// What every route that is not public requires of its callers, before its own policy: a confirmed account, for
    /// example. It applies to callers of all schemes, and cannot choose among schemes.
    /// [`without_baseline`](crate::policy::without_baseline) leaves it out. It cannot contain
    /// [`fresh`](crate::policy::fresh), which belongs around the policy of a route.
    ///
    /// ```
    /// # use portcullis_core::{GateBuilder, policy::*};
    /// # struct User { is_confirmed: bool }
    /// # fn with(gate: GateBuilder) -> GateBuilder {
    /// gate.baseline(account("email_unconfirmed", |user: &User| user.is_confirmed))
    /// # }
    /// ```
    #[must_use]
    pub fn baseline(mut self, policy: impl Policy + 'static) -> Self {
        self.once(".baseline(…)", self.baseline.is_none());
        self.baseline = Some(Arc::new(policy));
        self
    }

    /// The realm of the challenge (RFC 9110, section 11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.parts.realm = Some(realm.into());
        self
    }

    /// Makes the answer to a refused request, from the error and the default answer. Use the error's kind and code. Its
    /// text is for the log only: it would tell a hidden denial from an unknown path.
    #[must_use]
    pub fn render(mut self, render: impl Fn(&Error, Refusal) -> Refusal + Send + Sync + 'static) -> Self {
        self.parts.render = Some(Arc::new(render));
        self
    }

    /// A second call would silently replace the first.
    fn once(&mut self, what: &str, is_new: bool) {
        if !is_new && self.problem.is_none() {
            self.problem =
                Some(Error::misconfigured(format!("`{what}` is said twice, and only one of them would count")));
        }
    }

    /// Builds the gate.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if there is no scheme, or more than 64. For a scheme
    /// without a source, with a source that occurs twice or is not possible in a request, or with the name of another
    /// scheme. If an allowed origin is no origin, or the realm cannot be quoted. And for what cannot work: a scheme that is
    /// never asked since an earlier one decides, one without keys, one with a secret that no source can carry; an issuer
    /// that would see the credentials of other schemes; roles or permissions that do not fit each other; a setting without
    /// effect; a setting made twice; a part that another gate uses with another clock.
    pub fn build(self) -> Result<Gate, Error> {
        let Self { mut parts, mut rights, baseline, time, problem } = self;
        if let Some(error) = problem {
            return Err(error);
        }
        rights.schemes = parts.schemes.iter().map(|scheme| scheme.name).collect();
        parts.origins.check()?;
        wiring::check(&parts, &rights)?;
        let quotable =
            |realm: &String| realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte));
        if !parts.realm.as_ref().is_none_or(quotable) {
            return Err(Error::misconfigured("the realm has characters that cannot be quoted in a header"));
        }
        let unnamed = parts.schemes.iter().enumerate().filter(|(_, scheme)| scheme.name.is_none());
        let unnamed = unnamed.fold(SchemeSet::NONE, |all, (place, _)| all.or(SchemeSet::one(place)));
        parts.unnamed = Arc::new(Sources::of(&parts.schemes, unnamed));
        parts.all = Arc::new(Sources::of(&parts.schemes, SchemeSet::ALL));
        parts.has_memberships = !rights.memberships.is_empty();
        parts.rights = Arc::new(rights);
        if let Some(policy) = baseline {
            // It is asked about callers of all schemes.
            let (rights, unnamed, verify_only) = (&parts.rights, &parts.all, SchemeSet::NONE);
            let planner = Planner { rights, unnamed, verify_only, baseline_waits: false };
            let policy = Arc::new(without_baseline(policy));
            let plan = planner.plan(policy, |accepted| Sources::of(&parts.schemes, accepted))?;
            // Who makes a request is established as the policy of its route asks, before the baseline.
            if plan.max_age().is_some() {
                let detail =
                    "the baseline has `fresh`, which no route would go by; put it around the policies of routes";
                return Err(Error::misconfigured(detail));
            }
            parts.baseline = Some(plan);
        }
        // Where schemes have names, whom a request comes from depends on the route that asks first.
        let verified_only = parts.schemes.iter().all(|scheme| scheme.name.is_none() && scheme.verifier.jwt().is_some());
        let asks_nobody = parts.revocations.is_none() && parts.directory.is_none() && !parts.has_memberships;
        parts.finds_again = parts.cache.is_some() && verified_only && asks_nobody;
        let given = || parts.schemes.iter().find_map(|scheme| scheme.verifier.time().cloned());
        parts.time = time.or_else(given).unwrap_or_default();
        for scheme in &mut parts.schemes {
            scheme.verifier = scheme.verifier.in_gate(&parts.time)?;
        }
        parts.revocations.iter().try_for_each(|revocations| revocations.settle(&parts.time))?;
        wiring::warn(&parts.schemes);
        Ok(Gate(Arc::new(parts)))
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").field("schemes", &self.parts.schemes).finish_non_exhaustive()
    }
}
