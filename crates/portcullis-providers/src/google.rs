//! ID tokens of Google, verified with its keys.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::google;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://accounts.google.com";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |domain: &str| tester.token("1").claim("aud", "web").claim("hd", domain).sign();
//! // In a service: `google::keys(client)?`
//! let workspace = google::workspace("example.com", ["web"], keys)?;
//! let verifier = Jwt::new(workspace).clock(clock);
//! assert!(verifier.verify(&token("example.com")).is_ok());
//! assert!(verifier.verify(&token("example.net")).is_err());
//! # Ok(()) }
//! ```
//!
//! Google has an account for everybody. Choose whose are accepted: those of [a Workspace domain](workspace), by the claim `hd`, or
//! [any](any_account). The domain in an email address says nothing about that.
//!
//! The subject is `sub`, and the organization is `hd`. Google writes its name as `https://accounts.google.com` and as
//! `accounts.google.com`; both are one issuer. Its access tokens are opaque and not for services.
//!
//! Everything is verified here, and only the [keys] are fetched. An account that was closed is accepted until its token expires, after an
//! hour.

use crate::parts::{is_host, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, RemoteKeys, Rules};

/// Accepts the ID tokens of accounts in this Workspace domain, for these client IDs.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `domain` is no host in lower case, a client ID
/// is empty, there is none, or there is no RSA key.
pub fn workspace<S: Into<String>>(
    domain: &str,
    clients: impl IntoIterator<Item = S>,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    match is_host(domain) {
        true => Ok(any_account(clients, keys)?.rules(Rules::new().require("hd", domain)?)),
        false => Err(misconfigured("the domain of a Google Workspace is a host in lower case")),
    }
}

/// Accepts the ID tokens of any Google account, for these client IDs.
///
/// ```
/// # use portcullis_core::{Algorithm, Jwt, testing::TestIssuer};
/// # use portcullis_providers::google;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let name = "https://accounts.google.com";
/// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
/// # let keys = tester.signing_key().key();
/// let verifier = Jwt::new(google::any_account(["web"], keys)?).clock(tester.clock());
/// let token = tester.token("1").claim("aud", "web");
/// assert!(verifier.verify(&token.clone().sign()).is_ok());
/// assert!(verifier.verify(&token.clone().claim("iss", "accounts.google.com").sign()).is_ok());
/// assert!(verifier.verify(&token.claim("aud", "another").sign()).is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`workspace`].
pub fn any_account<S: Into<String>>(
    clients: impl IntoIterator<Item = S>,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    let name = "https://accounts.google.com";
    let issuer = Issuer::new(name, Audience::any_of(clients), [Algorithm::Rs256], keys)?;
    Ok(issuer.also_called("accounts.google.com")?.claim_map(ClaimMap::new().organization("hd")?))
}

/// The keys of Google, fetched with this client.
///
/// # Errors
/// None that can happen.
pub fn keys(client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks("https://www.googleapis.com/oauth2/v3/certs", client)
}
