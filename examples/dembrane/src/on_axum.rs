//! The service on axum.

use axum::{Json, Router, routing::get};
use portcullis::{
    Gate,
    axum::{Authenticated, Routes},
    policy::{anyone, authenticated, staff},
};
use serde_json::Value;

/// The routes.
pub fn app(gate: Gate) -> Router {
    Routes::new(&gate)
        .route("/api/health", anyone(), get(async || "ok"))
        .route("/api/participant/projects/{id}", anyone(), get(async || "welcome"))
        .route("/api/v2/me", authenticated(), get(me))
        .route("/api/v2/admin/stats", staff(), get(async || Json(super::stats())))
        .into_router()
        .with_state(gate)
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(super::me(&principal))
}
