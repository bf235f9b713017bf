//! Photos behind policies of Cedar: editors edit all of them, owners their own, and nobody a locked one.
//!
//! `cargo run --manifest-path crates/portcullis-cedar/Cargo.toml --example photos` prints requests to try.
#![allow(clippy::unwrap_used, reason = "an example")]

use axum::Router;
use portcullis_axum::Routes;
use portcullis_cedar::Cedar;
use portcullis_core::{EngineResource, Error, ErrorKind, Gate, Scheme, policy::*, testing::TestIssuer};
use serde_json::{Value, json};

const POLICIES: &str = r#"
    permit (principal, action == Action::"read", resource is Photo);
    permit (principal in Role::"editor", action == Action::"edit", resource is Photo);
    permit (principal, action == Action::"edit", resource is Photo) when { resource.owner == principal.name };
    forbid (principal, action == Action::"edit", resource is Photo) when { resource.is_locked };
"#;

const SCHEMA: &str = r#"
    entity Role;
    entity User in [Role] { name: String };
    entity Photo { owner: String, is_locked: Bool };
    action read, edit appliesTo { principal: User, resource: Photo, context: { role?: String } };
"#;

const READ: &dyn Policy = &engine("cedar", "read").on("photo", path("id"));
const EDIT: &dyn Policy = &engine("cedar", "edit").on("photo", path("id"));

/// Stands for a table. A service with a `Membership` of photos takes the row from the standing of the resource.
fn photo(on: &EngineResource) -> Result<Value, Error> {
    match on.id() {
        "1" => Ok(json!({ "owner": "alice", "is_locked": false })),
        "2" => Ok(json!({ "owner": "alice", "is_locked": true })),
        _ => Err(Error::new(ErrorKind::Unavailable, "the photo cannot be read")),
    }
}

fn service(issuer: &TestIssuer) -> Result<Router, Error> {
    let cedar = Cedar::new(POLICIES)?.schema(SCHEMA)?;
    let cedar = cedar.principal_attr(|who| Ok(json!({ "name": who.id().subject() }))).resource_attr(photo);
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).engine("cedar", cedar).build()?;
    let routes = Routes::new(&gate).get("/photos/{id}", READ, async || "read");
    Ok(routes.put("/photos/{id}", EDIT, async || "edited").into_router().with_state(gate))
}

#[tokio::main]
async fn main() {
    let issuer = TestIssuer::new(); // its keys are public: a service verifies tokens of its issuer
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    for (who, photo, status) in [("alice", 1, 200), ("alice", 2, 403), ("bob", 1, 403)] {
        let token = issuer.token(who).sign();
        println!("curl -i -X PUT http://{address}/photos/{photo} -H 'authorization: Bearer {token}' # {status}");
    }
    axum::serve(listener, service(&issuer).unwrap()).await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    #[tokio::test]
    async fn owners_and_editors_edit_what_is_not_locked() {
        let issuer = TestIssuer::new();
        let service = service(&issuer).unwrap();
        let alice = || issuer.token("alice");
        let editor = || issuer.token("eve").role("editor");
        for (method, token, photo, status) in [
            ("GET", issuer.token("bob"), 2, 200),
            ("PUT", alice(), 1, 200),
            ("PUT", alice(), 2, 403),
            ("PUT", issuer.token("bob"), 1, 403),
            ("PUT", editor(), 1, 200),
            ("PUT", editor(), 2, 403),
            ("GET", alice(), 3, 503),
        ] {
            let request = Request::builder().method(method).uri(format!("/photos/{photo}"));
            let request = request.header("authorization", format!("Bearer {}", token.sign()));
            let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{method} {photo}");
        }
        for (photo, status) in [("1", 401), ("4%22", 401)] {
            let request = Request::builder().uri(format!("/photos/{photo}")).body(Body::empty()).unwrap();
            assert_eq!(service.clone().oneshot(request).await.unwrap().status(), status);
        }
    }
}
