//! Access tokens of Auth0 for an API, verified with the keys of the tenant.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::auth0;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://shop.eu.auth0.com/";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |audience: &str| tester.token("auth0|alice").claim("aud", audience).sign();
//! // In a service: `auth0::keys("shop.eu.auth0.com", client)?`
//! let api = auth0::api("shop.eu.auth0.com", "https://api.example.com", keys)?;
//! let verifier = Jwt::new(api).clock(clock);
//! assert!(verifier.verify(&token("https://api.example.com")).is_ok());
//! assert!(verifier.verify(&token("https://billing.example.com")).is_err());
//! # Ok(()) }
//! ```
//!
//! The domain is that of the tenant, or a domain of one's own. The permissions are `permissions`, if RBAC is on and adds them to the
//! token; the scopes are `scope`, and the organization is `org_id`. The principal of a machine-to-machine token is a
//! service: `gty` says so, or the subject, which is the client's own id and `@clients`. Roles are no part of a token unless an
//! Action adds them, under a name of your choice: [`Issuer::claim_map`] reads them, and replaces the map of this module.
//!
//! Everything is verified here, and only the [keys] are fetched. A user who lost a permission keeps it until the token expires, after a day
//! by default.

use crate::parts::{claims, is_host, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, PrincipalKind, RemoteKeys};

/// Accepts the access tokens for the API with this identifier.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `domain` is no host in lower case, the
/// identifier is empty, or there is no RSA key.
pub fn api(domain: &str, identifier: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().permissions("permissions")?.scopes("scope")?.organization("org_id")?;
    let issuer = Issuer::new(name(domain)?, Audience::is(identifier), [Algorithm::Rs256], keys)?;
    Ok(issuer.claim_map(map).finish(|principal| {
        let claims = claims(&principal)?;
        let text = |name: &str| claims.get::<String>(name);
        // The profile of RFC 9068 has no `gty`, and calls the client `client_id`.
        let client = principal.id().subject().strip_suffix("@clients");
        let is_own = client.is_some() && [text("azp")?, text("client_id")?].iter().any(|id| id.as_deref() == client);
        let is_program = is_own || text("gty")?.as_deref() == Some("client-credentials");
        Ok(if is_program { principal.with_kind(PrincipalKind::Service) } else { principal })
    }))
}

/// The keys of a tenant, fetched with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `domain` is no host in lower case.
pub fn keys(domain: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}.well-known/jwks.json", name(domain)?), client)
}

fn name(domain: &str) -> Result<String, Error> {
    match is_host(domain) {
        true => Ok(format!("https://{domain}/")),
        false => Err(misconfigured("the domain of a tenant of Auth0 is a host in lower case")),
    }
}
