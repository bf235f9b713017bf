//! Settings of a client.

use crate::{
    Client,
    client::{KEPT, NEW},
    pem,
    resolver::Resolver,
    runtime::Runtime,
};
use portcullis_core::{Error, ErrorKind};
use reqwest::{NoProxy, Proxy, Url, header::HeaderValue, redirect, retry};
use std::{fmt, sync::Arc, time::Duration};
use tokio::runtime::Handle;
use tower::util::MapResponseLayer;

/// Builds a [`Client`]; see [`Client::builder`].
///
/// A setting that cannot be used is an error of [`build`](Self::build).
///
/// ```
/// use portcullis_reqwest::Client;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let client = Client::builder()
///     .user_agent("orders/1.4")
///     .timeout(Duration::from_secs(3))
///     .connect_timeout(Duration::from_secs(1))
///     .max_body_bytes(256 * 1024)
///     .build()?;
///
/// assert!(Client::builder().user_agent("two\nlines").build().is_err());
/// assert!(Client::builder().proxy("proxy.example.com:3128").build().is_err()); // not a URL
/// assert!(Client::builder().root_certificates("not PEM").build().is_err());
/// assert!(Client::builder().client_certificate("not PEM", "").build().is_err());
/// # let _ = client; Ok(()) }
/// ```
#[must_use]
pub struct ClientBuilder {
    inner: Result<reqwest::ClientBuilder, Error>,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) allow_http: bool,
    pub(crate) only_public: bool,
    has_proxy: bool,
    runtime: Option<Handle>,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        // Other crates of the application may have turned on any feature of reqwest, so everything is said here.
        let inner = reqwest::Client::builder()
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .tls_backend_rustls()
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .pool_max_idle_per_host(KEPT)
            // Node.js and Apache close after five seconds, most others later.
            .pool_idle_timeout(Duration::from_secs(4))
            .connector_layer(MapResponseLayer::new(|connection| {
                // A connection that is made beside a request belongs to none.
                let _ = NEW.try_with(|new| new.set(true));
                connection
            }))
            .dns_resolver(Resolver { only_public: false });
        Self {
            inner: Ok(inner),
            timeout: Duration::from_secs(5),
            max_body_bytes: 1 << 20,
            allow_http: false,
            only_public: false,
            has_proxy: false,
            runtime: None,
        }
    }

    /// Trusts these authorities as well as those that the system trusts. PEM of one or several certificates.
    ///
    /// May be called more than once.
    pub fn root_certificates(self, pem: impl AsRef<[u8]>) -> Self {
        self.and(|inner| Ok(inner.tls_certs_merge(pem::authorities(pem.as_ref())?)))
    }

    /// Presents this certificate to issuers that ask for one (RFC 8705, section 2).
    ///
    /// Both are PEM: the certificate, followed by those between it and its authority, and its private key in PKCS #8, PKCS #1
    /// or SEC 1, not encrypted.
    pub fn client_certificate(self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.and(|inner| Ok(inner.identity(pem::identity(certificate.as_ref(), key.as_ref())?)))
    }

    /// Sends requests through this proxy, such as `http://name:password@proxy.example.com:3128`. By default there is none,
    /// whatever the environment says.
    ///
    /// `https` goes through a tunnel (`CONNECT`): the proxy sees the issuer's name and nothing else, and looks that name up.
    /// `localhost`, names below it, `127.0.0.0/8` and `::1` are asked without the proxy, since they mean this machine and not
    /// the proxy's.
    pub fn proxy(mut self, url: &str) -> Self {
        self.has_proxy = true;
        self.and(|inner| {
            // The address may have a password in it, so no cause is kept.
            let url = Url::parse(url)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
                .ok_or_else(|| misconfigured("the proxy's address has to be an `http` or `https` URL"))?;
            let proxy = Proxy::all(url).map_err(|_| misconfigured("the proxy's address cannot be used"))?;
            Ok(inner.proxy(proxy.no_proxy(NoProxy::from_string("localhost, 127.0.0.0/8, ::1"))))
        })
    }

    /// The `User-Agent` of requests. `portcullis/` and the version by default.
    pub fn user_agent(self, name: &str) -> Self {
        self.and(|inner| {
            let name = HeaderValue::from_str(name)
                .map_err(|error| misconfigured("the user agent cannot be sent as a header").with_cause(error))?;
            Ok(inner.user_agent(name))
        })
    }

    /// How long a request may take, from looking up the name to the last byte of the answer. 5 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take, which is a part of [`timeout`](Self::timeout). No limit of its own by default.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.and(|inner| Ok(inner.connect_timeout(timeout)))
    }

    /// How many bytes the body of an answer may have. 1 MiB by default.
    pub fn max_body_bytes(mut self, max: usize) -> Self {
        self.max_body_bytes = max;
        self
    }

    /// Sends requests on this runtime instead of on a thread of the client's own.
    ///
    /// The runtime needs its I/O and time drivers (`enable_all`). Whatever blocks its threads delays every answer, and every
    /// caller that waits for one. If it is shut down, requests are answered with [`ErrorKind::Unavailable`].
    ///
    /// ```
    /// use portcullis_reqwest::Client;
    /// use tokio::runtime::Handle;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let client = Client::builder().runtime(Handle::current()).build()?;
    /// # let _ = client; Ok(()) }
    /// ```
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Allows plain `http` to every host. An attacker between this service and the issuer can then replace the issuer's keys.
    ///
    /// ```
    /// use portcullis_reqwest::Client;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // The issuer is a container beside this one, and the network between them is encrypted.
    /// let client = Client::builder().dangerous_allow_http().build()?;
    /// # let _ = client; Ok(()) }
    /// ```
    pub fn dangerous_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Asks hosts on the public Internet only, for addresses that are not known when the service is written, such as those
    /// that customers enter.
    ///
    /// A name is looked up, and connections are made to those of its addresses that are public. A name that has none is not
    /// asked, and neither is an address in the URL that is not public, however it is written. Not public are loopback,
    /// private, shared, link-local, multicast, documentation and reserved addresses (RFC 6890), and IPv6 addresses that embed
    /// one of IPv4: mapped, 6to4, Teredo and NAT64. `localhost` and names below it are not asked either.
    ///
    /// [`TrustedIssuers`](portcullis_core::TrustedIssuers) require such a client.
    ///
    /// This keeps requests from services in the network of this one (CWE-918). It does not say whether an issuer is to be
    /// trusted.
    ///
    /// ```
    /// use portcullis_core::{ErrorKind, RemoteKeys};
    /// use portcullis_reqwest::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let client = Client::builder().public_addresses_only().build()?;
    /// let inside = RemoteKeys::jwks("https://10.0.0.5/jwks", client.clone())?.ready().await;
    /// // 503, and the log says why
    /// assert!(inside.is_err_and(|error| error.kind() == ErrorKind::Unavailable));
    /// // Nothing is asked yet.
    /// assert!(RemoteKeys::discover("https://id.example.com", client).is_ok());
    /// # Ok(()) }
    /// ```
    pub fn public_addresses_only(mut self) -> Self {
        self.only_public = true;
        self.and(|inner| Ok(inner.dns_resolver(Resolver { only_public: true })))
    }

    /// Creates the client.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] for PEM, a proxy or a user agent that cannot be used, for a proxy beside
    /// [`public_addresses_only`](Self::public_addresses_only), and if there is no authority to trust: the system has no
    /// certificates, as in containers without `ca-certificates`, and none were given.
    pub fn build(self) -> Result<Client, Error> {
        let inner = self.inner?;
        if self.only_public && self.has_proxy {
            return Err(misconfigured("a proxy looks names up itself, so `public_addresses_only()` cannot check them"));
        }
        let inner = inner
            .build()
            .map_err(|error| misconfigured("cannot make an HTTP client").with_cause(error.without_url()))?;
        Ok(Client {
            inner,
            answered: Some(Arc::default()),
            timeout: self.timeout,
            max_body_bytes: self.max_body_bytes,
            allow_http: self.allow_http,
            only_public: self.only_public,
            runtime: self.runtime.map_or_else(Runtime::own, Runtime::Given),
        })
    }

    fn and(mut self, more: impl FnOnce(reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error>) -> Self {
        self.inner = self.inner.and_then(more);
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("timeout", &self.timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("allow_http", &self.allow_http)
            .field("only_public", &self.only_public)
            .finish_non_exhaustive()
    }
}

fn misconfigured(detail: &'static str) -> Error {
    Error::new(ErrorKind::Misconfigured, detail)
}
