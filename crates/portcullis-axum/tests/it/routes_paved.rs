//! `Routes` beyond handlers: services, fallbacks, layers, the table, and what is refused at start.

use crate::{
    cast::{self, VIEW, ViewHidden, routes},
    wire::{Wire, ask, expect, get_as, request, send},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use http::{HeaderValue, Uri, header::AUTHORIZATION};
use http_body_util::Full;
use portcullis_axum::{Authorized, GateExt, Routes};
use portcullis_core::{Gate, policy::*};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tower::service_fn;
use tower_http::cors::CorsLayer;

/// A service that axum knows nothing of, with a body of its own. It says what it sees of the path.
fn files()
-> impl tower::Service<Request, Error = Infallible, Response = http::Response<Full<Bytes>>, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(async |request: Request| Ok(http::Response::new(Full::from(request.uri().path().to_owned()))))
}

#[tokio::test]
async fn a_service_is_guarded_at_its_path_and_below() {
    for (_, gate) in cast::fast_and_slow() {
        let app = routes(&gate)
            .service("/static", staff(), files())
            .service("/p/{id}/files", VIEW, files())
            .service("/open", anyone(), files())
            .into_router()
            .layer(gate.enforce())
            .with_state(gate);
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
        assert_eq!(get_as(&app, "/static/a/b", "staff").await.body, "/a/b");
        assert_eq!(ask(&app, "HEAD", "/static/a/b", "staff").await.body, "");
    }
}

#[tokio::test]
async fn a_fallback_has_a_policy() {
    for (_, gate) in cast::fast_and_slow() {
        let other = cast::gate();
        let app = routes(&gate)
            .fallback(staff(), async |uri: Uri| format!("no {}", uri.path()))
            .get("/a", anyone(), async || "a")
            .nest("/n", routes(&gate).get("/b", anyone(), async || "b"))
            .nest("/own", routes(&gate).fallback(anyone(), async || "own"))
            .nest("/other", routes(&other).get("/c", anyone(), async || "c"))
            .into_router()
            .layer(gate.enforce())
            .with_state(gate);
        let table = |status| ["GET /z", "POST /z/z", "OPTIONS /", "GET /n", "GET /n/z"].map(|line| (line, status));
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

#[tokio::test]
async fn merged_routes_bring_their_fallback() {
    let gate = cast::gate();
    let with = || routes(&gate).get("/a", anyone(), async || "a").fallback(staff(), async || "else");
    let without = || routes(&gate).get("/b", anyone(), async || "b");
    for all in [with().merge(without()), without().merge(with())] {
        let app = all.into_router().with_state(gate.clone());
        expect(&app, "", &[("GET /a", 200), ("GET /b", 200), ("GET /z", 401)]).await;
        expect(&app, "staff", &[("GET /z", 200)]).await;
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(with().merge(with())))).is_err());
}

const APP: &str = "https://app.example.com";

fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(HeaderValue::from_static(APP)).allow_headers([AUTHORIZATION])
}

/// A request of a page of the allowed origin: the status, and the origin that may read the answer.
async fn by_page(app: &Router, method: &str, path: &str, who: &str) -> (u16, Option<String>) {
    let mut request = request(method, path, who);
    request.headers_mut().insert("origin", HeaderValue::from_static(APP));
    if method == "OPTIONS" {
        request.headers_mut().insert("access-control-request-method", HeaderValue::from_static("GET"));
    }
    let answer = send(app, request).await;
    (answer.status.as_u16(), answer.header("access-control-allow-origin").map(str::to_owned))
}

#[tokio::test]
async fn a_layer_stands_outside_of_all_guards_whenever_it_is_said() {
    let gate = cast::gate();
    type Step = fn(Routes<Gate>) -> Routes<Gate>;
    let steps: [Step; 4] = [
        |to| to.layer(cors()),
        |to| to.get("/me", authenticated(), async || "me").delete("/me", staff(), async || "gone"),
        |to| to.service("/static", authenticated(), files()),
        |to| to.fallback(authenticated(), async || "else"),
    ];
    for first in 0..steps.len() {
        let app = (0..steps.len()).fold(routes(&gate), |to, step| steps[(first + step) % steps.len()](to));
        let below = routes(&gate).get("/b", authenticated(), async || "b");
        let app = app.nest("/n", below).into_router().layer(gate.enforce()).with_state(gate.clone());
        for path in ["/me", "/static/a", "/n/b", "/unknown"] {
            let readable = |status| (status, Some(APP.to_owned()));
            assert_eq!(by_page(&app, "OPTIONS", path, "").await, readable(200), "{path}");
            assert_eq!(by_page(&app, "GET", path, "").await, readable(401), "{path}");
            assert_eq!(by_page(&app, "GET", path, "alice").await, readable(200), "{path}");
        }
        assert_eq!(by_page(&app, "DELETE", "/me", "alice").await, (403, Some(APP.to_owned())));
    }
}

/// The layers of nested and merged routes are about those routes.
#[tokio::test]
async fn layers_stay_around_the_routes_that_they_were_added_to() {
    let gate = cast::gate();
    let one = |path| routes(&gate).get(path, authenticated(), async || "");
    let app = one("/plain")
        .merge(one("/merged").layer(cors()))
        .nest("/n", one("/nested").layer(cors()))
        .into_router()
        .with_state(gate.clone());
    for path in ["/merged", "/n/nested"] {
        assert_eq!(by_page(&app, "OPTIONS", path, "").await, (200, Some(APP.to_owned())), "{path}");
        assert_eq!(by_page(&app, "GET", path, "").await, (401, Some(APP.to_owned())), "{path}");
    }
    for (path, status) in [("/plain", 401), ("/unknown", 404)] {
        assert_eq!(by_page(&app, "OPTIONS", path, "").await, (status, None), "{path}");
    }
}

#[tokio::test]
async fn a_later_layer_stands_outside_of_an_earlier_one() {
    let gate = cast::gate();
    let stamp = |name: &'static str| {
        from_fn(move |request: Request, next: Next| async move {
            let mut response: Response = next.run(request).await;
            response.headers_mut().append("x-passed", HeaderValue::from_static(name));
            response
        })
    };
    let inner = routes(&gate).get("/a", staff(), async || "").layer(stamp("nested"));
    let app = routes(&gate).layer(stamp("first")).nest("/n", inner).layer(stamp("second")).into_router();
    let passed = |answer: &Wire| {
        let values = answer.headers.get_all("x-passed").iter().map(|value| value.to_str().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    let app = app.with_state(gate.clone());
    assert_eq!(passed(&get_as(&app, "/n/a", "").await), ["nested", "first", "second"]);
    assert_eq!(passed(&get_as(&app, "/z", "").await), ["first", "second"]);
}

#[test]
fn the_table_has_whole_paths() {
    let gate = cast::gate();
    let deep = routes(&gate).get("/", VIEW, async || "").put("/{part}", VIEW, async || "");
    let all = routes(&gate)
        .nest("/p/{id}", routes(&gate).nest("/parts/", deep))
        .service("/static/", staff(), files())
        .route("/me", authenticated(), get(async || ""))
        .merge(routes(&gate).post("/b", anyone(), async || "").patch("/b", staff(), async || ""))
        .nest("/n", routes(&gate).fallback(anyone(), async || ""))
        .delete("/c", staff(), async || "")
        .fallback(staff(), async || "");
    let table = all.table();
    let rows: Vec<String> = table.rows().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        [
            "GET /p/{id}/parts/",
            "PUT /p/{id}/parts/{part}",
            "any /static/*",
            "any /me",
            "POST /b",
            "PATCH /b",
            "any /n/*",
            "DELETE /c",
            "any /*"
        ]
    );
    assert_eq!(table.unseen().collect::<Vec<_>>(), [("/p/{id}/parts/{part}", "part")]);
    drop(all.into_router());
    let root = routes(&gate).nest("/n", routes(&gate).get("/", staff(), async || ""));
    assert_eq!(root.table().rows().next().unwrap().path(), "/n", "as axum has it");
}

/// What a panic says.
fn panic_of(finish: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(finish)).expect_err("it panics");
    panic.downcast_ref::<String>().unwrap().clone()
}

/// Only when the whole path is known, and with the line where the route was added.
#[tokio::test]
async fn parameters_are_checked_at_start() {
    let gate = cast::gate();
    let below = || routes(&gate).get("/parts", VIEW, async || "").service("/files", VIEW, files());
    let line = line!() - 1;
    for (unfinished, path) in [
        (below(), "GET /parts"),
        (routes(&gate).nest("/p/{project}", below()), "GET /p/{project}/parts"),
        (routes(&gate).merge(below()), "GET /parts"),
        (routes(&gate).fallback(VIEW, async || ""), "any /*"),
    ] {
        let said = panic_of(|| drop(unfinished.into_router()));
        assert!(said.contains(path) && said.contains("`id`") && said.contains(file!()), "{said}");
        assert!(path.ends_with('*') || said.contains(&format!("{}:{line}:", file!())), "{said}");
    }
    let twice = routes(&gate).nest("/p/{id}", routes(&gate).get("/x/{id}", VIEW, async || ""));
    assert!(panic_of(|| drop(twice.into_router())).contains("two parameters `id`"));

    let nested = routes(&gate).nest("/p/{id}", below()).into_router();
    let said_so = Router::new().nest("/q/{id}", below().below("/q/{id}").into_router());
    let app = nested.merge(Router::new().nest("/r", said_so)).with_state(gate);
    for path in ["/p/42/parts", "/p/42/files/a", "/r/q/42/parts"] {
        assert_eq!(get_as(&app, path, "viewer").await.status, 200, "{path}");
        let other = path.replace("42", "43");
        assert_eq!(get_as(&app, &other, "viewer").await.status, 403, "{other}");
    }
}

/// What a handler's own extractor reads is not known at start, and not judged by another parameter.
#[tokio::test]
async fn an_extractor_is_not_in_the_table() {
    let gate = cast::gate();
    let read = async |_: Authorized<ViewHidden>, Path(id): Path<String>| id;
    let all = routes(&gate).get("/p/{id}", authenticated(), read);
    assert_eq!(all.table().unseen().collect::<Vec<_>>(), [("/p/{id}", "id")]);
    let app = all.into_router().with_state(gate);
    expect(&app, "viewer", &[("GET /p/42", 200), ("GET /p/43", 404)]).await;
}
