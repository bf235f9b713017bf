//! Why visitors are a `Visitor`: what actix-web makes of an `Option`.

use crate::{
    ask::{expect, get_as},
    cast,
    log::Log,
};
use actix_web::{App, web};
use portcullis_actix::{Authenticated, Routes, Visitor};
use portcullis_core::policy::{anyone, authenticated};

async fn option(who: Option<Authenticated>) -> String {
    who.map_or("nobody".to_owned(), |Authenticated(who)| who.id().subject().to_owned())
}

async fn visitor(Visitor(who): Visitor) -> String {
    who.map_or("nobody".to_owned(), |who| who.id().subject().to_owned())
}

/// actix-web says what `Option<T>` is for every extractor, and takes each error for `None`. So a forged token makes a
/// visitor nobody, without a word in the log; that is why the documentation says `Visitor`.
#[actix_web::test]
async fn an_option_takes_every_error_for_nobody_and_a_visitor_does_not() {
    for (_, gate) in cast::fast_and_slow() {
        let app = serve!(
            App::new().app_data(gate).route("/option", web::get().to(option)).route("/visitor", web::get().to(visitor))
        );
        let log = Log::listen();
        for who in ["broken", "expired", "foreign", "down", "two words"] {
            let answer = get_as(&app, "/option", who).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "nobody"), "{who}");
        }
        assert!(log.lines().is_empty());
        for who in ["broken", "expired", "foreign", "two words"] {
            expect(&app, who, &[("GET /visitor", 401)]).await;
            assert_eq!(log.lines().len(), 1);
        }
        expect(&app, "down", &[("GET /visitor", 503)]).await;
        for (who, body) in [("", "nobody"), ("alice", "alice")] {
            assert_eq!(get_as(&app, "/option", who).await.body, body);
            assert_eq!(get_as(&app, "/visitor", who).await.body, body);
        }
    }
}

/// A guard decides before there is an option. One of a public route asks for no caller, so it refuses none.
#[actix_web::test]
async fn a_guard_refuses_what_an_option_would_hide_unless_it_is_public() {
    for (_, gate) in cast::fast_and_slow() {
        let routes = Routes::new(&gate).get("/public", anyone(), option).get("/guarded", authenticated(), option);
        let app = serve!(App::new().configure(routes.into_config()));
        for (who, guarded) in [("", 401), ("broken", 401), ("expired", 401), ("down", 503)] {
            assert_eq!(get_as(&app, "/guarded", who).await.status, guarded, "{who}");
            let public = get_as(&app, "/public", who).await;
            assert_eq!((public.status.as_u16(), public.body.as_str()), (200, "nobody"), "{who}");
        }
        for path in ["/public", "/guarded"] {
            assert_eq!(get_as(&app, path, "alice").await.body, "alice");
        }
    }
}

#[actix_web::test]
async fn an_option_hides_a_missing_gate_and_a_visitor_does_not() {
    let app = serve!(App::new().route("/option", web::get().to(option)).route("/visitor", web::get().to(visitor)));
    assert_eq!(get_as(&app, "/option", "alice").await.body, "nobody");
    expect(&app, "alice", &[("GET /visitor", 500)]).await;
    expect(&app, "", &[("GET /visitor", 500)]).await;
}
