//! Answers that are pending: several requests at once, and some that nobody waits for any more.

use crate::{
    ask::{expect, get_as, request},
    cast::{self, Names, VIEW, View},
};
use actix_web::{App, FromRequest, dev::Service, web};
use futures_util::{
    FutureExt,
    future::{join_all, poll_fn},
};
use portcullis_actix::{Authenticated, Authorized, GateExt, Visitor};
use portcullis_core::{Authenticator, Credential, Error, Gate, Principal, Scheme, policy::*};
use std::{future::Future, pin::Pin, task::Poll};
use tokio::task::yield_now;

async fn both(Authenticated(a): Authenticated, Visitor(b): Visitor, c: Authorized<View>) -> String {
    format!("{} {} {}", a.id().subject(), b.unwrap().id().subject(), c.principal().unwrap().id().subject())
}

/// Looks once and goes on.
async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) {
    poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending(), "it should have to wait");
        Poll::Ready(())
    })
    .await;
}

#[actix_web::test]
async fn requests_at_once_are_told_apart() {
    let names = Names::slow();
    let gate = cast::builder(&names).build().unwrap();
    let guarded = web::resource("/g/{id}").to(both).wrap(gate.require(VIEW));
    let app = serve!(App::new().app_data(gate).service(guarded).route("/{id}", web::get().to(both)));
    let people = ["viewer", "broken", "manager", "", "owner", "alice", "viewer"];
    for prefix in ["/", "/g/"] {
        let path = format!("{prefix}42");
        let answers = join_all(people.map(|who| get_as(&app, &path, who))).await;
        for (who, answer) in people.iter().zip(answers) {
            match *who {
                "viewer" | "manager" | "owner" => assert_eq!(answer.body, format!("{who} {who} {who}"), "{path}"),
                "alice" => assert_eq!(answer.status, 403, "{path}"),
                _ => assert_eq!(answer.status, 401, "{path} as {who:?}"),
            }
        }
        assert_eq!(names.verified(), people.len() - 1, "{path}");
    }
}

/// A client that goes away half-way takes only its own request with it.
#[actix_web::test]
async fn a_request_that_is_dropped_harms_no_other() {
    let names = Names::slow();
    let gate = cast::builder(&names).build().unwrap();
    let guarded = web::resource("/g/{id}").to(both).wrap(gate.require(VIEW));
    let app = serve!(
        App::new().app_data(gate.clone()).service(guarded).route("/{id}", web::get().to(both)).wrap(gate.enforce())
    );
    for path in ["/42", "/g/42"] {
        let mut first = app.0(request("GET", path, "viewer"));
        let mut second = app.0(request("GET", path, "viewer"));
        poll_once(first.as_mut()).await;
        poll_once(second.as_mut()).await;
        assert_eq!(names.begun(), 2);
        drop(first);
        assert_eq!(second.await.body, "viewer viewer viewer", "{path}");
        assert_eq!(names.verified(), 1);
        // actix-web uses the memory of requests again; nothing of the dropped one is in it.
        expect(&app, "", &[(&format!("GET {path}"), 401)]).await;
        expect(&app, "owner", &[(&format!("GET {path}"), 200)]).await;
        assert_eq!(names.verified(), 1);
    }
}

/// A middleware that asks and does not wait to the end leaves an answer that others may still wait for.
#[actix_web::test]
async fn an_extractor_that_is_dropped_half_way_does_not_verify_again() {
    let names = Names::slow();
    let gate = cast::builder(&names).build().unwrap();
    let app = serve!(App::new().app_data(gate.clone()).service(
        web::resource("/{id}").to(both).wrap(gate.require(VIEW)).wrap_fn(|request, next| {
            let mut asked = Box::pin(Authenticated::extract(request.request()));
            assert!(asked.as_mut().now_or_never().is_none());
            drop(asked);
            next.call(request)
        })
    ));
    assert_eq!(get_as(&app, "/42", "viewer").await.body, "viewer viewer viewer");
    assert_eq!((names.begun(), names.verified()), (1, 1));
    expect(&app, "broken", &[("GET /42", 401)]).await;
    assert_eq!((names.begun(), names.verified()), (1, 1));
}

/// Pending for ever, but for whom it knows.
#[derive(Debug)]
struct Stuck;

impl Authenticator for Stuck {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        if credential.expose() == "stuck" {
            std::future::pending::<()>().await;
        }
        Ok(portcullis_core::testing::acting_as("alice"))
    }
}

#[actix_web::test]
async fn a_request_that_never_ends_holds_up_nobody() {
    let gate = Gate::builder().scheme(Scheme::new(Stuck).bearer()).build().unwrap();
    let app = serve!(App::new().service(web::resource("/").to(cast::open).wrap(gate.require(authenticated()))));
    let stuck = actix_web::rt::spawn(app.0(request("GET", "/", "stuck")));
    yield_now().await;
    expect(&app, "well", &[("GET /", 200)]).await;
    expect(&app, "", &[("GET /", 401)]).await;
    stuck.abort();
    assert!(stuck.await.is_err());
    expect(&app, "well", &[("GET /", 200)]).await;
}

#[actix_web::test]
async fn an_authenticator_that_fails_after_waiting_is_told_with_when_to_come_back() {
    for (names, gate) in cast::fast_and_slow() {
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .route("/extract/{id}", web::get().to(both))
                .service(web::resource("/guard/{id}").to(both).wrap(gate.require(VIEW)))
        );
        for path in ["/extract/42", "/guard/42"] {
            let answer = get_as(&app, path, "down").await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("7")), "{path}");
            assert_eq!(names.verified(), 1, "{path}");
            assert_eq!(get_as(&app, path, "viewer").await.status, 200, "{path}");
            names.verified();
        }
    }
}
