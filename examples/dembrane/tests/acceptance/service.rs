//! The service on both frameworks, and the tokens to present to it.

use actix_web::{test, web::Data};
use axum::{body::Body, http::Request};
use dembrane::{
    on_actix, on_axum,
    store::{Member, Store, Tier, Workspace},
};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Gate, Verifier,
    providers::directus::{Directus, SESSION_COOKIE},
    testing::{FixedClock, SigningKey},
};
use serde_json::{Value, json};
use tower::ServiceExt;

pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &str = "the secret of the Directus instance in this test, long enough for HS512";

/// Where the pages of the service are.
pub const DASHBOARD: &str = "https://dashboard.example.com";

/// The claims of a good token of user `u1`.
pub fn good() -> Value {
    json!({
        "id": "u1", "role": "r1", "app_access": true, "admin_access": false,
        "iat": NOW, "exp": NOW + 900, "iss": "directus",
    })
}

/// The good claims with some changed; `null` leaves one out.
pub fn claims(changes: Value) -> Value {
    let (mut claims, Value::Object(changes)) = (good(), changes) else { panic!("changes are an object") };
    for (name, value) in changes {
        match (&mut claims, value) {
            (Value::Object(claims), Value::Null) => drop(claims.remove(&name)),
            (claims, value) => claims[name] = value,
        }
    }
    claims
}

pub fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(algorithm, secret).unwrap_or_else(|error| panic!("{error}"));
    key.sign(&json!({ "alg": algorithm.name(), "typ": "JWT" }).to_string(), &claims.to_string())
}

/// A token with some claims changed.
pub fn token(changes: Value) -> String {
    signed(Algorithm::Hs256, SECRET, &claims(changes))
}

pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub fn cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("{SESSION_COOKIE}={token}"))
}

pub struct Service {
    pub service: dembrane::tenants::Service,
    pub clock: FixedClock,
}

impl Service {
    pub fn new() -> Self {
        Self::with(directus(), SESSION_COOKIE)
    }

    pub fn with(directus: impl Into<Verifier>, cookie: &str) -> Self {
        let clock = FixedClock::at(NOW);
        let store = Store::with_clock(clock.clone());
        let gate = dembrane::gate(directus, cookie, &store)
            .and_then(|gate| gate.allow_origin(DASHBOARD).clock(clock.clone()).build());
        let gate = gate.unwrap_or_else(|error| panic!("{error}"));
        Self { service: dembrane::tenants::Service { gate, store }, clock }
    }

    pub fn gate(&self) -> &Gate {
        &self.service.gate
    }

    pub fn store(&self) -> &Store {
        &self.service.store
    }

    /// What both frameworks answer.
    pub async fn ask(&self, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
        self.send("GET", path, headers, &Value::Null).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: &Value) -> (u16, Value) {
        let axum = self.ask_axum(method, path, headers, body).await;
        let actix = self.ask_actix(method, path, headers, body).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {method} {path}");
        let (status, has_challenge, body) = axum;
        assert!(!has_challenge, "no challenge for these clients");
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
    }

    async fn ask_axum(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &Value,
    ) -> (u16, bool, Vec<u8>) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(Body::from(body.to_string())).unwrap_or_else(|error| panic!("{error}"));
        let app = on_axum::app(self.service.clone());
        let answer = app.oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, has_challenge) = (answer.status().as_u16(), answer.headers().contains_key("www-authenticate"));
        let body = answer.into_body().collect().await.unwrap_or_else(|error| panic!("{error}"));
        (status, has_challenge, body.to_bytes().into())
    }

    async fn ask_actix(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &Value,
    ) -> (u16, bool, Vec<u8>) {
        let routes = on_actix::routes(&self.service).into_config();
        let app = actix_web::App::new().app_data(Data::new(self.service.clone())).configure(routes);
        let app = test::init_service(app).await;
        let method = method.parse().unwrap_or_else(|error| panic!("{error}"));
        let request = test::TestRequest::with_uri(path).method(method).set_json(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.append_header((*name, value.as_str())));
        let answer = test::call_service(&app, request.to_request()).await;
        let (status, has_challenge) = (answer.status().as_u16(), answer.headers().contains_key("www-authenticate"));
        (status, has_challenge, test::read_body(answer).await.into())
    }

    /// `/me` names this user.
    #[track_caller]
    pub fn passes(&self, user: &str, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let (status, body) = self.ask("/api/v2/me", headers).await;
            assert_eq!((status, &body["user_id"]), (200, &json!(user)), "{at}: {body}");
        }
    }

    /// The original's one answer to everything that is wrong with a session.
    #[track_caller]
    pub fn refuses(&self, headers: &[(&str, String)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.ask("/api/v2/me", headers).await;
            assert_eq!(answer, (401, json!({ "detail": "Invalid session" })), "{at}");
        }
    }
}

pub fn directus() -> Directus {
    Directus::new(SECRET).unwrap_or_else(|error| panic!("{error}"))
}

/// A user of Directus by this name; who has been here before has the id `of-<name>`.
pub fn of(name: &str) -> [(&'static str, String); 1] {
    [bearer(&token(json!({ "id": name })))]
}

pub fn staff(name: &str) -> [(&'static str, String); 1] {
    [bearer(&token(json!({ "id": name, "admin_access": true })))]
}

pub fn detail(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({ "detail": detail }))
}

/// `w1` in the organization `o1`, open to nobody but its owners.
pub fn workspace() -> Workspace {
    Workspace {
        organization: "o1".to_owned(),
        tier: Tier::default(),
        is_open: false,
        inherits_members: false,
        removed: Vec::new(),
        allows_support: false,
    }
}

pub fn member(role: &str) -> Member {
    Member { role: role.to_owned(), ..Member::default() }
}

impl Service {
    /// The organization `o1`, with somebody of each role, of which they bear the name, and with `none`, who is nothing to it.
    /// `newcomer` was never here.
    pub fn with_tenants() -> Self {
        let service = Self::new();
        service.store().change(|tables| {
            for name in ["owner", "admin", "member", "billing", "none"] {
                tables.users.insert(name.to_owned(), format!("of-{name}"));
                if name != "none" {
                    tables.organizations.insert(("o1".to_owned(), format!("of-{name}")), name);
                }
            }
        });
        service.workspace(workspace());
        service
    }

    /// Makes `w1` so.
    pub fn workspace(&self, workspace: Workspace) {
        self.store().change(|tables| tables.workspaces.insert("w1".to_owned(), workspace));
    }

    /// Makes somebody a member of `w1`.
    pub fn joins(&self, name: &str, member: Member) {
        self.store().change(|tables| {
            tables.users.insert(name.to_owned(), format!("of-{name}"));
            tables.members.insert(("w1".to_owned(), format!("of-{name}")), member);
        });
    }

    pub async fn show(&self, name: &str) -> (u16, Value) {
        self.ask("/api/v2/workspaces/w1", &of(name)).await
    }
}

impl Service {
    /// The status, and how many queries there were: as many on both frameworks.
    pub async fn count(&self, path: &str, headers: &[(&str, String)]) -> (u16, usize) {
        let _ = self.store().take_queries();
        let (status, ..) = self.ask_axum("GET", path, headers, &Value::Null).await;
        let on_axum = (status, self.store().take_queries());
        let (status, ..) = self.ask_actix("GET", path, headers, &Value::Null).await;
        assert_eq!(on_axum, (status, self.store().take_queries()), "axum and actix-web ask differently for {path}");
        on_axum
    }
}
