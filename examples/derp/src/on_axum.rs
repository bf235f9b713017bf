//! The service on axum.

use crate::{me, page};
use axum::{
    Json, Router,
    response::{Html, IntoResponse},
};
use portcullis::{
    Gate,
    accounts::Endpoints,
    axum::{Authenticated, Routes},
    policy::*,
};
use serde_json::Value;

/// The service. If the users are its own, it has the endpoints of accounts, and a page.
pub fn app(gate: &Gate, accounts: Option<&Endpoints>) -> Router {
    let routes = Routes::new(gate)
        .get("/hello", authenticated(), hello)
        .get("/me", authenticated(), whoami)
        .get("/reports", role("admin"), async || "the reports\n")
        .get("/teams", permission("teams:read"), async || "the teams\n");
    let routes = match accounts {
        Some(accounts) => {
            page::PATHS.iter().fold(routes, |routes, path| routes.get(path, anyone(), page)).accounts("/auth", accounts)
        }
        None => routes,
    };
    routes.into_router().with_state(gate.clone())
}

async fn hello(Authenticated(caller): Authenticated) -> String {
    format!("hello, {}\n", me::name(&caller))
}

async fn whoami(Authenticated(caller): Authenticated) -> Json<Value> {
    Json(me::session(&caller))
}

async fn page() -> impl IntoResponse {
    (page::headers(), Html(page::HTML))
}
