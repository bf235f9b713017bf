use super::Directory;
use crate::{
    answer_cache::AnswerCache,
    clock::Moment,
    error::Error,
    principal::{Account, Principal, PrincipalId},
};
use std::{fmt, sync::Arc, time::Duration};

/// A directory that remembers accounts between requests, with their rows.
///
/// It is bounded, asks once however many requests wait, and keeps neither errors nor panics: who has no account is asked about
/// again. A route with [`fresh`](crate::policy::fresh) passes by what is older than it asks for. An account is remembered for
/// the [`PrincipalId`], so it has to follow from that, and not from other claims of the token.
///
/// Clones share what is remembered: one goes into the gate, another where accounts are changed. Write to the database first, and
/// forget then:
///
/// ```
/// use portcullis_core::{Account, CachedDirectory, Directory, Error, GateBuilder, Principal, PrincipalId};
/// use std::time::Duration;
///
/// # #[derive(Debug)] struct Users;
/// # impl Directory for Users {
/// #     async fn account(&self, _: &Principal) -> Result<Account, Error> { Ok(Account::none()) }
/// # }
/// # fn parts(gate: GateBuilder, suspended: &PrincipalId) {
/// let users = CachedDirectory::new(Users, 10_000, Duration::from_secs(5));
/// let gate = gate.directory(users.clone());
/// users.forget_principal(suspended);
/// # let _ = gate; }
/// ```
pub struct CachedDirectory<D>(Arc<Inner<D>>);

struct Inner<D> {
    directory: Arc<D>,
    accounts: AnswerCache<PrincipalId, Account>,
}

impl<D: Directory> CachedDirectory<D> {
    /// Remembers so many accounts, for so long at most.
    #[must_use]
    pub fn new(directory: D, places: usize, max_age: Duration) -> Self {
        Self(Arc::new(Inner { directory: Arc::new(directory), accounts: AnswerCache::new(places, max_age) }))
    }

    /// Forgets the account of this principal.
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
