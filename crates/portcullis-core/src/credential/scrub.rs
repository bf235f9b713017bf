//! What of a request's head must not appear in a log.

use super::CredentialSource;

/// Replaces a credential, as far as there is room.
const REDACTED: &[u8] = b"redacted";

/// Headers in which browsers and proxies repeat an address: that of the previous page, or the one that the client asked for.
const ADDRESSES: [&str; 11] = [
    "referer",
    "referrer",
    "x-auth-request-redirect",
    "x-envoy-original-path",
    "x-forwarded-uri",
    "x-forwarded-url",
    "x-ms-original-url",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-waws-unencoded-url",
];

/// What has to be kept out of logs in the head of one request.
///
/// Made by [`Gate::scrubber`](crate::Gate::scrubber). `scrub` of the adapters uses it, and so does a service that writes its own
/// access log. It knows the names of the gate's sources, and the parameters with signatures of
/// [addresses](crate::SignedUrls), so all other parameters stay readable:
///
/// ```
/// use portcullis_core::{Gate, Scheme, testing::TestIssuer};
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let scheme = Scheme::new(TestIssuer::new().verifier()).bearer().query("key");
/// let gate = Gate::builder().scheme(scheme).build()?;
/// let scrubber = gate.scrubber(&get("/"));
///
/// let scrubbed = scrubber.address(b"/report?month=7&key=eyJhbGci");
/// assert_eq!(scrubbed.as_deref(), Some(&b"/report?month=7&key=redacted"[..]));
/// assert_eq!(scrubber.address(b"/report?month=7"), None); // write it as it is
///
/// let referer = scrubber.header("referer", b"https://app.example.com/report?key=eyJhbGci");
/// assert_eq!(referer.as_deref(), Some(&b"https://app.example.com/report?key=redacted"[..]));
/// assert!(scrubber.is_sensitive("authorization") && !scrubber.is_sensitive("accept"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Scrubber<'g> {
    sources: &'g [CredentialSource],
    /// The header with the organization context.
    context: Option<&'g CredentialSource>,
    is_websocket: bool,
    /// Query parameters that have the signature of an address.
    signatures: &'g [&'static str],
}

impl<'g> Scrubber<'g> {
    pub(crate) fn new(
        sources: &'g [CredentialSource],
        context: Option<&'g CredentialSource>,
        is_websocket: bool,
    ) -> Self {
        Self { sources, context, is_websocket, signatures: &[] }
    }

    pub(crate) fn and_signatures(self, signatures: &'g [&'static str]) -> Self {
        Self { signatures, ..self }
    }

    /// An address, or a path with its query, without the values of credentials. `None` if it has none.
    ///
    /// A value is replaced by `redacted`, cut to the length of the value, so the address never becomes longer. The pairs of
    /// the query keep their number, names and order. A pair without a value stays as it is. A parameter that is a credential
    /// in WebSocket upgrades only belongs to the application in every other request, and stays too.
    #[must_use]
    pub fn address(&self, address: &[u8]) -> Option<Vec<u8>> {
        let (path, rest) =
            address.split_at_checked(address.iter().position(|byte| *byte == b'?')?.saturating_add(1))?;
        let (query, fragment) = rest.split_at_checked(rest.iter().position(|b| *b == b'#').unwrap_or(rest.len()))?;
        let pairs = || query.split(|byte| *byte == b'&');
        if self.parameters().next().is_none() || !pairs().any(|pair| self.credential(pair).is_some()) {
            return None;
        }
        let mut scrubbed = Vec::with_capacity(address.len());
        scrubbed.extend_from_slice(path);
        for (place, pair) in pairs().enumerate() {
            if place > 0 {
                scrubbed.push(b'&');
            }
            match self.credential(pair) {
                Some((name, value)) => {
                    scrubbed.extend_from_slice(name);
                    scrubbed.extend_from_slice(REDACTED.get(..value.len()).unwrap_or(REDACTED));
                }
                None => scrubbed.extend_from_slice(pair),
            }
        }
        scrubbed.extend_from_slice(fragment);
        Some(scrubbed)
    }

    /// The same for a query alone.
    pub(crate) fn query(&self, query: &str) -> Option<String> {
        let scrubbed = self.address(format!("?{query}").as_bytes())?;
        String::from_utf8(scrubbed.into_iter().skip(1).collect()).ok()
    }

    /// The value of a header that repeats an address, such as `Referer` or `X-Original-Url`, without the credentials in it.
    /// `None` if it has none. The name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        ADDRESSES.contains(&name).then(|| self.address(value)).flatten()
    }

    /// Whether a header contains a credential itself and has to be marked as sensitive. The name is in lower case.
    #[must_use]
    pub fn is_sensitive(&self, name: &str) -> bool {
        self.sources.iter().chain(self.context).any(|source| source.header_name() == Some(name))
            || (name == "dpop" && self.sources.iter().any(CredentialSource::is_dpop))
    }

    /// Query parameters that can contain a credential in this request.
    fn parameters(&self) -> impl Iterator<Item = &str> {
        let open = self.sources.iter().filter(|source| self.is_websocket || !source.is_for_websockets());
        open.filter_map(CredentialSource::query_name).chain(self.signatures.iter().copied())
    }

    /// The name with its equals sign, and the value, of a pair that contains a credential.
    fn credential<'p>(&self, pair: &'p [u8]) -> Option<(&'p [u8], &'p [u8])> {
        let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?.saturating_add(1))?;
        let (decoded, _) = form_urlencoded::parse(pair).next()?;
        (!value.is_empty() && self.parameters().any(|parameter| parameter == decoded)).then_some((name, value))
    }
}
