//! What authentication found out about a request.

use super::Gate;
use crate::{
    credential::CredentialSource,
    error::{Error, ErrorKind},
    head::{RequestHead, is_preflight},
    policy::{Plan, is_within},
    principal::Principal,
    rights::Standings,
    scheme::Sources,
};
use std::{sync::Arc, time::Duration};

/// The result of authenticating a request at one gate: a principal, no credential, or one that is not valid.
///
/// Adapters keep it in the request, so the work is done once. It is valid only for the gate that established it: see
/// [`is_of`](Self::is_of).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = builder()?.build()?;
/// let token = TestIssuer::new().token("alice").sign();
/// let [alice, visitor, forger] = [get("/").bearer(&token), get("/"), get("/").bearer("forged")];
/// let establish = |request: &Request| now(gate.establish(request));
///
/// let who = establish(&alice);
/// assert_eq!(who.principal()?.id().subject(), "alice");
/// assert_eq!(who.source().map(ToString::to_string), Some("bearer header".to_owned()));
/// assert!(who.is_of(&gate) && !who.is_of(&builder()?.build()?));
///
/// let who = establish(&visitor);
/// assert!(who.visitor()?.is_none()); // no credential is no error here
/// assert_eq!(who.principal().unwrap_err().kind(), ErrorKind::Missing);
/// assert!(establish(&forger).visitor().is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Authentication {
    pub(super) gate: Gate,
    /// What was read; `None` for what the schemes without a name read.
    sources: Option<Arc<Sources>>,
    /// The place of the caller's scheme.
    scheme: Option<u16>,
    /// The place of the source of its credential.
    source: Option<u16>,
    max_age: Option<Duration>,
    is_preflight: bool,
    /// The standings of the caller, as far as they were asked.
    standings: Option<Standings>,
    outcome: Result<Option<Principal>, Error>,
}

/// The place of the source of a credential, the greatest age of cached facts about it, and the place of the scheme that
/// decided.
pub(super) type From = (Option<usize>, Option<Duration>, Option<usize>);

impl Authentication {
    pub(super) fn new(
        gate: &Gate,
        sources: &Arc<Sources>,
        from: Option<From>,
        outcome: Result<Option<Principal>, Error>,
    ) -> Self {
        // What is known without a credential is as fresh as can be.
        let (source, max_age, scheme) = from.unwrap_or((None, Some(Duration::ZERO), None));
        let [scheme, source] = [scheme, source].map(|place| place.and_then(|place| u16::try_from(place).ok()));
        let standings = gate.new_standings();
        let (gate, sources, nobody) = (gate.clone(), unusual(gate, sources), Ok(None));
        let this = Self { gate, sources, scheme, source, max_age, is_preflight: false, standings, outcome: nobody };
        let outcome = outcome.map_err(|error| this.of_source(error));
        Self { outcome, ..this }
    }

    /// What was read.
    pub(super) fn sources(&self) -> &Arc<Sources> {
        self.sources.as_ref().unwrap_or(&self.gate.0.unnamed)
    }

    fn of_source(&self, error: Error) -> Error {
        match self.source() {
            Some(source) => error.with_source(source).with_scheme(self.scheme()),
            None => error,
        }
    }

    /// A principal that is known already: from the cache with a source, or for a test without one.
    #[inline(always)]
    pub(super) fn known(
        gate: &Gate,
        sources: &Arc<Sources>,
        source: Option<u16>,
        scheme: u16,
        principal: Principal,
    ) -> Self {
        Self {
            gate: gate.clone(),
            sources: unusual(gate, sources),
            scheme: Some(scheme),
            source,
            max_age: if source.is_some() { None } else { Some(Duration::ZERO) },
            is_preflight: false,
            standings: gate.new_standings(),
            outcome: Ok(Some(principal)),
        }
    }

    /// No credential was presented.
    pub(super) fn nobody(gate: &Gate, sources: &Arc<Sources>, head: &dyn RequestHead) -> Self {
        Self { is_preflight: is_preflight(head), ..Self::new(gate, sources, None, Ok(None)) }
    }

    /// Whether this gate established it.
    #[must_use]
    pub fn is_of(&self, gate: &Gate) -> bool {
        self.gate.is_same(gate)
    }

    /// Whether it can be used for a route with this policy.
    ///
    /// It can if it is as [fresh](crate::policy::fresh) as the policy requires or, without a caller, if all sources that
    /// the policy accepts were read. It also can if the credential is not valid. If it cannot, ask
    /// [again](Gate::establish_again).
    #[must_use]
    pub fn is_enough_for(&self, plan: &Plan) -> bool {
        match &self.outcome {
            Err(_) => true,
            Ok(None) => self.sources().schemes.includes(plan.sources().schemes),
            Ok(Some(_)) => is_within(self.max_age, plan.max_age()),
        }
    }

    /// The same with another outcome.
    pub(super) fn with_outcome(self, outcome: Result<Principal, Error>) -> Self {
        Self { outcome: outcome.map(Some), ..self }
    }

    /// The same, but its credential is refused.
    pub(super) fn refused_with(self, error: Error) -> Self {
        let error = self.of_source(error);
        self.with_outcome(Err(error))
    }

    pub(super) fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// None for a gate without memberships.
    pub(super) fn standings(&self) -> Option<&Standings> {
        self.standings.as_ref()
    }

    /// The same caller, without any standings.
    pub(super) fn without_standings(&self) -> Self {
        Self { standings: self.gate.new_standings(), ..self.clone() }
    }

    pub(super) fn scheme_place(&self) -> Option<usize> {
        self.scheme.map(usize::from)
    }

    /// The name of the caller's scheme, if it has one.
    #[must_use]
    pub fn scheme(&self) -> Option<&'static str> {
        self.gate.0.schemes.get(self.scheme_place()?)?.name
    }

    /// Whether establishing it again costs no more than keeping it, with the same result: the gate has it in its
    /// [cache](crate::TokenCache), and has no named schemes.
    #[must_use]
    pub fn is_found_again(&self) -> bool {
        self.gate.0.finds_again && self.outcome.is_ok()
    }

    /// The source of the credential.
    #[must_use]
    pub fn source(&self) -> Option<&CredentialSource> {
        self.sources().sources.get(usize::from(self.source?))
    }

    /// The caller, if a credential was presented.
    ///
    /// # Errors
    /// If the credential is not valid.
    pub fn visitor(&self) -> Result<Option<&Principal>, Error> {
        self.outcome.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The caller.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] if no credential was presented, and as [`visitor`](Self::visitor).
    pub fn principal(&self) -> Result<&Principal, Error> {
        self.visitor()?.ok_or_else(|| self.missing())
    }

    /// There is no credential.
    pub(super) fn missing(&self) -> Error {
        if self.is_preflight {
            let detail =
                "a CORS preflight has no credential; put the CORS layer outside of the guard, so that it answers first";
            return Error::new(ErrorKind::Missing, detail);
        }
        Error::new(ErrorKind::Missing, self.sources().absent.clone())
    }
}

/// The sources, unless they are those of the gate, which would be counted by all threads for every caller.
fn unusual(gate: &Gate, sources: &Arc<Sources>) -> Option<Arc<Sources>> {
    (!Arc::ptr_eq(sources, &gate.0.unnamed)).then(|| sources.clone())
}
