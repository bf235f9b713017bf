//! Session tokens of Stytch, verified with the keys of the project.
//!
//! ```
//! use portcullis_core::{Gate, Jwt, Scheme};
//! use portcullis_providers::stytch;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//! # use serde_json::json;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "stytch.com/project-test-11111111-1111-4111-8111-111111111111";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |project: &str| {
//! #     let session = json!({ "id": "session-test-1", "expires_at": null });
//! #     let token = tester.token("user-test-1").claim("aud", json!([project]));
//! #     token.claim("https://stytch.com/session", session).sign()
//! # };
//! let project = "project-test-11111111-1111-4111-8111-111111111111";
//! // In a service: `stytch::keys(project, client)?`
//! let verifier = Jwt::new(stytch::sessions(project, keys)?).clock(clock.clone());
//! assert!(verifier.verify(&token(project)).is_ok());
//! assert!(verifier.verify(&token("project-live-22222222-1111-4111-8111-1111")).is_err());
//!
//! let scheme = Scheme::new(verifier).bearer().cookie("stytch_session_jwt");
//! let gate = Gate::builder().clock(clock).scheme(scheme).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! The subject is `sub`, the roles and the session are those of the claim `https://stytch.com/session`, and the
//! organization of B2B projects is that of `https://stytch.com/organization`. Custom claims stay readable. What a role of
//! Stytch's RBAC policy allows is said by a [`RoleHierarchy`](portcullis_core::RoleHierarchy) with the same names.
//!
//! Everything is verified here, and only the keys are fetched. A token ends five minutes after it was issued, or with its
//! session if that ends earlier. A session that was revoked at Stytch is valid here until its token ends; with
//! [`Issuer::max_token_age`] sooner. A project with a domain of its own writes it into `iss`: add it with
//! [`Issuer::also_called`].

use crate::parts::{claims, invalid, is_uuid, misconfigured};
use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, Principal, RemoteKeys};
use serde::Deserialize;
use std::time::SystemTime;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const SESSION: &str = "https://stytch.com/session";
const ORGANIZATION: &str = "https://stytch.com/organization";

/// Accepts the sessions of a consumer project.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no identifier of a project, or there is
/// no RSA key.
pub fn sessions(project: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    stage(project)?;
    let map = ClaimMap::new().roles("/https:~1~1stytch.com~1session/roles")?;
    let map = map.session("/https:~1~1stytch.com~1session/id")?;
    let map = map.organization("/https:~1~1stytch.com~1organization/organization_id")?;
    let issuer = Issuer::new(format!("stytch.com/{project}"), Audience::is(project), [Algorithm::Rs256], keys)?;
    Ok(issuer.claim_map(map).finish(within_session))
}

/// Accepts the sessions of a B2B project. Every one of them is in an organization, which
/// [`organization()`](portcullis_core::policy::organization) compares with that of a resource.
///
/// ```
/// # use portcullis_core::{Algorithm, Jwt, testing::TestIssuer};
/// # use portcullis_providers::stytch;
/// # use serde_json::json;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let project = "project-live-11111111-1111-4111-8111-111111111111";
/// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(format!("stytch.com/{project}"));
/// # let keys = tester.signing_key().key();
/// let verifier = Jwt::new(stytch::b2b_sessions(project, keys)?).clock(tester.clock());
/// let session = json!({ "id": "session-live-1", "roles": ["stytch_admin"] });
/// let token = tester.token("member-live-1").claim("aud", json!([project]));
/// let token = token.claim("https://stytch.com/session", session);
/// assert!(verifier.verify(&token.clone().sign()).is_err()); // in no organization
/// let organization = json!({ "organization_id": "organization-live-1" });
/// let token = token.claim("https://stytch.com/organization", organization);
/// assert!(verifier.verify(&token.sign()).is_ok());
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`sessions`].
pub fn b2b_sessions(project: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    Ok(sessions(project, keys)?.finish(|principal| match principal.organization() {
        Some(_) => Ok(principal),
        None => Err(invalid(format!("the token has no `organization_id` in `{ORGANIZATION}`"))),
    }))
}

/// The keys of a consumer project, fetched from Stytch with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `project` is no identifier of a project.
pub fn keys(project: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/v1/sessions/jwks/{project}", stage(project)?), client)
}

/// The keys of a B2B project, fetched from Stytch with this client.
///
/// # Errors
/// As [`keys`].
pub fn b2b_keys(project: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/v1/b2b/sessions/jwks/{project}", stage(project)?), client)
}

/// The address of the environment that a project is in.
fn stage(project: &str) -> Result<&'static str, Error> {
    let of = |prefix: &str| project.strip_prefix(prefix).is_some_and(is_uuid);
    match (of("project-live-"), of("project-test-")) {
        (true, _) => Ok("https://api.stytch.com"),
        (_, true) => Ok("https://test.stytch.com"),
        _ => Err(misconfigured("a project of Stytch is `project-live-` or `project-test-` and a UUID")),
    }
}

#[derive(Deserialize)]
struct Session {
    expires_at: Option<String>,
}

/// The token ends with its session.
fn within_session(principal: Principal) -> Result<Principal, Error> {
    let token = claims(&principal)?;
    let session: Session = token
        .get(format!("/{}", SESSION.replace('/', "~1")))?
        .ok_or_else(|| invalid(format!("the token has no `{SESSION}`")))?;
    let Some(text) = session.expires_at else { return Ok(principal) };
    let end = OffsetDateTime::parse(&text, &Rfc3339);
    let end = end.map_err(|_| invalid("the `expires_at` of the session is no time in RFC 3339"))?;
    let end = principal.expires_at().map_or(SystemTime::from(end), |token| token.min(end.into()));
    let issued = principal.issued_at();
    Ok(principal.with_times(issued, Some(end)))
}
