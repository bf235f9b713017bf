//! Tokens of a service itself.

use super::{
    BearerToken, KeptToken, TokenSource,
    endpoint::{self, Endpoint},
};
use crate::{
    clock::Clock,
    error::Error,
    http::{HttpClient, HttpRequest, HttpResponse},
};
use std::{sync::Arc, time::Duration};

/// Access tokens that a service gets for itself, to call other services (RFC 6749, section 4.4).
///
/// One value is for one client, one scope and one audience, and keeps one token as [`KeptToken`] describes. A clone shares it.
/// A changed setting makes a value of its own. Without `expires_in` in the answer a token is kept for a minute. If the answer
/// has a `scope`, it has to contain what was asked for.
///
/// ```
/// use portcullis_core::ClientCredentials;
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug, Clone)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let is_billing = request.headers().any(|header| header == ("authorization", "Basic YmlsbGluZzpzMw=="));
/// #         reply.give(Ok(match is_billing {
/// #             true => HttpResponse::new(200, r#"{"access_token":"t1","token_type":"Bearer","expires_in":300}"#),
/// #             false => HttpResponse::new(401, r#"{"error":"invalid_client"}"#),
/// #         }));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client; let secret = "s3";
/// const ENDPOINT: &str = "https://id.example.com/oauth/token";
/// let orders = ClientCredentials::new(ENDPOINT, "billing", secret, client.clone())?
///     .scope("orders:read")
///     .audience("https://orders.example.com");
///
/// let token = orders.bearer().await?; // for each request; asks only when it has to
/// assert_eq!(token.expose(), "t1");
///
/// let wrong = ClientCredentials::new(ENDPOINT, "billing", "other", client)?;
/// assert!(wrong.bearer().await.is_err_and(|error| error.status() == 500));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    endpoint: Arc<Endpoint>,
    kept: KeptToken,
}

impl ClientCredentials {
    /// Tokens of the endpoint at this address, for the client with this id and secret. The secret is sent as HTTP Basic
    /// (`client_secret_basic`), or by [`secret_in_body`](Self::secret_in_body).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if `endpoint` is no HTTP address, or if the id or the
    /// secret is empty.
    pub fn new(
        endpoint: impl Into<String>,
        id: &str,
        secret: &str,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        let endpoint = Arc::new(Endpoint::new(endpoint.into(), id, secret)?);
        Ok(Self { kept: KeptToken::new(endpoint.clone(), client), endpoint })
    }

    fn with(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(Arc::make_mut(&mut self.endpoint));
        Self { kept: self.kept.of(self.endpoint.clone()), ..self }
    }

    /// The scope to ask for: names with spaces between them.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.with(|endpoint| endpoint.scope = Some(scope.into()))
    }

    /// The service that the token is for, as the field `audience`, which Auth0 and others read. May be called several times.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.with(|endpoint| endpoint.target.push(("audience", audience.into())))
    }

    /// The service that the token is for, as an address (RFC 8707). May be called several times.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.with(|endpoint| endpoint.target.push(("resource", resource.into())))
    }

    /// Sends the client's id and secret in the form (`client_secret_post`), for endpoints that do not read HTTP Basic.
    #[must_use]
    pub fn secret_in_body(self) -> Self {
        self.with(|endpoint| endpoint.in_body = true)
    }

    /// The clock that tokens expire by. The system's by default.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { kept: self.kept.clock(clock), ..self }
    }

    /// The token to send, as [`KeptToken::bearer`].
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the endpoint does not answer properly;
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it refuses the client or the scope.
    pub async fn bearer(&self) -> Result<BearerToken, Error> {
        self.kept.bearer().await
    }

    /// Forgets this token, as [`KeptToken::discard`].
    pub fn discard(&self, token: &BearerToken) {
        self.kept.discard(token);
    }
}

impl TokenSource for Endpoint {
    fn request(&self) -> Result<HttpRequest, Error> {
        Ok(self.request(vec![("grant_type", "client_credentials")]))
    }

    fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
        self.token(&endpoint::read(answer, |_| None)?)
    }
}
