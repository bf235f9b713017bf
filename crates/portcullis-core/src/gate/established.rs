use super::Gate;
use crate::{
    credential::CredentialSource,
    error::{Error, ErrorKind},
    principal::Principal,
};

/// Who makes a request, as one gate found out: somebody, nobody, or a credential that does not hold.
///
/// Adapters remember it in the request, so that it is found out once. What one gate established means nothing to
/// another: see [`is_of`](Self::is_of).
#[derive(Debug, Clone)]
pub struct Established {
    gate: Gate,
    source: Option<CredentialSource>,
    outcome: Result<Option<Principal>, Error>,
}

impl Established {
    pub(super) fn new(
        gate: &Gate,
        source: Option<CredentialSource>,
        outcome: Result<Option<Principal>, Error>,
    ) -> Self {
        let outcome = match (outcome, &source) {
            (Err(error), Some(source)) => Err(error.with_source(source)),
            (outcome, _) => outcome,
        };
        Self { gate: gate.clone(), source, outcome }
    }

    /// Whether this gate established it.
    #[must_use]
    pub fn is_of(&self, gate: &Gate) -> bool {
        self.gate.is_same(gate)
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
            let places: Vec<String> = self.gate.sources().map(ToString::to_string).collect();
            let detail = format!("no credential was presented; the gate reads: {}", places.join(", "));
            Error::new(ErrorKind::Missing, detail)
        })
    }
}
