//! The service on axum.

use crate::{
    Service, me,
    organizations::{MemberPath, NewMember, NewOrganization, NewRole, may},
    page,
};
use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    response::{Html, IntoResponse},
};
use portcullis::{
    Gate,
    axum::{Authenticated, Caller, Rejection, Routes},
    policy::*,
};
use serde_json::Value;

impl FromRef<Service> for Gate {
    fn from_ref(service: &Service) -> Self {
        service.gate.clone()
    }
}

/// The service. If the users are its own, it has the endpoints of accounts, and a page.
pub fn app(service: &Service) -> Router {
    let routes = Routes::new(&service.gate)
        .get("/hello", authenticated(), hello)
        .get("/me", authenticated(), whoami)
        .get("/reports", role("admin"), async || "the reports\n")
        .get("/teams", permission("teams:read"), async || "the teams\n")
        .get("/invoices", role("owner").on("organization", organization()), async || "the invoices\n")
        .post("/organizations/{id}/context", may("organization:read"), context);
    let routes = match &service.accounts {
        Some(accounts) => {
            page::PATHS.iter().fold(routes, |routes, path| routes.get(path, anyone(), page)).accounts("/auth", accounts)
        }
        None => routes
            .get("/organizations", authenticated(), organizations)
            .post("/organizations", authenticated(), found)
            .delete("/organizations/{id}", may("organization:own"), remove)
            .get("/organizations/{id}/members", may("organization:read"), members)
            .post("/organizations/{id}/members", may("organization:manage"), add_member)
            .patch("/organizations/{id}/members/{user}", may("organization:manage"), set_role)
            .delete("/organizations/{id}/members/{user}", may("organization:read"), remove_member),
    };
    routes.into_router().with_state(service.clone())
}

async fn hello(Authenticated(caller): Authenticated) -> String {
    format!("hello, {}\n", me::name(&caller))
}

async fn whoami(Authenticated(caller): Authenticated) -> Json<Value> {
    Json(me::session(&caller))
}

async fn page() -> impl IntoResponse {
    (page::headers(), Html(page::HTML))
}

async fn context(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.context(&who, id).await?))
}

async fn organizations(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.organizations_of(&who).await?))
}

async fn found(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
    Json(new): Json<NewOrganization>,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    Ok((StatusCode::CREATED, Json(service.found(&who, new).await?)))
}

async fn remove(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, Rejection> {
    service.remove(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn members(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.members(id).await?))
}

async fn add_member(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
    Path(id): Path<String>,
    Json(new): Json<NewMember>,
) -> Result<StatusCode, Rejection> {
    service.add_member(&who, id, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_role(
    State(service): State<Service>,
    Authenticated(who): Authenticated,
    Path(path): Path<MemberPath>,
    Json(new): Json<NewRole>,
) -> Result<StatusCode, Rejection> {
    service.set_role(&who, path, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_member(
    State(service): State<Service>,
    caller: Caller,
    Path(path): Path<MemberPath>,
) -> Result<StatusCode, Rejection> {
    service.remove_member(&caller, path).await?;
    Ok(StatusCode::NO_CONTENT)
}
