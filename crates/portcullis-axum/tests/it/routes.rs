//! `Routes`: every method of every route is covered, whatever the order of the calls.

use crate::{
    cast::{self, Names, routes},
    wire::{ask, expect, get_as},
};
use axum::{
    Router,
    extract::Path,
    routing::{self, delete, get, on, post, put},
};
use portcullis_axum::{Authenticated, Authorized, GateExt, Routes};
use portcullis_core::{ErrorKind, Gate, Scheme, policy::*};
use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

const METHODS: [&str; 10] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE"];

#[tokio::test]
async fn every_method_of_a_route_is_covered() {
    let gate = cast::gate();
    let app = routes(&gate)
        .route("/one", staff(), get(async || ()))
        .route("/two", staff(), get(async || ()).post(async || ()))
        .route("/any", staff(), routing::any(async || ()))
        .route("/fallback", staff(), get(async || ()).fallback(async || "else"))
        .route("/none", staff(), routing::MethodRouter::new())
        .into_router()
        .with_state(gate);
    let served = |path: &str, method: &str| match path {
        "/one" => matches!(method, "GET" | "HEAD"),
        "/two" => matches!(method, "GET" | "HEAD" | "POST"),
        "/none" => false,
        _ => true,
    };
    for path in ["/one", "/two", "/any", "/fallback", "/none"] {
        for method in METHODS {
            assert_eq!(ask(&app, method, path, "").await.status, 401, "{method} {path}");
            assert_eq!(ask(&app, method, path, "broken").await.status, 401, "{method} {path}");
            assert_eq!(ask(&app, method, path, "alice").await.status, 403, "{method} {path}");
            let status = if served(path, method) { 200 } else { 405 };
            assert_eq!(ask(&app, method, path, "staff").await.status, status, "{method} {path}");
        }
    }
    expect(&app, "", &[("GET /unknown", 404), ("POST /unknown", 404), ("GET /one/", 404), ("GET //one", 404)]).await;
    let answer = ask(&app, "PATCH", "/two", "staff").await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let gate = cast::gate();
    let app = routes(&gate).route("/", staff(), get(async || "body")).into_router().with_state(gate);
    for who in ["", "broken", "expired", "alice", "staff"] {
        let (get, head) = (ask(&app, "GET", "/", who).await, ask(&app, "HEAD", "/", who).await);
        assert!(head.body.is_empty() && !get.body.is_empty(), "{who:?}");
        assert_eq!((head.status, head.headers), (get.status, get.headers), "{who:?}");
    }
}

#[tokio::test]
async fn one_path_has_a_policy_for_each_method() {
    let gate = cast::gate();
    let app = routes(&gate)
        .route("/p/{id}", cast::VIEW, get(async || ()))
        .route("/p/{id}", role("manager").on("project", path("id")), put(async || ()))
        .route("/p/{id}", role("owner").on("project", path("id")), delete(async || ()))
        .route("/p/{id}", anyone(), on(routing::MethodFilter::OPTIONS, async || ()))
        .into_router()
        .with_state(gate);
    let table = |get, put, delete| {
        [("GET /p/42", get), ("HEAD /p/42", get), ("PUT /p/42", put), ("DELETE /p/42", delete), ("OPTIONS /p/42", 200)]
    };
    expect(&app, "", &table(401, 401, 401)).await;
    expect(&app, "broken", &table(401, 401, 401)).await;
    expect(&app, "alice", &table(403, 403, 403)).await;
    expect(&app, "viewer", &table(200, 403, 403)).await;
    expect(&app, "manager", &table(200, 200, 403)).await;
    expect(&app, "owner", &table(200, 200, 200)).await;
}

/// Each of the calls that name a method adds this one, and HEAD with GET.
#[tokio::test]
async fn each_method_has_a_call() {
    let gate = cast::gate();
    let policy = |name| role(name).on("project", path("id"));
    let app = routes(&gate)
        .get("/p/{id}", policy("viewer"), async |_: Authorized<cast::View>| "get")
        .post("/p/{id}", policy("manager"), async |Path(id): Path<String>| format!("post {id}"))
        .put("/p/{id}", policy("manager"), async || "put")
        .patch("/p/{id}", policy("owner"), async || "patch")
        .delete("/p/{id}", policy("owner"), async || "delete")
        .into_router()
        .with_state(gate);
    let table = |viewer, manager, owner, unknown| {
        [
            ("GET /p/42", viewer),
            ("HEAD /p/42", viewer),
            ("POST /p/42", manager),
            ("PUT /p/42", manager),
            ("PATCH /p/42", owner),
            ("DELETE /p/42", owner),
            ("OPTIONS /p/42", unknown),
        ]
    };
    expect(&app, "", &table(401, 401, 401, 401)).await;
    expect(&app, "alice", &table(403, 403, 403, 403)).await;
    expect(&app, "viewer", &table(200, 403, 403, 403)).await;
    expect(&app, "manager", &table(200, 200, 403, 403)).await;
    expect(&app, "owner", &table(200, 200, 200, 405)).await;
    let bodies = [("GET", "get"), ("POST", "post 42"), ("PUT", "put"), ("PATCH", "patch"), ("DELETE", "delete")];
    for (method, body) in bodies {
        assert_eq!(ask(&app, method, "/p/42", "owner").await.body, body);
    }
}

/// Of one path that is there several times, the last policy stands before what is answered with 405.
#[tokio::test]
async fn the_last_policy_of_a_path_covers_unknown_methods() {
    let gate = cast::gate();
    let guarded_last = routes(&gate).route("/", anyone(), get(async || ())).route("/", staff(), put(async || ()));
    let public_last = routes(&gate).route("/", staff(), put(async || ())).route("/", anyone(), get(async || ()));
    for (routes, status) in [(guarded_last, 401), (public_last, 405)] {
        let app = routes.into_router().with_state(gate.clone());
        expect(&app, "", &[("GET /", 200), ("PUT /", 401), ("PATCH /", status)]).await;
        expect(&app, "staff", &[("GET /", 200), ("PUT /", 200), ("PATCH /", 405)]).await;
    }
}

#[tokio::test]
async fn the_order_of_the_calls_opens_nothing() {
    let gate = cast::gate();
    type Step = fn(Routes<Gate>, &Gate) -> Routes<Gate>;
    let steps: [Step; 4] = [
        |to, _| to.route("/a", staff(), get(async || ())),
        |to, _| to.route("/a", staff(), post(async || ())),
        |to, gate| to.merge(routes(gate).route("/b", staff(), get(async || ()))),
        |to, gate| to.nest("/n", routes(gate).route("/c", staff(), get(async || ()))),
    ];
    for first in 0..4 {
        for reverse in [false, true] {
            let mut order: Vec<usize> = (0..4).map(|place| (first + place) % 4).collect();
            if reverse {
                order.reverse();
            }
            let app = order.iter().fold(routes(&gate), |to, step| steps[*step](to, &gate)).into_router();
            let app = app.with_state(gate.clone());
            let table = |guarded, unknown| {
                let guarded = ["GET /a", "POST /a", "GET /b", "GET /n/c"].map(|line| (line, guarded));
                let unknown = ["GET /z", "GET /n/z", "GET /n", "GET /c"].map(|line| (line, unknown));
                [guarded, unknown].concat()
            };
            expect(&app, "", &table(401, 404)).await;
            expect(&app, "alice", &table(403, 404)).await;
            expect(&app, "staff", &table(200, 404)).await;
        }
    }
}

#[tokio::test]
async fn nested_routes_know_the_parameters_of_the_path_they_hang_under() {
    let gate = cast::gate();
    let handler = async |Path((id, part)): Path<(String, String)>| format!("{part} of {id}");
    let deeper = routes(&gate).route("/{part}", cast::VIEW.hidden(), get(handler));
    let app = routes(&gate).nest("/projects/{id}", routes(&gate).nest("/parts", deeper)).into_router().with_state(gate);
    expect(&app, "", &[("GET /projects/42/parts/7", 401)]).await;
    expect(&app, "alice", &[("GET /projects/42/parts/7", 404), ("GET /projects/43/parts/42", 404)]).await;
    assert_eq!(get_as(&app, "/projects/42/parts/7", "viewer").await.body, "7 of 42");
}

#[tokio::test]
async fn routes_stay_with_the_gate_they_were_made_with() {
    let machines = Gate::builder().scheme(Scheme::new(Names::default()).header("x-machine")).build().unwrap();
    let users = cast::gate();
    let others = || Routes::new(&machines).route("/m", authenticated(), get(async || ()));
    let app = Routes::new(&users)
        .route("/u", authenticated(), get(async || ()))
        .nest("/n", others())
        .merge(others())
        .into_router();
    expect(&app, "alice", &[("GET /u", 200), ("GET /m", 401), ("GET /n/m", 401)]).await;
    for path in ["/m", "/n/m"] {
        let mut request = crate::wire::request("GET", path, "");
        request.headers_mut().insert("x-machine", "robot".parse().unwrap());
        assert_eq!(crate::wire::send(&app, request).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn guards_and_extractors_add_up() {
    let gate = cast::gate();
    let app = routes(&gate)
        .route("/p/{id}", staff(), get(async |_: Authorized<cast::View>| ()))
        .route("/public", anyone(), get(async |_: Authenticated| ()))
        .into_router()
        .with_state(gate);
    expect(&app, "viewer", &[("GET /p/42", 403), ("GET /public", 200)]).await;
    expect(&app, "staff", &[("GET /p/42", 403)]).await;
    expect(&app, "", &[("GET /public", 401)]).await;
}

/// What a panic said, and whether it named this file, as `#[track_caller]` has it.
fn panic_of(add: impl FnOnce()) -> String {
    let at = Arc::new(Mutex::new(String::new()));
    let (seen, before) = (at.clone(), panic::take_hook());
    let here = std::thread::current().id();
    panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == here {
            *seen.lock().unwrap() = panic.location().map_or_else(String::new, |at| at.file().to_owned());
        } else {
            before(panic);
        }
    }));
    let panic = catch_unwind(AssertUnwindSafe(add)).expect_err("it panics");
    drop(panic::take_hook());
    assert!(at.lock().unwrap().ends_with("tests/it/routes.rs"), "the panic points to {at:?}");
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

#[test]
fn a_name_that_the_gate_does_not_know_stops_the_program_where_it_was_written() {
    let gate = cast::gate();
    let bare = Gate::builder().scheme(Scheme::new(Names::default()).bearer()).build().unwrap();
    let unknown = ["no role `ownr`", "viewer", "manager", "owner"];
    let cases: [(&dyn Fn(), &[&str]); 6] = [
        (&|| drop(routes(&gate).route("/", role("ownr"), get(async || ()))), &unknown),
        (
            &|| drop(routes(&gate).route("/{id}", role("ownr").on("project", path("id")).hidden(), get(async || ()))),
            &unknown,
        ),
        (&|| drop(routes(&gate).route("/", any((staff(), not(role("ownr")))), get(async || ()))), &unknown),
        (&|| drop(gate.require(all((staff(), role("ownr"))))), &unknown),
        (&|| drop(routes(&bare).route("/{id}", cast::VIEW, get(async || ()))), &["project", ".membership("]),
        (&|| drop(routes(&bare).route("/", role("viewer"), get(async || ()))), &["no role `viewer`", ".roles("]),
    ];
    for (add, words) in cases {
        let said = panic_of(add);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said:?}");
    }
    // What is spelt right stays quiet.
    let _ = routes(&gate).route("/", role("owner"), get(async || ())).route("/{id}", cast::VIEW, get(async || ()));
    // And what axum refuses points to the caller too.
    panic_of(|| drop(routes(&gate).route("no-slash", anyone(), get(async || ()))));
    panic_of(|| drop(routes(&gate).route("/", anyone(), get(async || ())).route("/", staff(), get(async || ()))));
}

#[tokio::test]
async fn try_require_returns_what_require_panics_with() {
    let gate = cast::gate();
    let error = gate.try_require(role("ownr")).expect_err("nobody knows it");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("no role `ownr`") && error.to_string().contains("manager"), "{error}");

    let put_together: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(role("owner"))];
    let misspelt: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(role("ownr"))];
    assert!(gate.try_require(any(misspelt)).is_err());
    let layer = gate.try_require(any(put_together)).unwrap();
    let app: Router = Router::new().route("/", get(async || ()).layer(layer));
    expect(&app, "alice", &[("GET /", 403)]).await;
    expect(&app, "staff", &[("GET /", 200)]).await;
}

/// Where a router of axum's own nests routes that do not say so, a parameter that is not there is an error at the request.
#[tokio::test]
async fn a_parameter_that_the_path_has_not_is_an_error_and_allows_nobody() {
    let gate = cast::gate();
    let closure = when("no-such-parameter", |question| question.param("nowhere").is_ok());
    let below = routes(&gate)
        .below("/p/{id}")
        .route("/view", cast::VIEW, get(async || ()))
        .route("/closure", closure, get(async || ()))
        .into_router();
    let app = Router::new().nest("/p/{project_id}", below).with_state(gate);
    expect(&app, "", &[("GET /p/42/view", 401), ("GET /p/42/closure", 401)]).await;
    expect(&app, "viewer", &[("GET /p/42/view", 500), ("GET /p/42/closure", 403)]).await;
}

#[test]
fn debug_shows_paths() {
    let gate = cast::gate();
    let all =
        routes(&gate).get("/a", staff(), async || ()).nest("/n", routes(&gate).route("/b", staff(), get(async || ())));
    assert_eq!(format!("{all:?}"), r#"Routes(["GET /a", "any /n/b"])"#);
}
