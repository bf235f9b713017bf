//! Access tokens of Supabase Auth, verified with the keys of the project.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::supabase;
//! # use portcullis_core::testing::TestIssuer;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let tester = TestIssuer::new().named("https://abcdefghijklmnopqrst.supabase.co/auth/v1");
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |audience: &str| tester.token("alice").claim("aud", audience).sign();
//! let project = "https://abcdefghijklmnopqrst.supabase.co";
//! // In a service: `supabase::keys(project, client)?`
//! let verifier = Jwt::new(supabase::users(project, keys)?).clock(clock);
//! assert!(verifier.verify(&token("authenticated")).is_ok());
//! assert!(verifier.verify(&token("anon")).is_err());
//! # Ok(()) }
//! ```
//!
//! The subject is `sub`, the role is the database role in `role`, and the session is `session_id`. Users who signed in
//! anonymously have the role `authenticated` too; a policy tells them apart by the claim `is_anonymous`. The keys of the
//! project itself, `anon` and `service_role`, are refused.
//!
//! Projects sign with ES256, and older ones with a secret: see [`users_by_secret`]. Roles of one's own belong in `app_metadata`,
//! or into a claim that a hook adds; [`Issuer::claim_map`] reads them, and replaces the map of this module. What is in `user_metadata` is written by the users themselves.
//!
//! Everything is verified here, and only the [keys] are fetched. A session that was ended is accepted until its token expires, after
//! an hour by default.

use crate::parts::base;
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, Key, KeySource, RemoteKeys};

/// Accepts the access tokens of the users of a project, by its address.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no address, or there is no key for ES256.
pub fn users(project: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    issuer(project, Algorithm::Es256, keys)
}

/// Accepts the access tokens of the users of a project that still signs with its JWT secret. Whoever knows the secret can
/// make tokens.
///
/// ```
/// # use portcullis_providers::supabase;
/// let project = "https://abcdefghijklmnopqrst.supabase.co";
/// assert!(
///     supabase::users_by_secret(project, "the JWT secret of a project, in its settings").is_ok()
/// );
/// assert!(supabase::users_by_secret(project, "short").is_err());
/// ```
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no address, or the secret is too
/// short.
pub fn users_by_secret(project: &str, secret: impl AsRef<[u8]>) -> Result<Issuer, Error> {
    issuer(project, Algorithm::Hs256, Key::secret(Algorithm::Hs256, secret)?)
}

/// The keys of a project, fetched with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no address.
pub fn keys(project: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/.well-known/jwks.json", name(project)?), client)
}

fn issuer(project: &str, algorithm: Algorithm, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().roles("role")?.session("session_id")?;
    Ok(Issuer::new(name(project)?, Audience::is("authenticated"), [algorithm], keys)?.claim_map(map))
}

fn name(project: &str) -> Result<String, Error> {
    Ok(format!("{}/auth/v1", base("the address of the Supabase project", project)?))
}
