//! The page of the example `derp` in Chromium: from sign-up to sign-out, in two tabs, with a second factor, and under attack
//! by another page.
//!
//! `cargo test -p portcullis-tests --test browser_accounts -- --nocapture` prints what the page shows.
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
#[path = "accounts/log.rs"]
mod log;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{ServiceRequest, ServiceResponse},
    middleware as actix_middleware, rt, web,
};
use axum::{
    Router,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::Html,
    routing::get,
};
use chromium::Chromium;
use derp::{Service, on_actix, on_axum};
use portcullis::{
    OrganizationContext,
    accounts::{Config, MailKind, store::MemoryStore, testing::Mailbox},
    testing::{FixedClock, TestIssuer},
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};
use totp_rs::Totp;

const DRIVE: &str = include_str!("browser/drive.html");
const ATTACK: &str = include_str!("browser/attack.html");

/// What the driving page asks of the test, and what the service has answered.
struct Side {
    mailbox: Mailbox,
    clock: FixedClock,
    report: Mutex<Option<String>>,
    is_attacked: AtomicBool,
    /// Origin, request and status of what other origins sent.
    sent: Mutex<Vec<String>>,
    /// What the browser sent, with tokens in it.
    cookies: Mutex<String>,
    own: String,
}

impl Side {
    fn answer(&self, what: &str, body: &str) -> String {
        match what {
            "mail" => self.mailbox.mails().pop().and_then(|mail| mail.link).unwrap_or_default(),
            "pass" => {
                self.clock.advance(Duration::from_secs(901));
                String::new()
            }
            "step" => {
                self.clock.advance(Duration::from_secs(30));
                String::new()
            }
            "code" => Totp::from_url(body).unwrap().generate(self.clock.seconds()).to_string(),
            "attacked" => {
                self.is_attacked.fetch_or(body == "true", Ordering::AcqRel);
                self.is_attacked.load(Ordering::Acquire).to_string()
            }
            "report" => {
                *self.report.lock().unwrap() = Some(body.to_owned());
                String::new()
            }
            _ => DRIVE.to_owned(),
        }
    }

    fn note(&self, request: &Head, status: u16) {
        let Head { method, path, origin, cookie } = request;
        let has_cookie = cookie.is_some();
        cookie.iter().for_each(|cookie| self.cookies.lock().unwrap().push_str(cookie));
        if path.starts_with("/auth") && origin.as_ref().is_some_and(|origin| *origin != self.own) {
            let cookie = if has_cookie { "with a cookie" } else { "without a cookie" };
            self.sent.lock().unwrap().push(format!("{method} {path} {cookie}: {status}"));
        }
    }
}

struct Head {
    method: String,
    path: String,
    origin: Option<String>,
    cookie: Option<String>,
}

impl Head {
    fn new<'a>(method: &str, path: &str, header: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        let text = |name: &str| header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let (origin, cookie) = (text("origin"), text("cookie"));
        Self { method: method.to_owned(), path: path.to_owned(), origin, cookie }
    }
}

fn serve_axum(app: Router, listener: TcpListener) {
    thread::spawn(move || {
        listener.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await
        })
    });
}

fn axum_service(service: &Service, side: &Arc<Side>, listener: TcpListener) {
    let noted = {
        let side = side.clone();
        from_fn(move |request: Request, next: Next| {
            let side = side.clone();
            async move {
                let header = |name: &str| request.headers().get(name).map(|value| value.as_bytes());
                let head = Head::new(request.method().as_str(), request.uri().path(), header);
                let answer = next.run(request).await;
                side.note(&head, answer.status().as_u16());
                answer
            }
        })
    };
    let side = side.clone();
    let test = move |Path(what): Path<String>, body: String| {
        let side = side.clone();
        async move { Html(side.answer(&what, &body)) }
    };
    let own = Router::new().route("/test/{what}", get(test.clone()).post(test));
    serve_axum(on_axum::app(service).merge(own).layer(noted), listener);
}

fn actix_service(service: &Service, side: &Arc<Side>, listener: TcpListener) {
    let (service, side) = (service.clone(), side.clone());
    thread::spawn(move || {
        let app = move || {
            let (noting, answering) = (side.clone(), side.clone());
            let test = move |request: HttpRequest, body: String| {
                let what = request.match_info().get("what").unwrap_or_default();
                let text = answering.answer(what, &body);
                async move { HttpResponse::Ok().content_type("text/html; charset=utf-8").body(text) }
            };
            let note = move |request: ServiceRequest, next: actix_middleware::Next<_>| {
                let side = noting.clone();
                async move {
                    let header = |name: &str| request.headers().get(name).map(|value| value.as_bytes());
                    let head = Head::new(request.method().as_str(), request.path(), header);
                    let answer: ServiceResponse<_> = next.call(request).await?;
                    side.note(&head, answer.status().as_u16());
                    Ok::<_, actix_web::Error>(answer)
                }
            };
            App::new()
                .wrap(actix_middleware::from_fn(note))
                .route("/test/{what}", web::get().to(test.clone()))
                .route("/test/{what}", web::post().to(test))
                .app_data(web::Data::new(service.clone()))
                .configure(on_actix::routes(&service).into_config())
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
}

fn run(serve: fn(&Service, &Arc<Side>, TcpListener)) {
    let start = log::listen();
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (listener, other) = (listen(), listen());
    let own = format!("http://{}", listener.local_addr().unwrap());
    let foreign = format!("http://{}", other.local_addr().unwrap());
    serve_axum(Router::new().route("/attack", get(Html(ATTACK))), other);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (mailbox, clock) = (Mailbox::new(), FixedClock::at(now));
    let secret = "a secret of this test, of more than thirty-two bytes";
    let config = Config::parse(include_str!("../examples/derp/derp.toml"), |_| Some(secret.to_owned())).unwrap();
    let organizations = derp::organizations(&config, MemoryStore::new()).unwrap();
    let contexts = OrganizationContext::new(secret, organizations.clone()).unwrap();
    let accounts = derp::accounts(&config, &organizations, MemoryStore::new(), mailbox.clone(), &own).unwrap();
    let accounts = accounts.argon2(64, 1, 1).clock(clock.clone()).build().unwrap();
    let gate = derp::gate(&config, Some(&accounts), &organizations, &contexts, TestIssuer::new()).unwrap();
    let gate = gate.clock(clock.clone()).build().unwrap();
    let endpoints = Some(accounts.endpoints().with_config(&config));
    let service = Service { gate, organizations, contexts, accounts: endpoints };
    let (report, is_attacked, sent, cookies) = Default::default();
    let side = Arc::new(Side { mailbox, clock, report, is_attacked, sent, cookies, own: own.clone() });
    serve(&service, &side, listener);

    // The page that drives the others is behind them, and must not wait for that.
    let flags = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"].map(str::to_owned);
    let browser = Chromium::open(&format!("{own}/test/drive?foreign={foreign}"), &flags);
    let mut report = None;
    for _ in 0..1200 {
        report = side.report.lock().unwrap().take();
        if report.is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    drop(browser);
    let seen: Vec<String> = serde_json::from_str(&report.expect("the page reports within a minute")).unwrap();
    println!("{}", seen.join("\n"));
    let expected = [
        "POST /auth/sign-up → 202 A mail is on its way: see the terminal of the service.",
        "POST /auth/sign-in → 403 email_unconfirmed",
        "the address shows no token",
        "POST /auth/confirm → 200 The address is confirmed. Sign in.",
        "POST /auth/sign-in → 401 invalid_credentials",
        "POST /auth/sign-in → 200 {",
        "GET /hello → 200 hello, alice@example.com",
        "scripts see no cookie",
        "two tabs are signed in after 20 rounds",
        "after the attack: 200",
        "POST /auth/totp → 401 invalid_credentials",
        "POST /auth/totp → 200 Put this secret into your app, and type its code.",
        "POST /auth/totp/confirm → 401 invalid_code",
        "POST /auth/totp/confirm → 200 It is added. Keep these recovery codes.",
        "10 recovery codes",
        "POST /auth/sign-out → 200 {}",
        "after a late answer: You are not signed in.",
        "after the sign-out: no codes",
        "POST /auth/sign-in → 200 Type the code of your authenticator app.",
        "POST /auth/second-factor → 401 invalid_code",
        "POST /auth/second-factor → 200 You are signed in.",
        "POST /auth/second-factor → 401 invalid_code",
        "POST /auth/second-factor → 200 You are signed in.",
        "POST /auth/totp/remove → 204 It is removed.",
        "POST /auth/sign-out → 200 {}",
        "after the sign-out: 401,401",
        "after the sign-out: 401,401",
    ];
    assert_eq!(seen.len(), expected.len(), "{seen:#?}");
    for (seen, expected) in seen.iter().zip(expected) {
        assert!(seen.starts_with(expected), "{seen} is not {expected}");
    }
    let sent = side.sent.lock().unwrap();
    println!("{sent:#?}");
    // Each of five endpoints, by two forms and a script. What the browser asks about first is not sent.
    let posts: Vec<_> = sent.iter().filter(|request| request.starts_with("POST")).collect();
    assert_eq!(posts.len(), 15, "{posts:#?}");
    assert!(posts.iter().all(|request| request.ends_with(" with a cookie: 403")), "{posts:#?}");
    let mails = side.mailbox.mails();
    let kinds: Vec<_> = mails.iter().map(|mail| mail.kind).collect();
    assert_eq!(kinds, [MailKind::Confirm, MailKind::FactorAdded, MailKind::FactorRemoved]);

    let cookies = side.cookies.lock().unwrap();
    assert!(cookies.contains("__Host-refresh="), "{cookies}");
    let link = mails[0].link.as_deref().unwrap_or_default();
    let typed = ["alice@example.com", "correct horse battery", "a wrong password"];
    log::assert_silent(start, &typed, &format!("{cookies} {link}"));
}

#[test]
fn accounts_in_a_browser_on_axum() {
    run(axum_service);
}

#[test]
fn accounts_in_a_browser_on_actix() {
    run(actix_service);
}
