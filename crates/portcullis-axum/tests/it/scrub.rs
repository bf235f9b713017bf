//! Axum notes the address that a request came with; what is scrubbed is scrubbed there too.

use crate::cast::Names;
use axum::{Router, body::Body, extract::OriginalUri, routing::get};
use http::{Request, Uri};
use http_body_util::BodyExt;
use portcullis_axum::{Authenticated, GateExt, Routes};
use portcullis_core::{Gate, Scheme, policy::*};
use tower::{Layer, ServiceExt};

fn app(gate: &Gate) -> Router {
    let seen = async |Authenticated(principal): Authenticated, uri: Uri, OriginalUri(original): OriginalUri| {
        format!("{} {uri} {original}", principal.id().subject())
    };
    let inner = Routes::new(gate).route("/seen", authenticated(), get(seen));
    Routes::new(gate).nest("/in", inner).into_router().with_state(gate.clone())
}

async fn ask(app: Router, uri: &str) -> (u16, String) {
    let answer = app.oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap())
}

#[tokio::test]
async fn neither_the_address_nor_the_original_one_shows_a_credential() {
    let gate = Gate::builder().scheme(Scheme::new(Names::default()).query("token")).build().unwrap();
    let uri = "/in/seen?a=1&token=alice";
    let open = (200, "alice /seen?a=1&token=alice /in/seen?a=1&token=alice".to_owned());
    assert_eq!(ask(app(&gate), uri).await, open, "without scrub");
    let scrubbed = (200, "alice /seen?a=1&token=redac /in/seen?a=1&token=redac".to_owned());
    let layered = app(&gate).layer(gate.scrub());
    assert_eq!(ask(layered.clone(), uri).await, scrubbed, "as a layer of the router");
    let around = Router::new().fallback_service(gate.scrub().layer(app(&gate)));
    assert_eq!(ask(around, uri).await, scrubbed, "around the router");
    assert_eq!(ask(layered, "/in/seen?a=1&token=broken").await.0, 401);
}
