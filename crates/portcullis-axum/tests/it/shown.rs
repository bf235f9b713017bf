//! What `Debug` shows of every public type: nothing that could be a credential, a session or a subject.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use portcullis_axum::{Authenticated, Authorized, Caller, Leased, Routes, Visitor, Webhook};
use portcullis_core::{
    Gate, Requirement, Scheme, Webhooks,
    policy::*,
    testing::{FixedClock, TestIssuer},
};
use std::collections::BTreeSet;

/// Stands in everything that is private.
const PLANTED: &str = "swordfish";

struct Anybody;

impl Requirement for Anybody {
    const POLICY: &'static dyn Policy = &authenticated();
}

struct Operators;

impl Requirement for Operators {
    const POLICY: &'static dyn Policy = &staff();
}

/// The names of the types that a file of the crate makes public.
fn public(source: &str) -> BTreeSet<String> {
    let uses = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|names| names.split(['{', '}', ',', ':'])).map(str::trim);
    names.filter(|name| name.starts_with(char::is_uppercase)).map(str::to_owned).collect()
}

async fn take<T: FromRequestParts<Gate>>(parts: &Parts, gate: &Gate) -> Result<T, T::Rejection> {
    T::from_request_parts(&mut parts.clone(), gate).await
}

/// With the planted word in its secret and its body.
async fn webhook() -> Webhook {
    let webhooks = Webhooks::new("whsec_c3dvcmRmaXNoLXN3b3JkZmlzaC1zd29yZGZpc2g=").unwrap();
    let request = Request::post("/").header("svix-id", "msg_1").header("svix-timestamp", "1700000000");
    let request = request
        .header("svix-signature", "v1,EQRFzW+eYx0wbrls0bPta6dszsIPJ84pha12hzMuiCg=")
        .body(PLANTED.into())
        .unwrap();
    Webhook::from_request(request, &webhooks.clock(FixedClock::at(1_700_000_000))).await.unwrap()
}

#[tokio::test]
async fn nothing_private_is_shown() {
    let issuer = TestIssuer::new();
    let token = issuer.token("swordfish@private.test").claim("sid", PLANTED).claim("jti", PLANTED).sign();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let request = http::Request::get("/files?token=swordfish").header("authorization", format!("Bearer {token}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let Authenticated(who) = take(&parts, &gate).await.unwrap();
    assert!(who.id().subject().contains(PLANTED) && who.session().is_some());
    let mut all: Vec<(&str, String)> = Vec::new();
    macro_rules! show {
        ($($name:ident: $value:expr),* $(,)?) => {
            $({ let value = $value; all.push((stringify!($name), format!("{value:?}\n{value:#?}"))); })*
        };
    }
    show! {
        Authenticated: take::<Authenticated>(&parts, &gate).await.unwrap(),
        Visitor: take::<Visitor>(&parts, &gate).await.unwrap(),
        Caller: take::<Caller>(&parts, &gate).await.unwrap(),
        Leased: take::<Leased>(&parts, &gate).await.unwrap(),
        Authorized: take::<Authorized<Anybody>>(&parts, &gate).await.unwrap(),
        Rejection: take::<Authorized<Operators>>(&parts, &gate).await.unwrap_err(),
        Routes: Routes::<Gate>::new(&gate).get("/", staff(), async || ()),
        Table: Routes::<Gate>::new(&gate).get("/", staff(), async || ()).table(),
        Webhook: webhook().await,
        Matrix: Routes::<Gate>::new(&gate).get("/", staff(), async || ()).table().matrix(),
        Diff: {
            let matrix = Routes::<Gate>::new(&gate).get("/", staff(), async || ()).table().matrix();
            matrix.diff(&matrix)
        },
        Row: Routes::<Gate>::new(&gate).get("/", staff(), async || ()).table().rows().next().cloned().unwrap(),
    }
    let end = token.rsplit('.').next().unwrap();
    for (name, shown) in &all {
        assert!(!shown.contains(PLANTED) && !shown.contains(end), "{name} shows what is private: {shown}");
    }
    // A trait, and a type that has names of routes only.
    let known = all.iter().map(|(name, _)| *name).chain(["HoldsGate", "OpenApiGaps"]).map(str::to_owned).collect();
    assert_eq!(public(include_str!("../../src/lib.rs")), known, "a public type that this test does not show, or none");
}
