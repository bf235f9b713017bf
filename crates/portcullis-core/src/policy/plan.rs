//! What a gate makes of a policy when a route is added.
//!
//! The planner reads the [`Description`] once: it checks each name in it, works out which schemes can satisfy the whole, and
//! collects what the adapters need to know in advance. No request walks the description.

use super::{Description, On, Policy, empty_list, shadow::ByCandidateRoles, step_up};
use crate::{
    error::Error,
    rights::{Rights, RightsNamed},
    scheme::{SchemeSet, Sources},
};
use std::{fmt, sync::Arc, time::Duration};

/// A policy, checked and prepared by a gate, once for each route.
///
/// Cheap to clone.
///
/// Made by [`Gate::plan`](crate::Gate::plan), and valid only for that gate. Adapters make the plans of their routes. Make one
/// yourself to guard something without an adapter, or in a test:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate(&[("alice", 1, "viewer")])?;
/// let plan = gate.plan(any((staff(), role("viewer").on("project", path("project_id")))))?;
/// assert_eq!(plan.description().to_string(), "staff or role viewer on project");
/// assert_eq!(
///     (plan.params(), plan.schemes()),
///     (&["project_id"][..], vec!["bearer header".to_owned()])
/// );
/// assert!(!plan.is_public() && plan.max_age().is_none());
///
/// let is_allowed = |gate: &Gate, request: Request| {
///     let who = now(gate.establish_for(&plan, &request));
///     now(gate.authorize(&who, &plan, &request)).is_ok()
/// };
/// let alice = gate.acting_as(acting_as("alice"));
/// assert!(is_allowed(&alice, project(1)) && !is_allowed(&alice, project(2)));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Plan(Arc<Parts>);

struct Parts {
    policy: Arc<dyn Policy>,
    description: Description,
    rights: Arc<Rights>,
    sources: Arc<Sources>,
    unnamed: SchemeSet,
    max_age: Option<Duration>,
    is_public: bool,
    has_superuser: bool,
    asks_visitors: bool,
    params: Vec<&'static str>,
    named: RightsNamed,
}

/// What a gate needs to make plans.
pub(crate) struct Planner<'g> {
    pub(crate) rights: &'g Arc<Rights>,
    /// Those that every route accepts.
    pub(crate) unnamed: &'g Arc<Sources>,
    /// Those that only verify, and cannot ask again.
    pub(crate) verify_only: SchemeSet,
    /// Whether a mistake in a candidate is one of the plan. A request is not refused for it.
    pub(crate) checks_candidates: bool,
}

impl Planner<'_> {
    /// # Errors
    /// For every name that the gate does not know, and for what can never work: both have to show when a program starts.
    pub(crate) fn plan(&self, policy: Arc<dyn Policy>, read: impl FnOnce(SchemeSet) -> Sources) -> Result<Plan, Error> {
        let description = policy.describe();
        let accepted = self.accepted(&description, self.unnamed.schemes);
        let (mut checked, mut params, mut max_age, mut asks_visitors) = (Ok(()), Vec::new(), None, false);
        let mut is_signed = false;
        let mut has_superuser = false;
        let mut named = RightsNamed::default();
        description.walk(false, &mut |part, below_not| {
            if checked.is_ok() {
                checked = self.check(part, below_not, accepted);
            }
            let replaces = || self.rights.superuser.as_ref().is_some_and(|superuser| superuser.replaces(part));
            has_superuser = has_superuser || !below_not && replaces();
            if checked.is_ok()
                && let Some(right) = part.right()
            {
                named.push(right, self.rights);
            }
            params.extend(part.on().into_iter().flat_map(|on| on.params.iter().copied()));
            match part {
                Description::Fresh { max_age: age, .. } => {
                    max_age = Some(max_age.map_or(*age, |least: Duration| least.min(*age)));
                }
                Description::Visitors(_) => asks_visitors = true,
                Description::Signed { signer } if !self.is_bound(signer) => (asks_visitors, is_signed) = (true, true),
                Description::WithoutBaseline(_) if !std::ptr::eq(part, &raw const description) && checked.is_ok() => {
                    let detail = "`without_baseline` has to be around the whole policy";
                    checked = Err(Error::misconfigured(detail));
                }
                _ => {}
            }
        });
        checked?;
        if accepted.is_empty() {
            return Err(Error::misconfigured("no scheme of the gate can satisfy the whole policy"));
        }
        // Where a signature is enough, only credentials that another part judges are read.
        let read_only = if is_signed { self.judged(&description, self.unnamed.schemes) } else { SchemeSet::ALL };
        let accepted = accepted.and(read_only);
        if max_age.is_some() && accepted.and(self.verify_only) != SchemeSet::NONE {
            return Err(Error::misconfigured(
                "a policy requires a fresh identity, and a scheme that the route accepts only verifies and cannot ask again; use \
                 `Introspection` or `WhoAmI` there",
            ));
        }
        let policy = self.with_candidates(policy, &description, max_age)?;
        let sources = match accepted == self.unnamed.schemes {
            true => self.unnamed.clone(),
            false => Arc::new(read(accepted)),
        };
        let is_public = description.is_public();
        has_superuser = has_superuser && !is_public;
        let (rights, unnamed) = (self.rights.clone(), self.unnamed.schemes);
        let parts = Parts {
            policy,
            description,
            rights,
            sources,
            unnamed,
            max_age,
            is_public,
            has_superuser,
            asks_visitors,
            params,
            named,
        };
        Ok(Plan(Arc::new(parts)))
    }

    fn check(&self, part: &Description, below_not: bool, accepted: SchemeSet) -> Result<(), Error> {
        let rights = self.rights;
        match part {
            Description::Role { role, on } => {
                self.check_kinds(on.as_ref())?;
                rights.knows_role(role, on.as_ref().map(|on| on.kind)).map(drop)
            }
            Description::Permission { permission, on } => {
                self.check_kinds(on.as_ref())?;
                rights.knows_permission(permission, on.as_ref().map(|on| on.kind), below_not)
            }
            Description::Engine { engine, .. } => rights.engine(engine).map(drop),
            Description::All(parts) | Description::Any(parts) if parts.is_empty() => Err(empty_list()),
            Description::Via { scheme, .. } | Description::AlsoVia { scheme, .. } => {
                let place = rights.scheme(scheme)?;
                if below_not || accepted.has(place) {
                    return Ok(());
                }
                Err(Error::misconfigured(format!(
                    "no caller of `{scheme}` can be allowed here, since another part of the policy does not accept it; put \
                     `also_via({scheme:?}, ..)` around the whole policy, or `via({scheme:?}).and(..)` around what else is asked"
                )))
            }
            Description::Signed { signer } => self.check_signed(signer, below_not),
            Description::SignedInWithin(_) | Description::Factor(_) => step_up::not_inverted(below_not),
            _ => Ok(()),
        }
    }

    /// The policy with all candidates beside it, which get counters.
    fn with_candidates(
        &self,
        mut policy: Arc<dyn Policy>,
        description: &Description,
        max_age: Option<Duration>,
    ) -> Result<Arc<dyn Policy>, Error> {
        let (mut checked, mut asks_roles, is_public) = (Ok(()), false, description.is_public());
        description.walk(false, &mut |part, below_not| match part {
            Description::Shadow { name, candidate, .. } => {
                self.rights.shadows.register(name);
                if self.checks_candidates && checked.is_ok() {
                    let checks = match is_public {
                        true => {
                            Err(Error::misconfigured("the live policy is public, so no caller is known to compare"))
                        }
                        false => self.check_candidate(candidate, below_not, max_age),
                    };
                    checked = checks.map_err(|error| of_candidate(name, &error));
                }
            }
            Description::Role { .. } | Description::Permission { .. } | Description::Rule { .. } => asks_roles = true,
            _ => {}
        });
        checked?;
        if is_public || !asks_roles {
            return Ok(policy);
        }
        for (name, rights) in &self.rights.candidates {
            if self.checks_candidates {
                let known = Planner { rights, ..*self }.check_names(description, false);
                known.map_err(|error| of_candidate(name, &error))?;
            }
            self.rights.shadows.register(name);
            policy = Arc::new(ByCandidateRoles { name, live: policy });
        }
        Ok(policy)
    }

    /// What could never work beside a live policy whose callers are as fresh as `max_age`.
    fn check_candidate(
        &self,
        candidate: &Description,
        below_not: bool,
        max_age: Option<Duration>,
    ) -> Result<(), Error> {
        let mut problem = None;
        candidate.walk(below_not, &mut |part, _| match part {
            Description::Fresh { max_age: least, .. } if max_age.is_none_or(|age| age > *least) => {
                problem = Some("it has `fresh`, which the live policy has not, so it could judge no caller");
            }
            Description::WithoutBaseline(_) => {
                problem = Some("`without_baseline` has to be around the live policy and its candidate");
            }
            _ => {}
        });
        problem.map_or_else(|| self.check_names(candidate, below_not), |problem| Err(Error::misconfigured(problem)))
    }

    /// Only the names: the live policy says whose credentials are accepted.
    fn check_names(&self, description: &Description, below_not: bool) -> Result<(), Error> {
        let mut checked = Ok(());
        description.walk(below_not, &mut |part, below_not| {
            if checked.is_ok() {
                checked = self.check(part, below_not, SchemeSet::ALL);
            }
        });
        checked
    }

    fn check_kinds(&self, on: Option<&On>) -> Result<(), Error> {
        let mut kinds = on.into_iter().flat_map(|on| [on.kind].into_iter().chain(on.of.iter().copied()));
        kinds.try_for_each(|kind| self.rights.membership(kind).map(drop))
    }

    /// The schemes whose callers can be allowed: `all` intersects, `any` unites, and `not` adds none.
    fn accepted(&self, part: &Description, here: SchemeSet) -> SchemeSet {
        let one = |scheme: &str| self.rights.scheme(scheme).map_or(SchemeSet::NONE, SchemeSet::one);
        match part {
            Description::Via { scheme, part } => self.accepted(part, one(scheme)).and(one(scheme)),
            Description::AlsoVia { scheme, part } => self.accepted(part, here.or(one(scheme))),
            Description::All(parts) => {
                parts.iter().fold(SchemeSet::ALL, |all, part| all.and(self.accepted(part, here)))
            }
            Description::Any(parts) => {
                parts.iter().fold(SchemeSet::NONE, |any, part| any.or(self.accepted(part, here)))
            }
            Description::Hidden(part)
            | Description::Visitors(part)
            | Description::WithoutBaseline(part)
            | Description::Fresh { part, .. }
            | Description::Shadow { live: part, .. }
            | Description::Row { part, .. } => self.accepted(part, here),
            // With or without a credential, of any scheme.
            Description::Signed { signer } if !self.is_bound(signer) => SchemeSet::ALL,
            _ => here,
        }
    }
}

fn of_candidate(name: &str, error: &Error) -> Error {
    Error::misconfigured(format!("the candidate `{name}` cannot be compared: {error}"))
}

impl Plan {
    /// What the policy requires.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Whether the policy allows every caller, so that no caller needs to be authenticated.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.0.is_public
    }

    /// The path parameters that the policy reads.
    #[must_use]
    pub fn params(&self) -> &[&'static str] {
        &self.0.params
    }

    /// The schemes that the policy accepts: their names, or their sources if they have none.
    #[must_use]
    pub fn schemes(&self) -> Vec<String> {
        let (sources, rights) = (&self.0.sources, &self.0.rights);
        let mut schemes = Vec::new();
        for (place, source) in sources.sources.iter().enumerate() {
            for reader in sources.readers(place) {
                let name = rights.schemes.get(*reader).copied().flatten();
                let text = name.map_or_else(|| source.to_string(), str::to_owned);
                if !schemes.contains(&text) {
                    schemes.push(text);
                }
            }
        }
        schemes
    }

    /// The greatest age of cached facts about the caller, for all parts of the policy.
    ///
    /// `None` if no part sets one.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.0.max_age
    }

    /// The policy of the gate's [superusers](crate::GateBuilder::superuser), if they pass here without a right that is required.
    #[must_use]
    pub fn superuser(&self) -> Option<&Description> {
        self.0.rights.superuser.as_ref().filter(|_| self.0.has_superuser).map(|superuser| &superuser.policy)
    }

    pub(crate) fn has_superuser(&self) -> bool {
        self.0.has_superuser
    }

    /// Whether callers without a credential are judged.
    pub(crate) fn asks_visitors(&self) -> bool {
        self.0.asks_visitors
    }

    /// Whether it is decided by the request alone: no credential is read.
    pub(crate) fn reads_nothing(&self) -> bool {
        self.0.sources.schemes.is_empty()
    }

    pub(crate) fn has_baseline(&self) -> bool {
        !matches!(self.0.description, Description::WithoutBaseline(_))
    }

    /// The roles and permissions that the policy names.
    pub(crate) fn named(&self) -> &RightsNamed {
        &self.0.named
    }

    pub(crate) fn policy(&self) -> &dyn Policy {
        &*self.0.policy
    }

    pub(crate) fn sources(&self) -> &Arc<Sources> {
        &self.0.sources
    }

    /// The schemes that are accepted where the policy names none.
    pub(crate) fn unnamed(&self) -> SchemeSet {
        self.0.unnamed
    }

    pub(crate) fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// Whether it was made by a gate that knows these rights.
    pub(crate) fn is_for(&self, rights: &Arc<Rights>) -> bool {
        Arc::ptr_eq(&self.0.rights, rights)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({})", self.0.description)
    }
}
