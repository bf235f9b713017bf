//! Access tokens of Zitadel in the form of JWTs, verified with the keys of the instance.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::zitadel;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//! # use serde_json::json;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://shop.zitadel.cloud";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |project: &str| tester.token("1").claim("aud", json!(["2", project])).sign();
//! // In a service: `zitadel::keys("https://shop.zitadel.cloud", client)?`
//! let project = zitadel::project("https://shop.zitadel.cloud", "69234237810729019", keys)?;
//! let verifier = Jwt::new(project).clock(clock);
//! assert!(verifier.verify(&token("69234237810729019")).is_ok());
//! assert!(verifier.verify(&token("69234237810729020")).is_err());
//! # Ok(()) }
//! ```
//!
//! The audience is the project, so clients ask for the scope `urn:zitadel:iam:org:project:id:{project}:aud`, and for
//! `urn:zitadel:iam:org:projects:roles` to get roles. The roles are those that the user has in this project, in whatever
//! organization they were granted. The organization is the user's own, if the client asks for
//! `urn:zitadel:iam:user:resourceowner`. The scopes are `scope`. Zitadel's opaque tokens need
//! [`Introspection`](portcullis_core::Introspection).
//!
//! Everything is verified here, and only the [keys] are fetched. A user who was signed out or lost a role keeps what the token says until
//! it expires, after twelve hours by default.

use crate::parts::{base, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, RemoteKeys};

/// Accepts the access tokens of an instance for this project, with the roles in it.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `instance` is no address, `project` is no number, or
/// there is no RSA key.
pub fn project(instance: &str, project: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    if project.is_empty() || !project.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(misconfigured("a project of Zitadel is named by its number"));
    }
    let map = ClaimMap::new().roles(format!("urn:zitadel:iam:org:project:{project}:roles"))?.scopes("scope")?;
    let map = map.organization("urn:zitadel:iam:user:resourceowner:id")?;
    Ok(Issuer::new(name(instance)?, Audience::is(project), [Algorithm::Rs256], keys)?.claim_map(map))
}

/// The keys of an instance, fetched with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `instance` is no address.
pub fn keys(instance: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/oauth/v2/keys", name(instance)?), client)
}

fn name(instance: &str) -> Result<&str, Error> {
    base("the instance of Zitadel", instance)
}
