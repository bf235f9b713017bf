//! The net below guards that were forgotten: what it lets through, and what not.

use crate::{
    ask::{ask, expect, get_as, request, send},
    cast::{self, Staff, open},
    log::Log,
};
use actix_web::{
    App, HttpRequest, HttpResponse,
    body::{BodyStream, BoxBody, SizedStream},
    dev::ServiceResponse,
    error::{ErrorForbidden, ErrorImATeapot},
    http::StatusCode,
    web::{self, Bytes},
};
use futures_util::stream;
use portcullis_actix::{Authenticated, Authorized, GateExt, Visitor, looked_at};
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
async fn enforce_lets_through_what_was_looked_at_or_tells_nothing() {
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
                    looked_at(&request);
                    "own"
                }))
                .service(at("/looked/404").to(async |_: Visitor| answer(404, "no such thing")))
                .service(at("/looked/500").to(async |_: Visitor| answer(500, "")))
                .service(at("/looked/stream").to(async |_: Visitor| streamed(200, &["a", "b"])))
                .service(at("/empty/404").to(async || answer(404, "")))
                .service(at("/empty/405").to(async || answer(405, "")))
                .service(at("/none/404").to(async || HttpResponse::new(StatusCode::NOT_FOUND)))
                .service(at("/body/404").to(async || answer(404, "no such thing")))
                .service(at("/body/405").to(async || answer(405, "no such thing")))
                .service(at("/stream/404").to(async || streamed(404, &["no such thing"])))
                .service(at("/stream/200").to(async || streamed(200, &["no such thing"])))
                .service(at("/sized/404").to(async || {
                    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"no such thing"))]);
                    HttpResponse::NotFound().body(SizedStream::new(13, body))
                }))
                .service(at("/empty/200").to(async || answer(200, "")))
                .service(at("/empty/204").to(async || answer(204, "")))
                .service(at("/empty/403").to(async || answer(403, "")))
                .service(at("/empty/500").to(async || answer(500, "")))
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
        let nothing = [("GET /unknown", 404), ("POST /me", 405), ("HEAD /empty/404", 404), ("GET /empty/405", 405)];
        expect(&app, "", &nothing).await;
        expect(&app, "", &[("GET /empty/404", 404), ("GET /none/404", 404)]).await;
        assert_eq!(ask(&app, "POST", "/me", "").await.header("allow"), Some("GET"));
        for path in ["/body/404", "/body/405", "/stream/404", "/stream/200", "/sized/404", "/empty/200", "/empty/204"]
            .into_iter()
            .chain(["/empty/403", "/empty/500", "/redirect"])
        {
            let answer = get_as(&app, path, "staff").await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (500, None), "{path}");
            assert!(answer.body.starts_with("{\"status\":500"), "{path}: {answer:?}");
        }
    }
}

#[actix_web::test]
async fn errors_of_those_further_in_pass_only_if_somebody_looked() {
    let gate = cast::gate();
    macro_rules! fails {
        () => {
            |_, _| async { Err::<ServiceResponse<BoxBody>, _>(ErrorImATeapot("short and stout")) }
        };
    }
    let app = serve!(
        App::new()
            .service(web::resource("/forgotten").to(open).wrap_fn(fails!()))
            .service(web::resource("/handler").to(async || Err::<&str, _>(ErrorForbidden("secret"))))
            .service(web::resource("/guarded").to(open).wrap_fn(fails!()).wrap(gate.require(anyone())))
            .wrap(gate.enforce())
    );
    let log = Log::listen();
    for path in ["/forgotten", "/handler"] {
        let answer = get_as(&app, path, "").await;
        assert_eq!(answer.body, r#"{"status":500,"title":"Internal Server Error"}"#, "{path}");
        assert_eq!(log.lines().len(), 1, "{path}");
    }
    assert_eq!(get_as(&app, "/guarded", "").await.body, "short and stout");
    assert!(log.lines().is_empty());
}

#[actix_web::test]
async fn nested_enforce_shares_what_was_seen_and_tells_it_once() {
    let (gate, other) = (cast::gate(), cast::gate());
    let inner = web::scope("/n")
        .service(web::resource("/open").to(open))
        .service(web::resource("/me").to(async |_: Authenticated| "me"))
        .service(web::resource("/other").to(open).wrap(other.require(anyone())))
        .service(
            web::resource("/error")
                .to(open)
                .wrap_fn(|_, _| async { Err::<ServiceResponse<BoxBody>, _>(ErrorImATeapot("short and stout")) }),
        )
        .wrap(gate.enforce());
    let app = serve!(App::new().app_data(gate.clone()).service(inner).wrap(gate.enforce()).wrap(other.enforce()));
    let log = Log::listen();
    expect(&app, "alice", &[("GET /n/me", 200), ("GET /n/other", 200), ("GET /n/unknown", 404)]).await;
    assert!(log.lines().is_empty());
    for line in ["GET /n/open", "GET /n/error"] {
        expect(&app, "alice", &[(line, 500)]).await;
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].contains(line), "{lines:?}");
    }
}

/// Extractors run side by side, but the first that fails ends it: what stands before ours and refuses at once does so
/// before anybody looked. Put ours first.
#[actix_web::test]
async fn an_extractor_that_refuses_before_ours_may_not_have_been_looked_at() {
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
