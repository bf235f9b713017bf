//! Places that a way in has not: what happens to those who try to build them.

use crate::{
    cast::token,
    places::{Flights, Manage, Own, OwnName, StaffOrView, Strangers, View, ViewHidden, WIRING, Wiring},
    row::forbidden,
    run::block_on,
    sites::Site,
};
use axum::{body::Bytes, http};
use http_body_util::{BodyExt, Full};
use portcullis::{ErrorKind, Requirement, policy::Policy, tower::GateExt};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tower::{Layer, ServiceExt, service_fn};

#[test]
fn tower_refuses_policies_that_ask_for_a_path_parameter_where_they_are_added() {
    let gate = Site::Every.gate();
    let policies: [&'static dyn Policy; 8] = [
        View::POLICY,
        Manage::POLICY,
        Own::POLICY,
        Flights::POLICY,
        ViewHidden::POLICY,
        StaffOrView::POLICY,
        Strangers::POLICY,
        Wiring::POLICY,
    ];
    for policy in policies {
        let error = gate.try_require(policy).map(drop).expect_err("there are no parameters");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("path parameter"), "{error}");
    }
}

#[test]
fn routes_refuse_a_parameter_that_the_path_does_not_have_at_the_start() {
    use portcullis::{actix, axum};
    let gate = Site::Every.gate();
    let on_axum = axum::Routes::<()>::new(&gate).get(WIRING, Wiring::POLICY, async || "");
    let on_actix = actix::Routes::new(&gate).get(WIRING, Wiring::POLICY, async || "");
    for panic in [
        catch_unwind(AssertUnwindSafe(|| drop(on_axum.into_router()))),
        catch_unwind(AssertUnwindSafe(|| drop(on_actix.into_config()))),
    ] {
        let said = panic.expect_err("it panics").downcast_ref::<String>().cloned().unwrap();
        assert!(said.contains(WIRING) && said.contains("`nowhere`") && said.contains(file!()), "{said}");
    }
}

/// A closure does not say beforehand what it asks for. It is told that there is no such parameter, and lets nobody
/// pass.
#[test]
fn on_tower_a_closure_that_asks_for_a_path_parameter_finds_none() {
    let inner = service_fn(async |_: http::Request<()>| Ok::<_, Infallible>(http::Response::<Full<Bytes>>::default()));
    let service = Site::Every.gate().require(OwnName::POLICY).layer(inner);
    let request = http::Request::get("/people/alice").header("authorization", format!("Bearer {}", token("alice")));
    let body = block_on(async {
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 403);
        response.into_body().collect().await.unwrap().to_bytes()
    });
    assert_eq!(body, forbidden("own_name").body);
}
