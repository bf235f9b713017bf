//! Portcullis asks issuers through reqwest: [`Client`] is the [`HttpClient`] for everybody who runs on tokio.
//!
//! ```no_run
//! use portcullis_core::{HttpClient, HttpRequest, Reply};
//! use portcullis_reqwest::Client;
//! use std::time::Duration;
//!
//! # #[tokio::main] async fn main() -> Result<(), portcullis_core::Error> {
//! let client = Client::new()?.timeout(Duration::from_secs(2));
//! let request = HttpRequest::get("https://id.example.com/.well-known/openid-configuration");
//! client.send(request, Reply::new(|answer| println!("{answer:?}")));
//! # Ok(()) }
//! ```
//!
//! # What it does
//! One request on a connection of its own, for at most 5 seconds from looking up the name to the last byte, for an
//! answer with a body of at most 1 MiB as it was sent: nothing is decompressed. Redirects are not followed, they are
//! answers. There are no cookies, no retries, and proxies of the environment are not used. Certificates are checked
//! against those that the system trusts; on Linux, `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
//!
//! # What may be asked
//! `https`. Plain `http` only of `localhost`, names below it, `127.0.0.0/8` and `::1`, unless
//! [`dangerous_allow_http`](Client::dangerous_allow_http) was called. `localhost` and names below it are not looked up:
//! they are this machine, whatever the DNS says. An address with a user name or password in it is refused.
//!
//! What a name of another kind leads to is not checked: not whether it is an address of a private network, where many
//! issuers live, nor whether it is another one than the last time. What stands against a DNS that lies is the
//! certificate, and with `dangerous_allow_http` nothing does. Nor is it checked whether an address that an issuer's
//! discovery document gives belongs to that issuer, or is on this machine: an issuer can have any of these asked.
//!
//! # Where it runs
//! In a task on the tokio runtime that [`send`](HttpClient::send) is called on, which is the worker's own on actix-web.
//! On a thread that has none, it is the runtime that [`Client::new`] was called on. The runtime needs its I/O and time
//! drivers (`enable_all`), as those of `#[tokio::main]` and actix-web have them. Connections are not kept for later
//! requests, because the next one may come from another worker, and its answer would wait for this one.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod resolver;

use address::Address;
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use reqwest::{Method, redirect, retry};
use std::{fmt, time::Duration};
use tokio::runtime::Handle;

/// Asks issuers over HTTPS. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    timeout: Duration,
    max_body_bytes: usize,
    allow_http: bool,
    runtime: Option<Handle>,
}

impl Client {
    /// A client with the limits of the [crate's documentation](crate).
    ///
    /// Called on a tokio runtime, it remembers that one for calls of [`send`](HttpClient::send) from threads without.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the system has no certificates that it trusts, as in containers without
    /// `ca-certificates`.
    pub fn new() -> Result<Self, Error> {
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
            .pool_max_idle_per_host(0)
            .dns_resolver(resolver::Resolver)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Misconfigured, "cannot make an HTTP client").with_cause(error.without_url())
            })?;
        Ok(Self {
            inner,
            timeout: Duration::from_secs(5),
            max_body_bytes: 1 << 20,
            allow_http: false,
            runtime: Handle::try_current().ok(),
        })
    }

    /// How long a request may take, from looking up the name to the last byte of the answer. 5 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes the body of an answer may have. 1 MiB by default.
    #[must_use]
    pub fn max_body_bytes(mut self, max: usize) -> Self {
        self.max_body_bytes = max;
        self
    }

    /// Allows plain `http` to every host. Who is on the way to the issuer can then replace its keys by their own.
    #[must_use]
    pub fn dangerous_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    async fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let Address { url, host } = Address::new(request.url(), self.allow_http)?;
        match tokio::time::timeout(self.timeout, self.exchange(request, url, &host)).await {
            Ok(answer) => answer,
            Err(elapsed) => {
                Err(unavailable(format!("{host} did not answer within {:?}", self.timeout)).with_cause(elapsed))
            }
        }
    }

    async fn exchange(&self, request: &HttpRequest, url: reqwest::Url, host: &str) -> Result<HttpResponse, Error> {
        let method = Method::from_bytes(request.method().as_bytes())
            .map_err(|error| Error::new(ErrorKind::Misconfigured, "there is no such HTTP method").with_cause(error))?;
        let mut outgoing = self.inner.request(method, url);
        for (name, value) in request.headers() {
            outgoing = outgoing.header(name, value);
        }
        if !request.body().is_empty() {
            outgoing = outgoing.body(request.body().to_owned());
        }
        let mut incoming = outgoing.send().await.map_err(|error| {
            let (kind, detail) = match &error {
                error if error.is_builder() => (ErrorKind::Misconfigured, format!("the request to {host} is not HTTP")),
                error if error.is_connect() => (ErrorKind::Unavailable, format!("cannot connect to {host}")),
                _ => (ErrorKind::Unavailable, format!("{host} gave no HTTP answer")),
            };
            Error::new(kind, detail).with_cause(error.without_url())
        })?;

        let too_large = || unavailable(format!("{host} answered with more than {} bytes", self.max_body_bytes));
        if incoming.content_length().is_some_and(|length| length > self.max_body_bytes as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = incoming
            .chunk()
            .await
            .map_err(|error| unavailable(format!("the answer of {host} broke off")).with_cause(error.without_url()))?
        {
            if chunk.len() > self.max_body_bytes - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }

        let answer = HttpResponse::new(incoming.status().as_u16(), body);
        // A value that is not ASCII is none that anybody here reads.
        let headers = incoming.headers().iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
        Ok(headers.fold(answer, |answer, (name, value)| answer.with_header(name.as_str(), value)))
    }
}

impl HttpClient for Client {
    /// Asks in a task of its own; see the [crate's documentation](crate) for where and what.
    ///
    /// The reply is given in that task, also for an address that may not be asked, and before this returns only if
    /// there is no runtime: none here and none at [`Client::new`], or one that was shut down.
    ///
    /// # Errors
    /// Given to the reply: [`ErrorKind::Unavailable`] for everything that the network and the issuer do,
    /// [`ErrorKind::Misconfigured`] for what may not or cannot be asked, and if there is no runtime to ask on.
    fn send(&self, request: HttpRequest, reply: Reply) {
        let Some(runtime) = Handle::try_current().ok().or_else(|| self.runtime.clone()) else {
            let detail = "issuers are asked on a tokio runtime, and neither this thread nor `Client::new` had one";
            return reply.give(Err(Error::new(ErrorKind::Misconfigured, detail)));
        };
        let client = self.clone();
        runtime.spawn(async move { reply.give(client.ask(&request).await) });
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("timeout", &self.timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}

fn unavailable(detail: String) -> Error {
    Error::new(ErrorKind::Unavailable, detail)
}
