//! Portcullis asks policies of [`gatehouse`]: [`Gatehouse`] is an [`Engine`] in the process of the service.
//!
//! ```
//! use gatehouse::{PermissionChecker, PolicyBuilder, PolicyDomain};
//! use portcullis_core::{EngineRequest, GateBuilder, policy::*};
//! use portcullis_gatehouse::Gatehouse;
//!
//! /// What the policies are about.
//! struct Documents;
//!
//! impl PolicyDomain for Documents {
//!     type Subject = String;
//!     type Action = &'static str;
//!     type Resource = String;
//!     type Context = ();
//! }
//!
//! fn with_gatehouse(gate: GateBuilder) -> GateBuilder {
//!     let mut checker = PermissionChecker::<Documents>::new();
//!     let reads = PolicyBuilder::new("EverybodyReads").actions(|action| *action == "read");
//!     checker.add_policy(reads.build());
//!     let inputs = |request: &EngineRequest| {
//!         let document = request.resource().map(|on| on.id().to_owned()).unwrap_or_default();
//!         Ok((request.principal().id().to_string(), request.action(), document, ()))
//!     };
//!     gate.engine("documents", Gatehouse::new(checker, inputs))
//! }
//!
//! const READ: &dyn Policy = &engine("documents", "read").on("document", path("document_id"));
//! ```
//!
//! | gatehouse | the answer |
//! |---|---|
//! | `Granted` | what the rest of the policy says |
//! | `Denied` | 403 `engine_denied`; its reason is in the log at debug level |
//! | `Indeterminate`: a fact could not be loaded | 503, also within `not(…)` |
#![cfg_attr(docsrs, feature(doc_cfg))]

use gatehouse::{AccessEvaluation, EvaluationSession, FactRegistry, PermissionChecker, PolicyDomain};
use portcullis_core::{Engine, EngineRequest, Error, ErrorKind};
use std::fmt;

/// What a checker is asked: subject, action, resource and context.
pub type Inputs<D> = (
    <D as PolicyDomain>::Subject,
    <D as PolicyDomain>::Action,
    <D as PolicyDomain>::Resource,
    <D as PolicyDomain>::Context,
);

type OfRequest<D> = dyn Fn(&EngineRequest) -> Result<Inputs<D>, Error> + Send + Sync;

/// Asks a [`PermissionChecker`]. See the [crate's documentation](crate).
pub struct Gatehouse<D: PolicyDomain> {
    checker: PermissionChecker<D>,
    inputs: Box<OfRequest<D>>,
    facts: FactRegistry,
}

impl<D: PolicyDomain> Gatehouse<D> {
    /// An engine with this checker, and the function that makes its inputs of a request.
    ///
    /// The request has the caller, the action of the policy, and the resource with the caller's standing there. An error of the
    /// function is one of the request, and never a denial: return [`ErrorKind::Misconfigured`] for an action or a kind that the
    /// checker does not know.
    #[must_use]
    pub fn new(
        checker: PermissionChecker<D>,
        inputs: impl Fn(&EngineRequest) -> Result<Inputs<D>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { checker, inputs: Box::new(inputs), facts: FactRegistry::new() }
    }

    /// Loads the facts of its policies from these sources.
    ///
    /// Each question has a session of its own. The rows of a [list](portcullis_core::Caller::filter) have one together, so a fact
    /// that several rows need is loaded once.
    #[must_use]
    pub fn facts(self, facts: FactRegistry) -> Self {
        Self { facts, ..self }
    }

    async fn check(&self, session: &EvaluationSession, request: &EngineRequest) -> Result<bool, Error> {
        let (subject, action, resource, context) = (self.inputs)(request)?;
        match self.checker.bind(session, &subject, &action, &context).check(&resource).await {
            AccessEvaluation::Granted { .. } => Ok(true),
            AccessEvaluation::Denied { reason, .. } => {
                tracing::debug!(target: "portcullis", action = request.action(), reason, "gatehouse denies");
                Ok(false)
            }
            undecided => {
                let error = Error::new(ErrorKind::Unavailable, "gatehouse could not decide");
                Err(undecided.into_result().err().map_or(error.clone(), |cause| error.with_cause(cause)))
            }
        }
    }
}

impl<D: PolicyDomain> Engine for Gatehouse<D> {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        self.check(&self.facts.session(), request).await
    }

    async fn allows_each(&self, requests: &[EngineRequest]) -> Result<Vec<bool>, Error> {
        let session = self.facts.session();
        let mut allowed = Vec::with_capacity(requests.len());
        for request in requests {
            allowed.push(self.check(&session, request).await?);
        }
        Ok(allowed)
    }
}

impl<D: PolicyDomain> fmt::Debug for Gatehouse<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatehouse").field("checker", &self.checker.name()).finish_non_exhaustive()
    }
}
