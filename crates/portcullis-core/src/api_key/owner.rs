//! What an owner does with its keys.

use super::{ApiKeys, KeyDigest, KeyRow};
use crate::{
    error::{Error, ErrorKind},
    jwt::base64url,
    principal::{Principal, PrincipalId, PrincipalKind},
    rights::KeyScopes,
};
use aws_lc_rs::rand;
use std::{
    fmt,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// A key to be made: see [`OwnerKeys::create`].
#[derive(Clone)]
#[must_use = "no key is made before it is given to `create`"]
pub struct NewKey {
    name: String,
    scopes: KeyScopes,
    expires_at: Option<SystemTime>,
    organization: Option<String>,
}

impl NewKey {
    /// A key with this name and these scopes, without an expiry.
    pub fn new(name: impl Into<String>, scopes: KeyScopes) -> Self {
        Self { name: name.into(), scopes, expires_at: None, organization: None }
    }

    /// With this expiry.
    pub fn expires_at(self, expiry: SystemTime) -> Self {
        Self { expires_at: Some(expiry), ..self }
    }

    /// For this organization only: it becomes that of the [principal](Principal::organization).
    pub fn organization(self, id: impl ToString) -> Self {
        Self { organization: Some(id.to_string()), ..self }
    }
}

/// Does not show the name, which its owner chose.
impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// A new key, with its text. The text is not stored, so show it to the owner now.
#[derive(Clone)]
pub struct ApiKey {
    text: Zeroizing<String>,
    row: KeyRow,
}

impl ApiKey {
    /// The text, which whoever has it can use.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key as it is stored.
    #[must_use]
    pub fn row(&self) -> &KeyRow {
        &self.row
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("row", &self.row).finish_non_exhaustive()
    }
}

/// The keys of one owner. Made by [`ApiKeys::of`].
#[derive(Debug, Clone)]
pub struct OwnerKeys {
    keys: ApiKeys,
    owner: PrincipalId,
}

impl ApiKeys {
    /// The keys of a signed-in caller, to create, list, rotate and withdraw them.
    ///
    /// The owner is whom the request was authenticated for, and never a name from a body. A key makes no keys: otherwise one that
    /// leaked would outlive its withdrawal.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] (403, `not_for_keys`) if the caller is a key.
    pub fn of(&self, who: &Principal) -> Result<OwnerKeys, Error> {
        match who.kind() {
            PrincipalKind::Key => Err(Error::denied("not_for_keys")),
            _ => Ok(OwnerKeys { keys: self.clone(), owner: who.id().clone() }),
        }
    }

    /// The keys of any owner: for administration, and for programs that make keys for others. Who may call it is for the policy of
    /// the route.
    #[must_use]
    pub fn of_owner(&self, owner: PrincipalId) -> OwnerKeys {
        OwnerKeys { keys: self.clone(), owner }
    }
}

impl OwnerKeys {
    /// Makes a key.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] (400, `invalid_expiry`) if it would have expired already, and as the store returns.
    pub async fn create(&self, key: NewKey) -> Result<ApiKey, Error> {
        let now = self.keys.now();
        if key.expires_at.is_some_and(|expiry| expiry <= now) {
            let detail = "a key was asked for that would have expired already";
            return Err(Error::new(ErrorKind::Rejected, detail).with_code("invalid_expiry"));
        }
        self.add(key, now).await
    }

    async fn add(&self, key: NewKey, now: SystemTime) -> Result<ApiKey, Error> {
        let NewKey { name, scopes, expires_at, organization } = key;
        let text = self.keys.format().random()?;
        let mut id = [0; 16];
        rand::fill(&mut id)
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the system gave no random bytes for a key"))?;
        let row = KeyRow {
            id: base64url::encode(&id),
            digest: KeyDigest::of(&text),
            owner: self.owner.clone(),
            organization,
            name,
            start: self.keys.format().start(&text),
            scopes,
            created_at: now,
            expires_at,
            withdrawn_at: None,
            used_at: None,
            uses: 0,
        };
        self.keys.store().add(row.clone()).await?;
        Ok(ApiKey { text, row })
    }

    /// Makes a key in place of another, with its name, scopes, organization and expiry. The other one ends after the overlap, or
    /// earlier if it would have.
    ///
    /// # Errors
    /// [`ErrorKind::Hidden`] (404) if the owner has no valid key with this id, and as the store returns. If the new key could not
    /// be stored, the other one still ends after the overlap: try again within it.
    pub async fn rotate(&self, id: &str, overlap: Duration) -> Result<ApiKey, Error> {
        let now = self.keys.now();
        let too_long =
            || Error::new(ErrorKind::Rejected, "the overlap of two keys is too long").with_code("invalid_overlap");
        let old = self.end(id, now.checked_add(overlap).ok_or_else(too_long)?, now).await?;
        let KeyRow { name, scopes, expires_at, organization, .. } = old;
        self.add(NewKey { name, scopes, expires_at, organization }, now).await
    }

    /// Withdraws a key: the next request with it is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Hidden`] (404) if the owner has no valid key with this id, and as the store returns.
    pub async fn withdraw(&self, id: &str) -> Result<(), Error> {
        let now = self.keys.now();
        self.end(id, now, now).await.map(drop)
    }

    /// Withdraws all keys of the owner: before a new one where an owner has one key, or with its account.
    ///
    /// # Errors
    /// As the store returns. Some are then withdrawn already.
    pub async fn withdraw_all(&self) -> Result<(), Error> {
        let now = self.keys.now();
        for key in self.list().await?.into_iter().filter(|key| key.is_valid_at(now)) {
            self.keys.store().end(self.owner.clone(), key.id, now, now).await?;
        }
        Ok(())
    }

    async fn end(&self, id: &str, at: SystemTime, now: SystemTime) -> Result<KeyRow, Error> {
        let ended = self.keys.store().end(self.owner.clone(), id.to_owned(), at, now).await?;
        ended.ok_or_else(|| Error::missing("key"))
    }

    /// All keys of the owner, newest first. Those that have ended are among them until the store removes them.
    ///
    /// # Errors
    /// As the store returns.
    pub async fn list(&self) -> Result<Vec<KeyRow>, Error> {
        self.keys.store().keys_of(self.owner.clone()).await
    }
}
