use axum::response::{IntoResponse, Response};
use portcullis_core::{Error, Gate};
use portcullis_tower::{respond, respond_error};
use std::fmt;

/// A refused request, on its way to becoming a response.
///
/// Also what a handler returns to answer an [`Error`] of its own, such as one of
/// [`Principal::claims`](portcullis_core::Principal::claims):
///
/// ```
/// use portcullis_axum::{Authenticated, Rejection};
///
/// #[derive(serde::Deserialize)]
/// struct Mine {
///     email: String,
/// }
///
/// async fn email(Authenticated(principal): Authenticated) -> Result<String, Rejection> {
///     Ok(principal.claims::<Mine>()?.email.clone())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Rejection {
    gate: Option<Gate>,
    error: Error,
}

impl Rejection {
    /// The error, answered as this gate does.
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

/// Rendered by the guard of the route, the innermost one; without a guard, answered by default.
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
