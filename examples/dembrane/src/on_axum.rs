//! The service on axum.

use crate::tenants::*;
use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
};
use portcullis::{
    Gate, Requirement, Role,
    axum::{Authenticated, Authorized, Rejection, Routes},
    policy::{anyone, authenticated, path, permission, role, staff, without_baseline},
};
use serde_json::{Value, json};

impl FromRef<Service> for Gate {
    fn from_ref(service: &Service) -> Self {
        service.gate.clone()
    }
}

/// The routes.
pub fn app(service: Service) -> Router {
    Routes::new(&service.gate)
        .get("/api/health", anyone(), async || "ok")
        .get("/api/participant/projects/{id}", anyone(), async || "welcome")
        .get("/api/v2/me", without_baseline(authenticated()), me)
        .get("/api/v2/admin/stats", without_baseline(staff()), async || Json(super::stats()))
        .post("/api/v2/admin/workspaces/{workspace_id}/support", staff(), support)
        .get("/api/v2/orgs/{org_id}", permission("org:view").on("organization", path("org_id")), async || "org")
        .post("/api/v2/orgs/{org_id}/members", role("admin").on("organization", path("org_id")), async || "added")
        .delete("/api/v2/orgs/{org_id}", role("owner").on("organization", path("org_id")), async || "deleted")
        .get("/api/v2/workspaces/{workspace_id}", ShowWorkspace::POLICY, show_workspace)
        .get("/api/v2/workspaces/{workspace_id}/members", ManageMembers::POLICY, members)
        .post("/api/v2/workspaces/{workspace_id}/members", ManageMembers::POLICY, change_member)
        .post("/api/v2/workspaces/{workspace_id}/invite", Invite::POLICY, invite)
        .get("/api/v2/workspaces/{workspace_id}/invoices", workspace("workspace:view_invoices"), async || "invoices")
        .get("/api/v2/workspaces/{workspace_id}/export", innovator(workspace("workspace:export")), async || "export")
        .get("/api/v2/workspaces/{workspace_id}/hooks", changemaker(workspace("workspace:webhooks")), async || "hooks")
        .get("/api/v2/projects/{project_id}", ShowProject::POLICY, show_project)
        .patch("/api/v2/projects/{project_id}", project("project:update"), async || "updated")
        .delete("/api/v2/projects/{project_id}", project("project:delete"), async || "deleted")
        .post("/api/v2/projects/{project_id}/share", innovator(project("project:share")), async || "shared")
        .into_router()
        .with_state(service)
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(super::me(&principal))
}

async fn show_workspace(access: Authorized<ShowWorkspace>) -> Json<Value> {
    Json(super::tenants::show_workspace(&access))
}

async fn show_project(access: Authorized<ShowProject>) -> Json<Value> {
    Json(json!({ "role": access.role().map(Role::as_str) }))
}

async fn members(State(service): State<Service>, Path(workspace): Path<String>) -> Json<Value> {
    Json(service.store.members(&workspace).await.into())
}

async fn invite(
    access: Authorized<Invite>,
    State(service): State<Service>,
    Path(workspace): Path<String>,
    Json(grant): Json<Grant>,
) -> Result<&'static str, Rejection> {
    Ok(service.store.grant(&access, &workspace, INVITED, grant).await?)
}

async fn change_member(
    access: Authorized<ManageMembers>,
    State(service): State<Service>,
    Path(workspace): Path<String>,
    Json(grant): Json<Grant>,
) -> Result<&'static str, Rejection> {
    Ok(service.store.grant(&access, &workspace, CHANGED, grant).await?)
}

async fn support(
    Authenticated(staff): Authenticated,
    State(service): State<Service>,
    Path(workspace): Path<String>,
) -> Result<&'static str, Rejection> {
    Ok(service.store.support(&staff, &workspace).await?)
}
