//! The head of a request, as every framework has it: method, path, query, headers and path parameters.

mod owned;
mod with_param;

pub(crate) use owned::OwnedHead;
pub(crate) use with_param::WithParam;

use crate::error::Error;
use std::{borrow::Cow, net::IpAddr};

/// The head of a request, borrowed, independent of the framework.
///
/// Each adapter implements it once. A policy of your own gets it through [`Question`](crate::Question):
///
/// ```
/// use portcullis_core::{
///     RequestHead,
///     policy::{Policy, any, role, when},
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// fn only_reads(head: &dyn RequestHead) -> bool {
///     matches!(head.method(), "GET" | "HEAD")
/// }
/// const READ_OR_EDIT: &dyn Policy =
///     &any((role("editor"), when("editors_only", |question| only_reads(question.head()))));
///
/// assert!(only_reads(&get("/")));
/// assert!(!only_reads(&post("/")));
/// # let _ = READ_OR_EDIT;
/// ```
///
/// A service on a framework without an adapter implements it, and then asks the gate. Never join two lines of a header: a
/// credential that is present twice has to be refused. Header names are passed and expected in lower case.
///
/// ```
/// # use std::borrow::Cow;
/// use portcullis_core::{Error, Gate, RequestHead, Scheme, testing::TestIssuer};
///
/// struct MyRequest {
///     method: &'static str,
///     target: &'static str,
///     headers: Vec<(String, Vec<u8>)>,
/// }
///
/// impl RequestHead for MyRequest {
///     fn method(&self) -> &str {
///         self.method
///     }
///     fn path(&self) -> &str {
///         self.target.split('?').next().unwrap_or_default()
///     }
///     fn query(&self) -> Option<&str> {
///         self.target.split_once('?').map(|(_, query)| query)
///     }
///     fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
///         self.headers
///             .iter()
///             .filter(|(found, _)| found == name)
///             .for_each(|(_, value)| see(value));
///     }
/// #   fn authority(&self) -> Option<&str> { None }
/// #   fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
/// #       self.headers.iter().for_each(|(name, value)| see(name, value));
/// #   }
/// #   fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> { Ok(None) }
/// #   fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> { Ok(Vec::new()) }
///     // … authority, headers, param, param_names
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let issuer = TestIssuer::new();
/// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
/// let bearer = (
///     "authorization".to_owned(),
///     format!("Bearer {}", issuer.token("alice").sign()).into_bytes(),
/// );
/// let once = MyRequest { method: "GET", target: "/me", headers: vec![bearer.clone()] };
/// assert_eq!(gate.establish(&once).await.principal()?.id().subject(), "alice");
///
/// let twice = MyRequest { method: "GET", target: "/me", headers: vec![bearer.clone(), bearer] };
/// assert!(gate.establish(&twice).await.principal().is_err_and(|error| error.status() == 400));
/// # Ok(()) }
/// ```
pub trait RequestHead: Sync {
    /// The method, as in the request: in upper case, for all methods that HTTP defines.
    fn method(&self) -> &str;

    /// The path as the client sent it, still percent-encoded.
    fn path(&self) -> &str;

    /// The query without its question mark, still encoded.
    fn query(&self) -> Option<&str>;

    /// Host and port of the request, if the target itself contains them (HTTP/2 and the absolute form). Otherwise the
    /// `host` header does.
    fn authority(&self) -> Option<&str>;

    /// Passes every value of a header to `see`, in the order of the request, once for each line. The name is in lower case.
    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8]));

    /// Passes every header to `see`, with its name in lower case, in the order of the request.
    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8]));

    /// A path parameter by its name in the route, decoded exactly as the handler will see it. `None`: the route has no such
    /// parameter.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it cannot be decoded.
    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error>;

    /// The names of the path parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the framework cannot read them.
    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error>;

    /// The address of whoever opened the connection: the client, or the last proxy before the service. Never one that a header
    /// names. `None` by default, which counts as an address that nothing trusts.
    fn peer(&self) -> Option<IpAddr> {
        None
    }
}

/// Whether the request opens a WebSocket: with `Upgrade` (RFC 6455, section 4.1), or with `CONNECT` in HTTP/2 (RFC 8441).
/// Includes all that a framework might accept as one.
pub(crate) fn is_websocket(head: &dyn RequestHead) -> bool {
    let mut found = head.method() == "CONNECT";
    head.each_header("upgrade", &mut |value| {
        found |= value.windows(9).any(|part| part.eq_ignore_ascii_case(b"websocket"));
    });
    found
}

/// Whether this is a preflight of a browser (CORS). Preflights never carry credentials.
pub(crate) fn is_preflight(head: &dyn RequestHead) -> bool {
    let mut found = false;
    if head.method() == "OPTIONS" {
        head.each_header("access-control-request-method", &mut |_| found = true);
    }
    found
}

/// The value of a header that may be present at most once, as text without the white space around it.
///
/// # Errors
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it is present twice or is not text.
pub(crate) fn only_header<'a>(head: &'a dyn RequestHead, name: &str) -> Result<Option<&'a str>, Error> {
    let (mut value, mut count) = (None, 0_usize);
    head.each_header(&name.to_ascii_lowercase(), &mut |found| {
        value = Some(found);
        count = count.saturating_add(1);
    });
    match value.map(str::from_utf8) {
        None => Ok(None),
        Some(Ok(text)) if count == 1 => Ok(Some(text.trim_matches([' ', '\t']))),
        Some(_) => {
            let detail = format!("the header `{name}` is present twice, or is not text");
            Err(Error::new(crate::ErrorKind::Malformed, detail))
        }
    }
}

/// The value of a query parameter (`application/x-www-form-urlencoded`), which may be present at most once. Two are refused
/// even if they are equal (RFC 6749, section 3.1): clients can write it once, and other readers take the first or the last.
///
/// # Errors
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it is present twice.
pub(crate) fn query_param<'a>(head: &'a dyn RequestHead, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
    let query = head.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name);
    let first = values.next().map(|(_, value)| value);
    if values.next().is_some() {
        return Err(Error::new(crate::ErrorKind::Malformed, format!("the query parameter `{name}` is present twice")));
    }
    Ok(first)
}
