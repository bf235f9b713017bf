//! The net below guards that were forgotten: what it lets through, and what not.

use crate::{
    cast::{self, Staff},
    log::Log,
    wire::{expect, get_as, request, send},
};
use axum::{
    Router,
    extract::Path,
    routing::{any, get},
};
use http::{HeaderMap, StatusCode};
use portcullis_axum::{Authenticated, Authorized, GateExt, Visitor};
use portcullis_core::{
    Gate,
    policy::{anyone, authenticated, staff},
};

async fn open() -> &'static str {
    "open"
}

#[tokio::test]
async fn enforce_lets_through_what_was_looked_at_or_refused() {
    let gate = cast::gate();
    let app: Router = Router::new()
        .route("/guard", get(open).layer(gate.require(staff())))
        .route("/public", get(open).layer(gate.require(anyone())))
        .route("/me", get(async |_: Authenticated| "me"))
        .route("/home", get(async |_: Option<Authenticated>| "home"))
        .route("/visitor", get(async |_: Visitor| "visitor"))
        .route("/authorized", get(async |_: Authorized<Staff>| "staff"))
        .route("/looked/404", get(async |_: Visitor| (StatusCode::NOT_FOUND, "no such thing")))
        .route("/looked/500", get(async |_: Visitor| StatusCode::INTERNAL_SERVER_ERROR))
        .route("/own/{status}", any(async |Path(status): Path<u16>| (StatusCode::from_u16(status).unwrap(), "own")))
        .route("/redirect", get(async || axum::response::Redirect::to("/secret")))
        .layer(gate.enforce())
        .with_state(gate.clone());
    let looked = [("GET /guard", 200), ("GET /me", 200), ("GET /authorized", 200)];
    expect(&app, "staff", &looked).await;
    expect(&app, "", &looked.map(|(line, _)| (line, 401))).await;
    let open = [
        ("GET /public", 200),
        ("GET /home", 200),
        ("GET /visitor", 200),
        ("GET /looked/404", 404),
        ("GET /looked/500", 500),
    ];
    expect(&app, "", &open).await;
    expect(&app, "broken", &[("GET /public", 200), ("GET /home", 401), ("GET /visitor", 401)]).await;
    expect(&app, "", &[("GET /unknown", 404), ("POST /me", 405), ("GET /redirect", 303)]).await;
    for status in [300, 304, 400, 403, 404, 405, 429, 500, 503] {
        expect(&app, "", &[(&format!("GET /own/{status}"), status), (&format!("HEAD /own/{status}"), status)]).await;
    }
    for status in [200, 201, 204, 206, 299] {
        for who in ["", "staff"] {
            let answer = get_as(&app, &format!("/own/{status}"), who).await;
            assert!(answer.status == 500 && answer.body.contains("Internal Server Error"), "{status}: {answer:?}");
        }
    }
    // Preflights have no credential, and whatever answers them tells nothing.
    for (method, origin, asked, status) in [
        ("OPTIONS", true, true, 200),
        ("OPTIONS", true, false, 500),
        ("OPTIONS", false, true, 500),
        ("OPTIONS", false, false, 500),
        ("GET", true, true, 500),
    ] {
        let mut request = request(method, "/own/200", "");
        if origin {
            request.headers_mut().insert("origin", "https://app.example.com".parse().unwrap());
        }
        if asked {
            request.headers_mut().insert("access-control-request-method", "PUT".parse().unwrap());
        }
        assert_eq!(send(&app, request).await.status, status, "{method} {origin} {asked}");
    }
}

/// What is added to the router that `Routes` became has no policy, and the net is below it too.
#[tokio::test]
async fn routes_that_are_added_to_the_finished_router_are_seen() {
    let gate = cast::gate();
    let routes = cast::routes(&gate).route("/guarded", staff(), get(open)).into_router();
    let app = routes.route("/late", get(open)).route("/late/404", get(async || StatusCode::NOT_FOUND));
    let app: Router = app.fallback(open).layer(gate.enforce()).with_state(gate);
    for who in ["", "staff"] {
        expect(&app, who, &[("GET /late", 500), ("GET /unknown", 500), ("GET /late/404", 404)]).await;
    }
    expect(&app, "staff", &[("GET /guarded", 200)]).await;
}

#[tokio::test]
async fn nested_enforce_layers_share_what_was_seen_and_tell_it_once() {
    let (gate, other) = (cast::gate(), cast::gate());
    let inner: Router<Gate> = Router::new()
        .route("/open", get(open))
        .route("/me", get(async |_: Authenticated| "me"))
        .route("/other", get(open).layer(other.require(anyone())))
        .layer(gate.enforce());
    let app: Router = Router::new().nest("/n", inner).layer(gate.enforce()).layer(other.enforce()).with_state(gate);
    let log = Log::listen();
    expect(&app, "alice", &[("GET /n/me", 200), ("GET /n/other", 200), ("GET /n/unknown", 404)]).await;
    assert!(log.lines().is_empty());
    expect(&app, "alice", &[("GET /n/open", 500)]).await;
    assert_eq!(log.lines().len(), 1);
}

/// What axum refuses before it comes to our extractor passes as it is: it tells nothing that a handler would.
#[tokio::test]
async fn an_extractor_that_refuses_before_ours_answers() {
    let gate = cast::gate();
    let app: Router = Router::new()
        .route("/first/{id}", get(async |_: Authenticated, Path(_): Path<u32>| "seen"))
        .route("/last/{id}", get(async |Path(_): Path<u32>, _: Authenticated| "seen"))
        .route("/guard/{id}", get(async |Path(_): Path<u32>| "seen").layer(gate.require(authenticated())))
        .layer(gate.enforce())
        .with_state(gate);
    expect(&app, "alice", &[("GET /first/7", 200), ("GET /last/7", 200), ("GET /guard/7", 200)]).await;
    expect(&app, "alice", &[("GET /first/x", 400), ("GET /last/x", 400), ("GET /guard/x", 400)]).await;
    // Who is nobody is told so by the first that asks.
    expect(&app, "", &[("GET /first/x", 401), ("GET /last/x", 400), ("GET /guard/x", 401)]).await;
}

/// The handler has run by then: what it answered is dropped, with its headers.
#[tokio::test]
async fn nothing_of_the_dropped_response_is_left() {
    let gate = cast::gate();
    let handler = async || {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", "session=secret".parse().unwrap());
        headers.insert("x-secret", "secret".parse().unwrap());
        (headers, "secret")
    };
    let app: Router = Router::new().route("/", get(handler)).layer(gate.enforce()).with_state(gate);
    let answer = get_as(&app, "/", "").await;
    assert_eq!(answer.status, 500);
    assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
}
