//! Access tokens of Keycloak, verified with the keys of the realm.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::keycloak;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//! # use serde_json::json;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://id.example.com/realms/shop";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |audience: &str| {
//! #     tester.token("alice").claim("aud", json!(["account", audience])).claim("typ", "Bearer").sign()
//! # };
//! let base = "https://id.example.com";
//! // In a service: `keycloak::keys("http://keycloak:8080", "shop", client)?`
//! let realm = keycloak::client_roles(base, "shop", "orders-api", keys)?;
//! let verifier = Jwt::new(realm).clock(clock);
//! assert!(verifier.verify(&token("orders-api")).is_ok());
//! assert!(verifier.verify(&token("billing-api")).is_err());
//! # Ok(()) }
//! ```
//!
//! The audience is the client of the API, which has to be in `aud`: add the client scope of its roles, or an audience mapper, at
//! Keycloak. The scopes are `scope`, and the session is `sid`. Realm roles and client roles can have the same names, so the
//! roles are those of [the client](client_roles) or those of [the realm](realm_roles). ID and refresh tokens are refused, by `typ`.
//! Several realms are several issuers of one [`Jwt`](portcullis_core::Jwt).
//!
//! Everything is verified here, and only the [keys] are fetched, also from an internal address. A user who was signed out or lost a
//! role keeps what the token says until it expires, after five minutes by default.

use crate::parts::{base, is_name, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, RemoteKeys, Rules};

/// Accepts the access tokens of a realm for this client, with the roles of the client. `address` is the public address of
/// Keycloak, as users see it.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the address is none, a name has other characters
/// than letters, digits, `-`, `_` and `.`, or there is no RSA key.
pub fn client_roles(address: &str, realm: &str, client: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().roles(format!("/resource_access/{}/roles", checked(client)?))?;
    issuer(address, realm, client, map, keys)
}

/// Accepts the access tokens of a realm for this client, with the roles of the realm.
///
/// ```
/// # use portcullis_core::{Algorithm, testing::TestIssuer};
/// # use portcullis_providers::keycloak;
/// # let keys = TestIssuer::with_algorithm(Algorithm::Rs256).signing_key().key();
/// let base = "https://id.example.com";
/// assert!(keycloak::realm_roles(base, "shop", "orders-api", keys.clone()).is_ok());
/// assert!(keycloak::realm_roles(base, "a/../b", "orders-api", keys).is_err());
/// ```
///
/// # Errors
/// As [`client_roles`].
pub fn realm_roles(address: &str, realm: &str, client: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    issuer(address, realm, client, ClaimMap::new().roles("/realm_access/roles")?, keys)
}

/// The keys of a realm, fetched with this client. The address can be an internal one.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as for [`client_roles`].
pub fn keys(address: &str, realm: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/protocol/openid-connect/certs", name(address, realm)?), client)
}

fn issuer(
    address: &str,
    realm: &str,
    client: &str,
    map: ClaimMap,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    let audience = Audience::is(checked(client)?);
    let issuer = Issuer::new(name(address, realm)?, audience, [Algorithm::Rs256], keys)?;
    Ok(issuer.claim_map(map.scopes("scope")?).rules(Rules::new().require("typ", "Bearer")?))
}

fn name(address: &str, realm: &str) -> Result<String, Error> {
    Ok(format!("{}/realms/{}", base("the address of Keycloak", address)?, checked(realm)?))
}

fn checked(name: &str) -> Result<&str, Error> {
    match is_name(name) && !name.is_empty() {
        true => Ok(name),
        false => Err(misconfigured("the name of a realm or a client of Keycloak is letters, digits, `-`, `_` and `.`")),
    }
}
