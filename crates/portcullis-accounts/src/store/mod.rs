//! Stores: what accounts and organizations keep, as three traits of commands.
//!
//! Each command is atomic. [`MemoryStore`] is for tests and trials, `portcullis-sqlx` has stores for SQLite and Postgres. To
//! use a table of users of your own, implement [`UserStore`] and combine it with another store: [`Stores::new`].
//!
//! Rules for every implementation:
//! - A command uses one connection at a time, so that a pool of one is enough.
//! - Times are those of the arguments, never those of the database, in milliseconds.
//! - Writes lock what they decide by. On Postgres they begin with `READ COMMITTED`, whatever the database's default is.
//!
//! The suite `testing::suite` shows whether a store follows them.

mod memory;
mod memory_organizations;
mod organizations;

pub use crate::factor::{FactorChange, FactorWrite};
pub use crate::organization::{ChangeMemberOutcome, MemberChange, MemberFacts};
pub use crate::refresh::{Family, RefreshRow, RefusedRefresh, Step, decide, rotate};
pub use memory::MemoryStore;
pub use organizations::{
    AcceptOutcome, AddOrganizationOutcome, ChangeOrganizationOutcome, OrganizationKey, OrganizationStore,
    RemoveRoleOutcome,
};

use crate::{
    email::EmailAddress,
    factor::Factor,
    id::{OrganizationId, SessionId, UserId},
    one_time::{OneTime, Purpose},
    secret::{Digest, Secret, Token},
    session::{Session, SessionRules},
    user::{LinkedIdentity, NewUser, User, UserChange},
};
use async_trait::async_trait;
use std::{
    error, fmt, iter,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A failure of a store. Its source is the error of the database.
///
/// `Debug` shows the texts of the sources and not their fields, where databases may put values of rows.
#[derive(Clone)]
pub struct StoreError {
    doing: &'static str,
    source: Arc<dyn error::Error + Send + Sync>,
}

impl StoreError {
    /// An error with the operation that failed, such as `reading a user`, and its cause.
    pub fn new(doing: &'static str, cause: impl error::Error + Send + Sync + 'static) -> Self {
        Self { doing, source: Arc::new(cause) }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.doing)
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = iter::successors(error::Error::source(self), |cause| cause.source()).map(ToString::to_string);
        f.debug_struct("StoreError").field("doing", &self.doing).field("causes", &causes.collect::<Vec<_>>()).finish()
    }
}

/// What a command returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// Users. Implement it for a table of users of your own: none of its commands knows about sessions.
#[async_trait]
pub trait UserStore: fmt::Debug + Send + Sync {
    /// Adds a user, unless another one has the address.
    async fn add(&self, user: NewUser) -> StoreResult<AddOutcome>;
    /// Finds a user.
    async fn find(&self, by: UserKey<'_>) -> StoreResult<Option<User>>;
    /// Changes a user, in one statement or transaction, and returns the user after it.
    async fn change(&self, id: &UserId, change: UserChange) -> StoreResult<ChangeOutcome>;
    /// Removes a user together with their identities at providers. Returns whether there was one.
    async fn remove(&self, id: &UserId) -> StoreResult<bool>;
    /// A page of users, newest first: by `created_at`, and by the identifier where that is equal.
    async fn list(&self, page: Page) -> StoreResult<Vec<User>>;
    /// The number of users.
    async fn count(&self) -> StoreResult<u64>;
    /// Links an identity at a provider to a user, unless another user has it or the user has another one of the same issuer.
    async fn link(&self, id: &UserId, identity: LinkedIdentity) -> StoreResult<LinkOutcome>;
    /// Removes the identity of this issuer from a user. Returns whether there was one.
    async fn unlink(&self, id: &UserId, issuer: &str) -> StoreResult<bool>;
    /// The identities of a user, oldest first.
    async fn identities(&self, id: &UserId) -> StoreResult<Vec<LinkedIdentity>>;
}

/// How to find a user.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum UserKey<'a> {
    /// By identifier.
    Id(&'a UserId),
    /// By address.
    Email(&'a EmailAddress),
    /// By the identity at a provider: issuer and subject.
    Identity(&'a str, &'a str),
}

/// A page of users, newest first.
///
/// ```
/// use portcullis_accounts::{Accounts, Error, User, store::Page};
///
/// /// The addresses of all users.
/// async fn addresses(accounts: &Accounts) -> Result<Vec<String>, Error> {
///     let (admin, mut page) = (accounts.admin_as("export"), Page::first(100));
///     let mut all = Vec::new();
///     loop {
///         let users: Vec<User> = admin.users(page).await?;
///         all.extend(users.iter().map(|user| user.email.as_str().to_owned()));
///         match users.last() {
///             Some(last) => page = Page::after(last, 100),
///             None => return Ok(all),
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores what is needed")]
pub struct Page {
    /// The page begins behind the user with this time and identifier, whether or not the user is still there.
    pub after: Option<(SystemTime, UserId)>,
    /// The largest number of users.
    pub limit: u32,
}

impl Page {
    /// The newest users.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// Those who follow this user.
    #[must_use]
    pub fn after(last: &User, limit: u32) -> Self {
        Self { after: Some((last.created_at, last.id.clone())), limit }
    }
}

/// The outcome of [`UserStore::add`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AddOutcome {
    /// The user was added. With the identifier that the store gave.
    Added(User),
    /// Another user has the address.
    Taken,
}

/// The outcome of [`UserStore::change`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChangeOutcome {
    /// The user was changed.
    Changed(User),
    /// There is no such user, or the stamp is another one.
    Absent,
    /// Another user has the address.
    Taken,
}

/// The outcome of [`UserStore::link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkOutcome {
    /// The identity is linked to the user, now or since earlier.
    Linked,
    /// Another user has the identity.
    Taken,
    /// The user has another identity of this issuer.
    HasAnother,
    /// There is no such user.
    Absent,
}

/// Sessions with their refresh tokens, single-use tokens, and second factors. Of each token the store has the digest only.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Opens a session with its first refresh token, which expires at this time.
    async fn open(&self, session: Session, token: Digest, expires_at: SystemTime) -> StoreResult<()>;
    /// Exchanges a refresh token for its successor: find the session without a lock, lock its row, and call [`rotate`].
    async fn rotate(&self, rotation: Rotation) -> StoreResult<RotateOutcome>;
    /// Finds a session, ended or not.
    async fn session(&self, id: &SessionId) -> StoreResult<Option<Session>>;
    /// Finds a refresh token and its session, whatever their state.
    async fn session_of(&self, token: &Digest) -> StoreResult<Option<(Session, RefreshRow)>>;
    /// Sets the session's `used_at`, and when this live token of it expires.
    async fn touch(&self, token: &Digest, now: SystemTime, expires_at: SystemTime) -> StoreResult<()>;
    /// Sets the organization in which a session acts. Returns whether there is such a session.
    async fn set_organization(&self, id: &SessionId, organization: Option<&OrganizationId>) -> StoreResult<bool>;
    /// Ends sessions. Returns those that were open.
    async fn end(&self, which: Ending<'_>, now: SystemTime) -> StoreResult<Vec<Session>>;
    /// The open sessions of a user, newest first.
    async fn sessions(&self, user: &UserId, now: SystemTime) -> StoreResult<Vec<Session>>;
    /// The sessions that were ended at this time or later.
    async fn ended_since(&self, since: SystemTime) -> StoreResult<Vec<Session>>;
    /// Keeps a single-use token. `replaces` removes earlier ones of the same user and purpose.
    async fn keep(&self, token: OneTime, replaces: bool) -> StoreResult<()>;
    /// Removes a single-use token and returns it, unless it has expired. Of several callers one gets it.
    async fn take(&self, purpose: Purpose, token: &Digest, now: SystemTime) -> StoreResult<Option<OneTime>>;
    /// The second factor of a user, confirmed or not.
    async fn factor(&self, user: &UserId) -> StoreResult<Option<Factor>>;
    /// Changes the second factor of a user: lock it, or its absence, call [`FactorChange::apply`], and write what it returns. Returns
    /// whether something was written.
    async fn change_factor(&self, user: &UserId, change: FactorChange) -> StoreResult<bool>;
    /// Removes what ended or expired before this time: sessions with their refresh tokens, and single-use tokens. Of the
    /// sessions that stay, it removes refresh tokens that were exchanged before this time and whose successor is not live.
    /// Returns the number of sessions and single-use tokens.
    async fn purge(&self, before: SystemTime) -> StoreResult<u64>;
}

/// A refresh token to exchange. Only this value can derive successors: stores do not know the secret.
#[derive(Clone)]
pub struct Rotation {
    token: Token,
    secret: Secret,
    presented: Digest,
    now: SystemTime,
    rules: SessionRules,
}

impl Rotation {
    pub(crate) const PURPOSE: &str = "refresh";

    /// A token that was presented now.
    #[must_use]
    pub fn new(token: Token, secret: Secret, now: SystemTime, rules: SessionRules) -> Self {
        let presented = token.digest(Self::PURPOSE);
        Self { token, secret, presented, now, rules }
    }

    /// The digest of the token that was presented.
    #[must_use]
    pub fn presented(&self) -> Digest {
        self.presented
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.now
    }

    pub(crate) fn rules(&self) -> &SessionRules {
        &self.rules
    }

    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    pub(crate) fn successors(&self, token: &Token, attempt: u32) -> impl Iterator<Item = (Token, Digest)> {
        self.secret.successors(token, attempt).map(|next| {
            let digest = next.digest(Self::PURPOSE);
            (next, digest)
        })
    }
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation").field("now", &self.now).field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// The outcome of [`SessionStore::rotate`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RotateOutcome {
    /// The token was exchanged.
    Next {
        /// The session, as it was before.
        session: Session,
        /// The successor.
        token: Token,
        /// When the successor expires.
        expires_at: SystemTime,
        /// Whether an earlier successor was lost.
        was_lost: bool,
    },
    /// The token had been exchanged within its grace period.
    Replay {
        /// The session.
        session: Session,
        /// The live token.
        token: Token,
        /// When the live token expires.
        expires_at: SystemTime,
        /// How many exchanges are between the two.
        hops: usize,
        /// How long after its exchange the token was used again.
        late: Duration,
    },
    /// The token had been exchanged earlier. The session was ended.
    Reused(Session),
    /// The token is not valid any more. Nothing was changed.
    Refused(Session, RefusedRefresh),
    /// There is no such token.
    Unknown,
}

/// Which sessions to end.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ending<'a> {
    /// This session.
    One(&'a SessionId),
    /// This session, if it is this user's.
    OneOf(&'a UserId, &'a SessionId),
    /// The session of this refresh token, also of one that was exchanged or has expired.
    OfToken(&'a Digest),
    /// All sessions of a user.
    OfUser(&'a UserId),
}

/// The stores of accounts. A store that is both becomes one by `into()`.
#[derive(Debug, Clone)]
pub struct Stores {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
}

impl Stores {
    /// Users in one store and sessions in another, for a table of users of your own.
    pub fn new(users: impl UserStore + 'static, sessions: impl SessionStore + 'static) -> Self {
        Self { users: Arc::new(users), sessions: Arc::new(sessions) }
    }

    /// The users.
    #[must_use]
    pub fn users(&self) -> &dyn UserStore {
        &*self.users
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> &dyn SessionStore {
        &*self.sessions
    }
}

impl<S: UserStore + SessionStore + 'static> From<S> for Stores {
    fn from(store: S) -> Self {
        let store = Arc::new(store);
        Self { users: store.clone(), sessions: store }
    }
}
