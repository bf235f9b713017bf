use axum::response::{IntoResponse, Response};
use portcullis_core::{Error, Gate};
use portcullis_tower::{respond, respond_error};
use std::fmt;

/// A refused request, which becomes a response.
///
/// Handlers can also return it for an [`Error`] of their own, such as one of
/// [`Principal::claims`](portcullis_core::Principal::claims), or one that they make. The guard of the route renders it:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn show(
///     principal: Authenticated,
///     axum::extract::Path(id): axum::extract::Path<u32>,
/// ) -> Result<String, Rejection> {
///     match id {
///         1 => Ok("an invoice".to_owned()),
///         2 => Err(Error::denied("invoice_locked").into()),
///         _ => Err(Error::missing("invoice").into()),
///     }
/// }
///
/// let alice = gate()?.acting_as(acting_as("alice"));
/// let app = Routes::new(&alice)
///     .get("/invoices/{id}", authenticated(), show)
///     .into_router()
///     .with_state(alice);
/// assert_eq!(answer(&app, get("/invoices/1")), "200 an invoice");
/// assert_eq!(answer(&app, get("/invoices/2")), "403 invoice_locked");
/// assert_eq!(answer(&app, get("/invoices/3")), "404"); // like an unknown path
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Rejection {
    gate: Option<Gate>,
    error: Error,
}

impl Rejection {
    /// Answers the error as this gate does.
    #[must_use]
    pub fn new(gate: &Gate, error: Error) -> Self {
        Self { gate: Some(gate.clone()), error }
    }

    /// The error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// The innermost guard of the route renders the error. Without a guard, the default answer is sent.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { gate: None, error }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self.gate {
            Some(gate) => respond(gate.refuse(&self.error)),
            None => respond_error(self.error),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
