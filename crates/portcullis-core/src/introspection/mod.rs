//! Tokens that the issuer is asked about.
//!
//! [`Introspection`] and [`WhoAmI`] differ in what they send and in how they read an answer (`answer.rs`). All the rest is in
//! `issuer_client.rs`: what is verified or refused before, who waits for whom, and what is remembered (`memory.rs`). Limits keep
//! made-up tokens from reaching the issuer in numbers, and from delaying valid ones (`pause.rs`, `valid_tokens.rs`).

mod answer;
mod issuer_client;
mod memory;
mod opaque;
mod pause;
mod recent_answers;
mod valid_tokens;
mod who_am_i;

pub use opaque::OpaqueTokens;
pub use who_am_i::WhoAmI;

use crate::{
    claims::{Claims, Rules},
    clock::{Clock, Time},
    credential::{Carriers, Credential, CredentialSource},
    error::Error,
    http::{HttpClient, HttpRequest, HttpResponse, basic, checked, without_query},
    jwt::Issuer,
    principal::Principal,
    secret::Secret,
};
use answer::Measure;
pub(crate) use answer::{bad_answer, object, status_of};
pub(crate) use issuer_client::Asks;
use issuer_client::{IssuerClient, Query};
use std::{fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Asks an issuer about its tokens (RFC 7662): about opaque tokens, and about tokens that the issuer may have withdrawn.
///
/// If the issuer has keys, a JWT is verified here first, so the issuer is not asked about forged ones. With
/// [`sessions_only`](Self::sessions_only) it is asked only where the answer may differ. An issuer
/// [without keys](Issuer::without_keys) is asked about every token, except a JWT whose own claims rule it out (`aud`, `exp`,
/// `nbf`, `typ`, the issuer's rules): no signature is needed to refuse it. A JWT of another issuer is left to the next scheme.
/// This verifier never sends such a token, and neither one that is encrypted or cannot be read here.
///
/// An opaque credential does not show its issuer. So among the schemes that read a source, the scheme of this verifier comes
/// last, after those that recognize their own credentials. It asks about everything that they do not recognize. Another order
/// is an error when the gate is built, unless [`opaque_tokens`](Self::opaque_tokens) says what the tokens look like.
///
/// The answer has to say `"active": true`. Everything else it says is checked against the issuer's rules like the claims of a
/// token: `aud`, required claims, times. It has to say that the token gives access (`token_type` or `token_use`), since some
/// issuers call a refresh token active too. It has to name the audience, unless the token is a JWT that meets the issuer's
/// rules itself. An answer is kept for some seconds, never past `exp`. There is one request at a time for a token, however
/// many callers wait for it. If the issuer cannot be asked, the answer is 503, and nothing is kept.
///
/// A token of the type `DPoP` (RFC 9449, section 6.2) is accepted only in a gate that asks for the proof: see
/// [`Scheme::dpop`](crate::Scheme::dpop). The answer has to name its key in `cnf.jkt`.
///
/// Clones share what they remember. A setter changes a copy that starts with an empty memory, so set everything before you clone.
///
/// ```
/// use portcullis_core::{
///     Audience, ClaimMap, Credential, CredentialSource, ErrorKind, Introspection, Issuer,
/// };
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         reply.give(Ok(HttpResponse::new(200, match request.body().contains("token=ory_at_alice&") {
/// #             true => r#"{"active":true,"token_type":"Bearer","sub":"alice","aud":"orders","scope":"orders:read"}"#,
/// #             false => r#"{"active":false}"#,
/// #         })));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client;
/// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?
///     .claim_map(ClaimMap::new().scopes("scope")?);
/// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", client)?
///     .client("orders", "its-secret");
///
/// // A gate does this for each request: `Scheme::new(verifier).bearer()`.
/// let ask = async |token: &str| {
///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
/// };
/// assert_eq!(ask("ory_at_alice").await?.scopes(), ["orders:read"]);
/// // it is not active
/// assert!(ask("ory_at_mallory").await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Introspection(IssuerClient<Rfc7662>);

/// Asks with `POST` and the token in a form.
#[derive(Clone)]
struct Rfc7662 {
    url: String,
    client: Option<Arc<ClientAuthentication>>,
    may_lack_type: bool,
}

/// How this service says who it is.
enum ClientAuthentication {
    Header(Secret),
    Form { id: String, secret: Secret },
}

impl Introspection {
    /// Asks at this address about tokens of this issuer.
    ///
    /// The endpoint is the `introspection_endpoint` of the issuer's metadata (RFC 8414). Most issuers answer only to clients that
    /// authenticate: see [`client`](Self::client) and [`client_token`](Self::client_token).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn new(issuer: Issuer, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let query = Rfc7662 { url: checked(url.into())?, client: None, may_lack_type: false };
        Ok(Self(IssuerClient::new(query, issuer, client)))
    }

    /// Authenticates this service to the issuer by `client_secret_basic` (RFC 6749, section 2.3.1). Replaces a
    /// [token](Self::client_token). By default the service does not authenticate.
    #[must_use]
    pub fn client(self, id: &str, secret: &str) -> Self {
        let value = basic(id, secret);
        self.by(ClientAuthentication::Header(Secret::new(value.as_bytes())))
    }

    /// The same by `client_secret_post`: id and secret are in the form. For issuers that do not read HTTP Basic, or that do not
    /// decode the secret in it.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, HttpClient, HttpRequest, HttpResponse};
    /// # use portcullis_core::{Introspection, Issuer, Reply};
    /// /// Some issuers compare the secret as it is in the header, and not what it encodes.
    /// #[derive(Debug, Clone)]
    /// struct Endpoint;
    ///
    /// impl HttpClient for Endpoint {
    ///     fn send(&self, request: HttpRequest, reply: Reply) {
    ///         let alice = r#"{"active":true,"token_type":"Bearer","sub":"alice","aud":"orders"}"#;
    ///         reply.give(Ok(match request.body().contains("client_secret=a%2Fb") {
    ///             true => HttpResponse::new(200, alice),
    ///             false => HttpResponse::new(401, r#"{"error":"invalid_client"}"#),
    ///         }));
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", Endpoint)?;
    /// let token = Credential::new("ory_at_alice", CredentialSource::bearer());
    /// let (header, form) =
    ///     (verifier.clone().client("orders", "a/b"), verifier.client_in_body("orders", "a/b"));
    /// assert!(header.authenticate(&token).await.is_err_and(|error| error.status() == 503));
    /// assert!(form.authenticate(&token).await.is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn client_in_body(self, id: &str, secret: &str) -> Self {
        self.by(ClientAuthentication::Form { id: id.to_owned(), secret: Secret::new(secret.as_bytes()) })
    }

    /// Authenticates this service to the issuer by a bearer token of its own.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Introspection, Issuer, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = TestIssuer::new();
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", client)?;
    /// assert!(verifier.clone().client_token("pat_5b0e").is_ok());
    /// assert!(verifier.client_token("pat_5b0e\n").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the token has characters that no bearer token has
    /// (RFC 6750, section 2.1), such as the line break of the file it was read from.
    pub fn client_token(self, token: &str) -> Result<Self, Error> {
        if !CredentialSource::bearer().carries(Carriers::of(token.as_bytes())) {
            let detail = "the client's token is no bearer token; trim what was read from a file";
            return Err(Error::misconfigured(detail));
        }
        let value = Zeroizing::new(format!("Bearer {token}"));
        Ok(self.by(ClientAuthentication::Header(Secret::new(value.as_bytes()))))
    }

    fn by(self, client: ClientAuthentication) -> Self {
        Self(self.0.with(|query, _| query.client = Some(Arc::new(client))))
    }

    /// Of the JWTs that were verified here, only asks about those of a [session](crate::ClaimMap::session), which may have
    /// ended, and about all of them where a route requires a [`fresh`](crate::policy::fresh) identity. For an issuer with
    /// keys. Opaque tokens are still asked about.
    ///
    /// ```
    /// use portcullis_core::{
    ///     ClaimMap, Credential, CredentialSource, Introspection, testing::TestIssuer,
    /// };
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct SignedOut;
    /// # impl HttpClient for SignedOut {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, r#"{"active":false}"#))); }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = SignedOut;
    /// let tester = TestIssuer::new();
    /// let issuer = tester.issuer().claim_map(ClaimMap::new().session("sid")?);
    /// let verifier = Introspection::new(issuer, "https://issuer.test/introspect", client)?
    ///     .sessions_only()
    ///     .clock(tester.clock());
    /// let ask = async |token: String| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    ///
    /// // The issuer says of every token that it is not active. It is asked about the second one
    /// // only.
    /// assert!(ask(tester.token("backup").sign()).await.is_ok());
    /// assert!(ask(tester.token("alice").claim("sid", "s1").sign()).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn sessions_only(self) -> Self {
        Self(self.0.with(|_, settings| settings.sessions_only = true))
    }

    /// What the answers have to say, in addition to what the token has to say.
    ///
    /// The [rules of the issuer](Issuer::rules), its audience and its [age](Issuer::max_token_age) are for tokens. If a JWT
    /// is verified here, they apply to the JWT and not to the answer. For any other token, they apply to the answer, unless
    /// the token is a JWT that meets them itself.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, HttpClient, HttpRequest, HttpResponse};
    /// # use portcullis_core::{Introspection, Issuer, Reply, Rules};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// const ALICE: &str =
    ///     r#"{"active":true,"token_type":"Bearer","sub":"alice","aud":"orders","tenant":"acme"}"#;
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", Says(ALICE))?;
    /// let token = Credential::new("ory_at_alice", CredentialSource::bearer());
    /// let (acme, other) =
    ///     (Rules::new().require("tenant", "acme")?, Rules::new().require("tenant", "other")?);
    /// assert!(verifier.clone().rules(acme).authenticate(&token).await.is_ok());
    /// assert!(verifier.rules(other).authenticate(&token).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self(self.0.with(|_, settings| settings.rules = rules))
    }

    /// How long active and inactive tokens are remembered. Ten seconds and two by default.
    ///
    /// So a token that is withdrawn may be accepted for ten seconds more. [`Duration::ZERO`] asks for each request. Requests that
    /// come while the issuer is asked about the same token share the answer. A route that requires a
    /// [`fresh`](crate::policy::fresh) identity has its own limit.
    ///
    /// ```
    /// use portcullis_core::{
    ///     Audience, Credential, CredentialSource, Introspection, Issuer, testing::FixedClock,
    /// };
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # use std::sync::{Arc, atomic::{AtomicBool, Ordering::Relaxed}};
    /// use std::time::Duration;
    /// # #[derive(Debug)] struct Client(Arc<AtomicBool>);
    /// # impl HttpClient for Client {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) {
    /// #         let active = self.0.load(Relaxed);
    /// #         let body = format!(r#"{{"active":{active},"token_type":"Bearer","sub":"alice","aud":"orders"}}"#);
    /// #         reply.give(Ok(HttpResponse::new(200, body)));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let is_active = Arc::new(AtomicBool::new(true));
    /// # let (client, clock) = (Client(is_active.clone()), FixedClock::at(1_767_268_800));
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", client)?
    ///     .remember(Duration::from_secs(30), Duration::from_secs(5))
    ///     .max_memory_bytes(8 << 20)
    ///     .clock(clock.clone());
    /// let token = Credential::new("ory_at_alice", CredentialSource::bearer());
    /// assert!(verifier.authenticate(&token).await.is_ok());
    ///
    /// # is_active.store(false, Relaxed);
    /// // The token is withdrawn, and the issuer is asked again after the thirty seconds.
    /// assert!(verifier.authenticate(&token).await.is_ok());
    /// clock.advance(Duration::from_secs(30));
    /// assert!(verifier.authenticate(&token).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn remember(self, active: Duration, inactive: Duration) -> Self {
        Self(self.0.with(|_, settings| (settings.active_for, settings.inactive_for) = (active, inactive)))
    }

    /// Accepts answers without `token_type`, as RFC 7662 allows. If it is present, it still has to be that of an access
    /// token. If the issuer leaves it out for refresh tokens, those are accepted too.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, HttpClient, HttpRequest, HttpResponse};
    /// # use portcullis_core::{Introspection, Issuer, Reply};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// const ALICE: &str = r#"{"active":true,"sub":"alice","aud":"orders"}"#;
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", Says(ALICE))?;
    /// let token = Credential::new("ory_at_alice", CredentialSource::bearer());
    /// assert!(verifier.authenticate(&token).await.is_err());
    /// assert!(verifier.allow_missing_token_type().authenticate(&token).await.is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn allow_missing_token_type(self) -> Self {
        Self(self.0.with(|query, _| query.may_lack_type = true))
    }

    /// Accepts answers that do not name the audience of the token. Then every client of the issuer can use its callers'
    /// tokens here. A JWT that names another audience is still refused, and so is an answer that does.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, HttpClient, HttpRequest, HttpResponse};
    /// # use portcullis_core::{Introspection, Issuer, Reply};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// // The issuer belongs to this service and has no other clients, so it names no audience.
    /// const ALICE: &str = r#"{"active":true,"token_type":"Bearer","sub":"alice"}"#;
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", Says(ALICE))?;
    /// let token = Credential::new("ory_at_alice", CredentialSource::bearer());
    /// assert!(verifier.authenticate(&token).await.is_err());
    /// assert!(verifier.dangerous_any_client().authenticate(&token).await.is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_any_client(self) -> Self {
        Self(self.0.with(|_, settings| settings.any_client = true))
    }

    /// Which opaque credentials are asked about, by what they look like. All of them by default. Any other credential is
    /// [`Unrecognized`](crate::ErrorKind::Unrecognized): the issuer is not asked, and the next scheme may take it.
    #[must_use]
    pub fn opaque_tokens(self, opaque: OpaqueTokens) -> Self {
        Self(self.0.with(|_, settings| settings.opaque = opaque))
    }

    /// How many bytes the remembered outcomes may take. 64 MiB by default. An eighth of it is for refusals. At most 10,000
    /// accepted and 10,000 refused tokens are remembered.
    #[must_use]
    pub fn max_memory_bytes(self, bytes: usize) -> Self {
        Self(self.0.with(|_, settings| settings.memory_bytes = bytes))
    }

    /// Uses another clock than the system's, if there is no gate. In a gate, the
    /// [clock of the gate](crate::GateBuilder::clock) counts.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self(self.0.with(|_, settings| settings.time = Time::by(clock)))
    }

    /// Returns the principal of a token. For writing an [`Authenticator`](crate::Authenticator) around this one.
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
        let mut fields = vec![("token", token), ("token_type_hint", "access_token")];
        if let Some(ClientAuthentication::Form { id, secret }) = self.client.as_deref() {
            fields.extend([("client_id", id.as_str()), ("client_secret", secret.text())]);
        }
        let request = HttpRequest::post_form(&self.url, &fields).with_header("accept", "application/json");
        Ok(Some(match self.client.as_deref() {
            Some(ClientAuthentication::Header(value)) => request.with_header("authorization", value.text()),
            _ => request,
        }))
    }

    fn answers(&self) -> usize {
        1
    }

    fn claims(&self, answers: &[HttpResponse], measure: &Measure<'_>) -> Result<Claims, Error> {
        answer::read_introspection(answers, measure, self.may_lack_type)
    }
}

impl fmt::Debug for Rfc7662 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(without_query(&self.url))
    }
}
