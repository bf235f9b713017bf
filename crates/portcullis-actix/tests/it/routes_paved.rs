//! `Routes` beyond handlers: services, fallbacks, layers, the table, and what is refused at start.

use crate::{
    ask::{Served, ask, expect, get_as, request, send},
    cast::{self, VIEW, ViewHidden, open, routes},
};
use actix_cors::Cors;
use actix_web::{App, HttpRequest, Scope, web};
use portcullis_actix::{Authorized, GateExt, Routes};
use portcullis_core::{Gate, policy::*};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Answers all paths below where it hangs, and says which.
fn files() -> Scope {
    web::scope("").default_service(web::to(async |request: HttpRequest| request.path().to_owned()))
}

#[actix_web::test]
async fn a_service_is_guarded_at_its_path_and_below() {
    for (_, gate) in cast::fast_and_slow() {
        let routes = routes(&gate)
            .service("/static", staff(), files())
            .service("/p/{id}/files", VIEW, files())
            .service("/open", anyone(), files())
            .service("/some", staff(), web::resource("/one").to(open));
        let app = serve!(App::new().configure(routes.into_config()).wrap(gate.enforce()));
        let all =
            ["GET /static", "GET /static/", "GET /static/a/b", "POST /static/a", "OPTIONS /static", "PURGE /static"];
        let table = |status| all.map(|line| (line, status));
        expect(&app, "", &table(401)).await;
        expect(&app, "broken", &table(401)).await;
        expect(&app, "alice", &table(403)).await;
        expect(&app, "staff", &table(200)).await;
        expect(&app, "", &[("GET /open/a", 200), ("GET /staticx", 404), ("GET /p/42/files/a", 401)]).await;
        expect(&app, "viewer", &[("GET /p/42/files", 200), ("GET /p/42/files/a", 200), ("GET /p/43/files/a", 403)])
            .await;
        assert_eq!(get_as(&app, "/static/a/b", "staff").await.body, "/static/a/b");
        // What the service does not have is unknown to those who may pass.
        for (who, one, other) in [("", 401, 401), ("alice", 403, 403), ("staff", 200, 404)] {
            expect(&app, who, &[("GET /some/one", one), ("GET /some/other", other), ("GET /some", other)]).await;
        }
    }
}

#[actix_web::test]
async fn a_fallback_has_a_policy() {
    for (_, gate) in cast::fast_and_slow() {
        let other = cast::gate();
        let deep = routes(&gate).nest("/deep", routes(&gate).get("/d", anyone(), open));
        let all = routes(&gate)
            .fallback(staff(), async |request: HttpRequest| format!("no {}", request.path()))
            .get("/a", anyone(), open)
            .nest("/n", deep.get("/b", anyone(), open))
            .nest("/own", routes(&gate).fallback(anyone(), async || "own"))
            .nest("/other", routes(&other).get("/c", anyone(), open));
        let app = serve!(App::new().configure(all.into_config()).wrap(gate.enforce()));
        let table = |status| {
            ["GET /z", "POST /z/z", "OPTIONS /", "GET /n", "GET /n/z", "GET /n/deep/z"].map(|line| (line, status))
        };
        expect(&app, "", &table(401)).await;
        expect(&app, "alice", &table(403)).await;
        expect(&app, "staff", &table(200)).await;
        assert_eq!(get_as(&app, "/z", "staff").await.body, "no /z");
        // A known path is none of the fallback's, nor is what is below routes with an answer of their own.
        let rest = [("GET /a", 200), ("POST /a", 405), ("GET /n/b", 200), ("GET /own/z", 200), ("GET /other/z", 404)];
        for who in ["", "alice", "staff"] {
            expect(&app, who, &rest).await;
        }
    }
}

#[actix_web::test]
async fn merged_routes_bring_their_fallback() {
    let gate = cast::gate();
    let with = || routes(&gate).get("/a", anyone(), open).fallback(staff(), async || "else");
    let without = || routes(&gate).get("/b", anyone(), open);
    for all in [with().merge(without()), without().merge(with())] {
        let app = serve!(App::new().configure(all.into_config()));
        expect(&app, "", &[("GET /a", 200), ("GET /b", 200), ("GET /z", 401)]).await;
        expect(&app, "staff", &[("GET /z", 200)]).await;
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(with().merge(with())))).is_err());
}

const APP: &str = "https://app.example.com";

fn cors() -> Cors {
    Cors::default().allowed_origin(APP).allowed_methods(["GET", "DELETE"]).allowed_header("authorization")
}

/// A request of a page of the allowed origin: the status, and the origin that may read the answer.
async fn by_page(app: &Served, method: &str, path: &str, who: &str) -> (u16, Option<String>) {
    let request = request(method, path, who).insert_header(("origin", APP));
    let request = match method {
        "OPTIONS" => request.insert_header(("access-control-request-method", "GET")),
        _ => request,
    };
    let answer = send(app, request).await;
    (answer.status.as_u16(), answer.header("access-control-allow-origin").map(str::to_owned))
}

/// `App::wrap` stands outside of all guards, whenever it is said.
#[actix_web::test]
async fn cors_around_the_app_stands_outside_of_all_guards() {
    let gate = cast::gate();
    let all = || {
        let below = routes(&gate).get("/b", authenticated(), open);
        let all = routes(&gate).get("/me", authenticated(), open).delete("/me", staff(), open).nest("/n", below);
        all.service("/static", authenticated(), files()).fallback(authenticated(), async || "else").into_config()
    };
    let before = serve!(App::new().wrap(cors()).configure(all()).wrap(gate.enforce()));
    let after = serve!(App::new().configure(all()).wrap(gate.enforce()).wrap(cors()));
    for app in [before, after] {
        for path in ["/me", "/static/a", "/n/b", "/unknown"] {
            let readable = |status| (status, Some(APP.to_owned()));
            assert_eq!(by_page(&app, "OPTIONS", path, "").await, readable(200), "{path}");
            assert_eq!(by_page(&app, "GET", path, "").await, readable(401), "{path}");
            assert_eq!(by_page(&app, "GET", path, "alice").await, readable(200), "{path}");
            // Without what a preflight says, it is a request like others.
            assert_eq!(ask(&app, "OPTIONS", path, "").await.status, 401, "{path}");
        }
        assert_eq!(by_page(&app, "DELETE", "/me", "alice").await, (403, Some(APP.to_owned())));
    }
}

#[test]
fn the_table_has_whole_paths() {
    let gate = cast::gate();
    let deep = routes(&gate).get("", VIEW, open).get("/", VIEW, open).put("{part:[a-z]{2}}", VIEW, open);
    let all = routes(&gate)
        .nest("/p/{id}", routes(&gate).nest("/parts/", deep))
        .service("/static/", staff(), files())
        .route("/me", authenticated(), web::get().to(open))
        .merge(routes(&gate).post("/b", anyone(), open).patch("/b", staff(), open))
        .nest("/n", routes(&gate).fallback(anyone(), open))
        .delete("/c", staff(), open)
        .fallback(staff(), open);
    let table = all.table();
    let rows: Vec<String> = table.rows().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        [
            "GET /p/{id}/parts",
            "GET /p/{id}/parts/",
            "PUT /p/{id}/parts/{part:[a-z]{2}}",
            "any /static/*",
            "any /me",
            "POST /b",
            "PATCH /b",
            "any /n/*",
            "DELETE /c",
            "any /*"
        ]
    );
    assert_eq!(table.unseen().collect::<Vec<_>>(), [("/p/{id}/parts/{part:[a-z]{2}}", "part")]);
    drop(all.into_config());
}

/// What a panic says.
fn panic_of(finish: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(finish)).expect_err("it panics");
    panic.downcast_ref::<String>().unwrap().clone()
}

/// Only when the whole path is known, and with the line where the route was added.
#[actix_web::test]
async fn parameters_are_checked_at_start() {
    let gate = cast::gate();
    let below = || routes(&gate).get("/parts", VIEW, open).service("/files", VIEW, files());
    let line = line!() - 1;
    for (unfinished, path) in [
        (below(), "GET /parts"),
        (routes(&gate).nest("/p/{project}", below()), "GET /p/{project}/parts"),
        (routes(&gate).merge(below()), "GET /parts"),
        (routes(&gate).fallback(VIEW, open), "any /*"),
    ] {
        let said = panic_of(|| drop(unfinished.into_config()));
        assert!(said.contains(path) && said.contains("`id`") && said.contains(file!()), "{said}");
        assert!(path.ends_with('*') || said.contains(&format!("{}:{line}:", file!())), "{said}");
    }
    let twice = routes(&gate).nest("/p/{id}", routes(&gate).get("/x/{id}", VIEW, open));
    assert!(panic_of(|| drop(twice.into_config())).contains("two parameters `id`"));

    let nested = routes(&gate).nest("/p/{id}", below()).into_config();
    let said_so = web::scope("/q/{id}").configure(below().below("/q/{id}").into_config());
    let app = serve!(App::new().configure(nested).service(web::scope("/r").service(said_so)));
    for path in ["/p/42/parts", "/p/42/files/a", "/r/q/42/parts"] {
        assert_eq!(get_as(&app, path, "viewer").await.status, 200, "{path}");
        let other = path.replace("42", "43");
        assert_eq!(get_as(&app, &other, "viewer").await.status, 403, "{other}");
    }
}

/// Two handlers for one method of a path: the second one is out of reach.
#[test]
fn a_method_that_a_path_has_twice_stops_the_program() {
    let gate = cast::gate();
    let one = |path| routes(&gate).get(path, staff(), open).put(path, staff(), open);
    let twice = one("/a").merge(Routes::new(&gate).get("/a", anyone(), open));
    assert!(panic_of(|| drop(twice.into_config())).contains("`GET /a` is there twice"));
    drop(one("/a").merge(one("/b")).nest("/n", one("/a")).into_config());
}

/// What a handler's own extractor reads is not known at start, and not judged by another parameter.
#[actix_web::test]
async fn an_extractor_is_not_in_the_table() {
    let gate: Gate = cast::gate();
    let read = async |_: Authorized<ViewHidden>, id: web::Path<String>| id.into_inner();
    let all = routes(&gate).get("/p/{id}", authenticated(), read);
    assert_eq!(all.table().unseen().collect::<Vec<_>>(), [("/p/{id}", "id")]);
    let app = serve!(App::new().configure(all.into_config()));
    expect(&app, "viewer", &[("GET /p/42", 200), ("GET /p/43", 404)]).await;
}
