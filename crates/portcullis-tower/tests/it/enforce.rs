//! The net below guards that were forgotten.

use crate::{
    cast::{self, Inner, Text, ask, request},
    log::Log,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use portcullis_core::policy::*;
use portcullis_tower::{Enforce, GateExt, looked_at};
use std::{convert::Infallible, sync::Arc};
use tower::{Layer, ServiceBuilder, service_fn};

/// Answers with the status that its path names, and a body where there is one: `/404`, `/404/body`.
fn answering() -> impl Inner {
    service_fn(|request: Request<Text>| async move {
        let mut words = request.uri().path().split('/').skip(1);
        let status: StatusCode = words.next().unwrap().parse().unwrap();
        let mut response = Response::new(Text::from(words.next().unwrap_or_default().to_owned()));
        *response.status_mut() = status;
        response.headers_mut().insert("x-inner", "secret".parse().unwrap());
        Ok::<_, Infallible>(response)
    })
}

#[tokio::test]
async fn what_nobody_looked_at_is_an_error_unless_it_tells_nothing() {
    let gate = cast::gate();
    let net = gate.enforce().layer(answering());
    let guarded = gate.enforce().layer(gate.require(anyone()).layer(answering()));
    for (path, status) in [
        ("/200", 500),
        ("/200/body", 500),
        ("/204", 500),
        ("/302", 500),
        ("/400/body", 500),
        ("/401", 500),
        ("/403", 500),
        ("/404", 404),
        ("/404/body", 500),
        ("/405", 405),
        ("/405/body", 500),
        ("/410", 500),
        ("/500", 500),
    ] {
        let log = Log::listen();
        let answer = ask(&net, path, "staff").await;
        assert_eq!(answer.status, status, "{path}");
        let replaced = !matches!(status, 404 | 405);
        assert_eq!(answer.headers.contains_key("x-inner"), !replaced, "{path}: the other response is gone altogether");
        assert!(!answer.body.contains("body"), "{path}");
        let lines = log.lines();
        assert_eq!(lines.len(), usize::from(replaced), "{path}: {lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("ERROR") && line.contains(path)), "{lines:?}");
        // The neighbour that said `anyone()` answers as it likes.
        let answer = ask(&guarded, path, "").await;
        assert_eq!(answer.status.as_str(), path.split('/').nth(1).unwrap());
        assert!(log.lines().is_empty());
    }
}

/// The log says the path and not the query, where tokens are.
#[tokio::test]
async fn the_event_has_no_query() {
    let log = Log::listen();
    ask(&cast::gate().enforce().layer(answering()), "/200?token=secret", "").await;
    let lines = log.lines();
    assert!(lines[0].contains("GET /200") && !lines[0].contains("secret"), "{lines:?}");
}

#[tokio::test]
async fn refusals_pass_and_nested_nets_share_what_was_seen() {
    let (gate, other) = (cast::gate(), cast::gate());
    let guarded = ServiceBuilder::new()
        .layer(gate.enforce())
        .layer(other.enforce())
        .layer(gate.require(staff()))
        .layer(gate.enforce())
        .service(answering());
    let log = Log::listen();
    for (who, status) in [("", 401), ("broken", 401), ("alice", 403), ("down", 503), ("staff", 200)] {
        assert_eq!(ask(&guarded, "/200", who).await.status, status, "{who:?}");
        assert!(log.lines().iter().all(|line| !line.starts_with("ERROR")));
    }
    let open =
        ServiceBuilder::new().layer(gate.enforce()).layer(other.enforce()).layer(gate.enforce()).service(answering());
    assert_eq!(ask(&open, "/200", "staff").await.status, 500);
    assert_eq!(log.lines().len(), 1, "told once");
}

/// A layer of somebody else's that knows what it does says so, and a request from within is a request of its own.
#[tokio::test]
async fn looking_can_be_said_by_hand() {
    let gate = cast::gate();
    let saying = service_fn(|request: Request<Text>| async move {
        if request.uri().path() == "/looked" {
            looked_at(request.extensions());
        }
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let net = gate.enforce().layer(saying);
    assert_eq!(ask(&net, "/looked", "").await.body, "hello");
    assert_eq!(ask(&net, "/not", "").await.status, 500);
    assert_eq!(ask(&net, "/looked", "").await.body, "hello");
    assert_eq!(ask(&net, "/not", "").await.status, 500, "what one request was is not the next one's");
    // Without the layer there is nothing to be told.
    looked_at(request("/", "").extensions());
}

/// Every body that can be made of bytes and knows whether it has ended.
#[tokio::test]
async fn a_body_that_does_not_say_that_it_is_empty_is_not() {
    struct Body(UnsyncBoxBody<Bytes, Infallible>);
    impl From<Bytes> for Body {
        fn from(bytes: Bytes) -> Self {
            Self(Text::from(bytes).boxed_unsync())
        }
    }
    impl http_body::Body for Body {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(context)
        }
        // Never says that it has ended, as a stream cannot.
    }
    let gate = cast::gate();
    let streaming = service_fn(|_: Request<Text>| async {
        Ok::<_, Infallible>(Response::builder().status(404).body(Body(Empty::new().boxed_unsync())).unwrap())
    });
    let mut net: Enforce<_> = gate.enforce().layer(streaming);
    let response = tower::Service::call(&mut net, request("/", "")).await.unwrap();
    assert_eq!(response.status(), 500);
    let calls = Arc::default();
    assert_eq!(ask(&gate.enforce().layer(cast::echo(&calls)), "/", "").await.status, 500);
}
