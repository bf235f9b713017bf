//! What a handler makes of a refusal. What the compiler says: see `compiler.rs`.

use crate::{assert_accepted, assert_refused, send, send_actix};
use actix_web::{
    App,
    test::{TestRequest, init_service},
    web,
};
use axum::{Router, http::Request, routing::get};
use portcullis::{Error, Gate, Scheme, testing::TestIssuer};

fn gate(issuer: &TestIssuer) -> Result<Gate, Error> {
    Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()
}

#[actix_web::test]
async fn expired_token_of_a_guest_on_actix() -> Result<(), Error> {
    use portcullis::actix::Authenticated;

    async fn mistaken(visitor: Option<Authenticated>) -> &'static str {
        visitor.map_or("a guest", |_| "alice")
    }
    items_as_shown! {
        use portcullis::actix::Visitor;

        async fn home(Visitor(visitor): Visitor) -> String {
            match visitor {
                Some(principal) => format!("welcome, {}", principal.id().subject()),
                None => "welcome".into(),
            }
        }
    }
    let issuer = TestIssuer::new();
    let gate = gate(&issuer)?;
    let app = App::new().app_data(gate).route("/mistaken", web::get().to(mistaken)).route("/", web::get().to(home));
    let app = init_service(app).await;
    let now = issuer.clock().seconds();
    let by = |path: &str, exp: u64| {
        let token = issuer.token("alice").claim("exp", exp).sign();
        TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {token}"))).to_request()
    };
    // As a guest, and nobody hears of it.
    assert_accepted(send_actix(&app, by("/mistaken", now - 2)).await);
    assert_refused(send_actix(&app, by("/", now - 2)).await, 401);
    assert_accepted(send_actix(&app, by("/", now + 2)).await);
    assert_accepted(send_actix(&app, TestRequest::with_uri("/").to_request()).await);
    Ok(())
}

#[tokio::test]
async fn expired_token_of_a_guest_on_axum() -> Result<(), Error> {
    use portcullis::axum::{Authenticated, Rejection, Visitor};

    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/mistaken", get(async |who: Result<Authenticated, Rejection>| who.ok().map_or("a guest", |_| "alice")))
        .route("/optional", get(async |_: Option<Authenticated>| "welcome"))
        .route("/visitor", get(async |_: Visitor| "welcome"))
        .with_state(gate(&issuer)?);
    let expired = issuer.token("alice").claim("exp", issuer.clock().seconds() - 2).sign();
    let by_alice = |path: &str| Request::get(path).header("authorization", format!("Bearer {expired}"));
    assert_accepted(send(&app, by_alice("/mistaken")).await);
    for path in ["/optional", "/visitor"] {
        assert_refused(send(&app, by_alice(path)).await, 401);
        assert_accepted(send(&app, Request::get(path)).await);
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Mine {
    email: String,
}

#[tokio::test]
async fn error_of_a_handler_on_axum() -> Result<(), Error> {
    items_as_shown! {
        use portcullis::axum::{Authenticated, Rejection};

        async fn email(Authenticated(principal): Authenticated) -> Result<String, Rejection> {
            Ok(principal.claims::<Mine>()?.email.clone())
        }
    }
    let issuer = TestIssuer::new();
    let app = Router::new().route("/", get(email)).with_state(gate(&issuer)?);
    let by = |token: String| Request::get("/").header("authorization", format!("Bearer {token}"));
    assert_refused(send(&app, by(issuer.token("alice").sign())).await, 401);
    assert_accepted(send(&app, by(issuer.token("alice").claim("email", "alice@example.com").sign())).await);
    Ok(())
}

#[actix_web::test]
async fn error_of_a_handler_on_actix() -> Result<(), Error> {
    use portcullis::actix::{Authenticated, Rejection};

    async fn mistaken(Authenticated(who): Authenticated) -> Result<String, Box<dyn std::error::Error>> {
        Ok(who.claims::<Mine>()?.email.clone())
    }
    async fn fixed(Authenticated(who): Authenticated) -> Result<String, Rejection> {
        Ok(who.claims::<Mine>()?.email.clone())
    }
    let issuer = TestIssuer::new();
    let app = App::new().app_data(gate(&issuer)?).route("/mistaken", web::get().to(mistaken));
    let app = init_service(app.route("/", web::get().to(fixed))).await;
    let by = |path: &str, token: String| {
        TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {token}"))).to_request()
    };
    assert_eq!(send_actix(&app, by("/mistaken", issuer.token("alice").sign())).await, (500, String::new()));
    assert_refused(send_actix(&app, by("/", issuer.token("alice").sign())).await, 401);
    let token = issuer.token("alice").claim("email", "alice@example.com").sign();
    assert_accepted(send_actix(&app, by("/", token)).await);
    Ok(())
}
