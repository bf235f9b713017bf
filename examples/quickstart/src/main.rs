//! A service with projects: viewers read, managers write, owners delete, and to everybody else there is no project.
//!
//! `cargo run -p quickstart`, then paste a line or open the page.

use axum::{Router, response::Html, routing::get};
use portcullis::{
    Error, Gate, Issuer, Jwt, Membership, Principal, Requirement, ResourceRef, Role, RoleHierarchy, Scheme,
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
        .membership(Projects)
        .build()
}

#[derive(Debug)]
struct Projects;

/// What would be a query of your database: each of the three has the role of their name on project 42.
impl Membership for Projects {
    async fn role(&self, who: &Principal, on: &ResourceRef) -> Result<Option<Role>, Error> {
        let known = on.id() == "42" && ["viewer", "manager", "owner"].contains(&who.id().subject());
        Ok(known.then(|| Role::new(who.id().subject().to_owned())))
    }
}

struct Read;
impl Requirement for Read {
    const POLICY: &'static dyn Policy = &role("viewer").on("project", path("id")).hidden();
}

fn app(gate: Gate, page: String) -> Router {
    let write = all((Read::POLICY, role("manager").on("project", path("id"))));
    let delete = all((Read::POLICY, role("owner").on("project", path("id"))));
    Routes::new(&gate)
        .route("/", anyone(), get(Html(page)))
        .route("/me", authenticated(), get(me))
        .route("/projects/{id}", Read::POLICY, get(read))
        .route("/projects/{id}", write, axum::routing::put(async || "saved"))
        .route("/projects/{id}", delete, axum::routing::delete(async || "deleted"))
        .into_router()
        .with_state(gate)
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
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
mod try_out;
