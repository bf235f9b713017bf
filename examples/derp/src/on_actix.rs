//! The service on actix-web.

use crate::page;
use actix_web::HttpResponse;
use portcullis::{
    Gate,
    accounts::{Endpoints, User},
    actix::{Authenticated, Rejection, Routes},
    policy::*,
};

/// The service, for `App::configure(routes(&gate, &endpoints).into_config())`.
pub fn routes(gate: &Gate, endpoints: &Endpoints) -> Routes {
    let routes = Routes::new(gate).accounts("/auth", endpoints).get("/hello", authenticated(), hello).get(
        "/organization",
        authenticated(),
        organization,
    );
    page::PATHS.into_iter().fold(routes, |routes, path| routes.get(path, anyone(), page))
}

async fn hello(Authenticated(caller): Authenticated) -> Result<String, Rejection> {
    Ok(format!("hello, {}\n", caller.account::<User>()?.email.as_str()))
}

/// In which organization the caller acts.
async fn organization(Authenticated(caller): Authenticated) -> String {
    caller.organization().unwrap_or("none").to_owned()
}

async fn page() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    for header in page::headers() {
        answer.insert_header(header);
    }
    answer.content_type("text/html; charset=utf-8").body(page::HTML)
}
