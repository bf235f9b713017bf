//! Tokens that only their issuer can tell about.

mod answer;
mod recent;

use crate::{
    answer::Answer,
    authenticator::Authenticator,
    clock::{Clock, SystemClock, seconds},
    credential::Credential,
    error::{Error, ErrorKind},
    http::{HttpClient, HttpRequest, HttpResponse, Reply, checked},
    jwt::{Issuer, Jwt, unverified_issuer},
    principal::Principal,
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use recent::{Answering, Key, Outcome, Recent, fingerprint};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// Longer than anything is remembered.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Longer tokens are refused unasked.
const MAX_BYTES: usize = 8 * 1024;

/// Asks an issuer about its tokens (RFC 7662): about those that are opaque, and about those that it may have withdrawn.
///
/// An issuer [without keys](Issuer::without_keys) is asked about every token. One with keys verifies a JWT here first, so
/// that it hears of no forged ones; and with [`unless_session`](Self::unless_session) it is asked only where that could
/// change anything. A JWT of another issuer is left to the next authenticator, and is shown to nobody.
///
/// An opaque credential says nothing of its issuer. So of the authenticators of a gate, this one comes last, after those that
/// know theirs: what they do not recognize is asked about.
///
/// The answer has to say `"active": true`, and what it says else is held against the issuer's rules like the claims of a
/// token: `aud`, claims that are required, times. It has to name a `token_type` that is one of access tokens, since some
/// issuers call a refresh token active too. An answer is kept for some seconds, never past `exp`; one request is under way
/// for a token at a time, however many wait for it. Where the issuer cannot be asked, the answer is 503, and nothing is kept.
///
/// ```
/// # use portcullis_core::{Audience, ClaimMap, Error, HttpClient, Introspection, Issuer};
/// # fn authenticator(client: impl HttpClient + 'static) -> Result<Introspection, Error> {
/// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?
///     .claim_map(ClaimMap::new().scopes("scope"));
/// Ok(Introspection::new(issuer, "https://id.example.com/introspect", client)?.client("orders", "its-secret"))
/// # }
/// ```
#[derive(Clone)]
pub struct Introspection(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// For an issuer with keys.
    verifier: Option<Jwt>,
    recent: Mutex<Recent>,
}

#[derive(Clone)]
struct Settings {
    issuer: Issuer,
    url: String,
    client: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    authorization: Option<Arc<Secret>>,
    session: Option<String>,
    any_token_type: bool,
    active_for: Duration,
    inactive_for: Duration,
}

impl Introspection {
    /// Asks at this address about tokens of this issuer.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is no HTTP address.
    pub fn new(issuer: Issuer, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Ok(Self::start(Settings {
            issuer,
            url: checked(url.into())?,
            client: Arc::new(client),
            clock: Arc::new(SystemClock),
            authorization: None,
            session: None,
            any_token_type: false,
            active_for: Duration::from_secs(10),
            inactive_for: Duration::from_secs(2),
        }))
    }

    fn start(settings: Settings) -> Self {
        let verifier =
            settings.issuer.has_keys().then(|| Jwt::new(settings.issuer.clone()).clock(settings.clock.clone()));
        Self(Arc::new(Inner { settings, verifier, recent: Mutex::default() }))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.settings.clone();
        change(&mut settings);
        Self::start(settings)
    }

    /// Who asks, by `client_secret_basic` (RFC 6749, section 2.3.1).
    #[must_use]
    pub fn client(self, id: &str, secret: &str) -> Self {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret)));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        self.with(|settings| settings.authorization = Some(Arc::new(Secret::new(value.as_bytes()))))
    }

    /// Who asks, by a bearer token of the service's own.
    #[must_use]
    pub fn client_token(self, token: &str) -> Self {
        let value = Zeroizing::new(format!("Bearer {token}"));
        self.with(|settings| settings.authorization = Some(Arc::new(Secret::new(value.as_bytes()))))
    }

    /// Takes a JWT that was verified here as it is, unless it has this claim: the session that it belongs to and that may
    /// have ended. For an issuer with keys; opaque tokens are asked about as before.
    #[must_use]
    pub fn unless_session(self, claim: impl Into<String>) -> Self {
        self.with(|settings| settings.session = Some(claim.into()))
    }

    /// How long it is remembered that a token is active, and that it is not; ten seconds and two unless said otherwise.
    #[must_use]
    pub fn remember(self, active: Duration, inactive: Duration) -> Self {
        self.with(|settings| (settings.active_for, settings.inactive_for) = (active, inactive))
    }

    /// Accepts tokens whatever their `token_type` is, for issuers that name none. With some, refresh tokens pass then.
    #[must_use]
    pub fn dangerous_any_token_type(self) -> Self {
        self.with(|settings| settings.any_token_type = true)
    }

    /// Tells the time by another clock than the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// What is known of a token, or what to wait for. Nobody is asked before somebody waits.
    fn ask(&self, token: &str) -> Answer<'static, Outcome> {
        if token.len() > MAX_BYTES {
            return Answer::now(Err(Error::invalid(format!("the token has more than {MAX_BYTES} bytes"))));
        }
        let key = fingerprint(token);
        if let Some(outcome) = self.recent().settled(key, self.0.settings.clock.now()) {
            return Answer::now(outcome);
        }
        let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
        Answer::later(async move {
            let answering = this.join(key, &token)?;
            let gone = |_| Err(Error::new(ErrorKind::Unavailable, "nobody asked the issuer to the end"));
            answering.await.unwrap_or_else(gone)
        })
    }

    /// Joins those who wait for the answer about a token, or asks.
    fn join(&self, key: Key, token: &str) -> Result<Answering, Error> {
        let settings = &self.0.settings;
        let Some((answering, begun)) = self.recent().join(key) else {
            return Err(Error::new(ErrorKind::Unavailable, "too many tokens are being asked about"));
        };
        // Not under the lock: a client may answer at once.
        if let Some(begun) = begun {
            let fields = [("token", token), ("token_type_hint", "access_token")];
            let request = HttpRequest::post_form(&settings.url, &fields).with_header("accept", "application/json");
            let request = match settings.authorization.as_deref().map(|secret| str::from_utf8(secret.expose())) {
                Some(Ok(authorization)) => request.with_header("authorization", authorization),
                _ => request,
            };
            let this = self.clone();
            let then = move |answer| {
                let outcome = this.outcome(answer);
                let now = this.0.settings.clock.now();
                this.recent().settle(key, &outcome, this.keep_until(&outcome, now).map(|until| (now, until)));
                // Nobody may be waiting any more.
                let _ = begun.send(outcome);
            };
            settings.client.send(request, Reply::new(then));
        }
        Ok(answering)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a JWT that was verified here is to be asked about as well.
    fn asks_about(&self, principal: &Principal) -> bool {
        let has = |claim: &String| principal.token_claims().is_some_and(|claims| claims.at(claim).is_some());
        self.0.settings.session.as_ref().is_none_or(has)
    }
}

impl Authenticator for Introspection {
    fn authenticate<'a>(&'a self, credential: &'a Credential<'_>) -> Answer<'a, Result<Principal, Error>> {
        let token = credential.expose();
        let Some(issuer) = unverified_issuer(token) else { return self.ask(token) };
        let ours = &self.0.settings.issuer;
        if issuer.is_some_and(|issuer| !ours.is_called(&issuer)) {
            let detail = format!("the token is not of `{}`", ours.name);
            return Answer::now(Err(Error::new(ErrorKind::Unrecognized, detail)));
        }
        let Some(verifier) = &self.0.verifier else { return self.ask(token) };
        match verifier.authenticate(credential).ready() {
            Ok(Ok(principal)) if self.asks_about(&principal) => {
                self.ask(token).map(move |answered| Ok(answered?.ends_with(&principal)))
            }
            Ok(outcome) => Answer::now(outcome),
            Err(later) => Answer::later(async move {
                let principal = later.await?;
                match self.asks_about(&principal) {
                    true => Ok(self.ask(token).await?.ends_with(&principal)),
                    false => Ok(principal),
                }
            }),
        }
    }
}

impl Introspection {
    /// Until when an answer is remembered, if at all.
    fn keep_until(&self, outcome: &Outcome, now: SystemTime) -> Option<SystemTime> {
        let settings = &self.0.settings;
        let (time, ends) = match outcome {
            Ok(principal) => (settings.active_for, settings.issuer.ends(principal)),
            // What could not be found out is asked again.
            Err(error) if error.status() >= 500 => return None,
            Err(_) => (settings.inactive_for, None),
        };
        let until = now.checked_add(time.min(FAR))?;
        Some(ends.map_or(until, |ends| ends.min(until)))
    }

    fn outcome(&self, answer: Result<HttpResponse, Error>) -> Outcome {
        let settings = &self.0.settings;
        // Whatever the client says of itself, the token is not at fault.
        let answer = answer.map_err(|error| match error.status() {
            500.. => error,
            _ => Error::new(ErrorKind::Unavailable, "the issuer was not asked").with_cause(error),
        });
        let outcome = answer.and_then(|answer| {
            let now = seconds(settings.clock.now());
            let claims = answer::claims(&answer, &settings.issuer, settings.any_token_type, now)?;
            settings.issuer.map.principal(&claims, settings.issuer.name.clone())
        });
        outcome.map_err(|error| error.with_issuer(settings.issuer.name.clone()))
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("issuer", &self.0.settings.issuer.name)
            .field("url", &self.0.settings.url)
            .finish_non_exhaustive()
    }
}
