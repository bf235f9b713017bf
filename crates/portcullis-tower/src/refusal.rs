//! Refusals as responses of the `http` crate.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use portcullis_core::{Error, Gate, Refusal};
use portcullis_web::PendingError;
use std::borrow::Cow;

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
    let (headers, body) = refusal.into_parts();
    let mut response = Response::new(B::from_bytes(body.into()));
    *response.status_mut() = status;
    // With room for one that the framework adds, such as the length.
    response.headers_mut().reserve(headers.len().saturating_add(1));
    for (name, value) in headers {
        match header_name(&name).zip(header_value(value)) {
            Some((name, value)) => drop(response.headers_mut().append(name, value)),
            None => {
                tracing::error!(target: "portcullis", name = &*name, "a refusal has a header that HTTP cannot carry");
            }
        }
    }
    response
}

fn header_name(name: &str) -> Option<HeaderName> {
    match name {
        // Names that need not be looked up.
        "cache-control" => Some(CACHE_CONTROL),
        "content-type" => Some(CONTENT_TYPE),
        "www-authenticate" => Some(WWW_AUTHENTICATE),
        _ => HeaderName::try_from(name).ok(),
    }
}

/// The text itself, not a copy.
fn header_value(text: Cow<'static, str>) -> Option<HeaderValue> {
    let bytes = match text {
        // Values that need not be checked.
        Cow::Borrowed("no-store") => return Some(HeaderValue::from_static("no-store")),
        Cow::Borrowed("application/problem+json") => return Some(HeaderValue::from_static("application/problem+json")),
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    };
    HeaderValue::from_maybe_shared(bytes).ok()
}
