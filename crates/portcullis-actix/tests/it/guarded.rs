//! What a guard leaves for its route: the gate that extractors go by, and that renders errors of the handler.

use crate::{
    ask::{expect, get_as},
    cast::{self, Except, Names, Staff, open},
    log::Log,
};
use actix_web::{App, HttpResponse, ResponseError, http::header, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Leased, Rejection, Routes, Visitor};
use portcullis_core::{Error, ErrorKind, Gate, policy::*, testing::acting_as};
use std::fmt;

/// A gate that writes its name under every refusal.
fn named(names: &Names, name: &'static str) -> Gate {
    cast::builder(names).render(move |_, default| default.with_body("text/plain", name)).build().unwrap()
}

async fn fails() -> Result<&'static str, Rejection> {
    Err(Error::new(ErrorKind::Denied, "the vault is closed").with_code("closed"))?
}

/// An error type of one's own that lets the rejection answer.
#[derive(Debug)]
struct Own(Rejection);

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Own {
    fn error_response(&self) -> HttpResponse {
        let mut response = self.0.error_response();
        let headers = [("x-kept", "1"), ("set-cookie", "a=b"), ("content-encoding", "none"), ("retry-after", "9")];
        for (name, value) in headers {
            response.headers_mut().append(name.try_into().unwrap(), header::HeaderValue::from_static(value));
        }
        response
    }
}

#[actix_web::test]
async fn an_error_of_the_handler_is_rendered_by_the_guard_of_its_route() {
    for names in [Names::default(), Names::slow()] {
        let (outer, inner) = (named(&names, "outer"), named(&names, "inner"));
        let plain = cast::builder(&names).build().unwrap();
        let own = async || Err::<&str, _>(Own(fails().await.unwrap_err()));
        let by_hand = {
            let outer = outer.clone();
            move || {
                let outer = outer.clone();
                async move { Err::<&str, _>(Rejection::new(&outer, Error::new(ErrorKind::Denied, "no"))) }
            }
        };
        let inside = web::scope("/nested")
            .service(web::resource("/inner").to(fails).wrap(inner.require(authenticated())))
            .service(web::resource("/by-hand").to(by_hand).wrap(inner.require(authenticated())))
            .route("/none", web::get().to(fails))
            .wrap(outer.require(authenticated()));
        let app = serve!(
            App::new()
                .configure(
                    Routes::new(&outer)
                        .route("/guarded", authenticated(), web::get().to(fails))
                        .route("/public", anyone(), web::get().to(fails))
                        .route("/own", authenticated(), web::get().to(own))
                        .route("/fine", authenticated(), web::get().to(open))
                        .into_config()
                )
                .service(inside)
                .route("/unguarded", web::get().to(fails))
                .service(web::resource("/plain").to(fails).wrap(plain.require(authenticated())))
        );
        let default = r#"{"code":"closed","status":403,"title":"Forbidden"}"#;
        let log = Log::listen();
        for (path, body) in [
            ("/guarded", "outer"),
            ("/public", "outer"),
            ("/own", "outer"),
            ("/nested/inner", "inner"),
            ("/nested/by-hand", "outer"),
            ("/nested/none", "outer"),
            ("/unguarded", default),
            ("/plain", default),
        ] {
            let answer = get_as(&app, path, "alice").await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (403, body), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            assert!(answer.header("content-type").is_some(), "{path}");
            assert_eq!(log.lines().len(), 1, "{path} is one event");
        }
        assert_eq!(get_as(&app, "/fine", "alice").await.body, "open");
        let own = get_as(&app, "/own", "alice").await;
        assert_eq!((own.header("x-kept"), own.header("set-cookie")), (Some("1"), Some("a=b")));
        assert_eq!((own.header("content-encoding"), own.header("retry-after")), (None, None));
    }
}

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

async fn everything(
    (Authenticated(who), same): (Authenticated, Result<Authenticated, Rejection>),
    (Visitor(visitor), Leased(lease), access): (Visitor, Leased, Authorized<Staff>),
) -> String {
    let all = [&who, &same.unwrap().0, &visitor.unwrap(), lease.principal(), access.principal().unwrap()];
    assert!(all.iter().all(|one| one.id() == who.id()));
    who.id().subject().to_owned()
}

#[actix_web::test]
async fn extractors_go_by_the_gate_of_the_innermost_guard() {
    let of = |name: &str| cast::gate().acting_as(acting_as(name).with_staff(true));
    let (data, outer, inner) = (of("data"), of("outer"), of("inner"));
    let open =
        |path: &str| web::scope(path).route("/me", web::get().to(me)).route("/everything", web::get().to(everything));
    let nested = open("/inner").wrap(inner.require(authenticated()));
    let app = serve!(
        App::new()
            .app_data(data)
            .service(open("/data"))
            .service(open("/outer").service(nested).wrap(outer.require(staff())))
            .service(open("/public").wrap(inner.require(anyone())))
    );
    for (path, name) in [("/data", "data"), ("/outer", "outer"), ("/outer/inner", "inner"), ("/public", "inner")] {
        for route in ["me", "everything"] {
            assert_eq!(get_as(&app, &format!("{path}/{route}"), "").await.body, name, "{path}/{route}");
        }
    }
}

#[actix_web::test]
async fn the_baseline_is_asked_about_somebody_whom_no_guard_has_asked_about() {
    for names in [Names::default(), Names::slow()] {
        let gate =
            cast::builder(&names).baseline(all((staff(), Except { who: "late", code: "banned" }))).build().unwrap();
        let other = cast::builder(&names).build().unwrap();
        let lease = async |Leased(lease): Leased| lease.principal().id().subject().to_owned();
        let guarded = |path: &str| web::resource(path).to(me);
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .route("/me", web::get().to(me))
                .route("/lease", web::get().to(lease))
                .route("/visit", web::get().to(async |_: Visitor| "seen"))
                .service(guarded("/public").wrap(gate.require(anyone())))
                .service(guarded("/guarded").wrap(gate.require(authenticated())))
                .service(guarded("/left-out").wrap(gate.require(without_baseline(authenticated()))))
                .service(guarded("/other").wrap(other.require(authenticated())))
        );
        for path in ["/me", "/lease", "/public", "/guarded"] {
            let line = format!("GET {path}");
            expect(&app, "", &[(&line, 401)]).await;
            expect(&app, "broken", &[(&line, 401)]).await;
            expect(&app, "down", &[(&line, 503)]).await;
            expect(&app, "alice", &[(&line, 403)]).await;
            expect(&app, "staff", &[(&line, 200)]).await;
            let answer = get_as(&app, path, "alice").await;
            assert!(answer.body.contains("staff_required"), "{path}: {answer:?}");
        }
        expect(&app, "", &[("GET /visit", 200), ("GET /left-out", 401), ("GET /other", 401)]).await;
        expect(&app, "alice", &[("GET /visit", 200), ("GET /left-out", 200), ("GET /other", 200)]).await;
        names.verified();
        expect(&app, "staff", &[("GET /me", 200)]).await;
        assert_eq!(names.verified(), 1);
    }
}
