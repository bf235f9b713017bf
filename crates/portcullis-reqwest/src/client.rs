//! The client: what it sends, and how it reads the answer.

use crate::{ClientBuilder, address::Address, runtime::Runtime};
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use reqwest::{Method, Request};
use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

/// Asks issuers over HTTPS. Cheap to clone.
///
/// Share one client: its clones use the same thread and the same connections. The thread ends when the last clone is dropped
/// and its requests are answered.
///
/// ```
/// use portcullis_core::{ErrorKind, RemoteKeys};
/// use portcullis_reqwest::Client;
/// # use std::{io::{Read, Write}, net::TcpListener, thread};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?;
/// # thread::spawn(move || -> std::io::Result<()> {
/// #     let (mut stream, _) = listener.accept()?;
/// #     let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// #     _ = stream.read(&mut [0; 1024])?;
/// #     write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len())
/// # });
/// let client = Client::new()?;
///
/// // An issuer on this machine may be asked over plain http. Another one may not, and no request
/// // is sent to it.
/// RemoteKeys::jwks(format!("http://{address}/jwks"), client.clone())?.ready().await?;
/// let other = RemoteKeys::jwks("http://id.example.com/jwks", client)?.ready().await;
/// // 503, and the log says why
/// assert!(other.is_err_and(|error| error.kind() == ErrorKind::Unavailable));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: reqwest::Client,
    /// Whether an answer came since a request last failed beside a new connection. `None` if `inner` does not report its
    /// connections to [`NEW`].
    pub(crate) answered: Option<Arc<AtomicBool>>,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) allow_http: bool,
    pub(crate) only_public: bool,
    pub(crate) runtime: Runtime,
}

tokio::task_local! {
    /// Whether a connection was made for the request of this task.
    pub(crate) static NEW: Cell<bool>;
}

/// How many idle connections to a host are kept.
pub(crate) const KEPT: usize = 64;

impl Client {
    /// Creates a client with the limits of the [crate's documentation](crate).
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Builds a client with certificates, a proxy, limits or a runtime of your own.
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
        let address = Address::new(request.url(), self.allow_http, self.only_public)?;
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

    /// An issuer may close a kept connection at the moment it is used again. That looks like an outage and is none. A request
    /// that fails on a kept connection before its answer begins is sent on the next one. On a new connection, the failure
    /// counts.
    ///
    /// A request for which a connection was made may still have been sent on one that another request gave back meanwhile.
    /// There is none without an answer, so each such failure needs an answer since the last one.
    async fn transmit(&self, request: Request) -> reqwest::Result<reqwest::Response> {
        let Some(answered) = &self.answered else { return self.inner.execute(request).await };
        let mut kept = KEPT;
        loop {
            // The body is there as a whole, so there is always a copy.
            let Some(copy) = request.try_clone().filter(|_| kept > 0) else {
                return self.inner.execute(request).await;
            };
            let sent = async { (self.inner.execute(copy).await, NEW.with(Cell::get)) };
            let (answer, new) = NEW.scope(Cell::new(false), sent).await;
            match answer {
                Err(error) if error.is_request() && !error.is_connect() && (!new || answered.swap(false, Relaxed)) => {
                    kept -= 1;
                }
                answer => {
                    answered.fetch_or(answer.is_ok(), Relaxed);
                    return answer;
                }
            }
        }
    }
}

/// Sends requests with a client of the application's own, on a thread of ours.
///
/// The time and body limits of the [crate's documentation](crate) still apply, and so do the rules of what may be asked. The
/// rest is up to your client. Set `redirect(Policy::none())`, or an issuer can send its credentials elsewhere. Mind also
/// proxies of the environment, the authorities it trusts, shorter time limits, cookies, decompression, how many connections
/// it keeps, and what it sends again.
///
/// ```
/// use portcullis_reqwest::Client;
/// use reqwest::redirect::Policy;
///
/// # fn main() -> Result<(), reqwest::Error> {
/// let theirs = reqwest::Client::builder()
///     .redirect(Policy::none())
///     .no_proxy()
///     .https_only(true)
///     .build()?;
/// let client = Client::from(theirs);
/// # let _ = client; Ok(()) }
/// ```
impl From<reqwest::Client> for Client {
    fn from(inner: reqwest::Client) -> Self {
        let ClientBuilder { timeout, max_body_bytes, allow_http, only_public, .. } = Self::builder();
        Self { inner, answered: None, timeout, max_body_bytes, allow_http, only_public, runtime: Runtime::own() }
    }
}

impl HttpClient for Client {
    fn is_public_only(&self) -> bool {
        self.only_public
    }

    /// Sends the request in a task of its own. See the [crate's documentation](crate) for where it runs and what may be
    /// asked.
    ///
    /// The reply is given on the client's thread, also for an address that may not be asked: slow code in it delays other
    /// answers. It is given before this returns only if there is no thread to send on.
    ///
    /// # Errors
    /// Given to the reply: [`ErrorKind::Unavailable`] for every failure of the network and the issuer, and if no thread can
    /// be started; [`ErrorKind::Misconfigured`] for what may not or cannot be asked.
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

    /// One second more than the maximum for [a request](crate::ClientBuilder::timeout).
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
            .field("only_public", &self.only_public)
            .finish_non_exhaustive()
    }
}

fn unavailable(detail: String) -> Error {
    Error::new(ErrorKind::Unavailable, detail)
}
