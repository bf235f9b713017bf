//! API keys of users.

use crate::{accounts::Accounts, error::Error, event::Event};
use portcullis_core::{ApiKey, KeyRow, NewKey, OwnerKeys, Principal};

impl Accounts {
    /// Makes an API key of a signed-in user: see [`AccountsBuilder::keys`](crate::AccountsBuilder::keys).
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without keys of the builder. `not_for_keys` (403) if the caller is a key: a key makes no keys.
    /// [`Error::NotFound`] if the caller is no user of these accounts, [`Error::Disabled`], [`Error::Store`], and those of
    /// [`OwnerKeys::create`].
    pub async fn add_key(&self, who: &Principal, key: NewKey) -> Result<ApiKey, Error> {
        let key = self.own_keys(who).await?.create(key).await?;
        tracing::info!(target: "portcullis", key = key.row().id, "an API key was made");
        self.event(Event::KeyAdded { owner: who.id().clone(), key: key.row().id.clone() });
        Ok(key)
    }

    /// The API keys of a signed-in user, newest first, also those that have ended.
    ///
    /// # Errors
    /// As [`add_key`](Self::add_key).
    pub async fn keys(&self, who: &Principal) -> Result<Vec<KeyRow>, Error> {
        Ok(self.own_keys(who).await?.list().await?)
    }

    /// Withdraws an API key of a signed-in user: the next request with it is refused.
    ///
    /// # Errors
    /// As [`add_key`](Self::add_key), and not found (404) if the user has no valid key with this id.
    pub async fn withdraw_key(&self, who: &Principal, id: &str) -> Result<(), Error> {
        self.own_keys(who).await?.withdraw(id).await?;
        tracing::info!(target: "portcullis", key = id, "an API key was withdrawn");
        self.event(Event::KeyWithdrawn { owner: who.id().clone(), key: id.to_owned() });
        Ok(())
    }

    async fn own_keys(&self, who: &Principal) -> Result<OwnerKeys, Error> {
        let keys = self.0.keys.as_ref().ok_or(Error::NotEnabled("API keys"))?.of(who)?;
        self.user(who).await?;
        Ok(keys)
    }
}
