//! A hidden denial is byte for byte what an unknown path is answered.

use crate::{
    cast::{self, Names, ViewHidden, builder, routes},
    wire::{Wire, ask, get_as},
};
use axum::{Router, routing::get};
use portcullis_axum::{Authorized, GateExt};
use portcullis_core::{Error, ErrorKind, Gate, Refusal, Requirement, policy::*};

fn render(error: &Error, default: Refusal) -> Refusal {
    if error.kind() != ErrorKind::Hidden {
        return default;
    }
    default.with_body("text/html", "<h1>There is nothing here</h1>")
}

fn app(gate: &Gate) -> Router {
    let secret = |policy| get(async || "seen").post(async || "seen").layer(gate.require(policy));
    routes(gate)
        .route("/p/{id}", ViewHidden::POLICY, get(async || "seen").post(async || "seen"))
        .route("/staff", hidden(staff()), get(async || "seen").post(async || "seen"))
        .route("/mixed/{id}", any((staff(), cast::VIEW.hidden())), get(async || "seen").post(async || "seen"))
        .route(
            "/extract/{id}",
            anyone(),
            get(async |_: Authorized<ViewHidden>| "seen").post(async |_: Authorized<ViewHidden>| "seen"),
        )
        .nest("/n/{id}", routes(gate).route("/x", ViewHidden::POLICY, get(async || "seen").post(async || "seen")))
        .into_router()
        .route("/layer/{id}", secret(cast::VIEW.hidden()))
        .with_state(gate.clone())
}

/// An answer as HTTP/1 has it. axum leaves it to the server to say that its own empty 404 is empty, and says it of every
/// other answer itself; the server then says it as well, except to HEAD.
async fn ask_wire(app: &Router, method: &str, path: &str, who: &str) -> Wire {
    let mut answer = ask(app, method, path, who).await;
    if answer.body.is_empty() && answer.header("content-length") == Some("0") {
        answer.headers.remove("content-length");
    }
    answer
}

const PATHS: [&str; 7] = ["/p/42", "/p/43", "/staff", "/mixed/42", "/extract/42", "/n/42/x", "/layer/42"];

#[tokio::test]
async fn a_hidden_denial_looks_like_an_unknown_path() {
    for names in [Names::default(), Names::slow()] {
        for (gate, body) in [
            (builder(&names).build().unwrap(), ""),
            (builder(&names).render(render).realm("r").build().unwrap(), "<h1>There is nothing here</h1>"),
        ] {
            let app = app(&gate);
            for method in ["GET", "HEAD", "POST"] {
                let unknown = ask_wire(&app, method, "/unknown", "alice").await;
                assert_eq!(unknown.status, 404);
                assert_eq!(unknown.body, if method == "HEAD" { "" } else { body });
                for unknown_too in ["/n/42/y", "/p", "/"] {
                    assert_eq!(unknown, ask_wire(&app, method, unknown_too, "alice").await, "{method} {unknown_too}");
                }
                for path in PATHS {
                    assert_eq!(ask_wire(&app, method, path, "alice").await, unknown, "{method} {path} {names:?}");
                }
            }
            // Who may, sees it; who has not said who they are is asked to.
            assert_eq!(get_as(&app, "/p/42", "viewer").await.body, "seen");
            assert_eq!(get_as(&app, "/staff", "staff").await.body, "seen");
            for path in PATHS {
                for who in ["", "broken"] {
                    let answer = get_as(&app, path, who).await;
                    assert_eq!(answer.status, 401, "{path}");
                    assert!(answer.header("www-authenticate").is_some());
                }
            }
        }
    }
}

/// Without the renderer the answer is axum's own, but that no cache keeps it: compared with a router that has never heard of
/// a gate.
#[tokio::test]
async fn the_unknown_path_is_that_of_axum() {
    let plain: Router = Router::new().route("/known", get(async || ()));
    let app = app(&cast::gate());
    for method in ["GET", "HEAD", "POST"] {
        let theirs = ask_wire(&plain, method, "/p/42", "alice").await;
        for path in ["/p/42", "/unknown"] {
            let mut ours = ask_wire(&app, method, path, "alice").await;
            assert_eq!(ours.headers.remove("cache-control").unwrap(), "no-store");
            assert_eq!(ours, theirs, "{method} {path}");
        }
    }
}

/// axum adds `Allow` to whatever is answered to a method that a route has not, also to a 404. That tells that there is such
/// a route, as 401 does to those who have not said who they are, and nothing about the resource.
#[tokio::test]
async fn on_a_method_that_the_route_has_not_only_allow_differs() {
    let app = app(&cast::gate());
    let unknown = ask_wire(&app, "PATCH", "/unknown", "alice").await;
    for path in ["/p/42", "/p/43", "/staff", "/n/42/x"] {
        let mut denied: Wire = ask_wire(&app, "PATCH", path, "alice").await;
        assert_eq!(denied.headers.remove("allow").unwrap(), "GET,HEAD,POST", "{path}");
        assert_eq!(denied, unknown, "{path}");
    }
    assert_eq!(ask_wire(&app, "PATCH", "/p/42", "viewer").await.status, 405);
}

/// The rendered answer to an unknown path has a body and is everybody's: `enforce` knows it.
#[tokio::test]
async fn a_rendered_unknown_path_counts_as_looked_at() {
    let gate = builder(&Names::default()).render(render).build().unwrap();
    let app = app(&gate).route("/forgotten", get(async || "open")).layer(gate.enforce());
    for path in ["/unknown", "/n/42/y", "/p/42"] {
        assert_eq!(get_as(&app, path, "alice").await.body, "<h1>There is nothing here</h1>", "{path}");
    }
    assert_eq!(get_as(&app, "/forgotten", "alice").await.status, 500);
}

/// A service that answers unknown paths itself says so to the gate with a renderer.
#[tokio::test]
async fn a_fallback_of_ones_own_is_matched_by_the_same_renderer() {
    let gate = builder(&Names::default()).render(render).build().unwrap();
    let own: Router =
        Router::new().route("/p/{id}", get(async || "seen").layer(gate.require(cast::VIEW.hidden()))).fallback({
            let gate = gate.clone();
            async move || portcullis_tower::respond::<axum::body::Body>(gate.not_found())
        });
    assert_eq!(get_as(&own, "/p/42", "alice").await, get_as(&own, "/unknown", "alice").await);
    assert_eq!(get_as(&own, "/p/42", "viewer").await.body, "seen");
}

/// The renderer of the gate also answers below a prefix of somebody else's router.
#[tokio::test]
async fn routes_nested_in_a_router_of_ones_own_keep_their_unknown_paths() {
    let gate = builder(&Names::default()).render(render).build().unwrap();
    let api: Router = app(&gate);
    let whole: Router = Router::new().nest("/api", api).route("/", get(async || "home"));
    let denied = get_as(&whole, "/api/p/42", "alice").await;
    assert_eq!(denied, get_as(&whole, "/api/unknown", "alice").await);
    assert_eq!(denied.body, "<h1>There is nothing here</h1>");
    assert_eq!(get_as(&whole, "/unknown", "alice").await.body, "", "outside it is axum's");
}

/// Nested routes are denied by their own gate, so that is the one that answers for what is not there.
#[tokio::test]
async fn nested_routes_of_another_gate_keep_their_unknown_paths() {
    let plain = cast::gate();
    let rendering = builder(&Names::default()).render(render).build().unwrap();
    for (outer, inner) in [(&plain, &rendering), (&rendering, &plain)] {
        let secret = |gate: &Gate| routes(gate).route("/secret", hidden(staff()), get(async || "seen"));
        let app = secret(outer).nest("/n", secret(inner)).into_router().with_state(outer.clone());
        for prefix in ["", "/n"] {
            let denied = ask_wire(&app, "GET", &format!("{prefix}/secret"), "alice").await;
            assert_eq!(denied.status, 404);
            let unknown = ask_wire(&app, "GET", &format!("{prefix}/unknown"), "alice").await;
            assert_eq!(denied, unknown, "below {prefix:?}");
            assert_eq!(get_as(&app, &format!("{prefix}/secret"), "staff").await.body, "seen");
        }
    }
}
