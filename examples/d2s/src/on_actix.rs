//! The service on actix-web.

use crate::{
    Move,
    auth::{Auth, PATHS},
    members::{self, MemberPath, NewProject, NewRole},
    new_key,
    policies::*,
    shown,
    store::{DataProduct, Flight, Project, Store},
};
use actix_web::web::{Json, Path};
use portcullis::{
    ApiKeys, Gate, Requirement, Role,
    actix::{Authenticated, Authorized, Caller, Rejection, Routes},
    policy::*,
};
use serde_json::{Value, json};

const TEAM_MEMBER: &str = "/api/v1/teams/{team_id}/members/{user_id}";
const PROJECT_MEMBER: &str = "/api/v1/projects/{project_id}/members/{user_id}";
const DATA_PRODUCT: &str = "/api/v1/projects/{project_id}/flights/{flight_id}/data_products/{data_product_id}";

/// The routes, for `App::configure(routes(&gate, &auth, &store).into_config())`.
pub fn routes(gate: &Gate, auth: &Auth, store: &Store) -> Routes {
    let routes = Routes::new(gate);
    let routes = PATHS.iter().fold(routes, |routes, path| {
        let auth = auth.clone();
        routes.endpoint(path, move |call| auth.clone().answer(path, call))
    });
    let (keys, revoked) = (auth.keys.clone(), auth.keys.clone());
    let [of_team, leaving, creating, of_project] = [(); 4].map(|()| store.clone());
    routes
        .get("/api/v1/users/current", authenticated(), current_user)
        .get("/api/v1/users/unapproved", without_baseline(authenticated()), current_user)
        .post("/api/v1/auth/request-api-key", no_demo(authenticated()), move |who| request_key(keys.clone(), who))
        .post("/api/v1/auth/revoke-api-key", no_demo(authenticated()), move |who| revoke_key(revoked.clone(), who))
        .get("/api/v1/admin/users", staff(), async || "users")
        .get("/api/v1/teams/{team_id}", on_team("viewer"), async || "team")
        .put("/api/v1/teams/{team_id}", no_demo(on_team("manager")), async || "saved")
        .delete("/api/v1/teams/{team_id}", no_demo(on_team("owner")), async || "deleted")
        .put(TEAM_MEMBER, ManageTeam::POLICY, move |access, path, new| {
            set_team_role(of_team.clone(), access, path, new)
        })
        .delete(TEAM_MEMBER, ManageTeam::POLICY, move |access, path| leave_team(leaving.clone(), access, path))
        .post("/api/v1/projects", no_demo(authenticated()), move |who, new| create_project(creating.clone(), who, new))
        .get("/api/v1/projects/{project_id}", ReadProject::POLICY, read_project)
        .put("/api/v1/projects/{project_id}", no_demo(on_project("manager")), async || "saved")
        .delete("/api/v1/projects/{project_id}", no_demo(on_project("owner")), async || "deleted")
        .put(PROJECT_MEMBER, no_demo(on_project("owner")), move |path, new| {
            set_project_role(of_project.clone(), path, new)
        })
        .get("/api/v1/projects/{project_id}/iforester", by_key("viewer"), async || "trees")
        .post("/api/v1/projects/{project_id}/iforester", by_key("manager"), async || "saved")
        .get("/api/v1/projects/{project_id}/flights/{flight_id}", ReadFlight::POLICY, read_flight)
        .put("/api/v1/projects/{project_id}/flights/{flight_id}", WriteFlight::POLICY, write_flight)
        .delete("/api/v1/projects/{project_id}/flights/{flight_id}", delete_flight(), async || "deleted")
        .get(DATA_PRODUCT, ReadDataProduct::POLICY, read_data_product)
        .get("/cog/preview.png", signed("tiles"), async || "tile")
        .get("/mvt/{table}/tile.pbf", signed("tiles"), async || "tile")
        .get("/previews/{layer}", signed("previews"), async || "preview")
        .post("/api/v1/flights/move", authenticated(), move_flight)
        .get("/api/v1/indoor_projects/{indoor_project_id}", on_indoor_project("viewer"), async || "indoor project")
        .put("/api/v1/indoor_projects/{indoor_project_id}", on_indoor_project("manager"), async || "saved")
        .delete("/api/v1/indoor_projects/{indoor_project_id}", on_indoor_project("owner"), async || "deleted")
}

async fn current_user(Authenticated(caller): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(shown(caller.account()?)))
}
async fn request_key(keys: ApiKeys, Authenticated(caller): Authenticated) -> Result<Json<Value>, Rejection> {
    Ok(Json(new_key(&keys, &caller).await?))
}
async fn revoke_key(keys: ApiKeys, Authenticated(caller): Authenticated) -> Result<&'static str, Rejection> {
    keys.of(&caller)?.withdraw_all().await?;
    Ok("revoked")
}
async fn set_team_role(
    store: Store,
    access: Authorized<ManageTeam>,
    path: Path<MemberPath>,
    new: Json<NewRole>,
) -> Result<&'static str, Rejection> {
    members::set_team_role(&store, &path, &new, access.role())?;
    Ok("saved")
}
async fn leave_team(
    store: Store,
    access: Authorized<ManageTeam>,
    path: Path<MemberPath>,
) -> Result<&'static str, Rejection> {
    members::leave_team(&store, &path, access.role())?;
    Ok("removed")
}
async fn create_project(store: Store, caller: Caller, new: Json<NewProject>) -> Result<Json<Value>, Rejection> {
    Ok(Json(json!({ "id": members::create_project(&store, &caller, new.into_inner()).await? })))
}
async fn set_project_role(store: Store, path: Path<MemberPath>, new: Json<NewRole>) -> Result<&'static str, Rejection> {
    members::set_project_role(&store, &path, &new)?;
    Ok("saved")
}
async fn read_project(access: Authorized<ReadProject>) -> Result<Json<Value>, Rejection> {
    Ok(Json(json!({ "title": access.row::<Project>()?.title, "role": access.role().map(Role::as_str) })))
}
async fn read_flight(access: Authorized<ReadFlight>) -> Result<Json<Flight>, Rejection> {
    Ok(Json(access.row::<Flight>()?.clone()))
}
async fn write_flight(access: Authorized<WriteFlight>) -> Result<Json<Flight>, Rejection> {
    Ok(Json(access.row::<Flight>()?.clone()))
}
async fn read_data_product(access: Authorized<ReadDataProduct>) -> Result<Json<DataProduct>, Rejection> {
    Ok(Json(access.row::<DataProduct>()?.clone()))
}
async fn move_flight(caller: Caller, body: Json<Move>) -> Result<&'static str, Rejection> {
    caller.require(no_demo(role("manager").on("flight", id(body.flight)).hidden())).await?;
    caller.require(no_demo(role("manager").on("project", id(body.project)).hidden())).await?;
    Ok("moved")
}
