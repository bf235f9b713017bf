//! The extractors: absent, invalid and valid are three things, for each of them.

use crate::{
    ask::{Served, ask, expect, get_as, request, send},
    cast::{self, Names, Staff, View, ViewHidden},
};
use actix_web::{
    App, Error as ActixError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use portcullis_actix::{Authenticated, Authorized, Rejection, Visitor};
use portcullis_core::{Error, ErrorKind, Gate, Requirement, ResourceRef, Role, Scheme, policy::*, testing::TestIssuer};
use std::error::Error as _;

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

async fn visitor(Visitor(who): Visitor) -> String {
    who.map_or("nobody".to_owned(), |who| who.id().subject().to_owned())
}

async fn view(access: Authorized<View>) -> String {
    let role = access.role().map_or("no role", Role::as_str).to_owned();
    format!(
        "{} {role} {}",
        access.principal().unwrap().id().subject(),
        access.resource().map_or("nothing", ResourceRef::id)
    )
}

async fn lounge(access: Authorized<Staff>) -> String {
    format!("{} {:?} {:?}", access.principal().unwrap().id().subject(), access.role(), access.resource())
}

fn paths(config: &mut ServiceConfig) {
    config
        .route("/me", web::get().to(me))
        .route("/visitor", web::get().to(visitor))
        .route("/lounge", web::get().to(lounge))
        .route("/projects/{id}", web::get().to(view))
        .route("/secret/{id}", web::get().to(async |_: Authorized<ViewHidden>| "seen"));
}

/// The gate in each of the two forms.
async fn apps(gate: &Gate) -> [Served; 2] {
    [
        serve!(App::new().app_data(gate.clone()).configure(paths)),
        serve!(App::new().app_data(web::Data::new(gate.clone())).configure(paths)),
    ]
}

#[actix_web::test]
async fn each_extractor_tells_absent_invalid_and_valid_apart() {
    for (names, gate) in cast::fast_and_slow() {
        for app in apps(&gate).await {
            for (path, who, status, body) in [
                ("/me", "", 401, None),
                ("/me", "broken", 401, None),
                ("/me", "expired", 401, None),
                ("/me", "foreign", 401, None),
                ("/me", "down", 503, None),
                ("/me", "alice", 200, Some("alice")),
                ("/visitor", "", 200, Some("nobody")),
                ("/visitor", "broken", 401, None),
                ("/visitor", "expired", 401, None),
                ("/visitor", "down", 503, None),
                ("/visitor", "alice", 200, Some("alice")),
                ("/lounge", "", 401, None),
                ("/lounge", "broken", 401, None),
                ("/lounge", "expired", 401, None),
                ("/lounge", "alice", 403, None),
                ("/lounge", "staff", 200, Some("staff None None")),
                ("/projects/42", "", 401, None),
                ("/projects/42", "broken", 401, None),
                ("/projects/42", "alice", 403, None),
                ("/projects/42", "viewer", 200, Some("viewer viewer 42")),
                ("/projects/42", "owner", 200, Some("owner owner 42")),
                ("/projects/43", "owner", 403, None),
                ("/projects/13", "owner", 503, None),
                ("/secret/42", "", 401, None),
                ("/secret/42", "broken", 401, None),
                ("/secret/42", "alice", 404, Some("")),
                ("/secret/43", "owner", 404, Some("")),
                ("/secret/13", "owner", 503, None),
                ("/secret/42", "viewer", 200, Some("seen")),
            ] {
                let answer = get_as(&app, path, who).await;
                assert_eq!(answer.status, status, "{path} as {who:?} ({names:?}): {answer:?}");
                if let Some(body) = body {
                    assert_eq!(answer.body, body, "{path} as {who:?}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn the_sources_of_the_gate_are_read_in_their_order() {
    for (_, gate) in cast::fast_and_slow() {
        let app = serve!(App::new().app_data(gate).configure(paths));
        for (cookie, bearer, status, body) in [
            ("session=alice", "Bearer bob", 200, "alice"),
            ("session=broken", "Bearer bob", 401, ""),
            ("other=alice", "Bearer bob", 200, "bob"),
            ("session=", "Bearer bob", 200, "bob"),
            ("session=alice", "Basic Ym9iOg==", 200, "alice"),
            ("other=alice", "Basic Ym9iOg==", 401, ""),
            ("session=alice; session=bob", "Bearer bob", 400, ""),
        ] {
            let request = request("GET", "/me", "").insert_header(("cookie", cookie));
            let answer = send(&app, request.insert_header(("authorization", bearer))).await;
            assert_eq!(answer.status, status, "{cookie} {bearer}");
            if status == 200 {
                assert_eq!(answer.body, body, "{cookie} {bearer}");
            }
        }
        let crumbs = |second: &'static str| {
            let request = request("GET", "/me", "").append_header(("cookie", "session=alice"));
            request.append_header(("cookie", second))
        };
        assert_eq!(send(&app, crumbs("other=bob")).await.body, "alice");
        assert_eq!(send(&app, crumbs("session=bob")).await.status, 400);
    }
}

#[derive(serde::Deserialize)]
struct Mine {
    email: String,
}

async fn email(Authenticated(who): Authenticated) -> Result<String, Rejection> {
    Ok(who.claims::<Mine>()?.email.clone())
}

#[actix_web::test]
async fn claims_are_a_type_of_the_applications_own() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let app = serve!(App::new().app_data(gate).route("/", web::get().to(email)));
    let with = issuer.token("alice").claim("email", "alice@example.com").sign();
    let other = issuer.token("alice").claim("email", 7).sign();
    let without = issuer.token("alice").sign();
    assert_eq!(get_as(&app, "/", &with).await.body, "alice@example.com");
    for token in [&other, &without] {
        let answer = get_as(&app, "/", token).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{answer:?}");
        assert!(!answer.body.contains("email"), "{answer:?}");
    }
    issuer.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(get_as(&app, "/", &with).await.status, 401);
}

/// A public policy lets everybody in, and yet an extractor takes no credential that is not valid for none.
#[actix_web::test]
async fn authorized_of_a_public_policy_has_a_principal_or_a_visitor() {
    struct Open;
    impl Requirement for Open {
        const POLICY: &'static dyn Policy = &anyone();
    }
    async fn caller(access: Authorized<Open>) -> Result<String, Rejection> {
        Ok(access.principal()?.id().subject().to_owned())
    }
    async fn visitor(access: Authorized<Open>) -> String {
        access.visitor().map_or("nobody", |who| who.id().subject()).to_owned()
    }
    for (_, gate) in cast::fast_and_slow() {
        let app = App::new().app_data(gate).route("/caller", web::get().to(caller));
        let app = serve!(app.route("/visitor", web::get().to(visitor)));
        expect(&app, "", &[("GET /caller", 401)]).await;
        assert_eq!(get_as(&app, "/visitor", "").await.body, "nobody");
        for (who, status) in [("broken", 401), ("expired", 401), ("down", 503)] {
            expect(&app, who, &[("GET /caller", status), ("GET /visitor", status)]).await;
        }
        for path in ["/caller", "/visitor"] {
            assert_eq!(get_as(&app, path, "alice").await.body, "alice", "{path}");
        }
    }
}

/// A requirement is written where no route is added, so nothing looks at its names at start. It must not allow then.
#[actix_web::test]
async fn a_misspelt_requirement_is_an_error_and_allows_nobody() {
    struct Misspelt;
    impl Requirement for Misspelt {
        const POLICY: &'static dyn Policy = &not(role("ownr"));
    }
    struct Spelt;
    impl Requirement for Spelt {
        const POLICY: &'static dyn Policy = &not(role("owner"));
    }
    for (_, gate) in cast::fast_and_slow() {
        let app = serve!(
            App::new()
                .app_data(gate)
                .route("/misspelt", web::get().to(async |_: Authorized<Misspelt>| ""))
                .route("/spelt", web::get().to(async |_: Authorized<Spelt>| ""))
        );
        expect(&app, "viewer", &[("GET /misspelt", 500), ("GET /spelt", 200)]).await;
        expect(&app, "", &[("GET /spelt", 401)]).await;
    }
    let bare = Gate::builder().scheme(Scheme::new(Names::default()).bearer()).build().unwrap();
    let app = serve!(App::new().app_data(bare).configure(paths));
    expect(&app, "viewer", &[("GET /projects/42", 500), ("GET /me", 200)]).await;
}

#[actix_web::test]
async fn the_method_does_not_matter() {
    let handler = async |_: Authenticated, body: String| body;
    let app = serve!(App::new().app_data(cast::gate()).route("/", web::to(handler)));
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        assert_eq!(ask(&app, method, "/", "").await.status, 401, "{method}");
        let answer = send(&app, request(method, "/", "alice").set_payload("hello")).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "hello"), "{method}");
    }
}

/// A middleware may extract as well; routing further in needs the request for itself after that.
#[actix_web::test]
async fn extractors_work_in_middleware_functions() {
    async fn viewers(
        access: Authorized<View>,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, ActixError> {
        assert!(access.role().is_some());
        next.call(request).await
    }
    for (names, gate) in cast::fast_and_slow() {
        let inner = web::scope("/n").service(web::resource("/{part}").to(async |_: Authenticated| "part"));
        let app =
            serve!(App::new().app_data(gate).service(web::scope("/p/{id}").wrap(from_fn(viewers)).service(inner)));
        expect(&app, "viewer", &[("GET /p/42/n/x", 200), ("GET /p/43/n/x", 403), ("GET /p/42/y", 404)]).await;
        assert_eq!(names.verified(), 3);
        expect(&app, "", &[("GET /p/42/n/x", 401)]).await;
    }
}

#[test]
fn a_rejection_says_each_thing_once() {
    let cause = std::io::Error::other("connection refused");
    let rejection = Rejection::from(Error::new(ErrorKind::Unavailable, "nobody is in").with_cause(cause));
    assert_eq!(rejection.error().kind(), ErrorKind::Unavailable);
    assert_eq!(rejection.to_string(), "nobody is in");
    assert_eq!(rejection.source().unwrap().to_string(), "connection refused");
    assert!(Rejection::from(Error::new(ErrorKind::Denied, "no")).source().is_none());
}
