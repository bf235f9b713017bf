//! The service on actix-web.

use crate::people::People;
use actix_web::web::Json;
use portcullis::{
    Error, Gate,
    actix::{Authenticated, Rejection, Routes},
    policy::{anyone, authenticated, staff, via},
};
use serde_json::{Value, json};

/// The routes, for `App::configure(routes(&gate, &people).into_config())`.
pub fn routes(gate: &Gate, people: &People) -> Routes {
    let [registers, signs_in, refreshes, signs_out] = [(); 4].map(|()| people.clone());
    Routes::new(gate)
        .post("/api/auth/register", anyone(), move |Json(new): Json<_>| answer(registers.clone().register(new)))
        .post("/api/auth/login", anyone(), move |Json(given): Json<_>| answer(signs_in.clone().login(given)))
        .post("/api/auth/refresh", anyone(), move |Json(given): Json<_>| answer(refreshes.clone().refresh(given)))
        .post("/api/auth/logout", anyone(), move |Json(given): Json<_>| answer(signs_out.clone().logout(given)))
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

async fn answer(outcome: impl Future<Output = Result<Value, Error>>) -> Result<Json<Value>, Rejection> {
    Ok(Json(outcome.await?))
}
