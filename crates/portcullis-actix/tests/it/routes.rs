//! `Routes`: every method of every route is covered.

use crate::{
    ask::{ask, expect, get_as},
    cast::{self, VIEW, open, routes},
};
use actix_web::{App, HttpResponse, Route, guard, http::Method, middleware::DefaultHeaders, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Routes};
use portcullis_core::{Gate, policy::*};

const METHODS: [&str; 11] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PURGE"];

#[actix_web::test]
async fn every_method_of_a_route_is_covered() {
    for (_, gate) in cast::fast_and_slow() {
        let either = || web::route().guard(guard::Any(guard::Get()).or(guard::Post()));
        let routes = routes(&gate)
            .route("/one", staff(), web::get().to(open))
            .route("/two", staff(), either().to(open))
            .route("/twice", staff(), web::get().to(open))
            .route("/twice", staff(), web::post().to(open))
            .route("/any", staff(), web::to(open))
            .route("/purge", staff(), web::method(Method::from_bytes(b"PURGE").unwrap()).to(open));
        let app = serve!(App::new().configure(routes.into_config()));
        let served = |path: &str, method: &str| match path {
            "/one" => method == "GET",
            "/two" | "/twice" => matches!(method, "GET" | "POST"),
            "/purge" => method == "PURGE",
            _ => true,
        };
        for path in ["/one", "/two", "/twice", "/any", "/purge"] {
            for method in METHODS {
                assert_eq!(ask(&app, method, path, "").await.status, 401, "{method} {path}");
                assert_eq!(ask(&app, method, path, "broken").await.status, 401, "{method} {path}");
                let denied = ask(&app, method, path, "alice").await;
                assert_eq!((denied.status.as_u16(), denied.header("allow")), (403, None), "{method} {path}");
                let answer = ask(&app, method, path, "staff").await;
                let status = if served(path, method) { 200 } else { 405 };
                assert_eq!((answer.status.as_u16(), answer.body.len()), (status, if status == 200 { 4 } else { 0 }));
            }
        }
        expect(&app, "", &[("GET /unknown", 404), ("POST /unknown", 404), ("GET /one/", 404), ("GET //one", 404)])
            .await;
        assert_eq!(ask(&app, "PATCH", "/one", "staff").await.header("allow"), Some("GET"));
        assert_eq!(ask(&app, "PATCH", "/twice", "staff").await.header("allow"), Some("GET, POST"));
    }
}

#[actix_web::test]
async fn one_path_has_a_policy_for_each_method() {
    for (names, gate) in cast::fast_and_slow() {
        let manage = role("manager").on("project", path("id"));
        let own = role("owner").on("project", path("id"));
        let routes = routes(&gate)
            .route("/p/{id}", VIEW, web::get().to(open))
            .route("/p/{id}", manage, web::put().to(open))
            .route("/p/{id}", anyone(), web::method(Method::OPTIONS).to(open))
            .route("/p/{id}", own, web::delete().to(open));
        let app = serve!(App::new().configure(routes.into_config()));
        let table = |get, put, delete, other| {
            let paths = [("GET /p/42", get), ("PUT /p/42", put), ("DELETE /p/42", delete), ("OPTIONS /p/42", 200)];
            [paths.as_slice(), &[("PATCH /p/42", other), ("HEAD /p/42", other)]].concat()
        };
        expect(&app, "", &table(401, 401, 401, 401)).await;
        expect(&app, "broken", &table(401, 401, 401, 401)).await;
        expect(&app, "alice", &table(403, 403, 403, 403)).await;
        expect(&app, "viewer", &table(200, 403, 403, 403)).await;
        expect(&app, "manager", &table(200, 200, 403, 403)).await;
        names.verified();
        expect(&app, "owner", &table(200, 200, 200, 405)).await;
        assert_eq!(names.verified(), 5, "once for each request but the public one");
        assert_eq!(ask(&app, "PATCH", "/p/42", "owner").await.header("allow"), Some("GET, PUT, OPTIONS, DELETE"));
        assert_eq!(ask(&app, "PATCH", "/p/42", "viewer").await.header("allow"), None);
    }
}

/// Each of the calls that name a method adds this one, and no other.
#[actix_web::test]
async fn each_method_has_a_call() {
    let gate = cast::gate();
    let policy = |name| role(name).on("project", path("id"));
    let routes = routes(&gate)
        .get("/p/{id}", policy("viewer"), async |_: Authorized<cast::View>| "get")
        .post("/p/{id}", policy("manager"), async |id: web::Path<String>| format!("post {id}"))
        .put("/p/{id}", policy("manager"), async || "put")
        .patch("/p/{id}", policy("owner"), async || "patch")
        .delete("/p/{id}", policy("owner"), async || "delete");
    let app = serve!(App::new().configure(routes.into_config()));
    let table = |viewer, manager, owner, unknown| {
        [
            ("GET /p/42", viewer),
            ("HEAD /p/42", unknown),
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
#[actix_web::test]
async fn the_last_policy_of_a_path_covers_unknown_methods() {
    for (_, gate) in cast::fast_and_slow() {
        let get = || web::get().to(open);
        let guarded_last = routes(&gate).route("/", anyone(), get()).route("/", staff(), web::put().to(open));
        let public_last = routes(&gate).route("/", staff(), web::put().to(open)).route("/", anyone(), get());
        let hidden_last = routes(&gate).route("/", anyone(), get()).route("/", hidden(staff()), web::put().to(open));
        for (routes, put, patch) in [(guarded_last, 403, 403), (public_last, 403, 405), (hidden_last, 404, 404)] {
            let app = serve!(App::new().configure(routes.into_config()).wrap(gate.enforce()));
            expect(&app, "alice", &[("GET /", 200), ("PUT /", put), ("PATCH /", patch)]).await;
            expect(&app, "staff", &[("GET /", 200), ("PUT /", 200), ("PATCH /", 405)]).await;
            let allow = if patch == 405 { Some("PUT, GET") } else { None };
            assert_eq!(ask(&app, "PATCH", "/", "alice").await.header("allow"), allow);
        }
    }
}

/// What a handler answers with 405 itself is not the resource's 405: its own policy has let the caller in.
#[actix_web::test]
async fn a_405_of_a_handlers_own_is_its_own() {
    let gate = cast::gate();
    let own = async || HttpResponse::MethodNotAllowed().insert_header(("allow", "BREW")).body("not so");
    let routes = routes(&gate).route("/", anyone(), web::get().to(own)).route("/", staff(), web::put().to(open));
    let app = serve!(App::new().configure(routes.into_config()));
    for who in ["", "broken", "alice", "staff"] {
        let answer = get_as(&app, "/", who).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (405, "not so"), "as {who:?}");
        assert_eq!(answer.header("allow"), Some("BREW"));
    }
    expect(&app, "", &[("PATCH /", 401), ("PUT /", 401)]).await;
    expect(&app, "staff", &[("PATCH /", 405), ("PUT /", 200)]).await;
}

/// The first route that matches gets the request. A later one is out of reach; nobody gets past a policy by that.
#[actix_web::test]
async fn routes_that_overlap_open_nothing() {
    let gate = cast::gate();
    let says = |text: &'static str| web::get().to(move || async move { text });
    let routes = routes(&gate)
        .route("/p/me", authenticated(), says("me"))
        .route("/p/{id}", staff(), says("id"))
        .route("/p/{name}", anyone(), web::delete().to(open))
        .route("/p/late", anyone(), says("late"))
        .route("/all", staff(), web::to(async || "all"))
        .route("/all", anyone(), web::get().to(open))
        .route("/t/{tail:.*}", staff(), says("tail"))
        .route("/t/open", anyone(), says("open"));
    let app = serve!(App::new().configure(routes.into_config()));
    let table = |me, rest| {
        let rest = ["GET /p/7", "GET /p/late", "DELETE /p/7", "GET /all", "GET /t/open"].map(|line| (line, rest));
        [&[("GET /p/me", me)], rest.as_slice()].concat()
    };
    expect(&app, "", &table(401, 401)).await;
    expect(&app, "alice", &table(200, 403)).await;
    for (path, body) in [("/p/me", "me"), ("/p/late", "id"), ("/all", "all"), ("/t/open", "tail")] {
        assert_eq!(get_as(&app, path, "staff").await.body, body);
    }
    expect(&app, "staff", &[("DELETE /p/7", 405)]).await;
}

#[actix_web::test]
async fn nested_routes_know_the_parameters_of_the_path_they_hang_under() {
    for (_, gate) in cast::fast_and_slow() {
        let part = async |who: Authorized<cast::View>, both: web::Path<(String, String)>| {
            format!("{} of {} for {}", both.1, both.0, who.principal().unwrap().id().subject())
        };
        let deep = Routes::new(&gate).route("/{part}", VIEW, web::get().to(part));
        let inner = Routes::new(&gate).route("", VIEW, web::get().to(open)).nest("/parts", deep);
        let app = serve!(App::new().configure(routes(&gate).nest("/p/{id}", inner).into_config()));
        assert_eq!(get_as(&app, "/p/42/parts/wing", "viewer").await.body, "wing of 42 for viewer");
        let table = |known, other| {
            [("GET /p/42", known), ("GET /p/42/parts/a", known), ("GET /p/43", other), ("GET /p/43/parts/a", other)]
        };
        expect(&app, "", &table(401, 401)).await;
        expect(&app, "viewer", &table(200, 403)).await;
        expect(&app, "viewer", &[("GET /p/42/", 404), ("GET /p/42/unknown", 404), ("GET /p/42/parts", 404)]).await;
    }
}

#[actix_web::test]
async fn routes_go_into_scopes_as_well() {
    let gate = cast::gate();
    let inner = routes(&gate)
        .route(
            "/me",
            authenticated(),
            web::get().to(async |Authenticated(who): Authenticated| who.id().subject().to_owned()),
        )
        .route("/p/{id}", VIEW, web::get().to(open));
    let outside = web::resource("/api/late").to(async |_: Authenticated| "");
    let app = serve!(
        App::new()
            .service(web::scope("/api").configure(inner.into_config()))
            .route("/me", web::get().to(async |_: Authenticated| ""))
            .service(outside)
    );
    assert_eq!(get_as(&app, "/api/me", "alice").await.body, "alice");
    expect(&app, "viewer", &[("GET /api/p/42", 200), ("GET /api/p/43", 403), ("GET /api/late", 404)]).await;
    expect(&app, "", &[("GET /api/me", 401), ("GET /api/p/42", 401), ("GET /api/unknown", 404)]).await;
    // The gate of the scope is not that of the app.
    expect(&app, "alice", &[("GET /me", 500)]).await;
}

#[actix_web::test]
async fn debug_shows_paths() {
    let gate: Gate = cast::gate();
    let all =
        routes(&gate).get("/a", staff(), open).nest("/n", routes(&gate).route("/b", staff(), web::get().to(open)));
    assert_eq!(format!("{all:?}"), r#"Routes(["GET /a", "any /n/b"])"#);
}

/// A route may come with middleware of its own; the policy stands outside of it.
#[actix_web::test]
async fn routes_with_middleware_of_their_own_are_guarded_outside_of_it() {
    let gate = cast::gate();
    let stamped = |route: Route| route.to(open).wrap(DefaultHeaders::new().add(("x-inside", "1")));
    let once = routes(&gate).route("/", staff(), stamped(web::get()));
    let twice = routes(&gate).route("/", staff(), stamped(web::get())).route("/", staff(), stamped(web::put()));
    for routes in [once, twice] {
        let app = serve!(App::new().configure(routes.into_config()));
        for (method, who, status, stamp) in
            [("GET", "", 401, None), ("GET", "staff", 200, Some("1")), ("PATCH", "staff", 405, None)]
        {
            let answer = ask(&app, method, "/", who).await;
            assert_eq!((answer.status.as_u16(), answer.header("x-inside")), (status, stamp), "{method} as {who:?}");
        }
    }
}
