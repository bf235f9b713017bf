//! The net below guards that were forgotten: what it lets through, and what not.

use crate::{
    ask::{ask, expect, get_as, request, send},
    cast::{self, Staff, open},
    log::Log,
};
use actix_web::{
    App, HttpRequest, HttpResponse,
    body::{BodyStream, BoxBody},
    dev::ServiceResponse,
    error::{ErrorForbidden, ErrorImATeapot, InternalError},
    http::StatusCode,
    web::{self, Bytes},
};
use futures_util::stream;
use portcullis_actix::{Authenticated, Authorized, GateExt, Visitor, mark_checked};
use portcullis_core::policy::*;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

fn answer(status: u16, body: &'static str) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(body)
}

fn streamed(status: u16, parts: &'static [&'static str]) -> HttpResponse {
    let parts = parts.iter().map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes())));
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(BodyStream::new(stream::iter(parts)))
}

#[actix_web::test]
async fn enforce_lets_through_what_was_looked_at_or_refused() {
    for (_, gate) in cast::fast_and_slow() {
        let at = |path: &str| web::resource(path);
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(at("/guard").get(open).wrap(gate.require(staff())))
                .service(at("/public").to(open).wrap(gate.require(anyone())))
                .service(at("/me").get(async |_: Authenticated| "me"))
                .service(at("/visitor").to(async |_: Visitor| "visitor"))
                .service(at("/authorized").to(async |_: Authorized<Staff>| "staff"))
                .service(at("/own").to(async |request: HttpRequest| {
                    mark_checked(&request);
                    "own"
                }))
                .service(at("/looked/404").to(async |_: Visitor| answer(404, "no such thing")))
                .service(at("/looked/500").to(async |_: Visitor| answer(500, "")))
                .service(at("/looked/stream").to(async |_: Visitor| streamed(200, &["a", "b"])))
                .service(at("/own/{status}").to(async |status: web::Path<u16>| answer(*status, "own")))
                .service(at("/stream/404").to(async || streamed(404, &["own"])))
                .service(at("/stream/200").to(async || streamed(200, &["own"])))
                .service(at("/none/200").to(async || HttpResponse::new(StatusCode::OK)))
                .service(at("/redirect").to(async || HttpResponse::Found().insert_header(("location", "/")).finish()))
                .wrap(gate.enforce())
        );
        let looked = [("GET /guard", 200), ("GET /me", 200), ("GET /authorized", 200), ("GET /visitor", 200)];
        expect(&app, "staff", &looked).await;
        expect(&app, "", &[("GET /guard", 401), ("GET /me", 401), ("GET /authorized", 401), ("PUT /guard", 401)]).await;
        let open = [("GET /public", 200), ("GET /visitor", 200), ("GET /own", 200), ("GET /looked/500", 500)];
        expect(&app, "", &open).await;
        assert_eq!(get_as(&app, "/looked/404", "").await.body, "no such thing");
        assert_eq!(get_as(&app, "/looked/stream", "").await.body, "ab");
        expect(&app, "broken", &[("GET /public", 200), ("GET /visitor", 401)]).await;
        expect(&app, "", &[("GET /unknown", 404), ("POST /me", 405), ("GET /redirect", 302)]).await;
        assert_eq!(ask(&app, "POST", "/me", "").await.header("allow"), Some("GET"));
        for status in [300, 304, 400, 403, 404, 405, 429, 500, 503] {
            expect(&app, "", &[(&format!("GET /own/{status}"), status), (&format!("HEAD /own/{status}"), status)])
                .await;
        }
        assert_eq!(get_as(&app, "/stream/404", "").await.body, "own");
        for path in ["/own/200", "/own/201", "/own/204", "/own/206", "/own/299", "/stream/200", "/none/200"] {
            for who in ["", "staff"] {
                let answer = get_as(&app, path, who).await;
                assert_eq!(answer.status, 500, "{path}");
                assert!(answer.body.starts_with("{\"status\":500"), "{path}: {answer:?}");
            }
        }
        // Preflights have no credential, and whatever answers them tells nothing.
        let (origin, asked) = (("origin", "https://app.example.com"), ("access-control-request-method", "PUT"));
        for (method, headers, status) in [
            ("OPTIONS", &[origin, asked][..], 200),
            ("OPTIONS", &[origin], 500),
            ("OPTIONS", &[asked], 500),
            ("OPTIONS", &[], 500),
            ("GET", &[origin, asked], 500),
        ] {
            let sent = headers.iter().fold(request(method, "/own/200", ""), |sent, header| sent.insert_header(*header));
            assert_eq!(send(&app, sent).await.status, status, "{method} {headers:?}");
        }
    }
}

/// What is registered beside the routes has no policy, and the net is below it too.
#[actix_web::test]
async fn routes_that_are_added_beside_the_others_are_seen() {
    let gate = cast::gate();
    let routes = cast::routes(&gate).route("/guarded", staff(), web::to(open));
    let late = web::resource("/late").to(open);
    let app = App::new().configure(routes.into_config()).service(late).default_service(web::to(open));
    let app = serve!(app.wrap(gate.enforce()));
    for who in ["", "staff"] {
        expect(&app, who, &[("GET /late", 500), ("GET /unknown", 500)]).await;
    }
    expect(&app, "staff", &[("GET /guarded", 200)]).await;
}

/// An error is an answer too, by its status.
#[actix_web::test]
async fn errors_of_those_further_in_pass_unless_they_are_none() {
    let gate = cast::gate();
    macro_rules! fails {
        ($error:expr) => {
            |_, _| async { Err::<ServiceResponse<BoxBody>, _>($error) }
        };
    }
    let app = serve!(
        App::new()
            .service(web::resource("/forgotten").to(open).wrap_fn(fails!(ErrorImATeapot("short and stout"))))
            .service(web::resource("/handler").to(async || Err::<&str, _>(ErrorForbidden("not so"))))
            .service(web::resource("/no/error").to(async || Err::<&str, _>(InternalError::new("own", StatusCode::OK))))
            .service(
                web::resource("/none/either")
                    .to(open)
                    .wrap_fn(fails!(InternalError::new("own", StatusCode::OK).into()))
            )
            .wrap(gate.enforce())
    );
    let log = Log::listen();
    for (path, status, body) in [("/forgotten", 418, "short and stout"), ("/handler", 403, "not so")] {
        let answer = get_as(&app, path, "").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body), "{path}");
        assert!(log.lines().is_empty(), "{path}");
    }
    for path in ["/no/error", "/none/either"] {
        assert_eq!(get_as(&app, path, "").await.body, r#"{"status":500,"title":"Internal Server Error"}"#, "{path}");
        assert_eq!(log.lines().len(), 1, "{path}");
    }
}

#[actix_web::test]
async fn nested_enforce_shares_what_was_seen_and_tells_it_once() {
    let (gate, other) = (cast::gate(), cast::gate());
    let inner = web::scope("/n")
        .service(web::resource("/open").to(open))
        .service(web::resource("/me").to(async |_: Authenticated| "me"))
        .service(web::resource("/other").to(open).wrap(other.require(anyone())))
        .wrap(gate.enforce());
    let app = serve!(App::new().app_data(gate.clone()).service(inner).wrap(gate.enforce()).wrap(other.enforce()));
    let log = Log::listen();
    expect(&app, "alice", &[("GET /n/me", 200), ("GET /n/other", 200), ("GET /n/unknown", 404)]).await;
    assert!(log.lines().is_empty());
    expect(&app, "alice", &[("GET /n/open", 500)]).await;
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].contains("GET /n/open"), "{lines:?}");
}

/// Extractors run side by side, but the first that fails ends it: what stands before ours and refuses at once does so
/// before anybody looked, and tells nothing that a handler would.
#[actix_web::test]
async fn an_extractor_that_refuses_before_ours_answers() {
    for (_, gate) in cast::fast_and_slow() {
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(web::resource("/first/{id}").to(async |_: Authenticated, _: web::Path<u32>| "seen"))
                .service(web::resource("/last/{id}").to(async |_: web::Path<u32>, _: Authenticated| "seen"))
                .service(
                    web::resource("/guard/{id}").to(async |_: web::Path<u32>| "x").wrap(gate.require(authenticated()))
                )
                .wrap(gate.enforce())
        );
        expect(&app, "alice", &[("GET /first/7", 200), ("GET /last/7", 200), ("GET /guard/7", 200)]).await;
        expect(&app, "alice", &[("GET /first/x", 404), ("GET /last/x", 404), ("GET /guard/x", 404)]).await;
        expect(&app, "", &[("GET /first/7", 401), ("GET /last/7", 401), ("GET /guard/x", 401)]).await;
    }
}

/// The handler has run by then: what it did is done, and what it answered is dropped, with its headers.
#[actix_web::test]
async fn nothing_of_the_dropped_response_is_left_but_what_was_done() {
    let gate = cast::gate();
    let done = Arc::new(AtomicUsize::new(0));
    let counting = done.clone();
    let handler = move |body: String| {
        counting.fetch_add(body.len(), Relaxed);
        async {
            let secret = ("x-secret", "secret");
            HttpResponse::Ok().insert_header(("set-cookie", "session=secret")).insert_header(secret).body("secret")
        }
    };
    let app = serve!(App::new().service(web::resource("/").to(handler)).wrap(gate.enforce()));
    let answer = send(&app, request("POST", "/", "").set_payload("hello")).await;
    assert_eq!(answer.status, 500);
    assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
    assert_eq!(done.load(Relaxed), 5);
}

/// The log names the path and not the query, in which there may be a token.
#[actix_web::test]
async fn the_event_does_not_show_the_query() {
    let gate = cast::gate();
    let app = serve!(App::new().service(web::resource("/a").to(open)).wrap(gate.enforce()));
    let log = Log::listen();
    expect(&app, "", &[("DELETE /a?token=secret", 500)]).await;
    let lines = log.lines();
    assert!(lines[0].contains("DELETE /a") && !lines[0].contains("secret"), "{lines:?}");
}
