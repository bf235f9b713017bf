//! Signed addresses are those that the client sends, however deep the route is nested.

use crate::{
    cast::{Names, scheme},
    wire::{expect, get_as},
};
use axum::{Router, extract::RawQuery, routing::get};
use portcullis_axum::{GateExt, Routes};
use portcullis_core::{Gate, SignedUrls, policy::*};
use std::time::Duration;

fn gate() -> Gate {
    let keys = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    Gate::builder().scheme(scheme(&Names::default())).signer("files", keys).build().unwrap()
}

async fn said(RawQuery(query): RawQuery) -> String {
    query.unwrap_or_default()
}

/// Routes in routes, a layer in routers, and an extractor that no guard is around.
fn app(gate: &Gate) -> Router {
    let routes = Routes::new(gate).route("/{id}", signed("files"), get(said));
    let routes =
        Routes::new(gate).nest("/inner", routes).route("/both/{id}", any((signed("files"), staff())), get(said));
    let layered = Router::new().route("/{id}", get(said).layer(gate.require(signed("files"))));
    Routes::new(gate)
        .nest("/outer/{group}", routes)
        .into_router()
        .nest("/plain", Router::new().nest("/inner", layered))
        .with_state(gate.clone())
}

#[tokio::test]
async fn the_address_is_the_one_that_the_client_sends() {
    let gate = gate();
    for app in [app(&gate), app(&gate).layer(gate.scrub())] {
        for address in ["/outer/g/inner/7?a=1&b=%20", "/outer/g/both/7", "/plain/inner/7?a=1", "/plain/inner/a%2Fb"] {
            let url = gate.sign("files", "GET", address, Duration::from_secs(60)).unwrap();
            let url = url.expose();
            let (path, query) = url.split_once('?').unwrap();
            let answer = get_as(&app, url, "").await;
            assert_eq!(answer.status, 200, "{url}: {answer:?}");
            let shown = query.split_once("signature=").unwrap().0;
            assert!(answer.body.starts_with(shown), "{}", answer.body);
            // The path that the inner router matches is another address.
            let inner = path.replace("/outer/g", "").replace("/plain", "");
            let stripped = gate.sign("files", "GET", &inner, Duration::from_secs(60)).unwrap();
            let (_, stolen) = stripped.expose().split_once('?').unwrap();
            let refused = get_as(&app, &format!("{path}?{stolen}"), "").await;
            assert_eq!((refused.status.as_u16(), refused.body.contains("invalid_signature")), (403, true), "{path}");
            let changed = url.replace("/7", "/8").replace("a%2F", "a%2f");
            expect(&app, "", &[(&format!("HEAD {url}"), 200), (&format!("GET {changed}"), 403)]).await;
        }
        let unsigned = get_as(&app, "/plain/inner/7", "").await;
        assert!(unsigned.status == 403 && unsigned.body.contains("signature_required"), "{unsigned:?}");
        assert!(unsigned.headers.get("www-authenticate").is_none(), "another credential does not help");
    }
}

#[tokio::test]
async fn callers_with_and_without_a_credential() {
    let gate = gate();
    let app = app(&gate);
    let url = gate.sign("files", "GET", "/outer/g/both/7", Duration::from_secs(60)).unwrap();
    let (both, only) = (url.expose(), gate.sign("files", "GET", "/outer/g/inner/7", Duration::from_secs(60)).unwrap());
    for (who, path, status) in [
        ("", both, 200),
        ("alice", both, 200),
        ("broken", both, 401),
        ("", "/outer/g/both/7", 401),
        ("alice", "/outer/g/both/7", 403),
        ("staff", "/outer/g/both/7", 200),
        ("broken", only.expose(), 200),
        ("staff", "/outer/g/inner/7", 403),
    ] {
        assert_eq!(get_as(&app, path, who).await.status, status, "{path} as {who:?}");
    }
}
