//! The service on actix-web.

use actix_web::web::Json;
use portcullis::{
    Gate,
    actix::{Authenticated, Rejection, Routes},
    policy::{authenticated, staff, via},
};
use serde_json::{Value, json};

/// The routes, for `App::configure(routes(&gate).into_config())`.
pub fn routes(gate: &Gate) -> Routes {
    Routes::new(gate)
        .post("/api/captions/generate", authenticated(), caption)
        .get("/api/queue/stats", staff(), async || Json(json!({ "waiting": 0 })))
        .post("/api/credentials/store", via("sync"), async || Json(json!({ "ok": true })))
        .post("/api/credentials/reveal", via("sync"), async || Json(json!({ "ok": true })))
        .post("/api/credentials/reveal-download-cred", via("sync"), async || Json(json!({ "ok": true })))
        .post("/api/credentials/get-platform-session", via("sync"), async || Json(json!({ "ok": true })))
}

async fn caption(Authenticated(who): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(crate::caption(&who)?))
}
