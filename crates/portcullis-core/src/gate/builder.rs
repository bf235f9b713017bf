//! Puts a gate together, and refuses what cannot work.

use super::{Gate, Parts, SuperuserScope, TokenCache, cache::Cache, context, discovery, proof, superuser, wiring};
use crate::{
    clock::{Clock, Time},
    directory::Directory,
    error::Error,
    policy::{Planner, Policy, without_baseline},
    refusal::Refusal,
    revocation::Revocations,
    rights::{Membership, PermissionSet, Rights, RoleHierarchy},
    scheme::{Scheme, SchemeSet, Sources},
    shadow::{ShadowLimits, Shadows},
    telemetry::Labels,
};
use std::{fmt, sync::Arc};

/// Builds a [`Gate`].
///
/// One scheme is required; all other settings are optional. The order of calls matters for schemes only.
///
/// ```
/// use portcullis_core::{
///     ErrorKind, Gate, RoleHierarchy, Scheme, policy::role, testing::TestIssuer,
/// };
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let gate = Gate::builder()
///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
///     .roles(RoleHierarchy::ranked(["viewer", "manager"])?)
///     .realm("orders")
///     .build()?;
/// assert!(gate.plan(role("manager")).is_ok());
///
/// let problem = Gate::builder().realm("orders").build().unwrap_err(); // no scheme
/// assert_eq!(problem.kind(), ErrorKind::Misconfigured);
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct GateBuilder {
    pub(super) parts: Parts,
    pub(super) rights: Rights,
    baseline: Option<Arc<dyn Policy>>,
    pub(super) superuser: Option<(Arc<dyn Policy>, SuperuserScope)>,
    time: Option<Time>,
    /// Roles to ask beside the live ones: the candidate, the kind of resource, and its roles there.
    pub(super) candidate_roles: Vec<wiring::GivenRoles>,
    pub(super) shadow_limits: Option<ShadowLimits>,
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

    /// Refuses requests in which two sources present different credentials (400, `conflicting_credentials`).
    ///
    /// By default the first source decides. Use it where a proxy or a script of a page could add a second credential. Two
    /// sources with the same credential are no conflict.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let scheme = Scheme::new(issuer.verifier()).cookie("session").bearer();
    /// let gate = Gate::builder().scheme(scheme).reject_conflicts().build()?;
    ///
    /// let [alice, bob] = ["alice", "bob"].map(|name| issuer.token(name).sign());
    /// let request = get("/me").header("cookie", &format!("session={alice}"));
    /// assert_eq!(answer(&gate, authenticated(), request.clone().bearer(&alice)), "200");
    /// assert_eq!(
    ///     answer(&gate, authenticated(), request.bearer(&bob)),
    ///     "400 conflicting_credentials"
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn reject_conflicts(mut self) -> Self {
        self.parts.reject_conflicts = true;
        self
    }

    /// Allows pages of this origin, such as `https://app.example.com`, to make requests with a cookie, beside the service's
    /// own pages.
    ///
    /// Browsers send a cookie with every request, whichever page made it. So a request that is authenticated by a
    /// cookie has to come from the service's own origin or from an allowed one, if it changes something (every method
    /// but GET, HEAD, OPTIONS and TRACE) or opens a WebSocket. The browser states the origin in `Sec-Fetch-Site`, or
    /// else in `Origin`.
    ///
    /// What another site loads into its pages is refused too, such as an image; an image names no origin and so cannot
    /// be allowed. Following a link and a page in a frame are not refused. The answer is 403, `cross_origin`.
    /// Credentials in other places are sent only by clients that know them, so this does not apply to them. It does
    /// apply to a header that a login proxy adds to requests with its cookie. Routes without a credential, such as
    /// sign-in, call [`Gate::check_origin`].
    ///
    /// `Origin` is compared with the host of the request; `http` or `https` makes no difference. If a proxy changes the
    /// host, allow the service's own origin as well.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let scheme = Scheme::new(issuer.verifier()).cookie("session");
    /// let gate = Gate::builder().scheme(scheme).allow_origin("https://app.example.com").build()?;
    ///
    /// let session = format!("session={}", issuer.token("alice").sign());
    /// let from = |origin| {
    ///     let request =
    ///         post("/orders").header("host", "api.example.com").header("cookie", &session);
    ///     answer(&gate, authenticated(), request.header("origin", origin))
    /// };
    /// assert_eq!(from("https://api.example.com"), "200"); // the service's own pages
    /// assert_eq!(from("https://app.example.com"), "200");
    /// assert_eq!(from("https://evil.example"), "403 cross_origin");
    /// # Ok(()) }
    /// ```
    ///
    /// This does not answer CORS: a layer of the framework does, outside of the guard.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.parts.origins.allowed.push(origin.into());
        self
    }

    /// Allows pages of every origin to make requests with the caller's cookie: see [`allow_origin`](Self::allow_origin).
    ///
    /// Any page that a signed-in user visits can then act as that user. It is only safe where something else stops such
    /// requests: a token in each form that a layer of yours checks, or cookies with `SameSite=Strict`, as long as all
    /// subdomains are trusted.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let gate = || Gate::builder().scheme(Scheme::new(issuer.verifier()).cookie("session"));
    /// // A layer outside of the guard has checked the token of the form.
    /// let form =
    ///     || post("/orders").header("cookie", &format!("session={}", issuer.token("alice").sign()));
    /// let elsewhere = || form().header("sec-fetch-site", "cross-site");
    ///
    /// assert_eq!(
    ///     answer(&gate().dangerous_allow_cross_origin().build()?, authenticated(), elsewhere()),
    ///     "200"
    /// );
    /// assert_eq!(answer(&gate().build()?, authenticated(), elsewhere()), "403 cross_origin");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_allow_cross_origin(mut self) -> Self {
        self.parts.origins.is_any_allowed = true;
        self
    }

    /// Caches verified tokens.
    ///
    /// A repeated token then costs a lookup by its text instead of a signature.
    ///
    /// Every request is answered as it would be without the cache. Times, keys and revocations are checked each time, and
    /// each decision is made again. The cache serves schemes that only verify signatures: those of a [`Jwt`](crate::Jwt),
    /// of [`TrustedIssuers`](crate::TrustedIssuers), and of a provider that is one. An [`Authenticator`](crate::Authenticator) of yours is asked each time, also one
    /// around a `Jwt`.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let issuer = TestIssuer::new();
    /// let scheme = Scheme::new(issuer.verifier()).bearer();
    /// let gate = Gate::builder().scheme(scheme).cache(TokenCache::new(10_000)).build()?;
    ///
    /// let token = issuer.token("alice").expires_in(Duration::from_secs(300)).sign();
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "200");
    /// // from the cache
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "200");
    /// issuer.clock().advance(Duration::from_secs(600));
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "401 token_expired");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cache(mut self, size: TokenCache) -> Self {
        self.parts.cache = Some(Arc::new(Cache::new(size)));
        self
    }

    /// What was revoked.
    ///
    /// Asked about every principal that a credential names, whether it was cached or not. If it cannot answer, the request
    /// is refused (503).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let issuer = TestIssuer::new();
    /// // as long as tokens live at most
    /// let revocations = RevocationList::new(Duration::from_secs(15 * 60));
    /// let scheme = Scheme::new(issuer.verifier()).bearer();
    /// let gate = Gate::builder().scheme(scheme).revocations(revocations.clone()).build()?;
    ///
    /// let token = issuer.token("alice").claim("sid", "session-1").sign();
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "200");
    /// revocations.end_session(&SessionId::new("session-1").with_issuer("https://issuer.test"));
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "401 invalid_token");
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let issuer = TestIssuer::new();
    /// let clock = FixedClock::at(issuer.clock().seconds());
    /// let gate = Gate::builder()
    ///     .scheme(Scheme::new(issuer.verifier()).bearer())
    ///     .clock(clock.clone())
    ///     .build()?;
    ///
    /// let token = issuer.token("alice").sign(); // for five minutes
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "200");
    /// clock.advance(Duration::from_secs(600));
    /// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "401 token_expired");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.once(".clock(…)", self.time.is_none());
        self.time = Some(Time::by(clock));
        self
    }

    /// The known roles: those that credentials and accounts give.
    ///
    /// They are also the roles on resources, except on kinds with [`roles_on`](Self::roles_on). By default there are none,
    /// and a policy that names one is an error.
    ///
    /// A second call replaces the first.
    #[must_use]
    pub fn roles(mut self, roles: RoleHierarchy) -> Self {
        self.rights.roles = roles;
        self
    }

    /// The known roles on resources of this kind, instead of those of [`roles`](Self::roles).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()? // viewer, manager and owner everywhere
    ///     .roles_on("file", RoleHierarchy::ranked(["reader", "writer"])?)
    ///     .membership("file", Projects(&[("alice", 1, "reader")]))
    ///     .build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// let on_file = |name| role(name).on("file", path("id"));
    ///
    /// assert_eq!(answer(&alice, on_file("reader"), get("/files/1").param("id", 1)), "200");
    /// assert_eq!(
    ///     answer(&alice, on_file("writer"), get("/files/1").param("id", 1)),
    ///     "403 role_required"
    /// );
    /// assert!(gate.plan(on_file("viewer")).is_err() && gate.plan(role("viewer")).is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn roles_on(mut self, kind: impl Into<String>, roles: RoleHierarchy) -> Self {
        let kind = kind.into();
        self.once(&format!(".roles_on({kind:?}, …)"), !self.rights.roles_on.contains_key(&kind));
        self.rights.roles_on.insert(kind, roles);
        self
    }

    /// All known permissions.
    ///
    /// Any other one is then an error: in a policy, when its route is added; in what a role permits, when the gate is
    /// built.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let roles = RoleHierarchy::builder()
    ///     .ranked(["viewer", "owner"])
    ///     .permits("owner", ["project:*"])
    ///     .build()?;
    /// let gate = builder()?.roles(roles).permissions(["project:read", "project:delete"]).build()?;
    /// assert!(gate.plan(permission("project:delete")).is_ok());
    /// assert!(gate.plan(permission("project:delte")).is_err());
    ///
    /// let roles = RoleHierarchy::builder()
    ///     .ranked(["viewer"])
    ///     .permits("viewer", ["project:raed"])
    ///     .build()?;
    /// assert!(builder()?.roles(roles).permissions(["project:read"]).build().is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn permissions<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.once(".permissions(…)", self.rights.permissions.is_none());
        match PermissionSet::exact(names) {
            Ok(set) => self.rights.permissions = Some(set),
            Err(error) => self.problem = self.problem.or(Some(error)),
        }
        self
    }

    /// The standing of callers on resources of this kind: see [`Membership`].
    ///
    /// `kind` is the name that policies use. Wrap it in a [`CachedMembership`](crate::CachedMembership) to cache between
    /// requests.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.membership("project", Projects(&[("alice", 1, "viewer")])).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// let read = || role("viewer").on("project", path("project_id"));
    ///
    /// assert_eq!(answer(&alice, read(), project(1)), "200");
    /// assert_eq!(answer(&alice, read(), project(2)), "403 not_a_member");
    /// assert!(gate.plan(role("viewer").on("team", path("team_id"))).is_err()); // no such kind
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn membership(mut self, kind: impl Into<String>, membership: impl Membership) -> Self {
        let kind = kind.into();
        self.once(&format!(".membership({kind:?}, …)"), !self.rights.memberships.contains_key(&kind));
        self.rights.memberships.insert(kind, Arc::new(membership));
        self
    }

    /// The accounts of verified principals: see [`Directory`].
    ///
    /// By default there are none, and the credential alone says who the caller is.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// #[derive(Debug)]
    /// struct Users;
    ///
    /// impl Directory for Users {
    ///     async fn account(&self, who: &Principal) -> Result<Account, Error> {
    ///         match who.id().subject() {
    ///             "alice" => Ok(Account::new("a row").role("manager")), // from a table of users
    ///             _ => Err(Error::no_account()),
    ///         }
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let gate = builder()?.directory(Users).build()?;
    /// let of = |name| get("/reports").bearer(&issuer.token(name).sign());
    /// assert_eq!(answer(&gate, role("manager"), of("alice")), "200");
    /// assert_eq!(answer(&gate, role("manager"), of("mallory")), "401 user_not_found");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.once(".directory(…)", self.parts.directory.is_none());
        self.parts.directory = Some(Arc::new(directory));
        self
    }

    /// What every route that is not public requires of its callers, before its own policy: a confirmed account, for
    /// example.
    ///
    /// It applies to callers of all schemes, and cannot choose among schemes.
    /// [`without_baseline`](crate::policy::without_baseline) leaves it out. It cannot contain
    /// [`fresh`](crate::policy::fresh), which belongs around the policy of a route.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// struct User {
    ///     is_confirmed: bool,
    /// }
    /// let gate = builder()?
    ///     .baseline(account("email_unconfirmed", |user: &User| user.is_confirmed))
    ///     .build()?;
    ///
    /// let user =
    ///     |is_confirmed| acting_as("alice").with_account(Account::new(User { is_confirmed }));
    /// let [alice, new] = [true, false].map(|is_confirmed| gate.acting_as(user(is_confirmed)));
    /// assert_eq!(answer(&alice, authenticated(), get("/orders")), "200");
    /// assert_eq!(answer(&new, authenticated(), get("/orders")), "403 email_unconfirmed");
    /// assert_eq!(answer(&new, anyone(), get("/health")), "200");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn baseline(mut self, policy: impl Policy + 'static) -> Self {
        self.once(".baseline(…)", self.baseline.is_none());
        self.baseline = Some(Arc::new(policy));
        self
    }

    /// The realm of the challenge (RFC 9110, section 11.5); none by default.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.realm("orders").build()?;
    /// let who = now(gate.establish(&get("/orders")));
    /// let refusal = gate.refuse(&who.principal().unwrap_err());
    /// let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate");
    /// assert_eq!(challenge, Some(("www-authenticate", "Bearer realm=\"orders\"")));
    /// assert!(builder()?.realm("or\"ders").build().is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.parts.realm = Some(realm.into());
        self
    }

    /// Makes the answer to a refused request, from the error and the default answer.
    ///
    /// Use the error's kind and code. Its text is for the log only: it would tell a hidden denial from an unknown path.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// use portcullis_core::{Error, ErrorKind, Refusal};
    ///
    /// /// Each error of this service is `{"error": code}`. Hidden denials stay as they are.
    /// fn render(error: &Error, default: Refusal) -> Refusal {
    ///     match error.kind() {
    ///         ErrorKind::Hidden => default,
    ///         _ => default
    ///             .with_body("application/json", format!(r#"{{"error":"{}"}}"#, error.code())),
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.render(render).build()?;
    /// let who = now(gate.establish(&get("/orders").bearer("forged")));
    /// let refusal = gate.refuse(&who.principal().unwrap_err());
    /// assert_eq!((refusal.status(), refusal.body()), (401, &br#"{"error":"invalid_token"}"#[..]));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn render(mut self, render: impl Fn(&Error, Refusal) -> Refusal + Send + Sync + 'static) -> Self {
        self.parts.render = Some(Arc::new(render));
        self
    }

    /// A second call would silently replace the first.
    pub(super) fn once(&mut self, what: &str, is_new: bool) {
        if !is_new && self.problem.is_none() {
            self.problem =
                Some(Error::misconfigured(format!("`{what}` is called twice, and only one call would count")));
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
        let Self { mut parts, mut rights, baseline, superuser, time, problem, candidate_roles, shadow_limits } = self;
        if let Some(error) = problem {
            return Err(error);
        }
        rights.schemes = parts.schemes.iter().map(|scheme| scheme.name).collect();
        rights.tell_roles_the_permissions();
        parts.origins.check()?;
        wiring::check(&parts, &rights)?;
        let quotable =
            |realm: &String| realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte));
        if !parts.realm.as_ref().is_none_or(quotable) {
            return Err(Error::misconfigured("the realm has characters that cannot be quoted in a header"));
        }
        parts.challenge = parts.realm.as_ref().map(|realm| format!("realm=\"{realm}\""));
        discovery::settle(&mut parts)?;
        let unnamed = parts.schemes.iter().enumerate().filter(|(_, scheme)| scheme.name.is_none());
        let unnamed = unnamed.fold(SchemeSet::NONE, |all, (place, _)| all.or(SchemeSet::one(place)));
        parts.unnamed = Arc::new(Sources::of(&parts.schemes, unnamed));
        parts.all = Arc::new(Sources::of(&parts.schemes, SchemeSet::ALL));
        parts.has_proofs = parts.schemes.iter().any(|scheme| scheme.dpop.is_some()) || parts.certificates.is_some();
        parts.has_more = parts.has_proofs || parts.context.is_some();
        parts.labels = Labels::of(&parts.schemes, &parts.all);
        parts.has_memberships = !rights.memberships.is_empty();
        parts.needs_time = parts.has_memberships || !rights.signers.is_empty();
        parts.signatures = rights.signers.values().map(|signer| signer.parameters().signature).collect();
        let superuser = match superuser {
            Some((policy, scope)) => {
                rights.superuser = Some(superuser::describe(&policy, scope, &rights)?);
                Some(policy)
            }
            None => None,
        };
        let given = || parts.schemes.iter().find_map(|scheme| scheme.verifier.time().cloned());
        parts.time = time.or_else(given).unwrap_or_default();
        rights.time = parts.time.clone();
        // With all that the live rights have.
        rights.shadows = Arc::new(Shadows::new(shadow_limits.unwrap_or_default()));
        rights.candidates = wiring::candidates(&rights, candidate_roles)?;
        parts.rights = Arc::new(rights);
        if let Some(policy) = superuser {
            let (rights, unnamed, verify_only) = (&parts.rights, &parts.all, SchemeSet::NONE);
            let planner = Planner { rights, unnamed, verify_only, checks_candidates: true };
            let plan = planner.plan(policy, |accepted| Sources::of(&parts.schemes, accepted))?;
            superuser::check(&plan)?;
            parts.superuser = Some(plan);
        }
        if let Some(policy) = baseline {
            // It is asked about callers of all schemes.
            let (rights, unnamed, verify_only) = (&parts.rights, &parts.all, SchemeSet::NONE);
            let planner = Planner { rights, unnamed, verify_only, checks_candidates: true };
            let policy = Arc::new(without_baseline(policy));
            let plan = planner.plan(policy, |accepted| Sources::of(&parts.schemes, accepted))?;
            // The caller is authenticated as the policy of its route requires, before the baseline is asked.
            if plan.max_age().is_some() {
                let detail = "the baseline has `fresh`, which no route would use; put it around the policies of routes";
                return Err(Error::misconfigured(detail));
            }
            parts.baseline = Some(plan);
        }
        // With named schemes, the caller of a request depends on the route that asks first.
        let verified_only = parts.schemes.iter().all(|scheme| scheme.name.is_none() && scheme.verifier.jwt().is_some());
        let asks_nobody =
            parts.revocations.is_none() && parts.directory.is_none() && !parts.has_more && !parts.has_memberships;
        parts.finds_again = parts.cache.is_some() && verified_only && asks_nobody;
        for scheme in &mut parts.schemes {
            scheme.verifier = scheme.verifier.in_gate(&parts.time, parts.has_proofs)?;
        }
        parts.revocations.iter().try_for_each(|revocations| revocations.settle(&parts.time))?;
        context::settle(&parts)?;
        proof::check(&parts)?;
        parts.rights.shadows.settle(&parts.time);
        wiring::warn(&parts.schemes, parts.explains_denials);
        Ok(Gate(Arc::new(parts)))
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").field("schemes", &self.parts.schemes).finish_non_exhaustive()
    }
}
