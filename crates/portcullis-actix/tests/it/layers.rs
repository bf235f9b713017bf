//! Middleware of other crates around guarded routes, in each order that makes a difference.

use crate::{
    ask::{Served, Wire, get_as, request, send},
    cast::{self, open},
    log::Log,
};
use actix_cors::Cors;
use actix_web::{
    App, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{DefaultHeaders, Next, from_fn},
    web::{self, ServiceConfig},
};
use portcullis_actix::GateExt;
use portcullis_core::{
    Gate, Scheme,
    policy::{authenticated, staff},
};
use std::sync::{Arc, Mutex};

const APP: &str = "https://app.example.com";

fn cors() -> Cors {
    Cors::default().allowed_origin(APP).allowed_methods(["GET"]).allowed_header("authorization")
}

/// A guarded route, and one that was forgotten.
fn routes(gate: &Gate) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let routes =
        cast::routes(gate).route("/me", authenticated(), web::to(open)).route("/staff", staff(), web::to(open));
    |config| {
        config.configure(routes.into_config()).route("/forgotten", web::get().to(open));
    }
}

async fn preflight(app: &Served, path: &str) -> Wire {
    let asked = request("OPTIONS", path, "").insert_header(("origin", APP));
    send(app, asked.insert_header(("access-control-request-method", "GET"))).await
}

async fn from_page(app: &Served, path: &str, who: &str) -> Wire {
    send(app, request("GET", path, who).insert_header(("origin", APP))).await
}

fn allowed(answer: &Wire) -> (u16, Option<&str>) {
    (answer.status.as_u16(), answer.header("access-control-allow-origin"))
}

#[actix_web::test]
async fn cors_on_either_side_of_enforce_answers_preflights() {
    let gate = cast::gate();
    let outside = serve!(App::new().configure(routes(&gate)).wrap(gate.enforce()).wrap(cors()));
    let inside = serve!(App::new().configure(routes(&gate)).wrap(cors()).wrap(gate.enforce()));
    for app in [&outside, &inside] {
        for path in ["/me", "/forgotten", "/unknown"] {
            assert_eq!(allowed(&preflight(app, path).await), (200, Some(APP)), "{path}");
        }
        assert_eq!(allowed(&from_page(app, "/me", "").await), (401, Some(APP)));
        assert_eq!(allowed(&from_page(app, "/staff", "alice").await), (403, Some(APP)));
        assert_eq!(allowed(&from_page(app, "/me", "alice").await), (200, Some(APP)));
    }
    // A page can read that a guard was forgotten only where CORS stands outside.
    assert_eq!(allowed(&from_page(&outside, "/forgotten", "").await), (500, Some(APP)));
    assert_eq!(allowed(&from_page(&inside, "/forgotten", "").await), (500, None));
}

#[actix_web::test]
async fn cors_inside_of_the_guard_is_told_to_the_log() {
    let gate = cast::gate();
    let me = web::scope("").route("/me", web::to(open)).wrap(cors()).wrap(gate.require(authenticated()));
    let app = serve!(App::new().service(me));
    let log = Log::listen();
    assert_eq!(allowed(&preflight(&app, "/me").await), (401, None));
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].contains("put the CORS layer outside of the guard"), "{lines:?}");
    send(&app, request("OPTIONS", "/me", "")).await;
    assert!(!log.lines()[0].contains("CORS"));
}

/// Some requests are too many.
async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.headers().contains_key("x-too-many") {
        return Ok(request.into_response(HttpResponse::TooManyRequests().finish()).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

#[actix_web::test]
async fn a_rate_limit_answers_on_either_side_of_enforce() {
    let gate = cast::gate();
    let outside = serve!(App::new().configure(routes(&gate)).wrap(gate.enforce()).wrap(from_fn(limit)));
    let inside = serve!(App::new().configure(routes(&gate)).wrap(from_fn(limit)).wrap(gate.enforce()));
    for app in [outside, inside] {
        for path in ["/me", "/forgotten"] {
            let sent = request("GET", path, "").insert_header(("x-too-many", "1"));
            assert_eq!(send(&app, sent).await.status, 429, "{path}");
        }
        assert_eq!(get_as(&app, "/me", "alice").await.status, 200);
        assert_eq!(get_as(&app, "/forgotten", "alice").await.status, 500);
    }
}

/// What a log is made of, by where it stands.
#[actix_web::test]
async fn a_log_sees_the_token_only_outside_of_scrub() {
    let gate = Gate::builder().scheme(Scheme::new(cast::Names::default()).query("token")).build().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    macro_rules! access_log {
        () => {{
            let seen = seen.clone();
            move |request: ServiceRequest, next: &_| {
                *seen.lock().unwrap() = request.uri().to_string();
                actix_web::dev::Service::call(next, request)
            }
        }};
    }
    let outside = serve!(App::new().configure(routes(&gate)).wrap(gate.scrub()).wrap_fn(access_log!()));
    assert_eq!(get_as(&outside, "/me?a=1&token=alice", "").await.status, 200);
    assert_eq!(*seen.lock().unwrap(), "/me?a=1&token=alice");
    let inside = serve!(App::new().configure(routes(&gate)).wrap_fn(access_log!()).wrap(gate.scrub()));
    assert_eq!(get_as(&inside, "/me?a=1&token=alice", "").await.status, 200);
    assert_eq!(*seen.lock().unwrap(), "/me?a=1&token=redac");
}

#[actix_web::test]
async fn caches_are_told_of_refusals_and_the_rest_is_the_services() {
    let gate = cast::gate();
    let private = DefaultHeaders::new().add(("cache-control", "private"));
    let plain = serve!(App::new().configure(routes(&gate)));
    let private = serve!(App::new().configure(routes(&gate)).wrap(private));
    for (app, of_handlers) in [(plain, None), (private, Some("private"))] {
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
