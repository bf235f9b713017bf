//! What `Debug` shows of every public type: nothing that could be a credential, a session or a subject.

use portcullis_core::{Gate, Scheme, policy::authenticated, testing::TestIssuer};
use portcullis_tower::{CarriedRequest, GateExt, Head, Params};
use portcullis_web::{Memory, establish};
use std::{collections::BTreeSet, convert::Infallible, future::ready};
use tower::{Layer, ServiceExt, service_fn};

/// Stands in everything that is private.
const PLANTED: &str = "swordfish";

/// A function, a trait, and what a service waits for.
const WITHOUT_TEXT: [&str; 8] =
    ["EnforceFuture", "Framework", "NotedUri", "ReadAddress", "ReadParams", "ReadPeer", "RefusalBody", "RequireFuture"];

/// The names of the types that a file of the crate makes public.
fn public(source: &str) -> BTreeSet<String> {
    let uses = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|names| names.split(['{', '}', ',', ':'])).map(str::trim);
    names.filter(|name| name.starts_with(char::is_uppercase)).map(str::to_owned).collect()
}

#[tokio::test]
async fn nothing_private_is_shown() {
    let issuer = TestIssuer::new();
    let token = issuer.token("swordfish@private.test").claim("sid", PLANTED).claim("jti", PLANTED).sign();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let request = http::Request::get("/files?token=swordfish").header("authorization", format!("Bearer {token}"));
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let who = establish(&mut CarriedRequest::new(&mut parts, None), &gate, None).get().await;
    assert!(who.principal().unwrap().id().subject().contains(PLANTED));
    let show_memory = service_fn(|request: http::Request<()>| {
        let mut response = http::Response::new(bytes::Bytes::new());
        response.extensions_mut().insert(request.extensions().get::<Memory>().unwrap().clone());
        ready(Ok::<_, Infallible>(response))
    });
    let guarded = gate.require(authenticated()).layer(show_memory);
    let response = guarded.oneshot(http::Request::from_parts(parts.clone(), ())).await.unwrap();
    let (mut all, mut copy): (Vec<(&str, String)>, _) = (Vec::new(), parts.clone());
    macro_rules! show {
        ($($name:ident: $value:expr),* $(,)?) => {
            $({ let value = $value; all.push((stringify!($name), format!("{value:?}\n{value:#?}"))); })*
        };
    }
    show! {
        Head: Head::new(&parts, &Params::Absent),
        Params: Params::Absent,
        RequireLayer: gate.require(authenticated()),
        Require: gate.require(authenticated()).layer(()),
        EnforceLayer: gate.enforce(),
        Enforce: gate.enforce().layer(()),
        ScrubLayer: gate.scrub(),
        Scrub: gate.scrub().layer(()),
        Memory: response.extensions().get::<Memory>().unwrap(),
        CarriedRequest: CarriedRequest::new(&mut copy, None),
        Extensions: &parts.extensions,
    }
    let end = token.rsplit('.').next().unwrap();
    for (name, shown) in &all {
        assert!(!shown.contains(PLANTED) && !shown.contains(end), "{name} shows what is private: {shown}");
    }
    let known =
        all.iter().map(|(name, _)| *name).filter(|name| !["Extensions", "Memory"].contains(name)).chain(WITHOUT_TEXT);
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(public(include_str!("../../src/lib.rs")), known, "a public type that this test does not show, or none");
}
