//! Where credentials are read, and what verifies them.
//!
//! A gate has a list of schemes, and a route accepts some of them. What a route accepts is a [`SchemeSet`]. Its [`Sources`] are
//! made from it once, when the route is added: each source once, with the schemes that read it. A request is then read source
//! by source, and only the schemes of the source that has a credential are asked.

use crate::{
    credential::CredentialSource,
    jwt::Jwt,
    proof::Dpop,
    verifier::{Kind, Verifier},
};
use std::fmt;

/// A way to authenticate: the sources of a credential, and the one verifier that sees it.
///
/// A scheme without a name is accepted on every route. A named one is accepted only where a policy says so, with
/// [`via`](crate::policy::via) or [`also_via`](crate::policy::also_via); elsewhere its credential counts as absent. No
/// credential is shown to the verifier of another scheme, unless both read the same source.
///
/// ```
/// use portcullis_core::{Gate, Scheme, SharedSecret, policy::via, testing::TestIssuer};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let tokens = TestIssuer::new().verifier();
/// let sync = SharedSecret::new("role-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
/// let gate = Gate::builder()
///     .scheme(Scheme::new(tokens).cookie("__Host-session").bearer())
///     .scheme(Scheme::named("sync", sync).header("x-sync-secret"))
///     .build()?;
///
/// assert!(gate.plan(via("sync")).is_ok());
/// assert!(gate.plan(via("snyc")).is_err());
/// # Ok(()) }
/// ```
///
/// The names match those of security schemes in OpenAPI.
///
/// # Which credential decides
///
/// The sources of the accepted schemes are read in the order of the gate's schemes, and within a scheme in the order of its
/// setters. The first source in which something is *present* decides. If that credential is not valid, the request is refused:
/// a valid one in a later source does not help. `get` makes a request for a test:
///
/// ```
/// use portcullis_core::{ErrorKind, Gate, Scheme, testing::TestIssuer};
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let gate = Gate::builder()
///     .scheme(Scheme::new(issuer.verifier()).cookie("__Host-session").bearer())
///     .build()?;
/// let token = issuer.token("alice").sign();
///
/// let by_header = gate.establish(&get("/").bearer(&token)).await;
/// assert_eq!(by_header.principal()?.id().subject(), "alice");
///
/// let expired = issuer.token("alice").expired_for(Duration::from_secs(3600)).sign();
/// let with_both =
///     get("/").header("cookie", &format!("__Host-session={expired}")).bearer(&token);
/// let refused = gate.establish(&with_both).await;
/// assert!(refused.principal().is_err_and(|error| error.kind() == ErrorKind::Expired));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a scheme does nothing before a gate has it"]
pub struct Scheme {
    /// `None` if every route accepts it.
    pub(crate) name: Option<&'static str>,
    pub(crate) sources: Vec<CredentialSource>,
    pub(crate) verifier: Verifier,
    /// Whether a shared secret has no name on purpose, so that no warning is logged.
    pub(crate) may_be_unnamed: bool,
    /// How the proofs beside its tokens are checked.
    pub(crate) dpop: Option<Box<Dpop>>,
}

impl Scheme {
    /// A scheme that is accepted on every route.
    ///
    /// A shared secret or an API key usually belongs in a [named](Self::named) scheme. Otherwise every client that has it
    /// may use every route that its principal has the rights for. For a [`SharedSecret`](crate::SharedSecret) here, a
    /// warning is logged when the gate is built.
    pub fn new(verifier: impl Into<Verifier>) -> Self {
        Self { name: None, sources: Vec::new(), verifier: verifier.into(), may_be_unnamed: false, dpop: None }
    }

    /// A scheme that is accepted only where a policy names it. On other routes its credential counts as absent.
    ///
    /// ```
    /// use portcullis_core::{
    ///     ErrorKind, Gate, Scheme, SharedSecret, policy::via, testing::TestIssuer,
    /// };
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let secret = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";
    /// let gate = Gate::builder()
    ///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
    ///     .scheme(
    ///         Scheme::named("sync", SharedSecret::new("role-sync", secret)?)
    ///             .header("x-sync-secret"),
    ///     )
    ///     .build()?;
    /// let request = get("/").header("x-sync-secret", secret);
    ///
    /// let accepted = gate.establish_for(&gate.plan(via("sync"))?, &request).await;
    /// assert_eq!(accepted.principal()?.id().subject(), "role-sync");
    ///
    /// let elsewhere = gate.establish(&request).await;
    /// assert!(elsewhere.principal().is_err_and(|error| error.kind() == ErrorKind::Missing));
    /// # Ok(()) }
    /// ```
    pub fn named(name: &'static str, verifier: impl Into<Verifier>) -> Self {
        Self { name: Some(name), ..Self::new(verifier) }
    }

    /// A scheme that is accepted on every route, without the warning in the log if its verifier is a
    /// [`SharedSecret`](crate::SharedSecret) or [`ApiKeys`](crate::ApiKeys).
    ///
    /// Every program that knows the secret may use every route that its principal has the rights for. That can be right for
    /// a service that only such programs call:
    ///
    /// ```
    /// use portcullis_core::{Gate, Scheme, SharedSecret};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let billing = SharedSecret::new("billing", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
    /// // Not on the internet, and called by one program only.
    /// let gate = Gate::builder().scheme(Scheme::dangerous_unnamed(billing).bearer()).build()?;
    /// # let _ = gate; Ok(()) }
    /// ```
    pub fn dangerous_unnamed(verifier: impl Into<Verifier>) -> Self {
        Self { may_be_unnamed: true, ..Self::new(verifier) }
    }

    /// Reads credentials from this cookie.
    ///
    /// A browser adds cookies by itself, also to requests that pages of other sites make. So a request that changes something
    /// by a cookie has to come from the service's own pages, or from an
    /// [allowed origin](crate::GateBuilder::allow_origin).
    pub fn cookie(self, name: &str) -> Self {
        self.source(CredentialSource::cookie(name))
    }

    /// Reads credentials from `Authorization: Bearer …`.
    pub fn bearer(self) -> Self {
        self.source(CredentialSource::bearer())
    }

    /// Reads tokens from `Authorization: DPoP …`, each with a proof that the caller has the key that the token is bound to
    /// (RFC 9449): see [`Dpop`].
    ///
    /// A scheme with [`bearer`](Self::bearer) too also accepts tokens that are bound to no key.
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = Some(Box::new(dpop));
        self.source(CredentialSource::dpop())
    }

    /// Reads credentials from this header, whose whole value is the credential. `Authorization` and `Cookie` contain more than
    /// that and are refused when the gate is built: use [`bearer`](Self::bearer) or [`cookie`](Self::cookie).
    pub fn header(self, name: &str) -> Self {
        self.source(CredentialSource::header(name))
    }

    /// Reads credentials from this query parameter. Read the warning at [`CredentialSource::query`] first.
    pub fn query(self, name: &str) -> Self {
        self.source(CredentialSource::query(name))
    }

    /// Reads credentials from the subprotocols of WebSockets: see [`CredentialSource::websocket_protocol`].
    ///
    /// ```
    /// use portcullis_core::{Error, Gate, Scheme, testing::TestIssuer};
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let scheme = Scheme::new(TestIssuer::new().verifier())
    ///     .websocket_protocol()
    ///     .websocket_query("token")
    ///     .bearer();
    /// let gate = Gate::builder().scheme(scheme).build()?;
    /// let read = |request: &Request| {
    ///     Ok::<_, Error>(gate.read(request)?.map(|read| read.expose().to_owned()))
    /// };
    ///
    /// let by_protocol = get("/chat").header("sec-websocket-protocol", "bearer, eyJhbGci");
    /// assert_eq!(read(&by_protocol.header("upgrade", "websocket"))?.as_deref(), Some("eyJhbGci"));
    /// let by_query = get("/chat?room=7&token=eyJhbGci");
    /// assert_eq!(
    ///     read(&by_query.clone().header("upgrade", "websocket"))?.as_deref(),
    ///     Some("eyJhbGci")
    /// );
    /// assert_eq!(read(&by_query)?, None); // not a WebSocket
    /// # Ok(()) }
    /// ```
    pub fn websocket_protocol(self) -> Self {
        self.source(CredentialSource::websocket_protocol())
    }

    /// Reads credentials from this query parameter of WebSockets: see [`CredentialSource::websocket_query`].
    pub fn websocket_query(self, name: &str) -> Self {
        self.source(CredentialSource::websocket_query(name))
    }

    /// Reads credentials from this source too. The other setters are short forms of this one; use it for a source with a
    /// [prefix](CredentialSource::prefix), or one that is [put together from cookies](CredentialSource::cookies).
    ///
    /// ```
    /// use portcullis_core::{CredentialSource, Error, Gate, Scheme, testing::TestIssuer};
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let header = CredentialSource::header("x-forwarded-authorization").prefix("Token ");
    /// let scheme = Scheme::new(TestIssuer::new().verifier()).source(header).query("download-key");
    /// let gate = Gate::builder().scheme(scheme).build()?;
    /// let read = |request: &Request| {
    ///     Ok::<_, Error>(gate.read(request)?.map(|read| read.expose().to_owned()))
    /// };
    ///
    /// assert_eq!(
    ///     read(&get("/").header("x-forwarded-authorization", "Token abc"))?.as_deref(),
    ///     Some("abc")
    /// );
    /// assert_eq!(read(&get("/?download-key=abc"))?.as_deref(), Some("abc"));
    /// assert_eq!(read(&get("/").header("x-forwarded-authorization", "Basic abc"))?, None);
    /// # Ok(()) }
    /// ```
    pub fn source(mut self, source: CredentialSource) -> Self {
        self.sources.push(source);
        self
    }

    /// The name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Where credentials are read, in order.
    #[must_use]
    pub fn sources(&self) -> &[CredentialSource] {
        &self.sources
    }

    /// Whether its credentials are signed tokens that a [`Jwt`](crate::Jwt) or [`TrustedIssuers`](crate::TrustedIssuers) verify.
    #[must_use]
    pub fn is_jwt(&self) -> bool {
        self.verifier.is_jwt()
    }

    /// What is wrong with this scheme, whatever the others of the gate are. `build` puts the scheme's name in front.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.name.is_some_and(str::is_empty) {
            return Err("has an empty name; `Scheme::new` makes one without a name".to_owned());
        }
        if self.sources.is_empty() {
            return Err("reads no credentials; name a source, such as `.bearer()`".to_owned());
        }
        for (place, source) in self.sources.iter().enumerate() {
            source.check().map_err(|error| format!("has a source that cannot work: {error}"))?;
            if self.sources.iter().take(place).any(|earlier| earlier == source) {
                return Err(format!("has the source {source} twice"));
            }
        }
        if let Some(dpop) = &self.dpop {
            dpop.check()?;
        }
        match self.verifier.kind() {
            Kind::Secret(_) | Kind::Keys(_) if self.dpop.is_some() => {
                Err("has a proof of possession, and no tokens that could be bound to a key".to_owned())
            }
            Kind::Secret(secret) if !secret.is_carried(&self.sources) => Err(
                "has a shared secret with characters that none of its sources can carry, such as a space or a line break; \
                 one of letters and digits fits everywhere"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = &mut f.debug_struct("Scheme");
        scheme.field("name", &self.name).field("sources", &self.sources).field("verifier", &self.verifier).finish()
    }
}

/// A set of a gate's schemes, by their places: one bit for each, so that a question costs no allocation. A gate has at most
/// [`SchemeSet::MOST`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SchemeSet(u64);

impl SchemeSet {
    pub(crate) const MOST: usize = 64;
    pub(crate) const ALL: Self = Self(u64::MAX);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn one(place: usize) -> Self {
        Self(1 << (place % Self::MOST))
    }

    pub(crate) const fn has(self, place: usize) -> bool {
        self.0 & Self::one(place).0 != 0
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it contains all of the others.
    pub(crate) const fn includes(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }
}

/// The sources of some schemes: each source once, in order, with the schemes that read it.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) schemes: SchemeSet,
    pub(crate) sources: Vec<CredentialSource>,
    /// Whether one of them is a query parameter.
    pub(crate) reads_query: bool,
    /// What is said where none of them has a credential.
    pub(crate) absent: String,
    /// For each source, the places of its schemes.
    readers: Vec<Vec<usize>>,
    /// For each source, the places of the schemes whose tokens a cache may know: those that decide about what they accept.
    recalled: Vec<Vec<usize>>,
    /// For each source, how long a credential may be, if all of its schemes have a limit.
    longest: Vec<Option<usize>>,
}

impl Sources {
    pub(crate) fn of(all: &[Scheme], schemes: SchemeSet) -> Self {
        let mut sources: Vec<CredentialSource> = Vec::new();
        let mut readers: Vec<Vec<usize>> = Vec::new();
        for (place, scheme) in all.iter().enumerate().filter(|(place, _)| schemes.has(*place)) {
            for source in &scheme.sources {
                match sources.iter().position(|known| known == source).and_then(|known| readers.get_mut(known)) {
                    Some(readers) => readers.push(place),
                    None => {
                        sources.push(source.clone());
                        readers.push(vec![place]);
                    }
                }
            }
        }
        let reads_query = sources.iter().any(|source| source.query_name().is_some());
        let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
        let absent = format!("no credential was presented; the route reads: {}", places.join(", "));
        let longest = |readers: &Vec<usize>| {
            let limits: Option<Vec<usize>> = readers.iter().map(|place| all.get(*place)?.verifier.longest()).collect();
            limits?.into_iter().max()
        };
        let longest = readers.iter().map(longest).collect();
        let recalled = readers.iter().map(|readers| recalled(all, readers)).collect();
        Self { schemes, sources, reads_query, absent, readers, recalled, longest }
    }

    pub(crate) fn place(&self, source: &CredentialSource) -> Option<usize> {
        self.sources.iter().position(|known| known == source)
    }

    /// The places of the schemes whose tokens a cache may know, of those that read the source at this place.
    pub(crate) fn recalled(&self, source: usize) -> &[usize] {
        self.recalled.get(source).map_or(&[], Vec::as_slice)
    }

    /// How many bytes a credential in the source at this place may have, if there is a limit.
    pub(crate) fn longest(&self, source: usize) -> Option<usize> {
        self.longest.get(source).copied().flatten()
    }

    /// The places of the schemes that read the source at this place.
    pub(crate) fn readers(&self, source: usize) -> &[usize] {
        self.readers.get(source).map_or(&[], Vec::as_slice)
    }
}

/// Of the schemes that read one source, those that only verify tokens, if all before them do no more, and leave them what they
/// accept. Otherwise one before might decide about a token that a later one has accepted from another source.
fn recalled(all: &[Scheme], readers: &[usize]) -> Vec<usize> {
    let (mut before, mut recalled): (Vec<&Jwt>, Vec<usize>) = (Vec::new(), Vec::new());
    for place in readers {
        let Some(jwt) = all.get(*place).and_then(|scheme| scheme.verifier.jwt()) else { break };
        if before.iter().all(|earlier| earlier.leaves(jwt)) {
            recalled.push(*place);
        }
        before.push(jwt);
    }
    recalled
}
