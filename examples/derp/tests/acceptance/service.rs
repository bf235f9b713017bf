//! The service on both frameworks, with SQLite in memory, a clock that stands still, and a mailbox.

use crate::{hosted::Keys, log::silently};
use actix_web::{test, web::Data};
use axum::{body::Body, extract::ConnectInfo, http::Request};
use derp::{on_actix, on_axum};
use http_body_util::BodyExt;
use portcullis::{
    Error, GateBuilder, OrganizationContext,
    accounts::{
        Accounts, AccountsBuilder, Config, Organizations, User,
        store::{UserKey, UserStore},
        testing::Mailbox,
    },
    sqlx::SqliteStore,
    testing::FixedClock,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tower::ServiceExt;

pub const NOW: u64 = 1_800_000_000;
pub const SETTINGS: &str = include_str!("../../derp.toml");
pub const SECRET: &str = "the secret of this test, of more than 32 bytes";
pub const ALICE: &str = "alice@example.com";
pub const PASSWORD: &str = "correct horse battery";
pub const OTHER: &str = "another horse battery";

#[derive(Debug, Clone, Copy)]
pub enum Framework {
    Axum,
    Actix,
}

pub const FRAMEWORKS: [Framework; 2] = [Framework::Axum, Framework::Actix];

#[derive(Clone)]
pub struct Service {
    framework: Framework,
    pub accounts: Accounts,
    pub served: derp::Service,
    pub mailbox: Mailbox,
    pub clock: FixedClock,
    pub store: SqliteStore,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }

    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {}", self.json())).to_owned()
    }

    /// The status and the code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.text("code"))
    }

    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or(String::new(), |(_, value)| value.clone())
    }

    pub fn cookies(&self) -> Vec<&str> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| value.as_str()).collect()
    }
}

/// The service as it is, on each framework.
pub async fn both() -> Vec<Service> {
    both_with(|builder| builder).await
}

/// The service with other settings, on each framework.
pub async fn both_with(settings: impl Fn(AccountsBuilder) -> AccountsBuilder) -> Vec<Service> {
    let mut services = Vec::new();
    for framework in FRAMEWORKS {
        let store = SqliteStore::in_memory().await.unwrap();
        services.push(Service::new(framework, store, FixedClock::at(NOW), &settings));
    }
    services
}

pub fn config() -> Config {
    Config::parse(SETTINGS, |name| (name == "DERP_SECRET").then(|| SECRET.to_owned())).unwrap()
}

/// The settings of the example with cheap passwords.
pub fn builder(store: SqliteStore, mailbox: Mailbox) -> AccountsBuilder {
    let organizations = derp::organizations(&config(), store.clone()).unwrap();
    derp::accounts(&config(), &organizations, store, mailbox, "https://derp.test").unwrap().argon2(64, 1, 1)
}

/// The gate as the example builds it, and what else it serves.
pub fn gate(
    config: &Config,
    accounts: Option<&Accounts>,
    organizations: &Organizations,
    keys: Keys,
) -> Result<(GateBuilder, OrganizationContext), Error> {
    let contexts = OrganizationContext::new(SECRET, organizations.clone())?;
    Ok((derp::gate(config, accounts, organizations, &contexts, keys)?, contexts))
}

impl Service {
    fn new(
        framework: Framework,
        store: SqliteStore,
        clock: FixedClock,
        settings: impl Fn(AccountsBuilder) -> AccountsBuilder,
    ) -> Self {
        let mailbox = Mailbox::new();
        let accounts = settings(builder(store.clone(), mailbox.clone()).clock(clock.clone())).build().unwrap();
        let organizations = accounts.organizations().unwrap().clone();
        let (gate, contexts) = gate(&config(), Some(&accounts), &organizations, Keys::default()).unwrap();
        let gate = gate.clock(clock.clone()).build().unwrap();
        let endpoints = Some(accounts.endpoints().with_config(&config()));
        let served = derp::Service { gate, organizations, contexts, accounts: endpoints };
        Self { framework, accounts, served, mailbox, clock, store }
    }

    /// The same service with other settings, on the same database.
    pub fn again(&self, settings: impl Fn(AccountsBuilder) -> AccountsBuilder) -> Self {
        Self::new(self.framework, self.store.clone(), self.clock.clone(), settings)
    }

    /// Nothing secret of the request and its answer may be logged.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let answered = |answer: &Answer| format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        let request = exchange(self.framework, &self.served, method, path, headers, body);
        silently(&[ALICE, PASSWORD, OTHER, SECRET], format!("{headers:?} {body}"), request, answered).await
    }

    /// As curl does it: no cookie, no page.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, &[], &body).await
    }

    pub async fn get(&self, path: &str, access: &str) -> Answer {
        self.ask("GET", path, &[("authorization", &format!("Bearer {access}"))], &Value::Null).await
    }

    /// The same with a body, and whatever the method is.
    pub async fn send(&self, method: &str, path: &str, access: &str, body: Value) -> Answer {
        self.ask(method, path, &[("authorization", &format!("Bearer {access}"))], &body).await
    }

    /// The id of a new organization.
    pub async fn organization(&self, access: &str, slug: &str) -> String {
        let made = self.send("POST", "/auth/organizations", access, json!({ "name": "Acme", "slug": slug })).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["organization"]["id"].as_str().unwrap().to_owned()
    }

    /// In which organization the caller acts.
    pub async fn acts_in(&self, access: &str) -> String {
        self.get("/me", access).await.json()["org_id"].as_str().unwrap_or("none").to_owned()
    }

    pub async fn act_in(&self, access: &str, organization: Value) -> Answer {
        self.send("POST", "/auth/organizations/active", access, json!({ "organization": organization })).await
    }

    pub async fn sign_up(&self, email: &str) -> Answer {
        self.post("/auth/sign-up", json!({ "email": email, "password": PASSWORD })).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/sign-in", json!({ "email": email, "password": password })).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh", json!({ "refresh_token": token })).await
    }

    /// Somebody with a confirmed address, and their tokens.
    pub async fn signed_in(&self, email: &str) -> Answer {
        self.sign_up(email).await;
        let confirmed = self.post("/auth/confirm", json!({ "token": self.mailed(email), "password": PASSWORD })).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.json());
        let answer = self.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer
    }

    /// The token of the latest mail.
    pub fn mailed(&self, email: &str) -> String {
        let mail = self.mailbox.last_to(email).unwrap_or_else(|| panic!("no mail to {email}"));
        Mailbox::token_of(&mail).unwrap_or_else(|| panic!("no link in {mail:?}")).expose().to_owned()
    }

    /// What is in the database.
    pub async fn find(&self, email: &str) -> Option<User> {
        self.store.find(UserKey::Email(&email.parse().unwrap())).await.unwrap()
    }

    pub async fn user(&self, email: &str) -> User {
        self.find(email).await.unwrap()
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// What the framework answers.
pub async fn exchange(
    framework: Framework,
    served: &derp::Service,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let peer = SocketAddr::from(([192, 0, 2, 7], 40_000));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = headers.iter().copied().chain([("content-type", "application/json")]);
    match framework {
        Framework::Axum => {
            let request = Request::builder().method(method).uri(path).extension(ConnectInfo(peer));
            let request = headers.fold(request, |request, (name, value)| request.header(name, value));
            let answer = on_axum::app(served).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
            let (head, body) = answer.into_parts();
            let headers = head.headers.iter().map(|(name, value)| told(name.as_str(), value.as_bytes()));
            let headers = headers.collect();
            Answer { status: head.status.as_u16(), headers, body: body.collect().await.unwrap().to_bytes().into() }
        }
        Framework::Actix => {
            let routes = on_actix::routes(served).into_config();
            let app = actix_web::App::new().app_data(Data::new(served.clone())).configure(routes);
            let app = test::init_service(app).await;
            let request = test::TestRequest::with_uri(path).method(method.parse().unwrap()).peer_addr(peer);
            let request = headers.fold(request, |request, header| request.append_header(header));
            let answer = test::call_service(&app, request.set_payload(body).to_request()).await;
            let headers = answer.headers().iter().map(|(name, value)| told(name.as_str(), value.as_bytes()));
            let headers = headers.collect();
            Answer { status: answer.status().as_u16(), headers, body: test::read_body(answer).await.into() }
        }
    }
}

fn told(name: &str, value: &[u8]) -> (String, String) {
    (name.to_owned(), String::from_utf8_lossy(value).into_owned())
}
