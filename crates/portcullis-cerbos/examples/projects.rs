//! Projects behind policies of Cerbos: everybody with a role reads, owners edit, and a list shows what may be read.
//!
//! Start a Cerbos with the policy of the crate's documentation, and put its address into `CERBOS_URL`. Then
//! `cargo run -p portcullis-cerbos --example projects` prints requests to try.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "an example")]

use axum::Router;
use portcullis_axum::{Caller, Rejection, Routes};
use portcullis_cerbos::Cerbos;
use portcullis_core::{
    Error, Gate, Membership, Principal, RoleHierarchy, Scheme, Standing, policy::*, testing::TestIssuer,
};
use portcullis_reqwest::Client;
use std::env;

/// alice owns project 1 and is a viewer of project 2. There are ten.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok(match (who.id().subject(), id) {
            (_, 0 | 11..) => Standing::missing(),
            ("alice", 1) => Standing::role("owner"),
            ("alice", 2) => Standing::role("viewer"),
            _ => Standing::stranger(),
        })
    }
}

const READ: &dyn Policy = &hidden(engine("cerbos", "read").on("project", path("id")));
const EDIT: &dyn Policy = &engine("cerbos", "edit").on("project", path("id"));

/// All projects that the caller may read: Cerbos is asked once.
async fn list(Caller(caller): Caller) -> Result<String, Rejection> {
    Ok(format!("{:?}", caller.filter(READ, "id", 1..=10_u32, |id| *id).await?))
}

fn service(issuer: &TestIssuer, cerbos: &str) -> Result<Router, Error> {
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .roles(RoleHierarchy::ranked(["viewer", "owner"])?)
        .membership("project", Projects)
        .engine("cerbos", Cerbos::new(cerbos, Client::new()?)?)
        .build()?;
    let routes =
        Routes::new(&gate).get("/projects", authenticated(), list).get("/projects/{id}", READ, async || "read");
    Ok(routes.put("/projects/{id}", EDIT, async || "edited").into_router().with_state(gate))
}

fn address() -> String {
    env::var("CERBOS_URL").expect("`CERBOS_URL` is the address of a Cerbos, such as http://127.0.0.1:3592")
}

#[tokio::main]
async fn main() {
    let issuer = TestIssuer::new(); // its keys are public: a service verifies tokens of its issuer
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let here = listener.local_addr().unwrap();
    let token = issuer.token("alice").sign();
    for (method, path, status) in [("GET", "", 200), ("PUT", "/1", 200), ("PUT", "/2", 403), ("GET", "/11", 404)] {
        println!("curl -i -X {method} http://{here}/projects{path} -H 'authorization: Bearer {token}' # {status}");
    }
    axum::serve(listener, service(&issuer, &address()).unwrap()).await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    async fn answer(service: &Router, method: &str, path: &str, who: &str) -> (u16, String) {
        let token = TestIssuer::new().token(who).sign();
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    #[ignore = "asks a server"]
    async fn roles_on_projects_decide() {
        let service = service(&TestIssuer::new(), &address()).unwrap();
        assert_eq!(answer(&service, "GET", "/projects", "alice").await, (200, "[1, 2]".to_owned()));
        assert_eq!(answer(&service, "GET", "/projects", "bob").await, (200, "[]".to_owned()));
        for (method, path, who, status) in [
            ("GET", "/projects/2", "alice", 200),
            ("GET", "/projects/2", "bob", 404),
            ("GET", "/projects/11", "alice", 404),
            ("PUT", "/projects/1", "alice", 200),
            ("PUT", "/projects/2", "alice", 403),
            ("PUT", "/projects/2", "bob", 403),
        ] {
            assert_eq!(answer(&service, method, path, who).await.0, status, "{method} {path} {who}");
        }
    }

    #[tokio::test]
    async fn without_a_cerbos_nothing_is_shown() {
        // Nothing listens on the port of a listener that is gone.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let service = service(&TestIssuer::new(), &format!("http://127.0.0.1:{port}")).unwrap();
        for (method, path) in [("GET", "/projects"), ("GET", "/projects/1"), ("PUT", "/projects/1")] {
            assert_eq!(answer(&service, method, path, "alice").await.0, 503, "{method} {path}");
        }
        assert_eq!(answer(&service, "GET", "/projects/11", "alice").await.0, 404);
    }
}
