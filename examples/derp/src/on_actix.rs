//! The service on actix-web.

use crate::{
    Service, me,
    organizations::{MemberPath, NewMember, NewOrganization, NewRole, may},
    page,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use portcullis::{
    actix::{Authenticated, Caller, Rejection, Routes},
    policy::*,
};
use serde_json::Value;

/// The service, for `App::app_data(Data::new(service.clone())).configure(routes(&service).into_config())`. If the users are its
/// own, it has the endpoints of accounts, and a page.
pub fn routes(service: &Service) -> Routes {
    let routes = Routes::new(&service.gate)
        .get("/hello", authenticated(), hello)
        .get("/me", authenticated(), whoami)
        .get("/reports", role("admin"), async || "the reports\n")
        .get("/teams", permission("teams:read"), async || "the teams\n")
        .get("/invoices", role("owner").on("organization", organization()), async || "the invoices\n")
        .post("/organizations/{id}/context", may("organization:read"), context);
    match &service.accounts {
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
    }
}

async fn hello(Authenticated(caller): Authenticated) -> String {
    format!("hello, {}\n", me::name(&caller))
}

async fn whoami(Authenticated(caller): Authenticated) -> Json<Value> {
    Json(me::session(&caller))
}

async fn page() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    for header in page::headers() {
        answer.insert_header(header);
    }
    answer.content_type("text/html; charset=utf-8").body(page::HTML)
}

async fn context(
    service: Data<Service>,
    Authenticated(who): Authenticated,
    id: Path<String>,
) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.context(&who, id.into_inner()).await?))
}

async fn organizations(service: Data<Service>, Authenticated(who): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.organizations_of(&who).await?))
}

async fn found(
    service: Data<Service>,
    Authenticated(who): Authenticated,
    new: Json<NewOrganization>,
) -> Result<HttpResponse, Rejection> {
    Ok(HttpResponse::Created().json(service.found(&who, new.into_inner()).await?))
}

async fn remove(
    service: Data<Service>,
    Authenticated(who): Authenticated,
    id: Path<String>,
) -> Result<HttpResponse, Rejection> {
    service.remove(&who, id.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn members(service: Data<Service>, id: Path<String>) -> Result<Json<Value>, Rejection> {
    Ok(Json(service.members(id.into_inner()).await?))
}

async fn add_member(
    service: Data<Service>,
    Authenticated(who): Authenticated,
    id: Path<String>,
    new: Json<NewMember>,
) -> Result<HttpResponse, Rejection> {
    service.add_member(&who, id.into_inner(), new.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn set_role(
    service: Data<Service>,
    Authenticated(who): Authenticated,
    path: Path<MemberPath>,
    new: Json<NewRole>,
) -> Result<HttpResponse, Rejection> {
    service.set_role(&who, path.into_inner(), new.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_member(
    service: Data<Service>,
    caller: Caller,
    path: Path<MemberPath>,
) -> Result<HttpResponse, Rejection> {
    service.remove_member(&caller, path.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}
