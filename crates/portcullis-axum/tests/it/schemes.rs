//! Guards that accept schemes by name, and handlers behind them that ask for more.

use crate::{
    schemes_table::{AlsoKey, Anybody, ByKey, BySync, Either, GUARDS, HANDLERS, Wired, compare},
    wire::send,
};
use axum::{Router, body::Body, routing::get};
use http::Request;
use portcullis_axum::{Authenticated, Authorized, GateExt, Rejection, Routes, Visitor};
use portcullis_core::{Gate, Principal, Requirement, Scheme, TokenCache, policy::*, testing::TestIssuer};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn name(who: &Principal) -> String {
    who.id().subject().to_owned()
}

async fn me(Authenticated(who): Authenticated) -> String {
    name(&who)
}

async fn by<R>(who: Authorized<R>) -> String {
    name(who.principal().unwrap())
}

async fn order(_: Authenticated, who: Authorized<BySync>) -> String {
    name(who.principal().unwrap())
}

async fn maybe(_: Result<Authorized<BySync>, Rejection>, Authenticated(who): Authenticated) -> String {
    name(&who)
}

async fn all_three(Authenticated(one): Authenticated, two: Authorized<ByKey>, Visitor(three): Visitor) -> String {
    assert_eq!([&name(&one), &name(&three.unwrap())], [&name(two.principal().unwrap()); 2]);
    name(&one)
}

/// By `Routes` where there is a guard, and by a layer.
fn apps(gate: &Gate) -> [Router; 2] {
    let routes = Routes::new(gate)
        .route("/anybody", Anybody::POLICY, get(me))
        .route("/sync", BySync::POLICY, get(me))
        .route("/also-key", AlsoKey::POLICY, get(me))
        .route("/either", Either::POLICY, get(me))
        .route("/open", anyone(), get(by::<BySync>))
        .route("/open/key", anyone(), get(by::<ByKey>))
        .route("/open/order", anyone(), get(order))
        .route("/open/maybe", anyone(), get(maybe))
        .route("/sync/anybody", BySync::POLICY, get(by::<Anybody>))
        .route("/also-key/key", AlsoKey::POLICY, get(all_three));
    let layers = Router::new()
        .route("/anybody", get(me).layer(gate.require(Anybody::POLICY)))
        .route("/sync", get(me).layer(gate.require(BySync::POLICY)))
        .route("/also-key", get(me).layer(gate.require(AlsoKey::POLICY)))
        .route("/either", get(me).layer(gate.require(Either::POLICY)))
        .route("/open", get(by::<BySync>))
        .route("/open/key", get(by::<ByKey>))
        .route("/open/order", get(order))
        .route("/open/maybe", get(maybe))
        .route("/sync/anybody", get(by::<Anybody>).layer(gate.require(BySync::POLICY)))
        .route("/also-key/key", get(all_three).layer(gate.require(AlsoKey::POLICY)));
    [routes.into_router(), layers].map(|router| router.with_state(gate.clone()))
}

#[tokio::test]
async fn routes_accept_the_schemes_that_they_name() {
    for wired in Wired::both() {
        for app in apps(&wired.gate) {
            for row in GUARDS.into_iter().chain(HANDLERS) {
                let (path, headers, ..) = row;
                let request =
                    headers.iter().fold(Request::get(path), |request, header| request.header(header.0, header.1));
                let answer = send(&app, request.body(Body::empty()).unwrap()).await;
                compare(&wired, row, answer.status.as_u16(), &answer.body);
            }
        }
    }
}

/// Whom a gate remembers does not depend on whether it could find them again.
#[tokio::test]
async fn a_cache_changes_no_answer() {
    async fn swapped(one: Authorized<BySync>, Authenticated(two): Authenticated) -> String {
        format!("{} {}", name(one.principal().unwrap()), name(&two))
    }
    let [people, programs] = ["https://people.test", "https://programs.test"].map(|name| TestIssuer::new().named(name));
    let builder = || {
        let sync = Scheme::named("sync", programs.verifier()).header("x-sync");
        Gate::builder().scheme(Scheme::new(people.verifier()).bearer()).scheme(sync)
    };
    let [alice, robot] = [people.token("alice").sign(), programs.token("robot").sign()];
    for gate in [builder(), builder().cache(TokenCache::new(10))].map(|builder| builder.build().unwrap()) {
        let app: Router = Router::new().route("/order", get(order)).route("/swapped", get(swapped)).with_state(gate);
        for _ in 0..2 {
            for (path, sync, status) in [("/order", true, 401), ("/swapped", true, 200), ("/swapped", false, 401)] {
                let request = Request::get(path).header("authorization", format!("Bearer {alice}"));
                let request = if sync { request.header("x-sync", &robot) } else { request };
                let answer = send(&app, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, status, "{path} {sync}");
                assert_eq!(answer.body == "robot robot", status == 200, "{path} {sync}: {answer:?}");
            }
        }
    }
}

/// Misspelt.
#[derive(Debug)]
struct BySnyc;
impl Requirement for BySnyc {
    const POLICY: &'static dyn Policy = &any((staff(), via("snyc")));
}

/// Where a route is added, and in an extractor before anybody is asked.
#[tokio::test]
async fn a_name_that_the_gate_does_not_know_is_found() {
    let [wired, _] = Wired::both();
    let gate = &wired.gate;
    let add = || drop(Routes::<Gate>::new(gate).route("/", BySnyc::POLICY, get(me)));
    let panic = catch_unwind(AssertUnwindSafe(add)).expect_err("it panics").downcast::<String>().unwrap();
    assert!(["`snyc`", "sync", "key"].iter().all(|word| panic.contains(word)), "{panic}");
    assert!(gate.try_require(BySync::POLICY).is_ok());
    let app: Router = Router::new().route("/", get(by::<BySnyc>)).with_state(gate.clone());
    let request = Request::get("/").header("authorization", "Bearer staff").body(Body::empty()).unwrap();
    assert_eq!(send(&app, request).await.status, 500);
    assert_eq!(wired.asked(), [0, 0]);
}
