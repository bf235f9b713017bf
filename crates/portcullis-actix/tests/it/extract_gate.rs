//! Which gate extractors go by, and what they say where there is none.

use crate::{
    ask::{Served, expect, get_as},
    cast::{self, Staff},
    log::Log,
};
use actix_web::{App, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Rejection, Visitor};
use portcullis_core::{Error, ErrorKind, Gate, testing::acting_as};

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

/// A gate to which everybody is of this name.
fn of(name: &str) -> Gate {
    cast::gate().acting_as(acting_as(name))
}

async fn who(app: &Served, path: &str) -> String {
    get_as(app, path, "").await.body
}

#[actix_web::test]
async fn the_gate_of_the_innermost_scope_counts() {
    let app = serve!(
        App::new()
            .app_data(of("app"))
            .route("/me", web::get().to(me))
            .service(web::scope("/bare").route("/me", web::get().to(me)))
            .service(
                web::scope("/s")
                    .app_data(of("scope"))
                    .route("/me", web::get().to(me))
                    .service(web::scope("/t").app_data(of("inner")).route("/me", web::get().to(me)))
                    .service(web::resource("/r").app_data(of("resource")).to(me))
            )
    );
    for (path, name) in
        [("/me", "app"), ("/bare/me", "app"), ("/s/me", "scope"), ("/s/t/me", "inner"), ("/s/r", "resource")]
    {
        assert_eq!(who(&app, path).await, name, "{path}");
    }
}

#[actix_web::test]
async fn the_same_holds_for_data() {
    let data = |name| web::Data::new(of(name));
    let app = serve!(
        App::new()
            .app_data(data("app"))
            .route("/me", web::get().to(me))
            .service(web::scope("/s").app_data(data("scope")).route("/me", web::get().to(me)))
            .service(web::resource("/r").app_data(data("resource")).to(me))
    );
    for (path, name) in [("/me", "app"), ("/s/me", "scope"), ("/r", "resource")] {
        assert_eq!(who(&app, path).await, name, "{path}");
    }
}

/// actix-web does not tell which of two types is further in. An outer gate must not stand in for an inner one.
#[actix_web::test]
async fn the_outer_gate_does_not_stand_in_where_the_forms_are_mixed() {
    let inner = || web::scope("/s").route("/me", web::get().to(me));
    let app = serve!(App::new().app_data(web::Data::new(of("app"))).service(inner().app_data(of("scope"))));
    assert_ne!(who(&app, "/s/me").await, "app", "a plain one inside of data");

    let app = serve!(App::new().app_data(of("app")).service(inner().app_data(web::Data::new(of("scope")))));
    assert_ne!(who(&app, "/s/me").await, "app", "data inside of a plain one");

    let same = of("same");
    let app = serve!(App::new().app_data(same.clone()).service(inner().app_data(web::Data::new(same))));
    assert_eq!(who(&app, "/s/me").await, "same", "one gate in both forms is one gate");
}

#[actix_web::test]
async fn without_a_gate_every_extractor_is_an_error_that_names_the_fix() {
    let paths = |config: &mut web::ServiceConfig| {
        config
            .route("/me", web::get().to(me))
            .route("/visitor", web::get().to(async |_: Visitor| "visitor"))
            .route("/staff", web::get().to(async |_: Authorized<Staff>| "staff"));
    };
    let without = serve!(App::new().configure(paths));
    let beside = serve!(App::new().configure(paths).service(web::scope("/s").app_data(cast::gate())));
    let with = serve!(App::new().app_data(cast::gate()).configure(paths));
    let log = Log::listen();
    for app in [&without, &beside] {
        for path in ["/me", "/visitor", "/staff"] {
            for who in ["", "broken", "staff"] {
                let answer = get_as(app, path, who).await;
                assert_eq!(answer.body, r#"{"status":500,"title":"Internal Server Error"}"#, "{path} as {who:?}");
                assert_eq!(answer.status, 500);
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
                let lines = log.lines();
                assert_eq!(lines.len(), 1, "{lines:?}");
                assert!(lines[0].starts_with("ERROR") && lines[0].contains(".app_data(gate.clone())"), "{lines:?}");
            }
        }
    }
    expect(&with, "staff", &[("GET /me", 200), ("GET /visitor", 200), ("GET /staff", 200)]).await;
}

/// An extractor without a gate did look; `enforce` has nothing to add but a second, misleading event.
#[actix_web::test]
async fn a_missing_gate_is_told_once_under_enforce() {
    let gate = cast::gate();
    let app = serve!(App::new().route("/me", web::get().to(me)).wrap(gate.enforce()));
    let log = Log::listen();
    assert_eq!(get_as(&app, "/me", "alice").await.status, 500);
    let lines = log.lines();
    assert!(lines[0].contains(".app_data(gate.clone())"), "{lines:?}");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// A handler may take what an extractor says for itself, and answer errors of its own.
#[actix_web::test]
async fn handlers_take_and_return_rejections() {
    let gate = cast::builder(&cast::Names::default())
        .render(|_, default| default.with_body("text/plain", "rendered"))
        .build()
        .unwrap();
    let own = || Error::new(ErrorKind::Denied, "e-mail not confirmed").with_code("email_unconfirmed");
    let rendered = gate.clone();
    let app = serve!(
        App::new()
            .app_data(gate)
            .route(
                "/take",
                web::get().to(async |who: Result<Authenticated, Rejection>| match who {
                    Ok(Authenticated(who)) => who.id().subject().to_owned(),
                    Err(rejection) => rejection.error().code().to_owned(),
                })
            )
            .route("/plain", web::get().to(move || async move { Err::<&str, _>(Rejection::from(own())) }))
            .route(
                "/rendered",
                web::get().to(move || {
                    let gate = rendered.clone();
                    async move { Err::<&str, _>(Rejection::new(&gate, own())) }
                })
            )
    );
    let log = Log::listen();
    for (who, body) in [("alice", "alice"), ("broken", "invalid_token"), ("", "credential_missing")] {
        let answer = get_as(&app, "/take", who).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body));
    }
    assert!(log.lines().is_empty(), "nobody was refused");
    let answer = get_as(&app, "/plain", "").await;
    let body = r#"{"code":"email_unconfirmed","status":403,"title":"Forbidden"}"#;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, body));
    let answer = get_as(&app, "/rendered", "").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, "rendered"));
    assert_eq!(log.lines().len(), 2, "one event for each");
}
