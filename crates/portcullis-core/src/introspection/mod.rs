//! Tokens that their issuer is asked about.

mod answer;
mod inquiry;
mod memory;
mod opaque;
mod pause;
mod places;
mod recent;
mod who_am_i;

pub use opaque::OpaqueTokens;
pub use who_am_i::WhoAmI;

use crate::{
    claims::{Claims, Rules},
    clock::{Clock, Time},
    credential::{Carriers, Credential, CredentialSource},
    error::Error,
    http::{HttpClient, HttpRequest, HttpResponse, checked, without_query},
    jwt::Issuer,
    principal::Principal,
    secret::Secret,
};
use answer::Measure;
use base64::{Engine, engine::general_purpose::STANDARD};
pub(crate) use inquiry::Asks;
use inquiry::{Inquiry, Query};
use std::{fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Asks an issuer about its tokens (RFC 7662): about those that are opaque, and about those that it may have withdrawn.
///
/// An issuer with keys verifies a JWT here first, so that it hears of no forged ones; and with
/// [`sessions_only`](Self::sessions_only) it is asked only where that could change anything. An issuer
/// [without keys](Issuer::without_keys) is asked about every token but those that say themselves that they are not to be
/// accepted: what a JWT says against itself (`aud`, `exp`, `nbf`, `typ`, the issuer's rules) is believed without a signature.
/// A JWT of another issuer is left to the next scheme. It is shown to nobody, and neither is one that is encrypted or
/// that is not read here.
///
/// An opaque credential says nothing of its issuer. So of the schemes that read a source, the one of this comes last, after
/// those that know their own credentials: what they do not recognize is asked about. Another order is an error where the gate
/// is built, unless [`opaque_tokens`](Self::opaque_tokens) says what the tokens look like.
///
/// The answer has to say `"active": true`, and what it says else is held against the issuer's rules like the claims of a
/// token: `aud`, claims that are required, times. It has to say that the token gives access (`token_type` or `token_use`),
/// since some issuers call a refresh token active too, and for whom it is, unless that is known of a JWT that was verified
/// here. An answer is kept for some seconds, never past `exp`; one request is under way for a token at a time, however many
/// wait for it. Where the issuer cannot be asked, the answer is 503, and nothing is kept.
///
/// ```
/// # use portcullis_core::{Audience, ClaimMap, Error, HttpClient, Introspection, Issuer};
/// # fn verifier(client: impl HttpClient + 'static) -> Result<Introspection, Error> {
/// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?
///     .claim_map(ClaimMap::new().scopes("scope")?);
/// Ok(Introspection::new(issuer, "https://id.example.com/introspect", client)?.client("orders", "its-secret"))
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Introspection(Inquiry<Rfc7662>);

/// What is asked with `POST` and the token in a form.
#[derive(Clone)]
struct Rfc7662 {
    url: String,
    authorization: Option<Arc<Secret>>,
    may_lack_type: bool,
}

impl Introspection {
    /// Asks at this address about tokens of this issuer.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no HTTP address.
    pub fn new(issuer: Issuer, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let question = Rfc7662 { url: checked(url.into())?, authorization: None, may_lack_type: false };
        Ok(Self(Inquiry::new(question, issuer, client)))
    }

    /// Who asks, by `client_secret_basic` (RFC 6749, section 2.3.1).
    #[must_use]
    pub fn client(self, id: &str, secret: &str) -> Self {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret)));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        self.authorized(&value)
    }

    /// Who asks, by a bearer token of the service's own.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it has characters that no bearer token has (RFC 6750,
    /// section 2.1), such as the line break of the file it was read from.
    pub fn client_token(self, token: &str) -> Result<Self, Error> {
        if !CredentialSource::bearer().carries(Carriers::of(token.as_bytes())) {
            let detail = "the client's token is no bearer token; trim what was read from a file";
            return Err(Error::misconfigured(detail));
        }
        Ok(self.authorized(&Zeroizing::new(format!("Bearer {token}"))))
    }

    fn authorized(self, value: &str) -> Self {
        Self(self.0.with(|question, _| question.authorization = Some(Arc::new(Secret::new(value.as_bytes())))))
    }

    /// Takes a JWT that was verified here as it is, unless it belongs to a [session](crate::ClaimMap::session), which may have
    /// ended. For an issuer with keys; opaque tokens are asked about as before.
    #[must_use]
    pub fn sessions_only(self) -> Self {
        Self(self.0.with(|_, settings| settings.sessions_only = true))
    }

    /// What its answers have to say beside what the token has to.
    ///
    /// The [rules of the issuer](Issuer::rules), its audience and its [age](Issuer::max_token_age) are for tokens: a JWT that
    /// is verified here is held against them, and the answer about it is not. Of a token that is not, the answer has to say
    /// all of it.
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self(self.0.with(|_, settings| settings.rules = rules))
    }

    /// How long it is remembered that a token is active, and that it is not; ten seconds and two unless said otherwise.
    #[must_use]
    pub fn remember(self, active: Duration, inactive: Duration) -> Self {
        Self(self.0.with(|_, settings| (settings.active_for, settings.inactive_for) = (active, inactive)))
    }

    /// Accepts tokens of which the answer has no `token_type`, as RFC 7662 allows. One that is there has to be one of access
    /// tokens all the same. With an issuer that leaves it out of refresh tokens, those pass.
    #[must_use]
    pub fn allow_missing_token_type(self) -> Self {
        Self(self.0.with(|question, _| question.may_lack_type = true))
    }

    /// Accepts tokens of which the answer does not say for whom they are. Then every client of the issuer can use its callers'
    /// tokens here. A JWT that says it is for somebody else is refused all the same, and so is what the answer says is.
    #[must_use]
    pub fn dangerous_any_client(self) -> Self {
        Self(self.0.with(|_, settings| settings.any_client = true))
    }

    /// Which opaque credentials are asked about, by how they look; all of them by default. Another one is
    /// [`Unrecognized`](crate::ErrorKind::Unrecognized): nobody is asked, and it is left to the next scheme.
    #[must_use]
    pub fn opaque_tokens(self, opaque: OpaqueTokens) -> Self {
        Self(self.0.with(|_, settings| settings.opaque = opaque))
    }

    /// How many bytes what is remembered may take; 64 MiB by default. An eighth of it is for refusals, and no more than 10,000 of
    /// either are remembered.
    #[must_use]
    pub fn max_memory_bytes(self, bytes: usize) -> Self {
        Self(self.0.with(|_, settings| settings.memory_bytes = bytes))
    }

    /// Tells the time by another clock than the system's, where this is used without a gate. In a gate, the
    /// [clock of the gate](crate::GateBuilder::clock) counts.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self(self.0.with(|_, settings| settings.time = Time::by(clock)))
    }

    /// The principal of a token. For an [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized) if the token is of another issuer,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if this issuer did not answer, and
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) or [`ErrorKind::Expired`](crate::ErrorKind::Expired) if the token is
    /// not valid.
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.ask_about(credential).await
    }

    pub(crate) fn asks(self) -> Arc<dyn Asks> {
        Arc::new(self.0)
    }
}

impl Query for Rfc7662 {
    fn next(&self, token: &str, answers: &[HttpResponse]) -> Result<Option<HttpRequest>, Error> {
        if !answers.is_empty() {
            return Ok(None);
        }
        let fields = [("token", token), ("token_type_hint", "access_token")];
        let request = HttpRequest::post_form(&self.url, &fields).with_header("accept", "application/json");
        Ok(Some(match self.authorization.as_deref().map(|secret| str::from_utf8(secret.expose())) {
            Some(Ok(authorization)) => request.with_header("authorization", authorization),
            _ => request,
        }))
    }

    fn answers(&self) -> usize {
        1
    }

    fn claims(&self, answers: &[HttpResponse], measure: &Measure<'_>) -> Result<Claims, Error> {
        answer::introspected(answers, measure, self.may_lack_type)
    }
}

impl fmt::Debug for Rfc7662 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(without_query(&self.url))
    }
}
