use crate::carried::CarriedRequest;
use actix_web::{
    HttpResponse, ResponseError,
    body::{BoxBody, EitherBody},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use portcullis_core::{Error, Gate, Refusal};
use portcullis_web::{Carrier, PendingError};
use std::fmt;

/// A refused request, which becomes a response.
///
/// Handlers can also return it for an [`Error`] of their own, such as one of
/// [`Principal::claims`](portcullis_core::Principal::claims), or one that they make. The guard of the route renders it:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn show(id: web::Path<u32>) -> Result<String, Rejection> {
///     match *id {
///         1 => Ok("an invoice".to_owned()),
///         2 => Err(Error::denied("invoice_locked").into()),
///         _ => Err(Error::missing("invoice").into()),
///     }
/// }
///
/// let alice = gate()?.acting_as(acting_as("alice"));
/// let app = || Routes::new(&alice).get("/invoices/{id}", authenticated(), show).into_config();
/// assert_eq!(answer(app(), get("/invoices/1")), "200 an invoice");
/// assert_eq!(answer(app(), get("/invoices/2")), "403 invoice_locked");
/// assert_eq!(answer(app(), get("/invoices/3")), "404"); // like an unknown path
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

impl ResponseError for Rejection {
    /// The status of the default answer. A renderer may send another.
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(gate) = &self.gate {
            return respond(gate.refuse(&self.error));
        }
        let mut response = respond(self.error.refuse());
        response.extensions_mut().insert(PendingError(self.error.clone()));
        response
    }
}

/// Whether the response has a pending error that is still an error. It is not removed, because that costs more and nearly
/// always there is none.
pub(crate) fn is_pending<B>(response: &ServiceResponse<B>) -> bool {
    response.status().as_u16() >= 400 && response.response().extensions().contains::<PendingError>()
}

/// Renders the pending error of a response, if it has one: status, body and headers come from the gate of the innermost
/// guard. Headers that others have set stay.
#[cold]
pub(crate) fn rendered<B>(mut response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let pending = response.response_mut().extensions_mut().remove();
    let gate = CarriedRequest(response.request()).recall(|memory| memory.guard().map(|guard| guard.gate().clone()));
    let (Some(PendingError(error)), Some(gate)) = (pending, gate.flatten()) else {
        return response.map_into_left_body();
    };
    let (refusal, body) = respond(gate.render(&error)).into_parts();
    let mut response = response.map_body(|head, _| {
        head.status = refusal.status();
        EitherBody::right(body)
    });
    let headers = response.headers_mut();
    for name in Refusal::HEADERS {
        headers.remove(name);
    }
    for (name, value) in refusal.headers() {
        headers.append(name.clone(), value.clone());
    }
    response
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
/// What a renderer sets and HTTP cannot send is logged: a header with a line break is left out, and a status below 100
/// becomes 500.
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
    response.set_body(BoxBody::new(refusal.into_parts().1))
}
