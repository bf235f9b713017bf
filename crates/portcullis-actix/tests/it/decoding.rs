//! The guard looks at the identifier that the handler goes by, however it is encoded.

use crate::{
    ask::{Served, expect, get_as},
    cast::{self, Names, Projects, View},
};
use actix_web::{App, http::Uri, web};
use portcullis_actix::{Authorized, GateExt, Rejection, Routes};
use portcullis_core::{Gate, policy::*};

/// A segment as it is sent, and decoded as `web::Path` decodes it.
const SEGMENTS: [(&str, &str); 33] = [
    ("42", "42"),
    ("%34%32", "42"),
    ("%34", "4"),
    ("a%2Fb", "a/b"),
    ("a%2fb", "a/b"),
    ("a%252Fb", "a%2Fb"),
    ("a%25252Fb", "a%252Fb"),
    ("a%25b", "a%b"),
    ("a%2525b", "a%25b"),
    ("a%25", "a%"),
    ("%25", "%"),
    ("%2525", "%25"),
    ("%25%32%46", "%2F"),
    ("a%2Bb", "a+b"),
    ("a%252Bb", "a%2Bb"),
    ("a+b", "a+b"),
    ("a%20b", "a b"),
    ("a%b", "a%b"),
    ("a%zz", "a%zz"),
    ("a%2", "a%2"),
    ("a%", "a%"),
    ("%", "%"),
    ("%%", "%%"),
    ("42%00", "42\0"),
    ("%0a%0d", "\n\r"),
    ("%C3%A9", "é"),
    ("%F0%9F%98%80", "😀"),
    ("%ff", "\u{fffd}"),
    ("a%C3", "a\u{fffd}"),
    ("..", ".."),
    ("%2e%2e", ".."),
    ("a;b=c", "a;b=c"),
    ("a:b@c", "a:b@c"),
];

/// What decodes in two steps, because actix-web does: first all but `%`, `/` and `+`, then the rest.
const TWICE: [(&str, &str); 4] = [("%%32F", "/"), ("%2%35", "%"), ("a%%32%46b", "a/b"), ("%%32%35", "%")];

#[derive(serde::Deserialize)]
struct Id {
    id: String,
}

/// Handlers that say the identifier as they see it, each behind a guard that asks about it.
async fn app(gate: &Gate) -> Served {
    // Lets everybody in who is asked about, so that the handler says what it saw.
    let always = || any((cast::VIEW, authenticated()));
    let by_text = || web::get().to(async |id: web::Path<String>| id.into_inner());
    let by_pair = || web::get().to(async |pair: web::Path<(String, String)>| pair.into_inner().1);
    let by_first = || web::get().to(async |pair: web::Path<(String, String)>| pair.into_inner().0);
    let by_name = || web::get().to(async |id: web::Path<Id>| id.into_inner().id);
    let by_last = || web::get().to(async |all: web::Path<Vec<String>>| all.last().cloned().unwrap_or_default());
    let inner = Routes::new(gate).route("/text", always(), by_text()).route("/name", always(), by_name()).route(
        "/pair/{other}",
        always(),
        by_first(),
    );
    let extract = async |_: Result<Authorized<View>, Rejection>, id: web::Path<String>| id.into_inner();
    let routes = Routes::new(gate)
        .route("/plain/{id}/x", anyone(), by_text())
        .route("/text/{id}/x", always(), by_text())
        .route("/pair/{a}/{id}", always(), by_pair())
        .route("/name/{id}", always(), by_name())
        .route("/last/{id}", always(), by_last())
        .route("/regex/{id:[^/]+}", always(), by_text())
        .route("/tail/{id:.*}", always(), by_text())
        .route("/between/-{id}-", always(), by_text())
        .route("/extract/{id}/x", anyone(), web::get().to(extract))
        .nest("/nest/{id}", inner);
    let scope = web::scope("/scope/{id}").wrap(gate.require(always())).route("/x", by_text());
    serve!(App::new().service(scope).configure(routes.into_config()))
}

const PATHS: [&str; 13] = [
    "/text/{}/x",
    "/pair/a/{}",
    "/pair/%25/{}",
    "/name/{}",
    "/last/{}",
    "/regex/{}",
    "/tail/{}",
    "/between/-{}-",
    "/extract/{}/x",
    "/nest/{}/text",
    "/nest/{}/name",
    "/nest/{}/pair/%2F",
    "/scope/{}/x",
];

fn recording() -> (Projects, Gate) {
    let projects = Projects::default();
    let gate = cast::builder_over(cast::scheme(&Names::default()), &projects).build().unwrap();
    (projects, gate)
}

#[actix_web::test]
async fn guard_extractor_and_handler_see_one_identifier() {
    let (projects, gate) = recording();
    let app = app(&gate).await;
    for (sent, decoded) in SEGMENTS.into_iter().chain(TWICE) {
        let plain = get_as(&app, &format!("/plain/{sent}/x"), "alice").await;
        assert_eq!(plain.body, decoded, "{sent}: {plain:?}");
        assert!(projects.asked().is_empty());
        for path in PATHS {
            let path = path.replace("{}", sent);
            let answer = get_as(&app, &path, "alice").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, decoded), "{path}");
            assert_eq!(projects.asked(), [decoded], "{path}");
        }
    }
}

/// Every segment of up to three of these pieces.
#[actix_web::test]
async fn whatever_is_sent_both_see_the_same() {
    let pieces = ["a", "%", "%2", "F", "%2F", "%25", "%2B", "+", "%32", "%46", "%00", "%C3", "%a9", "%zz"];
    let (projects, gate) = recording();
    let app = app(&gate).await;
    let mut seen = 0;
    for a in pieces {
        for b in pieces {
            for c in ["", "5", "F"].into_iter().chain(pieces) {
                let path = format!("/last/{a}{b}{c}");
                if Uri::try_from(&path).is_err() {
                    continue;
                }
                let answer = get_as(&app, &path, "alice").await;
                if answer.status == 404 {
                    continue;
                }
                assert_eq!(projects.asked(), [answer.body.as_str()], "{path}: {answer:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 3000, "{seen}");
}

/// A tail may have slashes of its own, and those that are encoded look the same.
#[actix_web::test]
async fn tails_are_seen_whole() {
    let (projects, gate) = recording();
    let app = app(&gate).await;
    for (sent, decoded) in [
        ("/", "/"),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("a//b/", "a//b/"),
        ("a/../b", "a/../b"),
        ("a/%2e%2e/b", "a/../b"),
        ("a/%25/b%", "a/%/b%"),
        ("a/%C3%A9/%ff", "a/é/\u{fffd}"),
    ] {
        let answer = get_as(&app, &format!("/tail/{sent}"), "alice").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, decoded), "{sent}");
        assert_eq!(projects.asked(), [decoded], "{sent}");
    }
    // An empty tail names nothing.
    let answer = get_as(&app, "/tail/", "alice").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("parameter_missing"), "{answer:?}");
    assert!(projects.asked().is_empty());
}

/// The decision itself: accepted and refused by what it decodes to.
#[actix_web::test]
async fn a_guard_decides_by_the_decoded_identifier() {
    let gate = cast::gate();
    let app = serve!(
        App::new()
            .app_data(gate.clone())
            .service(web::resource("/g/{id}").to(cast::open).wrap(gate.require(cast::VIEW)))
            .route("/e/{id}", web::get().to(async |_: Authorized<View>| ""))
    );
    for (sent, status) in [
        ("42", 200),
        ("%34%32", 200),
        ("a%2Fb", 200),
        ("a%2fb", 200),
        ("a%%32Fb", 200),
        ("a%252Fb", 403),
        ("42%00", 403),
        ("%3442", 403),
        ("42%20", 403),
        ("+42", 403),
        ("%ff", 403),
    ] {
        for prefix in ["GET /g/", "GET /e/"] {
            expect(&app, "viewer", &[(&format!("{prefix}{sent}"), status)]).await;
            expect(&app, "alice", &[(&format!("{prefix}{sent}"), 403)]).await;
            expect(&app, "", &[(&format!("{prefix}{sent}"), 401)]).await;
        }
    }
}
