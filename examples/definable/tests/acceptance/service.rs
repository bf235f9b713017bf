//! The service on both frameworks, with a Stytch that publishes the key of these tests.

use actix_web::{test, web::Data};
use axum::{body::Body, http::Request};
use definable::{
    Service, on_actix, on_axum,
    store::{Member, Status, Store},
};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, HttpClient, HttpRequest, HttpResponse, KeyDigest, KeyRow, KeyScopes, PermissionSet, PrincipalId,
    PrincipalKind, Reply,
    testing::{FixedClock, SigningKey, TestIssuer, TestToken},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tower::ServiceExt;

pub const PROJECT: &str = "project-live-11111111-1111-4111-8111-111111111111";
pub const INTERNAL: &str = "the-internal-token-of-these-tests-0";
pub const WEBHOOKS: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
pub const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiYXBpX2tleSJ9.c2lnbmF0dXJl";

pub type Headers<'a> = &'a [(&'a str, String)];

pub fn stytch(project: &str) -> TestIssuer {
    TestIssuer::with_algorithm(Algorithm::Rs256).named(format!("stytch.com/{project}")).for_audience(project)
}

pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub fn key(key: &str) -> (&'static str, String) {
    ("x-api-key", key.to_owned())
}

/// What Stytch publishes of this project, and how often it was asked.
#[derive(Debug, Clone)]
pub struct Stytch(Arc<Mutex<Published>>);

#[derive(Debug)]
struct Published {
    kids: Vec<&'static str>,
    asked: usize,
}

impl Stytch {
    pub fn publish(&self, kids: &[&'static str]) {
        self.0.lock().unwrap_or_else(|error| panic!("{error}")).kids = kids.to_vec();
    }

    pub fn asked(&self) -> usize {
        self.0.lock().unwrap_or_else(|error| panic!("{error}")).asked
    }
}

impl HttpClient for Stytch {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut published = self.0.lock().unwrap_or_else(|error| panic!("{error}"));
        published.asked += 1;
        let key = SigningKey::embedded(Algorithm::Rs256);
        let keys: Vec<_> = published.kids.iter().filter_map(|kid| key.public_jwk(kid)).collect();
        drop(published);
        let known = format!("https://api.stytch.com/v1/sessions/jwks/{PROJECT}");
        reply.give(Ok(match request.url() == known {
            true => HttpResponse::new(200, format!(r#"{{"keys":[{}]}}"#, keys.join(","))),
            false => HttpResponse::new(404, ""),
        }));
    }
}

/// The service, with the users `u1` to `u3`, all in the organization `o1`, whose roles the test defines.
pub struct Tested {
    pub service: Service,
    pub store: Store,
    pub stytch: Stytch,
    pub issuer: TestIssuer,
    pub clock: FixedClock,
}

/// A key of `u1` in `o1`.
pub fn key_of_u1(text: &str) -> KeyRow {
    KeyRow {
        id: format!("id-of-{text}"),
        digest: KeyDigest::of(text),
        owner: PrincipalId::new(PrincipalKind::User, "u1"),
        organization: Some("o1".into()),
        name: "default".into(),
        start: text.chars().take(6).collect(),
        scopes: KeyScopes::all_rights(),
        created_at: SystemTime::UNIX_EPOCH,
        expires_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000)),
        withdrawn_at: None,
        used_at: None,
        uses: 0,
    }
}

impl Tested {
    pub fn new() -> Self {
        let (store, issuer) = (Store::default(), stytch(PROJECT));
        let clock = issuer.clock();
        let stytch = Stytch(Arc::new(Mutex::new(Published { kids: vec!["kid-1"], asked: 0 })));
        let service = Service::new(PROJECT, INTERNAL, WEBHOOKS, store.clone(), stytch.clone(), Arc::new(clock.clone()));
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        store.change(|tables| {
            for user in ["u1", "u2", "u3"] {
                tables.users.insert(format!("user-live-{user}"), user.to_owned());
            }
            tables.keys = [key_of_u1(KEY)].into_iter().collect();
        });
        let tested = Self { service, store, stytch, issuer, clock };
        tested.member("u1", "reader", Status::Active);
        tested.role("reader", &["kb:read"]);
        tested
    }

    pub fn member(&self, user: &str, role: &str, status: Status) {
        let member = Member { role: role.to_owned(), status };
        self.store.change(|tables| tables.members.insert(("o1".to_owned(), user.to_owned()), member));
    }

    pub fn remove(&self, user: &str) {
        self.store.change(|tables| tables.members.remove(&("o1".to_owned(), user.to_owned())));
    }

    pub fn role(&self, name: &str, permissions: &[&str]) {
        let permissions = PermissionSet::new(permissions).unwrap_or_else(|error| panic!("{error}"));
        self.store.change(|tables| tables.roles.insert(("o1".to_owned(), name.to_owned()), permissions));
        self.pass_by_the_cache();
    }

    /// Standings are remembered for five seconds.
    pub fn pass_by_the_cache(&self) {
        self.clock.advance(Duration::from_secs(5));
    }

    /// A session of this user, to be signed.
    pub fn session(&self, user: &str) -> TestToken<'_> {
        let session = json!({ "id": format!("session-live-{user}"), "expires_at": null });
        let token = self.issuer.token(format!("user-live-{user}")).header("kid", "kid-1");
        token.claim("https://stytch.com/session", session)
    }

    pub fn of(&self, user: &str) -> (&'static str, String) {
        bearer(&self.session(user).sign())
    }

    /// What both frameworks answer: the status and the body.
    pub async fn ask(&self, method: &str, path: &str, headers: Headers<'_>) -> (u16, Value) {
        self.send(method, path, headers, Value::Null).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: Headers<'_>, body: Value) -> (u16, Value) {
        let axum = self.ask_axum(method, path, headers, &body).await;
        let actix = self.ask_actix(method, path, headers, &body).await;
        assert_eq!(axum, actix, "axum and actix-web answer differently to {method} {path}");
        axum
    }

    /// What axum alone answers, where questions are counted.
    pub async fn ask_axum(&self, method: &str, path: &str, headers: Headers<'_>, body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(Body::from(body.to_string())).unwrap_or_else(|error| panic!("{error}"));
        let app = on_axum::app(self.service.clone());
        let answer = app.oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap_or_else(|error| panic!("{error}"));
        (status, read(&body.to_bytes()))
    }

    pub async fn ask_actix(&self, method: &str, path: &str, headers: Headers<'_>, body: &Value) -> (u16, Value) {
        let routes = on_actix::routes(&self.service).into_config();
        let app = actix_web::App::new().app_data(Data::new(self.service.clone())).configure(routes);
        let app = app.app_data(self.service.webhooks().clone());
        let app = test::init_service(app).await;
        let method = method.parse().unwrap_or_else(|error| panic!("{error}"));
        let request = test::TestRequest::with_uri(path).method(method).set_json(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.append_header((*name, value.as_str())));
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        (status, read(&test::read_body(answer).await))
    }

    /// The status of `GET /kb` in `o1`.
    pub async fn kb(&self, headers: Headers<'_>) -> u16 {
        self.ask("GET", "/kb?org_id=o1", headers).await.0
    }
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

pub fn denied(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({ "detail": detail }))
}
