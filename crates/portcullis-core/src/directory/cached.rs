//! A cache in front of a directory.

use super::Directory;
use crate::{
    answer_cache::AnswerCache,
    clock::Moment,
    error::Error,
    principal::{Account, Principal, PrincipalId},
    telemetry::CacheMeter,
};
use std::{fmt, sync::Arc, time::Duration};

/// A directory that caches accounts between requests, with their rows.
///
/// It is bounded, asks once for all waiting requests, and caches neither errors nor panics, so a principal without an
/// account is asked about again. A route with [`fresh`](crate::policy::fresh) skips entries older than it allows. Accounts
/// are cached by [`PrincipalId`], so they may depend only on that, and not on other claims of the token.
///
/// Clones share the cache: give one to the gate, and use another where accounts change. Write to the database first, then
/// forget:
///
/// ```
/// use portcullis_core::{
///     Account, CachedDirectory, Credential, CredentialSource, Directory, Error, Gate,
///     Principal, Scheme, testing::TestIssuer,
/// };
/// use std::time::Duration;
///
/// # use std::sync::{Arc, atomic::{AtomicBool, Ordering::SeqCst}};
/// # #[derive(Debug)] struct Users(Arc<AtomicBool>);
/// # impl Directory for Users {
/// #     async fn account(&self, _: &Principal) -> Result<Account, Error> {
/// #         if self.0.load(SeqCst) { Err(Error::denied("suspended")) } else { Ok(Account::none()) }
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let is_suspended = Arc::new(AtomicBool::new(false));
/// # let database = Users(is_suspended.clone());
/// let users = CachedDirectory::new(database, 10_000, Duration::from_secs(5));
/// let issuer = TestIssuer::new();
/// let gate = Gate::builder()
///     .scheme(Scheme::new(issuer.verifier()).bearer())
///     .directory(users.clone())
///     .build()?;
/// let by = |subject: &str| {
///     gate.authenticate(Credential::new(
///         issuer.token(subject).sign(),
///         CredentialSource::bearer(),
///     ))
/// };
/// let alice = by("alice").await.principal()?.id().clone();
///
/// # let suspend = |_: &_| is_suspended.store(true, SeqCst);
/// suspend(&alice); // in the database
/// assert!(by("alice").await.principal().is_ok()); // for at most five seconds
/// users.forget_principal(&alice);
/// assert!(by("alice").await.principal().is_err_and(|error| error.code() == "suspended"));
/// # Ok(()) }
/// ```
pub struct CachedDirectory<D>(Arc<Inner<D>>);

struct Inner<D> {
    directory: Arc<D>,
    accounts: AnswerCache<PrincipalId, Account>,
}

impl<D: Directory> CachedDirectory<D> {
    /// Caches at most this many accounts, for at most `max_age`. That is how long a change elsewhere can go unnoticed, so a
    /// few seconds are usual. When the cache is full, accounts that are rarely used make room.
    #[must_use]
    pub fn new(directory: D, places: usize, max_age: Duration) -> Self {
        let accounts = AnswerCache::new(CacheMeter::new("accounts"), places, max_age);
        Self(Arc::new(Inner { directory: Arc::new(directory), accounts }))
    }

    /// Forgets the account of this principal, in this process: the next request asks again. Other processes ask when their
    /// entry is too old.
    pub fn forget_principal(&self, who: &PrincipalId) {
        self.0.accounts.forget(who);
    }
}

impl<D: Directory> Directory for CachedDirectory<D> {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        self.0.directory.account(who).await
    }

    async fn account_at(&self, who: &Principal, moment: Moment) -> Result<Account, Error> {
        let (directory, who) = (self.0.directory.clone(), who.clone());
        self.0.accounts.get(who.id().clone(), moment, async move { directory.account(&who).await }).await
    }
}

impl<D> Clone for CachedDirectory<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: fmt::Debug> fmt::Debug for CachedDirectory<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedDirectory").field(&self.0.directory).finish()
    }
}
