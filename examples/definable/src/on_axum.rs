//! The service on axum.

use crate::{DefineRoles, NewRole, ReadKb, Service, right, right_or_key};
use axum::{
    Json, Router,
    extract::{
        FromRef, State,
        ws::{CloseFrame, Message, WebSocketUpgrade, close_code},
    },
    response::Response,
};
use portcullis::{
    Error, Gate, Requirement, Role, Webhooks,
    axum::{Authenticated, Authorized, Leased, Rejection, Routes, Webhook},
    policy::{all, also_via, anyone, authenticated, via},
};
use serde_json::{Value, json};
use tokio::{select, time::sleep};

impl FromRef<Service> for Gate {
    fn from_ref(service: &Service) -> Self {
        service.gate.clone()
    }
}

impl FromRef<Service> for Webhooks {
    fn from_ref(service: &Service) -> Self {
        service.webhooks.clone()
    }
}

/// The routes.
pub fn app(service: Service) -> Router {
    Routes::new(&service.gate)
        .get("/health", anyone(), async || "ok")
        .get("/me", also_via("api-key", authenticated()), me)
        .get("/kb", ReadKb::POLICY, articles)
        .post("/kb", right_or_key("kb:write"), async || "written")
        .delete("/kb", right("kb:delete"), async || "deleted")
        .get("/kb_docs", right("kb_docs:read"), async || "docs")
        .get("/tools", right("tool:read"), async || "tools")
        .get("/export", right("everything:read"), async || "exported")
        .post("/publish", all((right("kb:write"), right("agent:execute"))), async || "published")
        .post("/roles", DefineRoles::POLICY, define)
        .get("/ws/echo", right("everything:read"), echo)
        .post("/api/auth", anyone(), happened)
        .get("/internal", via("internal"), async || "internal")
        .into_router()
        .with_state(service)
}

async fn me(Authenticated(who): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(crate::me(&who)?))
}

async fn articles(access: Authorized<ReadKb>) -> Json<Value> {
    Json(json!({ "articles": [], "role": access.role().map(Role::as_str) }))
}

async fn define(
    access: Authorized<DefineRoles>,
    State(service): State<Service>,
    Json(role): Json<NewRole>,
) -> Result<&'static str, Rejection> {
    let organization = access.resource().ok_or_else(|| Error::missing("organization"))?;
    Ok(service.define(organization.id(), role).await?)
}

async fn happened(State(service): State<Service>, webhook: Webhook) -> Result<&'static str, Rejection> {
    Ok(service.note(&webhook)?)
}

/// Echoes until the session ends, or the right to it.
async fn echo(Leased(lease): Leased, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let mut ended = lease.watch(sleep);
        loop {
            let answer = select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => Message::Text(text),
                    Some(Ok(_)) => continue,
                    _ => return,
                },
                error = &mut ended => {
                    let reason = error.code().to_owned().into();
                    Message::Close(Some(CloseFrame { code: close_code::POLICY, reason }))
                }
            };
            let is_last = matches!(answer, Message::Close(_));
            if socket.send(answer).await.is_err() || is_last {
                return;
            }
        }
    })
}
