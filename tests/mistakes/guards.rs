//! Guards that do not cover a route.

use crate::{assert_accepted, assert_refused, send, send_actix};
use axum::http;
use portcullis::{Error, Gate, Scheme, policy::staff, testing::TestIssuer};

fn gate(issuer: &TestIssuer) -> Result<Gate, Error> {
    Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()
}

async fn admin() -> &'static str {
    "welcome"
}

async fn export() -> &'static str {
    "everything"
}

#[tokio::test]
async fn route_after_the_layer_of_axum() -> Result<(), Error> {
    use axum::{Router, routing::get};
    use portcullis::axum::{GateExt, Routes};

    let issuer = TestIssuer::new();
    let gate = &gate(&issuer)?;
    let by_staff = format!("Bearer {}", issuer.token("alice").staff().sign());
    let request = http::Request::get;

    let mistaken =
        Router::new().route("/admin", get(admin)).layer(gate.require(staff())).route("/admin/export", get(export));
    assert_eq!(send(&mistaken, request("/admin")).await.0, 401);
    assert_accepted(send(&mistaken, request("/admin/export")).await);

    let enforced = mistaken.layer(gate.enforce());
    assert_refused(send(&enforced, request("/admin/export")).await, 500);

    let layered = as_shown!(
        Router::new()
            .route("/admin", get(admin))
            .route("/admin/export", get(export))
            .layer(gate.require(staff()))
            .layer(gate.enforce())
    );
    let routes =
        as_shown!(Routes::new(gate).get("/admin", staff(), admin).get("/admin/export", staff(), export).into_router());
    for fixed in [layered, routes] {
        assert_eq!(send(&fixed, request("/admin/export")).await.0, 401);
        assert_accepted(send(&fixed, request("/admin/export").header("authorization", &by_staff)).await);
    }
    Ok(())
}

#[actix_web::test]
async fn resource_before_the_scope_of_actix() -> Result<(), Error> {
    use actix_web::{
        App,
        test::{TestRequest, init_service},
        web::{self, ServiceConfig},
    };
    use portcullis::actix::{GateExt, Routes};

    let issuer = TestIssuer::new();
    let gate = gate(&issuer)?;
    let by_staff = ("authorization", format!("Bearer {}", issuer.token("alice").staff().sign()));
    let request = || TestRequest::with_uri("/admin/export");

    let services = |config: &mut ServiceConfig| {
        let scope = web::scope("/admin").wrap(gate.require(staff())).route("", web::get().to(admin));
        config.route("/admin/export", web::get().to(export)).service(scope);
    };
    let mistaken = init_service(App::new().configure(services)).await;
    assert_eq!(send_actix(&mistaken, TestRequest::with_uri("/admin").to_request()).await.0, 401);
    assert_accepted(send_actix(&mistaken, request().to_request()).await);

    let enforced = init_service(App::new().configure(services).wrap(gate.enforce())).await;
    assert_refused(send_actix(&enforced, request().to_request()).await, 500);

    let scoped = as_shown!(
        web::scope("/admin")
            .wrap(gate.require(staff()))
            .route("", web::get().to(admin))
            .route("/export", web::get().to(export))
    );
    let scoped = init_service(App::new().service(scoped).wrap(gate.enforce())).await;
    assert_eq!(send_actix(&scoped, request().to_request()).await.0, 401);
    assert_accepted(send_actix(&scoped, request().insert_header(by_staff.clone()).to_request()).await);

    let routes = Routes::new(&gate)
        .route("/admin", staff(), web::get().to(admin))
        .route("/admin/export", staff(), web::get().to(export))
        .into_config();
    let routes = init_service(App::new().configure(routes).wrap(gate.enforce())).await;
    assert_eq!(send_actix(&routes, request().to_request()).await.0, 401);
    assert_accepted(send_actix(&routes, request().insert_header(by_staff).to_request()).await);
    Ok(())
}
