//! The service on both frameworks, with the rows of the example, and what is sent to it.

use crate::log::silently;
use actix_web::test;
use async_trait::async_trait;
use axum::{body::Body, http::Request};
pub use d2s::rows::*;
use d2s::{auth::Auth, on_actix, on_axum, store::Store};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, ApiKeys, Error, ErrorKind, Gate, KeyDigest, KeyRow, KeyStore, KeyUse, MemoryKeys, PrincipalId,
    accounts::{
        LinkedIdentity, NewUser, User, UserChange, UserId,
        store::{
            AddOutcome, ChangeOutcome, LinkOutcome, MemoryStore, Page, StoreError, StoreResult, Stores, UserKey,
            UserStore,
        },
        testing::Mailbox,
    },
    sqlx::SqliteStore,
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use std::time::SystemTime;
use tower::ServiceExt;
use uuid::Uuid;

pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &str = "the SECRET_KEY of the service in this test";

/// That of the vectors: `TILE_SIGNING_SECRET_KEY`, decoded.
pub const TILES: &[u8] = b"tile-signing-key-0123456789abcdef";

pub type Header = (&'static str, String);

/// A good access token of somebody.
pub fn token(who: Uuid) -> String {
    signed(SECRET, &json!({ "sub": who, "type": "access", "exp": NOW + 900 }))
}

pub fn signed(secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(Algorithm::Hs256, secret).unwrap_or_else(|error| panic!("{error}"));
    key.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

/// The cookie as the service sets it: quoted, since there is a space in it.
pub fn cookie(token: &str) -> Header {
    ("cookie", format!(r#"access_token="Bearer {token}""#))
}

pub fn bearer(token: &str) -> Header {
    ("authorization", format!("Bearer {token}"))
}

pub fn by(who: Uuid) -> Vec<Header> {
    vec![bearer(&token(who))]
}

pub fn key(key: &str) -> Vec<Header> {
    vec![("x-api-key", key.to_owned())]
}

pub fn project(id: impl ToString) -> String {
    format!("/api/v1/projects/{}", id.to_string())
}

pub fn flight(project_id: Uuid, id: Uuid) -> String {
    format!("{}/flights/{id}", project(project_id))
}

pub fn product(flight_id: Uuid, id: Uuid) -> String {
    format!("{}/data_products/{id}", flight(PROJECT, flight_id))
}

/// What is answered, and what the database was asked for it.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub selects: Vec<&'static str>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// The values of all headers of this name.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

const HEADERS: [&str; 4] = ["cache-control", "location", "set-cookie", "www-authenticate"];

#[derive(Debug, Clone, Copy)]
pub enum On {
    Axum,
    Actix,
}

pub const BOTH: [On; 2] = [On::Axum, On::Actix];

/// Counts what is asked for users, and is down with the rest of the database.
#[derive(Debug)]
struct Counted(Store, MemoryStore);

#[async_trait]
impl UserStore for Counted {
    async fn add(&self, user: NewUser) -> StoreResult<AddOutcome> {
        self.1.add(user).await
    }

    async fn find(&self, by: UserKey<'_>) -> StoreResult<Option<User>> {
        let is_down = self.0.with(|tables| {
            tables.selects.push("users");
            tables.is_down
        });
        if is_down { Err(StoreError::new("reading a user", std::fmt::Error)) } else { self.1.find(by).await }
    }

    async fn change(&self, id: &UserId, change: UserChange) -> StoreResult<ChangeOutcome> {
        self.1.change(id, change).await
    }

    async fn remove(&self, id: &UserId) -> StoreResult<bool> {
        self.1.remove(id).await
    }

    async fn list(&self, page: Page) -> StoreResult<Vec<User>> {
        self.1.list(page).await
    }

    async fn count(&self) -> StoreResult<u64> {
        self.1.count().await
    }

    async fn link(&self, id: &UserId, identity: LinkedIdentity) -> StoreResult<LinkOutcome> {
        self.1.link(id, identity).await
    }

    async fn unlink(&self, id: &UserId, issuer: &str) -> StoreResult<bool> {
        self.1.unlink(id, issuer).await
    }

    async fn identities(&self, id: &UserId) -> StoreResult<Vec<LinkedIdentity>> {
        self.1.identities(id).await
    }
}

/// The same for API keys.
#[derive(Debug)]
struct CountedKeys(Store, MemoryKeys);

impl KeyStore for CountedKeys {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        self.1.add(key).await
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        let is_down = self.0.with(|tables| {
            tables.selects.push("api_keys");
            tables.is_down
        });
        if is_down { Err(Error::new(ErrorKind::Unavailable, "down")) } else { self.1.find(digest).await }
    }

    async fn keys_of(&self, owner: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        self.1.keys_of(owner).await
    }

    async fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> Result<Option<KeyRow>, Error> {
        self.1.end(owner, id, at, now).await
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        self.1.note_uses(uses).await
    }
}

pub struct Service {
    pub store: Store,
    pub stores: Stores,
    pub gate: Gate,
    pub auth: Auth,
    pub clock: FixedClock,
    pub mailbox: Mailbox,
}

impl Service {
    /// With users and API keys in memory, whose queries are counted.
    pub fn new() -> Self {
        let store = store();
        let stores = Stores::new(Counted(store.clone(), MemoryStore::new()), MemoryStore::new());
        users(&stores).now_or_never().expect("nothing waits").unwrap_or_else(|error| panic!("{error}"));
        let counted = CountedKeys(store.clone(), MemoryKeys::new());
        keys(&counted).now_or_never().expect("nothing waits").unwrap_or_else(|error| panic!("{error}"));
        store.with(|tables| tables.selects.clear());
        Self::over(store, stores, d2s::keys(counted).unwrap_or_else(|error| panic!("{error}")))
    }

    /// With users, sessions and API keys in a database.
    pub async fn with_database() -> Self {
        let sqlite = SqliteStore::in_memory().await.unwrap_or_else(|error| panic!("{error}"));
        let (stores, keys) = d2s::start::stored(sqlite).await.unwrap_or_else(|error| panic!("{error}"));
        Self::over(store(), stores, keys)
    }

    fn over(store: Store, stores: Stores, keys: ApiKeys) -> Self {
        let (clock, mailbox) = (FixedClock::at(NOW), Mailbox::new());
        let accounts = d2s::auth::accounts(SECRET, stores.clone(), mailbox.clone(), "https://d2s.example.com");
        let accounts = accounts.unwrap_or_else(|error| panic!("{error}")).clock(clock.clone()).build();
        let auth = Auth {
            accounts: accounts.unwrap_or_else(|error| panic!("{error}")),
            cookies: d2s::start::cookies(true),
            keys,
            administrator: "admin@example.com".parse().unwrap_or_else(|error| panic!("{error}")),
        };
        let gate = d2s::gate(&auth, &store, TILES).and_then(|gate| gate.clock(clock.clone()).build());
        Self { gate: gate.unwrap_or_else(|error| panic!("{error}")), store, stores, auth, clock, mailbox }
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[Header], body: &Value) -> Answer {
        let (kind, body) = ("application/json", body.to_string());
        let axum = self.send(On::Axum, method, path, headers, kind, &body).await;
        let actix = self.send(On::Actix, method, path, headers, kind, &body).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {method} {path}");
        axum
    }

    /// Nothing secret of the request and its answer may be logged.
    pub async fn send(&self, on: On, method: &str, path: &str, headers: &[Header], kind: &str, body: &str) -> Answer {
        let request = async {
            match on {
                On::Axum => self.send_to_axum(method, path, headers, kind, body).await,
                On::Actix => self.send_to_actix(method, path, headers, kind, body).await,
            }
        };
        let answered = |answer: &Answer| format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        silently(&[PASSWORD, SECRET], format!("{headers:?} {body}"), request, answered).await
    }

    async fn send_to_axum(&self, method: &str, path: &str, headers: &[Header], kind: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(Body::from(body.to_owned())).unwrap_or_else(|error| panic!("{error}"));
        let app = on_axum::app(self.gate.clone(), &self.auth, &self.store);
        let answer = app.oneshot(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let told = HEADERS.iter().flat_map(|name| head.headers.get_all(*name).iter().map(move |value| (name, value)));
        let headers = told.filter_map(|(name, value)| Some(((*name).to_owned(), value.to_str().ok()?.to_owned())));
        let headers = headers.collect();
        let body = body.collect().await.unwrap_or_else(|error| panic!("{error}")).to_bytes().into();
        Answer { status: head.status.as_u16(), headers, body, selects: self.selects() }
    }

    async fn send_to_actix(&self, method: &str, path: &str, headers: &[Header], kind: &str, body: &str) -> Answer {
        let routes = on_actix::routes(&self.gate, &self.auth, &self.store).into_config();
        let app = test::init_service(actix_web::App::new().configure(routes)).await;
        let method = method.parse().unwrap_or_else(|error| panic!("{error}"));
        let request = test::TestRequest::with_uri(path).method(method).append_header(("content-type", kind));
        let request = headers.iter().fold(request, |it, (name, value)| it.append_header((*name, value.as_str())));
        let answer = test::call_service(&app, request.set_payload(body.to_owned()).to_request()).await;
        let told = HEADERS.iter().flat_map(|name| answer.headers().get_all(*name).map(move |value| (name, value)));
        let headers = told.filter_map(|(name, value)| Some(((*name).to_owned(), value.to_str().ok()?.to_owned())));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        Answer { status, headers, body: test::read_body(answer).await.into(), selects: self.selects() }
    }

    fn selects(&self) -> Vec<&'static str> {
        self.store.with(|tables| std::mem::take(&mut tables.selects))
    }

    /// The request is answered with this status and, if it is refused, with this detail.
    #[track_caller]
    pub fn answers(
        &self,
        method: &str,
        path: impl AsRef<str>,
        headers: &[Header],
        status: u16,
        detail: &str,
    ) -> impl Future<Output = Answer> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.ask(method, path.as_ref(), headers, &Value::Null).await;
            assert_eq!((answer.status, &*answer.detail()), (status, detail), "{at}: {method} {}", path.as_ref());
            answer
        }
    }

    /// The request gets through.
    #[track_caller]
    pub fn passes(&self, method: &str, path: impl AsRef<str>, headers: &[Header]) -> impl Future<Output = Answer> {
        self.answers(method, path, headers, 200, "")
    }
}
