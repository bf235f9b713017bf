use super::Gate;
use crate::{
    credential::CredentialSource,
    error::{Error, ErrorKind},
    head::{RequestHead, is_preflight},
    policy::{Policy, is_within, max_age},
    principal::Principal,
};
use std::time::Duration;

/// Who makes a request, as one gate found out: somebody, nobody, or a credential that does not hold.
///
/// Adapters remember it in the request, so that it is found out once. What one gate established means nothing to
/// another: see [`is_of`](Self::is_of).
#[derive(Debug, Clone)]
pub struct Established {
    pub(super) gate: Gate,
    source: Option<CredentialSource>,
    max_age: Option<Duration>,
    is_preflight: bool,
    outcome: Result<Option<Principal>, Error>,
}

impl Established {
    pub(super) fn new(
        gate: &Gate,
        from: Option<(CredentialSource, Option<Duration>)>,
        outcome: Result<Option<Principal>, Error>,
    ) -> Self {
        // What is known without a credential is as fresh as can be.
        let (source, max_age) = match from {
            Some((source, max_age)) => (Some(source), max_age),
            None => (None, Some(Duration::ZERO)),
        };
        let outcome = match (outcome, &source) {
            (Err(error), Some(source)) => Err(error.with_source(source)),
            (outcome, _) => outcome,
        };
        Self { gate: gate.clone(), source, max_age, is_preflight: false, outcome }
    }

    /// Nobody says who they are.
    pub(super) fn nobody(gate: &Gate, head: &dyn RequestHead) -> Self {
        Self { is_preflight: is_preflight(head), ..Self::new(gate, None, Ok(None)) }
    }

    /// Whether this gate established it.
    #[must_use]
    pub fn is_of(&self, gate: &Gate) -> bool {
        self.gate.is_same(gate)
    }

    /// Whether it was established as freshly as this policy asks for: see [`fresh`](crate::policy::fresh). A credential that
    /// does not hold does not get better.
    #[must_use]
    pub fn is_enough_for(&self, policy: &dyn Policy) -> bool {
        self.outcome.is_err() || is_within(self.max_age, max_age(policy))
    }

    pub(super) fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Whether finding it out anew costs no more than remembering it: the gate has it in its [cache](crate::TokenCache).
    #[must_use]
    pub fn is_found_again(&self) -> bool {
        self.gate.0.finds_again && self.outcome.is_ok()
    }

    /// Where the credential came from.
    #[must_use]
    pub fn source(&self) -> Option<&CredentialSource> {
        self.source.as_ref()
    }

    /// Who is asking, if somebody says who they are.
    ///
    /// # Errors
    /// If a credential was presented and does not hold.
    pub fn visitor(&self) -> Result<Option<&Principal>, Error> {
        self.outcome.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// Who is asking.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] if nobody says who they are, and as [`visitor`](Self::visitor).
    pub fn principal(&self) -> Result<&Principal, Error> {
        self.visitor()?.ok_or_else(|| {
            if self.is_preflight {
                return Error::new(ErrorKind::Missing, "a CORS preflight has no credential; put the CORS layer outside of the guard, so that it answers first");
            }
            let places: Vec<String> = self.gate.sources().map(ToString::to_string).collect();
            let detail = format!("no credential was presented; the gate reads: {}", places.join(", "));
            Error::new(ErrorKind::Missing, detail)
        })
    }
}
