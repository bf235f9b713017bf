//! Guards that accept schemes by name, and services behind them that ask for more.

use crate::{
    cast::{Inner, Text, send},
    schemes_table::{AlsoKey, Anybody, ByKey, BySync, Either, GUARDS, HANDLERS, Wired, compare},
};
use http::{Request, Response, request::Parts};
use portcullis_core::{Error, Gate, Plan, Requirement, policy::*};
use portcullis_tower::{CarriedRequest, GateExt, Head, Params, respond};
use portcullis_web::establish;
use std::convert::Infallible;
use tower::{Layer, service_fn, util::BoxCloneService};

/// What a service asks for, as extractors do.
#[derive(Debug, Clone)]
enum Ask {
    Somebody,
    For(Plan),
    Perhaps(Plan),
}

async fn answer(gate: &Gate, asks: &[Ask], parts: &mut Parts) -> Result<String, Error> {
    let mut caller = String::new();
    for ask in asks {
        let plan = match ask {
            Ask::Somebody => None,
            Ask::For(plan) | Ask::Perhaps(plan) => Some(plan),
        };
        let who = establish(&mut CarriedRequest::new(parts, None), gate, plan).get().await;
        if let Ask::For(plan) = ask {
            gate.authorize(&who, plan, &Head::new(parts, &Params::Absent)).await?;
        }
        if !matches!(ask, Ask::Perhaps(_)) {
            caller = who.principal()?.id().subject().to_owned();
        }
    }
    Ok(caller)
}

fn asking(gate: &Gate, asks: Vec<Ask>) -> impl Inner + use<> {
    let gate = gate.clone();
    service_fn(move |request: Request<Text>| {
        let (gate, asks) = (gate.clone(), asks.clone());
        async move {
            let (mut parts, _) = request.into_parts();
            Ok::<_, Infallible>(match answer(&gate, &asks, &mut parts).await {
                Ok(caller) => Response::new(Text::from(caller)),
                Err(error) => respond(gate.refuse(&error)),
            })
        }
    })
}

type Service = BoxCloneService<Request<Text>, Response<Text>, Infallible>;

fn services(gate: &Gate) -> Vec<(&'static str, Service)> {
    let one = |path: &'static str, guard: &'static dyn Policy, asks: Vec<Ask>| {
        (path, BoxCloneService::new(gate.require(guard).layer(asking(gate, asks))))
    };
    let [anybody, sync, key] = [gate.plan_of::<Anybody>(), gate.plan_of::<BySync>(), gate.plan_of::<ByKey>()];
    let [anybody, sync, key] = [anybody, sync, key].map(|plan| Ask::For(plan.unwrap()));
    let perhaps = Ask::Perhaps(gate.plan_of::<BySync>().unwrap());
    const OPEN: &dyn Policy = &anyone();
    vec![
        one("/anybody", Anybody::POLICY, vec![Ask::Somebody]),
        one("/sync", BySync::POLICY, vec![Ask::Somebody]),
        one("/also-key", AlsoKey::POLICY, vec![Ask::Somebody]),
        one("/either", Either::POLICY, vec![Ask::Somebody]),
        one("/open", OPEN, vec![sync.clone()]),
        one("/open/key", OPEN, vec![key.clone()]),
        one("/open/order", OPEN, vec![Ask::Somebody, sync]),
        one("/open/maybe", OPEN, vec![perhaps, Ask::Somebody]),
        one("/sync/anybody", BySync::POLICY, vec![anybody]),
        one("/also-key/key", AlsoKey::POLICY, vec![Ask::Somebody, key, Ask::Somebody]),
    ]
}

#[tokio::test]
async fn routes_accept_the_schemes_that_they_name() {
    for wired in Wired::both() {
        let services = services(&wired.gate);
        for row in GUARDS.into_iter().chain(HANDLERS) {
            let (path, headers, ..) = row;
            let service = &services.iter().find(|(found, _)| *found == path).unwrap().1;
            let request =
                headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
            let answer = send(service, request.body(Text::default()).unwrap()).await;
            compare(&wired, row, answer.status.as_u16(), &answer.body);
        }
    }
}

#[test]
fn a_name_that_the_gate_does_not_know_stops_the_program_with_those_it_knows() {
    let [wired, _] = Wired::both();
    let misspelt = [via("snyc").and(staff())].map(|policy| wired.gate.try_require(policy));
    let misspelt = misspelt.into_iter().chain([wired.gate.try_require(any((staff(), also_via("snyc", staff()))))]);
    for error in misspelt.map(|guard| guard.unwrap_err().to_string()) {
        assert!(["`snyc`", "sync", "key"].iter().all(|word| error.contains(word)), "{error}");
    }
    assert!(wired.gate.try_require(via("sync")).is_ok());
}
