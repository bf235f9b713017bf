//! Who takes part: callers known by the name they send, and a service that says whom it saw.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use portcullis_core::{
    Authenticator, Credential, Decision, Error, ErrorKind, Gate, Membership, Principal, PrincipalKind, Question,
    RoleHierarchy, Scheme, Standing,
    policy::{Rule, Verdict},
};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::task::yield_now;
use tower::{Service, ServiceExt, service_fn};

/// The credential is the name. Some names do not hold, and each look at one is counted.
#[derive(Debug, Clone, Default)]
pub struct Names {
    slow: bool,
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
            "down" => Err(Error::new(ErrorKind::Unavailable, "nobody is in")),
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

/// On project 42 the viewer is one; on project 13 the database is down. Every question waits.
#[derive(Debug)]
pub struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        later().await;
        match id {
            13 => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            id => Ok((*id == 42 && who.id().subject() == "viewer").then_some("viewer").into()),
        }
    }
}

/// Whoever it is that the function says, found out by waiting.
#[derive(Debug, Clone, Copy)]
pub struct Later(pub fn(&Principal) -> bool);

impl Rule for Later {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        yield_now().await;
        Ok(if self.0(question.principal()) { Decision::allow() } else { Decision::deny("later") })
    }
}

pub fn gate_of(names: &Names) -> Gate {
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    Gate::builder()
        .scheme(Scheme::new(names.clone()).bearer())
        .roles(roles)
        .membership("project", Projects)
        .build()
        .unwrap()
}

pub fn gate() -> Gate {
    gate_of(&Names::default())
}

/// One and the same gate under a verifier that answers at once and one that waits.
pub fn fast_and_slow() -> [(Names, Gate); 2] {
    [Names::default(), Names::slow()].map(|names| (names.clone(), gate_of(&names)))
}

/// The body of the services here, in requests and responses.
pub type Text = Full<Bytes>;

pub trait Inner:
    Service<Request<Text>, Response = Response<Text>, Error = Infallible, Future: Send> + Clone + Send
{
}
impl<S> Inner for S where
    S: Service<Request<Text>, Response = Response<Text>, Error = Infallible, Future: Send> + Clone + Send
{
}

/// Says back the body it got, and counts its calls.
pub fn echo(calls: &Arc<AtomicUsize>) -> impl Inner + use<> {
    let calls = calls.clone();
    service_fn(move |request: Request<Text>| {
        calls.fetch_add(1, Relaxed);
        async move { Ok(Response::new(request.into_body())) }
    })
}

/// A request by the caller of this name; of nobody if it is empty. Its body is `hello`.
pub fn request(path: &str, who: &str) -> Request<Text> {
    let request = Request::get(path);
    let request = if who.is_empty() { request } else { request.header("authorization", format!("Bearer {who}")) };
    request.body(Text::from("hello")).unwrap()
}

/// A whole answer.
#[derive(Debug)]
pub struct Wire {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

pub async fn send(service: &impl Inner, request: Request<Text>) -> Wire {
    let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Wire { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
}

pub async fn ask(service: &impl Inner, path: &str, who: &str) -> Wire {
    send(service, request(path, who)).await
}
