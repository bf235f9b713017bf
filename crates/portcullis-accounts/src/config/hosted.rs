//! What `auth.cognito` and `auth.clerk` say.

use super::section::Section;
use crate::error::Error;
use std::fmt;
use zeroize::Zeroizing;

/// What `auth.cognito` says: see [`Config`](super::Config).
#[derive(Clone)]
pub struct CognitoConfig {
    pool: String,
    clients: Vec<String>,
    secret: Option<Zeroizing<String>>,
    default_role: Option<String>,
}

impl CognitoConfig {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, Error> {
        let pool = section.text("user_pool_id")?;
        let clients = section.text_or_texts("client_id")?.filter(|clients| !clients.is_empty());
        let this = Self {
            pool: section.require("user_pool_id", pool)?,
            clients: section.require("client_id", clients)?,
            secret: section.text("client_secret")?.map(Zeroizing::new),
            default_role: section.text("default_role")?,
        };
        section.end()?;
        Ok(this)
    }

    /// The identifier of the pool.
    #[must_use]
    pub fn user_pool_id(&self) -> &str {
        &self.pool
    }

    /// The app clients whose tokens are accepted.
    #[must_use]
    pub fn client_ids(&self) -> &[String] {
        &self.clients
    }

    /// The secret of the app client.
    #[must_use]
    pub fn client_secret(&self) -> Option<&str> {
        self.secret.as_deref().map(String::as_str)
    }

    /// The role of users who have none.
    #[must_use]
    pub fn default_role(&self) -> Option<&str> {
        self.default_role.as_deref()
    }
}

impl fmt::Debug for CognitoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CognitoConfig(..)")
    }
}

/// What `auth.clerk` says: see [`Config`](super::Config).
#[derive(Clone)]
pub struct ClerkConfig {
    publishable_key: String,
    secret_key: Option<Zeroizing<String>>,
    parties: Vec<String>,
    default_role: Option<String>,
}

impl ClerkConfig {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, Error> {
        let key = section.text("publishable_key")?;
        let parties = section.texts("authorized_parties")?.filter(|parties| !parties.is_empty());
        let this = Self {
            publishable_key: section.require("publishable_key", key)?,
            secret_key: section.text("secret_key")?.map(Zeroizing::new),
            parties: section.require("authorized_parties", parties)?,
            default_role: section.text("default_role")?,
        };
        section.end()?;
        Ok(this)
    }

    /// The key that names the instance, which is public.
    #[must_use]
    pub fn publishable_key(&self) -> &str {
        &self.publishable_key
    }

    /// The secret key.
    #[must_use]
    pub fn secret_key(&self) -> Option<&str> {
        self.secret_key.as_deref().map(String::as_str)
    }

    /// The origins of the pages whose sessions are accepted.
    #[must_use]
    pub fn authorized_parties(&self) -> &[String] {
        &self.parties
    }

    /// The role of users who have none.
    #[must_use]
    pub fn default_role(&self) -> Option<&str> {
        self.default_role.as_deref()
    }
}

impl fmt::Debug for ClerkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClerkConfig(..)")
    }
}
