//! An OpenID provider, and this service as its client.

use crate::{
    fault::{failed, misconfigured, unavailable},
    flow::Token,
};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Claims, Clock, Credential, CredentialSource, Error, ErrorKind, HttpClient,
    HttpRequest, Issuer, Jwt, Principal, RemoteKeys, Rules, SystemClock,
};
use serde::Deserialize;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use zeroize::Zeroizing;

const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
];

/// Those that the flow sets, and those that it would have to check.
const OWN_PARAMETERS: [&str; 15] = [
    "acr_values",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "max_age",
    "nonce",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// An OpenID provider, and this service as its client: the flow, without a session.
///
/// Its endpoints and keys are those of its discovery document. A service that is a confidential client has a
/// [`secret`](Self::secret). The ID token's claims make the principal by a [`claim_map`](Self::claim_map).
///
/// ```
/// use portcullis_core::{ClaimMap, testing::TestIssuer};
/// use portcullis_sign_in::Provider;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let provider = Provider::new("https://id.example.com", "shop", TestIssuer::new())?
///     .secret("that-of-the-client")
///     .scopes(["email"])
///     .claim_map(ClaimMap::new().roles("groups")?);
/// assert_eq!(format!("{provider:?}"), "Provider(https://id.example.com, shop)");
/// assert!(Provider::new("id.example.com", "shop", TestIssuer::new()).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Provider {
    client_id: Arc<str>,
    pub(crate) secret: Option<Arc<Token>>,
    pub(crate) is_secret_in_body: bool,
    scopes: Vec<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) acr_values: Vec<String>,
    pub(crate) client: Arc<dyn HttpClient>,
    pub(crate) clock: Arc<dyn Clock>,
    id_tokens: Issuer,
    pub(crate) logout_tokens: Issuer,
    metadata: Arc<Mutex<Option<Arc<Metadata>>>>,
}

/// What a discovery document says (OpenID Connect Discovery, section 3).
#[derive(Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
}

impl Provider {
    /// The provider of this name, and this service's client id there. The client sends the requests.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the name is no address, or one of the two is empty.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        let (issuer, client_id, client) = (issuer.into(), client_id.into(), Arc::new(client));
        let keys = RemoteKeys::discover(issuer.clone(), client.clone())?;
        let trusted = Issuer::new(issuer, Audience::is(client_id.clone()), ALGORITHMS, keys)?;
        // An access token for this client has a good signature too, and another kind.
        let kinds = Rules::new().if_present("typ", ["ID"])?.if_present("token_use", ["id"])?;
        let no_nonce = Rules::new().forbid("nonce")?.if_present("typ", ["Logout"])?;
        let logout = trusted.clone().token_type("logout+jwt").rules(no_nonce).max_token_age(Duration::from_secs(120));
        Ok(Self {
            client_id: client_id.into(),
            secret: None,
            is_secret_in_body: false,
            scopes: vec!["openid".to_owned()],
            parameters: Vec::new(),
            max_age: None,
            acr_values: Vec::new(),
            client,
            clock: Arc::new(SystemClock::default()),
            id_tokens: trusted.rules(kinds),
            logout_tokens: logout,
            metadata: Arc::default(),
        })
    }

    /// The client's secret. It is sent as HTTP Basic (`client_secret_basic`), or in the form if the provider supports only that
    /// or with [`secret_in_body`](Self::secret_in_body).
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(Arc::new(Zeroizing::new(secret.into())));
        self
    }

    /// Sends the client's id and secret in the form (`client_secret_post`), for providers that do not decode the secret in HTTP
    /// Basic (RFC 6749, section 2.3.1).
    ///
    /// ```
    /// # use portcullis_core::testing::TestIssuer;
    /// # use portcullis_sign_in::Provider;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let new = |issuer| Provider::new(issuer, "shop", TestIssuer::new());
    /// let provider = new("https://id.example.com")?.secret("with/a+few@signs").secret_in_body();
    /// assert_eq!(format!("{provider:?}"), "Provider(https://id.example.com, shop)");
    /// assert!(new("id.example.com").is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn secret_in_body(mut self) -> Self {
        self.is_secret_in_body = true;
        self
    }

    /// Scopes to ask for beside `openid`, such as `email`, or `offline_access` for a refresh token.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Another parameter of authorization requests, such as `resource` (RFC 8707) or `audience` for the service that the
    /// [access token](crate::Identity::access_token) is for, or `prompt`.
    ///
    /// ```
    /// use portcullis_core::testing::TestIssuer;
    /// use portcullis_sign_in::Provider;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let provider = Provider::new("https://id.example.com", "shop", TestIssuer::new())?;
    /// let provider = provider.parameter("resource", "https://orders.example.com")?;
    /// assert!(provider.parameter("redirect_uri", "https://evil.example.net").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] for parameters that the flow sets itself, and for those that change how the callback or the ID
    /// token has to be read.
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Result<Self, Error> {
        if name.is_empty() || OWN_PARAMETERS.contains(&name) {
            return Err(misconfigured(format!("the parameter `{name}` of authorization requests cannot be set")));
        }
        self.parameters.push((name.to_owned(), value.into()));
        Ok(self)
    }

    /// The user has to have signed in at the provider at most this long ago, or has to do it again (`max_age`, OpenID Connect
    /// Core, section 3.1.2.1). The ID token then has to have such an `auth_time`. Of two times the shorter one counts.
    ///
    /// For all sign-ins, or for the flow of a step-up:
    ///
    /// ```
    /// # use portcullis_core::{Error, HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct Published;
    /// # impl HttpClient for Published { fn send(&self, _: HttpRequest, reply: Reply) {
    /// #     reply.give(Ok(HttpResponse::new(200, r#"{"issuer":"https://id.example.com",
    /// # "authorization_endpoint":"https://id.example.com/auth",
    /// # "token_endpoint":"https://id.example.com/token"}"#)));
    /// # } }
    /// use portcullis_sign_in::Provider;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let provider = Provider::new("https://id.example.com", "shop", Published)?;
    /// let step_up = provider.clone().max_age(Duration::from_secs(300)).acr_values(["otp"]);
    ///
    /// let (address, _flow) = step_up.begin("https://shop.example.com/callback").await?;
    /// assert!(address.ends_with("&max_age=300&acr_values=otp"));
    /// let (address, _flow) = provider.begin("https://shop.example.com/callback").await?;
    /// assert!(!address.contains("max_age"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(self.max_age.map_or(max_age, |own| own.min(max_age)));
        self
    }

    /// The classes of authentication to ask for, in the order of preference (`acr_values`). A provider need not follow it, so
    /// require the [factor](portcullis_core::policy::factor) by a policy.
    #[must_use]
    pub fn acr_values<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// How the claims of the ID token make a principal.
    #[must_use]
    pub fn claim_map(mut self, map: ClaimMap) -> Self {
        self.id_tokens = self.id_tokens.claim_map(map);
        self
    }

    /// How far the provider's clock may differ. By default not at all, and a minute for times of issue.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is more than five minutes.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        self.id_tokens = self.id_tokens.leeway(leeway)?;
        self.logout_tokens = self.logout_tokens.leeway(leeway)?;
        Ok(self)
    }

    /// Accepts logout tokens of the type `JWT` too, and without `exp`, as the drafts of OpenID Connect Back-Channel Logout 1.0
    /// had them: older versions of a provider may send no others. All other [rules](Self::verify_logout_token) hold, so one
    /// is valid for two minutes, and no ID token is one.
    ///
    /// ```
    /// # use portcullis_core::testing::TestIssuer;
    /// # use portcullis_sign_in::Provider;
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let op = TestIssuer::new().for_audience("shop");
    /// let provider = Provider::new("https://issuer.test", "shop", op.clone())?.clock(op.clock());
    /// let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    /// let token = op.token("alice").claim("jti", "1").claim("events", event).without("exp").sign();
    ///
    /// assert!(provider.verify_logout_token(&token).await.is_err());
    /// let provider = provider.allow_draft_logout_tokens();
    /// assert!(provider.verify_logout_token(&token).await.is_ok());
    /// let other = op.token("alice").claim("jti", "1").sign();
    /// assert!(provider.verify_logout_token(&other).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn allow_draft_logout_tokens(mut self) -> Self {
        self.logout_tokens = self.logout_tokens.token_type("JWT").dangerous_without_expiry();
        self
    }

    /// The clock for tokens and sessions. By default that of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The provider's name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.id_tokens.name()
    }

    /// The client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn scope(&self) -> String {
        self.scopes.join(" ")
    }

    pub(crate) fn jwt(&self, issuer: &Issuer) -> Jwt {
        Jwt::new(issuer.clone()).clock(self.clock.clone())
    }

    /// Where the provider is asked. Fetched at the first use and kept.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        let kept = || self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metadata) = &*kept() {
            return Ok(metadata.clone());
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer().trim_end_matches('/'));
        let answer = HttpRequest::get(address).send(&*self.client).await?;
        if answer.status() != 200 {
            return Err(unavailable(format!("the provider's discovery document: status {}", answer.status())));
        }
        let metadata: Metadata = serde_json::from_slice(answer.body())
            .map_err(|cause| unavailable("the provider's discovery document is not complete").with_cause(cause))?;
        if metadata.issuer != self.issuer() {
            return Err(unavailable("the provider's discovery document is of another issuer"));
        }
        let scheme = if self.issuer().starts_with("https://") { "https://" } else { "http" };
        let is_sound = |at: &String| at.starts_with(scheme) && at.bytes().all(|byte| byte.is_ascii_graphic());
        let asked = [&metadata.authorization_endpoint, &metadata.token_endpoint];
        if !asked.into_iter().chain(&metadata.end_session_endpoint).all(is_sound) {
            return Err(unavailable("the provider's discovery document has an endpoint without HTTPS"));
        }
        let metadata = Arc::new(metadata);
        *kept() = Some(metadata.clone());
        Ok(metadata)
    }

    /// The principal and the claims of an ID token of this provider for this client.
    pub(crate) async fn verify_id_token(&self, token: &str) -> Result<(Principal, Claims), Error> {
        let credential = Credential::new(token, CredentialSource::bearer());
        let principal = self.jwt(&self.id_tokens).authenticate(&credential).await.map_err(of_provider)?;
        let claims = principal.token_claims().cloned().ok_or_else(|| failed("the ID token has no claims"))?;
        let azp = claims.get::<String>("azp").map_err(|_| failed("the ID token's `azp` is no text"))?;
        // OpenID Connect Core, section 3.1.3.7, 4 and 5.
        let fits = match azp {
            Some(azp) => azp == *self.client_id,
            None => claims.audience().len() == 1,
        };
        if !fits || claims.subject().is_none_or(|subject| subject.is_empty()) {
            return Err(failed("the ID token is for another client (`azp`), or has no `sub`"));
        }
        Ok((principal, claims))
    }
}

/// A token that is not valid is the provider's fault or an attack, and no credential of the caller.
pub(crate) fn of_provider(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Misconfigured => error,
        _ => failed("the token of the provider is not valid").with_cause(error),
    }
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({}, {})", self.issuer(), self.client_id)
    }
}
