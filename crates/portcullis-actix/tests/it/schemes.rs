//! Guards that accept schemes by name, and handlers behind them that ask for more.

use crate::{
    ask::{Served, request, send},
    schemes_table::{AlsoKey, Anybody, ByKey, BySync, Either, GUARDS, HANDLERS, Wired, compare},
};
use actix_web::{App, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Rejection, Routes, Visitor};
use portcullis_core::{Gate, Principal, Requirement, policy::*};
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

/// By `Routes` where there is a guard, and by `wrap`.
async fn apps(gate: &Gate) -> [Served; 2] {
    let get = web::get;
    let routes = Routes::new(gate)
        .route("/anybody", Anybody::POLICY, get().to(me))
        .route("/sync", BySync::POLICY, get().to(me))
        .route("/also-key", AlsoKey::POLICY, get().to(me))
        .route("/either", Either::POLICY, get().to(me))
        .route("/open", anyone(), get().to(by::<BySync>))
        .route("/open/key", anyone(), get().to(by::<ByKey>))
        .route("/open/order", anyone(), get().to(order))
        .route("/open/maybe", anyone(), get().to(maybe))
        .route("/sync/anybody", BySync::POLICY, get().to(by::<Anybody>))
        .route("/also-key/key", AlsoKey::POLICY, get().to(all_three));
    let wrapped = App::new()
        .app_data(gate.clone())
        .route("/anybody", get().to(me).wrap(gate.require(Anybody::POLICY)))
        .route("/sync", get().to(me).wrap(gate.require(BySync::POLICY)))
        .route("/also-key", get().to(me).wrap(gate.require(AlsoKey::POLICY)))
        .route("/either", get().to(me).wrap(gate.require(Either::POLICY)))
        .route("/open", get().to(by::<BySync>))
        .route("/open/key", get().to(by::<ByKey>))
        .route("/open/order", get().to(order))
        .route("/open/maybe", get().to(maybe))
        .route("/sync/anybody", get().to(by::<Anybody>).wrap(gate.require(BySync::POLICY)))
        .route("/also-key/key", get().to(all_three).wrap(gate.require(AlsoKey::POLICY)));
    [serve!(App::new().configure(routes.into_config())), serve!(wrapped)]
}

#[actix_web::test]
async fn routes_accept_the_schemes_that_they_name() {
    for wired in Wired::both() {
        for app in apps(&wired.gate).await {
            for row in GUARDS.into_iter().chain(HANDLERS) {
                let (path, headers, ..) = row;
                let request =
                    headers.iter().fold(request("GET", path, ""), |request, header| request.append_header(*header));
                let answer = send(&app, request).await;
                compare(&wired, row, answer.status.as_u16(), &answer.body);
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
#[actix_web::test]
async fn a_name_that_the_gate_does_not_know_is_found() {
    let [wired, _] = Wired::both();
    let gate = &wired.gate;
    let add = || drop(Routes::new(gate).route("/", BySnyc::POLICY, web::get().to(me)));
    let panic = catch_unwind(AssertUnwindSafe(add)).expect_err("it panics").downcast::<String>().unwrap();
    assert!(["`snyc`", "sync", "key"].iter().all(|word| panic.contains(word)), "{panic}");
    assert!(gate.try_require(BySync::POLICY).is_ok());
    let app = serve!(App::new().app_data(gate.clone()).route("/", web::get().to(by::<BySnyc>)));
    assert_eq!(send(&app, request("GET", "/", "staff")).await.status, 500);
    assert_eq!(wired.asked(), [0, 0]);
}
