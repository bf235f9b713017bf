use super::{
    answer::{self, Measure},
    inquiry::{Asks, Inquiry, Query},
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

/// Asks an issuer who somebody is, with their own token: `GET` with it as the bearer, as the UserInfo endpoint of OpenID
/// Connect Core 1.0 (section 5.3) is asked, and `/users/me` of many services.
///
/// What is answered is JSON, and its members are the claims: they are held against the issuer's rules and become a principal
/// by its [`ClaimMap`](crate::ClaimMap). So an answer without a subject is nobody, whatever its status. 401 and 403 refuse the
/// token; another status than 200 is an outage, 503, and nothing is kept of it.
///
/// What is verified before, what is refused unasked, what is remembered and what is left to other schemes is as with
/// [`Introspection`](crate::Introspection). Whoever is asked gets to see the token, so it has to be the one that it is meant
/// for. Most services do not answer for whom a token is. For opaque tokens, and for JWTs of an issuer without keys, that has
/// to be allowed: see [`dangerous_any_client`](Self::dangerous_any_client).
///
/// ```
/// # use portcullis_core::{Audience, ClaimMap, Error, HttpClient, Issuer, WhoAmI};
/// # fn verifier(client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
/// let issuer = Issuer::without_keys("https://id.example.com", Audience::absent())?
///     .claim_map(ClaimMap::new().subject("id")?.roles("role")?);
/// // The service has no other clients: whoever has one of its opaque tokens may use it here.
/// Ok(WhoAmI::new(issuer, "https://id.example.com/users/me", client)?.within("/data")?.dangerous_any_client())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WhoAmI(Inquiry<Shown>);

/// What is asked by showing the token.
#[derive(Clone)]
struct Shown {
    urls: Vec<String>,
    within: Option<ClaimPath>,
}

impl WhoAmI {
    /// Asks at this address about tokens of this issuer.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no HTTP address.
    pub fn new(issuer: Issuer, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let question = Shown { urls: vec![checked(url.into())?], within: None };
        Ok(Self(Inquiry::new(question, issuer, client)))
    }

    /// Asks at this address as well, after the others, and adds what it answers. If two answers have a member of the same name
    /// that differs, the token is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no HTTP address.
    pub fn and(self, url: impl Into<String>) -> Result<Self, Error> {
        let url = checked(url.into())?;
        Ok(Self(self.0.with(|question, _| question.urls.push(url))))
    }

    /// Where in each answer the claims are, by the [place](ClaimPath) of an object such as `data`; the whole answer unless
    /// said otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn within(self, path: impl AsRef<str>) -> Result<Self, Error> {
        let path = ClaimPath::new(path)?;
        Ok(Self(self.0.with(|question, _| question.within = Some(path))))
    }

    /// What its answers have to say of somebody, such as `Rules::new().if_present("status", ["active"])?`.
    ///
    /// The [rules of the issuer](Issuer::rules), its audience and its [age](Issuer::max_token_age) are for tokens: a JWT that
    /// is verified here is held against them, and the answer about it is not. Of a token that is not, the answer has to say
    /// all of it.
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self(self.0.with(|_, settings| settings.rules = rules))
    }

    /// Takes a JWT that was verified here as it is, unless it belongs to a [session](crate::ClaimMap::session), which may have
    /// ended. For an issuer with keys; opaque tokens are asked about as before.
    #[must_use]
    pub fn sessions_only(self) -> Self {
        Self(self.0.with(|_, settings| settings.sessions_only = true))
    }

    /// How long it is remembered who somebody is, and that a token was refused; ten seconds and two unless said otherwise.
    #[must_use]
    pub fn remember(self, known: Duration, refused: Duration) -> Self {
        Self(self.0.with(|_, settings| (settings.active_for, settings.inactive_for) = (known, refused)))
    }

    /// Accepts tokens of which the answers do not say for whom they are, as UserInfo endpoints never do. Then every client of
    /// the issuer can use its callers' tokens here. A JWT that says it is for somebody else is refused all the same, and one
    /// that was verified here needs this not.
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

impl Query for Shown {
    fn next(&self, token: &str, answers: &[HttpResponse]) -> Result<Option<HttpRequest>, Error> {
        match answers.last() {
            Some(answer) => answer::shown(answer)?,
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
        answer::told(answers, self.within.as_ref(), measure)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urls.iter().map(|url| without_query(url)).collect::<Vec<_>>().join(" and "))
    }
}
