//! The keys of an issuer, fetched from it and kept up to date.
//!
//! `snapshot.rs` has the keys as they were fetched last, which requests read without a lock. `schedule.rs` decides when the issuer
//! is asked, `fetch.rs` asks it, and `answer.rs` reads what it answers. `host.rs` refuses addresses in a discovery document that
//! lead to this machine.

mod answer;
mod builder;
mod fetch;
mod host;
mod schedule;
mod snapshot;

pub use builder::RemoteKeysBuilder;
pub(super) use schedule::NeededKey;
pub(super) use snapshot::Generation;
use snapshot::Keys;

use crate::{
    clock::{SharedTime, Time},
    error::{Error, ErrorKind},
    http::{HttpClient, within, without_query},
    sync::{Cell, Mutex, MutexGuard},
    telemetry::{self, Upstream},
};
use fetch::KeyFetch;
use futures_channel::oneshot::Receiver;
use futures_util::future::Shared;
use schedule::{FetchSchedule, JoinedFetch};
use snapshot::{Age, Snapshot};
use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

/// The keys of an issuer, fetched from it and kept up to date. Clones share them.
///
/// Verification takes no lock, and does not wait while there are valid keys. Keys are fetched:
/// - when the first token comes, or before with [`ready`](Self::ready);
/// - again some time before they expire, while tokens are verified with the present ones;
/// - when a token names an unknown key, at most once in five seconds. So made-up names cannot be used to flood the issuer,
///   and a new key is known soon.
///
/// What a token says is never part of a request.
///
/// A set of more than 1 MiB is a bad answer. Of the usable keys, the first 1,000 are read. The log says how many are not.
///
/// There is one request at a time, however many callers wait for it, and it continues when they leave. A bad answer replaces
/// nothing. While the issuer is down, expired keys are used for [`max_stale`](RemoteKeysBuilder::max_stale). Without usable
/// keys, the answer is 503, never 401. After failures there are pauses, which grow from one second to a minute.
///
/// ```
/// use portcullis_core::{Algorithm, Audience, Issuer, Jwt, RemoteKeys, testing::TestIssuer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// // In a service, the client is that of `portcullis-reqwest`. This one answers with what the
/// // issuer publishes.
/// let tester =
///     TestIssuer::new().named("https://id.example.com").for_audience("orders").on_system_time();
/// let name = "https://id.example.com";
/// let keys = RemoteKeys::discover(name, tester.clone())?;
/// let issuer = Issuer::new(name, Audience::is("orders"), [Algorithm::Es256], keys.clone())?;
/// // its access tokens say this in `typ`, its ID tokens do not
/// let verifier = Jwt::new(issuer.token_type("at+jwt"));
///
/// keys.ready().await?; // at start, so that no request has to wait
/// assert!(verifier.verify(&tester.token("alice").header("typ", "at+jwt").sign()).is_ok());
/// assert!(verifier.verify(&tester.token("alice").sign()).is_err());
/// // The keys of one issuer are not used for another.
/// assert!(
///     Issuer::new(
///         "https://other.example.com",
///         Audience::is("orders"),
///         [Algorithm::Es256],
///         keys
///     )
///     .is_err()
/// );
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    settings: Settings,
    time: SharedTime,
    snapshot: Cell<Snapshot>,
    schedule: Mutex<FetchSchedule>,
}

#[derive(Debug, Clone)]
struct Settings {
    address: KeyAddress,
    client: Arc<dyn HttpClient>,
    floor: Duration,
    ceiling: Duration,
    max_stale: Duration,
}

/// Where the keys are.
#[derive(Debug, Clone)]
enum KeyAddress {
    At(String),
    /// At the address in a document of this issuer.
    Discovered {
        issuer: String,
        document: String,
    },
}

impl RemoteKeys {
    /// The JWK set at this address (RFC 7517, section 5).
    ///
    /// For an issuer that has no discovery document, or whose document you do not want to depend on.
    ///
    /// ```
    /// # use portcullis_core::{RemoteKeys, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let keys = RemoteKeys::jwks("https://issuer.test/jwks", TestIssuer::new())?;
    /// keys.ready().await?;
    /// let wrong = RemoteKeys::jwks("https://issuer.test/", TestIssuer::new())?;
    /// assert!(wrong.ready().await.is_err()); // 404
    /// assert!(RemoteKeys::jwks("issuer.test/jwks", TestIssuer::new()).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if `url` is no HTTP address.
    pub fn jwks(url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Self::builder().jwks(url, client)
    }

    /// The JWK set that an issuer's discovery document names (OpenID Connect Discovery 1.0). The document has to be that of
    /// this issuer, byte for byte.
    ///
    /// The document is at `/.well-known/openid-configuration` below the issuer's name. It is asked for once, and again after a
    /// failure. If the name is HTTPS, so has to be the address of the keys.
    ///
    /// ```
    /// # use portcullis_core::{RemoteKeys, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let keys = RemoteKeys::discover("https://issuer.test", TestIssuer::new())?;
    /// keys.ready().await?;
    /// let other = RemoteKeys::discover("https://issuer.test/", TestIssuer::new())?;
    /// assert!(other.ready().await.is_err()); // the document names `https://issuer.test`
    /// assert!(RemoteKeys::discover("https://issuer.test?tenant=1", TestIssuer::new()).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the issuer's name is no HTTP address.
    pub fn discover(issuer: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Self::builder().discover(issuer, client)
    }

    /// The JWK set that the metadata of an authorization server name (RFC 8414), for one that is no OpenID provider. The metadata
    /// have to be those of this issuer, byte for byte.
    ///
    /// They are at `/.well-known/oauth-authorization-server`, between the host and the path of the issuer's name (section 3.1).
    ///
    /// ```
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply, RemoteKeys};
    /// /// For tests: the metadata of `https://id.example.com/shop`.
    /// #[derive(Debug)]
    /// struct Server;
    ///
    /// impl HttpClient for Server {
    ///     fn send(&self, request: HttpRequest, reply: Reply) {
    ///         reply.give(Ok(match request.url() {
    ///             "https://id.example.com/.well-known/oauth-authorization-server/shop" => {
    ///                 HttpResponse::new(200, METADATA)
    ///             }
    ///             "https://id.example.com/shop/jwks" => HttpResponse::new(200, KEYS),
    ///             _ => HttpResponse::new(404, ""),
    ///         }));
    ///     }
    /// }
    /// const METADATA: &str = r#"{"issuer":"https://id.example.com/shop",
    ///     "jwks_uri":"https://id.example.com/shop/jwks"}"#;
    /// # const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let server = RemoteKeys::discover_oauth("https://id.example.com/shop", Server)?;
    /// server.ready().await?;
    /// let other = RemoteKeys::discover_oauth("https://id.example.com", Server)?;
    /// assert!(other.ready().await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the issuer's name is no HTTP address.
    pub fn discover_oauth(issuer: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Self::builder().discover_oauth(issuer, client)
    }

    /// Keys with other settings than the [defaults](RemoteKeysBuilder).
    pub fn builder() -> RemoteKeysBuilder {
        RemoteKeysBuilder::default()
    }

    /// Makes the keys use this clock. False if they use another one.
    pub(super) fn settle(&self, time: &Time) -> bool {
        self.0.time.settle(time)
    }

    /// The current keys, which are public. For [`import`](RemoteKeysBuilder::import) by a process that starts without the
    /// issuer.
    ///
    /// ```
    /// # use portcullis_core::{Error, HttpClient, HttpRequest, Reply, RemoteKeys, testing::TestIssuer};
    /// # #[derive(Debug)] struct Down;
    /// # impl HttpClient for Down { fn send(&self, _: HttpRequest, reply: Reply) { drop(reply); } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let url = "https://issuer.test/jwks";
    /// let keys = RemoteKeys::jwks(url, TestIssuer::new())?;
    /// assert!(keys.export().is_none());
    /// keys.ready().await?;
    /// // into a file, for example
    /// let Some(export) = keys.export() else { panic!("the keys are there") };
    ///
    /// // The next process starts while the issuer is down.
    /// assert!(RemoteKeys::jwks(url, Down)?.ready().await.is_err());
    /// RemoteKeys::builder().import(&export)?.jwks(url, Down)?.ready().await?;
    /// assert!(RemoteKeys::builder().import("{}").is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn export(&self) -> Option<String> {
        self.0.snapshot.load().as_ref().map(|snapshot| snapshot.export())
    }

    /// Whether keys have come.
    pub(super) fn are_there(&self) -> bool {
        self.0.snapshot.load().is_some()
    }

    /// Waits until there are keys to verify with.
    ///
    /// [`Gate::ready`](crate::Gate::ready) calls it for every issuer of a gate. A service that starts without it verifies its first
    /// tokens a little later.
    ///
    /// ```
    /// # use portcullis_core::{ErrorKind, HttpClient, HttpRequest, Reply, RemoteKeys, testing::TestIssuer};
    /// # #[derive(Debug)] struct Down;
    /// # impl HttpClient for Down { fn send(&self, _: HttpRequest, reply: Reply) { drop(reply); } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// RemoteKeys::discover("https://issuer.test", TestIssuer::new())?.ready().await?;
    /// let down = RemoteKeys::discover("https://issuer.test", Down)?.ready().await;
    /// assert!(down.is_err_and(|error| error.kind() == ErrorKind::Unavailable));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the issuer did not answer, or answered without keys.
    pub async fn ready(&self) -> Result<(), Error> {
        match self.look() {
            Look::Ready(_) => Ok(()),
            Look::Expired(_, end) => self.at_hand(end.briefly().wait().await).map(drop),
            Look::Wait(end) => self.at_hand(end.wait().await).map(drop),
            Look::Nothing(error) => Err(error),
        }
    }

    /// Checks that discovered keys belong to the issuer of this name.
    pub(super) fn check_name(&self, name: &str) -> Result<(), Error> {
        match &self.0.settings.address {
            KeyAddress::Discovered { issuer, .. } if issuer != name => {
                Err(Error::misconfigured(format!("issuer `{name}`: its keys are those of `{issuer}`")))
            }
            _ => Ok(()),
        }
    }

    /// The keys to verify with, or the fetch to wait for. Starts a fetch if it is time for one.
    pub(super) fn look(&self) -> Look {
        let now = self.0.time.now();
        loop {
            let keys = Keys(self.0.snapshot.load());
            let age = keys.age(now, self.0.settings.max_stale);
            if age == Some(Age::Fresh) {
                return Look::Ready(keys);
            }
            let (joined, is_failing) = {
                let mut schedule = self.schedule_at(now);
                // One that is not under way any more may have left its keys since.
                if !schedule.is_fetching() && !keys.are(&self.0.snapshot.load()) {
                    continue;
                }
                let limit = self.limit(&schedule);
                (schedule.join(now, limit), schedule.is_failing(now))
            };
            let end = joined.map(|joined| self.end_of(joined, now));
            return match (age, end) {
                (Some(Age::Due), _) => Look::Ready(keys),
                // The issuer is down, so waiting is of no use.
                (Some(Age::Stale), _) if is_failing => Look::Ready(keys),
                (Some(Age::Stale), Ok(end)) if end.briefly.is_zero() => Look::Ready(keys),
                (Some(Age::Stale), Ok(end)) => Look::Expired(keys, end),
                (_, Ok(end)) => Look::Wait(end),
                _ => Look::Nothing(self.unavailable(now)),
            };
        }
    }

    /// The keys as they are, for callers that cannot wait, or not again. Keys that came while the caller waited are accepted,
    /// however long they took and however short their lifetime is.
    pub(super) fn at_hand(&self, waited: bool) -> Result<Keys, Error> {
        let (now, keys) = (self.0.time.now(), Keys(self.0.snapshot.load()));
        let came = waited && self.schedule().failure.is_none();
        match keys.age(now, self.0.settings.max_stale) {
            Some(_) if came => Ok(keys),
            Some(Age::Fresh | Age::Due | Age::Stale) => Ok(keys),
            Some(Age::TooOld) | None => Err(self.unavailable(now)),
        }
    }

    /// The error for missing keys, with the cause and the time until the next attempt, if known.
    fn unavailable(&self, now: SystemTime) -> Error {
        let error = Error::new(ErrorKind::Unavailable, "the issuer's keys are not available");
        let schedule = self.schedule();
        let error = match schedule.failure.clone() {
            Some(failure) => error.with_cause(failure),
            None => error,
        };
        match schedule.pause(now) {
            Some(pause) => error.with_retry_after(pause),
            None => error,
        }
    }

    /// Newer keys than these, for a token that is not valid with them. `None`: there are none, or it is not the time to
    /// fetch.
    pub(super) fn look_beside(&self, keys: &Keys, needed: NeededKey, may_wait: bool) -> Option<Look> {
        let now = self.0.time.now();
        // All of it under one lock: a fetch that has ended has stored its keys, and other callers that come
        // with the same key join the look for it.
        let joined = {
            let mut schedule = self.schedule_at(now);
            if !schedule.is_fetching() {
                let newer = self.0.snapshot.load();
                if !keys.are(&newer) {
                    return Some(Look::Ready(Keys(newer)));
                }
                if !may_wait {
                    // What came when it was waited for was a look as well.
                    schedule.last_look = schedule.started;
                    return None;
                }
                if schedule.look_pause(needed, now).is_some() {
                    return None;
                }
                schedule.last_look = Some(now);
            } else if !may_wait {
                return None;
            }
            let limit = self.limit(&schedule);
            schedule.join_or_start(now, limit)
        };
        Some(Look::Wait(self.end_of(joined, now)))
    }

    /// The error for a token that is not valid with the keys at hand. If its key is unknown and the issuer cannot be asked,
    /// the token may still be valid.
    pub(super) fn without(&self, needed: NeededKey, error: Error) -> Error {
        let (now, schedule) = (self.0.time.now(), self.schedule());
        match (needed, schedule.failure.clone()) {
            (NeededKey::Named, Some(failure)) => {
                let detail = "the token's key is not known here, and the issuer could not be asked for it";
                let after = schedule.look_pause(needed, now).unwrap_or(Duration::from_secs(1));
                Error::new(ErrorKind::Unavailable, detail).with_cause(failure).with_retry_after(after)
            }
            _ => error,
        }
    }

    /// Starts the request, if it has not started. Not under the lock: a client may answer at once.
    fn end_of(&self, joined: JoinedFetch, now: SystemTime) -> FetchEnd {
        if let Some(ended) = joined.to_start {
            self.start(KeyFetch { keys: self.clone(), number: joined.number, at: now, ended: Some(ended) });
        }
        let JoinedFetch { number, end, rest, briefly, .. } = joined;
        FetchEnd { keys: self.clone(), number, end, rest, briefly, gives_up: true }
    }

    /// How long a request may take. If the address of the keys has to be discovered first, there are two answers.
    fn limit(&self, schedule: &FetchSchedule) -> Duration {
        let answers = match (&self.0.settings.address, &schedule.keys_at) {
            (KeyAddress::Discovered { .. }, None) => 2,
            _ => 1,
        };
        self.0.settings.client.time_limit().saturating_mul(answers)
    }

    fn schedule(&self) -> MutexGuard<'_, FetchSchedule> {
        self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schedule after ending a request whose client has not replied in time.
    fn schedule_at(&self, now: SystemTime) -> MutexGuard<'_, FetchSchedule> {
        let schedule = self.schedule();
        match schedule.overdue(now) {
            None => schedule,
            Some(number) => {
                drop(schedule);
                self.give_up(number);
                self.schedule()
            }
        }
    }

    /// Ends a request whose client did not reply in time, so that another one may start.
    fn give_up(&self, number: u64) {
        let now = self.0.time.now();
        let detail = "the HTTP client did not reply in its time; is the runtime that it runs on blocked?";
        let failure = Error::new(ErrorKind::Unavailable, detail);
        let has_ended = self.schedule().end(number, Some(failure.clone()), now);
        if has_ended {
            self.log_failure(&failure);
            telemetry::pause(Upstream::Keys);
        }
    }
}

/// The end of a request, for any number of callers. The request continues when they leave.
pub(in crate::jwt) struct FetchEnd {
    keys: RemoteKeys,
    number: u64,
    end: Shared<Receiver<()>>,
    rest: Duration,
    briefly: Duration,
    /// Whether it counts as a failure if nothing comes in time.
    gives_up: bool,
}

impl FetchEnd {
    /// The same for a caller that can do without: the keys may come later.
    pub(in crate::jwt) fn briefly(self) -> Self {
        Self { rest: self.rest.min(self.briefly), gives_up: false, ..self }
    }

    /// Waits for the end, and returns whether it came in time.
    pub(in crate::jwt) async fn wait(self) -> bool {
        let came = within(&*self.keys.0.settings.client, self.rest, self.end).await.is_some();
        if !came && self.gives_up {
            self.keys.give_up(self.number);
        }
        came
    }
}

/// The keys to verify with, or what to wait for.
pub(super) enum Look {
    Ready(Keys),
    /// Keys that have expired, and the request for newer ones.
    Expired(Keys, FetchEnd),
    Wait(FetchEnd),
    Nothing(Error),
}

impl fmt::Display for KeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(url) => f.write_str(url),
            Self::Discovered { issuer, .. } => write!(f, "{issuer} (discovered)"),
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteKeys({})", without_query(&self.0.settings.address.to_string()))
    }
}
