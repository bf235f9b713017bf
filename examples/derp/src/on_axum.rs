//! The service on axum.

use crate::page;
use axum::{
    Router,
    response::{Html, IntoResponse},
};
use portcullis::{
    Gate,
    accounts::{Endpoints, User},
    axum::{Authenticated, Rejection, Routes},
    policy::*,
};

/// The service: the endpoints of accounts, pages, and a route for users.
pub fn app(gate: &Gate, endpoints: &Endpoints) -> Router {
    let routes = Routes::new(gate).accounts("/auth", endpoints).get("/hello", authenticated(), hello).get(
        "/organization",
        authenticated(),
        organization,
    );
    let routes = page::PATHS.into_iter().fold(routes, |routes, path| routes.get(path, anyone(), page));
    routes.into_router().with_state(gate.clone())
}

async fn hello(Authenticated(caller): Authenticated) -> Result<String, Rejection> {
    Ok(format!("hello, {}\n", caller.account::<User>()?.email.as_str()))
}

/// In which organization the caller acts.
async fn organization(Authenticated(caller): Authenticated) -> String {
    caller.organization().unwrap_or("none").to_owned()
}

async fn page() -> impl IntoResponse {
    (page::headers(), Html(page::HTML))
}
