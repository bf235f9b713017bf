//! What an OpenAPI document says of refusals is what services answer, on each of the frameworks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::exhaustive_structs,
    dead_code,
    missing_docs,
    reason = "tests"
)]

use actix_web::{App, test::TestRequest};
use axum::body::Body;
use portcullis::{
    Error, Gate, Membership, Principal, RoleHierarchy, Scheme, SharedSecret, Standing, policy::*, testing::TestIssuer,
};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::OpenApi;

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

#[utoipa::path(get, path = "/news", responses((status = 200)))]
fn news() {}
#[utoipa::path(get, path = "/me", responses((status = 200), (status = 401, description = "Sign in first.")))]
fn me() {}
#[utoipa::path(get, path = "/projects/{id}", params(("id", Path)), responses((status = 200)))]
fn project() {}
#[utoipa::path(delete, path = "/projects/{id}", params(("id", Path)), responses((status = 200)))]
fn delete_project() {}
#[utoipa::path(get, path = "/sync", responses((status = 200)))]
fn sync() {}
#[utoipa::path(get, path = "/elsewhere", responses((status = 200)))]
fn elsewhere() {}

#[derive(OpenApi)]
#[openapi(paths(news, me, project, delete_project, sync, elsewhere))]
struct Api;

/// alice owns project 1 and views project 2; the database of project 9 is down.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        match (who.id().subject(), id) {
            (_, 9) => Err(Error::new(portcullis::ErrorKind::Unavailable, "the database is down")),
            (_, 10..) => Ok(Standing::missing()),
            ("alice", 1) => Ok(Standing::role("owner")),
            ("alice", 2) => Ok(Standing::role("viewer")),
            _ => Ok(Standing::stranger()),
        }
    }
}

const READ: &dyn Policy = &role("viewer").on("project", path("id")).hidden();
const DELETE: &dyn Policy = &role("owner").on("project", path("id"));

fn gate() -> Gate {
    let secret = SharedSecret::new("role-sync", SECRET).unwrap();
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).cookie("__Host-session").bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync-secret"))
        .roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
        .membership("project", Projects)
        .build()
        .unwrap()
}

macro_rules! routes {
    (axum) => {
        routes!(portcullis::axum::Routes::<Gate>::new)
    };
    (actix) => {
        routes!(portcullis::actix::Routes::new)
    };
    ($new:path) => {
        $new(&gate())
            .get("/news", anyone(), async || "news")
            .get("/me", authenticated(), async || "me")
            .get("/projects/{id}", READ, async || "read")
            .delete("/projects/{id}", DELETE, async || "deleted")
            .get("/sync", via("sync"), async || "synchronized")
            .get("/undocumented", staff(), async || "undocumented")
    };
}

/// The document, and the gaps in words.
macro_rules! document {
    ($framework:ident) => {{
        let mut document = Api::openapi();
        let routes = routes!($framework);
        let gaps = routes.table().openapi(&mut document);
        assert_eq!(gaps.operations(), ["GET /elsewhere"]);
        assert_eq!(gaps.routes().len(), 1, "{gaps}");
        assert!(gaps.to_string().contains("GET /undocumented"), "{gaps}");
        serde_json::to_value(&document).unwrap()
    }};
}

/// Each answer to these requests is documented.
fn assert_answers(document: &Value, send: impl Fn(&str, &str, Option<(&str, String)>) -> u16) {
    let token = |who: &str| Some(("authorization", format!("Bearer {}", TestIssuer::new().token(who).sign())));
    let cookie = ("cookie", format!("__Host-session={}", TestIssuer::new().token("alice").sign()));
    let credentials = [
        None,
        Some(("authorization", "Bearer forged".to_owned())),
        Some(("authorization", "Bearer a b".to_owned())),
        Some(("x-sync-secret", SECRET.to_owned())),
        Some(("x-sync-secret", "wrong".to_owned())),
        Some(cookie),
        token("alice"),
        token("bob"),
    ];
    let mut answers = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if path == "/elsewhere" {
                assert!(operation.get("security").is_none());
                continue;
            }
            let mut seen: Vec<String> = Vec::new();
            for id in ["1", "2", "3", "9", "10", "x", "%FF", "4294967296"] {
                for credential in &credentials {
                    seen.push(send(method, &path.replace("{id}", id), credential.clone()).to_string());
                }
            }
            seen.sort();
            seen.dedup();
            let documented = operation["responses"].as_object().unwrap();
            for status in &seen {
                assert!(documented.contains_key(status), "{method} {path} answers {status}: {operation}");
            }
            if method == "delete" {
                assert_eq!(seen, ["200", "400", "401", "403", "404", "503"]);
            }
            answers += seen.len();
        }
    }
    assert!(answers > 12, "only {answers} kinds of answers");
}

#[test]
fn both_frameworks_have_one_document() {
    let document = document!(axum);
    assert_eq!(document, document!(actix));
    let of = |path: &str, method: &str| document["paths"][path][method].clone();
    assert_eq!(of("/news", "get")["security"], json!([]));
    assert_eq!(of("/news", "get")["responses"].as_object().unwrap().len(), 1);
    assert_eq!(of("/me", "get")["responses"]["401"]["description"], "Sign in first.");
    assert_eq!(of("/sync", "get")["security"], json!([{ "sync": [] }]));
    let schemes = &document["components"]["securitySchemes"];
    let sync =
        json!({ "type": "apiKey", "name": "x-sync-secret", "in": "header", "description": "header `x-sync-secret`" });
    assert_eq!(schemes["sync"], sync);
    assert_eq!(schemes["bearer"]["scheme"], "bearer");
    assert!(of("/projects/{id}", "delete")["responses"].get("403").is_some());
}

/// By a reader of OpenAPI 3.1 that is not the crate which writes it.
#[test]
fn another_reader_finds_each_security_scheme_and_response() {
    let document = document!(axum);
    let read = oas3::from_json(document.to_string()).unwrap();
    assert!(read.openapi.starts_with("3.1."), "{}", read.openapi);
    let schemes = &read.components.as_ref().unwrap().security_schemes;
    let mut names = Vec::new();
    for (path, method, operation) in read.operations() {
        let security = operation.security.iter().flat_map(|requirement| requirement.0.keys());
        for name in security.clone() {
            assert!(schemes.contains_key(name), "{path}: {name}");
        }
        names.extend(security.cloned());
        let written = &document["paths"][&path][method.as_str().to_lowercase()]["responses"];
        let responses = operation.responses(&read);
        assert_eq!(responses.len(), written.as_object().unwrap().len(), "{path}");
        assert!(responses.values().all(|response| response.description.is_some()), "{path}");
    }
    names.sort();
    names.dedup();
    assert_eq!(names, ["bearer", "cookie___Host-session", "sync"]);
    assert!(schemes.values().all(|scheme| scheme.resolve(&read).is_ok()));
    // It tells what is no security scheme.
    let mut broken = document.clone();
    broken["components"]["securitySchemes"]["sync"]["type"] = "secret".into();
    assert!(oas3::from_json(broken.to_string()).is_err());
}

#[test]
fn axum_answers_as_documented() {
    let service = routes!(axum).into_router().with_state(gate());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_answers(&document!(axum), |method, path, credential| {
        let request = http::Request::builder().method(&*method.to_uppercase()).uri(path);
        let request = credential.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer = runtime.block_on(service.clone().oneshot(request.body(Body::empty()).unwrap()));
        answer.unwrap().status().as_u16()
    });
}

#[test]
fn actix_web_answers_as_documented() {
    assert_answers(&document!(actix), |method, path, credential| {
        actix_web::rt::System::new().block_on(async move {
            let app = actix_web::test::init_service(App::new().configure(routes!(actix).into_config())).await;
            let method = method.to_uppercase().parse().unwrap();
            let request = TestRequest::with_uri(path).method(method);
            let request = credential.into_iter().fold(request, |request, header| request.insert_header(header));
            match actix_web::test::try_call_service(&app, request.to_request()).await {
                Ok(answer) => answer.status().as_u16(),
                Err(error) => error.as_response_error().status_code().as_u16(),
            }
        })
    });
}
