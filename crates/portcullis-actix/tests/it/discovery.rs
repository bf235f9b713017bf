//! The metadata of the protected resource on routes.

use crate::ask::{ask, expect};
use actix_web::App;
use portcullis_actix::Routes;
use portcullis_core::{Gate, ProtectedResource, Scheme, policy::*, testing::TestIssuer};
use std::panic::{AssertUnwindSafe, catch_unwind};

const METADATA: &str = "/.well-known/oauth-protected-resource/api";

fn gate(address: &str) -> Gate {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    let resource = ProtectedResource::new(address).unwrap();
    Gate::builder().scheme(scheme).protected_resource(resource).build().unwrap()
}

#[actix_web::test]
async fn everyone_can_read_it_at_the_root() {
    let gate = gate("https://api.example.com/api");
    let inner = Routes::new(&gate)
        .get("/b", scope("b"), async || "b")
        .resource_metadata()
        .get("/secret", hidden(scope("secret")), async || "secret")
        .get("/not", all((authenticated(), not(scope("not")))), async || "not");
    let routes = Routes::new(&gate)
        .nest("/api", inner)
        .get("/a", any((scope("c"), all((scope("a"), staff())))), async || "a")
        .get("/again", scope("a"), async || "again");
    routes.table().assert_all_guarded([METADATA]);
    let app = serve!(App::new().configure(routes.into_config()));
    let answer = ask(&app, "GET", METADATA, "").await;
    let metadata = concat!(
        r#"{"authorization_servers":["https://issuer.test"],"bearer_methods_supported":["header"],"#,
        r#""resource":"https://api.example.com/api","scopes_supported":["a","b","c"]}"#
    );
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, metadata));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(ask(&app, "GET", METADATA, "forged").await.body, metadata, "no credential is read");
    let table =
        [("GET /.well-known/oauth-protected-resource", 404), ("GET /api/.well-known/oauth-protected-resource", 404)];
    expect(&app, "", &table).await;
    let challenge = ask(&app, "GET", "/api/b", "").await;
    let url = format!("Bearer resource_metadata=\"https://api.example.com{METADATA}\"");
    assert_eq!((challenge.status.as_u16(), challenge.header("www-authenticate")), (401, Some(&*url)));
}

#[actix_web::test]
async fn each_gate_has_its_own() {
    let (users, robots) = (gate("https://api.example.com/users"), gate("https://api.example.com/robots"));
    let routes = |gate, scoped| Routes::new(gate).resource_metadata().get("/x", scope(scoped), async || "x");
    let routes = Routes::new(&users).nest("/users", routes(&users, "walk")).nest("/robots", routes(&robots, "roll"));
    let app = serve!(App::new().configure(routes.into_config()));
    for (path, scope) in [("users", "walk"), ("robots", "roll")] {
        let answer = ask(&app, "GET", &format!("/.well-known/oauth-protected-resource/{path}"), "").await;
        assert!(answer.body.ends_with(&format!("\"scopes_supported\":[\"{scope}\"]}}")), "{}", answer.body);
    }
}

#[test]
fn what_no_client_would_find_is_refused_at_start() {
    let panics = |routes: &dyn Fn() -> Routes| catch_unwind(AssertUnwindSafe(|| drop(routes().into_config()))).is_err();
    let gate = gate("https://api.example.com/api");
    let plain = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).build().unwrap();
    assert!(!panics(&|| Routes::new(&gate).resource_metadata()));
    assert!(panics(&|| Routes::new(&gate).resource_metadata().below("/api")));
    assert!(panics(&|| Routes::new(&gate).resource_metadata().resource_metadata()));
    assert!(panics(&|| Routes::new(&gate).resource_metadata().get(METADATA, staff(), async || "")));
    assert!(panics(&|| Routes::new(&plain).resource_metadata()));
}
