use super::{BARE, NO_OP, Verifier};
use crate::{
    case::{Case, Operation},
    claims::Sample,
    verify::{OURS, PEER},
};
use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderValue, StatusCode, Uri, header::AUTHORIZATION, request::Parts},
    routing::get,
};
use futures_util::FutureExt;
use portcullis_axum::{Authenticated, Routes};
use portcullis_core::{Gate, GateBuilder, TokenCache, policy::authenticated};
use std::{
    hint::black_box,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::layer_fn;
use tower_service::Service;

pub(super) fn cases(
    wanted: impl Fn(&str) -> bool,
    gate: impl Fn(fn(GateBuilder) -> GateBuilder) -> Gate,
    token: &str,
) -> Vec<Case> {
    let verifying = gate(|settings| settings);
    let cached = gate(|settings| settings.cache(TokenCache::new(20_000)));
    let case = |row, gate: &Gate, operations: fn(&Gate, &str) -> Vec<Operation>| {
        let name = format!("guard/axum/{row}");
        let table = "guard, axum, a request built and answered".to_owned();
        wanted(&name).then(|| Case { name, table, row, operations: operations(gate, token) })
    };
    let cases = [
        case("cached, extracted", &cached, |gate, token| vec![extracted(gate, token), bare(gate, token)]),
        case("cached, guarded", &cached, |gate, token| {
            vec![guarded(gate, token), no_op(gate, token), bare(gate, token)]
        }),
        case("cached, guarded methods", &cached, |gate, token| {
            vec![guarded_methods(gate, token), no_op(gate, token), bare(gate, token)]
        }),
        case("cached, both", &cached, |gate, token| vec![both(gate, token), no_op(gate, token), bare(gate, token)]),
        case("HS256, extracted", &verifying, |gate, token| {
            vec![extracted(gate, token), peer(token), bare(gate, token)]
        }),
        case("HS256, guarded", &verifying, |gate, token| vec![guarded(gate, token), bare(gate, token)]),
    ];
    cases.into_iter().flatten().collect()
}

/// The principal in the handler of a router that knows nothing else of us.
fn extracted(gate: &Gate, token: &str) -> Operation {
    operation(OURS, token, greeting(gate))
}

pub(crate) fn greeting(gate: &Gate) -> Router {
    Router::new().route("/x", get(greet)).with_state(gate.clone())
}

/// The policy before the handler.
fn guarded(gate: &Gate, token: &str) -> Operation {
    operation(OURS, token, Routes::new(gate).get("/x", authenticated(), async || "ok").into_router())
}

/// The policy before whatever axum takes for a path.
fn guarded_methods(gate: &Gate, token: &str) -> Operation {
    operation(OURS, token, Routes::new(gate).route("/x", authenticated(), get(async || "ok")).into_router())
}

/// The policy before the handler, and the principal in it.
fn both(gate: &Gate, token: &str) -> Operation {
    let routes = Routes::new(gate).get("/x", authenticated(), greet);
    operation(OURS, token, routes.into_router().with_state(gate.clone()))
}

async fn greet(Authenticated(principal): Authenticated) -> &'static str {
    black_box(principal);
    "ok"
}

/// With the same state, which costs something whether or not it is used.
fn bare(gate: &Gate, token: &str) -> Operation {
    operation(BARE, token, unguarded(gate))
}

pub(crate) fn unguarded(gate: &Gate) -> Router {
    Router::new().route("/x", get(async || "ok")).with_state(gate.clone())
}

/// The bare route in a layer.
fn no_op(gate: &Gate, token: &str) -> Operation {
    let methods = get(async || "ok").layer(layer_fn(NoOp));
    operation(NO_OP, token, Router::new().route("/x", methods).with_state(gate.clone()))
}

#[derive(Clone)]
struct NoOp<S>(S);

impl<S: Service<Request>> Service<Request> for NoOp<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.0.call(request)
    }
}

/// Verified by `jsonwebtoken` in an extractor, as one writes it by hand.
fn peer(token: &str) -> Operation {
    operation(PEER, token, by_jsonwebtoken(Verifier::new()))
}

pub(crate) fn by_jsonwebtoken<C: Sample>(verifier: Verifier<C>) -> Router {
    struct Caller<C>(C);

    impl<C: Sample> FromRequestParts<Arc<Verifier<C>>> for Caller<C> {
        type Rejection = StatusCode;

        async fn from_request_parts(parts: &mut Parts, verifier: &Arc<Verifier<C>>) -> Result<Self, StatusCode> {
            let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
            verifier.verify(token).map(Self).ok_or(StatusCode::UNAUTHORIZED)
        }
    }
    let route = get(async |Caller(claims): Caller<C>| {
        black_box(claims);
        "ok"
    });
    Router::new().route("/x", route).with_state(Arc::new(verifier))
}

/// A request with the token, to this router.
pub(crate) fn operation(by: &'static str, token: &str, router: Router) -> Operation {
    answered(by, Some(token), StatusCode::OK, router)
}

/// A request to this router, and the status of its answer.
pub(super) fn answered(by: &'static str, token: Option<&str>, status: StatusCode, router: Router) -> Operation {
    // As `axum::serve` does: without it, a router without a state makes its routes anew for every request.
    let mut router: Router = router.with_state(());
    let bearer = |token: &str| HeaderValue::try_from(format!("Bearer {token}")).expect("a token is a header's value");
    let bearer = token.map(bearer);
    Operation::new(by, move || {
        let mut request = request();
        if let Some(bearer) = &bearer {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        let response = router.call(request).now_or_never().expect("nobody is waited for").expect("it answers");
        assert_eq!(response.status(), status);
        response
    })
}

pub(crate) fn request() -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static("/x");
    request
}
