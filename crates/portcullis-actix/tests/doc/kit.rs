// Included by the examples in the documentation: a gate, and the answer of an app to a request.

pub use actix_web::{App, HttpRequest, test::TestRequest, web};
use actix_web::{test, web::ServiceConfig};
pub use portcullis_actix::*;
pub use portcullis_core::{Error, Gate, Requirement, Standing, policy::*, testing::*};
use portcullis_core::{Membership, Principal, RoleHierarchy, Scheme};

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
pub fn answer(config: impl FnOnce(&mut ServiceConfig), request: TestRequest) -> String {
    let (status, body) = actix_web::rt::System::new().block_on(async {
        let app = test::init_service(App::new().configure(config)).await;
        let (status, body) = match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => (response.status(), test::read_body(response).await),
            Err(error) => {
                let response = error.error_response();
                (response.status(), actix_web::body::to_bytes(response.into_body()).await.unwrap())
            }
        };
        (status.as_u16(), body)
    });
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split_once(r#""code":""#).and_then(|(_, rest)| rest.split('"').next());
    let text = if text.starts_with('{') { "" } else { &text };
    format!("{status} {}", code.unwrap_or(text)).trim_end().to_owned()
}

pub fn get(path: &str) -> TestRequest {
    TestRequest::with_uri(path)
}
