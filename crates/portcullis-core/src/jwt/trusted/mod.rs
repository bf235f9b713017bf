//! Issuers that are known at run time.
//!
//! [`TrustedIssuers`] reads the `iss` of a token, asks whether that issuer is trusted, and gives the token to the verifier of that
//! issuer: a [`Jwt`] like any other, made when it is first needed. `settings.rs` says whom to trust, and `name.rs` what a name looks
//! like that anybody is asked about. `found.rs` remembers what was found, and `budget.rs` limits requests.

mod budget;
mod found;
mod lookup;
mod name;
mod settings;

pub use lookup::IssuerLookup;

use super::{
    Algorithm, Audience, Issuer, Jwt, RemoteKeys,
    shape::{self, Compact, claims, is_token},
};
use crate::{
    answer::Answer,
    clock::Time,
    credential::Credential,
    error::{Error, ErrorKind, quote},
    http::{HttpClient, within},
    json::Value,
    principal::Principal,
    sync::{Mutex, MutexGuard},
};
use budget::Budget;
use found::{Found, Memory, period};
use futures_util::FutureExt;
use settings::Settings;
use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// Stands for any issuer where settings are tried. No server has this name (RFC 6761, section 6.4).
const SAMPLE: &str = "https://issuer.invalid";

/// How long a failed look-up counts: the next one should not follow at once.
const FAILED_FOR: Duration = Duration::from_secs(1);

/// Verifies signed tokens of issuers that are known at run time only, such as those of tenants who bring their own.
///
/// An issuer is trusted if it is on the [list](Self::trust), or if a [look-up](Self::trust_with) says so. Only then its keys are
/// fetched, as [`RemoteKeys::discover`] does, and its tokens are verified as a [`Jwt`] of this one issuer does. Nothing is asked of
/// any other issuer. Its tokens are left to the next scheme.
///
/// # What `iss` may be
/// It chooses a server that this service connects to, so it is read strictly, before anybody is asked about it: `https`, a host name
/// in lower case with a dot in it, a path without encoded characters, and at most 256 bytes. No port, user, query or fragment, and
/// no IP address. A token that is too long is refused before it is read.
///
/// The name may still lead into the service's own network. So the client has to
/// [connect to public addresses only](HttpClient::is_public_only), after looking names up. That of `portcullis-reqwest` does with
/// `public_addresses_only()`. It follows no redirects.
///
/// # Bounds
/// | what | default | set by |
/// |---|---|---|
/// | how long a look-up that said yes counts | 60 seconds | [`remember_for`](Self::remember_for) |
/// | how long a look-up that said no counts | 10 seconds | [`remember_for`](Self::remember_for) |
/// | how long a look-up that failed counts | a second | – |
/// | how long a look-up may take | the [time limit](HttpClient::time_limit) of the client | – |
/// | trusted issuers with keys in memory, beside those on the list | 100 | [`max_issuers`](Self::max_issuers) |
/// | requests to all issuers in a minute | 60 | [`fetches_per_minute`](Self::fetches_per_minute) |
/// | refused issuers that are remembered | 10,000 | – |
/// | look-ups of new issuers at a time | 256 | – |
///
/// Unknown issuers take no place from trusted ones. If there are too many look-ups or requests, the answer is 503.
///
/// [`Gate::ready`](crate::Gate::ready) waits for none of these issuers: whether a tenant's issuer is down decides nothing about the
/// service.
///
/// Clones share what is remembered. A setter changes a copy that starts with an empty memory, so set everything before you clone.
///
/// ```
/// use portcullis_core::{Algorithm, Audience, Gate, Scheme, TrustedIssuers};
/// # use portcullis_core::{Credential, CredentialSource, ErrorKind, testing::TestIssuer};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let tester = TestIssuer::new().named("https://a.example.com").for_audience("orders").on_system_time();
/// # let other = TestIssuer::new().named("https://c.example.com").for_audience("orders").on_system_time();
/// # let client = tester.clone();
/// let issuers =
///     TrustedIssuers::new(Audience::is("orders"), [Algorithm::Es256, Algorithm::Rs256], client)?
///         .trust(["https://a.example.com", "https://b.example.com"])?
///         .settings(|issuer| Ok(issuer.max_token_bytes(4096)))?;
/// let gate = Gate::builder().scheme(Scheme::new(issuers).bearer()).build()?;
/// # let by = |token| Credential::new(token, CredentialSource::bearer());
///
/// let alice = gate.authenticate(by(tester.token("alice").sign())).await;
/// assert_eq!(alice.principal()?.issuer(), Some("https://a.example.com"));
/// let refused = gate.authenticate(by(other.token("alice").sign())).await;
/// assert!(refused.principal().is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TrustedIssuers(Arc<Inner>);

struct Inner {
    settings: Settings,
    client: Arc<Budget>,
    memory: Mutex<Memory>,
}

impl TrustedIssuers {
    /// Trusts nobody yet. Each issuer gets this audience and these algorithms.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the client may [connect to other than public addresses](HttpClient::is_public_only), and
    /// as [`Issuer::new`].
    pub fn new(
        audience: Audience,
        algorithms: impl IntoIterator<Item = Algorithm>,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        if !client.is_public_only() {
            return Err(Error::misconfigured(
                "issuers known at run time choose what is connected to, and this HTTP client may connect to private addresses; \
                 that of portcullis-reqwest does not with `public_addresses_only()`",
            ));
        }
        Self::dangerous_any_address(audience, algorithms, client)
    }

    /// The same with a client that also connects to private addresses, for issuers inside of the service's own network.
    ///
    /// An issuer then decides which server of that network is asked, by the address of its keys. Trust only issuers that may.
    ///
    /// ```
    /// use portcullis_core::{Algorithm, Audience, HttpClient, HttpRequest, Reply, TrustedIssuers};
    ///
    /// #[derive(Debug)]
    /// struct Inside;
    ///
    /// impl HttpClient for Inside {
    ///     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #       let _ = (request, reply);
    ///         // …
    ///     }
    /// }
    ///
    /// let algorithms = [Algorithm::Es256];
    /// assert!(TrustedIssuers::new(Audience::is("orders"), algorithms, Inside).is_err());
    /// let issuers =
    ///     TrustedIssuers::dangerous_any_address(Audience::is("orders"), algorithms, Inside);
    /// assert!(issuers.and_then(|issuers| issuers.trust(["https://id.internal:8443"])).is_ok());
    /// ```
    ///
    /// # Errors
    /// As [`Issuer::new`].
    pub fn dangerous_any_address(
        audience: Audience,
        algorithms: impl IntoIterator<Item = Algorithm>,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        let settings = Settings {
            audience,
            algorithms: algorithms.into_iter().collect(),
            client: Arc::new(client),
            listed: HashSet::new(),
            lookup: None,
            predicate: None,
            shape: Arc::new(Ok),
            max_bytes: 0,
            max_issuers: 100,
            fetches_per_minute: 60,
            trusted_for: Duration::from_secs(60),
            refused_for: Duration::from_secs(10),
            time: Time::default(),
        };
        Self::start(settings).tried()
    }

    fn start(settings: Settings) -> Self {
        let client = Budget::new(settings.client.clone(), settings.fetches_per_minute, settings.time.clone());
        Self(Arc::new(Inner { settings, client: Arc::new(client), memory: Mutex::default() }))
    }

    /// A copy that remembers nothing: what was found is valid for the settings that it was found with.
    fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.settings.clone();
        change(&mut settings);
        Self::start(settings)
    }

    /// Checks the settings of issuers with a sample, so that a mistake shows at start.
    fn tried(self) -> Result<Self, Error> {
        let (sample, _) = self.issuer(&SAMPLE.into())?;
        Ok(self.with(|settings| settings.max_bytes = sample.max_bytes))
    }

    pub(crate) fn time(&self) -> &Time {
        &self.0.settings.time
    }

    pub(crate) fn in_gate(&self, time: &Time) -> Self {
        if self.time().is_same(time) { self.clone() } else { self.with(|settings| settings.time = time.clone()) }
    }

    /// Returns the principal of a token. Waits for a look-up and for keys if necessary. For writing an
    /// [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is not a JWT or its issuer is not trusted, [`ErrorKind::Unavailable`] if the look-up
    /// failed or keys are not available, and otherwise as [`Jwt::verify`].
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.ask(credential).await
    }

    pub(crate) fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        self.ask_by(credential.expose(), |jwt, token| match jwt.verify_now(token, super::KeyState::default()) {
            Ok(verified) => Answer::now(Ok(verified.principal)),
            Err(answer) => answer,
        })
    }

    /// Has the verifier of the token's issuer answer, if the issuer is trusted now.
    pub(crate) fn ask_by(
        &self,
        token: &str,
        verify: impl FnOnce(&Jwt, &str) -> Answer<'static, Result<Principal, Error>> + Send + 'static,
    ) -> Answer<'static, Result<Principal, Error>> {
        match self.verifier_of(token).ready() {
            Ok(Ok(jwt)) => verify(&jwt, token),
            Ok(Err(error)) => Answer::now(Err(error)),
            Err(later) => {
                let token = Zeroizing::new(token.to_owned());
                later.then(move |found| found.map_or_else(|error| Answer::now(Err(error)), |jwt| verify(&jwt, &token)))
            }
        }
    }

    /// The verifier of the issuer that a token names.
    fn verifier_of(&self, token: &str) -> Answer<'static, Result<Jwt, Error>> {
        let name = match self.name_in(token) {
            Ok(name) => name,
            Err(error) => return Answer::now(Err(error)),
        };
        let settings = &self.0.settings;
        let is_named =
            settings.listed.contains(&name) || settings.predicate.as_ref().is_some_and(|accepts| accepts(&name));
        let (now, mut memory) = (settings.time.now(), self.memory());
        if is_named || memory.is_approved(&name, now) {
            let known = memory.verifier(&name);
            drop(memory);
            return Answer::now(known.map_or_else(|| self.find(&name), Ok));
        }
        let Some(lookup) = settings.lookup.clone() else { return Answer::now(Err(untrusted(&name))) };
        if let Some(error) = memory.refusal(&name, now) {
            return Answer::now(Err(error));
        }
        if let Some(end) = memory.lookup(&name) {
            return Answer::later(end);
        }
        if !memory.may_look_up(&name) {
            let error = Error::new(ErrorKind::Unavailable, "too many issuers are being looked up");
            return Answer::now(Err(error.with_retry_after(FAILED_FOR)));
        }
        let (this, asked) = (self.clone(), name.clone());
        let end = async move {
            let client = &*this.0.settings.client;
            let answer = within(client, client.time_limit(), lookup.is_trusted(asked.clone())).await;
            let late =
                || Err(Error::new(ErrorKind::Unavailable, "the look-up did not return in the time of a request"));
            this.settle(&asked, answer.unwrap_or_else(late), now)
        };
        let end = end.boxed().shared();
        memory.started(&name, &end);
        Answer::later(end)
    }

    /// The `iss` of a token, if anybody may be asked about it. Nothing of the token is verified.
    fn name_in(&self, token: &str) -> Result<Arc<str>, Error> {
        let settings = &self.0.settings;
        if token.len() > settings.max_bytes {
            return Err(if is_token(token) { shape::too_long(settings.max_bytes) } else { shape::opaque() });
        }
        let compact = Compact::split(token)?;
        compact.read_header()?;
        let claims = claims(compact.claims)?;
        let name = claims.member("iss").and_then(Value::as_str).unwrap_or_default();
        match settings.listed.get(&*name) {
            Some(listed) => Ok(listed.clone()),
            None if name::is_plain(&name) => Ok(name.into()),
            None => Err(untrusted(&name)),
        }
    }

    /// Remembers what a look-up said, and from when.
    fn settle(&self, name: &Arc<str>, answer: Result<bool, Error>, start: SystemTime) -> Result<Jwt, Error> {
        let settings = &self.0.settings;
        let outcome = match answer {
            Ok(true) => self.find(name),
            Ok(false) => Err(untrusted(name)),
            Err(error) => {
                let detail = format!("whether the issuer `{name}` is trusted could not be looked up");
                Err(Error::new(ErrorKind::Unavailable, detail).with_cause(error).with_retry_after(FAILED_FOR))
            }
        };
        let mut memory = self.memory();
        match &outcome {
            Ok(_) => memory.approve(name, period(start, settings.trusted_for)),
            Err(error) if error.kind() == ErrorKind::Unrecognized => {
                memory.forget(name);
                memory.refuse(name, error.clone(), period(start, settings.refused_for));
            }
            Err(error) => memory.refuse(name, error.clone(), period(settings.time.now(), FAILED_FOR)),
        }
        memory.ended(name);
        outcome
    }

    /// The verifier of an issuer that is trusted, made if it is new. Nothing is fetched before it gets a token.
    fn find(&self, name: &Arc<str>) -> Result<Jwt, Error> {
        if let Some(jwt) = self.memory().verifier(name) {
            return Ok(jwt);
        }
        // Not under the lock: the settings are a function of the caller.
        let (issuer, keys) = self.issuer(name)?;
        let jwt = Jwt::new(issuer).by(self.time().clone());
        let never = SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH;
        let mut memory = self.memory();
        let found = Found { jwt: jwt.clone(), keys, approved: never, used: 0 };
        memory.add(name, found, &self.0.settings.listed, self.0.settings.max_issuers);
        Ok(memory.verifier(name).unwrap_or(jwt))
    }

    /// An issuer with its settings, and its keys.
    fn issuer(&self, name: &Arc<str>) -> Result<(Issuer, RemoteKeys), Error> {
        let settings = &self.0.settings;
        let keys = RemoteKeys::discover(&**name, self.0.client.clone())?;
        let bare = Issuer::new(name.clone(), settings.audience.clone(), settings.algorithms.clone(), keys.clone())?;
        let issuer = (settings.shape)(bare)?;
        if issuer.has_any_name() || !issuer.is_called(name) {
            let detail =
                "an issuer known at run time accepts its own name only; leave `unnamed` and `dangerous_any_name` out";
            return Err(Error::misconfigured(detail));
        }
        Ok((issuer, keys))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn untrusted(name: &str) -> Error {
    Error::new(ErrorKind::Unrecognized, format!("the token's issuer {} is not trusted", quote(name)))
}

impl fmt::Debug for TrustedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
        f.debug_struct("TrustedIssuers")
            .field("listed", &settings.listed)
            .field("lookup", &settings.lookup)
            .field("found", &self.memory().len())
            .finish_non_exhaustive()
    }
}
