//! Access tokens of a custom authorization server of Okta, verified with its keys.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::okta;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://shop.okta.com/oauth2/default";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |audience: &str| {
//! #     tester.token("alice@example.com").claim("aud", audience).claim("uid", "00u1").sign()
//! # };
//! // In a service: `okta::keys("shop.okta.com", "default", client)?`
//! let server = okta::server("shop.okta.com", "default", "api://default", keys)?;
//! let verifier = Jwt::new(server).clock(clock);
//! assert!(verifier.verify(&token("api://default")).is_ok());
//! assert!(verifier.verify(&token("api://billing")).is_err());
//! # Ok(()) }
//! ```
//!
//! The subject of a user is `uid`, because `sub` is a login name that can change. The principal of an application is a service
//! with `cid` as its subject. The scopes are `scp`. The roles are `groups`, if the server is set up to add that claim. Tokens of
//! the organization's own server are for Okta's APIs, and nobody else can verify them.
//!
//! Everything is verified here, and only the [keys] are fetched. A user who was signed out or lost a group keeps what the token says until
//! it expires, after an hour by default.

use crate::parts::{is_host, is_name, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, RemoteKeys};

/// Accepts the access tokens of an authorization server, such as `default`, for this audience.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `domain` is no host in lower case, `server` is no
/// identifier, the audience is empty, or there is no RSA key.
pub fn server(domain: &str, server: &str, audience: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().subject("uid")?.or_subject("cid")?.scopes("scp")?.roles("groups")?;
    let issuer = Issuer::new(name(domain, server)?, Audience::is(audience), [Algorithm::Rs256], keys)?;
    Ok(issuer.claim_map(map))
}

/// The keys of an authorization server, fetched with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as for [`server`].
pub fn keys(domain: &str, server: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/v1/keys", name(domain, server)?), client)
}

fn name(domain: &str, server: &str) -> Result<String, Error> {
    match is_host(domain) && is_name(server) && !server.is_empty() {
        true => Ok(format!("https://{domain}/oauth2/{server}")),
        false => Err(misconfigured("an authorization server of Okta is a host in lower case and an identifier")),
    }
}
