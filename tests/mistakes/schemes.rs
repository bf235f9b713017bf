//! Schemes with a name: where their credentials are not accepted, and wiring that could not work.

use crate::{assert_accepted, assert_misconfigured, assert_refused, send};
use axum::{
    Router,
    http::{Request, request},
    routing::get,
};
use portcullis::{
    Audience, Error, Gate, GateBuilder, HttpClient, HttpRequest, Introspection, Issuer, Principal, PrincipalKind,
    Reply, RoleHierarchy, Scheme, SharedSecret, Verifier,
    axum::{GateExt, Routes},
    policy::{Policy, all, also_via, authenticated, role, staff, via},
    testing::TestIssuer,
};

const SECRET: &str = "the-secret-that-both-have-been-told";

/// Tokens, and a program with the role of an editor.
fn builder(issuer: &TestIssuer) -> Result<GateBuilder, Error> {
    let sync = SharedSecret::of(Principal::new(PrincipalKind::Service, "role-sync").with_role("editor"), SECRET)?;
    Ok(Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .scheme(Scheme::named("sync", sync).header("x-sync-secret"))
        .roles(RoleHierarchy::ranked(["viewer", "editor"])?))
}

fn app(gate: &Gate, policy: impl Policy + 'static) -> Router {
    Routes::new(gate).route("/", policy, get("welcome")).into_router()
}

fn by_secret() -> request::Builder {
    Request::get("/").header("x-sync-secret", SECRET)
}

#[tokio::test]
async fn route_that_does_not_accept_it() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let gate = builder(&issuer)?.build()?;
    let by = |role: &'static str| {
        Request::get("/").header("authorization", format!("Bearer {}", issuer.token("alice").role(role).sign()))
    };
    assert_refused(send(&app(&gate, role("editor")), by_secret()).await, 401);
    assert_refused(send(&app(&gate, authenticated()), by_secret()).await, 401);

    let fixed = app(&gate, as_shown!(also_via("sync", role("editor"))));
    assert_accepted(send(&fixed, by_secret()).await);
    assert_accepted(send(&fixed, by("editor")).await);
    assert_eq!(send(&fixed, by("viewer")).await.0, 403);
    assert_eq!(send(&fixed, Request::get("/").header("x-sync-secret", "wrong")).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn unknown_scheme() -> Result<(), Error> {
    let gate = builder(&TestIssuer::new())?.build()?;
    assert_misconfigured(gate.try_require(via("snyc")));
    assert_misconfigured(gate.try_require(also_via("snyc", staff())));

    let fixed = app(&gate, as_shown!(via("sync")));
    assert_accepted(send(&fixed, by_secret()).await);
    assert_eq!(send(&fixed, Request::get("/")).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn via_inside_of_all() -> Result<(), Error> {
    let gate = builder(&TestIssuer::new())?.build()?;
    assert_misconfigured(gate.try_require(all((via("sync"), role("editor")))));
    assert_misconfigured(gate.try_require(all((also_via("sync", staff()), role("editor")))));

    assert_accepted(send(&app(&gate, as_shown!(via("sync").and(role("editor")))), by_secret()).await);
    assert_eq!(send(&app(&gate, via("sync").and(staff())), by_secret()).await.0, 403);
    Ok(())
}

/// Nobody is asked where the gate is not even built.
#[derive(Debug, Clone)]
struct Nobody;

impl HttpClient for Nobody {
    fn send(&self, request: HttpRequest, _: Reply) {
        panic!("{} was asked", request.url());
    }
}

#[test]
fn secret_that_an_issuer_would_see() -> Result<(), Error> {
    let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    let asking = Verifier::from(Introspection::new(issuer, "https://id.example.com/introspect", Nobody)?);
    let tokens = || Gate::builder().scheme(Scheme::new(asking.clone()).bearer());
    let secret = SECRET;
    let mistaken = Scheme::named("sync", SharedSecret::new("role-sync", secret)?).bearer();
    assert_misconfigured(tokens().scheme(mistaken).build());

    let fixed = as_shown!(Scheme::named("sync", SharedSecret::new("role-sync", secret)?).header("x-sync-secret"));
    assert!(tokens().scheme(fixed).build().is_ok());
    Ok(())
}
