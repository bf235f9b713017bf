//! A service with accounts, on each framework.

use crate::{
    document::Document,
    request::{Answer, Request, get, post, without_random},
    secrets::Secrets,
    ways::{self, Send},
};
use portcullis::{
    Credential, CredentialSource, Gate, GateBuilder, Principal, Scheme,
    accounts::{
        Accounts, AccountsBuilder, Endpoints, Links, Secret, TokenCookies, User, UserId,
        store::{MemoryStore, Stores, UserKey},
        testing::Mailbox,
    },
    actix, axum as on_axum,
    policy::authenticated,
    testing::FixedClock,
};
use serde_json::{Value, json};
use std::{cell::RefCell, sync::Arc, time::Duration};

pub const ALICE: &str = "alice@example.com";
pub const BOB: &str = "bob@example.com";
pub const PASSWORD: &str = "correct horse battery staple";
pub const OTHER: &str = "another horse battery staple";
pub const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

const ANSWERS: &str = include_str!("../../docs/answers.md");

/// Where tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Bodies,
    TwoCookies,
    OneSession,
}

pub const MODES: [Mode; 3] = [Mode::Bodies, Mode::TwoCookies, Mode::OneSession];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    Axum,
    Actix,
}

/// How the endpoints are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mount {
    Plain,
    /// Below another path, as routes of their own.
    Nested,
    /// Inside of `enforce`.
    Enforced,
}

type Change<T> = Arc<dyn Fn(T) -> T>;
type ChangeGate = Arc<dyn Fn(GateBuilder, &Accounts) -> GateBuilder>;

/// How a service is made.
#[derive(Clone)]
pub struct Setup {
    pub mode: Mode,
    mount: Mount,
    accounts: Change<AccountsBuilder>,
    gate: ChangeGate,
    endpoints: Change<Endpoints>,
}

/// The only route that is no endpoint.
const ORDERS: &str = "`GET /orders` is not in the document";

pub fn setup(mode: Mode) -> Setup {
    Setup {
        mode,
        mount: Mount::Plain,
        accounts: Arc::new(|builder| builder),
        gate: Arc::new(|builder, _| builder),
        endpoints: Arc::new(|endpoints| endpoints),
    }
}

impl Setup {
    pub fn accounts(self, change: impl Fn(AccountsBuilder) -> AccountsBuilder + 'static) -> Self {
        Self { accounts: Arc::new(change), ..self }
    }

    /// The same after the changes that are there.
    pub fn then_accounts(self, change: impl Fn(AccountsBuilder) -> AccountsBuilder + 'static) -> Self {
        let before = self.accounts.clone();
        self.accounts(move |builder| change(before(builder)))
    }

    pub fn gate(self, change: impl Fn(GateBuilder, &Accounts) -> GateBuilder + 'static) -> Self {
        Self { gate: Arc::new(change), ..self }
    }

    pub fn endpoints(self, change: impl Fn(Endpoints) -> Endpoints + 'static) -> Self {
        Self { endpoints: Arc::new(change), ..self }
    }

    pub fn mount(self, mount: Mount) -> Self {
        Self { mount, ..self }
    }

    /// Runs a script on both frameworks. They have to give the same answers, and no secret may be where it does not belong.
    #[track_caller]
    pub fn run(&self, script: impl AsyncFn(&World)) {
        let answers = [Framework::Axum, Framework::Actix].map(|framework| {
            let system = actix_web::rt::System::new();
            system.block_on(async {
                let world = self.world(framework).await;
                script(&world).await;
                world.add_hashes().await;
                world.secrets.borrow().assert_not_logged();
                world.answers.into_inner()
            })
        });
        let [axum, actix] = answers;
        for (axum, actix) in axum.iter().zip(&actix) {
            assert_eq!(axum, actix, "axum and actix-web answer {} differently in mode {:?}", axum.0, self.mode);
        }
        assert_eq!(axum.len(), actix.len());
    }

    async fn world(&self, framework: Framework) -> World {
        let secrets = Secrets::new();
        let (mailbox, clock, store) = (Mailbox::new(), FixedClock::at(1_800_000_000), MemoryStore::new());
        let stores = Stores::from(store);
        let builder = Accounts::builder("https://shop.test", Secret::new(SECRET).unwrap(), stores.clone())
            .argon2(64, 1, 1)
            .clock(clock.clone())
            .mailer(mailbox.clone(), Links::below("https://app.shop.test"));
        let accounts = (self.accounts)(builder).build().unwrap();
        let gate = Gate::builder().revocations(accounts.revocations()).clock(clock.clone());
        let endpoints = accounts.endpoints();
        let (gate, endpoints) = match self.mode {
            Mode::Bodies => (gate.scheme(&accounts), endpoints),
            Mode::TwoCookies => {
                let cookies = TokenCookies::new();
                let scheme = Scheme::new(&accounts).bearer().source(cookies.source());
                (gate.scheme(scheme), endpoints.cookies(cookies))
            }
            Mode::OneSession => {
                let cookies = TokenCookies::one_session();
                let scheme = Scheme::new(accounts.sessions_by_token()).source(cookies.source());
                (gate.scheme(scheme).scheme(&accounts), endpoints.cookies(cookies))
            }
        };
        let gate = (self.gate)(gate, &accounts).build().unwrap();
        let endpoints = (self.endpoints)(endpoints);
        let orders = async || "orders";
        let mut api = utoipa::openapi::OpenApiBuilder::new().build();
        api.merge(endpoints.openapi("/auth"));
        let send = match framework {
            Framework::Axum => {
                let routes = || on_axum::Routes::new(&gate);
                let routes = match self.mount {
                    Mount::Nested => routes().nest("/auth", routes().accounts("/", &endpoints)),
                    _ => routes().accounts("/auth", &endpoints),
                };
                let routes = routes.get("/orders", authenticated(), orders);
                assert_eq!(routes.table().openapi(&mut api).to_string(), ORDERS);
                ways::axum(&gate, routes, self.mount == Mount::Enforced)
            }
            Framework::Actix => {
                let routes = || actix::Routes::new(&gate);
                let routes = match self.mount {
                    Mount::Nested => routes().nest("/auth", routes().accounts("/", &endpoints)),
                    _ => routes().accounts("/auth", &endpoints),
                };
                let routes = routes.get("/orders", authenticated(), orders);
                assert_eq!(routes.table().openapi(&mut api).to_string(), ORDERS);
                ways::actix(&gate, routes, self.mount == Mount::Enforced).await
            }
        };
        let (secrets, answers) = (RefCell::new(secrets), RefCell::default());
        secrets.borrow_mut().add(SECRET);
        let document = Document::of(&api);
        World { mode: self.mode, accounts, mailbox, clock, stores, gate, secrets, document, answers, send }
    }
}

/// A running service, and what it has answered.
pub struct World {
    pub mode: Mode,
    pub accounts: Accounts,
    pub mailbox: Mailbox,
    pub clock: FixedClock,
    pub stores: Stores,
    pub gate: Gate,
    pub secrets: RefCell<Secrets>,
    document: Document,
    answers: RefCell<Vec<(String, Answer)>>,
    send: Send,
}

/// What a client remembers of a sign-in.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub access: Option<String>,
    pub refresh: Option<String>,
    pub session: Option<String>,
    pub device: Option<String>,
}

impl World {
    pub async fn send(&self, request: Request) -> Answer {
        let name = format!("{} {}", request.method, request.path);
        self.secrets.borrow_mut().add_of_request(&request);
        let answer = (self.send)(request.clone()).await;
        self.document.assert_describes(&request, &answer);
        let mut secrets = self.secrets.borrow_mut();
        secrets.add_of_answer(&answer);
        for mail in self.mailbox.mails() {
            secrets.add(mail.to.as_str());
            mail.link.iter().for_each(|link| secrets.add(link));
            Mailbox::token_of(&mail).iter().for_each(|token| secrets.add(token.expose()));
        }
        secrets.assert_not_in_answer(&name, &answer);
        if name.contains("/auth") && answer.status != 405 {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            assert_eq!(answer.header("referrer-policy").is_some(), answer.status < 400, "{name}");
        }
        if let Some((status, code)) = answer.code().split_once(' ') {
            let (row, code) = (format!("| {status} |"), format!("`{code}`"));
            let is_documented = ANSWERS.lines().any(|line| line.starts_with(&row) && line.contains(&code));
            assert!(is_documented, "docs/answers.md does not say {status} {code}");
        }
        self.answers.borrow_mut().push((without_random(&name), answer.without_random()));
        answer
    }

    /// Sends a request as the page of this mode does: in a browser if there are cookies.
    pub async fn page(&self, request: Request) -> Answer {
        let request = if self.mode == Mode::Bodies { request } else { request.in_browser() };
        self.send(request).await
    }

    /// The same with what a sign-in left.
    pub async fn page_as(&self, login: &Login, request: Request) -> Answer {
        let request = self.with(login, request);
        self.page(request).await
    }

    /// With the credential for requests: a header, or all cookies of the browser.
    pub fn with(&self, login: &Login, request: Request) -> Request {
        match (self.mode, &login.access) {
            (Mode::Bodies, Some(access)) => request.bearer(access),
            (Mode::Bodies, None) => request,
            _ => {
                let Login { access, refresh, session, device } = login;
                let names = ["__Host-access", "__Host-refresh", "__Host-session", "__Host-device"];
                let cookies = names.iter().zip([access, refresh, session, device]);
                let pairs = cookies.filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
                request.header("cookie", pairs.collect::<Vec<_>>().join("; "))
            }
        }
    }

    /// What a browser or another client has after this answer.
    pub fn login(&self, answer: &Answer) -> Login {
        let mut login = Login::default();
        login.update(answer);
        login
    }

    /// The refresh token as this mode sends it.
    pub fn refresh_of(&self, login: &Login) -> Request {
        self.refreshing("/auth/refresh", login)
    }

    pub fn sign_out_of(&self, login: &Login) -> Request {
        self.refreshing("/auth/sign-out", login)
    }

    fn refreshing(&self, path: &str, login: &Login) -> Request {
        match self.mode {
            Mode::Bodies => post(path, json!({ "refresh_token": login.refresh })),
            _ => self.with(login, crate::request::empty_post(path)).in_browser(),
        }
    }

    /// The token of the latest mail.
    pub fn mailed(&self, email: &str) -> String {
        self.mailbox.last_to(email).and_then(|mail| Mailbox::token_of(&mail)).unwrap().expose().to_owned()
    }

    /// A user with a confirmed address, signed in.
    pub async fn signed_in(&self, email: &str) -> Login {
        let credentials = json!({ "email": email, "password": PASSWORD });
        let answer = self.page(post("/auth/sign-up", credentials.clone())).await;
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        let confirmed = json!({ "token": self.mailed(email), "password": PASSWORD });
        assert_eq!(self.page(post("/auth/confirm", confirmed)).await.status, 200);
        let answer = self.page(post("/auth/sign-in", credentials)).await;
        assert_eq!(answer.status, 200);
        self.login(&answer)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.page(post("/auth/sign-in", json!({ "email": email, "password": password }))).await
    }

    /// Whether these credentials are let in.
    pub async fn orders(&self, login: &Login) -> String {
        self.page_as(login, get("/orders")).await.code()
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The hashes of all users who got a mail.
    async fn add_hashes(&self) {
        for mail in self.mailbox.mails() {
            let user = self.stores.users().find(UserKey::Email(&mail.to)).await.unwrap();
            let hash = user.and_then(|user| user.password_hash);
            hash.iter().for_each(|hash| self.secrets.borrow_mut().add(hash));
        }
    }

    /// Who the gate says this is.
    pub async fn principal(&self, login: &Login) -> Principal {
        let (token, source) = match self.mode {
            Mode::Bodies => (&login.access, CredentialSource::bearer()),
            Mode::TwoCookies => (&login.access, TokenCookies::new().source()),
            Mode::OneSession => (&login.session, TokenCookies::one_session().source()),
        };
        let credential = Credential::new(token.clone().unwrap(), source);
        self.gate.authenticate(credential).await.principal().cloned().unwrap()
    }

    pub async fn user(&self, email: &str) -> User {
        self.stores.users().find(UserKey::Email(&email.parse().unwrap())).await.unwrap().unwrap()
    }

    pub async fn id(&self, email: &str) -> UserId {
        self.user(email).await.id
    }
}

impl Login {
    /// Takes over tokens and cookies that an answer sets.
    pub fn update(&mut self, answer: &Answer) {
        let json = answer.json();
        let member = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let places = [
            (&mut self.access, "__Host-access", "access_token"),
            (&mut self.refresh, "__Host-refresh", "refresh_token"),
            (&mut self.session, "__Host-session", ""),
            (&mut self.device, "__Host-device", ""),
        ];
        for (place, cookie, name) in places {
            if let Some(value) = answer.cookie(cookie).or_else(|| member(name)) {
                *place = Some(value).filter(|value| !value.is_empty());
            }
        }
    }
}
