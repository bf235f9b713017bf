//! Layers of other crates around guarded routes, in each order that makes a difference.

use crate::{
    cast,
    log::Log,
    wire::{Wire, ask, get_as, request, send},
};
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderValue, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL},
};
use portcullis_axum::GateExt;
use portcullis_core::{
    Gate, Scheme,
    policy::{authenticated, staff},
};
use std::sync::{Arc, Mutex};
use tower_http::{
    compression::CompressionLayer, cors::CorsLayer, set_header::SetResponseHeaderLayer, trace::TraceLayer,
};

const APP: &str = "https://app.example.com";

fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(HeaderValue::from_static(APP)).allow_headers([AUTHORIZATION])
}

/// A guarded route, and one that was forgotten.
fn router(gate: &Gate) -> Router {
    let long = async || "a text that is long enough to be worth the trouble".repeat(10);
    let routes = cast::routes(gate).route("/me", authenticated(), get(long)).route("/staff", staff(), get(long));
    routes.into_router().route("/forgotten", get(long)).with_state(gate.clone())
}

/// Some requests are too many.
async fn limit(request: Request, next: Next) -> Response {
    match request.headers().contains_key("x-too-many") {
        true => StatusCode::TOO_MANY_REQUESTS.into_response(),
        false => next.run(request).await,
    }
}

async fn preflight(app: &Router, path: &str) -> Wire {
    let mut request = request("OPTIONS", path, "");
    request.headers_mut().insert("origin", HeaderValue::from_static(APP));
    request.headers_mut().insert("access-control-request-method", HeaderValue::from_static("GET"));
    send(app, request).await
}

fn allowed(answer: &Wire) -> (u16, Option<&str>) {
    (answer.status.as_u16(), answer.header("access-control-allow-origin"))
}

#[tokio::test]
async fn cors_on_either_side_of_enforce_answers_preflights() {
    let gate = cast::gate();
    let outside = router(&gate).layer(gate.enforce()).layer(cors());
    let inside = router(&gate).layer(cors()).layer(gate.enforce());
    for app in [&outside, &inside] {
        for path in ["/me", "/forgotten", "/unknown"] {
            assert_eq!(allowed(&preflight(app, path).await), (200, Some(APP)), "{path}");
        }
        assert_eq!(allowed(&get_as(app, "/me", "").await), (401, Some(APP)));
        assert_eq!(allowed(&get_as(app, "/staff", "alice").await), (403, Some(APP)));
        assert_eq!(allowed(&get_as(app, "/me", "alice").await), (200, Some(APP)));
    }
    // A page can read that a guard was forgotten only where CORS stands outside.
    assert_eq!(allowed(&get_as(&outside, "/forgotten", "").await), (500, Some(APP)));
    assert_eq!(allowed(&get_as(&inside, "/forgotten", "").await), (500, None));
}

#[tokio::test]
async fn cors_inside_of_the_guard_is_told_to_the_log() {
    let gate = cast::gate();
    let app: Router = Router::new().route("/me", get(async || "me")).layer(cors()).layer(gate.require(authenticated()));
    let log = Log::listen();
    assert_eq!(allowed(&preflight(&app, "/me").await), (401, None));
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].contains("put the CORS layer outside of the guard"), "{lines:?}");
    assert_eq!(ask(&app, "OPTIONS", "/me", "").await.status, 401);
    assert!(!log.lines()[0].contains("CORS"));
}

#[tokio::test]
async fn a_rate_limit_answers_on_either_side_of_enforce() {
    let gate = cast::gate();
    let outside = router(&gate).layer(gate.enforce()).layer(from_fn(limit));
    let inside = router(&gate).layer(from_fn(limit)).layer(gate.enforce());
    for app in [outside, inside] {
        for path in ["/me", "/forgotten"] {
            let mut request = request("GET", path, "");
            request.headers_mut().insert("x-too-many", HeaderValue::from_static("1"));
            assert_eq!(send(&app, request).await.status, 429, "{path}");
        }
        assert_eq!(get_as(&app, "/me", "alice").await.status, 200);
        assert_eq!(get_as(&app, "/forgotten", "alice").await.status, 500);
    }
}

#[tokio::test]
async fn compression_stands_on_either_side_of_enforce_and_scrub() {
    let gate = cast::gate();
    for app in [
        router(&gate).layer(gate.enforce()).layer(gate.scrub()).layer(CompressionLayer::new()),
        router(&gate).layer(CompressionLayer::new()).layer(gate.enforce()).layer(gate.scrub()),
        router(&gate).layer(gate.enforce()).layer(
            tower::ServiceBuilder::new()
                .layer(gate.scrub())
                .layer(TraceLayer::new_for_http())
                .layer(CompressionLayer::new())
                .layer(cors()),
        ),
    ] {
        for (path, who, status, encoding) in [
            ("/me", "alice", 200, Some("gzip")),
            ("/staff", "alice", 403, Some("gzip")),
            ("/unknown", "alice", 404, None),
        ] {
            let mut request = request("GET", path, who);
            request.headers_mut().insert("accept-encoding", HeaderValue::from_static("gzip"));
            let answer = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
            let found = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap());
            assert_eq!((answer.status().as_u16(), found), (status, encoding), "{path}");
        }
    }
}

/// What a trace is made of, by where it stands.
#[tokio::test]
async fn a_trace_sees_the_token_only_outside_of_scrub() {
    let gate = Gate::builder().scheme(Scheme::new(cast::Names::default()).query("token")).build().unwrap();
    for (is_outside, expected) in [(true, "/me?a=1&token=alice"), (false, "/me?a=1&token=redac")] {
        let seen = Arc::new(Mutex::new(String::new()));
        let noting = seen.clone();
        let trace = TraceLayer::new_for_http().make_span_with(move |request: &Request| {
            *noting.lock().unwrap() = request.uri().to_string();
            tracing::Span::none()
        });
        let app = router(&gate);
        let app = match is_outside {
            true => app.layer(gate.scrub()).layer(trace),
            false => app.layer(trace).layer(gate.scrub()),
        };
        assert_eq!(get_as(&app, "/me?a=1&token=alice", "").await.status, 200);
        assert_eq!(*seen.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn caches_are_told_of_refusals_and_the_rest_is_the_services() {
    let gate = cast::gate();
    let private = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("private"));
    for (app, of_handlers) in [(router(&gate), None), (router(&gate).layer(private), Some("private"))] {
        for (path, who, status) in
            [("/me", "", 401), ("/me", "broken", 401), ("/staff", "alice", 403), ("/unknown", "alice", 404)]
        {
            let answer = get_as(&app, path, who).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (status, Some("no-store")), "{path}");
        }
        let answer = get_as(&app, "/me", "alice").await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, of_handlers));
        assert_eq!(answer.header("vary"), None);
    }
}
