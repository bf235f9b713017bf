//! Asking an issuer with the caller's own token.

use super::{
    answer::{self, Measure},
    issuer_client::{Asks, IssuerClient, Query},
    opaque::OpaqueTokens,
};
use crate::{
    claims::{ClaimPath, Claims, Rules},
    clock::{Clock, Time},
    credential::Credential,
    error::Error,
    http::{HttpClient, HttpRequest, HttpResponse, checked, without_query},
    jwt::Issuer,
    principal::Principal,
};
use std::{fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Asks an issuer who the caller is, with the caller's own token: `GET` with the token as the bearer. The UserInfo endpoint
/// of OpenID Connect Core 1.0 (section 5.3) is asked like this, and so is `/users/me` of many services.
///
/// The answer is JSON, and its members are the claims. They are checked against the issuer's rules and become a principal by
/// its [`ClaimMap`](crate::ClaimMap). So an answer without a subject is refused, even with status 200. 401 and 403 refuse the
/// token. Another status than 200 is an outage: the answer is 503, and nothing is kept.
///
/// What is verified first, what is refused without asking, what is remembered and what is left to other schemes is the same
/// as with [`Introspection`](crate::Introspection). The service that is asked sees the token, so it has to be the one that
/// the token is meant for. Most services do not name the audience of a token. For opaque tokens, and for JWTs of an issuer
/// without keys, that has to be allowed: see [`dangerous_any_client`](Self::dangerous_any_client).
///
/// Choose [`Introspection`](crate::Introspection) if the issuer has such an endpoint: its answers name the audience, and say what
/// kind of token it is. Clones share what they remember. A setter changes a copy that starts with an empty memory, so set
/// everything before you clone.
///
/// ```
/// use portcullis_core::{
///     Audience, ClaimMap, Credential, CredentialSource, ErrorKind, Issuer, WhoAmI,
/// };
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let is_alice = request.headers().any(|header| header == ("authorization", "Bearer alice-token"));
/// #         reply.give(Ok(match is_alice {
/// #             true => HttpResponse::new(200, r#"{"data":{"id":"alice","role":"editor"}}"#),
/// #             false => HttpResponse::new(401, ""),
/// #         }));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client;
/// let issuer = Issuer::without_keys("https://cms.example.com", Audience::absent())?
///     .claim_map(ClaimMap::new().subject("id")?.roles("role")?);
/// // The content system has no other clients, so all of its tokens may be used here.
/// let verifier = WhoAmI::new(issuer, "https://cms.example.com/users/me", client)?
///     .within("data")?
///     .dangerous_any_client();
///
/// let ask = async |token: &str| {
///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
/// };
/// assert_eq!(ask("alice-token").await?.id().subject(), "alice");
/// // the answer is 401
/// assert!(ask("other-token").await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WhoAmI(IssuerClient<BearerQuery>);

/// Asks with `GET`, with the token as the bearer.
#[derive(Clone)]
struct BearerQuery {
    urls: Vec<String>,
    within: Option<ClaimPath>,
}

impl WhoAmI {
    /// Asks at this address about tokens of this issuer.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn new(issuer: Issuer, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let query = BearerQuery { urls: vec![checked(url.into())?], within: None };
        Ok(Self(IssuerClient::new(query, issuer, client)))
    }

    /// Also asks at this address, after the others, and adds its answer. If two answers have a member of the same name with
    /// different values, the token is refused.
    ///
    /// ```
    /// # use portcullis_core::{Audience, ClaimMap, Credential, CredentialSource, Issuer, WhoAmI};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         reply.give(Ok(HttpResponse::new(200, match request.url() {
    /// #             "https://id.example.com/me" => r#"{"sub":"alice"}"#,
    /// #             "https://id.example.com/rights" => r#"{"is_admin":true}"#,
    /// #             _ => r#"{"sub":"bob"}"#,
    /// #         })));
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?;
    /// let issuer = issuer.claim_map(ClaimMap::new().staff("is_admin")?);
    /// // The issuer has no other clients, and its answers name none.
    /// let verifier =
    ///     WhoAmI::new(issuer, "https://id.example.com/me", Client)?.dangerous_any_client();
    /// let verifier = verifier.and("https://id.example.com/rights")?; // answers `{"is_admin":true}`
    /// let token = Credential::new("alice-token", CredentialSource::bearer());
    /// assert!(verifier.authenticate(&token).await?.is_staff());
    /// // another `sub`
    /// assert!(verifier.and("https://id.example.com/of-bob")?.authenticate(&token).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn and(self, url: impl Into<String>) -> Result<Self, Error> {
        let url = checked(url.into())?;
        Ok(Self(self.0.with(|query, _| query.urls.push(url))))
    }

    /// The [place](ClaimPath) of the claims in each answer, an object such as `data`. The whole answer by default.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, Issuer, WhoAmI};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?;
    /// const ALICE: &str = r#"{"result":{"user":{"sub":"alice"}}}"#;
    /// // The issuer has no other clients, and its answers name none.
    /// let verifier =
    ///     WhoAmI::new(issuer, "https://id.example.com/me", Says(ALICE))?.dangerous_any_client();
    /// let token = Credential::new("alice-token", CredentialSource::bearer());
    /// assert!(verifier.clone().within("/result/user")?.authenticate(&token).await.is_ok());
    /// // there is no subject at the top
    /// assert!(verifier.clone().authenticate(&token).await.is_err());
    /// assert!(verifier.within("/result//~").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn within(self, path: impl AsRef<str>) -> Result<Self, Error> {
        let path = ClaimPath::new(path)?;
        Ok(Self(self.0.with(|query, _| query.within = Some(path))))
    }

    /// What the answers have to say about the caller, such as `Rules::new().if_present("status", ["active"])?`.
    ///
    /// The [rules of the issuer](Issuer::rules), its audience and its [age](Issuer::max_token_age) are for tokens. If a JWT
    /// is verified here, they apply to the JWT and not to the answer. For any other token, they apply to the answer, unless
    /// the token is a JWT that meets them itself.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, Issuer, Rules, WhoAmI};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?;
    /// let verifier = |answer| {
    ///     // The issuer has no other clients, and its answers name none.
    ///     let verifier = WhoAmI::new(issuer.clone(), "https://id.example.com/me", Says(answer))?
    ///         .dangerous_any_client();
    ///     Ok::<_, portcullis_core::Error>(
    ///         verifier.rules(Rules::new().if_present("status", ["active"])?),
    ///     )
    /// };
    /// let token = Credential::new("alice-token", CredentialSource::bearer());
    /// assert!(verifier(r#"{"sub":"alice","status":"active"}"#)?.authenticate(&token).await.is_ok());
    /// assert!(
    ///     verifier(r#"{"sub":"alice","status":"suspended"}"#)?.authenticate(&token).await.is_err()
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self(self.0.with(|_, settings| settings.rules = rules))
    }

    /// Of the JWTs that were verified here, only asks about those of a [session](crate::ClaimMap::session), which may have
    /// ended, and about all of them where a route requires a [`fresh`](crate::policy::fresh) identity. For an issuer with
    /// keys. Opaque tokens are still asked about.
    ///
    /// ```
    /// use portcullis_core::{ClaimMap, Credential, CredentialSource, WhoAmI, testing::TestIssuer};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct SignedOut;
    /// # impl HttpClient for SignedOut {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(401, ""))); }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = SignedOut;
    /// let tester = TestIssuer::new();
    /// let issuer = tester.issuer().claim_map(ClaimMap::new().session("sid")?);
    /// let verifier = WhoAmI::new(issuer, "https://issuer.test/userinfo", client)?
    ///     .sessions_only()
    ///     .clock(tester.clock());
    /// let ask = async |token: String| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    ///
    /// // The issuer refuses every token. It is asked about the second one only.
    /// assert!(ask(tester.token("backup").sign()).await.is_ok());
    /// assert!(ask(tester.token("alice").claim("sid", "s1").sign()).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn sessions_only(self) -> Self {
        Self(self.0.with(|_, settings| settings.sessions_only = true))
    }

    /// How long known callers and refused tokens are remembered. Ten seconds and two by default.
    ///
    /// So a user who is suspended may be accepted for ten seconds more. [`Duration::ZERO`] asks for each request. A route that
    /// requires a [`fresh`](crate::policy::fresh) identity has its own limit.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, Issuer, WhoAmI, testing::FixedClock};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # use std::time::Duration;
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?;
    /// // The issuer has no other clients, and its answers name none.
    /// let verifier = WhoAmI::new(issuer, "https://id.example.com/me", Says(r#"{"sub":"alice"}"#))?
    ///     .dangerous_any_client()
    ///     .remember(Duration::from_secs(60), Duration::from_secs(5))
    ///     .max_memory_bytes(8 << 20)
    ///     .clock(FixedClock::at(1_767_268_800));
    /// assert!(
    ///     verifier
    ///         .authenticate(&Credential::new("alice-token", CredentialSource::bearer()))
    ///         .await
    ///         .is_ok()
    /// );
    /// assert!(
    ///     verifier
    ///         .authenticate(&Credential::new("two words", CredentialSource::bearer()))
    ///         .await
    ///         .is_err()
    /// ); // not asked
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn remember(self, known: Duration, refused: Duration) -> Self {
        Self(self.0.with(|_, settings| (settings.active_for, settings.inactive_for) = (known, refused)))
    }

    /// Accepts answers that do not name the audience of the token, as those of UserInfo endpoints never do. Then every client
    /// of the issuer can use its callers' tokens here. A JWT that names another audience is still refused. JWTs that are
    /// verified here do not need this.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, Issuer, WhoAmI};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// # #[derive(Debug)] struct Says(&'static str);
    /// # impl HttpClient for Says {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, self.0))); }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// // This service is the only client of its issuer. Otherwise the tokens of any other client
    /// // would be accepted as well.
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let token = Credential::new("alice-token", CredentialSource::bearer());
    /// let strict = WhoAmI::new(issuer, "https://id.example.com/me", Says(r#"{"sub":"alice"}"#))?;
    /// assert!(strict.authenticate(&token).await.is_err());
    /// assert!(strict.dangerous_any_client().authenticate(&token).await.is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_any_client(self) -> Self {
        Self(self.0.with(|_, settings| settings.any_client = true))
    }

    /// Which opaque credentials are asked about, by what they look like. All of them by default. Any other credential is
    /// [`Unrecognized`](crate::ErrorKind::Unrecognized): the issuer is not asked, and the next scheme may take it.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, ErrorKind, Issuer, OpaqueTokens, WhoAmI};
    /// # use portcullis_core::testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = TestIssuer::new();
    /// // Only the JWTs of the issuer, and not the static tokens of its users.
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?;
    /// let verifier = WhoAmI::new(issuer, "https://id.example.com/me", client)?
    ///     .opaque_tokens(OpaqueTokens::none());
    /// let asked =
    ///     verifier.authenticate(&Credential::new("static-token", CredentialSource::bearer())).await;
    /// assert!(asked.is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
    /// # Ok(()) }
    /// ```
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

impl Query for BearerQuery {
    fn next(&self, token: &str, answers: &[HttpResponse]) -> Result<Option<HttpRequest>, Error> {
        match answers.last() {
            Some(answer) => answer::check_accepted(answer)?,
            None if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err(Error::invalid("the token has characters that no credential has"));
            }
            None => {}
        }
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let request = |url| HttpRequest::get(url).with_header("accept", "application/json");
        Ok(self.urls.get(answers.len()).map(|url| request(url).with_header("authorization", bearer.as_str())))
    }

    fn answers(&self) -> usize {
        self.urls.len()
    }

    fn claims(&self, answers: &[HttpResponse], measure: &Measure<'_>) -> Result<Claims, Error> {
        answer::read_claims(answers, self.within.as_ref(), measure)
    }
}

impl fmt::Debug for BearerQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urls.iter().map(|url| without_query(url)).collect::<Vec<_>>().join(" and "))
    }
}
