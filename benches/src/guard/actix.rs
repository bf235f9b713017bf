use super::{BARE, NO_OP, Verifier};
use crate::{
    case::{Case, Operation},
    claims::Small,
    verify::OURS,
};
use actix_web::{
    App, Error, HttpMessage,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::ErrorUnauthorized,
    http::header::{AUTHORIZATION, HeaderValue},
    rt::System,
    test,
    web::{self, ServiceConfig},
};
use actix_web_httpauth::{extractors::bearer::BearerAuth, middleware::HttpAuthentication};
use futures_util::FutureExt;
use portcullis_actix::{Authenticated, GateExt, Routes};
use portcullis_core::{
    Error as CoreError, Gate, GateBuilder, Membership, Principal, RoleHierarchy, Standing, TokenCache,
    policy::{Policy, authenticated, path, role},
    testing::acting_as,
};
use std::{
    future::{Ready, ready},
    hint::black_box,
};

const PEER: &str = "actix-web-httpauth";
/// A second guard that asks for nothing but a caller.
const AUTHENTICATED: &str = "authenticated()";

pub(super) fn cases(
    wanted: impl Fn(&str) -> bool,
    gate: impl Fn(fn(GateBuilder) -> GateBuilder) -> Gate,
    token: &str,
) -> Vec<Case> {
    let member = gate(|settings| {
        let roles = RoleHierarchy::ranked(["viewer"]).expect("a role");
        settings.roles(roles).membership("project", Projects)
    });
    let member = member.acting_as(acting_as("alice"));
    let cached = gate(|settings| settings.cache(TokenCache::new(20_000)));
    let gate = gate(|settings| settings);
    // Known without a token: what it costs then is the guard's own.
    let known = gate.acting_as(acting_as("alice"));
    let case = |row, gate: &Gate, operations: fn(&Gate, &str) -> Vec<Operation>| {
        let name = format!("guard/actix/{row}");
        let table = "guard, actix-web, a request built and answered".to_owned();
        wanted(&name).then(|| Case { name, table, row, operations: operations(gate, token) })
    };
    let cases = [
        case("cached, extracted", &cached, |gate, token| vec![taken(gate, token), bare(token)]),
        case("cached, guarded", &cached, |gate, token| vec![guarded(gate, token), no_op(token), bare(token)]),
        case("cached, both", &cached, |gate, token| vec![extracted(gate, token), no_op(token), bare(token)]),
        case("known", &known, |gate, token| vec![guarded(gate, token), bare(token)]),
        case("known, extracted", &known, |gate, token| vec![extracted(gate, token), bare(token)]),
        case("remembered standing", &member, |gate, token| {
            vec![
                behind(OURS, gate, token, role("viewer").on("project", path("id"))),
                behind(AUTHENTICATED, gate, token, authenticated()),
            ]
        }),
        case("HS256", &gate, |gate, token| vec![extracted(gate, token), peer(token), bare(token)]),
    ];
    cases.into_iter().flatten().collect()
}

/// The policy before the handler.
fn guarded(gate: &Gate, token: &str) -> Operation {
    let routes = Routes::new(gate).route("/x", authenticated(), web::get().to(async || "ok"));
    operation(OURS, token, routes.into_config())
}

/// The same, and the principal in the handler.
fn extracted(gate: &Gate, token: &str) -> Operation {
    let routes = Routes::new(gate).route("/x", authenticated(), web::get().to(greet));
    operation(OURS, token, routes.into_config())
}

/// The principal in the handler of an app that knows nothing else of us.
fn taken(gate: &Gate, token: &str) -> Operation {
    let gate = gate.clone();
    operation(OURS, token, move |config| {
        config.app_data(gate).route("/x", web::get().to(greet));
    })
}

async fn greet(Authenticated(principal): Authenticated) -> &'static str {
    black_box(principal);
    "ok"
}

/// Everybody may view every project.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = String;

    async fn standing(&self, _: &Principal, _: &String) -> Result<Standing, CoreError> {
        Ok(Standing::role("viewer"))
    }
}

/// This guard behind one that has asked about the resource.
fn behind(by: &'static str, gate: &Gate, token: &str, policy: impl Policy + 'static) -> Operation {
    let (first, second) = (gate.require(role("viewer").on("project", path("id"))), gate.require(policy));
    operation(by, token, move |config| {
        let resource = web::resource("/{id}").route(web::get().to(async || "ok"));
        config.service(resource.wrap(second).wrap(first));
    })
}

fn bare(token: &str) -> Operation {
    operation(BARE, token, |config| {
        config.route("/x", web::get().to(async || "ok"));
    })
}

/// The bare route in a middleware.
fn no_op(token: &str) -> Operation {
    operation(NO_OP, token, |config| {
        config.service(web::resource("/x").route(web::get().to(async || "ok")).wrap(NoOp));
    })
}

struct NoOp;

impl<S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>> Transform<S, ServiceRequest> for NoOp {
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = NoOpMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<NoOpMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(NoOpMiddleware { inner }))
    }
}

struct NoOpMiddleware<S> {
    inner: S,
}

impl<S: Service<ServiceRequest>> Service<ServiceRequest> for NoOpMiddleware<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> S::Future {
        self.inner.call(request)
    }
}

/// Verified by `jsonwebtoken`, and the claims handed to the handler, as its documentation shows.
fn peer(token: &str) -> Operation {
    async fn verify(request: ServiceRequest, bearer: BearerAuth) -> Result<ServiceRequest, (Error, ServiceRequest)> {
        let verified =
            request.app_data::<web::Data<Verifier<Small>>>().and_then(|verifier| verifier.verify(bearer.token()));
        match verified {
            Some(claims) => {
                request.extensions_mut().insert(claims);
                Ok(request)
            }
            None => Err((ErrorUnauthorized("the token is not valid"), request)),
        }
    }
    let verifier = web::Data::new(Verifier::new());
    operation(PEER, token, move |config| {
        let route = web::get().to(async |claims: web::ReqData<Small>| {
            black_box(&*claims);
            "ok"
        });
        let resource = web::resource("/x").wrap(HttpAuthentication::bearer(verify)).route(route);
        config.app_data(verifier).service(resource);
    })
}

/// A request with the token, to an app with these routes.
pub(crate) fn operation(by: &'static str, token: &str, routes: impl FnOnce(&mut ServiceConfig)) -> Operation {
    let system = System::new();
    let app = system.block_on(test::init_service(App::new().configure(routes)));
    let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is a header's value");
    Operation::new(by, move || {
        let _alive = &system;
        let request = test::TestRequest::with_uri("/x").insert_header((AUTHORIZATION, bearer.clone())).to_request();
        let response = app.call(request).now_or_never().expect("nobody is waited for").expect("it answers");
        assert_eq!(response.status(), 200);
        response
    })
}
