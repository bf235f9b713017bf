//! The services under test, each on a port of its own, and the one that the pages report to.

use crate::journal::Journal;
use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware as actix_middleware, rt,
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, header::AUTHORIZATION},
    middleware::{Next, from_fn},
    response::{Html, Redirect},
    routing::{get, post},
};
use portcullis::{
    Gate, RevocationList,
    axum::GateExt,
    policy::{anyone, authenticated, staff},
};
use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tokio::time::sleep;
use tower_http::cors::CorsLayer;
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
    serve(noted(on_axum::app(example(gate)).merge(own), journal))
}

/// Orders for pages of one other origin, which send a token.
pub fn axum_cors(gate: Gate, origin: &str, journal: &Arc<Journal>) -> SocketAddr {
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::try_from(origin).unwrap())
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([AUTHORIZATION]);
    let orders = portcullis::axum::Routes::new(&gate)
        .layer(cors)
        .get("/orders", authenticated(), async || "orders")
        .post("/orders", authenticated(), async || "ordered")
        .delete("/orders", staff(), async || "gone");
    serve(noted(orders.into_router(), journal))
}

fn noted(app: Router, journal: &Arc<Journal>) -> Router {
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
    app.layer(from_fn(note))
}

/// The same on actix-web.
pub fn actix_service(gate: Gate, journal: &Arc<Journal>) -> SocketAddr {
    let (listener, address) = bind();
    let journal = journal.clone();
    let app = move || {
        let own = portcullis::actix::Routes::new(&gate)
            .get("/orders", authenticated(), async || "orders")
            .post("/orders", authenticated(), async || "ordered")
            .get("/page", anyone(), async || actix_web::web::Html::new(PAGE));
        let journal = journal.clone();
        let note = actix_middleware::from_fn(move |request, next| note(journal.clone(), request, next));
        on_actix::app(example(gate.clone())).configure(own.into_config()).wrap(note)
    };
    thread::spawn(move || {
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
    address
}

/// The same on actix-web.
pub fn actix_cors(gate: Gate, origin: &str, journal: &Arc<Journal>) -> SocketAddr {
    let (listener, address) = bind();
    let (origin, journal) = (origin.to_owned(), journal.clone());
    let app = move || {
        let orders = portcullis::actix::Routes::new(&gate)
            .get("/orders", authenticated(), async || "orders")
            .post("/orders", authenticated(), async || "ordered")
            .delete("/orders", staff(), async || "gone");
        let cors = Cors::default().allowed_origin(&origin).allowed_methods(["GET", "POST", "DELETE"]);
        let journal = journal.clone();
        let note = actix_middleware::from_fn(move |request, next| note(journal.clone(), request, next));
        App::new().configure(orders.into_config()).wrap(cors.allowed_header("authorization")).wrap(note)
    };
    thread::spawn(move || {
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
    address
}

async fn note<B: MessageBody>(
    journal: Arc<Journal>,
    request: ServiceRequest,
    next: actix_middleware::Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let response = next.call(request).await?;
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    journal.note(uri.query().unwrap_or_default(), headers, response.status().as_u16());
    Ok(response)
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
