//! Signed addresses, in front of any service.

use crate::cast::{Names, Text, send};
use http::{Request, Response};
use portcullis_core::{Gate, Scheme, SignedUrls, policy::*};
use portcullis_tower::GateExt;
use std::{convert::Infallible, time::Duration};
use tower::{ServiceBuilder, service_fn};

#[tokio::test]
async fn the_whole_address_counts() {
    let keys = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    let scheme = Scheme::new(Names::default()).bearer();
    let gate = Gate::builder().scheme(scheme).signer("files", keys).build().unwrap();
    let inner = service_fn(|request: Request<Text>| async move {
        Ok::<_, Infallible>(Response::new(Text::from(request.uri().to_string())))
    });
    let guarded = ServiceBuilder::new().layer(gate.scrub()).layer(gate.require(signed("files"))).service(inner);
    let url = gate.sign("files", "GET", "/a%2Fb?c=1", Duration::from_secs(60)).unwrap();
    let url = url.expose();
    let ask = async |method: &str, uri: &str| {
        let request = Request::builder().method(method).uri(uri).header("authorization", "Bearer broken");
        send(&guarded, request.body(Text::from("")).unwrap()).await
    };
    for (method, uri, status) in [
        ("GET", url.to_owned(), 200),
        ("HEAD", url.to_owned(), 200),
        // A proxy asks for the absolute form, and the host is not signed.
        ("GET", format!("http://files.example.com{url}"), 200),
        ("POST", url.to_owned(), 403),
        ("GET", url.replace("%2F", "%2f"), 403),
        ("GET", url.replace("c=1", "c=2"), 403),
        ("GET", format!("{url}&d=1"), 403),
        ("GET", "/a%2Fb?c=1".to_owned(), 403),
    ] {
        assert_eq!(ask(method, &uri).await.status, status, "{method} {uri}");
    }
    let shown = ask("GET", url).await.body;
    assert!(shown.starts_with(url.split_once("signature=").unwrap().0), "{shown}");
    assert!(shown.ends_with("signature=redacted"), "no log behind it shows the signature: {shown}");
}
