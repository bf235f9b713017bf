//! A hidden denial is byte for byte what an unknown path is answered.

use crate::{
    ask::{Served, Wire, ask, expect, get_as},
    cast::{self, Names, ViewHidden, builder, open, routes},
};
use actix_web::{App, HttpResponse, web};
use portcullis_actix::{Authorized, GateExt, Routes, respond};
use portcullis_core::{Error, ErrorKind, Gate, Refusal, Requirement, policy::*};

fn render(error: &Error, default: Refusal) -> Refusal {
    if error.kind() != ErrorKind::Hidden {
        return default;
    }
    default.with_body("text/html", "<h1>There is nothing here</h1>")
}

const NOTHING: &str = "<h1>There is nothing here</h1>";

fn secrets(gate: &Gate) -> Routes {
    let extract = async |_: Authorized<ViewHidden>| "open";
    routes(gate)
        .route("/p/{id}", ViewHidden::POLICY, web::to(open))
        .route("/staff", hidden(staff()), web::to(open))
        .route("/mixed/{id}", any((staff(), cast::VIEW.hidden())), web::to(open))
        .route("/extract/{id}", anyone(), web::to(extract))
        .route("/methods/{id}", ViewHidden::POLICY, web::get().to(open))
        .route("/methods/{id}", ViewHidden::POLICY, web::post().to(open))
        .nest("/n/{id}", routes(gate).route("/x", ViewHidden::POLICY, web::to(open)))
}

async fn app(gate: &Gate) -> Served {
    let layer = web::resource("/layer/{id}").to(open).wrap(gate.require(cast::VIEW.hidden()));
    serve!(App::new().service(layer).configure(secrets(gate).into_config()))
}

const PATHS: [&str; 8] =
    ["/p/42", "/p/43", "/staff", "/mixed/42", "/extract/42", "/methods/42", "/n/42/x", "/layer/42"];

fn gates(names: &Names) -> [(Gate, &'static str); 2] {
    [(builder(names).build().unwrap(), ""), (builder(names).render(render).realm("r").build().unwrap(), NOTHING)]
}

#[actix_web::test]
async fn a_hidden_denial_looks_like_an_unknown_path() {
    for names in [Names::default(), Names::slow()] {
        for (gate, body) in gates(&names) {
            let app = app(&gate).await;
            for method in ["GET", "HEAD", "POST", "PATCH"] {
                let unknown = ask(&app, method, "/unknown", "alice").await;
                assert_eq!((unknown.status.as_u16(), unknown.body.as_str()), (404, body));
                for unknown_too in ["/n/42/y", "/p", "/", "/n/42", "/n"] {
                    assert_eq!(unknown, ask(&app, method, unknown_too, "alice").await, "{method} {unknown_too}");
                }
                for path in PATHS {
                    assert_eq!(ask(&app, method, path, "alice").await, unknown, "{method} {path} {names:?}");
                }
            }
            // Who may, sees it; who has not said who they are is asked to.
            assert_eq!(get_as(&app, "/p/42", "viewer").await.body, "open");
            assert_eq!(get_as(&app, "/staff", "staff").await.body, "open");
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

/// Without the renderer the answer is that of actix-web, but that no cache keeps it: compared with an app that has never heard
/// of a gate.
#[actix_web::test]
async fn the_unknown_path_is_that_of_actix_web() {
    let plain = serve!(App::new().route("/known", web::get().to(open)));
    let app = app(&cast::gate()).await;
    for method in ["GET", "HEAD", "POST"] {
        let theirs = ask(&plain, method, "/p/42", "alice").await;
        for path in ["/p/42", "/unknown"] {
            let mut ours = ask(&app, method, path, "alice").await;
            ours.headers.retain(|(name, value)| (name.as_str(), value.as_str()) != ("cache-control", "no-store"));
            assert_eq!(ours, theirs, "{method} {path}");
            assert_eq!(ask(&app, method, path, "alice").await.header("cache-control"), Some("no-store"));
        }
    }
}

async fn hidden_like_unknown(app: &Served, hidden: &str, unknown: &[&str]) -> Wire {
    let denied = get_as(app, hidden, "alice").await;
    assert_eq!(denied.status, 404, "{hidden}");
    for unknown in unknown {
        assert_eq!(denied, get_as(app, unknown, "alice").await, "{hidden} and {unknown}");
    }
    denied
}

/// actix-web does not hand the default service of a scope down to the scopes in it.
#[actix_web::test]
async fn routes_in_a_scope_keep_their_unknown_paths() {
    for (gate, body) in gates(&Names::default()) {
        let api = web::scope("/api").configure(secrets(&gate).into_config());
        let app = serve!(App::new().service(api).route("/", web::get().to(open)));
        let denied = hidden_like_unknown(&app, "/api/p/42", &["/api/unknown"]).await;
        assert_eq!(denied.body, body);
        hidden_like_unknown(&app, "/api/n/42/x", &["/api/n/42/unknown"]).await;
        assert_eq!(get_as(&app, "/unknown", "alice").await.body, "", "outside it is that of actix-web");
    }
}

/// Nested routes are denied by their own gate, so that is the one that answers for what is not there.
#[actix_web::test]
async fn nested_routes_of_another_gate_keep_their_unknown_paths() {
    let [(plain, _), (rendering, _)] = gates(&Names::default());
    let secret = |gate: &Gate| routes(gate).route("/secret", hidden(staff()), web::get().to(open));
    for gates in [[&plain, &rendering, &plain], [&rendering, &plain, &plain], [&rendering, &plain, &rendering]] {
        let [outer, middle, inner] = gates.map(secret);
        let all = outer.nest("/m", middle.nest("/n", inner));
        let app = serve!(App::new().configure(all.into_config()));
        hidden_like_unknown(&app, "/secret", &["/unknown"]).await;
        hidden_like_unknown(&app, "/m/secret", &["/m/unknown", "/m"]).await;
        hidden_like_unknown(&app, "/m/n/secret", &["/m/n/unknown", "/m/n"]).await;
    }
}

/// The rendered answer to an unknown path has a body and is everybody's: `enforce` knows it.
#[actix_web::test]
async fn a_rendered_unknown_path_counts_as_looked_at() {
    let gate = builder(&Names::default()).render(render).build().unwrap();
    let app = serve!(
        App::new()
            .configure(secrets(&gate).into_config())
            .route("/forgotten", web::get().to(open))
            .wrap(gate.enforce())
    );
    for path in ["/unknown", "/n/42/y", "/p/42"] {
        assert_eq!(get_as(&app, path, "alice").await.body, NOTHING, "{path}");
    }
    expect(&app, "alice", &[("GET /forgotten", 500)]).await;
}

/// A service that answers unknown paths itself asks the gate for the same answer.
#[actix_web::test]
async fn a_default_service_of_ones_own_is_matched_by_the_same_renderer() {
    let gate = builder(&Names::default()).render(render).build().unwrap();
    let not_found = gate.clone();
    let app = serve!(
        App::new().service(web::resource("/p/{id}").to(open).wrap(gate.require(cast::VIEW.hidden()))).default_service(
            web::to(move || {
                let answer: HttpResponse = respond(not_found.not_found());
                async { answer }
            })
        )
    );
    assert_eq!(hidden_like_unknown(&app, "/p/42", &["/unknown", "/p"]).await.body, NOTHING);
    assert_eq!(get_as(&app, "/p/42", "viewer").await.body, "open");
}
