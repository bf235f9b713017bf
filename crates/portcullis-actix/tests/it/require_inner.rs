//! Guards between other middleware: routing, bodies and errors further in, and what stands outside.

use crate::{
    ask::{ask, expect, get_as, request, send},
    cast::{self, Except, VIEW, View, open},
};
use actix_web::{
    App, Error as ActixError, HttpResponse,
    body::{BodyStream, BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    error::ErrorImATeapot,
    middleware::{Compat, Condition, DefaultHeaders, Logger, Next, NormalizePath, from_fn},
    web,
};
use futures_util::{FutureExt, stream};
use portcullis_actix::{Authorized, GateExt};
use portcullis_core::{Gate, policy::*};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Routing further in wants to be the only holder of the request, and panics otherwise.
#[actix_web::test]
async fn routing_goes_on_behind_slow_and_fast_guards() {
    let seen = async |all: web::Path<Vec<String>>, _: Authorized<View>| all.join(" ");
    for (_, gate) in cast::fast_and_slow() {
        let slow = || gate.require(Except { who: "stranger", code: "slow" });
        let deep = web::scope("/{part}")
            .service(web::resource("/{leaf}").route(web::get().to(seen).wrap(slow())).wrap(gate.require(VIEW)))
            .wrap(gate.require(authenticated()))
            .wrap(gate.require(VIEW));
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(web::scope("/p/{id}").service(deep).wrap(slow()).wrap(gate.require(VIEW)))
                .wrap(slow())
                .wrap(gate.require(authenticated()))
                .wrap(gate.enforce())
                .wrap(gate.scrub())
        );
        assert_eq!(get_as(&app, "/p/42/a/b", "viewer").await.body, "42 a b");
        expect(&app, "viewer", &[("GET /p/42/a/b/c", 404), ("GET /p/42", 404), ("PUT /p/42/a/b", 405)]).await;
        expect(&app, "viewer", &[("GET /p/43/a/b", 403), ("GET /p/43/unknown", 403), ("GET /q", 404)]).await;
        expect(&app, "", &[("GET /p/42/a/b", 401), ("GET /q", 401)]).await;
    }
}

#[actix_web::test]
async fn the_body_of_a_request_comes_through_and_a_refused_one_is_not_needed() {
    for (_, gate) in cast::fast_and_slow() {
        let echo = web::resource("/{id}").to(async |body: String| body).wrap(gate.require(VIEW));
        let app = serve!(App::new().service(echo));
        let post = |who| request("POST", "/42", who).set_payload("hello");
        assert_eq!(send(&app, post("viewer")).await.body, "hello");
        assert_eq!(send(&app, post("")).await.status, 401);
        assert_eq!(send(&app, post("alice")).await.status, 403);
    }
}

#[actix_web::test]
async fn what_goes_wrong_further_in_passes_as_it_is() {
    for (_, gate) in cast::fast_and_slow() {
        for policy in [Arc::new(staff()) as Arc<dyn Policy>, Arc::new(all((staff(), not(VIEW))))] {
            let guard = || gate.try_require(all(vec![policy.clone()])).unwrap();
            let fails = async || Err::<&str, _>(ErrorImATeapot("short and stout"));
            let app = serve!(
                App::new()
                    .service(web::resource("/handler/{id}").get(fails).wrap(guard()))
                    .service(web::resource("/extractor/{id}").to(async |_: web::Path<u8>| "").wrap(guard()))
                    .service(
                        web::resource("/middleware/{id}")
                            .to(open)
                            .wrap_fn(|_, _| async { Err::<ServiceResponse, _>(ErrorImATeapot("short and stout")) })
                            .wrap(guard())
                    )
                    .wrap(gate.enforce())
            );
            for path in ["/handler/43", "/middleware/43"] {
                let answer = get_as(&app, path, "staff").await;
                assert_eq!((answer.status.as_u16(), answer.body.as_str()), (418, "short and stout"), "{path}");
                expect(&app, "", &[(&format!("GET {path}"), 401)]).await;
                expect(&app, "alice", &[(&format!("GET {path}"), 403)]).await;
            }
            expect(&app, "staff", &[("GET /extractor/x", 404), ("GET /extractor/7", 200)]).await;
            expect(&app, "", &[("GET /extractor/x", 401)]).await;
        }
    }
}

#[actix_web::test]
async fn middleware_outside_sees_refusals_and_middleware_inside_does_not() {
    async fn stamp(
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<impl MessageBody>, ActixError> {
        let mut response = next.call(request).await?;
        response.headers_mut().insert("x-stamp".parse().unwrap(), "1".parse().unwrap());
        Ok(response)
    }
    for (_, gate) in cast::fast_and_slow() {
        let [inside, outside] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        macro_rules! count {
            ($calls:expr) => {{
                let calls = $calls.clone();
                move |request, next| {
                    calls.fetch_add(1, Relaxed);
                    next.call(request)
                }
            }};
        }
        let app = serve!(
            App::new()
                .service(
                    web::resource("/{id}")
                        .to(open)
                        .wrap_fn(count!(inside))
                        .wrap(DefaultHeaders::new().add(("x-inside", "1")))
                        .wrap(gate.require(VIEW))
                )
                .wrap_fn(count!(outside))
                .wrap(DefaultHeaders::new().add(("x-outside", "1")))
                .wrap(Logger::default())
                .wrap(from_fn(stamp))
        );
        for (who, status, inner) in [("", 401, None), ("alice", 403, None), ("viewer", 200, Some("1"))] {
            let answer = get_as(&app, "/42", who).await;
            assert_eq!(answer.status, status);
            assert_eq!((answer.header("x-outside"), answer.header("x-stamp")), (Some("1"), Some("1")), "{who:?}");
            assert_eq!(answer.header("x-inside"), inner, "{who:?}");
        }
        assert_eq!((inside.load(Relaxed), outside.load(Relaxed)), (1, 3));
    }
}

#[actix_web::test]
async fn head_and_options_are_answered_like_the_others() {
    let gate = cast::gate();
    let app = serve!(App::new().service(web::resource("/").to(open).wrap(gate.require(staff()))));
    for who in ["", "broken", "alice"] {
        let get = get_as(&app, "/", who).await;
        for method in ["HEAD", "OPTIONS"] {
            let other = ask(&app, method, "/", who).await;
            assert_eq!((other.status, other.headers), (get.status, get.headers.clone()), "{method} as {who:?}");
        }
    }
}

/// Any body inside, any middleware outside: it is a matter of types, so that it compiles is most of it.
#[actix_web::test]
async fn guards_stack_with_all_kinds_of_bodies() {
    fn streaming() -> HttpResponse<BodyStream<impl futures_util::Stream<Item = Result<web::Bytes, Infallible>>>> {
        let parts = ["a", "b", "c"].map(|part| Ok(web::Bytes::from_static(part.as_bytes())));
        HttpResponse::Ok().message_body(BodyStream::new(stream::iter(parts))).unwrap()
    }
    fn typed() -> HttpResponse<String> {
        HttpResponse::Ok().message_body("typed".to_owned()).unwrap()
    }
    let (_, gate) = cast::fast_and_slow().into_iter().next_back().unwrap();
    let guard = || gate.require(staff());
    let app = serve!(
        App::new()
            .service(web::resource("/stream").to(async || streaming()).wrap(guard()).wrap(guard()))
            .service(web::resource("/typed").to(async || typed()).wrap(guard()))
            .service(
                web::resource("/boxed")
                    .to(open)
                    .wrap_fn(|request, next| {
                        next.call(request).map(|response| response.map(ServiceResponse::<BoxBody>::map_into_boxed_body))
                    })
                    .wrap(guard())
            )
            .service(web::scope("/s").route("/a", web::get().to(open)).wrap(Condition::new(true, guard())))
            .service(web::resource("/compat").to(open).wrap(Compat::new(guard())).wrap(Compat::new(gate.enforce())))
            .wrap(guard())
            .wrap(DefaultHeaders::new().add(("x-outside", "1")))
            .wrap(NormalizePath::trim())
            .wrap(gate.enforce())
            .wrap(gate.scrub())
    );
    let paths = [("/stream", "abc"), ("/typed", "typed"), ("/boxed", "open"), ("/s/a", "open"), ("/compat", "open")];
    for (path, body) in paths {
        let answer = get_as(&app, path, "staff").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body), "{path}");
        expect(&app, "", &[(&format!("GET {path}"), 401)]).await;
        expect(&app, "alice", &[(&format!("GET {path}/"), 403)]).await;
    }
}

/// An address that a middleware rewrites before the routing is what guard and handler both see.
#[actix_web::test]
async fn a_path_that_is_normalized_is_the_same_for_guard_and_handler() {
    async fn app(gate: &Gate) -> crate::ask::Served {
        let handler = async |id: web::Path<String>| id.into_inner();
        serve!(
            App::new()
                .service(web::resource("/p/{id}").to(handler).wrap(gate.require(VIEW)))
                .wrap(NormalizePath::trim())
                .wrap(gate.scrub())
        )
    }
    let gate = cast::builder_of(cast::scheme(&cast::Names::default()).query("token")).build().unwrap();
    let app = app(&gate).await;
    for path in ["/p/42/", "/p//42", "//p/42", "/p/%34%32/", "/p/42/?token=viewer", "/p/42/?a=b"] {
        let who = if path.contains("token") { "" } else { "viewer" };
        assert_eq!(get_as(&app, path, who).await.body, "42", "{path}");
        expect(&app, who, &[(&format!("GET {}", path.replace("42", "43").replace("%34%32", "43")), 403)]).await;
    }
}
