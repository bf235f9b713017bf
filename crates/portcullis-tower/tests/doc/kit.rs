// Included by the examples in the documentation: a gate, and the answer of a service to a request.

pub use bytes::Bytes;
pub use http::{Request, Response};
use http_body_util::BodyExt;
use portcullis_core::RoleHierarchy;
pub use portcullis_core::{Error, Gate, Scheme, policy::*, testing::*};
pub use portcullis_tower::*;
pub use std::{convert::Infallible, future::ready};
pub use tower::{Layer, service_fn};
use tower::{Service, ServiceExt};

pub type Body = http_body_util::Full<Bytes>;

/// A gate for tokens of a test issuer, with the role viewer.
pub fn gate() -> Result<Gate, Error> {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    Gate::builder().scheme(scheme).roles(RoleHierarchy::ranked(["viewer"])?).build()
}

/// A service that answers every request.
pub fn ok() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
    service_fn(|_| ready(Ok(Response::new(Body::default()))))
}

pub fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Body::default()).unwrap()
}

pub fn bearer(token: &str) -> Request<Body> {
    Request::get("/").header("authorization", format!("Bearer {token}")).body(Body::default()).unwrap()
}

/// The status and the body of the answer, or for a refusal its status and code.
pub fn answer(
    service: impl Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    request: Request<Body>,
) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (status, body) = runtime.block_on(async {
        let response = service.oneshot(request).await.unwrap();
        (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
    });
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split_once(r#""code":""#).and_then(|(_, rest)| rest.split('"').next());
    let text = if text.starts_with('{') { "" } else { &text };
    format!("{status} {}", code.unwrap_or(text)).trim_end().to_owned()
}
