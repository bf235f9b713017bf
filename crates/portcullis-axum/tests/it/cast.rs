//! Who takes part: callers known by the name they send, and projects they have roles on.

use portcullis_axum::Routes;
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Membership, Principal, PrincipalKind, Requirement,
    RoleHierarchy, Scheme, Standing,
    policy::{values::OnResource, *},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::task::yield_now;

/// The credential is the name. Some names do not hold, and each look at one is counted.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub slow: bool,
    verified: Arc<AtomicUsize>,
}

impl Names {
    /// Verifies after waiting.
    pub fn slow() -> Self {
        Self { slow: true, ..Self::default() }
    }

    /// How many credentials were verified since the last time this was asked.
    pub fn verified(&self) -> usize {
        self.verified.swap(0, Relaxed)
    }

    fn verify(&self, name: &str) -> Result<Principal, Error> {
        self.verified.fetch_add(1, Relaxed);
        match name {
            "broken" => Err(Error::new(ErrorKind::Invalid, "the name does not hold")),
            "expired" => Err(Error::new(ErrorKind::Expired, "the name held once")),
            "foreign" => Err(Error::new(ErrorKind::Unrecognized, "that is no name")),
            "down" => Err(Error::new(ErrorKind::Unavailable, "nobody is in").with_retry_after(Duration::from_secs(7))),
            name => Ok(Principal::new(PrincipalKind::User, name).with_staff(name == "staff")),
        }
    }
}

/// Pending where the gate begins it, and once more where it is waited for.
pub async fn later() {
    yield_now().await;
    yield_now().await;
}

impl Authenticator for Names {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        if self.slow {
            later().await;
        }
        self.verify(credential.expose())
    }
}

const ROLES: [&str; 3] = ["viewer", "manager", "owner"];

/// On project 42 and on `a/b` each of the three has the role of their name; on project 13 the database is down. Every question waits.
#[derive(Debug, Clone, Default)]
pub struct Projects {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Projects {
    /// The projects that were asked about since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Membership for Projects {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        self.asked.lock().unwrap().push(id.clone());
        later().await;
        match (&**id, who.id().subject()) {
            ("13", _) => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            ("42" | "a/b", name) if ROLES.contains(&name) => Ok(Standing::role(name.to_owned())),
            _ => Ok(Standing::stranger()),
        }
    }
}

/// Names in a cookie, and after that in the bearer header.
pub fn scheme(names: &Names) -> Scheme {
    Scheme::new(names.clone()).cookie("session").bearer()
}

pub fn builder_of(scheme: Scheme) -> GateBuilder {
    builder_over(scheme, &Projects::default())
}

pub fn builder_over(scheme: Scheme, projects: &Projects) -> GateBuilder {
    Gate::builder().scheme(scheme).roles(RoleHierarchy::ranked(ROLES).unwrap()).membership("project", projects.clone())
}

pub fn builder(names: &Names) -> GateBuilder {
    builder_of(scheme(names))
}

/// A gate that answers at once who is asking.
pub fn gate() -> Gate {
    builder(&Names::default()).build().unwrap()
}

/// One and the same gate under a verifier that answers at once and one that waits.
pub fn fast_and_slow() -> [(Names, Gate); 2] {
    [Names::default(), Names::slow()].map(|names| (names.clone(), builder(&names).build().unwrap()))
}

pub fn routes(gate: &Gate) -> Routes<Gate> {
    Routes::new(gate)
}

pub const VIEW: OnResource = role("viewer").on("project", path("id"));

/// Viewers of the project in the path.
#[derive(Debug)]
pub struct View;
impl Requirement for View {
    const POLICY: &'static dyn Policy = &VIEW;
}

/// The same, and to everybody else there is no project.
#[derive(Debug)]
pub struct ViewHidden;
impl Requirement for ViewHidden {
    const POLICY: &'static dyn Policy = &VIEW.hidden();
}

#[derive(Debug)]
pub struct Staff;
impl Requirement for Staff {
    const POLICY: &'static dyn Policy = &staff();
}
