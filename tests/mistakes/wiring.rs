//! A gate that is not where it is looked for. What the compiler says to the first and the last: see `compiler.rs`.

use crate::{assert_accepted, assert_page_shows, assert_refused, send, send_actix};
use axum::http;
use portcullis::{Error, Gate, Scheme, policy::staff, testing::TestIssuer};

fn gate(issuer: &TestIssuer) -> Result<Gate, Error> {
    Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()
}

#[tokio::test]
async fn gate_in_the_state_of_axum() -> Result<(), Error> {
    use axum::{Router, extract::FromRef, routing::get};
    use portcullis::axum::Authenticated;

    #[derive(Clone)]
    struct AppState {
        gate: Gate,
    }

    async fn me(Authenticated(principal): Authenticated) -> String {
        principal.id().subject().to_owned()
    }

    as_shown! {
        impl FromRef<AppState> for Gate {
            fn from_ref(state: &AppState) -> Gate {
                state.gate.clone()
            }
        }
    }
    let issuer = TestIssuer::new();
    let gate = gate(&issuer)?;
    let in_state = Router::new().route("/me", get(me)).with_state(AppState { gate: gate.clone() });
    let as_state = Router::new().route("/me", get(me)).with_state(gate);
    let by_alice = format!("Bearer {}", issuer.token("alice").sign());
    for fixed in [in_state, as_state] {
        assert_accepted(send(&fixed, http::Request::get("/me").header("authorization", &by_alice)).await);
        assert_eq!(send(&fixed, http::Request::get("/me")).await.0, 401);
    }
    Ok(())
}

#[actix_web::test]
async fn gate_in_the_app_data_of_actix() -> Result<(), Error> {
    use actix_web::{
        App,
        test::{TestRequest, init_service},
        web,
    };
    use portcullis::actix::Authenticated;

    async fn me(Authenticated(principal): Authenticated) -> String {
        principal.id().subject().to_owned()
    }

    let issuer = TestIssuer::new();
    let gate = gate(&issuer)?;
    let by_alice = ("authorization", format!("Bearer {}", issuer.token("alice").sign()));
    let request = || TestRequest::with_uri("/me").insert_header(by_alice.clone()).to_request();

    let mistaken = init_service(App::new().route("/me", web::get().to(me))).await;
    assert_refused(send_actix(&mistaken, request()).await, 500);

    let fixed = as_shown!(App::new().app_data(gate.clone()).route("/me", web::get().to(me)));
    let fixed = init_service(fixed).await;
    assert_accepted(send_actix(&fixed, request()).await);
    assert_eq!(send_actix(&fixed, TestRequest::with_uri("/me").to_request()).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn trait_of_the_gate() -> Result<(), Error> {
    use axum::{Router, routing::get};

    let issuer = TestIssuer::new();
    let gate = gate(&issuer)?;
    let fixed = as_shown! {
        use portcullis::axum::GateExt;

        Router::new().route("/admin", get(async || "welcome")).layer(gate.require(staff()))
    };
    let by = |token: String| http::Request::get("/admin").header("authorization", format!("Bearer {token}"));
    assert_accepted(send(&fixed, by(issuer.token("alice").staff().sign())).await);
    assert_eq!(send(&fixed, by(issuer.token("bob").sign())).await.0, 403);
    Ok(())
}

/// The compiler offers tower's trait as well, and cannot know that it has no path parameters.
#[test]
fn trait_of_the_gate_for_plain_tower() -> Result<(), Error> {
    use portcullis::{
        Membership, Principal, Standing,
        policy::{path, role},
        tower::GateExt,
    };

    #[derive(Debug)]
    struct Nobody;
    impl Membership for Nobody {
        type Id = u32;

        async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
            Ok(Standing::stranger())
        }
    }

    let roles = portcullis::RoleHierarchy::ranked(["viewer"])?;
    let issuer = TestIssuer::new();
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .roles(roles)
        .membership("project", Nobody)
        .build()?;
    let error = gate.try_require(role("viewer").on("project", path("id"))).unwrap_err();
    assert_page_shows(&error.to_string());
    Ok(())
}
