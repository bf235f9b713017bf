//! The client: what it sends, and what it makes of the answer.

use crate::{ClientBuilder, address::Address, runtime::Runtime};
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use reqwest::{Method, Request};
use std::{cell::Cell, fmt, time::Duration};

/// Asks issuers over HTTPS. Cheap to clone.
///
/// Share one: its clones have their thread and their connections in common. The thread ends when the last of them is gone
/// and what they asked is answered.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: reqwest::Client,
    /// Whether it tells [`NEW`] of its connections.
    pub(crate) counted: bool,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) allow_http: bool,
    pub(crate) runtime: Runtime,
}

tokio::task_local! {
    /// Whether a connection was made for the request of this task.
    pub(crate) static NEW: Cell<bool>;
}

/// How many connections to a host are kept while nothing is asked.
pub(crate) const KEPT: usize = 64;

impl Client {
    /// A client with the limits of the [crate's documentation](crate).
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A client with certificates, a proxy, limits or a runtime of your own.
    ///
    /// ```no_run
    /// use portcullis_reqwest::Client;
    /// use std::{fs, time::Duration};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder()
    ///     .root_certificates(fs::read("/etc/pki/our-authority.pem")?)
    ///     .client_certificate(fs::read("/run/tls/tls.crt")?, fs::read("/run/tls/tls.key")?)
    ///     .proxy("http://proxy.example.com:3128")
    ///     .timeout(Duration::from_secs(2))
    ///     .build()?;
    /// # let _ = client; Ok(()) }
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    async fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let address = Address::new(request.url(), self.allow_http)?;
        match tokio::time::timeout(self.timeout, self.exchange(request, &address)).await {
            Ok(answer) => answer,
            Err(elapsed) => {
                let detail = format!("{} did not answer within {:?}", address.host, self.timeout);
                Err(unavailable(detail).with_cause(elapsed))
            }
        }
    }

    async fn exchange(&self, request: &HttpRequest, Address { url, host }: &Address) -> Result<HttpResponse, Error> {
        let method = Method::from_bytes(request.method().as_bytes())
            .map_err(|error| Error::new(ErrorKind::Misconfigured, "there is no such HTTP method").with_cause(error))?;
        let mut outgoing = self.inner.request(method, url.clone());
        for (name, value) in request.headers() {
            outgoing = outgoing.header(name, value);
        }
        if !request.body().is_empty() {
            outgoing = outgoing.body(request.body().to_owned());
        }
        let refused = |error: reqwest::Error| {
            let (kind, detail) = match &error {
                error if error.is_builder() => (ErrorKind::Misconfigured, format!("the request to {host} is not HTTP")),
                error if error.is_connect() => (ErrorKind::Unavailable, format!("cannot connect to {host}")),
                _ => (ErrorKind::Unavailable, format!("{host} gave no HTTP answer")),
            };
            Error::new(kind, detail).with_cause(error.without_url())
        };
        let outgoing = outgoing.build().map_err(refused)?;
        let mut incoming = self.transmit(outgoing).await.map_err(refused)?;

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

    /// An issuer may close a kept connection at the moment it is used again, which looks like an outage and is none. What
    /// fails on a kept one before an answer begins is sent on the next; on a new one the failure counts.
    async fn transmit(&self, request: Request) -> reqwest::Result<reqwest::Response> {
        let mut kept = KEPT;
        loop {
            // The body is there as a whole, so there is always a copy.
            let Some(copy) = request.try_clone().filter(|_| self.counted && kept > 0) else {
                return self.inner.execute(request).await;
            };
            let sent = async { (self.inner.execute(copy).await, NEW.with(Cell::get)) };
            match NEW.scope(Cell::new(false), sent).await {
                (Err(error), false) if error.is_request() && !error.is_connect() => kept -= 1,
                (answer, _) => return answer,
            }
        }
    }
}

/// Asks with a client of the application's own, on a thread of ours.
///
/// The time and body limits of the [crate's documentation](crate) hold, and what may be asked stays as it is there. All
/// else is then the caller's business: set `redirect(Policy::none())`, or an issuer sends its credentials elsewhere; mind
/// proxies of the environment, whom it trusts, shorter time limits, cookies, decompression, how many connections it keeps and
/// what it sends again.
impl From<reqwest::Client> for Client {
    fn from(inner: reqwest::Client) -> Self {
        let ClientBuilder { timeout, max_body_bytes, allow_http, .. } = Self::builder();
        Self { inner, counted: false, timeout, max_body_bytes, allow_http, runtime: Runtime::own() }
    }
}

impl HttpClient for Client {
    /// Asks in a task of its own; see the [crate's documentation](crate) for where and what.
    ///
    /// The reply is given on the client's thread, also for an address that may not be asked: what it does holds up other
    /// answers. It is given before this returns only if there is no thread to ask on.
    ///
    /// # Errors
    /// Given to the reply: [`ErrorKind::Unavailable`] for everything that the network and the issuer do, and if no thread
    /// can be started; [`ErrorKind::Misconfigured`] for what may not or cannot be asked.
    fn send(&self, request: HttpRequest, reply: Reply) {
        match self.runtime.handle() {
            Ok(runtime) => {
                // Keeps the thread until the reply is given.
                let client = self.clone();
                runtime.spawn(async move { reply.give(client.ask(&request).await) });
            }
            Err(error) => reply.give(Err(error)),
        }
    }

    /// A second more than [a request](crate::ClientBuilder::timeout) takes at most.
    fn time_limit(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
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
