//! What `google_oauth` and `oidc` say.

use super::{Config, section::Section};
use crate::{builder::AccountsBuilder, error::Error};
use portcullis_core::HttpClient;
use portcullis_sign_in::Provider;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A provider as a file names it.
#[derive(Clone)]
pub(super) struct NamedProvider {
    name: String,
    issuer: String,
    client_id: String,
    secret: Option<Zeroizing<String>>,
    redirect_uri: String,
    scopes: Vec<String>,
    is_linked_only: bool,
}

pub(super) fn read(section: &mut Section<'_>) -> Result<Vec<NamedProvider>, Error> {
    let mut found = Vec::new();
    if let Some(google) = section.section("google_oauth")? {
        found.push(provider("google", Some("https://accounts.google.com"), google)?);
    }
    if let Some(mut others) = section.section("oidc")? {
        for name in others.keys() {
            if let Some(other) = others.section(&name)? {
                found.push(provider(&name, None, other)?);
            }
        }
        others.end()?;
    }
    Ok(found)
}

fn provider(name: &str, issuer: Option<&str>, mut section: Section<'_>) -> Result<NamedProvider, Error> {
    let mut required = |key| {
        let text = section.text(key)?;
        section.require(key, text)
    };
    let issuer = issuer.map_or_else(|| required("issuer"), |issuer| Ok(issuer.to_owned()))?;
    let (client_id, redirect_uri) = (required("client_id")?, required("redirect_uri")?);
    let scopes = section.texts("scopes")?.unwrap_or_else(|| vec!["email".to_owned()]);
    let named = NamedProvider {
        name: name.to_owned(),
        issuer,
        client_id,
        secret: section.text("client_secret")?.map(Zeroizing::new),
        redirect_uri,
        // The provider has it already.
        scopes: scopes.into_iter().filter(|scope| scope != "openid").collect(),
        is_linked_only: section.flag("linked_only")?.unwrap_or(false),
    };
    section.end()?;
    Ok(named)
}

impl AccountsBuilder {
    /// With the providers that a file names, which this client asks: `google_oauth` and `oidc`. Without it,
    /// [`build`](Self::build) refuses a file that names some.
    ///
    /// ```
    /// # use portcullis_core::testing::TestIssuer;
    /// use portcullis_accounts::{Accounts, Config, store::MemoryStore};
    ///
    /// # fn main() -> Result<(), portcullis_accounts::Error> {
    /// let text = r#"
    ///     [auth.native]
    ///     enable_confirmation = false
    ///     jwt.secret = "$JWT_SECRET"
    ///
    ///     [auth.native.google_oauth]
    ///     client_id = "shop.apps.googleusercontent.com"
    ///     client_secret = "$GOOGLE_SECRET"
    ///     redirect_uri = "https://shop.example.com/auth/oauth/google/callback"
    /// "#;
    /// let env = |_: &str| Some("a-secret-of-at-least-thirty-two-bytes".to_owned());
    /// let config = Config::parse(text, env)?;
    /// let builder = || Accounts::from_config(&config, MemoryStore::new());
    /// # let client = TestIssuer::new(); // in a service `Client` of `portcullis-reqwest`
    /// assert!(builder()?.with_providers(&config, client)?.build().is_ok());
    /// assert!(builder()?.build().is_err()); // nobody asks Google
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] of kind [`Misconfigured`](portcullis_core::ErrorKind::Misconfigured) for an issuer that is no address.
    pub fn with_providers(mut self, config: &Config, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let client: Arc<dyn HttpClient> = Arc::new(client);
        for named in config.native().map(|native| native.providers.clone()).unwrap_or_default() {
            let provider = Provider::new(named.issuer, named.client_id, client.clone())?.scopes(named.scopes);
            let provider = match named.secret {
                Some(secret) => provider.secret(secret.as_str()),
                None => provider,
            };
            self = match named.is_linked_only {
                true => self.linked_provider(named.name, provider, named.redirect_uri),
                false => self.provider(named.name, provider, named.redirect_uri),
            };
        }
        Ok(self)
    }
}
