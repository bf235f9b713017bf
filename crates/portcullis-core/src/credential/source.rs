//! The places where a credential can be, and the readers of a request.
//!
//! A source first finds out whether something is present, and only then whether it has allowed characters. So a malformed
//! credential is refused and never passes for an absent one. [`Carriers`] has the same rules for a shared secret, which is
//! checked when the gate is built.

use super::{
    Credential,
    cookie::{self, Cookies, ReadCookies},
    value::{bearer, dpop, dpop_token, is_token_byte, is_visible, only, token68, trim, visible, websocket_protocol},
};
use crate::{
    error::{Error, ErrorKind},
    head::{RequestHead, is_websocket, query_param},
    scheme::Sources,
};
use std::{borrow::Cow, fmt, sync::Arc};

/// A place in the request where a credential may be.
///
/// The [schemes](crate::Scheme) of a gate have an ordered list of sources. The first source in which something is *present*
/// decides. If that is not valid, the request is refused, and the other sources are not read.
///
/// `get` makes a request for a test:
///
/// ```
/// use portcullis_core::{
///     CredentialSource, Error, ErrorKind, Gate, Scheme, testing::TestIssuer,
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// # fn main() -> Result<(), Error> {
/// let scheme = Scheme::new(TestIssuer::new().verifier())
///     .source(CredentialSource::cookie("__Host-session"))
///     .source(CredentialSource::bearer());
/// let gate = Gate::builder().scheme(scheme).build()?;
/// let read = |request: Request| {
///     Ok::<_, Error>(gate.read(&request)?.map(|read| read.expose().to_owned()))
/// };
///
/// let with_cookie = |cookies| get("/").header("cookie", cookies);
/// assert_eq!(read(get("/").bearer("abc"))?.as_deref(), Some("abc"));
/// assert_eq!(
///     read(with_cookie("theme=dark; __Host-session=def").bearer("abc"))?.as_deref(),
///     Some("def")
/// );
/// assert_eq!(read(with_cookie("__Host-session=").header("authorization", "Basic YTpi"))?, None);
///
/// let two_tokens = read(get("/").bearer("abc def"));
/// assert!(two_tokens.is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CredentialSource {
    place: Place,
    /// The prefix of a value.
    prefix: Option<Arc<str>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    Cookie(Arc<str>),
    Cookies(Arc<str>, ReadCookies),
    Bearer,
    Dpop,
    Header(Arc<str>),
    Query(Arc<str>),
    WebSocketProtocol,
    WebSocketQuery(Arc<str>),
}

impl CredentialSource {
    /// The subprotocol in front of a token: see [`websocket_protocol`](Self::websocket_protocol).
    pub const WEBSOCKET_PROTOCOL: &str = "bearer";

    /// The cookie with exactly this name. An empty or blank one counts as absent, since some servers log out by emptying it.
    /// A name with the prefix `__Host-` or `__Secure-` keeps other hosts from setting it (RFC 6265bis, section 4.1.3).
    ///
    /// A browser sends two cookies of one name if one was set for the domain and one for the host. They count as one if their
    /// values are equal or one is empty. Otherwise it is not known which one counts, and the request is refused with 400.
    ///
    /// ```
    /// use portcullis_core::{
    ///     CredentialSource, Error, ErrorKind, Gate, Scheme, testing::TestIssuer,
    /// };
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let session = CredentialSource::cookie("session");
    /// assert_eq!(session.header_name(), Some("cookie"));
    /// let gate = Gate::builder()
    ///     .scheme(Scheme::new(TestIssuer::new().verifier()).source(session))
    ///     .build()?;
    ///
    /// let once = get("/").header("cookie", "session=abc; session=abc");
    /// assert_eq!(gate.read(&once)?.map(|read| read.expose().to_owned()).as_deref(), Some("abc"));
    /// let twice = get("/").header("cookie", "session=abc; session=def");
    /// assert!(gate.read(&twice).is_err_and(|error| error.kind() == ErrorKind::Malformed));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cookie(name: &str) -> Self {
        Place::Cookie(name.into()).into()
    }

    /// A credential that is put together from several cookies, such as a token in chunks. The name is for logs. It counts as
    /// a cookie, so [`allow_origin`](crate::GateBuilder::allow_origin) applies to it. An empty text counts as absent.
    ///
    /// ```
    /// use portcullis_core::{Cookies, CredentialSource, Error, Gate, Scheme, testing::TestIssuer};
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// fn chunks(cookies: &Cookies<'_>) -> Result<Option<String>, Error> {
    ///     let mut token = String::new();
    ///     for place in 0..10 {
    ///         let Some(chunk) = cookies.get(&format!("session.{place}"))? else { break };
    ///         token.push_str(chunk);
    ///     }
    ///     Ok(Some(token))
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let source = CredentialSource::cookies("session", chunks);
    /// let gate = Gate::builder()
    ///     .scheme(Scheme::new(TestIssuer::new().verifier()).source(source))
    ///     .build()?;
    /// let read = |cookies| {
    ///     Ok::<_, Error>(
    ///         gate.read(&get("/").header("cookie", cookies))?.map(|read| read.expose().to_owned()),
    ///     )
    /// };
    /// assert_eq!(read("session.1=bGci; session.0=eyJh")?.as_deref(), Some("eyJhbGci"));
    /// assert_eq!(read("session.1=bGci")?, None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cookies(name: &str, read: fn(&Cookies<'_>) -> Result<Option<String>, Error>) -> Self {
        Place::Cookies(name.into(), ReadCookies(read)).into()
    }

    /// `Authorization: Bearer …` (RFC 6750, section 2.1). The scheme may be in any case. Another scheme counts as absent.
    #[must_use]
    pub fn bearer() -> Self {
        Place::Bearer.into()
    }

    /// A header with this name, in any case. The credential is its whole value, without the spaces around it. A request with
    /// two such headers is refused with 400.
    #[must_use]
    pub fn header(name: &str) -> Self {
        Place::Header(name.to_ascii_lowercase().into()).into()
    }

    /// A query parameter with this name (RFC 6750, section 2.3). Addresses end up in logs, histories and referrers, so use
    /// this only where a client can send nothing else, such as for a link to a download. A request that also has a bearer
    /// header is refused with 400, and so is one with the parameter twice.
    #[must_use]
    pub fn query(name: &str) -> Self {
        Place::Query(name.into()).into()
    }

    /// The subprotocol after `bearer` in `Sec-WebSocket-Protocol`. A page can send nothing else when it opens a WebSocket:
    /// `new WebSocket(url, ["bearer", token])`. Read from upgrades only.
    ///
    /// The server has to select one of the offered subprotocols (RFC 6455, section 4.2.2), and it must not select the token.
    /// Give the framework [`WEBSOCKET_PROTOCOL`](Self::WEBSOCKET_PROTOCOL), or another subprotocol that the page offers. For
    /// an example see [`Scheme::websocket_protocol`](crate::Scheme::websocket_protocol).
    #[must_use]
    pub fn websocket_protocol() -> Self {
        Place::WebSocketProtocol.into()
    }

    /// A query parameter with this name, read from WebSocket upgrades only. In other requests it counts as absent. The
    /// warning at [`query`](Self::query) applies.
    #[must_use]
    pub fn websocket_query(name: &str) -> Self {
        Place::WebSocketQuery(name.into()).into()
    }

    /// The same source for values with this prefix, such as a cookie `Bearer eyJ…`. The credential is what follows the
    /// prefix; in cookies and headers, without the spaces between. A value without the prefix counts as absent. For cookies,
    /// headers and query parameters.
    ///
    /// ```
    /// use portcullis_core::{CredentialSource, Error, Gate, Scheme, testing::TestIssuer};
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let scheme = Scheme::new(TestIssuer::new().verifier())
    ///     .source(CredentialSource::cookie("access_token").prefix("Bearer "))
    ///     .source(CredentialSource::header("x-api-key").prefix("sk_"));
    /// let gate = Gate::builder().scheme(scheme).build()?;
    /// let read = |request: Request| {
    ///     Ok::<_, Error>(gate.read(&request)?.map(|read| read.expose().to_owned()))
    /// };
    ///
    /// let quoted = get("/").header("cookie", "access_token=\"Bearer eyJhbGci\"");
    /// assert_eq!(read(quoted)?.as_deref(), Some("eyJhbGci"));
    /// assert_eq!(read(get("/").header("x-api-key", "sk_1234"))?.as_deref(), Some("1234"));
    /// assert_eq!(read(get("/").header("x-api-key", "pk_1234"))?, None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.into()), ..self }
    }

    /// `Authorization: DPoP …` (RFC 9449, section 7.1). [`Scheme::dpop`](crate::Scheme::dpop) adds it.
    pub(crate) fn dpop() -> Self {
        Place::Dpop.into()
    }

    /// Whether it is `Authorization: DPoP …`, as [`Scheme::dpop`](crate::Scheme::dpop) reads it.
    ///
    /// ```
    /// use portcullis_core::{Dpop, Scheme, testing::TestIssuer};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let dpop = Dpop::new("https://api.example.com")?;
    /// let scheme = Scheme::new(TestIssuer::new().verifier()).bearer().dpop(dpop);
    /// let is_dpop: Vec<bool> = scheme.sources().iter().map(|source| source.is_dpop()).collect();
    /// assert_eq!(is_dpop, [false, true]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_dpop(&self) -> bool {
        matches!(self.place, Place::Dpop)
    }

    pub(crate) fn is_bearer(&self) -> bool {
        matches!(self.place, Place::Bearer)
    }

    /// The name of the header that is read, in lower case; `None` for the query. For layers of your own that redact
    /// this header.
    #[must_use]
    pub fn header_name(&self) -> Option<&str> {
        match &self.place {
            Place::Cookie(_) | Place::Cookies(..) => Some("cookie"),
            Place::Bearer | Place::Dpop => Some("authorization"),
            Place::Header(name) => Some(name),
            Place::WebSocketProtocol => Some("sec-websocket-protocol"),
            Place::Query(_) | Place::WebSocketQuery(_) => None,
        }
    }

    /// The name of the cookie that is read. `None` for other sources.
    #[must_use]
    pub fn cookie_name(&self) -> Option<&str> {
        match &self.place {
            Place::Cookie(name) | Place::Cookies(name, _) => Some(name),
            _ => None,
        }
    }

    /// The name of the query parameter that is read. `None` for other sources.
    #[must_use]
    pub fn query_name(&self) -> Option<&str> {
        match &self.place {
            Place::Query(name) | Place::WebSocketQuery(name) => Some(name),
            _ => None,
        }
    }

    /// Whether browsers add it to requests by themselves, whichever page made them.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self.place, Place::Cookie(_) | Place::Cookies(..))
    }

    /// Whether it is read from WebSocket upgrades only.
    pub(crate) fn is_for_websockets(&self) -> bool {
        matches!(self.place, Place::WebSocketProtocol | Place::WebSocketQuery(_))
    }

    /// Whether this request may have a credential in this source at all.
    fn is_open(&self, head: &dyn RequestHead) -> bool {
        !self.is_for_websockets() || is_websocket(head)
    }

    /// Whether this source can carry such a credential.
    pub(crate) fn carries(&self, credential: Carriers) -> bool {
        match &self.place {
            Place::Bearer | Place::Dpop => credential.bearer,
            Place::Cookie(_) | Place::Cookies(..) => credential.cookie,
            Place::WebSocketProtocol => credential.protocol,
            Place::Header(_) | Place::Query(_) | Place::WebSocketQuery(_) => credential.visible,
        }
    }

    /// Checks that a request can have a cookie, header or parameter with this name.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.prefix.is_some() && matches!(self.place, Place::Bearer | Place::Dpop | Place::WebSocketProtocol) {
            let detail = format!("the {self} contains nothing but a token, so it has no prefix");
            return Err(Error::misconfigured(detail));
        }
        let name = match &self.place {
            Place::Bearer | Place::Dpop | Place::WebSocketProtocol => return Ok(()),
            Place::Cookies(name, _) if !name.is_empty() => return Ok(()),
            Place::Query(name) | Place::WebSocketQuery(name) if !name.is_empty() => return Ok(()),
            Place::Cookie(name)
            | Place::Cookies(name, _)
            | Place::Header(name)
            | Place::Query(name)
            | Place::WebSocketQuery(name) => name,
        };
        if let Place::Header(name) = &self.place
            && matches!(&**name, "authorization" | "cookie")
        {
            let detail =
                format!("the {self} contains more than a credential; read it with `bearer()` or `cookie(name)`");
            return Err(Error::misconfigured(detail));
        }
        if !name.is_empty() && name.bytes().all(is_token_byte) {
            return Ok(());
        }
        Err(Error::misconfigured(format!("{self} cannot be in a request: its name is not valid")))
    }

    /// Reads the credential of this source, for a handler that wants another one than that of its gate, such as a refresh token.
    ///
    /// The origin of the request is not checked. See [`Gate::check_origin`](crate::Gate::check_origin).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let refresh = CredentialSource::cookie("refresh");
    /// let request = get("/").header("cookie", "a=1; refresh=abc");
    /// let found = refresh.read(&request)?;
    /// assert_eq!(found.as_ref().map(|credential| credential.expose()), Some("abc"));
    /// assert!(refresh.read(&get("/"))?.is_none());
    /// let twice = get("/").header("cookie", "refresh=abc; refresh=xyz");
    /// assert!(refresh.read(&twice).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it is there twice, or has characters that no credential has.
    pub fn read<'h>(&self, head: &'h dyn RequestHead) -> Result<Option<Credential<'h>>, Error> {
        match self.find(head).map_err(|error| error.with_source(self))? {
            Some(text) => FoundCredential { text, source: self, place: 0 }.check().map(Some),
            None => Ok(None),
        }
    }

    fn find<'h>(&self, head: &'h dyn RequestHead) -> Result<Option<Text<'h>>, Error> {
        if !self.is_open(head) {
            return Ok(None);
        }
        let text = match &self.place {
            // Present even if nothing follows `Bearer`: a malformed credential is refused, not ignored.
            Place::Bearer => return Ok(bearer(head)?.map(|token| Text::Raw(token, token68))),
            Place::Dpop => return Ok(dpop(head)?.map(|token| Text::Raw(token, dpop_token))),
            Place::Cookie(name) => cookie::read(head, name)?.map(|value| Text::Raw(value, visible)),
            Place::Cookies(_, ReadCookies(read)) => read(&Cookies { head })?.map(|value| Text::Made(value.into())),
            Place::Header(name) => only(head, name)?.map(|value| Text::Raw(trim(value), visible)),
            Place::WebSocketProtocol => websocket_protocol(head)?.map(|token| Text::Raw(token, visible)),
            Place::Query(name) | Place::WebSocketQuery(name) => query_param(head, name)?.map(Text::Made),
        };
        let text = match &self.prefix {
            Some(prefix) => text.and_then(|text| text.behind(prefix)),
            None => text,
        };
        match text.filter(|text| !text.bytes().is_empty()) {
            Some(Text::Made(made)) if !is_visible(made.as_bytes()) => {
                Err(Error::invalid(format!("the {self} has characters that no credential has")))
            }
            text => Ok(text),
        }
    }

    /// Whether this source takes all values that the other one, which is read later, would take.
    pub(crate) fn hides(&self, later: &Self) -> bool {
        self.prefix.is_none() && later.prefix.is_some() && self.place == later.place
    }
}

impl From<Place> for CredentialSource {
    fn from(place: Place) -> Self {
        Self { place, prefix: None }
    }
}

/// The sources that can carry a credential, by its characters. The readers of the sources use the same rules.
#[derive(Clone, Copy)]
pub(crate) struct Carriers {
    bearer: bool,
    cookie: bool,
    protocol: bool,
    visible: bool,
}

impl Carriers {
    pub(crate) fn of(text: &[u8]) -> Self {
        let visible = visible(text).is_ok_and(|read| read.as_bytes() == text);
        let is_quoted = text.len() > 1 && text.starts_with(b"\"") && text.ends_with(b"\"");
        Self {
            bearer: token68(text).is_ok(),
            cookie: visible && !text.contains(&b';') && !is_quoted,
            protocol: visible && !text.contains(&b','),
            visible,
        }
    }
}

/// Shows nothing about a secret.
impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carriers(..)")
    }
}

/// The text in a source. Raw text is checked only if the source decides: the cache compares its bytes first.
enum Text<'h> {
    /// Not yet checked for bytes that are not allowed, with the function that checks.
    Raw(&'h [u8], fn(&[u8]) -> Result<&str, Error>),
    /// Decoded or put together.
    Made(Cow<'h, str>),
}

impl Text<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Raw(bytes, _) => bytes,
            Self::Made(text) => text.as_bytes(),
        }
    }

    /// The rest of the text after the prefix, if it has the prefix.
    fn behind(self, prefix: &str) -> Option<Self> {
        Some(match self {
            Self::Raw(bytes, check) => Self::Raw(bytes.strip_prefix(prefix.as_bytes())?, check),
            Self::Made(Cow::Borrowed(text)) => Self::Made(text.strip_prefix(prefix)?.into()),
            Self::Made(Cow::Owned(text)) => Self::Made(text.strip_prefix(prefix)?.to_owned().into()),
        })
    }
}

/// A credential that is present. It may still contain bytes that no credential has.
pub(crate) struct FoundCredential<'h, 's> {
    text: Text<'h>,
    pub(crate) source: &'s CredentialSource,
    /// The index of the source, among those that were read.
    pub(crate) place: usize,
}

impl<'h> FoundCredential<'h, '_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.bytes()
    }

    pub(crate) fn check(self) -> Result<Credential<'h>, Error> {
        let text = match self.text {
            Text::Raw(bytes, check) => Cow::Borrowed(check(bytes).map_err(|error| error.with_source(self.source))?),
            Text::Made(text) => text,
        };
        Ok(Credential::new(text, self.source.clone()))
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Cookie(name) => write!(f, "cookie `{name}`"),
            Place::Cookies(name, _) => write!(f, "cookies of `{name}`"),
            Place::Bearer => f.write_str("bearer header"),
            Place::Dpop => f.write_str("DPoP header"),
            Place::Header(name) => write!(f, "header `{name}`"),
            Place::Query(name) => write!(f, "query parameter `{name}`"),
            Place::WebSocketProtocol => f.write_str("WebSocket subprotocol"),
            Place::WebSocketQuery(name) => write!(f, "query parameter `{name}` of a WebSocket"),
        }?;
        self.prefix.as_ref().map_or(Ok(()), |prefix| write!(f, " with the prefix `{prefix}`"))
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialSource({self})")
    }
}

/// The first credential that is present, in the order of the sources.
pub(crate) fn find<'h, 's>(
    sources: &'s Sources,
    head: &'h dyn RequestHead,
) -> Result<Option<FoundCredential<'h, 's>>, Error> {
    if sources.reads_query {
        refuse_header_with_query(&sources.sources, head)?;
    }
    for (place, source) in sources.sources.iter().enumerate() {
        if let Some(text) = source.find(head).map_err(|error| error.with_source(source))? {
            return Ok(Some(FoundCredential { text, source, place }));
        }
    }
    Ok(None)
}

/// The same, if all sources in which something is present agree.
pub(crate) fn agreed<'h>(
    sources: &Sources,
    head: &'h dyn RequestHead,
) -> Result<Option<(Credential<'h>, usize)>, Error> {
    if sources.reads_query {
        refuse_header_with_query(&sources.sources, head)?;
    }
    let mut first: Option<(Credential<'h>, usize)> = None;
    for (place, source) in sources.sources.iter().enumerate() {
        let Some(text) = source.find(head).map_err(|error| error.with_source(source))? else { continue };
        let credential = FoundCredential { text, source, place }.check()?;
        match &first {
            Some((first, _)) if first.expose() != credential.expose() => {
                let detail = format!("{} and {source} present different credentials", first.source());
                return Err(Error::new(ErrorKind::Malformed, detail).with_code("conflicting_credentials"));
            }
            Some(_) => {}
            None => first = Some((credential, place)),
        }
    }
    Ok(first)
}

/// A client must not use more than one method in a request (RFC 6750, section 2). A token in an address that comes with
/// another one in the header suggests that another person made the address.
fn refuse_header_with_query(sources: &[CredentialSource], head: &dyn RequestHead) -> Result<(), Error> {
    for source in sources {
        let Some(name) = source.query_name().filter(|_| source.is_open(head)) else { continue };
        let value = query_param(head, name).map_err(|error| error.with_source(source))?;
        if value.is_some_and(|value| !value.is_empty()) && !matches!((bearer(head), dpop(head)), (Ok(None), Ok(None))) {
            let detail = format!("a bearer header and a {source} in one request");
            return Err(Error::new(ErrorKind::Malformed, detail).with_source(source));
        }
    }
    Ok(())
}
