//! The service on actix-web.

use actix_web::web::{Json, get};
use portcullis::{
    Gate,
    actix::{Authenticated, Routes},
    policy::{anyone, authenticated, staff},
};
use serde_json::Value;

/// The routes, for `App::configure(routes(&gate).into_config())`.
pub fn routes(gate: &Gate) -> Routes {
    Routes::new(gate)
        .route("/api/health", anyone(), get().to(async || "ok"))
        .route("/api/participant/projects/{id}", anyone(), get().to(async || "welcome"))
        .route("/api/v2/me", authenticated(), get().to(me))
        .route("/api/v2/admin/stats", staff(), get().to(async || Json(super::stats())))
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(super::me(&principal))
}
