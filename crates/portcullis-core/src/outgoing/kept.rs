//! A token that is kept until it expires, and requested once for all who need it.

use super::BearerToken;
use crate::{
    backoff::{Backoff, rest},
    clock::{Clock, Time},
    error::{Error, ErrorKind},
    http::{HttpClient, HttpRequest, HttpResponse, Reply, within},
    sync::{Mutex, MutexGuard},
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

/// Where the next token comes from: what is sent for it, and how the answer is read.
///
/// [`ClientCredentials`](crate::ClientCredentials) has one for OAuth. Others are for endpoints with a form of their own.
///
/// ```
/// use portcullis_core::{
///     BearerToken, Error, ErrorKind, HttpRequest, HttpResponse, KeptToken, TokenSource,
/// };
/// use std::time::Duration;
/// # use portcullis_core::{HttpClient, Reply};
/// # #[derive(Debug)] struct Client(u16);
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(self.0, "abc"))); }
/// # }
///
/// /// An endpoint on the same machine whose answer is a token for ten minutes.
/// #[derive(Debug)]
/// struct Sidecar;
///
/// impl TokenSource for Sidecar {
///     fn request(&self) -> Result<HttpRequest, Error> {
///         Ok(HttpRequest::get("http://localhost:8500/token"))
///     }
///     fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
///         match (answer.status(), str::from_utf8(answer.body())) {
///             (200, Ok(token)) => Ok((BearerToken::new(token)?, Duration::from_secs(600))),
///             _ => Err(Error::new(ErrorKind::Unavailable, "the sidecar has no token")),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let (client, broken) = (Client(200), Client(500));
/// assert_eq!(KeptToken::new(Sidecar, client).bearer().await?.expose(), "abc");
/// let refused = KeptToken::new(Sidecar, broken).bearer().await;
/// assert!(refused.is_err_and(|error| error.kind() == ErrorKind::Unavailable));
/// # Ok(()) }
/// ```
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// The request for the next token. Called while no other request is in flight.
    ///
    /// # Errors
    /// If there will be no other token. Nothing is sent then.
    fn request(&self) -> Result<HttpRequest, Error>;

    /// The token in the answer, and its lifetime, counted from when it was requested.
    ///
    /// # Errors
    /// If there is none. The next request is sent after a pause.
    fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error>;
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn request(&self) -> Result<HttpRequest, Error> {
        (**self).request()
    }

    fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
        (**self).read(answer)
    }
}

/// A token that is kept, and replaced before it expires. Clones share it.
///
/// One request is in flight at a time, and all callers share its answer. It continues if they leave. A token is replaced in
/// the last fifth of its lifetime, at most in the last minute: then [`bearer`](Self::bearer) still returns the old one, and
/// requests the next. In the last tenth, at most ten seconds, callers wait for the next one.
///
/// After a failure nothing is requested for a second, then for two, four and so on up to a minute, or for the time that the
/// endpoint asks for in `Retry-After`. A token that is still valid is returned meanwhile.
///
/// [`TokenSource`] has an example.
#[derive(Clone)]
pub struct KeptToken(Arc<Inner>);

struct Inner {
    source: Arc<dyn TokenSource>,
    client: Arc<dyn HttpClient>,
    time: Time,
    state: Mutex<State>,
}

impl KeptToken {
    /// Keeps the token of this source.
    #[must_use]
    pub fn new(source: impl TokenSource + 'static, client: impl HttpClient + 'static) -> Self {
        Self::start(Arc::new(source), Arc::new(client), Time::default())
    }

    fn start(source: Arc<dyn TokenSource>, client: Arc<dyn HttpClient>, time: Time) -> Self {
        Self(Arc::new(Inner { source, client, time, state: Mutex::new(State::default()) }))
    }

    /// The same for another source.
    pub(super) fn of(&self, source: impl TokenSource + 'static) -> Self {
        Self::start(Arc::new(source), self.0.client.clone(), self.0.time.clone())
    }

    /// The clock that tokens expire by. The system's by default. The result has no token yet.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self::start(self.0.source.clone(), self.0.client.clone(), Time::by(clock))
    }

    /// With a token that was just issued, so that the first request is for the next one.
    #[must_use]
    pub fn starting_with(self, token: BearerToken, lifetime: Duration) -> Self {
        let kept = Kept { token, since: self.0.time.now(), lifetime };
        self.state().token = Some(kept);
        self
    }

    /// The token to send.
    ///
    /// # Errors
    /// Those of the source, and [`ErrorKind::Unavailable`] if it does not answer. During a pause, the last one again with the
    /// time that is left.
    pub async fn bearer(&self) -> Result<BearerToken, Error> {
        let (client, now) = (&*self.0.client, self.0.time.now());
        let (next, to_send) = self.state().next(now, client.time_limit());
        if let Some(started) = to_send {
            self.send(started);
        }
        let flight = match next {
            Next::Now(outcome) => return outcome,
            Next::Answer(flight) => flight,
        };
        let outcome = match within(client, client.time_limit(), flight.answer).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(self.give_up(flight.number, "the request of a token ended without an answer")),
            None => Err(self.give_up(flight.number, "a token was requested, and the answer did not come in its time")),
        };
        outcome.or_else(|error| self.state().lasting(self.0.time.now(), |_| Duration::ZERO).ok_or(error))
    }

    /// Forgets this token, after a service refused it with 401. Another one that is kept stays.
    pub fn discard(&self, token: &BearerToken) {
        self.state().token.take_if(|kept| kept.token.expose() == token.expose());
    }

    /// Forgets the token that is kept.
    pub fn forget(&self) {
        self.state().token = None;
    }

    /// Not under the lock: this is code of users, and a client may answer at once.
    fn send(&self, started: Started) {
        let (this, source) = (self.clone(), self.0.source.clone());
        let Started { number, since, sender } = started;
        let settle = move |answer: Result<HttpResponse, Error>| {
            if this.state().flight.as_ref().is_none_or(|flight| flight.number != number) {
                return;
            }
            let outcome = answer.and_then(|answer| this.0.source.read(&answer));
            let outcome = outcome.map(|(token, lifetime)| Kept { token, since, lifetime });
            let for_callers = outcome.as_ref().map(|kept| kept.token.clone()).map_err(Clone::clone);
            this.state().settle(number, outcome, this.0.time.now());
            // Nobody waits any more where this fails.
            _ = sender.send(for_callers);
        };
        match source.request() {
            Ok(request) => self.0.client.send(request, Reply::new(settle)),
            Err(error) => settle(Err(error)),
        }
    }

    fn give_up(&self, number: u64, why: &'static str) -> Error {
        let error = Error::new(ErrorKind::Unavailable, why);
        self.state().settle(number, Err(error.clone()), self.0.time.now());
        error
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptToken").field(&self.0.source).finish()
    }
}

type Outcome = Result<BearerToken, Error>;

#[derive(Default)]
struct State {
    token: Option<Kept>,
    flight: Option<Flight>,
    backoff: Backoff,
    /// Since when and for how long nothing is requested, and the failure that callers get meanwhile.
    pause: Option<(SystemTime, Duration, Error)>,
    count: u64,
}

struct Kept {
    token: BearerToken,
    since: SystemTime,
    lifetime: Duration,
}

/// A request in flight.
#[derive(Clone)]
struct Flight {
    number: u64,
    since: SystemTime,
    answer: Shared<Receiver<Outcome>>,
}

/// A request to send.
struct Started {
    number: u64,
    since: SystemTime,
    sender: Sender<Outcome>,
}

/// What a caller gets.
enum Next {
    Now(Outcome),
    Answer(Flight),
}

impl State {
    fn next(&mut self, now: SystemTime, limit: Duration) -> (Next, Option<Started>) {
        let early = |lifetime: Duration| (lifetime / 5).min(Duration::from_secs(60));
        if let Some(token) = self.lasting(now, early) {
            return (Next::Now(Ok(token)), None);
        }
        let old = self.lasting(now, |lifetime| (lifetime / 10).min(Duration::from_secs(10)));
        let or_old = |flight| old.map_or(Next::Answer(flight), |token| Next::Now(Ok(token)));
        if let Some(flight) = self.flight.as_ref().filter(|flight| rest(flight.since, limit, now).is_some()) {
            return (or_old(flight.clone()), None);
        }
        if let Some((since, time, failure)) = &self.pause
            && let Some(left) = rest(*since, *time, now)
        {
            let failure = failure.clone().with_retry_after(left);
            return (Next::Now(self.lasting(now, |_| Duration::ZERO).ok_or(failure)), None);
        }
        self.count = self.count.saturating_add(1);
        let (sender, answer) = channel();
        let flight = Flight { number: self.count, since: now, answer: answer.shared() };
        self.flight = Some(flight.clone());
        (or_old(flight), Some(Started { number: self.count, since: now, sender }))
    }

    /// The token, if more than this part of its lifetime is left.
    fn lasting(&self, now: SystemTime, part: impl Fn(Duration) -> Duration) -> Option<BearerToken> {
        let kept = self.token.as_ref()?;
        let left = rest(kept.since, kept.lifetime, now)?;
        (left > part(kept.lifetime)).then(|| kept.token.clone())
    }

    /// Ends a request, unless another one took its place.
    fn settle(&mut self, number: u64, outcome: Result<Kept, Error>, now: SystemTime) {
        if self.flight.take_if(|flight| flight.number == number).is_none() {
            return;
        }
        match outcome {
            Ok(kept) => {
                self.backoff.succeed();
                (self.token, self.pause) = (Some(kept), None);
            }
            Err(error) => {
                self.backoff.fail(now);
                let time = error.retry_after().or_else(|| self.backoff.pause(now));
                self.pause = time.map(|time| (now, time, error));
            }
        }
    }
}
