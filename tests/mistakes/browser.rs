//! Cookies, and the pages that browsers send them for.

use crate::{assert_accepted, assert_refused, send};
use axum::{
    Router,
    http::{Request, request},
    routing::{get, post},
};
use portcullis::{Error, Gate, GateBuilder, axum::Routes, policy::authenticated, testing::TestIssuer};

fn app(issuer: &TestIssuer, builder: GateBuilder) -> Result<Router, Error> {
    let gate = builder.authenticator(issuer.authenticator()).build()?;
    let methods = get("welcome").merge(post("done"));
    Ok(Routes::new(&gate).route("/", authenticated(), methods).into_router())
}

#[tokio::test]
async fn misspelt_cookie() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let cookie = format!("session={}", issuer.token("alice").sign());
    let request = || Request::get("/").header("cookie", &cookie);

    let mistaken = app(&issuer, Gate::builder().cookie("sesion").bearer())?;
    assert_refused(send(&mistaken, request()).await, 401);

    let fixed = app(&issuer, as_shown!(Gate::builder().cookie("session").bearer()))?;
    assert_accepted(send(&fixed, request()).await);
    assert_eq!(send(&fixed, Request::get("/")).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn page_of_another_origin() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let cookie = format!("session={}", issuer.token("alice").sign());
    let with_cookie = |request: request::Builder| request.header("cookie", &cookie);
    let from =
        |origin: &str| with_cookie(Request::post("/")).header("sec-fetch-site", "same-site").header("origin", origin);

    let mistaken = app(&issuer, Gate::builder().cookie("session"))?;
    assert_accepted(send(&mistaken, with_cookie(Request::get("/"))).await);
    assert_refused(send(&mistaken, from("https://app.example.com")).await, 403);
    let reading =
        with_cookie(Request::get("/")).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "cors");
    assert_refused(send(&mistaken, reading.header("origin", "https://app.example.com")).await, 403);
    assert_refused(send(&mistaken, with_cookie(Request::post("/"))).await, 403);

    let allowing = as_shown!(Gate::builder().cookie("session").allow_origin("https://app.example.com"));
    let fixed = app(&issuer, allowing)?;
    assert_accepted(send(&fixed, from("https://app.example.com")).await);
    assert_eq!(send(&fixed, from("https://evil.example.net")).await.0, 403);
    Ok(())
}
