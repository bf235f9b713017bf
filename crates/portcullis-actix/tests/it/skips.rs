//! Guards that actix-web skips in silence: shown open, then closed by `Authorized`, then caught by `enforce`.

use crate::{
    ask::{Served, ask, expect},
    cast::{self, Staff, open, routes},
    log::Log,
};
use actix_web::{
    App, Resource, Route, guard,
    web::{self, ServiceConfig},
};
use portcullis_actix::{Authorized, GateExt, Require};
use portcullis_core::policy::*;

async fn closed(_: Authorized<Staff>) -> &'static str {
    "closed"
}

/// What stands where the guard does not reach: a handler that is open to anybody, or one that takes `Authorized`.
#[derive(Clone, Copy)]
enum Late {
    Open,
    Closed,
}

impl Late {
    fn to(self, route: Route) -> Route {
        match self {
            Self::Open => route.to(open),
            Self::Closed => route.to(closed),
        }
    }

    fn at(self, path: &str) -> Resource {
        web::resource(path).route(self.to(web::route()))
    }
}

/// Each way to lose a guard: what nobody looks at, and beside it what the guard covers.
struct Skip {
    name: &'static str,
    open: &'static [&'static str],
    covered: &'static [&'static str],
    services: fn(Require, Late, &mut ServiceConfig),
}

const SKIPS: [Skip; 8] = [
    Skip {
        name: "a resource before a guarded scope",
        open: &["GET /n/b", "PUT /n/b"],
        covered: &["GET /n/a", "GET /n/unknown"],
        services: |guard, late, config| {
            config.service(late.at("/n/b")).service(inner(guard));
        },
    },
    Skip {
        name: "a pattern before a guarded scope",
        open: &["GET /n/a", "GET /n/unknown"],
        covered: &["GET /n/a/b"],
        services: |guard, late, config| {
            config.service(late.at("/n/{any}")).service(inner(guard));
        },
    },
    Skip {
        name: "the same path before, with another method",
        open: &["POST /n/a"],
        covered: &["GET /n/a", "PUT /n/a"],
        services: |guard, late, config| {
            config.route("/n/a", late.to(web::post())).service(inner(guard));
        },
    },
    Skip {
        name: "a scope of the same path before",
        open: &["GET /n/b"],
        covered: &[],
        services: |guard, late, config| {
            config.service(web::scope("/n").service(late.at("/b"))).service(inner(guard));
        },
    },
    Skip {
        name: "a guarded scope that matches some requests only",
        open: &["GET /n/a", "GET /n/b"],
        covered: &[],
        services: |guard, late, config| {
            let scope = web::scope("/n").guard(guard::Header("x-api", "1")).route("/a", web::get().to(open));
            config.service(scope.wrap(guard)).service(late.at("/n/{any}"));
        },
    },
    Skip {
        name: "a guarded route, and another of the resource",
        open: &["POST /a", "PUT /a"],
        covered: &["GET /a"],
        services: |guard, late, config| {
            let methods = web::resource("/a").route(web::get().to(open).wrap(guard)).route(late.to(web::route()));
            config.service(methods);
        },
    },
    Skip {
        name: "the default service of the app",
        open: &["GET /unknown", "POST /m"],
        covered: &["GET /n/a"],
        services: |guard, late, config| {
            config.service(inner(guard)).default_service(late.to(web::route()));
        },
    },
    Skip {
        name: "a path beside the scope",
        open: &["GET /na", "GET /N/a", "GET //n/a"],
        covered: &["GET /n", "GET /n/", "GET /n/a", "GET /%6e/a"],
        services: |guard, late, config| {
            config.service(inner(guard)).service(late.at("/{tail:.*}"));
        },
    },
];

fn inner(guard: Require) -> impl actix_web::dev::HttpServiceFactory + 'static {
    web::scope("/n").route("/a", web::get().to(open)).wrap(guard)
}

async fn all_answer(app: &Served, who: &str, lines: &[&str], status: u16, skip: &str) {
    for line in lines {
        let (method, path) = line.split_once(' ').unwrap();
        let answer = ask(app, method, path, who).await;
        assert_eq!(answer.status, status, "{skip}: {line} as {who:?}: {answer:?}");
    }
}

#[actix_web::test]
async fn plain_actix_web_leaves_them_open() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let app = serve!(App::new().configure(|config| (skip.services)(gate.require(staff()), Late::Open, config)));
        for who in ["", "broken", "alice"] {
            all_answer(&app, who, skip.open, 200, skip.name).await;
        }
        all_answer(&app, "", skip.covered, 401, skip.name).await;
        all_answer(&app, "alice", skip.covered, 403, skip.name).await;
    }
}

#[actix_web::test]
async fn authorized_in_the_signature_closes_them() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let services = |config: &mut ServiceConfig| (skip.services)(gate.require(staff()), Late::Closed, config);
        let app = serve!(App::new().app_data(gate.clone()).configure(services).wrap(gate.enforce()));
        for (who, status) in [("", 401), ("broken", 401), ("alice", 403), ("staff", 200)] {
            all_answer(&app, who, skip.open, status, skip.name).await;
        }
    }
}

#[actix_web::test]
async fn enforce_turns_them_into_an_error() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let services = |config: &mut ServiceConfig| (skip.services)(gate.require(staff()), Late::Open, config);
        let app = serve!(App::new().configure(services).wrap(gate.enforce()));
        let log = Log::listen();
        for line in skip.open {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = ask(&app, method, path, "staff").await;
            assert_eq!(answer.status, 500, "{}: {line}", skip.name);
            assert!(!answer.body.contains("open") && !answer.body.contains("guard"), "{answer:?}");
            let lines = log.lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("ERROR") && lines[0].contains(path) && lines[0].contains("anyone()"));
        }
        // What the guard covers is answered as ever.
        all_answer(&app, "", skip.covered, 401, skip.name).await;
        assert!(log.lines().iter().all(|line| line.starts_with("INFO")));
    }
}

/// A guard of the app covers all of it, whatever is registered when: `wrap` is not a matter of order there.
#[actix_web::test]
async fn a_guard_of_the_app_or_the_scope_covers_what_comes_later() {
    let gate = cast::gate();
    let app = serve!(
        App::new()
            .wrap(gate.require(authenticated()))
            .route("/late", web::get().to(open))
            .default_service(web::to(open))
    );
    expect(&app, "", &[("GET /late", 401), ("PUT /late", 401), ("GET /unknown", 401)]).await;
    expect(&app, "alice", &[("GET /late", 200), ("PUT /late", 200), ("GET /unknown", 200)]).await;
    let scope = web::scope("/n").wrap(gate.require(authenticated())).route("/late", web::get().to(open));
    let app = serve!(App::new().service(scope.default_service(web::to(open))));
    expect(&app, "", &[("GET /n/late", 401), ("GET /n/unknown", 401), ("GET /n", 401)]).await;
    expect(&app, "alice", &[("GET /n/late", 200), ("GET /n/unknown", 200), ("GET /n", 200)]).await;
}

/// The same shapes said with `Routes`: there is no way to leave the policy out, and no order that loses it.
#[actix_web::test]
async fn routes_close_them() {
    let gate = cast::gate();
    let scope = || routes(&gate).route("/a", staff(), web::get().to(open));
    let get = || web::get().to(open);
    let shapes = [
        ("before", routes(&gate).route("/n/b", staff(), get()).nest("/n", scope()), &["GET /n/a", "GET /n/b"][..]),
        ("pattern", routes(&gate).route("/n/{any}", staff(), get()).nest("/n", scope()), &["GET /n/a", "PUT /n/b"]),
        (
            "method",
            routes(&gate).route("/a", staff(), get()).route("/a", staff(), web::post().to(open)),
            &["GET /a", "POST /a", "PUT /a"],
        ),
        ("scope", routes(&gate).nest("/n", scope()).nest("/n", scope()), &["GET /n/a", "PUT /n/a"]),
    ];
    for (name, shape, lines) in shapes {
        let app = serve!(App::new().configure(shape.into_config()).wrap(gate.enforce()));
        all_answer(&app, "", lines, 401, name).await;
        all_answer(&app, "alice", lines, 403, name).await;
        all_answer(&app, "", &["GET /unknown", "GET /n/a/unknown"], 404, name).await;
    }
    // What is added to the app beside them is actix-web's again, and `enforce` tells.
    let beside = || App::new().configure(scope().into_config()).route("/b", get());
    expect(&serve!(beside()), "", &[("GET /a", 401), ("GET /b", 200)]).await;
    expect(&serve!(beside().wrap(gate.enforce())), "staff", &[("GET /a", 200), ("GET /b", 500)]).await;
}
