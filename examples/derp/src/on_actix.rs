//! The service on actix-web.

use crate::{me, page};
use actix_web::{HttpResponse, web::Json};
use portcullis::{
    Gate,
    accounts::Endpoints,
    actix::{Authenticated, Routes},
    policy::*,
};
use serde_json::Value;

/// The service, for `App::configure(routes(&gate, accounts).into_config())`. If the users are its own, it has the endpoints of
/// accounts, and a page.
pub fn routes(gate: &Gate, accounts: Option<&Endpoints>) -> Routes {
    let routes = Routes::new(gate)
        .get("/hello", authenticated(), hello)
        .get("/me", authenticated(), whoami)
        .get("/reports", role("admin"), async || "the reports\n")
        .get("/teams", permission("teams:read"), async || "the teams\n");
    match accounts {
        Some(accounts) => {
            page::PATHS.iter().fold(routes, |routes, path| routes.get(path, anyone(), page)).accounts("/auth", accounts)
        }
        None => routes,
    }
}

async fn hello(Authenticated(caller): Authenticated) -> String {
    format!("hello, {}\n", me::name(&caller))
}

async fn whoami(Authenticated(caller): Authenticated) -> Json<Value> {
    Json(me::session(&caller))
}

async fn page() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    for header in page::headers() {
        answer.insert_header(header);
    }
    answer.content_type("text/html; charset=utf-8").body(page::HTML)
}
