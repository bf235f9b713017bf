//! The places as plain tower services behind layers, in a service that finds them by their exact path. It has no path
//! parameters, so places that need one are not there.

use super::{
    Local, Outside, Serve,
    axum::{answer, to_http},
};
use crate::{
    places::{self, Build, METHODS, Move, said, said_of},
    sites::other,
};
use axum::{
    body::Bytes,
    http::{self, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use http_body_util::{BodyExt, Full};
use portcullis::{
    Caller, Error, Gate, Requirement,
    policy::{self, Policy},
    tower::{GateExt, Head, Params, established, mark_checked, respond, respond_error},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Future, ready},
    sync::Arc,
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

type Request = http::Request<Bytes>;
type Response = http::Response<Full<Bytes>>;
type Service = BoxCloneSyncService<Request, Response, Infallible>;

struct Stack {
    gate: Gate,
    prefix: String,
    services: HashMap<String, Service>,
}

impl Stack {
    fn below(gate: &Gate, prefix: &str) -> Self {
        Self { gate: gate.clone(), prefix: prefix.to_owned(), services: HashMap::new() }
    }

    fn add<F>(
        mut self,
        path: &str,
        policy: impl Policy + 'static,
        handler: impl Fn(Gate, Parts, Bytes) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let path = format!("{}{path}", self.prefix);
        if path.contains('{') {
            return self;
        }
        let gate = self.gate.clone();
        let inner = service_fn(move |request: Request| {
            let (gate, handler) = (gate.clone(), handler.clone());
            async move {
                let (parts, body) = request.into_parts();
                Ok::<_, Infallible>(match parts.method.as_str() {
                    method if METHODS.contains(&method) || method == "HEAD" => handler(gate, parts, body).await,
                    _ => empty(StatusCode::METHOD_NOT_ALLOWED),
                })
            }
        });
        let service = BoxCloneSyncService::new(self.gate.require(policy).layer(inner));
        assert!(self.services.insert(path, service).is_none());
        self
    }
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Behind a guard: who has been let through.
async fn seen(gate: Gate, parts: Parts, _: Bytes) -> Response {
    let who = established(&gate, &parts.extensions).unwrap();
    Response::new(said(who.visitor().unwrap(), []).into())
}

/// The same, and what stands in the query.
async fn queried(gate: Gate, parts: Parts, _: Bytes) -> Response {
    let who = established(&gate, &parts.extensions).unwrap();
    Response::new(said_of(who.visitor().unwrap(), parts.uri.query()).into())
}

/// Asks for itself who it is.
async fn visit(gate: Gate, parts: Parts, _: Bytes) -> Response {
    let who = gate.establish(&Head::new(&parts, &Params::Absent)).await;
    match who.visitor() {
        Ok(who) => Response::new(said(who, []).into()),
        Err(error) => respond(gate.refuse(&error)),
    }
}

fn caller(gate: &Gate, parts: &Parts) -> Result<Caller, Error> {
    established(gate, &parts.extensions).unwrap().caller(&Head::new(parts, &Params::Absent))
}

/// What a service makes of an error that the guard is to render.
fn rendered(answer: Result<String, Error>) -> Response {
    answer.map_or_else(respond_error, |text| Response::new(text.into()))
}

async fn moves(gate: Gate, parts: Parts, body: Bytes) -> Response {
    let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|found| found == "application/json");
    match serde_json::from_slice::<Move>(&body) {
        Ok(body) if is_json => {
            let answer = async { places::moved(&caller(&gate, &parts)?, body).await };
            rendered(answer.await)
        }
        _ => empty(StatusCode::BAD_REQUEST),
    }
}

async fn fails(gate: Gate, parts: Parts, _: Bytes) -> Response {
    let answer = async { places::failed(&caller(&gate, &parts)?, parts.uri.query()).await };
    rendered(answer.await)
}

async fn insists(gate: Gate, parts: Parts, _: Bytes) -> Response {
    let who = gate.establish(&Head::new(&parts, &Params::Absent)).await;
    match who.visitor() {
        Ok(who) => rendered(places::insisted(who.cloned())),
        Err(error) => respond(gate.refuse(&error)),
    }
}

impl Build for Stack {
    fn open(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), |_, _, _| ready(Response::new("open".into())))
    }
    fn gone(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), |_, _, _| ready(empty(StatusCode::GONE)))
    }
    fn visit(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), visit)
    }
    fn maybe(self, path: &'static str) -> Self {
        self.visit(path)
    }
    fn me(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), seen)
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, seen)
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, queried)
    }
    fn moves(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), moves)
    }
    fn fails(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), fails)
    }
    fn insists(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), insists)
    }
    fn nest(mut self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self::below(&self.gate, &format!("{}{path}", self.prefix)));
        self.services.extend(inner.services);
        self
    }
    fn other(mut self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        self.services.extend(inner(Self::below(&other(), &format!("{}{path}", self.prefix))).services);
        self
    }
    fn behind(mut self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let guard = self.gate.require(policy::authenticated());
        let inner = inner(Self::below(&other(), &format!("{}{path}", self.prefix))).services;
        let guarded = |(path, service)| (path, BoxCloneSyncService::new(guard.layer(service)));
        self.services.extend(inner.into_iter().map(guarded));
        self
    }
    fn scope<R: Requirement>(mut self, path: &'static str, inner: &[&'static str]) -> Self {
        let below = Self::below(&self.gate, &format!("{}{path}", self.prefix));
        self.services.extend(inner.iter().fold(below, |site, path| site.place::<R>(path)).services);
        self
    }
}

impl Stack {
    async fn answer(&self, request: Request) -> Response {
        if let Some(service) = self.services.get(request.uri().path()) {
            return service.clone().oneshot(request).await.unwrap();
        }
        // A service that knows itself which paths there are answers like this to all others.
        mark_checked(request.extensions());
        respond(self.gate.not_found())
    }
}

pub fn layers(gate: Gate, outside: Outside) -> Local<Serve> {
    let stack = Arc::new(places::places(Stack::below(&gate, "")));
    let stack = service_fn(move |request: Request| {
        let stack = stack.clone();
        async move { Ok::<_, Infallible>(stack.answer(request).await) }
    });
    let service = match outside {
        Outside::Nothing | Outside::Cors => BoxCloneSyncService::new(stack),
        Outside::EnforceAndScrub => {
            BoxCloneSyncService::new(ServiceBuilder::new().layer(gate.scrub()).layer(gate.enforce()).service(stack))
        }
    };
    let serve: Serve = Box::new(move |request| {
        let service = service.clone();
        Box::pin(async move {
            let method = request.method;
            let (head, body) = service.oneshot(to_http(request, Bytes::from)).await.unwrap().into_parts();
            answer(method, &head, &body.collect().await.unwrap().to_bytes())
        })
    });
    Box::pin(ready(serve))
}
