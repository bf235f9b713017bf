//! ID tokens of Firebase Authentication, verified with Google's keys.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::firebase;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://securetoken.google.com/shop-1234";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |project: &str| {
//! #     tester.token("alice").claim("aud", project).claim("auth_time", tester.clock().seconds()).sign()
//! # };
//! // In a service: `firebase::keys(client)?`
//! let verifier = Jwt::new(firebase::users("shop-1234", keys)?).clock(clock);
//! assert!(verifier.verify(&token("shop-1234")).is_ok());
//! assert!(verifier.verify(&token("another")).is_err());
//! # Ok(()) }
//! ```
//!
//! The subject is `sub`, and the organization is the tenant of Identity Platform, if there is one. Roles are custom claims under names
//! of your choice: [`Issuer::claim_map`] reads them, and replaces the map of this module. All projects share Google's keys, so what tells them apart is the audience and
//! the issuer, which are the project. Firebase's session cookies are other tokens, and refused.
//!
//! Google publishes the keys as certificates and as a JWK set, at two addresses. [`keys`] reads the set.
//!
//! Everything is verified here, and only the keys are fetched. A user who was disabled or signed out is accepted until the token expires,
//! after an hour.

use crate::parts::{claims, invalid, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, RemoteKeys};
use serde::de::IgnoredAny;

/// Accepts the ID tokens of the users of a project, by its identifier.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no identifier of a project, or there is
/// no RSA key.
pub fn users(project: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let is_project = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if project.is_empty() || !project.bytes().all(is_project) {
        return Err(misconfigured("the identifier of a Firebase project is lower-case letters, digits and `-`"));
    }
    let name = format!("https://securetoken.google.com/{project}");
    let issuer = Issuer::new(name, Audience::is(project), [Algorithm::Rs256], keys)?;
    let issuer = issuer.claim_map(ClaimMap::new().organization("/firebase/tenant")?);
    Ok(issuer.finish(|principal| match claims(&principal)?.get::<IgnoredAny>("auth_time")? {
        Some(_) => Ok(principal),
        None => Err(invalid("the token has no `auth_time`, so nobody has signed in")),
    }))
}

/// The keys of Firebase Authentication, fetched with this client.
///
/// # Errors
/// None that can happen.
pub fn keys(client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        client,
    )
}
