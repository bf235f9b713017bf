//! Access tokens of Microsoft Entra ID, verified with the keys of the tenant.
//!
//! ```
//! use portcullis_core::{Audience, Jwt};
//! use portcullis_providers::entra;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # const TENANT: &str = "11111111-2222-4333-8444-555555555555";
//! # let name = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |tenant: &str| {
//! #     let token = tester.token("pairwise").claim("aud", "api").claim("tid", tenant);
//! #     token.claim("oid", "alice").claim("azp", "web").claim("scp", "orders.read").sign()
//! # };
//! // In a service: `entra::keys(TENANT, client)?`
//! let tenant = entra::tenant(TENANT, Audience::is("api"), keys)?;
//! let verifier = Jwt::new(tenant).clock(clock);
//! assert!(verifier.verify(&token(TENANT)).is_ok());
//! assert!(verifier.verify(&token("99999999-2222-4333-8444-555555555555")).is_err());
//! # Ok(()) }
//! ```
//!
//! Tokens of version 1 and of version 2 are accepted, and belong to one issuer. The subject is `oid`, which is the same for all
//! applications of a tenant. The scopes are `scp`, the roles are `roles` (app roles). Groups are read [on request](with_groups).
//!
//! A token of a user has `scp`. One of an application has none: its principal is a service, and it is accepted only with at
//! least one role, because every application of the tenant can get a token for this audience. ID tokens are refused.
//!
//! Everything is verified here, and only the [keys] are fetched. A user who was removed or lost a role keeps what the token says
//! until it expires, after about an hour.

use crate::parts::{claims, invalid, is_uuid, misconfigured};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, Principal, PrincipalKind, RemoteKeys, Rules,
};
use serde::{Deserialize, de::IgnoredAny};

/// Accepts the access tokens of one tenant for this audience: the application's ID, or the URI of its API in version 1. Add
/// other tenants with [`Jwt::issuer`](portcullis_core::Jwt::issuer).
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `tenant` is no UUID in lower case, the audience is
/// empty, or there is no RSA key.
pub fn tenant(tenant: &str, audience: Audience, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    if !is_uuid(tenant) {
        return Err(misconfigured("a tenant of Entra is named by its UUID, in lower case"));
    }
    let issuer = issuer(name(tenant), audience, keys)?.also_called(first_name(tenant))?;
    Ok(issuer.rules(Rules::new().require("tid", tenant)?))
}

/// Accepts the access tokens of every tenant for this audience, also of those that anybody can create. The issuer in `iss` has to be
/// that of the tenant in `tid`, which is the organization of the principal. Decide by it who may do what.
///
/// The keys of `common` are used for all tenants: see [`keys`].
///
/// ```
/// # use portcullis_core::{Algorithm, Audience, Jwt, testing::TestIssuer};
/// # use portcullis_providers::entra;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256);
/// # let keys = tester.signing_key().key();
/// let every = entra::dangerous_any_tenant(Audience::is("api"), keys)?;
/// let verifier = Jwt::new(every).clock(tester.clock());
/// # let token = |tenant: &str, says: &str| {
/// #     let name = format!("https://login.microsoftonline.com/{tenant}/v2.0");
/// #     let token = tester.token("pairwise").claim("iss", name).claim("aud", "api");
/// #     let token = token.claim("tid", says).claim("scp", "read").claim("azp", "web");
/// #     token.claim("oid", "alice").sign()
/// # };
/// let (one, other) =
///     ("11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555");
/// assert!(verifier.verify(&token(one, one)).is_ok());
/// assert!(verifier.verify(&token(other, other)).is_ok());
/// assert!(verifier.verify(&token(one, other)).is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the audience is empty or there is no RSA key.
pub fn dangerous_any_tenant(audience: Audience, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let issuer = issuer("https://login.microsoftonline.com/common/v2.0".to_owned(), audience, keys)?;
    Ok(issuer.dangerous_any_name().finish(|principal| {
        let token = claims(&principal)?;
        let tenant: String = token.get("tid")?.filter(|tenant: &String| is_uuid(tenant)).unwrap_or_default();
        let is_its_own = token.issuer().is_some_and(|iss| *iss == name(&tenant) || *iss == first_name(&tenant));
        match is_its_own && !tenant.is_empty() {
            true => Ok(principal.with_issuer(name(&tenant)).with_organization(tenant)),
            false => Err(invalid("`iss` is not the issuer of the tenant in `tid`")),
        }
    }))
}

/// Reads the object ids in `groups` as roles too. The application has to be set up to get them.
///
/// A user with more groups than fit into a token gets none of them, and a note instead. Such a token is refused, because it is not known
/// what the user may do: have Entra write app roles, or only the groups that are assigned to the application.
///
/// ```
/// # use portcullis_core::{Algorithm, Audience, Jwt, testing::TestIssuer};
/// # use portcullis_providers::entra;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # const TENANT: &str = "11111111-2222-4333-8444-555555555555";
/// # let keys = TestIssuer::with_algorithm(Algorithm::Rs256).signing_key().key();
/// let issuer = entra::with_groups(entra::tenant(TENANT, Audience::is("api"), keys)?);
/// # let _ = issuer; Ok(()) }
/// ```
#[must_use]
pub fn with_groups(issuer: Issuer) -> Issuer {
    issuer.finish(|principal| {
        let token = claims(&principal)?;
        let elsewhere = token.get::<IgnoredAny>("/_claim_names/groups")?.is_some();
        if elsewhere || token.get::<IgnoredAny>("hasgroups")?.is_some() {
            return Err(invalid("the user has too many groups for the token to list; see entra::with_groups"));
        }
        let groups: Vec<String> = token.get("groups")?.unwrap_or_default();
        Ok(groups.into_iter().filter(|group| !group.is_empty()).fold(principal, Principal::with_role))
    })
}

/// The keys of a tenant, or those of `common`, `organizations` or `consumers`, fetched with this client.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `tenant` is none of these.
pub fn keys(tenant: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    if !is_uuid(tenant) && !["common", "organizations", "consumers"].contains(&tenant) {
        return Err(misconfigured("a tenant of Entra is named by its UUID, in lower case"));
    }
    RemoteKeys::jwks(format!("https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"), client)
}

fn name(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// The name in tokens of version 1.
fn first_name(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

fn issuer(name: String, audience: Audience, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().subject("oid")?.roles("roles")?.scopes("scp")?.organization("tid")?;
    Ok(Issuer::new(name, audience, [Algorithm::Rs256], keys)?.claim_map(map).finish(access))
}

#[derive(Deserialize)]
struct Access {
    azp: Option<String>,
    appid: Option<String>,
    scp: Option<String>,
    sub: Option<String>,
    oid: Option<String>,
}

/// Accepts access tokens of users, and those of applications that have a role.
fn access(principal: Principal) -> Result<Principal, Error> {
    let token: &Access = principal.claims()?;
    let is_named = |name: &Option<String>| name.as_deref().is_some_and(|name| !name.is_empty());
    if !is_named(&token.azp) && !is_named(&token.appid) {
        return Err(invalid("the token has no `azp` and no `appid`, so it is not an access token"));
    }
    if is_named(&token.scp) {
        return Ok(principal);
    }
    match (token.sub == token.oid, principal.roles().is_empty()) {
        (true, false) => Ok(principal.with_kind(PrincipalKind::Service)),
        (true, true) => Err(invalid("the token of an application that was assigned no role")),
        (false, _) => Err(invalid("the token has no `scp`, and is not that of an application")),
    }
}
