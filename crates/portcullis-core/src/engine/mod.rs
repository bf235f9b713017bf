//! Policy engines: programs and libraries beside the service that decide by policies of their own.
//!
//! A gate stores them by name, and `policy/engine.rs` asks one. What an engine needs is owned by the request to it, so that its
//! future can outlive the question.

mod batch;
mod request;

pub(crate) use batch::Batches;
pub use request::{EngineRequest, EngineResource};

use crate::{
    answer::Answer,
    error::{Error, ErrorKind},
};
use std::{fmt, future::Future, sync::Arc};

/// Decides by policies of its own, such as Cedar, Cerbos or OPA. Written with plain `async fn`.
///
/// A gate has it by a [name](crate::GateBuilder::engine), and the policy [`engine`](crate::policy::engine) asks it.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use portcullis_core::{Engine, EngineRequest};
///
/// /// Projects with even numbers are for reading.
/// #[derive(Debug)]
/// struct Even;
///
/// impl Engine for Even {
///     async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
///         let id = request.resource().and_then(|resource| resource.id().parse::<u32>().ok());
///         Ok(request.action() == "read" && id.is_some_and(|id| id % 2 == 0))
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let gate = builder()?.engine("even", Even).build()?.acting_as(acting_as("alice"));
/// const READ: &dyn Policy = &engine("even", "read").on("project", path("project_id"));
/// const WRITE: &dyn Policy = &engine("even", "write").on("project", path("project_id"));
///
/// assert_eq!(answer(&gate, READ, project(2)), "200");
/// assert_eq!(answer(&gate, READ, project(3)), "403 engine_denied");
/// assert_eq!(answer(&gate, WRITE, project(2)), "403 engine_denied");
/// assert!(gate.plan(engine("odd", "read")).is_err()); // found when the route is added
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is no policy engine", note = "write `impl Engine for {Self}`")]
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Whether the caller may do what it asks for.
    ///
    /// # Errors
    /// If the engine did not answer. The request is then refused with 503, or with 500 if the error is of the kind
    /// [`ErrorKind::Misconfigured`].
    fn allows(&self, request: &EngineRequest) -> impl Future<Output = Result<bool, Error>> + Send;

    /// The same for many requests of one caller, in their order: those of a [list](crate::Caller::filter).
    ///
    /// By default they are asked one by one. An engine across a network should ask about all of them at once.
    ///
    /// # Errors
    /// If one of them was not answered. Another number of answers than of requests is a configuration error.
    fn allows_each(&self, requests: &[EngineRequest]) -> impl Future<Output = Result<Vec<bool>, Error>> + Send {
        async move {
            let mut allowed = Vec::with_capacity(requests.len());
            for request in requests {
                allowed.push(self.allows(request).await?);
            }
            Ok(allowed)
        }
    }
}

impl<E: Engine> Engine for Arc<E> {
    fn allows(&self, request: &EngineRequest) -> impl Future<Output = Result<bool, Error>> + Send {
        (**self).allows(request)
    }

    fn allows_each(&self, requests: &[EngineRequest]) -> impl Future<Output = Result<Vec<bool>, Error>> + Send {
        (**self).allows_each(requests)
    }
}

/// [`Engine`] as a gate stores it. Its futures own what they need, and nothing is asked before one is polled: a guard that cannot
/// wait drops them, and asks again where it can.
pub(crate) trait AnyEngine: fmt::Debug + Send + Sync {
    fn allows(self: Arc<Self>, request: EngineRequest) -> Answer<'static, Result<bool, Error>>;
    fn allows_each(self: Arc<Self>, requests: Vec<EngineRequest>) -> Answer<'static, Result<Vec<bool>, Error>>;
}

impl<E: Engine> AnyEngine for E {
    fn allows(self: Arc<Self>, request: EngineRequest) -> Answer<'static, Result<bool, Error>> {
        Answer::later(async move { Engine::allows(&*self, &request).await.map_err(unanswered) })
    }

    fn allows_each(self: Arc<Self>, requests: Vec<EngineRequest>) -> Answer<'static, Result<Vec<bool>, Error>> {
        Answer::later(async move {
            let allowed = Engine::allows_each(&*self, &requests).await.map_err(unanswered)?;
            let (answers, requests) = (allowed.len(), requests.len());
            if answers == requests {
                return Ok(allowed);
            }
            let detail =
                format!("`Engine::allows_each` returned {answers} answers to {requests} requests; return one for each");
            Err(Error::misconfigured(detail))
        })
    }
}

/// An error of an engine is never a denial.
fn unanswered(error: Error) -> Error {
    match error.status() {
        500.. => error,
        _ => Error::new(ErrorKind::Unavailable, "the policy engine did not answer").with_cause(error),
    }
}
