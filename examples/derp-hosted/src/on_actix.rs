//! The service on actix-web.

use actix_web::web::Json;
use portcullis::{
    Gate,
    actix::{Authenticated, Routes},
    policy::{authenticated, permission, role},
};
use serde_json::Value;

/// The routes, for `App::configure(routes(&gate).into_config())`.
pub fn routes(gate: &Gate) -> Routes {
    Routes::new(gate).get("/me", authenticated(), me).get("/reports", role("admin"), async || "the reports").get(
        "/teams",
        permission("teams:read"),
        async || "the teams",
    )
}

async fn me(Authenticated(who): Authenticated) -> Json<Value> {
    Json(crate::session(&who))
}
