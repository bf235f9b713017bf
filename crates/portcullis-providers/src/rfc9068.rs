//! Access tokens in the profile of RFC 9068, of any authorization server that issues them.
//!
//! ```
//! use portcullis_core::{Algorithm, Audience, Jwt};
//! use portcullis_providers::rfc9068;
//! # use portcullis_core::testing::TestIssuer;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let tester = TestIssuer::new().named("https://id.example.com").for_audience("orders");
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = tester.token("alice").claim("client_id", "web").claim("jti", "1");
//! let name = "https://id.example.com";
//! // In a service: `RemoteKeys::discover(name, client)?`, or `discover_oauth`
//! let issuer =
//!     rfc9068::access_tokens(name, Audience::is("orders"), [Algorithm::Es256], keys)?;
//! let verifier = Jwt::new(issuer).clock(clock);
//! assert!(verifier.verify(&token.clone().header("typ", "at+jwt").sign()).is_ok());
//! assert!(verifier.verify(&token.header("typ", "JWT").sign()).is_err());
//! # Ok(()) }
//! ```
//!
//! The type of the header has to be `at+jwt` (section 2.1), and `sub`, `client_id`, `iat`, `jti`, `exp` and `aud` have to be there
//! (section 2.2). The scopes are `scope` (section 2.2.3), and the roles are `roles` (section 2.2.3.1). Where `sub` equals
//! `client_id`, nobody but the client is involved (section 2.2), and the principal is a service.

use crate::parts::invalid;
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, Issuer, KeySource, Principal, PrincipalKind};
use serde::Deserialize;
use std::sync::Arc;

/// Accepts the access tokens of an authorization server for this audience.
///
/// # Errors
/// As [`Issuer::new`].
pub fn access_tokens(
    issuer: impl Into<Arc<str>>,
    audience: Audience,
    algorithms: impl IntoIterator<Item = Algorithm>,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    let map = ClaimMap::new().scopes("scope")?.roles("roles")?;
    Ok(Issuer::new(issuer, audience, algorithms, keys)?.token_type("at+jwt").claim_map(map).finish(complete))
}

#[derive(Deserialize)]
struct Required {
    sub: Option<String>,
    client_id: Option<String>,
    jti: Option<String>,
    iat: Option<f64>,
}

fn complete(principal: Principal) -> Result<Principal, Error> {
    let Required { sub, client_id, jti, iat } = principal.claims()?;
    for (name, is_there) in
        [("sub", sub.is_some()), ("client_id", client_id.is_some()), ("jti", jti.is_some()), ("iat", iat.is_some())]
    {
        if !is_there {
            return Err(invalid(format!("the token has no `{name}`, which RFC 9068 requires")));
        }
    }
    Ok(if sub == client_id { principal.with_kind(PrincipalKind::Service) } else { principal })
}
