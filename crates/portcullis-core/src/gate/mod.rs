//! The gate: schemes, roles, policies and answers, assembled once.
//!
//! A request passes it in two steps. `establish` finds the caller: it reads a credential, asks the verifier, the revocations
//! and the directory. `authorize` asks the baseline and the policy of the route. Both answer at once where they need not wait.
//! `build` and `plan` work out what a request needs, so a misspelt name is found before the first one.

#[cfg(feature = "testing")]
mod acting;
mod authentication;
mod builder;
mod cache;
mod caller;
mod context;
mod discovery;
mod engine;
mod establish;
mod explain;
mod filter;
mod lease;
mod proof;
mod read;
mod ready;
mod refusals;
mod refuse;
mod shadow;
mod signing;
mod superuser;
mod wiring;

pub use authentication::Authentication;
pub use builder::GateBuilder;
pub use cache::TokenCache;
pub use caller::Caller;
pub use lease::{Lease, Watch};
pub use superuser::SuperuserScope;

use crate::{
    answer::Answer,
    clock::{Moment, Time},
    credential::Origins,
    decision::{Access, Decision},
    directory::AnyDirectory,
    error::{Error, ErrorKind},
    head::RequestHead,
    policy::{Narrowing, Plan, Planner, Policy, Question, Requirement, Verdict, ask, is_within},
    principal::Principal,
    proof::ClientCertificates,
    protected_resource::ProtectedResource,
    refusal::Refusal,
    revocation::AnyRevocations,
    rights::{Rights, RoleHierarchy, Standings},
    scheme::{Scheme, SchemeSet, Sources},
    telemetry::{self, Labels},
};
use cache::Cache;
use std::{
    any::TypeId,
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

/// Authenticates and authorizes requests.
///
/// Built once, shared by all routes; cheap to clone.
///
/// Adapters do this for their routes. Without one, ask the gate yourself:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{get, now};
/// use portcullis_core::{
///     Access, Algorithm, Audience, Error, Gate, Issuer, Jwt, Key, Plan, RequestHead,
///     RoleHierarchy, Scheme, policy::role,
/// };
///
/// /// What the caller may do, or the error that `Gate::refuse` makes an answer from.
/// async fn check(gate: &Gate, plan: &Plan, request: &dyn RequestHead) -> Result<Access, Error> {
///     let who = gate.establish_for(plan, request).await;
///     gate.authorize(&who, plan, request).await
/// }
///
/// # fn main() -> Result<(), Error> {
/// let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes")?;
/// let issuer =
///     Issuer::new("https://id.example.com", Audience::is("orders"), [Algorithm::Hs256], key)?;
/// let gate = Gate::builder()
///     // the cookie first
///     .scheme(Scheme::new(Jwt::new(issuer)).cookie("__Host-session").bearer())
///     .roles(RoleHierarchy::ranked(["viewer", "manager", "owner"])?)
///     .build()?;
/// let plan = gate.plan(role("viewer"))?; // once, where the route is added
///
/// # use portcullis_core::testing::acting_as;
/// # let alice = gate.acting_as(acting_as("alice").with_role("manager"));
/// // A request of a manager, and one without a credential:
/// assert_eq!(
///     now(check(&alice, &plan, &get("/orders")))?.role().map(|role| role.as_str()),
///     Some("manager")
/// );
/// let refusal = gate.refuse(&now(check(&gate, &plan, &get("/orders"))).unwrap_err());
/// assert_eq!(refusal.status(), 401);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Parts>);

type Render = dyn Fn(&Error, Refusal) -> Refusal + Send + Sync;

#[derive(Clone, Default)]
struct Parts {
    schemes: Vec<Scheme>,
    /// The sources of all schemes.
    all: Arc<Sources>,
    /// The sources of the schemes without a name, which every route accepts.
    unnamed: Arc<Sources>,
    reject_conflicts: bool,
    origins: Origins,
    cache: Option<Arc<Cache>>,
    /// Every authenticated caller is in the cache, nothing else is asked, and all routes read the same sources.
    finds_again: bool,
    context: Option<Arc<context::Context>>,
    certificates: Option<ClientCertificates>,
    /// Whether tokens that are bound to a key need proofs.
    has_proofs: bool,
    /// Whether a request has more to it than its credential: a context, or a proof.
    has_more: bool,
    revocations: Option<Arc<dyn AnyRevocations>>,
    directory: Option<Arc<dyn AnyDirectory>>,
    /// Asked before the policy of each route that is not public.
    baseline: Option<Plan>,
    /// Asked where a policy denies, if its plan says so.
    superuser: Option<Plan>,
    /// For gates without memberships: nothing is ever in it.
    no_standings: Standings,
    has_memberships: bool,
    /// Standings and signed addresses do.
    needs_time: bool,
    /// The query parameters that have the signatures of addresses.
    signatures: Vec<&'static str>,
    labels: Labels,
    time: Time,
    rights: Arc<Rights>,
    /// The plans of policies that extractors name.
    plans: Arc<RwLock<HashMap<TypeId, Result<Plan, Error>>>>,
    realm: Option<String>,
    protected_resource: Option<ProtectedResource>,
    /// The parameters that each challenge begins with.
    challenge: Option<String>,
    render: Option<Arc<Render>>,
    explains_denials: bool,
    #[cfg(feature = "testing")]
    acting_as: Option<acting::ActingCaller>,
}

impl Gate {
    /// Starts a gate.
    #[must_use]
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// Whether both are the same gate, not only built alike.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The known roles.
    #[must_use]
    pub fn roles(&self) -> &RoleHierarchy {
        &self.0.rights.roles
    }

    /// The known roles on resources of this kind.
    #[must_use]
    pub fn roles_on(&self, kind: &str) -> &RoleHierarchy {
        self.0.rights.roles_on(kind)
    }

    /// The kinds of resources on which callers can have roles, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.rights.memberships.keys().map(String::as_str)
    }

    /// The permissions that the gate lists and those that its roles name, without wildcards, sorted.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        self.0.rights.permission_names()
    }

    /// Checks a policy and prepares it for this gate, once, when a route is added.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the policy names a role, permission or scheme that the gate does not know, or could
    /// never allow any caller. The error lists the known names.
    pub fn plan(&self, policy: impl Policy + 'static) -> Result<Plan, Error> {
        let verify_only = self.0.schemes.iter().enumerate().filter(|(_, scheme)| !scheme.verifier.asks_anew());
        let verify_only = verify_only.fold(SchemeSet::NONE, |all, (place, _)| all.or(SchemeSet::one(place)));
        let (rights, unnamed) = (&self.0.rights, &self.0.unnamed);
        let planner = Planner { rights, unnamed, verify_only, checks_candidates: true };
        planner.plan(Arc::new(policy), |schemes| Sources::of(&self.0.schemes, schemes))
    }

    /// The same for a named policy, done once for this gate.
    ///
    /// Call it in a test to check that the policy is sound.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn plan_of<R: Requirement>(&self) -> Result<Plan, Error> {
        let key = TypeId::of::<R>();
        if let Some(known) = self.0.plans.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let plan = self.plan(R::POLICY);
        self.0.plans.write().unwrap_or_else(PoisonError::into_inner).insert(key, plan.clone());
        plan
    }

    /// Whether the gate asks revocations about each caller.
    #[must_use]
    pub fn has_revocations(&self) -> bool {
        self.0.revocations.is_some()
    }

    /// Decides whether the caller may make this request.
    ///
    /// A public policy allows every request here too. A caller of a scheme that the policy does not accept counts as
    /// absent.
    ///
    /// The error has everything for the log, and [`refuse`](Self::refuse) makes the answer from it. What another gate
    /// established or planned is refused: [`ErrorKind::Misconfigured`].
    pub fn authorize<'a>(
        &'a self,
        who: &'a Authentication,
        plan: &'a Plan,
        head: &'a dyn RequestHead,
    ) -> Answer<'a, Result<Access, Error>> {
        telemetry::allowed(self.authorize_beyond(self.baseline_of(plan), who, plan, head), self, who, plan)
    }

    /// The baseline, where it is asked before this policy.
    pub(crate) fn baseline_of(&self, plan: &Plan) -> Option<&Plan> {
        self.0.baseline.as_ref().filter(|_| plan.has_baseline())
    }

    /// The same, with this baseline.
    fn authorize_beyond<'a>(
        &'a self,
        baseline: Option<&'a Plan>,
        who: &'a Authentication,
        plan: &'a Plan,
        head: &'a dyn RequestHead,
    ) -> Answer<'a, Result<Access, Error>> {
        if plan.is_public() {
            let principal = who.visitor().ok().flatten().cloned();
            return Answer::now(Ok(Access { principal, ..Access::default() }));
        }
        let explaining = self.0.explains_denials || tracing::enabled!(target: "portcullis", tracing::Level::DEBUG);
        self.ask(baseline, who, plan, head, explaining).map(|verdict| {
            let denial = match verdict {
                Ok(Decision::Allow(access)) => {
                    let principal = match who.visitor() {
                        Err(_) if plan.reads_nothing() => None,
                        visitor => visitor?.cloned(),
                    };
                    return Ok(Access { principal, ..access });
                }
                Ok(Decision::Deny(denial)) if denial.why().is_absent => return Err(who.missing().with_denial(denial)),
                Ok(Decision::Deny(denial)) => denial,
                Err(error) => return Err(who.attribute(error)),
            };
            let kind = match denial.why() {
                why if why.is_hidden => ErrorKind::Hidden,
                why if why.is_step_up => ErrorKind::InsufficientAuthentication,
                _ => ErrorKind::Denied,
            };
            let error = Error::new(kind, format!("the policy denies the caller: {}", denial.code()));
            let explanation = denial.why().explanation.as_deref().cloned();
            Err(who.attribute(error.with_denial(denial).with_explanation(explanation)))
        })
    }

    /// The plan of the [baseline](GateBuilder::baseline) alone, for handlers without a policy.
    #[must_use]
    pub fn baseline(&self) -> Option<&Plan> {
        self.0.baseline.as_ref()
    }

    fn ask<'a>(
        &'a self,
        baseline: Option<&'a Plan>,
        who: &'a Authentication,
        plan: &'a Plan,
        head: &'a dyn RequestHead,
        explaining: bool,
    ) -> Answer<'a, Verdict> {
        let question = match self.question(who, plan, head, explaining) {
            Ok(question) => question,
            Err(error) => return Answer::now(Err(error)),
        };
        let superuser = self.0.superuser.as_ref();
        match explaining {
            true => Self::decide_explained(baseline, superuser, who, plan, question),
            false => decide(baseline, superuser, plan, question),
        }
    }

    /// A part of `ask`, which each request passes; lists use it too.
    #[inline(always)]
    fn question<'a>(
        &'a self,
        who: &'a Authentication,
        plan: &'a Plan,
        head: &'a dyn RequestHead,
        explaining: bool,
    ) -> Result<Question<'a>, Error> {
        if !who.is_of(self) {
            return Err(Error::misconfigured("another gate has authenticated the caller"));
        }
        if !plan.is_for(&self.0.rights) {
            return Err(Error::misconfigured("another gate has made the plan of this policy"));
        }
        let caller = match plan.asks_visitors() {
            false => Some(who.principal()?),
            // An outer guard may have found a caller that does not matter here.
            true if plan.reads_nothing() => None,
            true => who.visitor()?,
        };
        let (scheme, accepted) = (who.scheme_place(), plan.unnamed());
        if caller.is_some() && !scheme.is_some_and(|scheme| plan.sources().schemes.has(scheme)) {
            let name = who.scheme().map_or("a scheme without a name".to_owned(), |name| format!("the scheme `{name}`"));
            let detail = format!("the caller authenticated by {name}, which this policy does not accept");
            return Err(Error::new(ErrorKind::Missing, detail));
        }
        if caller.is_some() && !is_within(who.max_age(), plan.max_age()) {
            return Err(Error::misconfigured("the caller's identity is older than the policy allows"));
        }
        let (rights, standings) = (&*self.0.rights, who.standings().unwrap_or(&self.0.no_standings));
        let moment = self.moment(plan);
        let (visitors, below_not, narrowing, as_superuser) = (false, false, Narrowing::of(caller), false);
        Ok(Question {
            rights,
            named: plan.named(),
            caller,
            scheme,
            accepted,
            visitors,
            standings,
            head,
            moment,
            below_not,
            narrowing,
            explaining,
            as_superuser,
        })
    }

    #[inline]
    fn moment(&self, plan: &Plan) -> Moment {
        let now = if self.0.needs_time { self.now() } else { SystemTime::UNIX_EPOCH };
        Moment::new(now, plan.max_age())
    }

    /// For one identity; `None` for a gate without memberships.
    #[inline]
    fn new_standings(&self) -> Option<Standings> {
        self.0.has_memberships.then(Standings::default)
    }

    fn now(&self) -> SystemTime {
        self.0.time.now()
    }
}

/// The baseline, and then the policy.
#[inline(always)]
fn decide<'a>(
    baseline: Option<&'a Plan>,
    superuser: Option<&'a Plan>,
    plan: &'a Plan,
    question: Question<'a>,
) -> Answer<'a, Verdict> {
    let policy = move || superuser::ask_policy(superuser, plan, question);
    let Some(baseline) = baseline.filter(|_| question.caller.is_some()) else { return policy() };
    // It names no schemes, so it applies to every caller that the route accepts. It only restricts, so it names no scope of a key.
    let (accepted, narrowing) = (baseline.unnamed(), question.narrowing.covered());
    let named = baseline.named();
    match ask(baseline.policy(), Question { accepted, narrowing, named, ..question }).ready() {
        Ok(Ok(Decision::Allow(_))) => policy(),
        Ok(denied) => Answer::now(denied),
        Err(later) => Answer::later(async move {
            match later.await? {
                Decision::Allow(_) => policy().await,
                denied => Ok(denied),
            }
        }),
    }
}

impl Authentication {
    /// An error, with the scheme, the source and the issuer of the credential.
    fn attribute(&self, error: Error) -> Error {
        let mut error = error.with_scheme(self.scheme());
        if let Some(source) = self.source() {
            error = error.with_source(source);
        }
        match self.visitor().ok().flatten().and_then(Principal::issuer_shared) {
            Some(issuer) => error.with_issuer(issuer),
            None => error,
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("schemes", &self.0.schemes).finish_non_exhaustive()
    }
}
