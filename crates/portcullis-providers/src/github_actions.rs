//! OIDC tokens of GitHub Actions, verified with GitHub's keys.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::github_actions;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://token.actions.githubusercontent.com";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |repository: &str| {
//! #     let token = tester.token("repo:example/shop:ref:refs/heads/main").claim("aud", "deploy");
//! #     token.claim("repository_id", repository).sign()
//! # };
//! // In a service: `github_actions::keys(client)?`
//! let workflows = github_actions::repositories(["74839201"], "deploy", keys)?;
//! let verifier = Jwt::new(workflows).clock(clock);
//! assert!(verifier.verify(&token("74839201")).is_ok());
//! assert!(verifier.verify(&token("10000000")).is_err());
//! # Ok(()) }
//! ```
//!
//! Every workflow on GitHub can get a token for every audience. So the repositories or their owners are an argument, by their
//! numbers: a name can be given up and taken by somebody else. `gh api repos/OWNER/NAME` shows both numbers.
//!
//! The principal is a service with `sub` as its subject, which names the repository and what the workflow runs for. A policy compares
//! other claims, such as `ref` or `environment`: a workflow that runs for a pull request has a token too.
//!
//! Everything is verified here, and only the [keys] are fetched. A token ends after some minutes.

use portcullis_core::{
    Algorithm, Audience, ClaimMap, Error, HttpClient, Issuer, KeySource, PrincipalKind, RemoteKeys, Rules,
};

const NAME: &str = "https://token.actions.githubusercontent.com";

/// Accepts the tokens of workflows in these repositories, by `repository_id`.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if there is no repository, the audience is empty, or
/// there is no RSA key.
pub fn repositories<S: Into<String>>(
    ids: impl IntoIterator<Item = S>,
    audience: &str,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    issuer(Rules::new().one_of("repository_id", ids)?, audience, keys)
}

/// Accepts the tokens of workflows in all repositories of these users and organizations, by `repository_owner_id`.
///
/// ```
/// # use portcullis_core::{Algorithm, Jwt, testing::TestIssuer};
/// # use portcullis_providers::github_actions;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let name = "https://token.actions.githubusercontent.com";
/// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
/// # let keys = tester.signing_key().key();
/// let workflows = github_actions::owners(["9919"], "deploy", keys)?;
/// let verifier = Jwt::new(workflows).clock(tester.clock());
/// let token = tester.token("repo:example/shop:pull_request").claim("aud", "deploy");
/// assert!(verifier.verify(&token.clone().claim("repository_owner_id", "9919").sign()).is_ok());
/// assert!(verifier.verify(&token.claim("repository_owner_id", "1").sign()).is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`repositories`].
pub fn owners<S: Into<String>>(
    ids: impl IntoIterator<Item = S>,
    audience: &str,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    issuer(Rules::new().one_of("repository_owner_id", ids)?, audience, keys)
}

/// The keys of GitHub Actions, fetched with this client.
///
/// # Errors
/// None that can happen.
pub fn keys(client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    RemoteKeys::jwks(format!("{NAME}/.well-known/jwks"), client)
}

fn issuer(rules: Rules, audience: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let issuer = Issuer::new(NAME, Audience::is(audience), [Algorithm::Rs256], keys)?;
    Ok(issuer.rules(rules).claim_map(ClaimMap::new().kind(PrincipalKind::Service)))
}
