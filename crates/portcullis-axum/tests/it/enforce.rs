//! The net below guards that were forgotten: what it lets through, and what not.

use crate::{
    cast::{self, Staff},
    log::Log,
    wire::{expect, get_as},
};
use axum::{Router, extract::Path, routing::get};
use http::{HeaderMap, StatusCode};
use portcullis_axum::{Authenticated, Authorized, GateExt, Visitor};
use portcullis_core::{Gate, policy::*};

async fn open() -> &'static str {
    "open"
}

#[tokio::test]
async fn enforce_lets_through_what_was_looked_at_or_tells_nothing() {
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
        .route("/empty/404", get(async || StatusCode::NOT_FOUND))
        .route("/empty/405", get(async || StatusCode::METHOD_NOT_ALLOWED))
        .route("/body/404", get(async || (StatusCode::NOT_FOUND, "no such thing")))
        .route("/body/405", get(async || (StatusCode::METHOD_NOT_ALLOWED, "not so")))
        .route("/empty/204", get(async || StatusCode::NO_CONTENT))
        .route("/empty/403", get(async || StatusCode::FORBIDDEN))
        .route("/empty/500", get(async || StatusCode::INTERNAL_SERVER_ERROR))
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
    let nothing = [
        ("GET /unknown", 404),
        ("POST /me", 405),
        ("HEAD /empty/404", 404),
        ("GET /empty/404", 404),
        ("GET /empty/405", 405),
    ];
    expect(&app, "", &nothing).await;
    for path in ["/body/404", "/body/405", "/empty/204", "/empty/403", "/empty/500", "/redirect"] {
        let answer = get_as(&app, path, "staff").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (500, None), "{path}");
        assert!(!answer.body.contains("no such thing") && !answer.body.contains("not so"), "{path}: {answer:?}");
    }
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

/// What axum refuses before it comes to our extractor was not looked at: put ours first.
#[tokio::test]
async fn an_extractor_that_refuses_before_ours_was_not_looked_at() {
    let gate = cast::gate();
    let app: Router = Router::new()
        .route("/first/{id}", get(async |_: Authenticated, Path(_): Path<u32>| "seen"))
        .route("/last/{id}", get(async |Path(_): Path<u32>, _: Authenticated| "seen"))
        .route("/guard/{id}", get(async |Path(_): Path<u32>| "seen").layer(gate.require(authenticated())))
        .layer(gate.enforce())
        .with_state(gate);
    expect(&app, "alice", &[("GET /first/7", 200), ("GET /last/7", 200), ("GET /guard/7", 200)]).await;
    expect(&app, "alice", &[("GET /first/x", 400), ("GET /last/x", 500), ("GET /guard/x", 400)]).await;
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
