//! Who takes part: an issuer of tokens, a directory that is sometimes down, and roles on projects and teams.

use portcullis::{
    Account, Algorithm, Authenticator, Credential, Error, ErrorKind, Membership, Principal, Standing, Verifier,
    testing::{SigningKey, TestIssuer},
};
use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};
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
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        yield_now().await;
        Ok(match (&**id, who.id().subject()) {
            ("13", _) => return Err(down().with_retry_after(Duration::from_secs(30))),
            ("14", _) => return Err(down()),
            ("7", "demoted") => Standing::role("viewer").under("team", "red"),
            ("7", _) => Standing::stranger().under("team", "red"),
            (id, name @ ("viewer" | "manager" | "owner")) if SEEN.contains(&id) => Standing::role(name.to_owned()),
            _ => Standing::stranger(),
        })
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the database is down")
}

/// Of the team red.
#[derive(Debug, Clone)]
pub struct Teams;

impl Membership for Teams {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        yield_now().await;
        Ok(match (&**id, who.id().subject()) {
            ("red", "lead" | "demoted") => Standing::role("lead"),
            ("red", "member") => Standing::role("member"),
            _ => Standing::stranger(),
        })
    }
}

/// A row of flights.
#[derive(Debug)]
pub struct Flight {
    pub is_locked: bool,
}

/// Flight 1 belongs to project 42, flight 3 to project 43; flight 2 is locked and everybody's. Flight 4 may be seen by everybody
/// who asks, flight 5 by none of them.
#[derive(Debug, Clone)]
pub struct Flights;

impl Membership for Flights {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        yield_now().await;
        let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let standing = match (id, who.id().subject()) {
            (1, "suspended") => Standing::refused("suspended"),
            (1, "past") => Standing::role("owner").until(past),
            (1, "misspelt") => Standing::role("veiwer"),
            (2, _) => Standing::role("owner"),
            (1..=5, "pilot") => Standing::role("owner"),
            (1..=5, _) => Standing::stranger(),
            _ => return Ok(Standing::missing()),
        };
        let project = if *id == 3 { "43" } else { "42" };
        Ok(standing.under("project", project).with(Flight { is_locked: *id == 2 }))
    }

    async fn visitor(&self, id: &u32) -> Result<Standing, Error> {
        yield_now().await;
        Ok(match id {
            4 => Standing::role("viewer"),
            1..=5 => Standing::stranger(),
            _ => Standing::missing(),
        })
    }
}

/// Everybody is a member of organization 7, and nobody of another one.
#[derive(Debug, Clone)]
pub struct Organizations;

impl Membership for Organizations {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok((*id == 7).then_some("member").into())
    }
}

/// A row of users.
#[derive(Debug)]
pub struct User {
    pub is_confirmed: bool,
}

/// Has an account for everybody but those whose names say otherwise.
#[derive(Debug, Clone)]
pub struct Users;

impl portcullis::Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        yield_now().await;
        match who.id().subject() {
            "unknown" => Err(Error::no_account()),
            "banned" => Err(Error::denied("banned")),
            "down" => Err(down().with_retry_after(Duration::from_secs(30))),
            "new" => Ok(Account::none()),
            "promoted" => Ok(Account::new(User { is_confirmed: true }).staff(true).organization(7)),
            name => Ok(Account::new(User { is_confirmed: name != "unconfirmed" })),
        }
    }
}
