//! The service on actix-web.

use crate::{DefineRoles, NewRole, ReadKb, Service, right, right_or_key};
use actix_web::{
    HttpRequest, HttpResponse, rt,
    web::{Data, Json, Payload},
};
use actix_ws::{CloseCode, CloseReason, Message};
use portcullis::{
    Error, Requirement, Role,
    actix::{Authenticated, Authorized, Leased, Rejection, Routes, Webhook},
    policy::{all, also_via, anyone, authenticated, via},
};
use serde_json::{Value, json};
use tokio::{select, time::sleep};

/// The routes, for `App::app_data(Data::new(service.clone())).configure(routes(&service).into_config())`, with the webhooks in
/// `app_data` beside it.
pub fn routes(service: &Service) -> Routes {
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
}

async fn me(Authenticated(who): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(crate::me(&who)?))
}

async fn articles(access: Authorized<ReadKb>) -> Json<Value> {
    Json(json!({ "articles": [], "role": access.role().map(Role::as_str) }))
}

async fn define(
    access: Authorized<DefineRoles>,
    service: Data<Service>,
    role: Json<NewRole>,
) -> Result<&'static str, Rejection> {
    let organization = access.resource().ok_or_else(|| Error::missing("organization"))?;
    Ok(service.define(organization.id(), role.into_inner()).await?)
}

async fn happened(service: Data<Service>, webhook: Webhook) -> Result<&'static str, Rejection> {
    Ok(service.note(&webhook)?)
}

/// Echoes until the session ends, or the right to it.
async fn echo(Leased(lease): Leased, request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        let mut ended = lease.watch(sleep);
        let reason = loop {
            let sent = select! {
                message = messages.recv() => match message {
                    Some(Ok(Message::Text(text))) => session.text(text).await,
                    Some(Ok(Message::Ping(bytes))) => session.pong(&bytes).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                    _ => continue,
                },
                error = &mut ended => {
                    let description = Some(error.code().to_owned());
                    break Some(CloseReason { code: CloseCode::Policy, description });
                }
            };
            if sent.is_err() {
                return;
            }
        };
        let _ = session.close(reason).await;
    });
    Ok(response)
}
