//! Guards that axum skips in silence: shown open, then closed by `Routes` and `Authorized`, then caught by `enforce`.

use crate::{
    cast::{self, Staff, routes},
    log::Log,
    wire::{ask, expect},
};
use axum::{
    Router,
    routing::{MethodRouter, get},
};
use portcullis_axum::{Authorized, GateExt};
use portcullis_core::{Gate, policy::*};
use portcullis_tower::RequireLayer;

async fn open() -> &'static str {
    "open"
}

async fn closed(_: Authorized<Staff>) -> &'static str {
    "closed"
}

/// What is added where the guard does not reach: a handler that anybody may call, or one with `Authorized` in its signature.
#[derive(Clone, Copy)]
enum Late {
    Open,
    Closed,
}

impl Late {
    fn post(self, methods: MethodRouter<Gate>) -> MethodRouter<Gate> {
        match self {
            Self::Open => methods.post(open),
            Self::Closed => methods.post(closed),
        }
    }

    fn fallback(self, router: Router<Gate>) -> Router<Gate> {
        match self {
            Self::Open => router.fallback(open),
            Self::Closed => router.fallback(closed),
        }
    }

    fn methods(self) -> MethodRouter<Gate> {
        match self {
            Self::Open => get(open).fallback(open),
            Self::Closed => get(closed).fallback(closed),
        }
    }
}

/// Each way to lose a guard: what nobody looks at, and beside it what the guard covers.
struct Skip {
    name: &'static str,
    open: &'static [&'static str],
    covered: &'static [&'static str],
    router: fn(RequireLayer, Late) -> Router<Gate>,
}

const SKIPS: [Skip; 10] = [
    Skip {
        name: "a method after the layer",
        open: &["POST /a"],
        covered: &["GET /a", "HEAD /a", "PUT /a"],
        router: |guard, late| Router::new().route("/a", late.post(get(open).layer(guard))),
    },
    Skip {
        name: "the same path twice",
        open: &["POST /a"],
        covered: &["GET /a", "HEAD /a"],
        router: |guard, late| {
            Router::new().route("/a", get(open).layer(guard)).route("/a", late.post(MethodRouter::new()))
        },
    },
    Skip {
        name: "a route after the layer",
        open: &["GET /b", "PUT /b"],
        covered: &["GET /a", "PUT /a", "GET /unknown"],
        router: |guard, late| inner(guard).route("/b", late.methods()),
    },
    Skip {
        name: "a merge after the layer",
        open: &["GET /b", "PUT /b"],
        covered: &["GET /a", "PUT /a"],
        router: |guard, late| inner(guard).merge(Router::new().route("/b", late.methods())),
    },
    Skip {
        name: "a guarded router merged into another",
        open: &["GET /b", "PUT /b"],
        covered: &["GET /a", "PUT /a"],
        router: |guard, late| Router::new().route("/b", late.methods()).merge(inner(guard)),
    },
    Skip {
        name: "a nest after the layer",
        open: &["GET /n/b", "PUT /n/b"],
        covered: &["GET /a", "GET /unknown"],
        router: |guard, late| inner(guard).nest("/n", Router::new().route("/b", late.methods())),
    },
    Skip {
        name: "a fallback after the layer",
        open: &["GET /unknown", "POST /unknown"],
        covered: &["GET /a", "PUT /a"],
        router: |guard, late| late.fallback(inner(guard)),
    },
    Skip {
        name: "route_layer, and a fallback before it",
        open: &["GET /unknown"],
        covered: &["GET /a"],
        router: |guard, late| late.fallback(Router::new()).route("/a", get(open)).route_layer(guard),
    },
    Skip {
        name: "route_layer of a route, and its fallback",
        open: &["PUT /a"],
        covered: &["GET /a"],
        router: |guard, late| Router::new().route("/a", late.methods().route_layer(guard)),
    },
    Skip {
        name: "unknown paths below a guarded router that is nested",
        open: &["GET /n/unknown"],
        covered: &["GET /n/a", "PUT /n/a"],
        router: |guard, late| late.fallback(Router::new()).nest("/n", inner(guard)),
    },
];

/// A router with a guard around all that it has so far.
fn inner(guard: RequireLayer) -> Router<Gate> {
    Router::new().route("/a", get(open)).layer(guard)
}

async fn all_answer(app: &Router, who: &str, lines: &[&str], status: u16, skip: &str) {
    for line in lines {
        let (method, path) = line.split_once(' ').unwrap();
        let answer = ask(app, method, path, who).await;
        assert_eq!(answer.status, status, "{skip}: {line} as {who:?}");
    }
}

#[tokio::test]
async fn plain_axum_leaves_them_open() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let app = (skip.router)(gate.require(staff()), Late::Open).with_state(gate.clone());
        for who in ["", "broken", "alice"] {
            all_answer(&app, who, skip.open, 200, skip.name).await;
        }
        all_answer(&app, "", skip.covered, 401, skip.name).await;
        all_answer(&app, "alice", skip.covered, 403, skip.name).await;
    }
}

#[tokio::test]
async fn authorized_in_the_signature_closes_them() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let app = (skip.router)(gate.require(staff()), Late::Closed).with_state(gate.clone());
        for (who, status) in [("", 401), ("broken", 401), ("alice", 403), ("staff", 200)] {
            all_answer(&app, who, skip.open, status, skip.name).await;
        }
    }
}

#[tokio::test]
async fn enforce_turns_them_into_an_error() {
    let gate = cast::gate();
    for skip in &SKIPS {
        let app = (skip.router)(gate.require(staff()), Late::Open).layer(gate.enforce()).with_state(gate.clone());
        let log = Log::listen();
        for line in skip.open {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = ask(&app, method, path, "staff").await;
            assert_eq!(answer.status, 500, "{}: {line}", skip.name);
            assert!(!answer.body.contains("open") && !answer.body.contains("guard"), "{answer:?}");
            let lines = log.lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(
                lines[0].starts_with("ERROR") && lines[0].contains(path) && lines[0].contains("anyone()"),
                "{lines:?}"
            );
        }
        // What the guard covers is answered as ever, and where somebody forgot, nobody is let in by being staff.
        all_answer(&app, "", skip.covered, 401, skip.name).await;
        assert!(log.lines().iter().all(|line| line.starts_with("INFO")));
    }
    let safe =
        |skip: &Skip| (skip.router)(gate.require(staff()), Late::Closed).layer(gate.enforce()).with_state(gate.clone());
    for skip in &SKIPS {
        all_answer(&safe(skip), "staff", skip.open, 200, skip.name).await;
        all_answer(&safe(skip), "", skip.open, 401, skip.name).await;
    }
}

/// The same shapes said with `Routes`: there is no way to leave the policy out, and no order that loses it.
#[tokio::test]
async fn routes_close_them() {
    let gate = cast::gate();
    let new = || routes(&gate);
    let shapes = [
        ("methods", new().route("/a", staff(), get(open).post(open)), &["GET /a", "POST /a", "PUT /a"][..]),
        (
            "twice",
            new().route("/a", staff(), get(open)).route("/a", staff(), axum::routing::post(open)),
            &["GET /a", "POST /a", "PUT /a"],
        ),
        (
            "merge",
            new().route("/a", staff(), get(open)).merge(new().route("/b", staff(), get(open))),
            &["GET /a", "GET /b"],
        ),
        (
            "nest",
            new().route("/a", staff(), get(open)).nest("/n", new().route("/b", staff(), get(open))),
            &["GET /n/b"],
        ),
        (
            "fallback of methods",
            new().route("/a", staff(), get(open).fallback(open)),
            &["GET /a", "PUT /a", "PURGE /a"],
        ),
    ];
    for (name, shape, lines) in shapes {
        let app = shape.into_router().layer(gate.enforce()).with_state(gate.clone());
        all_answer(&app, "", lines, 401, name).await;
        all_answer(&app, "alice", lines, 403, name).await;
        all_answer(&app, "staff", &["GET /unknown", "GET /n/unknown"], 404, name).await;
    }
    // What is added to the router afterwards is axum's again, and `enforce` tells.
    let after = new().route("/a", staff(), get(open)).into_router().route("/b", get(open));
    let app = after.clone().with_state(gate.clone());
    expect(&app, "", &[("GET /a", 401), ("GET /b", 200)]).await;
    let app = after.layer(gate.enforce()).with_state(gate.clone());
    expect(&app, "staff", &[("GET /a", 200), ("GET /b", 500)]).await;
}
