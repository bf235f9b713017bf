//! CORS around the routes: `Routes::layer` on axum, `App::wrap` on actix-web. The layers are those of two other crates, and
//! what a page gets is alike.

use crate::{
    cast::token,
    row::{Answer, Request, Row, ask, forbidden, get, not_found, ok, post, row, unauthorized},
    run::block_on,
    sites::Site,
    ways::{Outside, Serve, Way},
};
use std::collections::HashMap;

pub const APP: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example";

fn from(origin: &'static str, request: Request) -> Request {
    request.header("origin", origin)
}

/// What a browser asks before a page of this origin sends a bearer token.
fn preflight(origin: &'static str, path: &str) -> Request {
    let request = from(origin, ask("OPTIONS", path)).header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "authorization")
}

/// No guard asks for the credential that a preflight never has.
fn preflights() -> Vec<Row> {
    let allowed = |path: &str| row(format!("preflight of {path}"), preflight(APP, path), ok(""));
    ["/open", "/me", "/staff", "/hidden-staff", "/p/42", "/n/me", "/by-secret", "/unknown"].map(allowed).into()
}

/// The page of an allowed origin reads every answer, refusals too.
fn readable() -> Vec<Row> {
    let app = |request: Request| from(APP, request);
    vec![
        row("nobody", app(get("/me")), unauthorized("credential_missing")),
        row("an invalid token", app(post("/me")).bearer("opaque"), unauthorized("invalid_token")),
        row("somebody", app(post("/me")).by("alice"), ok("alice")),
        row("denied", app(get("/staff")).by("alice"), forbidden("staff_required")),
        row("denied, nested", app(get("/n/hidden-staff")).by("alice"), not_found()),
        row("not a member", app(get("/p/42")).by("alice"), forbidden("not_a_member")),
        row("a member", app(get("/p/42")).by("viewer"), ok("viewer id=42")),
        row("an unknown path", app(get("/unknown")).by("alice"), not_found()),
        row("a cookie", app(post("/me")).cookie(&token("alice")).at(Site::Browser), ok("alice")),
        row(
            "a cookie that other origins may not use",
            app(post("/me")).cookie(&token("alice")),
            forbidden("cross_origin"),
        ),
    ]
}

/// CORS decides who reads the answer; it guards nothing.
fn unreadable() -> Vec<Row> {
    let other = |request: Request| from(OTHER, request);
    vec![
        row("another origin: nobody", other(get("/me")), unauthorized("credential_missing")),
        row("another origin: a token", other(post("/me")).by("alice"), ok("alice")),
        row("another origin: a cookie", other(post("/me")).cookie(&token("alice")), forbidden("cross_origin")),
        row("no origin", get("/me"), unauthorized("credential_missing")),
    ]
}

/// The answer without what is said about CORS, and what that is.
fn split(answer: Answer) -> (Answer, HashMap<String, String>) {
    let is_cors = |name: &str| name == "vary" || name.starts_with("access-control-");
    let (cors, headers) = answer.headers.into_iter().partition(|(name, _)| is_cors(name));
    (Answer { headers, ..answer }, Vec::into_iter(cors).collect())
}

async fn run(way: Way) {
    let mut sites: HashMap<Site, Serve> = HashMap::new();
    for site in [Site::Every, Site::Browser] {
        sites.insert(site, way.serve(site.gate(), Outside::Cors).await);
    }
    for (rows, is_readable) in [(preflights(), true), (readable(), true), (unreadable(), false)] {
        for Row { name, request, expected } in rows {
            let method = request.method;
            let origin = request.headers.iter().find(|(name, _)| *name == "origin").map(|(_, value)| value.clone());
            let (answer, cors) = split(sites[&request.site](request).await);
            let allowed = cors.get("access-control-allow-origin").map(|origin| origin.clone().into_bytes());
            assert_eq!(allowed.is_some() && allowed == origin, is_readable, "{way:?}, {name}: {cors:?}");
            if let Some(how) = answer.differs_from(&expected, method) {
                panic!("{way:?}, {name}: {how}");
            }
            if method == "OPTIONS" {
                assert!(cors["access-control-allow-headers"].contains("authorization"), "{way:?}, {name}: {cors:?}");
                assert!(cors["access-control-allow-methods"].contains("POST"), "{way:?}, {name}: {cors:?}");
            }
        }
    }
    // A page that may not is told so in one way or the other, and reaches no handler.
    let (answer, cors) = split(sites[&Site::Every](preflight(OTHER, "/open")).await);
    let allowed = cors.get("access-control-allow-origin").map(String::as_str);
    assert!(allowed != Some(OTHER) && answer.body != "open", "{way:?}: {answer:?} {cors:?}");
}

#[test]
fn cors_around_axum_routes() {
    block_on(run(Way::AxumRoutes));
}

#[test]
fn cors_around_actix_routes() {
    block_on(run(Way::ActixRoutes));
}
