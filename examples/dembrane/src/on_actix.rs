//! The service on actix-web.

use actix_web::web::Json;
use portcullis::{
    Gate,
    actix::{Authenticated, Routes},
    policy::{anyone, authenticated, staff},
};
use serde_json::Value;

/// The routes, for `App::configure(routes(&gate).into_config())`.
pub fn routes(gate: &Gate) -> Routes {
    Routes::new(gate)
        .get("/api/health", anyone(), async || "ok")
        .get("/api/participant/projects/{id}", anyone(), async || "welcome")
        .get("/api/v2/me", authenticated(), me)
        .get("/api/v2/admin/stats", staff(), async || Json(super::stats()))
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(super::me(&principal))
}
