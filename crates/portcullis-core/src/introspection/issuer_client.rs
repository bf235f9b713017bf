//! What all ways to ask an issuer about its tokens have in common: when it is asked, and what is remembered.

use super::{
    answer::Measure,
    memory::Memory,
    opaque::OpaqueTokens,
    recent_answers::{JoinedQuery, Key, Outcome, QueryStart, RecentAnswers, Validity, fingerprint},
};
use crate::{
    answer::Answer,
    claims::{Claims, Rules},
    clock::{Time, seconds},
    credential::Credential,
    error::{Error, ErrorKind},
    http::{HttpClient, HttpRequest, HttpResponse, Reply, within},
    jwt::{Evidence, Issuer, Jwt, UnverifiedToken, is_token, unverified_claims},
    principal::Principal,
    sync::{Mutex, MutexGuard, others_may_run},
    telemetry::{CacheMeter, Upstream, upstream},
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

const METER: CacheMeter = CacheMeter::new("issuer_answers");

/// How an issuer is asked about a token, and how its answers are read.
pub(super) trait Query: fmt::Debug + Clone + Send + Sync + 'static {
    /// The next request after these answers; `None` if they are complete.
    fn next(&self, token: &str, answers: &[HttpResponse]) -> Result<Option<HttpRequest>, Error>;

    /// The number of answers to wait for.
    fn answers(&self) -> usize;

    /// The claims in the answers, checked against this.
    fn claims(&self, answers: &[HttpResponse], measure: &Measure<'_>) -> Result<Claims, Error>;
}

/// Asks an issuer about its tokens with one kind of [`Query`], and remembers its answers. Clones share the memory. Changing a
/// setting makes a new one with an empty memory.
pub(super) struct IssuerClient<Q>(Arc<Inner<Q>>);

struct Inner<Q> {
    query: Q,
    settings: Settings,
    /// For an issuer with keys.
    verifier: Option<Jwt>,
    recent: Mutex<RecentAnswers>,
}

/// Everything that both ways to ask have as a setting.
#[derive(Clone)]
pub(super) struct Settings {
    issuer: Issuer,
    /// The rules for its answers.
    pub(super) rules: Rules,
    http: Arc<dyn HttpClient>,
    pub(super) time: Time,
    pub(super) sessions_only: bool,
    pub(super) any_client: bool,
    /// Whether the gate asks for the proofs of bound tokens.
    has_proofs: bool,
    pub(super) opaque: OpaqueTokens,
    pub(super) memory_bytes: usize,
    pub(super) active_for: Duration,
    pub(super) inactive_for: Duration,
}

impl<Q: Query> IssuerClient<Q> {
    pub(super) fn new(query: Q, issuer: Issuer, client: impl HttpClient + 'static) -> Self {
        let settings = Settings {
            issuer,
            rules: Rules::new(),
            http: Arc::new(client),
            time: Time::default(),
            sessions_only: false,
            any_client: false,
            has_proofs: false,
            opaque: OpaqueTokens::new(),
            memory_bytes: MEMORY,
            active_for: Duration::from_secs(10),
            inactive_for: Duration::from_secs(2),
        };
        Self::start(query, settings)
    }

    fn start(query: Q, settings: Settings) -> Self {
        let verifier = settings.issuer.has_keys().then(|| Jwt::new(settings.issuer.clone()).by(settings.time.clone()));
        let recent = Mutex::new(RecentAnswers::new(Memory::new(settings.memory_bytes)));
        Self(Arc::new(Inner { query, settings, verifier, recent }))
    }

    /// A copy with other settings. It remembers nothing, because an outcome is only valid under the settings it was found with.
    pub(super) fn with(&self, change: impl FnOnce(&mut Q, &mut Settings)) -> Self {
        let (mut query, mut settings) = (self.0.query.clone(), self.0.settings.clone());
        change(&mut query, &mut settings);
        Self::start(query, settings)
    }

    fn issuer(&self) -> &Issuer {
        &self.0.settings.issuer
    }

    /// What is known about a token, or what to wait for. No request is sent before the future is polled.
    fn ask(&self, token: &str, max_age: Option<Duration>, basis: Basis) -> Answer<'static, Outcome> {
        let (key, now) = (fingerprint(token), self.0.settings.time.now());
        let fresh = max_age.map(|max_age| self.recent().fresh(now, max_age));
        let known = self.recent().memory.outcome(key, now, fresh);
        METER.count(known.is_some());
        if let Some(outcome) = known {
            return Answer::now(outcome);
        }
        let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
        Answer::later(async move {
            loop {
                let joined = this.join(key, &token, &basis)?;
                let client = &*this.0.settings.http;
                let Some(outcome) = within(client, this.limit(), joined.answer).await else {
                    let error =
                        Error::new(ErrorKind::Unavailable, "the issuer was asked and did not answer in its time");
                    let error = error.with_issuer(this.issuer().name.clone());
                    this.recent().give_up(key, joined.start, &error, this.0.settings.time.now());
                    return Err(error);
                };
                if fresh.is_none_or(|fresh| fresh.admits(joined.start)) {
                    let gone =
                        |_| Err(Error::new(ErrorKind::Unavailable, "the query of the issuer ended without an answer"));
                    return outcome.unwrap_or_else(gone);
                }
                // Others have waited as well, and one of them may have asked by now.
                let now = this.0.settings.time.now();
                if let Some(outcome) = this.recent().memory.outcome(key, now, fresh) {
                    return outcome;
                }
            }
        })
    }

    /// Waits with the other callers for the answer about a token, or asks if there are none.
    fn join(&self, key: Key, token: &Zeroizing<String>, basis: &Basis) -> Result<JoinedQuery, Error> {
        let mut joined = self.recent().join(key, self.0.settings.time.now(), self.limit())?;
        // Not under the lock: a client may answer at once.
        if let Some(reply) = joined.to_send.take() {
            let (client, token, basis, start) = (self.clone(), token.clone(), basis.clone(), joined.start);
            RunningQuery { client, key, token, basis, start, reply: Some(reply) }.go_on(Vec::new());
        }
        Ok(joined)
    }

    /// The maximum time to wait for an answer.
    fn limit(&self) -> Duration {
        let answers = u32::try_from(self.0.query.answers()).unwrap_or(u32::MAX);
        self.0.settings.http.time_limit().saturating_mul(answers)
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

    fn recent(&self) -> MutexGuard<'_, RecentAnswers> {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the issuer is also asked about a JWT that was verified here.
    fn asks_about(&self, principal: &Principal) -> bool {
        let settings = &self.0.settings;
        let has_session = |claims| settings.issuer.map.has_session(claims);
        !settings.sessions_only || principal.token_claims().is_some_and(has_session)
    }
}

/// What is known about a token before its issuer is asked.
#[derive(Clone)]
struct Basis {
    evidence: Evidence,
    /// The claims of a token that was verified here.
    verified: Option<Claims>,
}

impl Basis {
    fn verified(principal: &Principal) -> Self {
        Self { evidence: Evidence::Signature, verified: principal.token_claims().cloned() }
    }
}

impl From<Evidence> for Basis {
    fn from(evidence: Evidence) -> Self {
        Self { evidence, verified: None }
    }
}

/// A query in progress. It ends with an outcome for all callers that wait, also if it is dropped.
struct RunningQuery<Q: Query> {
    client: IssuerClient<Q>,
    key: Key,
    token: Zeroizing<String>,
    basis: Basis,
    start: QueryStart,
    /// `None` once the query has ended.
    reply: Option<Sender<Outcome>>,
}

impl<Q: Query> RunningQuery<Q> {
    /// Sends the next request after these answers, or ends.
    fn go_on(self, answers: Vec<HttpResponse>) {
        let inner = &self.client.0;
        let request = match inner.query.next(&self.token, &answers) {
            Ok(Some(request)) => request,
            Ok(None) => {
                let Settings { issuer, rules, time, any_client, has_proofs, .. } = &inner.settings;
                let Basis { evidence, verified } = &self.basis;
                let (evidence, verified) = (*evidence, verified.as_ref());
                let (any_client, has_proofs, now) = (*any_client, *has_proofs, seconds(time.now()));
                let measure = Measure { issuer, rules, evidence, verified, any_client, has_proofs, now };
                let claims = inner.query.claims(&answers, &measure);
                let outcome =
                    claims.and_then(|claims| issuer.principal(&claims, time)).map(|found| match inner.verifier {
                        Some(_) => found,
                        None => self.with_own_claims(found),
                    });
                return self.end(outcome);
            }
            Err(error) => return self.end(Err(error)),
        };
        let client = inner.settings.http.clone();
        let then = move |answer: Result<HttpResponse, Error>| match answer {
            Ok(answer) => self.go_on(answers.into_iter().chain([answer]).collect()),
            // The client failed, of whatever kind its error is. That is no fault of the token.
            Err(error) if error.status() >= 500 => self.end(Err(error)),
            Err(error) => {
                self.end(Err(Error::new(ErrorKind::Unavailable, "the issuer was not asked").with_cause(error)));
            }
        };
        client.send(request, Reply::new(then));
    }

    /// What an unverified token says about itself is never in its favour. It can still be used to revoke the token.
    fn with_own_claims(&self, answered: Principal) -> Principal {
        match unverified_claims(&self.token) {
            Some((claims, times)) => {
                let own = self.client.issuer().map.unverified(&answered, &claims, &times);
                answered.and_by_token(own)
            }
            None => answered,
        }
    }

    fn end(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    /// Ends the query and remembers its outcome for a while.
    fn settle(&mut self, outcome: Outcome) {
        let Some(reply) = self.reply.take() else { return };
        let outcome = outcome.map_err(|error| error.with_issuer(self.client.issuer().name.clone()));
        let since = self.client.0.settings.time.now();
        let until = self.client.keep_until(&outcome, since);
        let validity = until.map(|until| Validity { start: self.start, since, until });
        self.client.recent().settle(self.key, self.start, &outcome, since, validity);
        others_may_run();
        let is_answered = outcome.as_ref().map_or_else(|error| error.status() < 500, |_| true);
        // All callers may have left.
        let _ = reply.send(outcome);
        upstream(Upstream::Token, is_answered);
    }
}

/// A query that is dropped, as when its client panics, ends as a failure.
impl<Q: Query> Drop for RunningQuery<Q> {
    fn drop(&mut self) {
        self.settle(Err(Error::new(ErrorKind::Unavailable, "the query of the issuer ended without an answer")));
    }
}

/// An [`IssuerClient`] with any kind of query.
pub(crate) trait Asks: fmt::Debug + Send + Sync {
    fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Outcome>;
    fn issuer(&self) -> &Issuer;
    fn time(&self) -> &Time;
    /// The same in a gate with this clock, which asks for the proofs of bound tokens or not. If one of both is new, it remembers
    /// nothing.
    ///
    /// # Errors
    /// If its keys use another clock.
    fn in_gate(&self, time: &Time, has_proofs: bool) -> Result<Arc<dyn Asks>, Error>;
    /// Whether it is only asked about tokens of a session, and others are only verified.
    fn is_for_sessions_only(&self) -> bool;
    /// Whether it answers about any opaque token, whatever the token looks like.
    fn takes_any_opaque(&self) -> bool;
}

impl<Q: Query> Asks for IssuerClient<Q> {
    fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        self.ask_about(credential)
    }

    fn issuer(&self) -> &Issuer {
        self.issuer()
    }

    fn time(&self) -> &Time {
        &self.0.settings.time
    }

    fn in_gate(&self, time: &Time, has_proofs: bool) -> Result<Arc<dyn Asks>, Error> {
        self.issuer().settle(time)?;
        if self.time().is_same(time) && self.0.settings.has_proofs == has_proofs {
            return Ok(Arc::new(self.clone()));
        }
        let time = time.clone();
        Ok(Arc::new(self.with(|_, settings| (settings.time, settings.has_proofs) = (time, has_proofs))))
    }

    fn is_for_sessions_only(&self) -> bool {
        self.0.settings.sessions_only
    }

    fn takes_any_opaque(&self) -> bool {
        self.0.settings.opaque.are_any()
    }
}

impl<Q: Query> IssuerClient<Q> {
    /// Verifies a credential as far as that is possible here, and asks the issuer if that is needed.
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
            Ok(Ok(principal)) if max_age.is_some() || self.asks_about(&principal) => self
                .ask(token, max_age, Basis::verified(&principal))
                .map(move |answered| answered?.confirming(&principal)),
            Ok(outcome) => Answer::now(outcome),
            Err(later) => {
                let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
                Answer::later(async move {
                    let principal = later.await?;
                    match max_age.is_some() || this.asks_about(&principal) {
                        true => this.ask(&token, max_age, Basis::verified(&principal)).await?.confirming(&principal),
                        false => Ok(principal),
                    }
                })
            }
        }
    }

    /// Without keys, a JWT can be refused by its own claims before the issuer is asked, and accepted only by the issuer's answer.
    fn trust(&self, credential: &Credential<'_>) -> Answer<'static, Outcome> {
        let (token, max_age, issuer) = (credential.expose(), credential.max_age(), self.issuer());
        if let Err(error) = issuer.check_length(token) {
            return match is_token(token) {
                true => Answer::now(Err(error)),
                false => self.ask_about_opaque(token, max_age),
            };
        }
        let unverified = match UnverifiedToken::read(token) {
            Ok(Some(unverified)) => unverified,
            Ok(None) => return self.ask_about_opaque(token, max_age),
            Err(error) => return Answer::now(Err(error)),
        };
        if unverified.issuer().is_some_and(|name| !issuer.is_called(&name)) {
            let detail = format!("the token is not of `{}`", issuer.name);
            return Answer::now(Err(Error::new(ErrorKind::Unrecognized, detail)));
        }
        match issuer.check_unverified(&unverified, seconds(self.0.settings.time.now())) {
            Ok(evidence) => self.ask(token, max_age, evidence.into()),
            Err(error) => Answer::now(Err(error.with_issuer(issuer.name.clone()))),
        }
    }

    /// Asks about an opaque token, of which nothing is known but what it looks like.
    fn ask_about_opaque(&self, token: &str, max_age: Option<Duration>) -> Answer<'static, Outcome> {
        let issuer = self.issuer();
        if !self.0.settings.opaque.fit(token) {
            let detail = format!("the credential does not look like an opaque token of `{}`", issuer.name);
            return Answer::now(Err(Error::new(ErrorKind::Unrecognized, detail)));
        }
        match issuer.check_length(token) {
            Ok(()) => self.ask(token, max_age, Evidence::Nothing.into()),
            Err(error) => Answer::now(Err(error)),
        }
    }
}

impl<Q> Clone for IssuerClient<Q> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Query> fmt::Debug for IssuerClient<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of `{}`", self.0.query, self.issuer().name)
    }
}
