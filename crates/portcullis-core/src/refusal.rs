//! From an error to the answer that a client gets.

use crate::{
    error::{Error, ErrorKind},
    json,
};
use serde::Serialize;
use std::{borrow::Cow, fmt};

/// The answer to a refused request: status, headers and body, independent of the framework.
///
/// The default answer has a body as in RFC 9457 with a stable `code`, and for a 401 a challenge. A hidden denial has no body:
///
/// ```
/// use portcullis_core::{Error, ErrorKind};
/// use std::time::Duration;
///
/// let expired = Error::new(ErrorKind::Expired, "expired 5 s ago").refuse();
/// assert_eq!(expired.status(), 401);
/// assert!(
///     expired
///         .headers()
///         .any(|(name, value)| name == "www-authenticate" && value.contains("invalid_token"))
/// );
/// assert_eq!(
///     expired.body(),
///     br#"{"code":"token_expired","status":401,"title":"Unauthorized"}"#
/// );
///
/// let down = Error::new(ErrorKind::Unavailable, "no keys")
///     .with_retry_after(Duration::from_millis(1500))
///     .refuse();
/// assert!(down.headers().any(|header| header == ("retry-after", "2")));
/// assert!(Error::missing("project").refuse().body().is_empty());
/// ```
///
/// A renderer of your own gets the default answer and returns the one to send. It uses the code of the error, not its text,
/// which is for the log:
///
/// ```
/// use portcullis_core::{
///     Credential, CredentialSource, Error, ErrorKind, Gate, Refusal, Scheme,
///     testing::TestIssuer,
/// };
///
/// fn render(error: &Error, default: Refusal) -> Refusal {
///     match error.kind() {
///         ErrorKind::Hidden => default, // as empty as the answer to an unknown path
///         ErrorKind::NoAccount => default.with_status(403).without_header("www-authenticate"),
///         _ => default
///             .with_header("x-error-code", error.code())
///             .with_body("application/json", format!(r#"{{"detail":"{}"}}"#, error.code())),
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
/// let gate = Gate::builder().scheme(scheme).render(render).build()?;
/// let invalid = gate.render(&Error::new(ErrorKind::Invalid, "a wrong signature"));
/// assert_eq!((invalid.status(), invalid.body()), (401, &br#"{"detail":"invalid_token"}"#[..]));
/// assert_eq!(gate.render(&Error::no_account()).status(), 403);
/// assert!(gate.not_found().body().is_empty());
/// # Ok(()) }
/// ```
///
/// `Debug` shows the status and the names of the headers.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    headers: Vec<Header>,
    body: Vec<u8>,
}

/// A name and its value.
type Header = (Cow<'static, str>, Cow<'static, str>);

impl Refusal {
    /// Headers to remove from a response before another refusal is written to it: those of a default answer, and those that
    /// describe how a body is sent. For adapters, and for layers that replace an answer.
    pub const HEADERS: [&'static str; 8] = [
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "dpop-nonce",
        "retry-after",
        "transfer-encoding",
        "www-authenticate",
    ];

    /// An answer with this status and without a body. It has `Cache-Control: no-store`, since the next caller may be
    /// another one, and some caches store a 404 (RFC 9111, section 4.2.2).
    ///
    /// ```
    /// use portcullis_core::Refusal;
    ///
    /// let teapot = Refusal::new(418).with_header("x-team", "billing");
    /// let headers: Vec<_> = teapot.headers().collect();
    /// assert_eq!(headers, [("cache-control", "no-store"), ("x-team", "billing")]);
    /// ```
    #[must_use]
    pub fn new(status: u16) -> Self {
        // Room for the headers of most answers.
        let mut headers = Vec::with_capacity(4);
        headers.push(("cache-control".into(), "no-store".into()));
        Self { status, headers, body: Vec::new() }
    }

    /// The default answer: `WWW-Authenticate` as in RFC 6750, section 3, and a body as in RFC 9457 with a stable `code`. A
    /// hidden denial has neither, like an unknown path.
    pub(crate) fn of(error: &Error, parameters: Option<&str>, explains_denials: bool) -> Self {
        let mut refusal = Self::new(error.status());
        if error.kind() == ErrorKind::Hidden {
            return refusal;
        }
        if let Some(challenge) = error.challenge_with(parameters) {
            refusal.headers.push(("www-authenticate".into(), challenge.into()));
        }
        if let Some(after) = error.retry_after() {
            let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)).max(1);
            refusal.headers.push(("retry-after".into(), seconds.to_string().into()));
        }
        refusal.body = Body::of(error, explains_denials);
        refusal.headers.push(("content-type".into(), "application/problem+json".into()));
        refusal
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With this header. It replaces others of the same name.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let name = name.into();
        self = self.without_header(&name);
        self.headers.push((name, Cow::Owned(value.into())));
        self
    }

    /// Without this header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// With this body and its media type.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut refusal = self.with_header("content-type", content_type);
        refusal.body = body.into();
        refusal
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Takes the headers, in order, and the body.
    ///
    /// ```
    /// use portcullis_core::Refusal;
    ///
    /// let (headers, body) =
    ///     Refusal::new(418).with_body("text/plain", "no coffee").into_parts();
    /// assert_eq!(headers.last(), Some(&("content-type".into(), "text/plain".into())));
    /// assert_eq!(body, b"no coffee");
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (Vec<Header>, Vec<u8>) {
        (self.headers, self.body)
    }
}

/// A JSON object that is being written. A flood of refused requests should not cost much, and nearly no text has escapes.
struct Body(Vec<u8>);

impl Body {
    /// The body of the default answer.
    fn of(error: &Error, explains_denials: bool) -> Vec<u8> {
        // A mistake in the configuration is for the log. Clients do not see even its code.
        let shown = Some(error).filter(|error| error.kind() != ErrorKind::Misconfigured);
        let explanation = error.explanation().filter(|_| explains_denials).map(ToString::to_string);
        // With room for most.
        let mut body = Self(Vec::with_capacity(96));
        if let Some(factor) = shown.and_then(Error::factor) {
            body.text("acr_values", factor);
        }
        if let Some(error) = shown {
            body.text("code", error.code());
        }
        if let Some(tree) = &explanation {
            body.member("explanation", &tree.lines().collect::<Vec<_>>());
        }
        if let Some(age) = shown.and_then(Error::max_age) {
            body.member("max_age", &age);
        }
        for (name, list) in shown.into_iter().flat_map(Error::lists) {
            body.next();
            body.value(name);
            body.0.push(b':');
            body.value(list);
        }
        body.member("status", &error.status());
        if let Some(title) = title(error.status()) {
            body.text("title", title);
        }
        body.0.push(b'}');
        body.0
    }

    fn text(&mut self, name: &str, text: &str) {
        if json::has_escapes(text) {
            return self.member(name, text);
        }
        self.name(name);
        self.quote(text);
    }

    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        self.value(value);
    }

    /// A name without escapes.
    fn name(&mut self, name: &str) {
        self.next();
        self.quote(name);
        self.0.push(b':');
    }

    fn next(&mut self) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
    }

    fn quote(&mut self, text: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        _ = serde_json::to_writer(&mut self.0, value);
    }
}

/// The phrase of a status (RFC 9110, section 15; 429 is of RFC 6585).
fn title(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => return None,
    })
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Refusal").field("status", &self.status).field("headers", &names).finish_non_exhaustive()
    }
}
