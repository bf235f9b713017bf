//! Tests of an application's own service: no token, no secret, no network.

use crate::{
    cast::{self, Names, View, builder, routes},
    wire::{expect, get_as},
};
use axum::{Router, routing::get};
use portcullis_axum::{Authenticated, Authorized, Visitor};
use portcullis_core::{Gate, PermissionSet, ResourceRef, policy::*, testing::acting_as};

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

async fn home(who: Option<Authenticated>) -> String {
    who.map_or("nobody".to_owned(), |Authenticated(who)| who.id().subject().to_owned())
}

fn app(gate: Gate) -> Router {
    routes(&gate)
        .route("/", anyone(), get(home))
        .route("/me", authenticated(), get(me))
        .route("/staff", staff(), get(async || "staff"))
        .route("/kb", permission("kb:read"), get(async || "kb"))
        .route("/viewers", role("viewer"), get(async || "viewers"))
        .route(
            "/p/{id}",
            cast::VIEW.hidden(),
            get(async |access: Authorized<View>| access.resource().map_or_else(String::new, ResourceRef::to_string)),
        )
        .into_router()
        .with_state(gate)
}

#[tokio::test]
async fn a_handler_is_called_directly() {
    let alice = acting_as("alice").with_role("manager");
    let answer = me(Authenticated(alice)).await;
    assert_eq!(answer, "alice");
}

#[tokio::test]
async fn a_handler_of_visitors_is_called_directly() {
    assert_eq!(home(Some(Authenticated(acting_as("alice")))).await, "alice");
    assert_eq!(home(None).await, "nobody");
    let Visitor(nobody) = Visitor(None);
    assert!(nobody.is_none());
}

#[tokio::test]
async fn a_whole_app_acts_as_somebody() {
    let app = app(cast::gate().acting_as(acting_as("viewer")));
    assert_eq!(get_as(&app, "/me", "").await.body, "viewer");
    assert_eq!(get_as(&app, "/p/42", "").await.body, "project \"42\"");
}

/// Policies are asked as ever: who acts is given, what they may is not.
#[tokio::test]
async fn policies_still_decide() {
    let gate = cast::gate();
    let paths = ["GET /", "GET /me", "GET /staff", "GET /kb", "GET /viewers", "GET /p/42", "GET /p/43"];
    for (who, status) in [
        (acting_as("alice"), [200, 200, 403, 403, 403, 404, 404]),
        (acting_as("alice").with_staff(true), [200, 200, 200, 403, 403, 404, 404]),
        (
            acting_as("alice").with_permissions(PermissionSet::new(["kb:*"]).unwrap()),
            [200, 200, 403, 200, 403, 404, 404],
        ),
        (acting_as("alice").with_role("owner"), [200, 200, 403, 403, 200, 404, 404]),
        (acting_as("owner"), [200, 200, 403, 403, 403, 200, 404]),
    ] {
        let table: Vec<_> = paths.into_iter().zip(status).collect();
        expect(&app(gate.acting_as(who)), "", &table).await;
    }
}

/// No credential is looked at, not even one that does not hold; and the gate that it was made from acts as nobody.
#[tokio::test]
async fn only_the_gate_that_acts_acts() {
    let names = Names::default();
    let gate = builder(&names).build().unwrap();
    let acting = app(gate.acting_as(acting_as("alice")));
    for who in ["", "broken", "bob"] {
        assert_eq!(get_as(&acting, "/me", who).await.body, "alice");
    }
    assert_eq!(names.verified(), 0);
    expect(&app(gate.clone()), "", &[("GET /me", 401)]).await;
    expect(&app(gate.clone()), "broken", &[("GET /me", 401)]).await;

    // A guard of the one does not let in by the other, whichever the state has.
    let acting = gate.acting_as(acting_as("alice"));
    let mixed = |guard: &Gate, state: &Gate| {
        routes(guard).route("/me", authenticated(), get(me)).into_router().with_state(state.clone())
    };
    let by_names = mixed(&gate, &acting);
    expect(&by_names, "", &[("GET /me", 401)]).await;
    assert_eq!(get_as(&by_names, "/me", "bob").await.body, "bob");
    assert_eq!(get_as(&mixed(&acting, &gate), "/me", "bob").await.body, "alice");
}
