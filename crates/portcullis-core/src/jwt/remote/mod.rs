//! The keys of an issuer, fetched from it and kept up to date.

mod answer;
mod builder;
mod fetch;
mod flight;
mod host;
mod snapshot;

pub use builder::RemoteKeysBuilder;
pub(super) use flight::Missing;
pub(super) use snapshot::Generation;
use snapshot::Keys;

use crate::{
    clock::{SharedTime, Time},
    error::{Error, ErrorKind},
    http::{HttpClient, within, without_query},
    sync::{Cell, Mutex, MutexGuard},
};
use fetch::KeyFetch;
use flight::{Flight, Joined};
use futures_channel::oneshot::Receiver;
use futures_util::future::Shared;
use snapshot::{Age, Snapshot};
use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

/// The keys of an issuer, fetched from it and kept up to date. Clones share them.
///
/// Verifying takes no lock and does not wait while keys are at hand that hold. They are fetched when the first token
/// comes, or before, with [`ready`](Self::ready); again some time before they expire, while tokens are verified with those
/// that are there; and when a token names a key that nobody knows, at most once in five seconds, so that made-up names cannot
/// be used to flood the issuer and a new key is known soon. What a token says is never part of a request.
///
/// A set of more than 1 MiB is a bad answer. Of the keys that can be used, the first 1,000 are read; the log says how many are
/// not.
///
/// One request is under way at a time, however many wait for it, and it goes on when they leave. A bad answer replaces
/// nothing. While the issuer is down, keys hold beyond their time, for [`max_stale`](RemoteKeysBuilder::max_stale); with none that
/// hold, a token is answered with 503, never with 401. Failures are followed by pauses that grow from one second to a
/// minute.
///
/// ```
/// # use portcullis_core::{Algorithm, Audience, Error, HttpClient, Issuer, Jwt, RemoteKeys};
/// # fn verifier(client: impl HttpClient + 'static) -> Result<Jwt, Error> {
/// let name = "https://id.example.com";
/// let issuer = Issuer::new(name, Audience::is("orders"), [Algorithm::Rs256], RemoteKeys::discover(name, client)?)?;
/// Ok(Jwt::new(issuer.token_type("at+jwt"))) // what its access tokens say in `typ`, and its ID tokens do not
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    settings: Settings,
    time: SharedTime,
    snapshot: Cell<Snapshot>,
    flight: Mutex<Flight>,
}

#[derive(Debug, Clone)]
struct Settings {
    place: Place,
    client: Arc<dyn HttpClient>,
    floor: Duration,
    ceiling: Duration,
    max_stale: Duration,
}

/// Where the keys are.
#[derive(Debug, Clone)]
enum Place {
    At(String),
    /// Where the discovery document of this issuer says.
    Discovered(String),
}

impl RemoteKeys {
    /// The JWK set at this address (RFC 7517, section 5).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is no HTTP address.
    pub fn jwks(url: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Self::builder().jwks(url, client)
    }

    /// The JWK set that an issuer's discovery document names (OpenID Connect Discovery 1.0). The document has to be that of
    /// this issuer, byte for byte.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the issuer's name is no HTTP address.
    pub fn discover(issuer: impl Into<String>, client: impl HttpClient + 'static) -> Result<Self, Error> {
        Self::builder().discover(issuer, client)
    }

    /// Keys with other settings than the defaults.
    pub fn builder() -> RemoteKeysBuilder {
        RemoteKeysBuilder::default()
    }

    /// Makes them go by this clock, unless they go by another one.
    pub(super) fn settle(&self, time: &Time) -> bool {
        self.0.time.settle(time)
    }

    /// The keys that are at hand, for [`import`](RemoteKeysBuilder::import) by a process that starts without the issuer. They are public.
    #[must_use]
    pub fn export(&self) -> Option<String> {
        self.0.snapshot.load().as_ref().map(|snapshot| snapshot.export())
    }

    /// Waits until there are keys to verify with.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the issuer did not answer, or not with keys.
    pub async fn ready(&self) -> Result<(), Error> {
        match self.look() {
            Look::Ready(_) => Ok(()),
            Look::Expired(_, landing) => self.at_hand(landing.briefly().wait().await).map(drop),
            Look::Wait(landing) => self.at_hand(landing.wait().await).map(drop),
            Look::Nothing(error) => Err(error),
        }
    }

    /// An issuer that is discovered has the name of the issuer whose keys these are.
    pub(super) fn check_name(&self, name: &str) -> Result<(), Error> {
        match &self.0.settings.place {
            Place::Discovered(issuer) if issuer != name => {
                Err(Error::misconfigured(format!("issuer `{name}`: its keys are those of `{issuer}`")))
            }
            _ => Ok(()),
        }
    }

    /// The keys to verify with, or what to wait for.
    pub(super) fn look(&self) -> Look {
        let now = self.0.time.now();
        loop {
            let keys = Keys(self.0.snapshot.load());
            let age = keys.age(now, self.0.settings.max_stale);
            if age == Some(Age::Fresh) {
                return Look::Ready(keys);
            }
            let (joined, is_failing) = {
                let mut flight = self.flight_at(now);
                // One that is not under way any more may have left its keys since.
                if !flight.is_under_way() && !keys.are(&self.0.snapshot.load()) {
                    continue;
                }
                let limit = self.limit(&flight);
                (flight.join(now, limit), flight.is_failing(now))
            };
            let landing = joined.map(|joined| self.landing_of(joined, now));
            return match (age, landing) {
                (Some(Age::Due), _) => Look::Ready(keys),
                // The issuer is down, so nobody waits to hear it again.
                (Some(Age::Stale), _) if is_failing => Look::Ready(keys),
                (Some(Age::Stale), Ok(landing)) if landing.briefly.is_zero() => Look::Ready(keys),
                (Some(Age::Stale), Ok(landing)) => Look::Expired(keys, landing),
                (_, Ok(landing)) => Look::Wait(landing),
                _ => Look::Nothing(self.unavailable(now)),
            };
        }
    }

    /// The keys as they are, for those who cannot wait, or not again. Those that came when they were waited for are good,
    /// however long they took and however short they hold.
    pub(super) fn at_hand(&self, waited: bool) -> Result<Keys, Error> {
        let (now, keys) = (self.0.time.now(), Keys(self.0.snapshot.load()));
        let came = waited && self.flight().failure.is_none();
        match keys.age(now, self.0.settings.max_stale) {
            Some(_) if came => Ok(keys),
            Some(Age::Fresh | Age::Due | Age::Stale) => Ok(keys),
            Some(Age::TooOld) | None => Err(self.unavailable(now)),
        }
    }

    /// With why they are not there and when it is tried again, if that is known.
    fn unavailable(&self, now: SystemTime) -> Error {
        let error = Error::new(ErrorKind::Unavailable, "the issuer's keys are not there");
        let flight = self.flight();
        let error = match flight.failure.clone() {
            Some(failure) => error.with_cause(failure),
            None => error,
        };
        match flight.pause(now) {
            Some(pause) => error.with_retry_after(pause),
            None => error,
        }
    }

    /// What there is beside these keys, for a token that does not hold with them. `None`: nothing, or nobody looks now.
    pub(super) fn look_beside(&self, keys: &Keys, missing: Missing, may_wait: bool) -> Option<Look> {
        let now = self.0.time.now();
        // All of it under one lock: a flight that is not under way any more has left its keys here, and others who come
        // with the same key join the look for it.
        let joined = {
            let mut flight = self.flight_at(now);
            if !flight.is_under_way() {
                let newer = self.0.snapshot.load();
                if !keys.are(&newer) {
                    return Some(Look::Ready(Keys(newer)));
                }
                if !may_wait {
                    // What came when it was waited for was a look as well.
                    flight.looked = flight.began;
                    return None;
                }
                if flight.look_pause(missing, now).is_some() {
                    return None;
                }
                flight.looked = Some(now);
            } else if !may_wait {
                return None;
            }
            let limit = self.limit(&flight);
            flight.join_or_begin(now, limit)
        };
        Some(Look::Wait(self.landing_of(joined, now)))
    }

    /// What a token is answered that does not hold with the keys at hand. One of an unknown key may be good, for all that is
    /// known while the issuer cannot be asked.
    pub(super) fn without(&self, missing: Missing, error: Error) -> Error {
        let (now, flight) = (self.0.time.now(), self.flight());
        match (missing, flight.failure.clone()) {
            (Missing::Key, Some(failure)) => {
                let detail = "the token's key is not known here, and the issuer could not be asked for it";
                let after = flight.look_pause(missing, now).unwrap_or(Duration::from_secs(1));
                Error::new(ErrorKind::Unavailable, detail).with_cause(failure).with_retry_after(after)
            }
            _ => error,
        }
    }

    /// Begins the flight, if nobody has. Not under the lock: a client may answer at once.
    fn landing_of(&self, joined: Joined, now: SystemTime) -> Landing {
        if let Some(landed) = joined.to_begin {
            self.begin(KeyFetch { keys: self.clone(), number: joined.number, at: now, landed: Some(landed) });
        }
        let Joined { number, landing, rest, briefly, .. } = joined;
        Landing { keys: self.clone(), number, landing, rest, briefly, gives_up: true }
    }

    /// How long a flight may take. Where the keys are has to be asked first, if they are discovered: that is two answers.
    fn limit(&self, flight: &Flight) -> Duration {
        let answers = match (&self.0.settings.place, &flight.keys_at) {
            (Place::Discovered(_), None) => 2,
            _ => 1,
        };
        self.0.settings.client.time_limit().saturating_mul(answers)
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.0.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, where one that is overdue is not under way any more.
    fn flight_at(&self, now: SystemTime) -> MutexGuard<'_, Flight> {
        let flight = self.flight();
        match flight.overdue(now) {
            None => flight,
            Some(number) => {
                drop(flight);
                self.give_up(number);
                self.flight()
            }
        }
    }

    /// Ends a flight whose client did not reply in time, so that another one may begin.
    fn give_up(&self, number: u64) {
        let now = self.0.time.now();
        let detail = "the HTTP client did not reply in its time; is the runtime that it runs on blocked?";
        let failure = Error::new(ErrorKind::Unavailable, detail);
        let has_ended = self.flight().end(number, Some(failure.clone()), now);
        if has_ended {
            self.log_failure(&failure);
        }
    }
}

/// The end of a flight, for any number of those who wait. Leaving does not end it.
pub(in crate::jwt) struct Landing {
    keys: RemoteKeys,
    number: u64,
    landing: Shared<Receiver<()>>,
    rest: Duration,
    briefly: Duration,
    /// Whether it counts as a failure if nothing comes.
    gives_up: bool,
}

impl Landing {
    /// The same for who can do without: it may come later.
    pub(in crate::jwt) fn briefly(self) -> Self {
        Self { rest: self.rest.min(self.briefly), gives_up: false, ..self }
    }

    /// Waits for it, and returns whether it came.
    pub(in crate::jwt) async fn wait(self) -> bool {
        let came = within(&*self.keys.0.settings.client, self.rest, self.landing).await.is_some();
        if !came && self.gives_up {
            self.keys.give_up(self.number);
        }
        came
    }
}

/// What there is to verify with.
pub(super) enum Look {
    Ready(Keys),
    /// Keys that have expired, and newer ones that may come.
    Expired(Keys, Landing),
    Wait(Landing),
    Nothing(Error),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(url) => f.write_str(url),
            Self::Discovered(issuer) => write!(f, "{issuer} (discovered)"),
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteKeys({})", without_query(&self.0.settings.place.to_string()))
    }
}
