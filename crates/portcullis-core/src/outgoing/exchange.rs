//! Tokens on behalf of a caller.

use super::{
    BearerToken,
    endpoint::{self, Endpoint},
};
use crate::{
    error::{Error, ErrorKind},
    http::HttpClient,
    introspection::bad_answer,
};
use std::sync::Arc;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Exchanges a caller's access token for one that is meant for another service (RFC 8693). So a token is not handed on to a
/// service that it was not issued for.
///
/// One request is sent for each call, and nothing is kept. The answer has to be an access token or a JWT.
///
/// ```
/// use portcullis_core::{ErrorKind, TokenExchange};
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let body = r#"{"access_token":"for-orders","token_type":"Bearer","expires_in":60,
/// #             "issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#;
/// #         reply.give(Ok(match request.body().contains("subject_token=of-alice&") {
/// #             true => HttpResponse::new(200, body),
/// #             false => HttpResponse::new(400, r#"{"error":"invalid_request"}"#),
/// #         }));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let (client, secret) = (Client, "s3");
/// const ENDPOINT: &str = "https://id.example.com/oauth/token";
/// let exchange = TokenExchange::new(ENDPOINT, "billing", secret, client)?
///     .audience("https://orders.example.com");
///
/// assert_eq!(exchange.exchange("of-alice").await?.expose(), "for-orders");
/// let refused = exchange.exchange("revoked").await;
/// assert!(refused.is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct TokenExchange {
    endpoint: Endpoint,
    client: Arc<dyn HttpClient>,
}

impl TokenExchange {
    /// Exchanges at the token endpoint at this address, as the client with this id and secret. The secret is sent as HTTP Basic
    /// (`client_secret_basic`), or by [`secret_in_body`](Self::secret_in_body).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if `endpoint` is no HTTP address, or if the id or the secret is empty.
    pub fn new(
        endpoint: impl Into<String>,
        id: &str,
        secret: &str,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        let endpoint = Endpoint::new(endpoint.into(), id, secret)?;
        Ok(Self { endpoint, client: Arc::new(client) })
    }

    /// The scope to ask for: names with spaces between them.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.endpoint.scope = Some(scope.into());
        self
    }

    /// The name of the service that the token is for. May be called several times.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.endpoint.target.push(("audience", audience.into()));
        self
    }

    /// The address of the service that the token is for. May be called several times.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.endpoint.target.push(("resource", resource.into()));
        self
    }

    /// Sends the client's id and secret in the form (`client_secret_post`), for endpoints that do not read HTTP Basic.
    #[must_use]
    pub fn secret_in_body(mut self) -> Self {
        self.endpoint.in_body = true;
        self
    }

    /// A token for the other service, on behalf of the caller whose access token this is.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the endpoint refuses the caller's token; [`ErrorKind::Misconfigured`] if it refuses the client,
    /// the scope or the audience; [`ErrorKind::Unavailable`] if it does not answer properly.
    pub async fn exchange(&self, subject_token: &str) -> Result<BearerToken, Error> {
        let fields = vec![
            ("grant_type", GRANT),
            ("subject_token", subject_token),
            ("subject_token_type", ACCESS_TOKEN),
            ("requested_token_type", ACCESS_TOKEN),
        ];
        let answer = self.endpoint.request(fields).send(&*self.client).await?;
        let is_about_token =
            |code: &str| matches!(code, "invalid_request" | "invalid_grant").then_some(ErrorKind::Invalid);
        let answer = endpoint::read(&answer, is_about_token)?;
        let issued = answer.member("issued_token_type").and_then(|kind| kind.as_str());
        if !issued.is_some_and(|kind| kind == ACCESS_TOKEN || kind == JWT) {
            return Err(bad_answer("an `issued_token_type` that is no access token"));
        }
        Ok(self.endpoint.token(&answer)?.0)
    }
}
