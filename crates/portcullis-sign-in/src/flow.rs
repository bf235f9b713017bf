//! A flow: from the authorization request to the verified ID token.

use crate::{
    fault::{failed, refused},
    provider::{Provider, encoded},
    seal::random_text,
    token_endpoint::{Grant, Tokens},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{Claims, Error, Principal};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// How far the provider's clock may differ where its time of a sign-in is compared.
const SKEW: Duration = Duration::from_secs(60);

/// A flow that a browser has begun: state, nonce and PKCE verifier. Keep it where only this browser has it, until the callback.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    pub(crate) state: String,
    nonce: String,
    verifier: String,
    redirect_uri: String,
    begun_at: SystemTime,
    max_age: Option<Duration>,
}

/// Who signed in, by a verified ID token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Identity {
    /// The principal, by the provider's claim map.
    pub principal: Principal,
    /// The claims of the ID token.
    pub claims: Claims,
    pub(crate) tokens: Tokens,
}

impl Identity {
    /// The access token, for requests to APIs of the provider.
    #[must_use]
    pub fn access_token(&self) -> Option<&str> {
        self.tokens.access.as_deref().map(String::as_str)
    }

    /// When the tokens end: the access token, or the ID token if the provider does not say.
    #[must_use]
    pub fn tokens_end_at(&self) -> Option<SystemTime> {
        self.tokens.end_at.or(self.claims.expires_at())
    }
}

impl Provider {
    /// Begins a flow: the address to redirect the browser to, and what the callback is compared with.
    ///
    /// State and nonce are random, and PKCE is S256 (RFC 7636).
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
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let provider = Provider::new("https://id.example.com", "shop", Published)?;
    /// let (address, flow) = provider.begin("https://shop.example.com/callback").await?;
    /// assert!(address.starts_with("https://id.example.com/auth?response_type=code&client_id=shop"));
    /// // A callback of another flow.
    /// assert!(provider.finish(&flow, "code=1&state=2").await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](portcullis_core::ErrorKind::Unavailable) if the provider does not say where it is asked.
    pub async fn begin(&self, redirect_uri: &str) -> Result<(String, Flow), Error> {
        let metadata = self.metadata().await?;
        let flow = Flow {
            state: random_text::<24>()?,
            nonce: random_text::<24>()?,
            verifier: random_text::<32>()?,
            redirect_uri: redirect_uri.to_owned(),
            begun_at: self.clock.now(),
            max_age: self.max_age,
        };
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, flow.verifier.as_bytes()));
        let scope = self.scope();
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", self.client_id()),
            ("redirect_uri", redirect_uri),
            ("scope", &scope),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let max_age = self.max_age.map(|max_age| max_age.as_secs().to_string());
        query.extend(max_age.as_deref().map(|max_age| ("max_age", max_age)));
        let acr_values = self.acr_values.join(" ");
        query.extend(Some(("acr_values", &*acr_values)).filter(|(_, values)| !values.is_empty()));
        query.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let address = with_query(&metadata.authorization_endpoint, &encoded(&query));
        Ok((address, flow))
    }

    /// Ends a flow with the query of its callback: redeems the code and verifies the ID token.
    ///
    /// The state has to be that of the flow, and `iss` that of the provider (RFC 9207). The ID token has to be signed by the
    /// provider, for this client (`aud`, `azp`), and with the nonce of the flow (OpenID Connect Core, section 3.1.3.7). A flow
    /// with a [`max_age`](Self::max_age) needs an `auth_time` that is as recent.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](portcullis_core::ErrorKind::Rejected) with the code `sign_in_failed`, or `access_denied` if the
    /// user refuses. [`ErrorKind::Unavailable`](portcullis_core::ErrorKind::Unavailable) if the provider does not answer.
    pub async fn finish(&self, flow: &Flow, query: &str) -> Result<Identity, Error> {
        let callback = Callback::read(query)?;
        let state = callback.state.as_deref().unwrap_or_default();
        verify_slices_are_equal(state.as_bytes(), flow.state.as_bytes()).map_err(|_| failed("another `state`"))?;
        let metadata = self.metadata().await?;
        match callback.issuer.as_deref() {
            Some(issuer) if issuer == self.issuer() => {}
            None if !metadata.authorization_response_iss_parameter_supported => {}
            Some(_) => return Err(failed("`iss` names another provider")),
            None => return Err(failed("the provider always names itself by `iss`, and did not")),
        }
        match callback.error.as_deref() {
            Some("access_denied") => return Err(refused("access_denied", "the user or the provider refuses")),
            Some(error) => {
                return Err(failed(format!("the provider answers `{}`", error.chars().take(80).collect::<String>())));
            }
            None => {}
        }
        let code = callback.code.as_deref().ok_or_else(|| failed("no `code`"))?;
        let grant = Grant::Code { code, verifier: &flow.verifier, redirect_uri: &flow.redirect_uri };
        let tokens = self.redeem(grant).await?;
        let id_token = tokens.id.as_deref().ok_or_else(|| failed("the provider gave no ID token"))?;
        let (principal, claims) = self.verify_id_token(id_token).await?;
        let nonce = claims.get::<String>("nonce").ok().flatten().unwrap_or_default();
        verify_slices_are_equal(nonce.as_bytes(), flow.nonce.as_bytes())
            .map_err(|_| failed("the ID token has another `nonce`"))?;
        if let Some(max_age) = flow.max_age {
            self.verify_auth_time(&principal, flow.begun_at, max_age)?;
        }
        Ok(Identity { principal, claims, tokens })
    }
}

impl Provider {
    /// The provider was asked after the flow began, so the sign-in was as recent then.
    fn verify_auth_time(&self, who: &Principal, begun_at: SystemTime, max_age: Duration) -> Result<(), Error> {
        let at = who
            .authenticated_at()
            .ok_or_else(|| failed("the ID token has no `auth_time`, which `max_age` requires"))?;
        let is_recent =
            begun_at.duration_since(at).is_ok_and(|age| age <= max_age.saturating_add(SKEW)) || at >= begun_at;
        let is_past = at.duration_since(self.clock.now()).unwrap_or_default() <= SKEW;
        if is_recent && is_past {
            Ok(())
        } else {
            Err(failed("the sign-in at the provider is too old, or in the future"))
        }
    }
}

/// The parameters of a callback. A parameter that is there twice is refused (RFC 6749, section 3.1).
#[derive(Default)]
struct Callback<'q> {
    state: Option<Cow<'q, str>>,
    code: Option<Cow<'q, str>>,
    issuer: Option<Cow<'q, str>>,
    error: Option<Cow<'q, str>>,
}

impl<'q> Callback<'q> {
    fn read(query: &'q str) -> Result<Self, Error> {
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut callback.state,
                "code" => &mut callback.code,
                "iss" => &mut callback.issuer,
                "error" => &mut callback.error,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(failed(format!("`{name}` is there twice")));
            }
        }
        Ok(callback)
    }
}

/// The state in a query, which names the cookie of its flow.
pub(crate) fn state_of(query: &str) -> Result<String, Error> {
    let state = Callback::read(query)?.state.map(Cow::into_owned);
    state.filter(|state| !state.is_empty()).ok_or_else(|| failed("no `state`"))
}

pub(crate) fn with_query(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}

/// A token that is not shown.
pub(crate) type Token = Zeroizing<String>;

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flow(..)")
    }
}
