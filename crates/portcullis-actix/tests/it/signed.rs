//! Signed addresses are those that the client sends, however deep the route is nested.

use crate::{
    ask::{expect, get_as},
    cast::{self, Names, builder},
};
use actix_web::{App, HttpRequest, web};
use portcullis_actix::GateExt;
use portcullis_core::{Gate, SignedUrls, policy::*};
use std::time::Duration;

fn gate() -> Gate {
    let keys = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    builder(&Names::default()).signer("files", keys).build().unwrap()
}

async fn said(request: HttpRequest) -> String {
    request.query_string().to_owned()
}

/// Routes in routes, and a guard in scopes.
macro_rules! app {
    ($gate:expr) => {{
        let routes = cast::routes($gate).route("/{id}", signed("files"), web::get().to(said));
        let routes = cast::routes($gate).nest("/inner", routes).route(
            "/both/{id}",
            any((signed("files"), staff())),
            web::get().to(said),
        );
        let routes = cast::routes($gate).nest("/outer/{group}", routes).into_config();
        let guarded = web::resource("/{id}").route(web::get().to(said)).wrap($gate.require(signed("files")));
        App::new().configure(routes).service(web::scope("/plain").service(web::scope("/inner").service(guarded)))
    }};
}

#[actix_web::test]
async fn the_address_is_the_one_that_the_client_sends() {
    let gate = gate();
    for app in [serve!(app!(&gate)), serve!(app!(&gate).wrap(gate.scrub()))] {
        for address in ["/outer/g/inner/7?a=1&b=%20", "/outer/g/both/7", "/plain/inner/7?a=1", "/plain/inner/a%2Fb"] {
            let url = gate.sign("files", "GET", address, Duration::from_secs(60)).unwrap();
            let url = url.expose();
            let (path, query) = url.split_once('?').unwrap();
            let answer = get_as(&app, url, "").await;
            assert_eq!(answer.status, 200, "{url}: {answer:?}");
            let shown = query.split_once("signature=").unwrap().0;
            assert!(answer.body.starts_with(shown), "{}", answer.body);
            // The path that the inner scope matches is another address.
            let inner = path.replace("/outer/g", "").replace("/plain", "");
            let stripped = gate.sign("files", "GET", &inner, Duration::from_secs(60)).unwrap();
            let (_, stolen) = stripped.expose().split_once('?').unwrap();
            let refused = get_as(&app, &format!("{path}?{stolen}"), "").await;
            assert_eq!((refused.status.as_u16(), refused.body.contains("invalid_signature")), (403, true), "{path}");
            let changed = url.replace("/7", "/8").replace("a%2F", "a%2f");
            expect(&app, "", &[(&format!("GET {changed}"), 403)]).await;
        }
        let unsigned = get_as(&app, "/plain/inner/7", "").await;
        assert!(unsigned.status == 403 && unsigned.body.contains("signature_required"), "{unsigned:?}");
    }
}

#[actix_web::test]
async fn callers_with_and_without_a_credential() {
    let gate = gate();
    let app = serve!(app!(&gate));
    let sign = |address: &str| gate.sign("files", "GET", address, Duration::from_secs(60)).unwrap();
    let (both, only) = (sign("/outer/g/both/7"), sign("/outer/g/inner/7"));
    for (who, path, status) in [
        ("", both.expose(), 200),
        ("alice", both.expose(), 200),
        ("broken", both.expose(), 401),
        ("", "/outer/g/both/7", 401),
        ("alice", "/outer/g/both/7", 403),
        ("staff", "/outer/g/both/7", 200),
        ("broken", only.expose(), 200),
        ("staff", "/outer/g/inner/7", 403),
    ] {
        assert_eq!(get_as(&app, path, who).await.status, status, "{path} as {who:?}");
    }
}
