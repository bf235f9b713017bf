//! The places as plain tower services behind layers, in a service that finds them by their exact path. It has no path
//! parameters, so places that need one are not there.

use super::{
    Local, Outside, Serve,
    axum::{answer, to_http},
};
use crate::places::{self, Build, METHODS, said, said_of};
use axum::{
    body::Bytes,
    http::{self, StatusCode, request::Parts},
};
use http_body_util::{BodyExt, Full};
use portcullis::{
    Gate, Requirement,
    policy::{self, Policy},
    tower::{GateExt, Head, Params, established, looked_at, respond},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Future, ready},
    sync::Arc,
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

type Request = http::Request<()>;
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
        handler: impl Fn(Gate, Parts) -> F + Clone + Send + Sync + 'static,
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
                let (parts, _) = request.into_parts();
                Ok::<_, Infallible>(match parts.method.as_str() {
                    method if METHODS.contains(&method) || method == "HEAD" => handler(gate, parts).await,
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
async fn seen(gate: Gate, parts: Parts) -> Response {
    let who = established(&gate, &parts.extensions).unwrap();
    Response::new(said(who.visitor().unwrap(), []).into())
}

/// The same, and what stands in the query.
async fn queried(gate: Gate, parts: Parts) -> Response {
    let who = established(&gate, &parts.extensions).unwrap();
    Response::new(said_of(who.visitor().unwrap(), parts.uri.query()).into())
}

/// Asks for itself who it is.
async fn visit(gate: Gate, parts: Parts) -> Response {
    let who = gate.establish(&Head::new(&parts, &Params::Absent)).await;
    match who.visitor() {
        Ok(who) => Response::new(said(who, []).into()),
        Err(error) => respond(gate.refuse(&error)),
    }
}

impl Build for Stack {
    fn open(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), |_, _| ready(Response::new("open".into())))
    }
    fn gone(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), |_, _| ready(empty(StatusCode::GONE)))
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
    fn nest(mut self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self::below(&self.gate, &format!("{}{path}", self.prefix)));
        self.services.extend(inner.services);
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
        looked_at(request.extensions());
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
            let (head, body) = service.oneshot(to_http(request, ())).await.unwrap().into_parts();
            answer(method, &head, &body.collect().await.unwrap().to_bytes())
        })
    });
    Box::pin(ready(serve))
}
