//! The service on actix-web.

use crate::{DefineRoles, NewRole, ReadKb, Service, right, right_or_key};
use actix_web::web::{Data, Json};
use portcullis::{
    Error, Requirement, Role,
    actix::{Authenticated, Authorized, Rejection, Routes},
    policy::{all, also_via, anyone, authenticated, via},
};
use serde_json::{Value, json};

/// The routes, for `App::app_data(Data::new(service.clone())).configure(routes(&service).into_config())`.
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
