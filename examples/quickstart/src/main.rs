//! A service with projects: viewers read, managers write, owners delete, and to everybody else there is no project.
//!
//! `cargo run -p quickstart`, then paste a line or open the page.

use axum::{Router, response::Html};
use portcullis::{
    Error, Gate, Issuer, Jwt, Membership, Principal, Requirement, ResourceRef, Role, RoleHierarchy, Scheme, Standing,
    axum::{Authenticated, Authorized, Routes},
    policy::*,
};
use std::{env, error, net::SocketAddr};
use tokio::net::TcpListener;

/// Where tokens are read, who issues them, which roles there are, and who knows the roles on a project.
fn gate(issuer: Issuer) -> Result<Gate, Error> {
    Gate::builder()
        .scheme(Scheme::new(Jwt::new(issuer)).cookie("session").bearer())
        .roles(RoleHierarchy::ranked(["viewer", "manager", "owner"])?)
        .membership("project", Projects)
        .build()
}

#[derive(Debug)]
struct Projects;

/// What would be a query of your database: each of the three has the role of their name on project 42.
impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        let name = who.id().subject();
        Ok((*id == 42 && ["viewer", "manager", "owner"].contains(&name)).then(|| name.to_owned()).into())
    }
}

struct Read;
impl Requirement for Read {
    const POLICY: &'static dyn Policy = &role("viewer").on("project", path("id")).hidden();
}

fn routes(gate: &Gate, page: String) -> Routes<Gate> {
    let write = role("manager").on("project", path("id")).hidden();
    let delete = role("owner").on("project", path("id")).hidden();
    Routes::new(gate)
        .get("/", anyone(), Html(page))
        .get("/me", authenticated(), me)
        .get("/projects/{id}", Read::POLICY, read)
        .put("/projects/{id}", write, async || "saved")
        .delete("/projects/{id}", delete, async || "deleted")
}

fn app(gate: Gate, page: String) -> Router {
    routes(&gate, page).into_router().with_state(gate)
}

async fn me(Authenticated(principal): Authenticated) -> String {
    format!("you are {}", principal.id().subject())
}

async fn read(access: Authorized<Read>) -> String {
    let role = access.role().map_or("nobody", Role::as_str);
    format!("project {}, read as {role}", access.resource().map_or("", ResourceRef::id))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (issuer, tokens) = try_out::issuer()?;
    let app = app(gate(issuer)?, try_out::page(&tokens));
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    println!("{}", try_out::lines(&tokens, listener.local_addr()?));
    Ok(axum::serve(listener, app).await?)
}

#[cfg(test)]
mod tests;
mod try_out;
