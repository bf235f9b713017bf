//! Who makes a request is found out once, on first demand, and by each gate for itself.

use crate::{
    ask::{expect, get_as, request, send},
    cast::{self, Names, Projects, Staff, VIEW, View},
};
use actix_web::{App, HttpRequest, dev::Service, http::header::HeaderValue, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Rejection, Visitor, established};
use portcullis_core::{Gate, Requirement, Scheme, policy::*};
use std::sync::Arc;

/// Another policy about the same project, whose denial is the same: which of several pending extractors refuses first is open.
#[derive(Debug)]
struct ViewToo;
impl Requirement for ViewToo {
    const POLICY: &'static dyn Policy = &all((VIEW, not(staff())));
}

async fn six(
    Authenticated(a): Authenticated,
    Visitor(b): Visitor,
    c: Authorized<View>,
    d: Authorized<ViewToo>,
    Authenticated(e): Authenticated,
    Visitor(f): Visitor,
) -> String {
    let all = [&a, &b.unwrap(), c.principal().unwrap(), d.principal().unwrap(), &e, &f.unwrap()]
        .map(|who| who.id().subject().to_owned());
    all.join(" ")
}

/// Extractors of one handler run side by side, so the later ones find the first one's answer pending.
#[actix_web::test]
async fn extractors_side_by_side_verify_once() {
    for (names, gate) in cast::fast_and_slow() {
        let app = serve!(App::new().app_data(gate).route("/{id}", web::get().to(six)));
        let answer = get_as(&app, "/42", "viewer").await;
        assert_eq!(answer.body, ["viewer"; 6].join(" "), "{answer:?}");
        assert_eq!((names.begun(), names.verified()), (1, 1), "{names:?}");
        // What does not hold is remembered as well.
        for (who, status) in [("broken", 401), ("down", 503), ("alice", 403)] {
            expect(&app, who, &[("GET /42", status)]).await;
            assert_eq!((names.begun(), names.verified()), (1, 1), "{who} {names:?}");
        }
        expect(&app, "", &[("GET /42", 401)]).await;
        assert_eq!(names.verified(), 0);
    }
}

#[actix_web::test]
async fn guards_and_extractors_together_verify_once() {
    for (names, gate) in cast::fast_and_slow() {
        let resource = web::resource("/{id}")
            .route(web::get().to(six).wrap(gate.require(not(staff()))))
            .wrap(gate.require(VIEW))
            .wrap(gate.require(authenticated()));
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(web::scope("/s").service(resource).wrap(gate.require(authenticated())))
                .wrap(gate.require(authenticated()))
                .wrap(gate.enforce())
        );
        assert_eq!(get_as(&app, "/s/42", "viewer").await.body, ["viewer"; 6].join(" "));
        assert_eq!((names.begun(), names.verified()), (1, 1), "{names:?}");
        expect(&app, "broken", &[("GET /s/42", 401)]).await;
        assert_eq!(names.verified(), 1, "{names:?}");
        expect(&app, "viewer", &[("GET /s/42", 200), ("GET /s/42", 200), ("POST /s/42", 405)]).await;
        assert_eq!(names.verified(), 3, "the next request is a new one");
    }
}

#[actix_web::test]
async fn a_failure_is_remembered_too() {
    async fn twice(who: Result<Authenticated, Rejection>, again: Result<Visitor, Rejection>) -> String {
        format!("{} {}", who.unwrap_err().error().code(), again.unwrap_err().error().code())
    }
    for (names, gate) in cast::fast_and_slow() {
        let app = serve!(App::new().app_data(gate).route("/", web::get().to(twice)));
        for (who, body) in [("broken", "invalid_token invalid_token"), ("down", "unavailable unavailable")] {
            assert_eq!(get_as(&app, "/", who).await.body, body);
            assert_eq!(names.verified(), 1, "{who} {names:?}");
        }
    }
}

#[actix_web::test]
async fn who_asks_for_nobody_pays_nothing() {
    for (names, gate) in cast::fast_and_slow() {
        let at = |path: &str| web::resource(path).to(cast::open);
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(at("/plain"))
                .service(at("/public").wrap(gate.require(anyone())))
                .service(at("/either").wrap(gate.require(any((staff(), anyone())))))
                .service(at("/both").wrap(gate.require(all((anyone(), hidden(anyone()))))))
                .route("/me", web::get().to(async |_: Authenticated| "me"))
                .configure(cast::routes(&gate).route("/news", anyone(), web::get().to(cast::open)).into_config())
        );
        for path in ["/plain", "/public", "/either", "/both", "/news"] {
            for who in ["", "broken", "down", "alice"] {
                assert_eq!(get_as(&app, path, who).await.body, "open", "{path} as {who:?}");
            }
            let garbage = request("GET", path, "")
                .append_header(("cookie", "session=\"no, not=a credential; session=2"))
                .append_header(("authorization", "Bearer"))
                .append_header(("authorization", "Bearer two words"));
            assert_eq!(send(&app, garbage).await.body, "open", "{path} with garbage");
        }
        assert_eq!(names.verified(), 0, "{names:?}");
        expect(&app, "broken", &[("GET /me", 401)]).await;
        assert_eq!(names.verified(), 1, "{names:?}");
    }
}

/// `not(anyone())` lets nobody in and is not taken for public; a list of nothing is no policy.
#[actix_web::test]
async fn what_only_looks_public_is_not() {
    let gate = cast::gate();
    let nothing: Vec<Arc<dyn Policy>> = Vec::new();
    assert!(gate.try_require(all(nothing.clone())).is_err() && gate.try_require(any(nothing)).is_err());
    let at = |path: &str| web::resource(path).to(cast::open);
    let app = serve!(
        App::new()
            .service(at("/not").wrap(gate.require(not(anyone()))))
            .service(at("/all").wrap(gate.require(all((anyone(), staff())))))
    );
    let table = |status| ["GET /not", "GET /all"].map(|line| (line, status));
    expect(&app, "", &table(401)).await;
    expect(&app, "alice", &table(403)).await;
    expect(&app, "staff", &[("GET /not", 403), ("GET /all", 200)]).await;
}

#[actix_web::test]
async fn two_gates_do_not_believe_each_other() {
    for (names, others) in [(Names::default(), Names::slow()), (Names::slow(), Names::default())] {
        let users = Gate::builder().scheme(Scheme::new(names.clone()).bearer()).build().unwrap();
        let machines = Gate::builder().scheme(Scheme::new(others.clone()).header("x-machine")).build().unwrap();
        let me = async |Authenticated(who): Authenticated| who.id().subject().to_owned();
        let both = web::resource("/both").to(me).wrap(users.require(authenticated())).wrap(machines.require(staff()));
        let app = serve!(
            App::new()
                .app_data(users.clone())
                .service(both)
                .service(web::resource("/machine").to(cast::open).wrap(machines.require(staff())))
        );
        let ask = |user, machine: &'static str| {
            let request = request("GET", "/both", user);
            if machine.is_empty() { request } else { request.insert_header(("x-machine", machine)) }
        };
        for (user, machine, status) in
            [("", "", 401), ("staff", "", 401), ("", "staff", 401), ("staff", "alice", 403), ("alice", "broken", 401)]
        {
            let answer = send(&app, ask(user, machine)).await;
            assert_eq!(answer.status, status, "user {user:?}, machine {machine:?}");
        }
        names.verified();
        others.verified();
        assert_eq!(
            send(&app, ask("alice", "staff")).await.body,
            "alice",
            "the handler sees whom the gate of the inner guard knows"
        );
        assert_eq!((names.verified(), others.verified()), (1, 1));
        expect(&app, "staff", &[("GET /machine", 401)]).await;
    }
}

#[actix_web::test]
async fn a_gate_built_alike_is_another_gate() {
    let names = Names::default();
    let [outer, inner] = [(); 2].map(|()| cast::builder(&names).build().unwrap());
    let guarded = |path: &str, second: &Gate| {
        let resource = web::resource(path).to(async |_: Authenticated| "").wrap(second.require(authenticated()));
        resource.wrap(outer.require(authenticated()))
    };
    let app =
        serve!(App::new().app_data(inner.clone()).service(guarded("/", &inner)).service(guarded("/same", &outer)));
    for (line, verified) in [("GET /", 2), ("GET /same", 1)] {
        expect(&app, "alice", &[(line, 200)]).await;
        assert_eq!(names.verified(), verified, "{line}");
    }
}

/// A credential that a middleware puts there after somebody asked changes nothing.
#[actix_web::test]
async fn what_was_established_stays() {
    for (_, gate) in cast::fast_and_slow() {
        let at = |path: &str| {
            web::resource(path)
                .to(async |access: Authorized<Staff>| access.principal().unwrap().id().subject().to_owned())
        };
        macro_rules! rewrite {
            () => {
                |mut request, next| {
                    let staff = HeaderValue::from_static("Bearer staff");
                    actix_web::dev::ServiceRequest::headers_mut(&mut request)
                        .insert(actix_web::http::header::AUTHORIZATION, staff);
                    next.call(request)
                }
            };
        }
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(at("/before").wrap_fn(rewrite!()).wrap(gate.require(authenticated())))
                .service(at("/after").wrap(gate.require(authenticated())).wrap_fn(rewrite!()))
        );
        expect(&app, "alice", &[("GET /before", 403), ("GET /after", 200)]).await;
        expect(&app, "staff", &[("GET /before", 200)]).await;
    }
}

#[actix_web::test]
async fn a_membership_is_asked_once_by_all_together() {
    let projects = Projects::default();
    for names in [Names::default(), Names::slow()] {
        let gate = cast::builder_over(cast::scheme(&names), &projects).build().unwrap();
        let extractor = || web::get().to(async |_: Authorized<View>| "");
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .service(web::resource("/guard/{id}").to(cast::open).wrap(gate.require(VIEW)))
                .service(web::resource("/extractor/{id}").route(extractor()))
                .service(web::resource("/both/{id}").route(extractor()).wrap(gate.require(VIEW)))
        );
        for (path, asked) in [("/guard/42", 1), ("/extractor/42", 1), ("/both/42", 1)] {
            expect(&app, "viewer", &[(&format!("GET {path}"), 200)]).await;
            assert_eq!(projects.asked(), vec!["42"; asked], "{path} {names:?}");
            expect(&app, "broken", &[(&format!("GET {path}"), 401)]).await;
            assert!(projects.asked().is_empty(), "nobody is asked about who is not known");
        }
    }
}

/// For middleware of the application's own: whom the guard outside of it saw.
#[actix_web::test]
async fn what_is_established_is_told_to_those_further_in() {
    for (_, gate) in cast::fast_and_slow() {
        let (own, other) = (gate.clone(), cast::gate());
        let handler = move |request: HttpRequest| {
            let own = established(&own, &request);
            let name = own.map_or("unknown".to_owned(), |who| match who.visitor() {
                Ok(who) => who.map_or("nobody", |who| who.id().subject()).to_owned(),
                Err(error) => error.code().to_owned(),
            });
            let told = established(&other, &request).is_some();
            async move { format!("{name} {told}") }
        };
        let app = serve!(
            App::new()
                .route("/before", web::get().to(handler.clone()))
                .service(web::resource("/behind").to(handler.clone()).wrap(gate.require(authenticated())))
                .service(web::resource("/public").to(handler).wrap(gate.require(anyone())))
        );
        for (path, body) in [("/before", "unknown false"), ("/behind", "alice false"), ("/public", "unknown false")] {
            assert_eq!(get_as(&app, path, "alice").await.body, body, "{path}");
        }
    }
}
