//! Tokens of Amazon Cognito user pools, verified with the keys of the pool.
//!
//! A pool is named by its identifier, such as `eu-central-1_AbCdEf123`, and its tokens are accepted for the app clients that are
//! listed. They are signed with RS256. A verifier accepts either access tokens or ID tokens, as `token_use` says. Several
//! pools are several issuers of one [`Jwt`](portcullis_core::Jwt). For a role of users in no group, use
//! [`Issuer::finish`].
//!
//! The subject is `sub`, the roles are `cognito:groups`, the scopes are `scope`, and the session is `origin_jti`. All other
//! claims stay readable.
//!
//! Everything is verified here. Only the [keys] are fetched. A user who was signed out, disabled or removed from a group
//! keeps what the token says until it expires: after five minutes to one day, as the app client is set.
//!
//! With the client-credentials grant, an access token has the app client as its subject, and its principal is a service. List the
//! app clients of programs only where programs are accepted.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Error, ErrorKind, HttpClient, Issuer, KeySource, Principal, PrincipalKind,
    RemoteKeys, Rules,
};

/// Accepts the access tokens that a pool issues to these app clients.
///
/// ```
/// use portcullis_core::{ErrorKind, Gate, Jwt, Scheme};
/// use portcullis_providers::cognito;
/// # use portcullis_core::{Algorithm, testing::TestIssuer};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let name = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123";
/// # let pool = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
/// # let (keys, clock) = (pool.signing_key().key(), pool.clock());
/// # let token = |client: &str, token_use: &str| {
/// #     let token = pool.token("alice").without("aud");
/// #     token.claim("client_id", client).claim("token_use", token_use).sign()
/// # };
/// // In a service: `cognito::keys("eu-central-1_AbCdEf123", client)?`
/// let pool = cognito::access_tokens("eu-central-1_AbCdEf123", ["web", "mobile"], keys)?;
/// let verifier = Jwt::new(pool).clock(clock.clone());
/// assert!(verifier.verify(&token("web", "access")).is_ok());
///
/// let refused = |token: &str| verifier.verify(token).err().map(|error| error.kind());
/// assert_eq!(refused(&token("another", "access")), Some(ErrorKind::Invalid));
/// assert_eq!(refused(&token("web", "id")), Some(ErrorKind::Invalid));
///
/// let gate = Gate::builder().clock(clock).scheme(Scheme::new(verifier).bearer()).build()?;
/// # let _ = gate; Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if `pool` is no identifier of a pool, a client is empty, there is no client, or there is no RSA
/// key.
pub fn access_tokens<S: Into<String>>(
    pool: &str,
    clients: impl IntoIterator<Item = S>,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    Ok(tokens(pool, Audience::client_ids(clients), "access", keys)?.finish(program))
}

/// Accepts the ID tokens that a pool issues to these app clients.
///
/// An ID token tells a client who has signed in. Services are meant to accept [access tokens](access_tokens). Accept ID tokens
/// where a front end sends them already.
///
/// ```
/// use portcullis_core::{ErrorKind, Jwt};
/// use portcullis_providers::cognito;
/// # use portcullis_core::{Algorithm, testing::TestIssuer};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let name = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123";
/// # let pool = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
/// # let (keys, clock) = (pool.signing_key().key(), pool.clock());
/// # let token = |client: &str| pool.token("alice").claim("aud", client).claim("token_use", "id").sign();
/// let verifier = Jwt::new(cognito::id_tokens("eu-central-1_AbCdEf123", ["web"], keys)?);
/// let verifier = verifier.clock(clock);
/// assert!(verifier.verify(&token("web")).is_ok());
/// assert!(
///     verifier.verify(&token("another")).is_err_and(|error| error.kind() == ErrorKind::Invalid)
/// );
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`access_tokens`].
pub fn id_tokens<S: Into<String>>(
    pool: &str,
    clients: impl IntoIterator<Item = S>,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    tokens(pool, Audience::any_of(clients), "id", keys)
}

/// The keys of a pool, fetched from Cognito with this client.
///
/// ```
/// use portcullis_providers::cognito;
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug, Clone)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(404, ""))); }
/// # }
///
/// # let client = Client;
/// assert!(cognito::keys("eu-central-1_AbCdEf123", client.clone()).is_ok());
/// assert!(cognito::keys("eu-central-1_AbCdEf123/../other", client).is_err());
/// ```
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if `pool` is no identifier of a pool.
pub fn keys(pool: &str, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{}/.well-known/jwks.json", issuer(pool)?), client)
}

/// The `SECRET_HASH` that an app client with a secret sends with each call about a user: HMAC-SHA-256 over the user name and the
/// client ID, in base64.
///
/// ```
/// use portcullis_providers::cognito::secret_hash;
///
/// let hash = secret_hash("alice@example.com", "client-id", "client-secret");
/// assert_eq!(hash, "sdWYXbCR79nQTSGLjdIIScXPRoMoiaj0trWzF8kEGXg=");
/// assert_ne!(hash, secret_hash("bob@example.com", "client-id", "client-secret"));
/// ```
#[must_use]
pub fn secret_hash(user_name: &str, client_id: &str, client_secret: &str) -> String {
    let mut hash = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, client_secret.as_bytes()));
    hash.update(user_name.as_bytes());
    hash.update(client_id.as_bytes());
    STANDARD.encode(hash.sign())
}

fn tokens(pool: &str, audience: Audience, token_use: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().roles("cognito:groups")?.scopes("scope")?.session("origin_jti")?;
    let issuer = Issuer::new(issuer(pool)?, audience, [Algorithm::Rs256], keys)?;
    Ok(issuer.claim_map(map).rules(Rules::new().require("token_use", token_use)?))
}

/// With the client-credentials grant, the app client is the subject.
fn program(principal: Principal) -> Result<Principal, Error> {
    let client: Option<String> = principal.token_claims().map_or(Ok(None), |claims| claims.get("client_id"))?;
    let is_program = client.is_some_and(|client| client == principal.id().subject());
    Ok(if is_program { principal.with_kind(PrincipalKind::Service) } else { principal })
}

/// The `iss` of a pool's tokens, which is the issuer of its users.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = portcullis_providers::cognito::issuer("eu-central-1_AbCdEf123")?;
/// assert_eq!(issuer, "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123");
/// assert!(portcullis_providers::cognito::issuer("pool/../other").is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if `pool` is no identifier of a pool. It is checked because it stands in addresses.
pub fn issuer(pool: &str) -> Result<String, Error> {
    let is_region = |region: &str| {
        region.split('-').count() >= 3
            && region.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            })
    };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match pool.split_once('_') {
        Some((region, name)) if is_region(region) && is_name(name) => {
            Ok(format!("https://cognito-idp.{region}.amazonaws.com/{pool}"))
        }
        _ => Err(Error::new(
            ErrorKind::Misconfigured,
            "the identifier of a Cognito user pool is a region, an underscore and a name",
        )),
    }
}
