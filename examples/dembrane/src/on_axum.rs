//! The service on axum.

use axum::{Json, Router};
use portcullis::{
    Gate,
    axum::{Authenticated, Routes},
    policy::{anyone, authenticated, staff},
};
use serde_json::Value;

/// The routes.
pub fn app(gate: Gate) -> Router {
    Routes::new(&gate)
        .get("/api/health", anyone(), async || "ok")
        .get("/api/participant/projects/{id}", anyone(), async || "welcome")
        .get("/api/v2/me", authenticated(), me)
        .get("/api/v2/admin/stats", staff(), async || Json(super::stats()))
        .into_router()
        .with_state(gate)
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(super::me(&principal))
}
