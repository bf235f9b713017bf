//! The net below guards that were forgotten.

use crate::{
    cast::{self, Inner, Text, ask, request},
    log::Log,
};
use http::{Request, Response, StatusCode};
use portcullis_core::policy::*;
use portcullis_tower::{GateExt, mark_checked};
use std::convert::Infallible;
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
async fn what_nobody_looked_at_is_an_error_unless_it_was_refused() {
    let gate = cast::gate();
    let net = gate.enforce().layer(answering());
    let guarded = gate.enforce().layer(gate.require(anyone()).layer(answering()));
    for (path, passes) in [
        ("/101", false),
        ("/200", false),
        ("/200/body", false),
        ("/204", false),
        ("/206/body", false),
        ("/299", false),
        ("/300", true),
        ("/302", true),
        ("/304", true),
        ("/400/body", true),
        ("/401", true),
        ("/404", true),
        ("/404/body", true),
        ("/405", true),
        ("/429/body", true),
        ("/500", true),
        ("/503/body", true),
    ] {
        let log = Log::listen();
        let (status, body) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let answer = ask(&net, path, "staff").await;
        assert_eq!(answer.status.as_str(), if passes { status } else { "500" }, "{path}");
        assert_eq!(answer.headers.contains_key("x-inner"), passes, "{path}: the other response is gone altogether");
        assert_eq!(answer.body == body, passes, "{path}");
        let lines = log.lines();
        assert_eq!(lines.len(), usize::from(!passes), "{path}: {lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("ERROR") && line.contains(path)), "{lines:?}");
        // The neighbour that said `anyone()` answers as it likes.
        let answer = ask(&guarded, path, "").await;
        assert_eq!((answer.status.as_str(), answer.body.as_str()), (status, body));
        assert!(log.lines().is_empty());
    }
}

/// A layer further in answers them, and no browser sends a credential with one.
#[tokio::test]
async fn preflights_pass() {
    let net = cast::gate().enforce().layer(answering());
    let (origin, method) = (("origin", "https://app.example.com"), ("access-control-request-method", "POST"));
    for (verb, headers, status) in [
        ("OPTIONS", &[origin, method][..], 204),
        ("OPTIONS", &[origin, method, ("access-control-request-headers", "authorization")], 204),
        ("OPTIONS", &[], 500),
        ("OPTIONS", &[origin], 500),
        ("OPTIONS", &[method], 500),
        ("GET", &[origin, method], 500),
        ("POST", &[origin, method], 500),
    ] {
        let request = Request::builder().method(verb).uri("/204");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = cast::send(&net, request.body(Text::default()).unwrap()).await;
        assert_eq!(answer.status, status, "{verb} {headers:?}");
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
            mark_checked(request.extensions());
        }
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let net = gate.enforce().layer(saying);
    assert_eq!(ask(&net, "/looked", "").await.body, "hello");
    assert_eq!(ask(&net, "/not", "").await.status, 500);
    assert_eq!(ask(&net, "/looked", "").await.body, "hello");
    assert_eq!(ask(&net, "/not", "").await.status, 500, "what one request was is not the next one's");
    // Without the layer there is nothing to be told.
    mark_checked(request("/", "").extensions());
}
