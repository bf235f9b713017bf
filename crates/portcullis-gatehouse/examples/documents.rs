//! Documents behind policies of gatehouse: everybody reads, the author edits, and nobody edits an archived one.
//!
//! `cargo run -p portcullis-gatehouse --example documents` prints requests to try.
#![allow(clippy::unwrap_used, reason = "an example")]

use axum::Router;
use gatehouse::{PermissionChecker, PolicyBuilder, PolicyDomain};
use portcullis_axum::Routes;
use portcullis_core::{EngineRequest, Error, ErrorKind, Gate, Scheme, policy::*, testing::TestIssuer};
use portcullis_gatehouse::Gatehouse;

struct Document {
    author: &'static str,
    is_archived: bool,
}

struct Documents;

impl PolicyDomain for Documents {
    type Subject = String;
    type Action = &'static str;
    type Resource = Document;
    type Context = ();
}

const READ: &dyn Policy = &engine("documents", "read").on("document", path("id"));
const EDIT: &dyn Policy = &engine("documents", "edit").on("document", path("id"));

fn checker() -> PermissionChecker<Documents> {
    let mut checker = PermissionChecker::new();
    checker.add_policy(PolicyBuilder::new("EverybodyReads").actions(|action| *action == "read").build());
    let is_author = |who: &String, document: &Document| who == document.author;
    let authors = PolicyBuilder::new("AuthorsEdit").actions(|action| *action == "edit");
    checker.add_policy(authors.when(move |who, _, document, ()| is_author(who, document)).build());
    let archived = PolicyBuilder::new("NobodyEditsArchived").actions(|action| *action == "edit");
    checker.add_veto(archived.resources(|document: &Document| document.is_archived).build_veto());
    checker
}

/// Stands for a table. A service with a `Membership` of documents takes the row from the standing of the resource.
fn inputs(request: &EngineRequest) -> Result<(String, &'static str, Document, ()), Error> {
    let document = match request.resource().map(|on| on.id()) {
        Some("1") => Document { author: "alice", is_archived: false },
        Some("2") => Document { author: "alice", is_archived: true },
        _ => return Err(Error::new(ErrorKind::Unavailable, "the document cannot be read")),
    };
    Ok((request.principal().id().subject().to_owned(), request.action(), document, ()))
}

fn service(issuer: &TestIssuer) -> Result<Router, Error> {
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let gate = gate.engine("documents", Gatehouse::new(checker(), inputs)).build()?;
    let routes = Routes::new(&gate).get("/documents/{id}", READ, async || "read");
    Ok(routes.put("/documents/{id}", EDIT, async || "edited").into_router().with_state(gate))
}

#[tokio::main]
async fn main() {
    let issuer = TestIssuer::new(); // its keys are public: a service verifies tokens of its issuer
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    for (who, document, status) in [("alice", 1, 200), ("alice", 2, 403), ("bob", 1, 403)] {
        let token = issuer.token(who).sign();
        println!("curl -i -X PUT http://{address}/documents/{document} -H 'authorization: Bearer {token}' # {status}");
    }
    axum::serve(listener, service(&issuer).unwrap()).await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    #[tokio::test]
    async fn authors_edit_what_is_not_archived() {
        let issuer = TestIssuer::new();
        let service = service(&issuer).unwrap();
        let expected = [
            ("GET", "alice", 1, 200),
            ("GET", "bob", 2, 200),
            ("PUT", "alice", 1, 200),
            ("PUT", "alice", 2, 403),
            ("PUT", "bob", 1, 403),
            ("GET", "alice", 3, 503),
            ("GET", "", 1, 401),
        ];
        for (method, who, document, status) in expected {
            let mut request = Request::builder().method(method).uri(format!("/documents/{document}"));
            if !who.is_empty() {
                request = request.header("authorization", format!("Bearer {}", issuer.token(who).sign()));
            }
            let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{method} {who} {document}");
        }
    }
}
