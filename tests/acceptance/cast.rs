//! Who takes part: an issuer of tokens, a directory that is sometimes down, and roles on projects and teams.

use portcullis::{
    Algorithm, Authenticator, Credential, Error, ErrorKind, Membership, Principal, ResourceRef, Role, Verifier,
    testing::{SigningKey, TestIssuer},
};
use std::{sync::LazyLock, time::Duration};
use tokio::task::yield_now;

pub static ISSUER: LazyLock<TestIssuer> = LazyLock::new(TestIssuer::new);

/// A good token about somebody.
pub fn token(subject: &str) -> String {
    ISSUER.token(subject).sign()
}

/// Of the issuer by its name, signed with a key of another algorithm.
pub fn signed_with(algorithm: Algorithm) -> String {
    TestIssuer::with_algorithm(algorithm).token("alice").sign()
}

/// About Alice, with the signature of a token about Bob.
pub fn badly_signed() -> String {
    let (alice, bob) = (token("alice"), token("bob"));
    let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned()).unwrap();
    format!("{}.{}", signed(&alice), bob.rsplit_once('.').unwrap().1)
}

/// Signed with the public key as if it were a secret.
pub fn signed_with_the_public_key() -> String {
    let key = SigningKey::secret(Algorithm::Hs256, ISSUER.signing_key().public_pem().unwrap()).unwrap();
    TestIssuer::with_key(key).token("alice").sign()
}

/// Without a signature, and saying so.
pub fn unsigned() -> String {
    let token = ISSUER.token("alice").header("alg", "none").sign();
    format!("{}.", token.rsplit_once('.').unwrap().0)
}

/// Recognizes two credentials, and cannot tell about either; whatever else there is, others may know.
#[derive(Debug, Clone)]
pub struct Directory;

impl Authenticator for Directory {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let down = Error::new(ErrorKind::Unavailable, "the directory is down");
        Err(match credential.expose() {
            "down" => down.with_retry_after(Duration::from_secs(7)),
            "down-quietly" => down,
            "badly-wired" => Error::new(ErrorKind::Misconfigured, "the directory has no address"),
            _ => Error::new(ErrorKind::Unrecognized, "not in the directory"),
        })
    }
}

/// Answers later what another one answers at once.
#[derive(Debug)]
pub struct Slow(pub Verifier);

impl Authenticator for Slow {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        yield_now().await;
        yield_now().await;
        self.0.authenticate(credential).await
    }
}

/// Projects, and the team that project 7 belongs to.
///
/// On those that are [`SEEN`], `viewer`, `manager` and `owner` have the role of their name. Project 7 gives nobody a
/// role but `demoted`; its team red has a `lead`, as `demoted` is too, and a `member`. About project 13, and about the
/// parents of project 14, nobody can be asked.
#[derive(Debug, Clone)]
pub struct Projects;

/// Projects with identifiers that have to be encoded in a path.
pub const SEEN: [&str; 7] = ["42", "a/b", "a%2Fb", "a%b", "a+b", "a b", "é"];

impl Membership for Projects {
    async fn role(&self, who: &Principal, on: &ResourceRef) -> Result<Option<Role>, Error> {
        yield_now().await;
        let role = match (on.kind(), on.id(), who.id().subject()) {
            ("project", "13", _) => {
                let error = Error::new(ErrorKind::Unavailable, "the database is down");
                return Err(error.with_retry_after(Duration::from_secs(30)));
            }
            ("project", id, name @ ("viewer" | "manager" | "owner")) if SEEN.contains(&id) => name,
            ("project", "7", "demoted") => "viewer",
            ("team", "red", "demoted") => "lead",
            ("team", "red", name @ ("lead" | "member")) => name,
            _ => return Ok(None),
        };
        Ok(Some(Role::new(role.to_owned())))
    }

    async fn parents(&self, of: &ResourceRef) -> Result<Vec<ResourceRef>, Error> {
        match of.id() {
            "7" => Ok(vec![ResourceRef::new("team", "red")]),
            "14" => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            _ => Ok(Vec::new()),
        }
    }
}
