//! Where keys are stored.

use crate::{answer::Answer, error::Error, principal::PrincipalId, rights::KeyScopes};
use aws_lc_rs::digest;
use std::{fmt, future::Future, sync::Arc, time::SystemTime};

/// Stores API keys: implement it for the database of your service.
///
/// Each method is made for one statement. [`MemoryKeys`](super::MemoryKeys) is a store for tests and examples. No text of a key
/// is stored, only its digest.
#[diagnostic::on_unimplemented(message = "`{Self}` stores no keys", note = "write `impl KeyStore for {Self}`")]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Adds a key.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be stored, also because its id or its digest is
    /// there already.
    fn add(&self, key: KeyRow) -> impl Future<Output = Result<(), Error>> + Send;

    /// The key of this digest, whether it has ended or not.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be read.
    fn find(&self, digest: &KeyDigest) -> impl Future<Output = Result<Option<KeyRow>, Error>> + Send;

    /// The keys of an owner, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if they could not be read.
    fn keys_of(&self, owner: &PrincipalId) -> impl Future<Output = Result<Vec<KeyRow>, Error>> + Send;

    /// Ends a key of this owner at a time, and returns it.
    ///
    /// `None`, and no change, if the owner has no such key, or it is not valid `now`. A key that would end earlier keeps its end:
    ///
    /// ```sql
    /// UPDATE keys SET withdrawn_at = LEAST(COALESCE(withdrawn_at, $at), $at)
    /// WHERE id = $id AND owner = $owner
    ///     AND COALESCE(withdrawn_at > $now, TRUE) AND COALESCE(expires_at > $now, TRUE)
    /// RETURNING *
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be stored.
    fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<KeyRow>, Error>> + Send;

    /// Notes uses of several keys. Adds to the count of each key, and never moves its last use back. Keys that are not there are
    /// left out.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if they could not be stored.
    fn note_uses(&self, uses: &[KeyUse]) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A key as a [`KeyStore`] stores it.
///
/// `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct KeyRow {
    /// Its id. Random, and not secret.
    pub id: String,
    /// What it is found by.
    pub digest: KeyDigest,
    /// Who it belongs to. Compared as a whole: kind, issuer and subject.
    pub owner: PrincipalId,
    /// The only organization that it is for.
    pub organization: Option<String>,
    /// What its owner calls it.
    pub name: String,
    /// The beginning of its text, for lists.
    pub start: String,
    /// What it may be used for.
    pub scopes: KeyScopes,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it expires.
    pub expires_at: Option<SystemTime>,
    /// When it was withdrawn, or will be.
    pub withdrawn_at: Option<SystemTime>,
    /// When it was last used, as far as that is [noted](super::ApiKeys::flush).
    pub used_at: Option<SystemTime>,
    /// How often it was used, likewise.
    pub uses: u64,
}

impl KeyRow {
    /// Whether it is valid at this time: neither withdrawn nor expired.
    #[must_use]
    pub fn is_valid_at(&self, now: SystemTime) -> bool {
        self.ends_at().is_none_or(|end| now < end)
    }

    /// When it ends, or ended: the earlier of its expiry and its withdrawal.
    #[must_use]
    pub fn ends_at(&self) -> Option<SystemTime> {
        self.expires_at.into_iter().chain(self.withdrawn_at).min()
    }
}

impl fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The SHA-256 of the whole text of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// That of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// The bytes, to store them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// As stored.
impl From<[u8; 32]> for KeyDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// Uses of one key since they were last noted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct KeyUse {
    /// The id of the key.
    pub id: String,
    /// The last use.
    pub at: SystemTime,
    /// How many there were.
    pub count: u64,
}

/// [`KeyStore`] behind a pointer.
pub(super) trait AnyKeyStore: fmt::Debug + Send + Sync {
    fn add(self: Arc<Self>, key: KeyRow) -> Answer<'static, Result<(), Error>>;
    fn find(self: Arc<Self>, digest: KeyDigest) -> Answer<'static, Result<Option<KeyRow>, Error>>;
    fn keys_of(self: Arc<Self>, owner: PrincipalId) -> Answer<'static, Result<Vec<KeyRow>, Error>>;
    fn end(
        self: Arc<Self>,
        owner: PrincipalId,
        id: String,
        at: SystemTime,
        now: SystemTime,
    ) -> Answer<'static, Result<Option<KeyRow>, Error>>;
    fn note_uses(self: Arc<Self>, uses: Arc<[KeyUse]>) -> Answer<'static, Result<(), Error>>;
}

impl<S: KeyStore> AnyKeyStore for S {
    fn add(self: Arc<Self>, key: KeyRow) -> Answer<'static, Result<(), Error>> {
        Answer::later(async move { KeyStore::add(&*self, key).await })
    }

    fn find(self: Arc<Self>, digest: KeyDigest) -> Answer<'static, Result<Option<KeyRow>, Error>> {
        Answer::begin(async move { KeyStore::find(&*self, &digest).await })
    }

    fn keys_of(self: Arc<Self>, owner: PrincipalId) -> Answer<'static, Result<Vec<KeyRow>, Error>> {
        Answer::later(async move { KeyStore::keys_of(&*self, &owner).await })
    }

    fn end(
        self: Arc<Self>,
        owner: PrincipalId,
        id: String,
        at: SystemTime,
        now: SystemTime,
    ) -> Answer<'static, Result<Option<KeyRow>, Error>> {
        Answer::later(async move { KeyStore::end(&*self, &owner, &id, at, now).await })
    }

    fn note_uses(self: Arc<Self>, uses: Arc<[KeyUse]>) -> Answer<'static, Result<(), Error>> {
        Answer::later(async move { KeyStore::note_uses(&*self, &uses).await })
    }
}
