//! Refusals as responses of the `http` crate.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use portcullis_core::{Error, Gate, Refusal};
use portcullis_web::PendingError;

/// A response body that can contain a refusal. Every body that is `From<Bytes>` is one.
#[diagnostic::on_unimplemented(
    message = "a refusal cannot be written to a response body of type `{Self}`",
    note = "let the service answer with a body that is `From<Bytes>`, such as `http_body_util::Full<Bytes>`"
)]
pub trait RefusalBody {
    /// The body with these bytes.
    fn from_bytes(bytes: Bytes) -> Self;
}

impl<B: From<Bytes>> RefusalBody for B {
    fn from_bytes(bytes: Bytes) -> Self {
        bytes.into()
    }
}

/// An error as a response that the innermost guard of the route renders. Without a guard, it is the default answer.
///
/// For services behind a guard that refuse a request themselves:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate()?;
/// let locked = service_fn(|_: Request<Body>| {
///     ready(Ok::<_, Infallible>(respond_error(Error::denied("invoice_locked"))))
/// });
/// let guarded = gate.require(anyone()).layer(locked);
/// assert_eq!(answer(guarded, get("/invoices/1")), "403 invoice_locked");
/// assert_eq!(answer(gate.require(anyone()).layer(ok()), get("/invoices/2")), "200");
/// # Ok(()) }
/// ```
#[must_use]
pub fn respond_error<B: RefusalBody>(error: Error) -> Response<B> {
    let mut response = respond(error.refuse());
    response.extensions_mut().insert(PendingError(error));
    response
}

/// Renders the pending error of a response, if it has one: status, body and headers come from this gate. Headers that others
/// have set stay.
pub(crate) fn rendered<B: RefusalBody>(gate: &Gate, mut response: Response<B>) -> Response<B> {
    let Some(PendingError(error)) = response.extensions_mut().remove() else { return response };
    let (refusal, body) = respond(gate.render(&error)).into_parts();
    let (mut head, _) = response.into_parts();
    for name in Refusal::HEADERS {
        head.headers.remove(name);
    }
    head.status = refusal.status;
    head.headers.extend(refusal.headers);
    Response::from_parts(head, body)
}

/// A refusal as a response of the `http` crate.
///
/// What a renderer sets and HTTP cannot send is logged: a header with a line break is left out, and a status below 100
/// becomes 500.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate()?;
/// let response: Response<Body> = respond(gate.refuse(&Error::denied("invoice_locked")));
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// # Ok(()) }
/// ```
#[must_use]
pub fn respond<B: RefusalBody>(refusal: Refusal) -> Response<B> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or_else(|_| {
        tracing::error!(target: "portcullis", status = refusal.status(), "a refusal has a status that HTTP cannot carry");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let headers: Vec<_> = refusal
        .headers()
        .filter_map(|(name, value)| {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            if header.is_none() {
                tracing::error!(target: "portcullis", name, "a refusal has a header that HTTP cannot carry");
            }
            header
        })
        .collect();
    let mut response = Response::new(B::from_bytes(refusal.into_body().into()));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}
