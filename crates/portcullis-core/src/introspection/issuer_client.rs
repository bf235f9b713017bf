//! What all ways to ask an issuer about its tokens have in common: when it is asked, and what is remembered.

use super::{
    answer::Measure,
    memory::Memory,
    opaque::OpaqueTokens,
    recent::{Asked, Joined, Kept, Key, Outcome, Recent, fingerprint},
};
use crate::{
    answer::Answer,
    claims::{Claims, Rules},
    clock::{Time, seconds},
    credential::Credential,
    error::{Error, ErrorKind},
    http::{HttpClient, HttpRequest, HttpResponse, Reply, within},
    jwt::{Issuer, Jwt, Known, Unproven, is_token, unverified_claims},
    principal::Principal,
    sync::{Mutex, MutexGuard, others_may_run},
};
use futures_channel::oneshot::Sender;
use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// Longer than anything is remembered.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The default limit for the memory of what is remembered.
const MEMORY: usize = 64 << 20;

/// How an issuer is asked about a token, and how its answers are read.
pub(super) trait Query: fmt::Debug + Clone + Send + Sync + 'static {
    /// The next request after these answers; `None` if they are complete.
    fn next(&self, token: &str, answers: &[HttpResponse]) -> Result<Option<HttpRequest>, Error>;

    /// The number of answers to wait for.
    fn answers(&self) -> usize;

    /// The claims in the answers, checked against this.
    fn claims(&self, answers: &[HttpResponse], measure: &Measure<'_>) -> Result<Claims, Error>;
}

/// An issuer that is asked. Changing a setting makes a new one that remembers nothing.
pub(super) struct Inquiry<Q>(Arc<Inner<Q>>);

struct Inner<Q> {
    question: Q,
    settings: Settings,
    /// For an issuer with keys.
    verifier: Option<Jwt>,
    recent: Mutex<Recent>,
}

#[derive(Clone)]
pub(super) struct Settings {
    issuer: Issuer,
    /// The rules for its answers.
    pub(super) rules: Rules,
    client: Arc<dyn HttpClient>,
    pub(super) time: Time,
    pub(super) sessions_only: bool,
    pub(super) any_client: bool,
    pub(super) opaque: OpaqueTokens,
    pub(super) memory_bytes: usize,
    pub(super) active_for: Duration,
    pub(super) inactive_for: Duration,
}

impl<Q: Query> Inquiry<Q> {
    pub(super) fn new(question: Q, issuer: Issuer, client: impl HttpClient + 'static) -> Self {
        let settings = Settings {
            issuer,
            rules: Rules::new(),
            client: Arc::new(client),
            time: Time::default(),
            sessions_only: false,
            any_client: false,
            opaque: OpaqueTokens::new(),
            memory_bytes: MEMORY,
            active_for: Duration::from_secs(10),
            inactive_for: Duration::from_secs(2),
        };
        Self::start(question, settings)
    }

    fn start(question: Q, settings: Settings) -> Self {
        let verifier = settings.issuer.has_keys().then(|| Jwt::new(settings.issuer.clone()).by(settings.time.clone()));
        let recent = Mutex::new(Recent::new(Memory::new(settings.memory_bytes)));
        Self(Arc::new(Inner { question, settings, verifier, recent }))
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Q, &mut Settings)) -> Self {
        let (mut question, mut settings) = (self.0.question.clone(), self.0.settings.clone());
        change(&mut question, &mut settings);
        Self::start(question, settings)
    }

    fn issuer(&self) -> &Issuer {
        &self.0.settings.issuer
    }

    /// What is known about a token, or what to wait for. No request is sent before the future is polled.
    fn ask(&self, token: &str, max_age: Option<Duration>, known: Known) -> Answer<'static, Outcome> {
        let (key, now) = (fingerprint(token), self.0.settings.time.now());
        let fresh = max_age.map(|max_age| self.recent().fresh(now, max_age));
        if let Some(outcome) = self.recent().memory.settled(key, now, fresh) {
            return Answer::now(outcome);
        }
        let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
        Answer::later(async move {
            loop {
                let joined = this.join(key, &token, known)?;
                let client = &*this.0.settings.client;
                let Some(outcome) = within(client, this.limit(), joined.answering).await else {
                    let error =
                        Error::new(ErrorKind::Unavailable, "the issuer was asked and did not answer in its time");
                    let error = error.with_issuer(this.issuer().name.clone());
                    this.recent().give_up(key, joined.asked, &error, this.0.settings.time.now());
                    return Err(error);
                };
                if fresh.is_none_or(|fresh| fresh.admits(joined.asked)) {
                    let gone = |_| Err(Error::new(ErrorKind::Unavailable, "nobody asked the issuer to the end"));
                    return outcome.unwrap_or_else(gone);
                }
                // Others have waited as well, and one of them may have asked by now.
                let now = this.0.settings.time.now();
                if let Some(outcome) = this.recent().memory.settled(key, now, fresh) {
                    return outcome;
                }
            }
        })
    }

    /// Joins those who wait for the answer about a token, or asks.
    fn join(&self, key: Key, token: &Zeroizing<String>, known: Known) -> Result<Joined, Error> {
        let mut joined = self.recent().join(key, self.0.settings.time.now(), self.limit())?;
        // Not under the lock: a client may answer at once.
        if let Some(begun) = joined.to_begin.take() {
            let (inquiry, token, asked) = (self.clone(), token.clone(), joined.asked);
            Asking { inquiry, key, token, known, asked, begun: Some(begun) }.go_on(Vec::new());
        }
        Ok(joined)
    }

    /// The maximum time to wait for an answer.
    fn limit(&self) -> Duration {
        let answers = u32::try_from(self.0.question.answers()).unwrap_or(u32::MAX);
        self.0.settings.client.time_limit().saturating_mul(answers)
    }

    /// Until when an answer is remembered; `None` if it is not.
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

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the issuer is also asked about a JWT that was verified here.
    fn asks_about(&self, principal: &Principal) -> bool {
        let settings = &self.0.settings;
        let has_session = |claims| settings.issuer.map.has_session(claims);
        !settings.sessions_only || principal.token_claims().is_some_and(has_session)
    }
}

/// A question in progress.
struct Asking<Q: Query> {
    inquiry: Inquiry<Q>,
    key: Key,
    token: Zeroizing<String>,
    known: Known,
    asked: Asked,
    /// `None` at the end.
    begun: Option<Sender<Outcome>>,
}

impl<Q: Query> Asking<Q> {
    /// Sends the next request after these answers, or ends.
    fn go_on(self, answers: Vec<HttpResponse>) {
        let inquiry = &self.inquiry.0;
        let request = match inquiry.question.next(&self.token, &answers) {
            Ok(Some(request)) => request,
            Ok(None) => {
                let Settings { issuer, rules, time, any_client, .. } = &inquiry.settings;
                let (known, any_client, now) = (self.known, *any_client, seconds(time.now()));
                let measure = Measure { issuer, rules, known, any_client, now };
                let claims = inquiry.question.claims(&answers, &measure);
                let outcome = claims.and_then(|claims| issuer.principal(&claims)).map(|said| match inquiry.verifier {
                    Some(_) => said,
                    None => self.held_against(said),
                });
                return self.end(outcome);
            }
            Err(error) => return self.end(Err(error)),
        };
        let client = inquiry.settings.client.clone();
        let then = move |answer: Result<HttpResponse, Error>| match answer {
            Ok(answer) => self.go_on(answers.into_iter().chain([answer]).collect()),
            // Whatever the client says of itself, the token is not at fault.
            Err(error) if error.status() >= 500 => self.end(Err(error)),
            Err(error) => {
                self.end(Err(Error::new(ErrorKind::Unavailable, "the issuer was not asked").with_cause(error)));
            }
        };
        client.send(request, Reply::new(then));
    }

    /// What an unverified token says about itself is never in its favour. It can still be used to revoke the token.
    fn held_against(&self, said: Principal) -> Principal {
        match unverified_claims(&self.token) {
            Some((claims, times)) => {
                let own = self.inquiry.issuer().map.unverified(&said, &claims, &times);
                said.and_by_token(own)
            }
            None => said,
        }
    }

    fn end(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    /// Ends the question and remembers its outcome for a while.
    fn settle(&mut self, outcome: Outcome) {
        let Some(begun) = self.begun.take() else { return };
        let outcome = outcome.map_err(|error| error.with_issuer(self.inquiry.issuer().name.clone()));
        let since = self.inquiry.0.settings.time.now();
        let until = self.inquiry.keep_until(&outcome, since);
        let kept = until.map(|until| Kept { asked: self.asked, since, until });
        self.inquiry.recent().settle(self.key, self.asked, &outcome, since, kept);
        others_may_run();
        // Nobody may be waiting any more.
        let _ = begun.send(outcome);
    }
}

/// Whatever happens, a question does not stay in progress.
impl<Q: Query> Drop for Asking<Q> {
    fn drop(&mut self) {
        self.settle(Err(Error::new(ErrorKind::Unavailable, "nobody asked the issuer to the end")));
    }
}

/// An issuer that is asked, with any kind of question.
pub(crate) trait Asks: fmt::Debug + Send + Sync {
    fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Outcome>;
    fn issuer(&self) -> &Issuer;
    fn time(&self) -> &Time;
    /// The same in a gate. With another clock it is a new one that remembers nothing.
    ///
    /// # Errors
    /// If its keys use another clock.
    fn in_gate(&self, time: &Time) -> Result<Arc<dyn Asks>, Error>;
    /// Whether it is only asked about tokens of a session, and others are only verified.
    fn is_for_sessions_only(&self) -> bool;
    /// Whether it answers about any opaque token, whatever the token looks like.
    fn takes_any_opaque(&self) -> bool;
}

impl<Q: Query> Asks for Inquiry<Q> {
    fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        self.ask_about(credential)
    }

    fn issuer(&self) -> &Issuer {
        self.issuer()
    }

    fn time(&self) -> &Time {
        &self.0.settings.time
    }

    fn in_gate(&self, time: &Time) -> Result<Arc<dyn Asks>, Error> {
        self.issuer().settle(time)?;
        let is_same = self.time().is_same(time);
        Ok(Arc::new(if is_same { self.clone() } else { self.with(|_, settings| settings.time = time.clone()) }))
    }

    fn is_for_sessions_only(&self) -> bool {
        self.0.settings.sessions_only
    }

    fn takes_any_opaque(&self) -> bool {
        self.0.settings.opaque.are_any()
    }
}

impl<Q: Query> Inquiry<Q> {
    pub(super) fn ask_about(&self, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        match &self.0.verifier {
            Some(verifier) => self.verify(verifier, credential),
            None => self.trust(credential),
        }
    }

    /// A JWT of an issuer with keys is verified before it is sent anywhere.
    fn verify(&self, verifier: &Jwt, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        let (token, max_age) = (credential.expose(), credential.max_age());
        match verifier.ask(credential).ready() {
            Ok(Err(error)) if error.kind() == ErrorKind::Unrecognized && !is_token(token) => {
                self.ask_about_opaque(token, max_age)
            }
            Ok(Ok(principal)) if max_age.is_some() || self.asks_about(&principal) => {
                self.ask(token, max_age, Known::Verified).map(move |answered| answered?.confirming(&principal))
            }
            Ok(outcome) => Answer::now(outcome),
            Err(later) => {
                let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
                Answer::later(async move {
                    let principal = later.await?;
                    match max_age.is_some() || this.asks_about(&principal) {
                        true => this.ask(&token, max_age, Known::Verified).await?.confirming(&principal),
                        false => Ok(principal),
                    }
                })
            }
        }
    }

    /// Without keys, only what a JWT says against itself is known before the issuer is asked.
    fn trust(&self, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        let (token, max_age, issuer) = (credential.expose(), credential.max_age(), self.issuer());
        if let Err(error) = issuer.check_length(token) {
            return match is_token(token) {
                true => Answer::now(Err(error)),
                false => self.ask_about_opaque(token, max_age),
            };
        }
        let unproven = match Unproven::read(token) {
            Ok(Some(unproven)) => unproven,
            Ok(None) => return self.ask_about_opaque(token, max_age),
            Err(error) => return Answer::now(Err(error)),
        };
        if unproven.issuer().is_some_and(|name| !issuer.is_called(&name)) {
            let detail = format!("the token is not of `{}`", issuer.name);
            return Answer::now(Err(Error::new(ErrorKind::Unrecognized, detail)));
        }
        match issuer.check_unproven(&unproven, seconds(self.0.settings.time.now())) {
            Ok(known) => self.ask(token, max_age, known),
            Err(error) => Answer::now(Err(error.with_issuer(issuer.name.clone()))),
        }
    }

    fn ask_about_opaque(&self, token: &str, max_age: Option<Duration>) -> Answer<'static, Outcome> {
        let issuer = self.issuer();
        if !self.0.settings.opaque.fit(token) {
            let detail = format!("the credential does not look like an opaque token of `{}`", issuer.name);
            return Answer::now(Err(Error::new(ErrorKind::Unrecognized, detail)));
        }
        match issuer.check_length(token) {
            Ok(()) => self.ask(token, max_age, Known::Nothing),
            Err(error) => Answer::now(Err(error)),
        }
    }
}

impl<Q> Clone for Inquiry<Q> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Query> fmt::Debug for Inquiry<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of `{}`", self.0.question, self.issuer().name)
    }
}
