//! HTTP requests to issuers, and the trait for the client that sends them.
//!
//! The core asks and reads, and leaves the network to an [`HttpClient`]. Requests and answers are plain values, so that any HTTP
//! library can send them and a test can answer them.

use crate::{
    answer::Answer,
    error::{Error, ErrorKind, quote},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_channel::oneshot;
use futures_timer::Delay;
use futures_util::future::{Either, select};
use std::{fmt, pin::pin, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Sends requests to issuers: for key sets, discovery documents and introspection.
///
/// `portcullis-reqwest` has one. A client of your own must not follow redirects, must give up after some seconds, must limit
/// the size of an answer, and must use HTTPS only. Otherwise it weakens everything built on it.
///
/// ```
/// use portcullis_core::{
///     Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, RemoteKeys, Reply,
/// };
///
/// /// For tests: answers with a key set at one address.
/// #[derive(Debug)]
/// struct Published(&'static str);
///
/// impl HttpClient for Published {
///     fn send(&self, request: HttpRequest, reply: Reply) {
///         match (request.method(), request.url()) {
///             ("GET", "https://id.example.com/jwks") => {
///                 reply.give(Ok(HttpResponse::new(200, self.0)))
///             }
///             _ => {
///                 reply.give(Err(Error::new(ErrorKind::Unavailable, "there is no such server")))
///             }
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// const KEYS: &str = r#"{"keys":[
/// {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// RemoteKeys::jwks("https://id.example.com/jwks", Published(KEYS))?.ready().await?;
/// assert!(
///     RemoteKeys::jwks("https://id.example.com/keys", Published(KEYS))?.ready().await.is_err()
/// );
/// assert!(
///     RemoteKeys::jwks("https://id.example.com/jwks", Published("<html>"))?
///         .ready()
///         .await
///         .is_err()
/// );
/// # Ok(()) }
/// ```
///
/// A client for a real network sends the request in a task, and gives the answer there.
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends a request and gives the answer to `reply`, sooner or later.
    ///
    /// Returns at once. The request continues in a task or thread of the client's own, because the caller that asked first
    /// may leave while others still wait. Statuses of 400 and above are answers like others.
    fn send(&self, request: HttpRequest, reply: Reply);

    /// The maximum time to wait for an answer. 6 seconds by default.
    ///
    /// The client's own limit comes first. This one is for clients that cannot keep their own, such as on a runtime whose
    /// only thread is blocked. When it ends, the waiting requests get 503, and the request counts as failed.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(6)
    }

    /// Waits for this time.
    ///
    /// By default a timer that needs no runtime and has a thread of its own. A client for tests may return what it likes.
    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        Answer::later(Delay::new(time))
    }

    /// Whether it connects to addresses of the public Internet only: not to loopback, private or link-local ones, whatever name
    /// leads there. False by default.
    ///
    /// A client that says so checks the addresses that a name was resolved to, and connects to those.
    /// [`TrustedIssuers`](crate::TrustedIssuers) requires it.
    fn is_public_only(&self) -> bool {
        false
    }
}

/// The output of the future, or `None` if it takes longer than this time. The client may still be busy then.
pub(crate) async fn within<F: Future>(client: &dyn HttpClient, time: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), client.sleep(time)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

impl<C: HttpClient + ?Sized> HttpClient for Arc<C> {
    fn send(&self, request: HttpRequest, reply: Reply) {
        (**self).send(request, reply);
    }

    fn time_limit(&self) -> Duration {
        (**self).time_limit()
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        (**self).sleep(time)
    }

    fn is_public_only(&self) -> bool {
        (**self).is_public_only()
    }
}

/// A request to an issuer. `Debug` shows its address without the query, and the names of its headers.
///
/// ```
/// use portcullis_core::HttpRequest;
///
/// let request = HttpRequest::post_form(
///     "https://id.example.com/introspect?key=1",
///     &[("token", "a+b"), ("hint", "access")],
/// )
/// .with_header("accept", "application/json");
/// assert_eq!((request.method(), request.body()), ("POST", "token=a%2Bb&hint=access"));
/// let names: Vec<&str> = request.headers().map(|(name, _)| name).collect();
/// assert_eq!(names, ["content-type", "accept"]);
/// assert!(!format!("{request:?}").contains("key=1")); // nor the token
/// assert_eq!(HttpRequest::get("https://id.example.com/jwks").body(), "");
/// assert_eq!(HttpRequest::post_json("https://id.example.com/check", "{}").body(), "{}");
/// ```
#[derive(Clone)]
pub struct HttpRequest {
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, Zeroizing<String>)>,
    body: Zeroizing<String>,
}

impl HttpRequest {
    /// `GET` of this address, without headers.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: Zeroizing::default() }
    }

    /// `POST` of a form with these fields to this address.
    #[must_use]
    pub fn post_form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = Zeroizing::new(form.extend_pairs(fields).finish());
        let request = Self { method: "POST", url: url.into(), headers: Vec::new(), body };
        request.with_header("content-type", "application/x-www-form-urlencoded")
    }

    /// `POST` of this JSON text to this address.
    #[must_use]
    pub fn post_json(url: impl Into<String>, json: impl Into<String>) -> Self {
        let body = Zeroizing::new(json.into());
        let request = Self { method: "POST", url: url.into(), headers: Vec::new(), body };
        request.with_header("content-type", "application/json")
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Zeroizing::new(value.into())));
        self
    }

    /// With the id and the secret of a client, as HTTP Basic (`client_secret_basic`, RFC 6749, section 2.3.1).
    ///
    /// ```
    /// use portcullis_core::HttpRequest;
    ///
    /// let request = HttpRequest::post_form("https://id.example.com/token", &[]);
    /// let request = request.with_basic("a", "b:c");
    /// let authorization = request.headers().find(|(name, _)| *name == "authorization");
    /// assert_eq!(authorization, Some(("authorization", "Basic YTpiJTNBYw=="))); // a:b%3Ac
    /// ```
    #[must_use]
    pub fn with_basic(self, id: &str, secret: &str) -> Self {
        self.with_header("authorization", &**basic(id, secret))
    }

    /// Sends this request and waits for the answer, at most for the [time limit](HttpClient::time_limit) of the client.
    ///
    /// ```
    /// use portcullis_core::{Error, HttpClient, HttpRequest, HttpResponse, Reply};
    ///
    /// /// For tests: has an answer for `GET` only.
    /// #[derive(Debug)]
    /// struct Reader;
    ///
    /// impl HttpClient for Reader {
    ///     fn send(&self, request: HttpRequest, reply: Reply) {
    ///         if request.method() == "GET" {
    ///             reply.give(Ok(HttpResponse::new(200, "here")));
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let answer = HttpRequest::get("https://id.example.com").send(&Reader).await?;
    /// assert_eq!(answer.body(), b"here");
    /// let form = HttpRequest::post_form("https://id.example.com", &[]);
    /// assert_eq!(form.send(&Reader).await.map_err(|error| error.status()).err(), Some(503));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if there is no answer, or what the client says.
    pub async fn send(self, client: &dyn HttpClient) -> Result<HttpResponse, Error> {
        let (sender, answer) = oneshot::channel();
        // Nobody waits any more where this fails.
        client.send(self, Reply::new(move |answer| _ = sender.send(answer)));
        let gone = |what| Error::new(ErrorKind::Unavailable, what);
        match within(client, client.time_limit(), answer).await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => Err(gone("the request ended without an answer")),
            None => Err(gone("the server did not answer in its time")),
        }
    }

    /// `GET` or `POST`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method
    }

    /// The whole address, with its query.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The body, which is empty for `GET`.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        write!(f, "HttpRequest({} {} ", self.method, without_query(&self.url))?;
        f.debug_set().entries(names).finish()?;
        f.write_str(")")
    }
}

/// An issuer's answer. `Debug` shows its status and the names of its headers.
///
/// A client gives it with every header that the server sent. `Cache-Control`, `Expires`, `Date`, `Age`, `ETag` and `Retry-After`
/// are read.
///
/// ```
/// use portcullis_core::HttpResponse;
///
/// let answer =
///     HttpResponse::new(200, r#"{"keys":[]}"#).with_header("Cache-Control", "max-age=300");
/// assert_eq!((answer.status(), answer.body()), (200, &br#"{"keys":[]}"#[..]));
/// assert_eq!(answer.header("cache-control"), Some("max-age=300"));
/// assert_eq!(answer.header("Cache-Control"), None); // names are in lower case
/// ```
#[derive(Clone)]
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HttpResponse {
    /// An answer without headers.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// With one more header. Its name is kept in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The status, such as 200.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header; the name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header, in order; the name is given in lower case.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as it was sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        write!(f, "HttpResponse({} ", self.status)?;
        f.debug_set().entries(names).finish()?;
        f.write_str(")")
    }
}

type Then = Box<dyn FnOnce(Result<HttpResponse, Error>) + Send>;

/// Where an [`HttpClient`] gives the answer. If it is dropped without one, the callers that wait get an error.
///
/// ```
/// use portcullis_core::{Error, ErrorKind, HttpResponse, Reply};
/// use std::sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// let reply = || {
///     let sender = sender.clone();
///     Reply::new(move |answer: Result<HttpResponse, Error>| _ = sender.send(answer))
/// };
/// reply().give(Ok(HttpResponse::new(200, "")));
/// assert!(
///     receiver.recv().is_ok_and(|answer| answer.is_ok_and(|answer| answer.status() == 200))
/// );
///
/// drop(reply()); // as when a task panics
/// let is_unavailable = |error: Error| error.kind() == ErrorKind::Unavailable;
/// assert!(receiver.recv().is_ok_and(|answer| answer.is_err_and(is_unavailable)));
/// ```
pub struct Reply(Option<Then>);

impl Reply {
    /// A reply that calls this function with the answer, on the client's task. It should be quick.
    pub fn new(then: impl FnOnce(Result<HttpResponse, Error>) + Send + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    /// Gives the answer to the callers that wait.
    pub fn give(mut self, answer: Result<HttpResponse, Error>) {
        if let Some(then) = self.0.take() {
            then(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then(Err(Error::new(ErrorKind::Unavailable, "the HTTP client gave up without an answer")));
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply(..)")
    }
}

/// The value of `Authorization` for a client with a secret.
pub(crate) fn basic(id: &str, secret: &str) -> Zeroizing<String> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret)));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

/// An address for logs: the query of some contains a key.
pub(crate) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Checks that an address can be asked at all. Whether it may be asked, the client decides.
pub(crate) fn checked(url: String) -> Result<String, Error> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::misconfigured(format!("{} is no HTTP address", quote(&url))));
    }
    // Addresses are written to the log.
    if authority.contains('@') {
        return Err(Error::misconfigured("an address with a user name or a password in it"));
    }
    Ok(url)
}
