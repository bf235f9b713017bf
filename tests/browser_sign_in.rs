//! Sign-in at a real OpenID provider from Chromium: two services, on axum with a store and on actix-web with sealed sessions,
//! in two tabs each, and their accounts. Then what a browser would not send.
//!
//! `servers/oidc-provider.sh up` starts the provider and prints the environment that this reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests"
)]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "live/common.rs"]
mod common;

use actix_web::{App, HttpResponse, HttpServer, rt, web};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::Request,
    middleware::{Next, from_fn},
    response::Html,
    routing::get,
};
use chromium::Chromium;
use common::variable;
use portcullis::{
    Gate, Principal, Scheme,
    accounts::{Accounts, Secret, TokenCookies, store::MemoryStore},
    actix,
    axum::{Authenticated, Routes},
    policy::authenticated,
    reqwest::Client,
    sign_in::{Endpoint, MemorySessions, Provider, SealingKeys, SignIn},
    testing::FixedClock,
};
use std::{
    collections::BTreeMap,
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

const DRIVE: &str = include_str!("browser/sign_in_drive.html");
const TAB: &str = include_str!("browser/sign_in_tab.html");

fn sign_in(origin: &str, clock: &FixedClock) -> SignIn {
    let provider = Provider::new(variable("OIDC_ISSUER"), origin, Client::new().unwrap())
        .unwrap()
        .secret(variable("OIDC_CLIENT_SECRET"))
        .scopes(["email"])
        .clock(clock.clone());
    let keys = SealingKeys::new("a secret of this test, of more than thirty-two bytes").unwrap();
    let sign_in = SignIn::new(provider, format!("{origin}/auth/callback"), keys).unwrap();
    sign_in.refreshed().after_sign_out(format!("{origin}/test/tab?name=out"))
}

fn gate(sign_in: &SignIn, clock: &FixedClock) -> Gate {
    Gate::builder().scheme(sign_in).revocations(sign_in.revocations()).clock(clock.clone()).build().unwrap()
}

/// Accounts beside it, whose users sign in at the same provider.
fn accounts(origin: &str, clock: &FixedClock) -> (Gate, Accounts) {
    let provider = Provider::new(variable("OIDC_ISSUER"), origin, Client::new().unwrap()).unwrap();
    let provider = provider.secret(variable("OIDC_CLIENT_SECRET")).scopes(["email"]).clock(clock.clone());
    let secret = Secret::new("a secret of this test, of more than thirty-two bytes").unwrap();
    let accounts = Accounts::builder(origin, secret, MemoryStore::new())
        .argon2(64, 1, 1)
        .dangerous_without_confirmation()
        .clock(clock.clone())
        .provider("op", provider, format!("{origin}/accounts/oauth/op/callback"))
        .build()
        .unwrap();
    let gate = Gate::builder()
        .scheme(Scheme::new(&accounts).cookie("__Host-access"))
        .revocations(accounts.revocations())
        .clock(clock.clone())
        .build();
    (gate.unwrap(), accounts)
}

fn who(principal: &Principal) -> String {
    format!("{} {}", principal.id().subject(), principal.session().unwrap().id())
}

/// The addresses and statuses of the answers to requests from other origins.
type Foreign = Arc<Mutex<Vec<(String, u16)>>>;

fn serve_axum(app: Router, listener: TcpListener) {
    thread::spawn(move || {
        listener.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await })
    });
}

fn on_axum(origin: &str, sign_in: &SignIn, clock: &FixedClock, foreign: &Foreign) -> Router {
    let gate = gate(sign_in, clock);
    let me = async |Authenticated(principal): Authenticated| who(&principal);
    let routes = Routes::new(&gate).sign_in("/auth", sign_in).get("/me", authenticated(), me);
    let (own, foreign) = (origin.to_owned(), foreign.clone());
    let noted = from_fn(move |request: axum::extract::Request, next: Next| {
        let (own, foreign) = (own.clone(), foreign.clone());
        async move {
            let path = request.uri().path().to_owned();
            let origin =
                request.headers().get("origin").map(|origin| String::from_utf8_lossy(origin.as_bytes()) != own);
            let answer = next.run(request).await;
            if origin == Some(true) && path != "/auth/callback" {
                foreign.lock().unwrap().push((path, answer.status().as_u16()));
            }
            answer
        }
    });
    let tab = Router::new().route("/test/tab", get(Html(TAB)));
    let (of_accounts, accounts) = accounts(origin, clock);
    let endpoints = accounts.endpoints().cookies(TokenCookies::new());
    let accounts = Routes::<()>::new(&of_accounts).accounts("/", &endpoints).into_router();
    routes.into_router().with_state(gate).nest_service("/accounts", accounts).merge(tab).layer(noted)
}

fn on_actix(origin: &str, sign_in: SignIn, clock: &FixedClock, listener: TcpListener) {
    let (gate, (of_accounts, accounts)) = (gate(&sign_in, clock), accounts(origin, clock));
    let endpoints = accounts.endpoints().cookies(TokenCookies::new());
    thread::spawn(move || {
        let app = move || {
            let me = async |actix::Authenticated(principal): actix::Authenticated| who(&principal);
            let routes = actix::Routes::new(&gate).sign_in("/auth", &sign_in).get("/me", authenticated(), me);
            let tab = || async { HttpResponse::Ok().content_type("text/html; charset=utf-8").body(TAB) };
            let accounts = actix::Routes::new(&of_accounts).accounts("/accounts", &endpoints);
            let app = App::new().configure(routes.into_config()).configure(accounts.into_config());
            app.route("/test/tab", web::get().to(tab))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
}

struct Drive {
    clock: FixedClock,
    foreign: Foreign,
    report: Mutex<Option<String>>,
}

async fn driven(State(drive): State<Arc<Drive>>, Path(what): Path<String>, body: String) -> Html<String> {
    Html(match &*what {
        "pass" => {
            drive.clock.advance(Duration::from_secs(870));
            String::new()
        }
        "now" => {
            drive.clock.set(now());
            String::new()
        }
        "attacked" => {
            let foreign = drive.foreign.lock().unwrap();
            foreign
                .iter()
                .find(|(path, _)| path == "/auth/logout")
                .map(|(_, status)| status.to_string())
                .unwrap_or_default()
        }
        "report" => {
            *drive.report.lock().unwrap() = Some(body);
            String::new()
        }
        _ => DRIVE.to_owned(),
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn users_sign_in_from_two_tabs_at_two_services() {
    let (clock, foreign) = (FixedClock::at(now()), Foreign::default());
    let [a, b] = ["OIDC_SERVICE_A", "OIDC_SERVICE_B"].map(variable);
    let listen =
        |origin: &str| TcpListener::bind(origin.replace("http://", "").replace("localhost", "127.0.0.1")).unwrap();
    // Two processes, of which one serves.
    let store = MemorySessions::new();
    let [process, other] = [(); 2].map(|()| sign_in(&a, &clock).store(store.clone()));
    serve_axum(on_axum(&a, &process, &clock, &foreign), listen(&a));
    on_actix(&b, sign_in(&b, &clock), &clock, listen(&b));
    let drive = Arc::new(Drive { clock: clock.clone(), foreign, report: Mutex::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let driver = format!("http://{}", listener.local_addr().unwrap());
    serve_axum(Router::new().route("/test/{what}", get(driven).post(driven)).with_state(drive.clone()), listener);

    let flags = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"].map(str::to_owned);
    let browser = Chromium::open(&format!("{driver}/test/drive?a={a}&b={b}"), &flags);
    let mut report = None;
    for _ in 0..1200 {
        report = drive.report.lock().unwrap().take();
        if report.is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    drop(browser);
    let seen: Vec<String> = serde_json::from_str(&report.expect("the page reports within a minute")).unwrap();
    println!("{}", seen.join("\n"));
    let expected = [
        ("A: 2 filled in, scripts see no cookie", ""),
        ("A: 200 alice ", ",200 alice "),
        ("A: 200 alice after 10 rounds", ""),
        ("B: 0 filled in, scripts see no cookie", ""),
        ("B: 200 alice ", ",200 alice "),
        ("B: 200 alice after 10 rounds", ""),
        ("A again: 200", ""),
        ("A after the attack: 200 alice", ""),
        ("A after the sign-out: 401 ", ""),
        ("B after the sign-out: 401 ", ",401 "),
        ("accounts at A: 2 filled in, scripts see no cookie", ""),
        ("accounts at A: 200 alice@example.com,200 alice@example.com", ""),
        ("accounts at B: 0 filled in, scripts see no cookie", ""),
        ("accounts at B: 200 alice@example.com,200 alice@example.com", ""),
        ("A: 0 filled in, scripts see no cookie", ""),
        ("signed in again: 200 alice, another session of the provider", ""),
    ];
    assert_eq!(seen.len(), expected.len(), "{seen:#?}");
    for (seen, (start, part)) in seen.iter().zip(expected) {
        assert!(seen.starts_with(start) && seen.contains(part), "{seen} is not {start}…{part}");
    }
    assert!(drive.foreign.lock().unwrap().contains(&("/auth/logout".to_owned(), 403)));

    for (origin, other) in [(&a, Some(&other)), (&b, None)] {
        callbacks_of_others_are_refused(origin, "/auth/login", "/me", "bob ");
        callbacks_of_others_are_refused(origin, "/accounts/oauth/op", "/accounts/me", "\"bob@example.com\"");
        a_browser_leaves_during_a_refresh(origin, other, &clock);
    }
}

fn stays() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into()
}

/// A browser without pages.
#[derive(Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    fn cookies(&self) -> String {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    fn request(&self, method: &str, url: &str) -> Request<()> {
        let request = Request::builder().method(method).uri(url);
        request.header("cookie", self.cookies()).header("sec-fetch-site", "same-origin").body(()).unwrap()
    }

    /// Status, the address of a redirect, and the body.
    fn send(&mut self, method: &str, url: &str) -> (u16, String, String) {
        let mut answer = stays().run(self.request(method, url)).unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => self.0.remove(name),
                value => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), location, answer.body_mut().read_to_string().unwrap())
    }

    /// Begins at the service, signs in at the provider as this user, and returns the address of the callback.
    fn reach_callback(&mut self, origin: &str, login: &str, user: &str) -> String {
        let (_, mut address, _) = self.send("GET", &format!("{origin}{login}?return_to=/me"));
        address.push_str(&format!("&login_hint={user}"));
        let issuer = variable("OIDC_ISSUER");
        for _ in 0..10 {
            if address.starts_with(origin) {
                return address;
            }
            let (status, next, body) = self.send("GET", &address);
            assert_eq!(status, 303, "{address}: {body}");
            address = if next.starts_with('/') { format!("{issuer}{next}") } else { next };
        }
        panic!("the provider does not redirect to {origin}")
    }
}

fn callbacks_of_others_are_refused(origin: &str, login: &str, me: &str, bob: &str) {
    let (mut alice, mut mallory) = (Jar::default(), Jar::default());
    let callback = alice.reach_callback(origin, login, "bob");
    // A flow of another browser, with and without one of its own.
    for _ in 0..2 {
        let (status, _, body) = mallory.send("GET", &callback);
        assert!(status == 400 && body.contains("sign_in_failed"), "{status} {body}");
        mallory.send("GET", &format!("{origin}{login}"));
    }
    assert!(callback.contains("&iss=http"), "{callback}");
    let (before, changed) = (alice.0.clone(), callback.replace("&iss=", "&iss=https%3A%2F%2Fevil.test%2F&was="));
    let (status, _, body) = alice.send("GET", &changed);
    assert!(status == 400 && body.contains("sign_in_failed"), "{status} {body}");
    let (status, to, _) = alice.send("GET", &callback);
    assert_eq!((status, &*to), (303, "/me"));
    let (status, _, body) = alice.send("GET", &format!("{origin}{me}"));
    assert!(status == 200 && body.contains(bob), "{status} {body}");
    // The same again, also with the cookie of the flow.
    let session = std::mem::replace(&mut alice.0, before);
    assert_eq!(alice.send("GET", &callback).0, 400);
    alice.0 = session;
    assert_eq!(alice.send("GET", &callback).0, 400);
    // The provider revoked what it had given for a code that came twice, and the session is ours until its end.
    assert_eq!(alice.send("GET", &format!("{origin}{me}")).0, 200);

    let mut nobody = Jar::default();
    let callback = nobody.reach_callback(origin, login, "nobody");
    let (status, _, body) = nobody.send("GET", &callback);
    assert!(status == 400 && body.contains("access_denied"), "{status} {body}");
}

/// The provider replaces the refresh token, and the browser never reads the answer.
fn a_browser_leaves_during_a_refresh(origin: &str, other: Option<&SignIn>, clock: &FixedClock) {
    let mut alice = Jar::default();
    let callback = alice.reach_callback(origin, "/auth/login", "alice");
    alice.send("GET", &callback);
    clock.advance(Duration::from_secs(870));
    let host = origin.replace("http://", "");
    let mut connection = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let head = "POST /auth/refresh HTTP/1.1\r\nsec-fetch-site: same-origin\r\ncontent-length: 0";
    write!(connection, "{head}\r\nhost: {host}\r\ncookie: {}\r\n\r\n", alice.cookies()).unwrap();
    drop(connection);
    // It goes on: another process of the service gets the new tokens, and until then the old ones.
    if let Some(other) = other {
        let request = alice.request("POST", &format!("{origin}/auth/refresh")).map(|()| Bytes::new());
        let refresh = || async { other.answer(&gate(other, clock), Endpoint::Refresh, &request).await.unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let is_renewed = |_| {
            thread::sleep(Duration::from_millis(20));
            let left: serde_json::Value = serde_json::from_slice(runtime.block_on(refresh()).body()).unwrap();
            left["expires_in"].as_u64().unwrap() > 30
        };
        assert!((0..500).any(is_renewed), "nobody finished the refresh");
    }
    clock.advance(Duration::from_secs(50));
    // Back with the cookie of before.
    for _ in 0..2 {
        let (status, _, body) = alice.send("POST", &format!("{origin}/auth/refresh"));
        assert_eq!(status, 200, "{body}");
        assert_eq!(alice.send("GET", &format!("{origin}/me")).0, 200);
        clock.advance(Duration::from_secs(840));
    }
}
