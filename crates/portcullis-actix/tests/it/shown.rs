//! What `Debug` shows of every public type: nothing that could be a credential, a session or a subject.

use actix_web::{FromRequest, HttpRequest, test::TestRequest};
use portcullis_actix::{Authenticated, Authorized, Caller, GateExt, Leased, Routes, Visitor, Webhook};
use portcullis_core::{
    Gate, Requirement, Scheme, Webhooks,
    policy::*,
    testing::{FixedClock, TestIssuer},
};
use std::collections::BTreeSet;

/// Stands in everything that is private.
const PLANTED: &str = "swordfish";

/// What a middleware is while it serves: a gate, a policy, and what it is around.
const AROUND_OTHERS: [&str; 5] =
    ["EnforceFuture", "EnforceMiddleware", "RequireFuture", "RequireMiddleware", "ScrubMiddleware"];

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

async fn take<T: FromRequest>(request: &HttpRequest) -> Result<T, T::Error> {
    T::extract(request).await
}

/// With the planted word in its secret and its body.
async fn webhook() -> Webhook {
    let webhooks = Webhooks::new("whsec_c3dvcmRmaXNoLXN3b3JkZmlzaC1zd29yZGZpc2g=").unwrap();
    let webhooks = webhooks.clock(FixedClock::at(1_700_000_000));
    let request = TestRequest::post().app_data(webhooks).set_payload(PLANTED).insert_header(("svix-id", "msg_1"));
    let request = request.insert_header(("svix-timestamp", "1700000000"));
    let (request, mut payload) =
        request.insert_header(("svix-signature", "v1,EQRFzW+eYx0wbrls0bPta6dszsIPJ84pha12hzMuiCg=")).to_http_parts();
    Webhook::from_request(&request, &mut payload).await.unwrap()
}

#[actix_web::test]
async fn nothing_private_is_shown() {
    let issuer = TestIssuer::new();
    let token = issuer.token("swordfish@private.test").claim("sid", PLANTED).claim("jti", PLANTED).sign();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let request = TestRequest::get().uri("/files?token=swordfish").app_data(gate.clone());
    let request = request.insert_header(("authorization", format!("Bearer {token}"))).to_http_request();
    let Authenticated(who) = take(&request).await.unwrap();
    assert!(who.id().subject().contains(PLANTED) && who.session().is_some());
    let mut all: Vec<(&str, String)> = Vec::new();
    macro_rules! show {
        ($($name:ident: $value:expr),* $(,)?) => {
            $({ let value = $value; all.push((stringify!($name), format!("{value:?}\n{value:#?}"))); })*
        };
    }
    show! {
        Authenticated: take::<Authenticated>(&request).await.unwrap(),
        Visitor: take::<Visitor>(&request).await.unwrap(),
        Caller: take::<Caller>(&request).await.unwrap(),
        Leased: take::<Leased>(&request).await.unwrap(),
        Authorized: take::<Authorized<Anybody>>(&request).await.unwrap(),
        Rejection: take::<Authorized<Operators>>(&request).await.unwrap_err(),
        Routes: Routes::new(&gate).get("/", staff(), async || ""),
        Table: Routes::new(&gate).get("/", staff(), async || "").table(),
        Webhook: webhook().await,
        Matrix: Routes::new(&gate).get("/", staff(), async || "").table().matrix(),
        Diff: {
            let matrix = Routes::new(&gate).get("/", staff(), async || "").table().matrix();
            matrix.diff(&matrix)
        },
        Row: Routes::new(&gate).get("/", staff(), async || "").table().rows().next().cloned().unwrap(),
        Require: gate.require(authenticated()),
        Enforce: gate.enforce(),
        Scrub: gate.scrub(),
    }
    let end = token.rsplit('.').next().unwrap();
    for (name, shown) in &all {
        assert!(!shown.contains(PLANTED) && !shown.contains(end), "{name} shows what is private: {shown}");
    }
    // `OpenApiGaps` has names of routes only.
    let known =
        all.iter().map(|(name, _)| *name).chain(AROUND_OTHERS).chain(["OpenApiGaps"]).map(str::to_owned).collect();
    assert_eq!(public(include_str!("../../src/lib.rs")), known, "a public type that this test does not show, or none");
}
