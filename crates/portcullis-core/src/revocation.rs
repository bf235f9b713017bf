//! Revoked credentials.
//!
//! A token is valid until it expires, whatever happened since it was issued. [`Revocations`] is asked after the signature: it
//! ends a token, a session, or all that a principal was issued until some time, before they expire.
//!
//! [`RevocationList`] keeps a map for each issuer, since ids are unique only there. Entries end by the time that has passed and
//! not by the clock, so that a clock that is set ahead and back does not bring a revoked token to life.

use crate::{
    answer::Answer,
    clock::{SharedTime, Time},
    error::Error,
    principal::{Principal, PrincipalId, SessionId, TokenId},
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::{FutureExt, future::Shared};
use std::{
    any::Any,
    collections::HashMap,
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, SystemTime},
};

/// Knows what was revoked: tokens, sessions, or all that a principal was issued until some time.
///
/// Written with plain `async fn`. A gate asks it about every principal that a credential names, cached or not, and a
/// [`Lease`](crate::Lease) asks again. [`RevocationList`] is in memory. A service with several processes needs a store that all
/// of them read:
///
/// ```
/// use portcullis_core::{Error, ErrorKind, Principal, PrincipalKind, Revocations};
/// # use std::collections::HashSet;
///
/// # #[derive(Debug)] struct Store(HashSet<String>);
/// # impl Store { async fn has(&self, key: &str) -> std::io::Result<bool> { Ok(self.0.contains(key)) } }
/// #[derive(Debug)]
/// struct EndedSessions(Store);
///
/// impl Revocations for EndedSessions {
///     async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
///         let Some(session) = principal.session() else { return Ok(false) };
///         let asked = self.0.has(&session.to_string()).await;
///         asked.map_err(|cause| {
///             Error::new(ErrorKind::Unavailable, "the store did not answer").with_cause(cause)
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let ended = EndedSessions(Store(HashSet::from(["https://id.example.com|s1".to_owned()])));
/// let alice =
///     Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com");
/// assert!(ended.is_revoked(&alice.clone().with_session("s1")).await?);
/// assert!(!ended.is_revoked(&alice.with_session("s2")).await?);
/// # Ok(()) }
/// ```
pub trait Revocations: fmt::Debug + Send + Sync + 'static {
    /// Whether the credential of this principal was revoked: its token by [`token_id`](Principal::token_id), its session by
    /// [`session`](Principal::session), or everything of its [`id`](Principal::id) that [`precedes`](Principal::precedes) a
    /// sign-out. All three ids contain their issuer.
    ///
    /// Where an issuer was asked about a token, this is asked twice: about the principal as the issuer describes it, and as
    /// the token describes it. One yes is enough to refuse the request.
    ///
    /// # Errors
    /// If it could not be found out. The request is then refused with 503, or with 500 if the error is of the kind
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured).
    fn is_revoked(&self, principal: &Principal) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Resolves when something is revoked, so that open connections are checked at once. The default never resolves, and
    /// connections are checked [from time to time](crate::Lease::check_every). It is polled before each check, so that nothing
    /// is missed in between.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

impl<R: Revocations> Revocations for Arc<R> {
    fn is_revoked(&self, principal: &Principal) -> impl Future<Output = Result<bool, Error>> + Send {
        (**self).is_revoked(principal)
    }

    fn changed(&self) -> impl Future<Output = ()> + Send {
        (**self).changed()
    }
}

/// [`Revocations`] as a gate stores them. Their futures own what they need, and start where they are made.
pub(crate) trait AnyRevocations: fmt::Debug + Send + Sync {
    fn is_revoked(self: Arc<Self>, principal: Principal) -> Answer<'static, Result<bool, Error>>;
    fn changed(self: Arc<Self>) -> Answer<'static, ()>;

    /// Sets its clock, if it has one.
    ///
    /// # Errors
    /// If it uses another one.
    fn settle(&self, time: &Time) -> Result<(), Error>;
}

impl<R: Revocations> AnyRevocations for R {
    fn is_revoked(self: Arc<Self>, principal: Principal) -> Answer<'static, Result<bool, Error>> {
        Answer::begin(async move { Revocations::is_revoked(&*self, &principal).await })
    }

    fn changed(self: Arc<Self>) -> Answer<'static, ()> {
        Answer::begin(async move { Revocations::changed(&*self).await })
    }

    fn settle(&self, time: &Time) -> Result<(), Error> {
        match (self as &dyn Any).downcast_ref::<RevocationList>() {
            Some(list) if !list.0.time.settle(time) => Err(Error::misconfigured(
                "the revocation list uses another clock than the gate: that of another gate, or the system's because the list was \
                 used before; share one clock, and build the gate before the list is used",
            )),
            _ => Ok(()),
        }
    }
}

/// Revocations in memory.
///
/// Clones share them: give one to the gate, and use another where callers sign out.
///
/// ```
/// use portcullis_core::{
///     Credential, CredentialSource, ErrorKind, Gate, RevocationList, Scheme,
///     testing::TestIssuer,
/// };
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// // as long as tokens live at most
/// let revocations = RevocationList::new(Duration::from_secs(15 * 60));
/// let gate = Gate::builder()
///     .scheme(Scheme::new(issuer.verifier()).bearer())
///     .revocations(revocations.clone())
///     .build()?;
/// let sign_in = |session: &str| issuer.token("alice").claim("sid", session).sign();
/// let by = |token: &str| {
///     gate.authenticate(Credential::new(token.to_owned(), CredentialSource::bearer()))
/// };
///
/// let token = sign_in("first");
/// let alice = by(&token).await.principal()?.clone();
/// if let Some(session) = alice.session() {
///     revocations.end_session(&session); // in the handler that signs out
/// }
/// assert!(by(&token).await.principal().is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// assert!(by(&sign_in("second")).await.principal().is_ok());
/// # Ok(()) }
/// ```
///
/// | to end | call | signing in again works |
/// |---|---|---|
/// | the credential of this request | [`revoke`](Self::revoke) | at once, if the credential has an id or a session |
/// | one token, by its id | [`revoke_token`](Self::revoke_token) | at once |
/// | one session, on one device | [`end_session`](Self::end_session) | at once |
/// | everything, on all devices | [`sign_out`](Self::sign_out) | after the leeway of the issuer |
///
/// Entries end by the time that has [passed](crate::Clock::elapsed), so setting the clock ahead and back loses nothing.
/// Entries for credentials without an expiry never end: once a gate has asked about such a credential, all entries of its
/// issuer stay in memory until the process ends.
#[derive(Clone)]
pub struct RevocationList(Arc<Inner>);

struct Inner {
    keep: Duration,
    time: SharedTime,
    state: RwLock<State>,
}

struct State {
    /// By issuer; the empty name is that of credentials without one.
    issuers: HashMap<String, IssuerEntries>,
    /// The time passed at which entries were last removed.
    tidied: Duration,
    /// Wakes whatever waits on `revoked`. Both are replaced with each revocation.
    revoking: Sender<()>,
    revoked: Shared<Receiver<()>>,
}

/// The revocations of one issuer.
#[derive(Default)]
struct IssuerEntries {
    tokens: HashMap<String, End>,
    sessions: HashMap<String, End>,
    sign_outs: HashMap<PrincipalId, (SystemTime, End)>,
    /// It has credentials without an expiry, so no entry may ever be removed.
    is_endless: bool,
}

/// The time passed at which an entry ends.
type End = Duration;

impl RevocationList {
    /// Keeps entries for this long. Choose the longest life of a token, plus twice the leeway of its issuer: after that, the
    /// token is refused anyway.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        let (revoking, revoked) = channel();
        let state = State { issuers: HashMap::new(), tidied: Duration::ZERO, revoking, revoked: revoked.shared() };
        Self(Arc::new(Inner { keep, time: SharedTime::default(), state: RwLock::new(state) }))
    }

    /// Revokes the credential of this principal, for as long as it lives.
    ///
    /// It is recognized by its [`token_id`](Principal::token_id). Without one, its [session](Self::end_session) is ended.
    /// Without a session either, all that the principal was [issued](Self::sign_out) until now is revoked.
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalKind, RevocationList, Revocations};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let revocations = RevocationList::new(Duration::from_secs(15 * 60));
    /// let key = |id: &str| Principal::new(PrincipalKind::Key, "exporter").with_token_id(id);
    ///
    /// revocations.revoke(&key("lost"));
    /// assert!(revocations.is_revoked(&key("lost")).await?);
    /// assert!(!revocations.is_revoked(&key("replacement")).await?);
    /// # Ok(()) }
    /// ```
    pub fn revoke(&self, principal: &Principal) {
        let tokens: Vec<TokenId> = principal.each_description().filter_map(Principal::token_id).collect();
        let sessions: Vec<SessionId> = principal.each_description().filter_map(Principal::session).collect();
        match (&*tokens, &*sessions) {
            ([], []) => return self.sign_out(principal.id(), principal.since().unwrap_or_else(|| self.0.time.now())),
            ([], sessions) => return sessions.iter().for_each(|session| self.end_session(session)),
            _ => {}
        }
        let left = |expiry: SystemTime| expiry.duration_since(self.0.time.now()).unwrap_or_default();
        let end = match principal.expires_at() {
            // A clock that is ahead would end it too early.
            Some(expiry) => self.after(left(expiry).saturating_add(principal.leeway()).max(self.0.keep)),
            None => End::MAX,
        };
        tokens.iter().for_each(|id| self.add(id.issuer(), |revoked| insert(&mut revoked.tokens, id.id(), end)));
    }

    /// Revokes a token by its id, such as one that was stored when it was issued.
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalKind, RevocationList, Revocations, TokenId};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let revocations = RevocationList::new(Duration::from_secs(15 * 60));
    /// revocations.revoke_token(&TokenId::new("t1").with_issuer("https://id.example.com"));
    ///
    /// let alice = Principal::new(PrincipalKind::User, "alice").with_token_id("t1");
    /// assert!(revocations.is_revoked(&alice.clone().with_issuer("https://id.example.com")).await?);
    /// // another token
    /// assert!(!revocations.is_revoked(&alice.with_issuer("https://other.example.com")).await?);
    /// # Ok(()) }
    /// ```
    pub fn revoke_token(&self, token: &TokenId) {
        let end = self.after(self.0.keep);
        self.add(token.issuer(), |revoked| insert(&mut revoked.tokens, token.id(), end));
    }

    /// Revokes all tokens of a session. Signing in again starts another session, which is allowed at once.
    pub fn end_session(&self, session: &SessionId) {
        let end = self.after(self.0.keep);
        self.add(session.issuer(), |revoked| insert(&mut revoked.sessions, session.id(), end));
    }

    /// Revokes all that a principal was issued until a time, such as now.
    ///
    /// A token counts as issued before if its `iat` is at most that time plus the leeway of its issuer, whose clock may be
    /// ahead by that much. The price: a caller that signs in again within the leeway is refused with the new token too,
    /// until it signs in after the leeway. [`end_session`](Self::end_session) has no such price.
    ///
    /// A credential that says neither when it was issued nor when its owner signed in (`iat`, `auth_time`) counts as issued
    /// before. A new one cannot be told from an old one, so it is refused until this entry ends. For such credentials, end
    /// the session or [revoke](Self::revoke) the credential instead.
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalId, PrincipalKind, RevocationList, Revocations};
    /// use std::time::{Duration, SystemTime};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let (revocations, now) =
    ///     (RevocationList::new(Duration::from_secs(15 * 60)), SystemTime::now());
    /// // the password has changed
    /// revocations.sign_out(&PrincipalId::new(PrincipalKind::User, "alice"), now);
    ///
    /// let alice = Principal::new(PrincipalKind::User, "alice").with_leeway(Duration::from_secs(30));
    /// let signed_in = |at| alice.clone().with_times(Some(at), None);
    /// assert!(revocations.is_revoked(&signed_in(now - Duration::from_secs(3600))).await?);
    /// // within the leeway
    /// assert!(revocations.is_revoked(&signed_in(now + Duration::from_secs(30))).await?);
    /// assert!(!revocations.is_revoked(&signed_in(now + Duration::from_secs(31))).await?);
    /// # Ok(()) }
    /// ```
    pub fn sign_out(&self, principal: &PrincipalId, at: SystemTime) {
        let ahead = at.duration_since(self.0.time.now()).unwrap_or_default();
        let end = self.after(self.0.keep.saturating_add(ahead));
        self.add(principal.issuer(), |revoked| {
            let (latest, ends) = revoked.sign_outs.entry(principal.clone()).or_insert((at, end));
            (*latest, *ends) = (at.max(*latest), end.max(*ends));
        });
    }

    /// The end of an entry that is kept for this long.
    fn after(&self, time: Duration) -> Duration {
        self.0.time.elapsed().saturating_add(time)
    }

    fn add(&self, issuer: Option<&str>, add: impl FnOnce(&mut IssuerEntries)) {
        let (passed, (revoking, revoked)) = (self.0.time.elapsed(), channel());
        let mut state = self.write();
        state.tidy(passed, self.0.keep);
        add(state.of(issuer));
        state.revoked = revoked.shared();
        let before = mem::replace(&mut state.revoking, revoking);
        drop(state);
        // An error: nothing waits for it.
        let _ = before.send(());
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the later of two ends.
fn insert(ends: &mut HashMap<String, End>, id: &str, end: End) {
    let latest = ends.entry(id.to_owned()).or_insert(end);
    *latest = end.max(*latest);
}

impl State {
    fn of(&mut self, issuer: Option<&str>) -> &mut IssuerEntries {
        self.issuers.entry(issuer.unwrap_or_default().to_owned()).or_default()
    }

    /// Removes entries that are no longer needed. Called from time to time, since it visits all of them.
    fn tidy(&mut self, passed: Duration, keep: Duration) {
        if passed.saturating_sub(self.tidied) <= keep {
            return;
        }
        self.tidied = passed;
        self.issuers.retain(|_, revoked| {
            let counts = |end: End| end >= passed;
            if !revoked.is_endless {
                revoked.tokens.retain(|_, end| counts(*end));
                revoked.sessions.retain(|_, end| counts(*end));
                revoked.sign_outs.retain(|_, (_, end)| counts(*end));
            }
            revoked.is_endless || revoked.entries() > 0
        });
    }
}

impl IssuerEntries {
    fn entries(&self) -> usize {
        [self.tokens.len(), self.sessions.len(), self.sign_outs.len()].iter().sum()
    }

    /// Whether an entry is about this principal. An ended one still counts for a credential without an expiry.
    fn has(&self, principal: &Principal, time: &SharedTime) -> bool {
        let counts = |end: &End| principal.expires_at().is_none() || *end >= time.elapsed();
        let token = principal.token_id_text().and_then(|id| self.tokens.get(&*id));
        let session = principal.session_text().and_then(|session| self.sessions.get(session));
        let sign_out = self.sign_outs.get(principal.id()).filter(|(at, _)| principal.precedes(*at));
        token.is_some_and(counts) || session.is_some_and(counts) || sign_out.is_some_and(|(_, end)| counts(end))
    }
}

impl Revocations for RevocationList {
    async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
        let state = self.read();
        let revoked = state.issuers.get(principal.issuer().unwrap_or_default());
        let is_revoked = revoked.is_some_and(|revoked| revoked.has(principal, &self.0.time));
        if principal.expires_at().is_none() && !revoked.is_some_and(|revoked| revoked.is_endless) {
            drop(state);
            self.write().of(principal.issuer()).is_endless = true;
        }
        Ok(is_revoked)
    }

    fn changed(&self) -> impl Future<Output = ()> + Send {
        self.read().revoked.clone().map(drop)
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: usize = self.read().issuers.values().map(IssuerEntries::entries).sum();
        f.debug_struct("RevocationList").field("keep", &self.0.keep).field("entries", &entries).finish_non_exhaustive()
    }
}
