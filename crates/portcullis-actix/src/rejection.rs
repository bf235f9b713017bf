use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use portcullis_core::{Error, Gate, Refusal};
use std::fmt;

/// A refused request, on its way to becoming a response.
///
/// Also what a handler returns to answer an [`Error`] of its own, such as one of
/// [`Principal::claims`](portcullis_core::Principal::claims):
///
/// ```
/// use portcullis_actix::{Authenticated, Rejection};
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

/// Answered by default, without the renderer of any gate.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { gate: None, error }
    }
}

impl ResponseError for Rejection {
    /// That of the default answer; a renderer may send another.
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        respond(match &self.gate {
            Some(gate) => gate.refuse(&self.error),
            None => self.error.refuse(),
        })
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

/// A refusal as a response of actix-web.
///
/// What a renderer made up and HTTP cannot carry is told to the log: a header with a line break is left out, and a status
/// below 100 becomes 500.
#[must_use]
pub fn respond(refusal: Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or_else(|_| {
        tracing::error!(target: "portcullis", status = refusal.status(), "a refusal has a status that HTTP cannot carry");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let mut response = HttpResponse::new(status);
    for (name, value) in refusal.headers() {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => response.headers_mut().append(name, value),
            _ => tracing::error!(target: "portcullis", name, "a refusal has a header that HTTP cannot carry"),
        }
    }
    response.set_body(BoxBody::new(refusal.into_body()))
}
