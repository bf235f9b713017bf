// Included by the examples in the documentation: a gate, and the answer of a router to a request.

pub use axum::{Router, body::Body, http::Request, routing};
pub use portcullis_axum::*;
pub use portcullis_core::{Error, Gate, Requirement, Standing, policy::*, testing::*};
use portcullis_core::{Membership, Principal, RoleHierarchy, Scheme};
use tower::ServiceExt;

/// alice is a viewer of project 1, and a stranger to all others.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        let is_member = who.id().subject() == "alice" && *id == 1;
        Ok(is_member.then_some("viewer").into())
    }
}

/// A gate for tokens of a test issuer. Its roles are viewer and manager.
pub fn gate() -> Result<Gate, Error> {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    let roles = RoleHierarchy::ranked(["viewer", "manager"])?;
    Gate::builder().scheme(scheme).roles(roles).membership("project", Projects).build()
}

/// The status and the body of the answer, or for a refusal its status and code.
pub fn answer(app: &Router, request: Request<Body>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (status, body) = runtime.block_on(async {
        let response = app.clone().oneshot(request).await.unwrap();
        (response.status().as_u16(), axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap())
    });
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split_once(r#""code":""#).and_then(|(_, rest)| rest.split('"').next());
    let text = if text.starts_with('{') { "" } else { &text };
    format!("{status} {}", code.unwrap_or(text)).trim_end().to_owned()
}

pub fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

pub fn post(path: &str, json: &'static str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(json.into()).unwrap()
}
