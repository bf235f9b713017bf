//! Requests that pages of other origins make with a visitor's cookie.

use crate::{
    ask::{Served, request, send},
    cast::{self, Names, builder, builder_of, open, scheme},
};
use actix_web::{App, test::TestRequest, web};
use portcullis_actix::{Authenticated, GateExt};
use portcullis_core::{Gate, policy::*};

async fn app(gate: Gate) -> Served {
    serve!(
        App::new()
            .app_data(gate.clone())
            .service(web::resource("/extract").to(async |_: Authenticated| "open"))
            .service(web::resource("/guard").to(open).wrap(gate.require(authenticated())))
    )
}

fn with(request: TestRequest, headers: &[(&'static str, &'static str)]) -> TestRequest {
    headers.iter().fold(request, |request, header| request.append_header(*header))
}

/// Sends it to both forms of guard.
async fn expect(app: &Served, method: &str, base: &str, headers: &[(&'static str, &'static str)], status: u16) {
    for path in ["/extract", "/guard"] {
        let answer = send(app, with(request(method, &format!("{base}{path}"), ""), headers)).await;
        assert_eq!(answer.status, status, "{method} {base}{path} {headers:?}: {answer:?}");
        let told = answer.body.contains("\"cross_origin\"");
        assert_eq!(told, status == 403, "{answer:?}");
    }
}

const COOKIE: (&str, &str) = ("cookie", "session=alice");
const HOST: (&str, &str) = ("host", "app.example.com");
const OWN: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");

#[actix_web::test]
async fn a_cookie_changes_things_from_its_own_origin_only() {
    for (_, gate) in cast::fast_and_slow() {
        let app = app(gate).await;
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
            expect(&app, method, "", &[COOKIE, HOST, OWN], 200).await;
            expect(&app, method, "", &[COOKIE, HOST, ("sec-fetch-site", "same-origin")], 200).await;
            expect(&app, method, "", &[COOKIE, HOST, EVIL], 403).await;
            expect(&app, method, "", &[COOKIE, HOST, ("origin", "null")], 403).await;
            expect(&app, method, "", &[COOKIE, HOST, ("origin", "https://app.example.com.evil.example")], 403).await;
            expect(&app, method, "", &[COOKIE, HOST, OWN, ("sec-fetch-site", "cross-site")], 403).await;
            expect(&app, method, "", &[COOKIE, HOST], 403).await;
            expect(&app, method, "", &[("authorization", "Bearer alice"), HOST, EVIL], 200).await;
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            expect(&app, method, "", &[COOKIE, HOST, EVIL], 200).await;
            let embedded = [COOKIE, HOST, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
            expect(&app, method, "", &embedded, 403).await;
        }
    }
}

#[actix_web::test]
async fn a_cookie_opens_websockets_from_its_own_origin_only() {
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let scheme = scheme(&Names::default()).websocket_protocol().websocket_query("token");
    let app = app(builder_of(scheme).build().unwrap()).await;
    let socket = |headers: &[(&'static str, &'static str)]| [upgrade.as_slice(), headers].concat();
    expect(&app, "GET", "", &socket(&[COOKIE, HOST, OWN]), 200).await;
    expect(&app, "GET", "", &socket(&[COOKIE, HOST, EVIL]), 403).await;
    expect(&app, "GET", "", &socket(&[COOKIE, HOST]), 403).await;
    // A token that only a page of ours knows is not added by the browser.
    expect(&app, "GET", "", &socket(&[HOST, EVIL, ("sec-websocket-protocol", "bearer, alice")]), 200).await;
    expect(&app, "GET", "", &socket(&[HOST, EVIL, ("sec-websocket-protocol", "chat, alice")]), 401).await;
    for (path, upgraded, status) in [("/guard?token=alice", true, 200), ("/guard?token=alice", false, 401)] {
        let headers = if upgraded { socket(&[HOST, EVIL]) } else { vec![HOST, EVIL] };
        assert_eq!(send(&app, with(request("GET", path, ""), &headers)).await.status, status);
    }
}

/// In HTTP/2 the address says for whom the request is, and so it does in the absolute form of HTTP/1.
#[actix_web::test]
async fn the_authority_of_the_address_goes_before_the_host() {
    let app = app(cast::gate()).await;
    expect(&app, "POST", "https://app.example.com", &[COOKIE, OWN], 200).await;
    expect(&app, "POST", "https://app.example.com:443", &[COOKIE, OWN], 200).await;
    expect(&app, "POST", "https://app.example.com", &[COOKIE, EVIL], 403).await;
    expect(&app, "POST", "https://app.example.com", &[COOKIE, EVIL, ("host", "evil.example")], 403).await;
    expect(&app, "POST", "https://evil.example", &[COOKIE, OWN, HOST], 403).await;
    expect(&app, "POST", "", &[COOKIE, ("origin", "http://localhost:8080"), ("host", "localhost:8080")], 200).await;
    expect(&app, "POST", "", &[COOKIE, ("origin", "http://localhost:3000"), ("host", "localhost:8080")], 403).await;
}

#[actix_web::test]
async fn allowed_origins_and_doubled_headers() {
    let allowing = builder(&Names::default()).allow_origin("https://evil.example").build().unwrap();
    let app = app(allowing).await;
    expect(&app, "POST", "", &[COOKIE, HOST, EVIL], 200).await;
    expect(&app, "POST", "", &[COOKIE, HOST, OWN], 200).await;
    expect(&app, "POST", "", &[COOKIE, HOST, ("origin", "https://other.example")], 403).await;
    for twice in [[OWN, EVIL], [EVIL, OWN], [OWN, OWN]] {
        expect(&app, "POST", "", &[COOKIE, HOST, twice[0], twice[1]], 400).await;
    }
}
