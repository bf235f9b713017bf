//! What was withdrawn before its time.

use crate::{
    answer::Answer,
    clock::{Clock, SystemClock},
    error::Error,
    principal::Principal,
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, SystemTime},
};

/// Knows what was withdrawn before its time: tokens, sessions, or everything that somebody had until then.
///
/// A gate asks it about every principal that a credential brings, cached or not, and a [`Lease`](crate::Lease) goes on
/// asking. [`RevocationList`] keeps them in memory; a service of several processes has them in a store that all of them read.
pub trait Revocations: fmt::Debug + Send + Sync {
    /// Whether what this principal came with was withdrawn. Its [`token_id`](Principal::token_id),
    /// [`session`](Principal::session), [`subject`](Principal::subject) and [`issued_at`](Principal::issued_at) are unique
    /// together with its [`issuer`](Principal::issuer).
    ///
    /// # Errors
    /// If that could not be found out: the request is refused then.
    fn is_revoked(&self, principal: &Principal) -> Answer<'static, Result<bool, Error>>;

    /// Comes when something more is revoked, for connections that are open. One that never comes, as by default, leaves them
    /// to look from time to time.
    fn changed(&self) -> Answer<'static, ()> {
        Answer::later(std::future::pending())
    }
}

impl<R: Revocations + ?Sized> Revocations for Arc<R> {
    fn is_revoked(&self, principal: &Principal) -> Answer<'static, Result<bool, Error>> {
        (**self).is_revoked(principal)
    }

    fn changed(&self) -> Answer<'static, ()> {
        (**self).changed()
    }
}

/// Revocations in memory. Clones share them: one goes into the gate, another where somebody signs out.
///
/// ```
/// use portcullis_core::{Gate, RevocationList, testing::TestIssuer};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let revocations = RevocationList::new(Duration::from_secs(15 * 60)); // as long as tokens live at most
/// let gate = Gate::builder().bearer().authenticator(issuer.authenticator()).revocations(revocations.clone()).build()?;
/// revocations.revoke_session("https://issuer.test", "the-session");
/// # let _ = gate; Ok(()) }
/// ```
#[derive(Clone)]
pub struct RevocationList(Arc<Inner>);

struct Inner {
    keep: Duration,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    issuers: HashMap<String, Revoked>,
    tidied: SystemTime,
    revoking: Sender<()>,
    revoked: Shared<Receiver<()>>,
}

/// What was revoked of one issuer, and when.
#[derive(Debug, Default)]
struct Revoked {
    tokens: HashMap<String, SystemTime>,
    sessions: HashMap<String, SystemTime>,
    /// For subjects, the time before which everything was issued that is revoked.
    subjects: HashMap<String, SystemTime>,
}

impl RevocationList {
    /// Remembers what is revoked for this long, by its clock: as long as a token lives at most, and the leeway of its issuer.
    /// After that it is refused anyway.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self::start(keep, Arc::new(SystemClock))
    }

    fn start(keep: Duration, clock: Arc<dyn Clock>) -> Self {
        let (revoking, revoked) = channel();
        let (issuers, tidied) = (HashMap::new(), clock.now());
        let state = State { issuers, tidied, revoking, revoked: revoked.shared() };
        Self(Arc::new(Inner { keep, clock, state: RwLock::new(state) }))
    }

    /// Tells the time by another clock than the system's. Begins anew, with nothing revoked.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self::start(self.0.keep, Arc::new(clock))
    }

    /// Withdraws the token of this issuer that has this `jti`.
    pub fn revoke_token(&self, issuer: &str, token_id: &str) {
        self.revoke(issuer, |revoked, now| insert(&mut revoked.tokens, token_id, now));
    }

    /// Withdraws all tokens of a session.
    pub fn revoke_session(&self, issuer: &str, session: &str) {
        self.revoke(issuer, |revoked, now| insert(&mut revoked.sessions, session, now));
    }

    /// Withdraws everything that somebody was issued before a time, such as now. Tokens tell that time (`iat`) in whole
    /// seconds as a rule: one that is issued in the same second afterwards is withdrawn as well.
    pub fn revoke_subject(&self, issuer: &str, subject: &str, before: SystemTime) {
        self.revoke(issuer, |revoked, _| insert(&mut revoked.subjects, subject, before));
    }

    fn revoke(&self, issuer: &str, add: impl FnOnce(&mut Revoked, SystemTime)) {
        let (now, (revoking, revoked)) = (self.0.clock.now(), channel());
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tidy(now, self.0.keep);
        add(state.issuers.entry(issuer.to_owned()).or_default(), now);
        state.revoked = revoked.shared();
        let before = mem::replace(&mut state.revoking, revoking);
        drop(state);
        // Nobody may be waiting.
        let _ = before.send(());
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(revoked: &mut HashMap<String, SystemTime>, name: &str, time: SystemTime) {
    let latest = revoked.entry(name.to_owned()).or_insert(time);
    *latest = time.max(*latest);
}

impl State {
    /// Forgets what is refused anyway; from time to time, since it looks at everything.
    fn tidy(&mut self, now: SystemTime, keep: Duration) {
        let is_old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > keep);
        // The clock may have been set back.
        if !is_old(self.tidied) && self.tidied <= now {
            return;
        }
        self.tidied = now;
        self.issuers.retain(|_, revoked| {
            let lists = [&mut revoked.tokens, &mut revoked.sessions, &mut revoked.subjects];
            lists.into_iter().fold(false, |any, list| {
                list.retain(|_, time| !is_old(*time));
                any | !list.is_empty()
            })
        });
    }
}

impl Revoked {
    fn has(&self, principal: &Principal) -> bool {
        let token = principal.token_id_text().is_some_and(|id| self.tokens.contains_key(&*id));
        let session = principal.session_text().is_some_and(|session| self.sessions.contains_key(session));
        // What does not say when it was issued may have been before.
        let before = self.subjects.get(principal.subject());
        let subject = before.is_some_and(|before| principal.issued_at().is_none_or(|issued| issued < *before));
        token || session || subject
    }
}

impl Revocations for RevocationList {
    fn is_revoked(&self, principal: &Principal) -> Answer<'static, Result<bool, Error>> {
        let state = self.state();
        let revoked = state.issuers.get(principal.issuer().unwrap_or_default());
        Answer::now(Ok(revoked.is_some_and(|revoked| revoked.has(principal))))
    }

    fn changed(&self) -> Answer<'static, ()> {
        let revoked = self.state().revoked.clone();
        Answer::later(revoked.map(drop))
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList").field("keep", &self.0.keep).finish_non_exhaustive()
    }
}
