//! What a guard leaves for its route: the gate that extractors go by, and that renders errors of the handler.

use crate::{
    cast::{self, Names, Staff},
    log::Log,
    wire::{expect, get_as},
};
use axum::{
    Router,
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use portcullis_axum::{Authenticated, Authorized, Caller, GateExt, Leased, Rejection, Routes, Visitor};
use portcullis_core::{Error, ErrorKind, Gate, policy::*, testing::acting_as};

/// A gate that writes its name under every refusal.
fn named(names: &Names, name: &'static str) -> Gate {
    cast::builder(names).render(move |_, default| default.with_body("text/plain", name)).build().unwrap()
}

async fn fails() -> Result<&'static str, Rejection> {
    Err(Error::new(ErrorKind::Denied, "the vault is closed").with_code("closed"))?
}

/// An error type of one's own that lets the rejection answer.
struct Own(Rejection);

impl IntoResponse for Own {
    fn into_response(self) -> Response {
        let headers = [("x-kept", "1"), ("set-cookie", "a=b"), ("content-encoding", "none"), ("retry-after", "9")];
        (AppendHeaders(headers), self.0).into_response()
    }
}

#[tokio::test]
async fn an_error_of_the_handler_is_rendered_by_the_guard_of_its_route() {
    for names in [Names::default(), Names::slow()] {
        let (outer, inner) = (named(&names, "outer"), named(&names, "inner"));
        let plain = cast::builder(&names).build().unwrap();
        let own = async || Err::<(), _>(Own(fails().await.unwrap_err()));
        let by_hand = {
            let outer = outer.clone();
            async move || Err::<(), _>(Rejection::new(&outer, Error::new(ErrorKind::Denied, "no")))
        };
        let inside = Router::new()
            .route("/inner", get(fails).layer(inner.require(authenticated())))
            .route("/by-hand", get(by_hand).layer(inner.require(authenticated())))
            .route("/none", get(fails));
        let app: Router = Routes::new(&outer)
            .route("/guarded", authenticated(), get(fails))
            .route("/public", anyone(), get(fails))
            .route("/own", authenticated(), get(own))
            .route("/fine", authenticated(), get(async || "fine"))
            .into_router()
            .nest("/nested", inside.layer(outer.require(authenticated())))
            .route("/unguarded", get(fails))
            .route("/plain", get(fails).layer(plain.require(authenticated())));
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
        assert_eq!(get_as(&app, "/fine", "alice").await.body, "fine");
        let own = get_as(&app, "/own", "alice").await;
        assert_eq!((own.header("x-kept"), own.header("set-cookie")), (Some("1"), Some("a=b")));
        assert_eq!((own.header("content-encoding"), own.header("retry-after")), (None, None));
    }
}

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

async fn everything(
    (Authenticated(who), same): (Authenticated, Option<Authenticated>),
    (Visitor(visitor), Leased(lease), access): (Visitor, Leased, Authorized<Staff>),
) -> String {
    let all = [&who, &same.unwrap().0, &visitor.unwrap(), lease.principal(), access.principal().unwrap()];
    assert!(all.iter().all(|one| one.id() == who.id()));
    who.id().subject().to_owned()
}

#[tokio::test]
async fn extractors_go_by_the_gate_of_the_innermost_guard() {
    let of = |name: &str| cast::gate().acting_as(acting_as(name).with_staff(true));
    let (state, outer, inner) = (of("state"), of("outer"), of("inner"));
    let open = || Router::new().route("/me", get(me)).route("/everything", get(everything));
    let app = open()
        .nest(
            "/outer",
            open().nest("/inner", open().layer(inner.require(authenticated()))).layer(outer.require(staff())),
        )
        .nest("/public", open().layer(inner.require(anyone())))
        .with_state(state);
    for (path, name) in [("", "state"), ("/outer", "outer"), ("/outer/inner", "inner"), ("/public", "inner")] {
        for route in ["me", "everything"] {
            assert_eq!(get_as(&app, &format!("{path}/{route}"), "").await.body, name, "{path}/{route}");
        }
    }
}

#[tokio::test]
async fn the_baseline_is_asked_about_somebody_whom_no_guard_has_asked_about() {
    for names in [Names::default(), Names::slow()] {
        let gate = cast::builder(&names).baseline(staff()).build().unwrap();
        let other = cast::builder(&names).build().unwrap();
        let lease = async |Leased(lease): Leased| lease.principal().id().subject().to_owned();
        let visit = async |Visitor(_): Visitor| "seen";
        let app = Router::new()
            .route("/me", get(me))
            .route("/lease", get(lease))
            .route("/visit", get(visit))
            .route("/home", get(async |_: Option<Authenticated>| "seen"))
            .route("/public", get(me).layer(gate.require(anyone())))
            .route("/guarded", get(me).layer(gate.require(authenticated())))
            .route("/left-out", get(me).layer(gate.require(without_baseline(authenticated()))))
            .route("/other", get(me).layer(other.require(authenticated())))
            .with_state(gate);
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
        expect(&app, "", &[("GET /visit", 200), ("GET /home", 200), ("GET /left-out", 401), ("GET /other", 401)]).await;
        expect(&app, "alice", &[("GET /visit", 200), ("GET /home", 200), ("GET /left-out", 200), ("GET /other", 200)])
            .await;
        names.verified();
        expect(&app, "staff", &[("GET /me", 200)]).await;
        assert_eq!(names.verified(), 1);
    }
}

#[tokio::test]
async fn policies_see_the_path_that_the_client_sent_however_deep_the_router() {
    let gate = cast::builder(&Names::default()).build().unwrap();
    let whole = || when("path", |question| question.head().path() == "/outer/inner/%61");
    let cut = || when("path", |question| question.head().path() == "/%61");
    let inner = Router::new().route("/{name}", get(async || "in").layer(gate.require(whole()))).route(
        "/caller/{name}",
        get(async |caller: Caller| -> Result<String, Rejection> {
            let seen = when("path", |question| question.head().path() == "/outer/inner/caller/%61");
            Ok(caller.allows(seen).await?.to_string())
        }),
    );
    let other = Router::new().route("/{name}", get(async || "in").layer(gate.require(cut())));
    let app: Router =
        Router::new().nest("/outer", Router::new().nest("/inner", inner).nest("/cut", other)).with_state(gate);
    assert_eq!(get_as(&app, "/outer/inner/%61", "alice").await.status, 200);
    assert_eq!(get_as(&app, "/outer/inner/b", "alice").await.status, 403);
    assert_eq!(get_as(&app, "/outer/cut/%61", "alice").await.status, 403);
    assert_eq!(get_as(&app, "/outer/inner/caller/%61", "alice").await.body, "true");
    assert_eq!(get_as(&app, "/outer/inner/caller/b", "alice").await.body, "false");
}
