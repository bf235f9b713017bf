//! The places as resources of actix-web, guarded in each of three ways.

use super::{Local, Outside, Serve};
use crate::{
    cors::APP,
    places::{self, Build, METHODS, Move, said, said_of},
    row::{Answer, Request},
    sites::other,
};
use actix_cors::Cors;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, Route,
    body::{MessageBody, to_bytes},
    dev::{HttpServiceFactory, Service, ServiceResponse},
    guard::fn_guard,
    http::{Method, header::HeaderValue},
    test::{TestRequest, init_service},
    web::{self, ServiceConfig},
};
use portcullis::{
    Gate, Requirement,
    actix::{Authenticated, Authorized, Caller, GateExt, Rejection, Routes, Visitor, respond},
    policy::{self, Policy},
};
use serde::Deserialize;
use std::{future::ready, rc::Rc};

/// The parameters of all places; actix-web tells them by the names of members only.
#[derive(Deserialize)]
struct Params {
    id: Option<String>,
    name: Option<String>,
    team: Option<String>,
}

fn pairs(params: &Params) -> impl Iterator<Item = (&str, &str)> {
    let Params { id, name, team } = params;
    [("id", id), ("name", name), ("team", team)].into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
}

/// For all methods of `places::METHODS`; HEAD is one of its own to actix-web.
fn methods() -> Route {
    web::route().guard(fn_guard(|context| METHODS.contains(&context.head().method.as_str())))
}

async fn open() -> &'static str {
    "open"
}

async fn gone() -> HttpResponse {
    HttpResponse::Gone().finish()
}

async fn visit(Visitor(who): Visitor, params: web::Path<Params>) -> String {
    said(who.as_ref(), pairs(&params))
}

async fn maybe(who: Option<Authenticated>) -> String {
    said(who.map(|Authenticated(who)| who).as_ref(), [])
}

async fn me(Authenticated(who): Authenticated, params: web::Path<Params>) -> String {
    said(Some(&who), pairs(&params))
}

async fn authorized<R: Requirement>(access: Authorized<R>, params: web::Path<Params>) -> String {
    said(access.visitor(), pairs(&params))
}

async fn queried(Visitor(who): Visitor, request: HttpRequest) -> String {
    said_of(who.as_ref(), request.uri().query())
}

async fn authorized_query<R: Requirement>(access: Authorized<R>, request: HttpRequest) -> String {
    said_of(access.visitor(), request.uri().query())
}

async fn moves(caller: Caller, body: Result<web::Json<Move>, Error>) -> Result<HttpResponse, Rejection> {
    let Ok(body) = body else { return Ok(HttpResponse::BadRequest().finish()) };
    Ok(HttpResponse::Ok().body(places::moved(&caller, body.into_inner()).await?))
}

async fn fails(caller: Caller, request: HttpRequest) -> Result<String, Rejection> {
    Ok(places::failed(&caller, request.uri().query()).await?)
}

async fn insists(Visitor(who): Visitor) -> Result<String, Rejection> {
    Ok(places::insisted(who)?)
}

/// Services of an app or a scope, to be added to either.
#[derive(Default)]
struct Services(Vec<Add>);

type Add = Box<dyn FnOnce(&mut ServiceConfig)>;

impl Services {
    fn with(mut self, service: impl HttpServiceFactory + 'static) -> Self {
        self.0.push(Box::new(|config| {
            config.service(service);
        }));
        self
    }

    fn add_to(self, config: &mut ServiceConfig) {
        self.0.into_iter().for_each(|add| add(config));
    }
}

/// The guard is in the handler's signature.
#[derive(Default)]
struct Extractors(Services);

impl Extractors {
    fn add(self, path: &'static str, route: Route) -> Self {
        Self(self.0.with(web::resource(path).route(route)))
    }
}

impl Build for Extractors {
    fn open(self, path: &'static str) -> Self {
        self.add(path, methods().to(open))
    }
    fn gone(self, path: &'static str) -> Self {
        self.add(path, methods().to(gone))
    }
    fn visit(self, path: &'static str) -> Self {
        self.add(path, methods().to(visit))
    }
    fn maybe(self, path: &'static str) -> Self {
        self.add(path, methods().to(maybe))
    }
    fn me(self, path: &'static str) -> Self {
        self.add(path, methods().to(me))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, methods().to(authorized::<R>))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, methods().to(authorized_query::<R>))
    }
    fn moves(self, path: &'static str) -> Self {
        self.add(path, methods().to(moves))
    }
    fn fails(self, path: &'static str) -> Self {
        self.add(path, methods().to(fails))
    }
    fn insists(self, path: &'static str) -> Self {
        self.add(path, methods().to(insists))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let Self(inner) = inner(Self::default());
        Self(self.0.with(web::scope(path).configure(|below| inner.add_to(below))))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let Self(inner) = inner(Self::default());
        Self(self.0.with(web::scope(path).app_data(other()).configure(|below| inner.add_to(below))))
    }
    fn behind(self, _: &'static str, _: fn(Self) -> Self) -> Self {
        self
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let Self(inner) = inner.iter().fold(Self::default(), |routes, path| routes.place::<R>(path));
        Self(self.0.with(web::scope(path).configure(|below| inner.add_to(below))))
    }
}

/// The guard is middleware around a resource, or around a scope.
struct Middleware(Gate, Services);

impl Middleware {
    fn add(self, path: &'static str, policy: impl Policy + 'static, route: Route) -> Self {
        let guard = self.0.require(policy);
        Self(self.0, self.1.with(web::resource(path).route(route).wrap(guard)))
    }
}

impl Build for Middleware {
    fn open(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods().to(open))
    }
    fn gone(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods().to(gone))
    }
    fn visit(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods().to(visit))
    }
    fn maybe(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods().to(maybe))
    }
    fn me(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods().to(visit))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, methods().to(visit))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        self.add(path, R::POLICY, methods().to(queried))
    }
    fn moves(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods().to(moves))
    }
    fn fails(self, path: &'static str) -> Self {
        self.add(path, policy::authenticated(), methods().to(fails))
    }
    fn insists(self, path: &'static str) -> Self {
        self.add(path, policy::anyone(), methods().to(insists))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let Self(_, inner) = inner(Self(self.0.clone(), Services::default()));
        let scope = web::scope(path).configure(|below| inner.add_to(below));
        Self(self.0, self.1.with(scope))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let Self(_, inner) = inner(Self(other(), Services::default()));
        let scope = web::scope(path).configure(|below| inner.add_to(below));
        Self(self.0, self.1.with(scope))
    }
    fn behind(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let Self(_, inner) = inner(Self(other(), Services::default()));
        let scope = web::scope(path).configure(|below| inner.add_to(below));
        let scope = scope.wrap(self.0.require(policy::authenticated()));
        Self(self.0, self.1.with(scope))
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let resource = |path: &str| web::resource(path).route(methods().to(visit));
        let scope = inner.iter().fold(web::scope(path), |scope, path| scope.service(resource(path)));
        let scope = scope.wrap(self.0.require(R::POLICY));
        Self(self.0, self.1.with(scope))
    }
}

/// The guard is an argument of the route.
struct Guarded(Gate, Routes);

impl Guarded {
    fn new(gate: &Gate) -> Self {
        Self(gate.clone(), Routes::new(gate))
    }
}

impl Build for Guarded {
    fn open(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods().to(open)))
    }
    fn gone(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods().to(gone)))
    }
    fn visit(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods().to(visit)))
    }
    fn maybe(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods().to(maybe)))
    }
    fn me(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods().to(visit)))
    }
    fn place<R: Requirement>(self, path: &'static str) -> Self {
        if path == places::WIRING {
            return self;
        }
        Self(self.0, self.1.route(path, R::POLICY, methods().to(visit)))
    }
    fn queried<R: Requirement>(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, R::POLICY, methods().to(queried)))
    }
    fn moves(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods().to(moves)))
    }
    fn fails(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::authenticated(), methods().to(fails)))
    }
    fn insists(self, path: &'static str) -> Self {
        Self(self.0, self.1.route(path, policy::anyone(), methods().to(insists)))
    }
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = inner(Self::new(&self.0));
        Self(self.0, self.1.nest(path, inner.1))
    }
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        Self(self.0, self.1.nest(path, inner(Self::new(&other())).1))
    }
    fn behind(self, path: &'static str, inner: fn(Self) -> Self) -> Self {
        let inner = web::scope("").configure(inner(Self::new(&other())).1.into_config());
        Self(self.0, self.1.service(path, policy::authenticated(), inner))
    }
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self {
        let routes = inner.iter().fold(Self::new(&self.0), |routes, path| routes.place::<R>(path));
        Self(self.0, self.1.nest(path, routes.1))
    }
}

pub fn extractors(gate: Gate, outside: Outside) -> Local<Serve> {
    let Extractors(services) = places::places(Extractors::default());
    let data = gate.clone();
    let configure = move |config: &mut ServiceConfig| {
        config.default_service(unknown_path(&data)).app_data(data);
        services.add_to(config);
    };
    Box::pin(serve(configure, gate, outside))
}

/// Here the gate stands in `app_data` in the other form there is.
pub fn middleware(gate: Gate, outside: Outside) -> Local<Serve> {
    let Middleware(gate, services) = places::places(Middleware(gate, Services::default()));
    let data = web::Data::new(gate.clone());
    let configure = move |config: &mut ServiceConfig| {
        config.default_service(unknown_path(&data)).app_data(data);
        services.add_to(config);
    };
    Box::pin(serve(configure, gate, outside))
}

/// Only `Routes` bring an answer to unknown paths that looks like what is hidden.
fn unknown_path(gate: &Gate) -> Route {
    let gate = gate.clone();
    web::to(move || ready(respond(gate.not_found())))
}

pub fn routes(gate: Gate, outside: Outside) -> Local<Serve> {
    let routes = places::places(Guarded::new(&gate)).1;
    Box::pin(serve(routes.into_config(), gate, outside))
}

async fn serve(configure: impl FnOnce(&mut ServiceConfig), gate: Gate, outside: Outside) -> Serve {
    let app = App::new().configure(configure);
    match outside {
        Outside::Nothing => through(init_service(app).await, TestRequest::to_request),
        Outside::EnforceAndScrub => {
            let app = app.wrap(gate.enforce()).wrap(gate.scrub());
            through(init_service(app).await, TestRequest::to_request)
        }
        Outside::Cors => {
            let cors = Cors::default().allowed_origin(APP).allowed_methods(["GET", "POST"]);
            let app = app.wrap(cors.allowed_header("authorization").supports_credentials());
            through(init_service(app).await, TestRequest::to_request)
        }
    }
}

fn through<S, R, B>(app: S, built: fn(TestRequest) -> R) -> Serve
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error> + 'static,
    R: 'static,
    B: MessageBody + 'static,
{
    let app = Rc::new(app);
    Box::new(move |request| {
        let app = app.clone();
        Box::pin(async move {
            let method = request.method;
            // A server turns the errors of middleware into answers like this.
            match app.call(built(to_actix(request))).await {
                Ok(response) => answer(method, response.into_parts().1).await,
                Err(error) => answer(method, HttpResponse::from_error(error)).await,
            }
        })
    })
}

fn to_actix(request: Request) -> TestRequest {
    let method = Method::from_bytes(request.method.as_bytes()).unwrap();
    let built = TestRequest::with_uri(&request.path).method(method).set_payload(request.body);
    let append = |built: TestRequest, (name, value): (&'static str, Vec<u8>)| {
        built.append_header((name, HeaderValue::from_bytes(&value).unwrap()))
    };
    request.headers.into_iter().fold(built, append)
}

async fn answer(method: &str, response: HttpResponse<impl MessageBody>) -> Answer {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = response.status().as_u16();
    Answer::on_the_wire(method, status, headers, &to_bytes(response.into_body()).await.ok().unwrap())
}
