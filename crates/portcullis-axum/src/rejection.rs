use axum::response::{IntoResponse, Response};
use portcullis_core::{Error, Gate};
use portcullis_tower::{respond, respond_error};
use std::fmt;

/// A refused request, which becomes a response.
///
/// Handlers can also return it for an [`Error`] of their own, such as one of
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
