//! The extractors: absent, invalid and valid are three things, for each of them.

use crate::{
    cast::{self, Names, Staff, View, ViewHidden},
    wire::{ask, expect, get_as},
};
use axum::{Router, extract::FromRef, routing::get};
use http::Request;
use portcullis_axum::{Authenticated, Authorized, Rejection, Visitor};
use portcullis_core::{Error, ErrorKind, Gate, Requirement, ResourceRef, Role, Scheme, policy::*};
use std::error::Error as _;

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

async fn home(who: Option<Authenticated>) -> String {
    who.map_or("nobody".to_owned(), |Authenticated(who)| who.id().subject().to_owned())
}

async fn visitor(Visitor(who): Visitor) -> String {
    who.map_or("nobody".to_owned(), |who| who.id().subject().to_owned())
}

async fn view(access: Authorized<View>) -> String {
    let role = access.role().map_or("no role", Role::as_str).to_owned();
    format!(
        "{} {role} {}",
        access.principal().unwrap().id().subject(),
        access.resource().map_or("nothing", ResourceRef::id)
    )
}

async fn lounge(access: Authorized<Staff>) -> String {
    format!("{} {:?} {:?}", access.principal().unwrap().id().subject(), access.role(), access.resource())
}

fn app(gate: Gate) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/home", get(home))
        .route("/visitor", get(visitor))
        .route("/lounge", get(lounge))
        .route("/projects/{id}", get(view))
        .route("/secret/{id}", get(async |_: Authorized<ViewHidden>| "seen"))
        .with_state(gate)
}

#[tokio::test]
async fn each_extractor_tells_absent_invalid_and_valid_apart() {
    for (names, gate) in cast::fast_and_slow() {
        let app = app(gate);
        for (path, who, status, body) in [
            ("/me", "", 401, None),
            ("/me", "broken", 401, None),
            ("/me", "expired", 401, None),
            ("/me", "foreign", 401, None),
            ("/me", "down", 503, None),
            ("/me", "alice", 200, Some("alice")),
            ("/home", "", 200, Some("nobody")),
            ("/home", "broken", 401, None),
            ("/home", "expired", 401, None),
            ("/home", "foreign", 401, None),
            ("/home", "down", 503, None),
            ("/home", "alice", 200, Some("alice")),
            ("/visitor", "", 200, Some("nobody")),
            ("/visitor", "broken", 401, None),
            ("/visitor", "down", 503, None),
            ("/visitor", "alice", 200, Some("alice")),
            ("/lounge", "", 401, None),
            ("/lounge", "broken", 401, None),
            ("/lounge", "alice", 403, None),
            ("/lounge", "staff", 200, Some("staff None None")),
            ("/projects/42", "", 401, None),
            ("/projects/42", "broken", 401, None),
            ("/projects/42", "alice", 403, None),
            ("/projects/42", "viewer", 200, Some("viewer viewer 42")),
            ("/projects/42", "owner", 200, Some("owner owner 42")),
            ("/projects/43", "owner", 403, None),
            ("/projects/13", "owner", 503, None),
            ("/secret/42", "", 401, None),
            ("/secret/42", "broken", 401, None),
            ("/secret/42", "alice", 404, Some("")),
            ("/secret/43", "owner", 404, Some("")),
            ("/secret/13", "owner", 503, None),
            ("/secret/42", "viewer", 200, Some("seen")),
        ] {
            let answer = get_as(&app, path, who).await;
            assert_eq!(answer.status, status, "{path} as {who:?} ({names:?}): {answer:?}");
            if let Some(body) = body {
                assert_eq!(answer.body, body, "{path} as {who:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_sources_of_the_gate_are_read_in_their_order() {
    let app = app(cast::gate());
    for (cookie, bearer, status, body) in [
        ("session=alice", "Bearer bob", 200, "alice"),
        ("session=broken", "Bearer bob", 401, ""),
        ("other=alice", "Bearer bob", 200, "bob"),
        ("session=", "Bearer bob", 200, "bob"),
        ("session=alice", "Basic Ym9iOg==", 200, "alice"),
        ("other=alice", "Basic Ym9iOg==", 401, ""),
        ("session=alice; session=bob", "Bearer bob", 400, ""),
    ] {
        let request = Request::get("/me").header("cookie", cookie).header("authorization", bearer);
        let answer = crate::wire::send(&app, request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{cookie} {bearer}");
        if status == 200 {
            assert_eq!(answer.body, body, "{cookie} {bearer}");
        }
    }
}

#[tokio::test]
async fn a_state_of_the_applications_own_holds_the_gate() {
    #[derive(Clone)]
    struct App {
        gate: Gate,
        greeting: &'static str,
    }
    impl FromRef<App> for Gate {
        fn from_ref(app: &App) -> Self {
            app.gate.clone()
        }
    }
    async fn greet(axum::extract::State(app): axum::extract::State<App>, Authenticated(who): Authenticated) -> String {
        format!("{}, {}", app.greeting, who.id().subject())
    }
    let app: Router = Router::new()
        .route("/", get(greet))
        .route("/me", get(me))
        .route("/home", get(home))
        .route("/projects/{id}", get(view))
        .with_state(App { gate: cast::gate(), greeting: "hello" });
    assert_eq!(get_as(&app, "/", "alice").await.body, "hello, alice");
    expect(&app, "", &[("GET /", 401), ("GET /me", 401), ("GET /home", 200), ("GET /projects/42", 401)]).await;
    expect(&app, "viewer", &[("GET /", 200), ("GET /me", 200), ("GET /projects/42", 200)]).await;
}

/// A public policy lets everybody in, and yet an extractor takes no credential that is not valid for none.
#[tokio::test]
async fn authorized_of_a_public_policy_has_a_principal_or_a_visitor() {
    struct Open;
    impl Requirement for Open {
        const POLICY: &'static dyn Policy = &anyone();
    }
    async fn caller(access: Authorized<Open>) -> Result<String, Rejection> {
        Ok(access.principal()?.id().subject().to_owned())
    }
    async fn visitor(access: Authorized<Open>) -> String {
        access.visitor().map_or("nobody", |who| who.id().subject()).to_owned()
    }
    for (_, gate) in cast::fast_and_slow() {
        let app: Router =
            Router::new().route("/caller", get(caller)).route("/visitor", get(visitor)).with_state(gate.clone());
        expect(&app, "", &[("GET /caller", 401)]).await;
        assert_eq!(get_as(&app, "/visitor", "").await.body, "nobody");
        for (who, status) in [("broken", 401), ("expired", 401), ("down", 503)] {
            expect(&app, who, &[("GET /caller", status), ("GET /visitor", status)]).await;
        }
        for path in ["/caller", "/visitor"] {
            assert_eq!(get_as(&app, path, "alice").await.body, "alice", "{path}");
        }
    }
}

/// A requirement is written where no route is added, so nothing looks at its names at start. It must not allow by mistake.
#[tokio::test]
async fn a_misspelt_requirement_is_an_error_and_allows_nobody() {
    struct Misspelt;
    impl Requirement for Misspelt {
        const POLICY: &'static dyn Policy = &not(role("ownr"));
    }
    struct Spelt;
    impl Requirement for Spelt {
        const POLICY: &'static dyn Policy = &not(role("owner"));
    }
    struct OtherParam;
    impl Requirement for OtherParam {
        const POLICY: &'static dyn Policy = &role("viewer").on("project", path("project_id"));
    }
    let app: Router = Router::new()
        .route("/misspelt", get(async |_: Authorized<Misspelt>| ()))
        .route("/spelt", get(async |_: Authorized<Spelt>| ()))
        .route("/projects/{id}", get(async |_: Authorized<OtherParam>| ()))
        .route("/param/{project_id}", get(async |_: Authorized<OtherParam>| ()))
        .with_state(cast::gate());
    let table = [("GET /misspelt", 500), ("GET /spelt", 200), ("GET /projects/42", 500), ("GET /param/42", 200)];
    expect(&app, "viewer", &table).await;

    let without_membership = Gate::builder().scheme(Scheme::new(Names::default()).bearer()).build().unwrap();
    let app: Router = Router::new().route("/{id}", get(view)).route("/", get(me)).with_state(without_membership);
    expect(&app, "viewer", &[("GET /42", 500), ("GET /", 200)]).await;
}

#[tokio::test]
async fn a_refused_body_is_never_read_and_the_method_does_not_matter() {
    let app: Router =
        Router::new().route("/", axum::routing::any(async |_: Authenticated, _: String| ())).with_state(cast::gate());
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        assert_eq!(ask(&app, method, "/", "").await.status, 401, "{method}");
        assert_eq!(ask(&app, method, "/", "alice").await.status, 200, "{method}");
    }
}

#[test]
fn a_rejection_says_each_thing_once() {
    let cause = std::io::Error::other("connection refused");
    let rejection = Rejection::from(Error::new(ErrorKind::Unavailable, "nobody is in").with_cause(cause));
    assert_eq!(rejection.error().kind(), ErrorKind::Unavailable);
    assert_eq!(rejection.to_string(), "nobody is in");
    assert_eq!(rejection.source().unwrap().to_string(), "connection refused");
    assert!(Rejection::from(Error::new(ErrorKind::Denied, "no")).source().is_none());
}
