//! The services under test, each on a port of its own, and the one that the pages report to.

use crate::journal::Journal;
use actix_web::{HttpServer, dev::ServiceRequest, rt, web};
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{Html, Redirect},
    routing::{get, post},
};
use portcullis::{
    Gate, RevocationList,
    axum::GateExt,
    policy::{anyone, authenticated},
};
use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tokio::time::sleep;
use websocket::{Service, on_actix, on_axum};

pub const PAGE: &str = include_str!("page.html");

/// The example behind this gate.
fn example(gate: Gate) -> Service {
    Service { gate, revocations: RevocationList::new(Duration::from_secs(3600)) }
}

/// The example, with a page that makes requests, and orders that one can make with a cookie.
pub fn axum_service(gate: Gate, journal: &Arc<Journal>) -> SocketAddr {
    let orders = get(async || "orders").post(async || "ordered");
    let own = Router::new()
        .route("/orders", orders.layer(gate.require(authenticated())))
        .route("/page", get(Html(PAGE)).layer(gate.require(anyone())));
    let journal = journal.clone();
    let note = move |request: Request, next: Next| {
        let (uri, headers, journal) = (request.uri().clone(), request.headers().clone(), journal.clone());
        async move {
            let response = next.run(request).await;
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            journal.note(uri.query().unwrap_or_default(), headers, response.status().as_u16());
            response
        }
    };
    serve(on_axum::app(example(gate)).merge(own).layer(from_fn(note)))
}

/// The same on actix-web.
pub fn actix_service(gate: Gate, journal: &Arc<Journal>) -> SocketAddr {
    let (listener, address) = bind();
    let journal = journal.clone();
    let app = move || {
        let own = portcullis::actix::Routes::new(&gate)
            .route("/orders", authenticated(), web::get().to(async || "orders"))
            .route("/orders", authenticated(), web::post().to(async || "ordered"))
            .route("/page", anyone(), web::get().to(async || web::Html::new(PAGE)));
        let journal = journal.clone();
        let note = move |request: ServiceRequest, next: actix_web::middleware::Next<_>| {
            let (uri, headers, journal) = (request.uri().clone(), request.headers().clone(), journal.clone());
            async move {
                let response = next.call(request).await?;
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                journal.note(uri.query().unwrap_or_default(), headers, response.status().as_u16());
                Ok(response)
            }
        };
        on_actix::app(example(gate.clone())).configure(own.into_config()).wrap(actix_web::middleware::from_fn(note))
    };
    thread::spawn(move || {
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
    address
}

/// Gives the browser its cookie, and pages of another origin; takes the reports and says which page comes next.
#[derive(Debug, Default)]
pub struct Outside {
    pub journal: Arc<Journal>,
    /// How many requests the page will make that reports next, and the page after it.
    pub plan: Mutex<VecDeque<(usize, String)>>,
}

pub fn outside(outside: Arc<Outside>) -> SocketAddr {
    let results = outside.clone();
    let report = async move |body: String| {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let from = body["from"].as_str().unwrap();
        let (count, next) = outside.plan.lock().unwrap().pop_front().unwrap_or_default();
        outside.journal.wait_for(from, count).await;
        outside.journal.report(from, body["seen"].clone());
        ([("access-control-allow-origin", "*")], next)
    };
    let login = async |request: Request| {
        let (cookie, to) = request.uri().query().unwrap().split_once("&to=").unwrap();
        ([("set-cookie", cookie.replace('+', " "))], Redirect::to(to))
    };
    serve(
        Router::new()
            .route("/page", get(Html(PAGE)))
            .route("/login", get(login))
            .route("/report", post(report))
            .route("/hold", get(async || sleep(Duration::from_secs(3)).await))
            .route("/results", get(async move || Html(results.journal.html()))),
    )
}

fn serve(app: Router) -> SocketAddr {
    let (listener, address) = bind();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
