//! The service on axum.

use axum::{Json, Router};
use portcullis::{
    Gate,
    axum::{Authenticated, Routes},
    policy::{authenticated, permission, role},
};
use serde_json::Value;

/// The routes.
pub fn app(gate: Gate) -> Router {
    Routes::new(&gate)
        .get("/me", authenticated(), me)
        .get("/reports", role("admin"), async || "the reports")
        .get("/teams", permission("teams:read"), async || "the teams")
        .into_router()
        .with_state(gate)
}

async fn me(Authenticated(who): Authenticated) -> Json<Value> {
    Json(crate::session(&who))
}
