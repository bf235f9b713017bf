//! The places as axum routes, guarded in each of three ways.

use super::{Local, Outside, Serve};
use crate::{
    cors::APP,
    places::{self, Build, Move, said, said_of},
    row::{Answer, Request},
    sites::other,
};
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{RawPathParams, rejection::JsonRejection},
    handler::Handler,
    http::{self, HeaderValue, Method, StatusCode, Uri, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use portcullis::{
    Gate, Requirement,
    axum::{Authenticated, Authorized, Caller, GateExt, Rejection, Routes, Visitor},
    policy::{self, Policy},
    tower::respond,
};
use std::future::ready;
use tower::ServiceExt;
use tower_http::cors::CorsLayer;

/// On all methods of `places::METHODS`; axum answers HEAD by itself.
fn methods<T: 'static>(handler: impl Handler<T, Gate>) -> MethodRouter<Gate> {
    let filters = [
        MethodFilter::GET,
        MethodFilter::POST,
        MethodFilter::PUT,
        MethodFilter::PATCH,
        MethodFilter::DELETE,
        MethodFilter::OPTIONS,
    ];
    on(filters.into_iter().reduce(MethodFilter::or).unwrap(), handler)
}

async fn open() -> &'static str {
    "open"
}

async fn gone() -> StatusCode {
    StatusCode::GONE
}

async fn visit(Visitor(who): Visitor, params: RawPathParams) -> String {
    said(who.as_ref(), &params)
}

async fn maybe(who: Option<Authenticated>) -> String {
    said(who.map(|Authenticated(who)| who).as_ref(), [])
}

async fn me(Authenticated(who): Authenticated, params: RawPathParams) -> String {
    said(Some(&who), &params)
}

async fn authorized<R: Requirement>(access: Authorized<R>, params: RawPathParams) -> String {
    said(access.visitor(), &params)
}

async fn queried(Visitor(who): Visitor, uri: Uri) -> String {
    said_of(who.as_ref(), uri.query())
}

async fn authorized_query<R: Requirement>(access: Authorized<R>, uri: Uri) -> String {
    said_of(access.visitor(), uri.query())
}

async fn moves(caller: Caller, body: Result<Json<Move>, JsonRejection>) -> Result<Response, Rejection> {
    let Ok(Json(body)) = body else { return Ok(StatusCode::BAD_REQUEST.into_response()) };
    Ok(places::moved(&caller, body).await?.into_response())
}

async fn fails(caller: Caller, uri: Uri) -> Result<String, Rejection> {
    Ok(places::failed(&caller, uri.query()).await?)
}

async fn insists(Visitor(who): Visitor) -> Result<String, Rejection> {
    Ok(places::insisted(who)?)
}

/// The guard is in the handler's signature.
struct Extractors(Router<Gate>);

impl Build for Extractors {
    fn open(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(open)))
    }
    fn gone(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(gone)))
    }
    fn visit(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(visit)))
    }
    fn maybe(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(maybe)))
    }
    fn me(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(me)))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(authorized::<R>)))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(authorized_query::<R>)))
    }
    fn moves(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(moves)))
    }
    fn fails(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(fails)))
    }
    fn insists(self, path: &'static str) -> Self {
        Self(self.0.route(path, methods(insists)))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        Self(self.0.nest(path, inner(Self(Router::new())).0))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        Self(self.0.nest(path, inner(Self(Router::new())).0.with_state(other())))
    }
    fn behind(self, _: &'static str, _: fn(Self) -> Self) -> Self {
        self
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let routes = inner.iter().fold(Self(Router::new()), |routes, path| routes.place::<R>(path));
        Self(self.0.nest(path, routes.0))
    }
}

/// The guard is a layer around the handlers of a route, or of a whole router.
struct Layers(Gate, Router<Gate>);

impl Layers {
    fn add(self, path: &str, policy: impl Policy + 'static, handlers: MethodRouter<Gate>) -> Self {
        let handlers = handlers.layer(self.0.require(policy));
        Self(self.0, self.1.route(path, handlers))
    }
}

impl Build for Layers {
    fn open(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods(open))
    }
    fn gone(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods(gone))
    }
    fn visit(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods(visit))
    }
    fn maybe(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods(maybe))
    }
    fn me(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods(visit))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, methods(visit))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, methods(queried))
    }
    fn moves(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods(moves))
    }
    fn fails(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods(fails))
    }
    fn insists(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods(insists))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self(self.0.clone(), Router::new()));
        Self(self.0, self.1.nest(path, inner.1))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        Self(self.0, self.1.nest(path, inner(Self(other(), Router::new())).1))
    }
    fn behind(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self(other(), Router::new())).1.layer(self.0.require(policy::authenticated()));
        Self(self.0, self.1.nest(path, inner))
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let routes = inner.iter().fold(Router::new(), |routes, path| routes.route(path, methods(visit)));
        let routes = routes.layer(self.0.require(R::POLICY));
        Self(self.0, self.1.nest(path, routes))
    }
}

/// The guard is an argument of the route.
struct Guarded(Gate, Routes<Gate>);

impl Guarded {
    fn new(gate: &Gate) -> Self {
        Self(gate.clone(), Routes::new(gate))
    }
}

impl Build for Guarded {
    fn open(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods(open)))
    }
    fn gone(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods(gone)))
    }
    fn visit(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods(visit)))
    }
    fn maybe(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods(maybe)))
    }
    fn me(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods(visit)))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        if path == places::WIRING {
            return self;
        }
        Self(self.0, self.1.route(path, R::POLICY, methods(visit)))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, R::POLICY, methods(queried)))
    }
    fn moves(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods(moves)))
    }
    fn fails(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods(fails)))
    }
    fn insists(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods(insists)))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self::new(&self.0));
        Self(self.0, self.1.nest(path, inner.1))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        Self(self.0, self.1.nest(path, inner(Self::new(&other())).1))
    }
    fn behind(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self::new(&other())).1.into_router().with_state(other());
        Self(self.0, self.1.service(path, policy::authenticated(), inner))
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let routes = inner.iter().fold(Self::new(&self.0), |routes, path| routes.place::<R>(path));
        Self(self.0, self.1.nest(path, routes.1))
    }
}

pub fn extractors(gate: Gate, outside: Outside) -> Local<Serve> {
    serve(with_fallback(places::places(Extractors(Router::new())).0, &gate), gate, outside)
}

pub fn layers(gate: Gate, outside: Outside) -> Local<Serve> {
    serve(with_fallback(places::places(Layers(gate.clone(), Router::new())).1, &gate), gate, outside)
}

/// Only `Routes` bring an answer to unknown paths that looks like what is hidden.
fn with_fallback(router: Router<Gate>, gate: &Gate) -> Router<Gate> {
    let gate = gate.clone();
    router.fallback(move || ready(respond::<Body>(gate.not_found())))
}

pub fn routes(gate: Gate, outside: Outside) -> Local<Serve> {
    let routes = places::places(Guarded::new(&gate)).1;
    let routes = match outside {
        Outside::Cors => routes.layer(cors()),
        Outside::Nothing | Outside::EnforceAndScrub => routes,
    };
    serve(routes.into_router(), gate, outside)
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(APP))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION])
        .allow_credentials(true)
}

fn serve(router: Router<Gate>, gate: Gate, outside: Outside) -> Local<Serve> {
    let router = match outside {
        Outside::Nothing | Outside::Cors => router,
        Outside::EnforceAndScrub => router.layer(gate.enforce()).layer(gate.scrub()),
    };
    let router: Router = router.with_state(gate);
    let serve: Serve = Box::new(move |request| {
        let router = router.clone();
        Box::pin(async move {
            let method = request.method;
            let (head, body) = router.oneshot(to_http(request, Body::from)).await.unwrap().into_parts();
            answer(method, &head, &to_bytes(body, usize::MAX).await.unwrap())
        })
    });
    Box::pin(ready(serve))
}

/// The same for all that are built on the crate `http`.
pub fn to_http<B>(request: Request, body: fn(String) -> B) -> http::Request<B> {
    let body = body(request.body);
    let mut built = http::Request::builder().method(request.method).uri(&request.path).body(body).unwrap();
    for (name, value) in request.headers {
        built.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    built
}

pub fn answer(method: &str, head: &http::response::Parts, body: &[u8]) -> Answer {
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Answer::on_the_wire(method, head.status.as_u16(), headers, body)
}
