//! Refusals as responses, whatever a renderer makes of them.

use crate::{
    cast::{Names, Text, ask, echo, request, send},
    log::Log,
};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use portcullis_core::{
    Error, ErrorKind, Gate, Refusal, Scheme,
    policy::{anyone, authenticated},
};
use portcullis_tower::{GateExt, RefusalBody, respond, respond_error};
use std::{convert::Infallible, sync::Arc};
use tower::{Layer, service_fn};

async fn text(response: Response<Text>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn status_headers_and_body_are_taken_over() {
    let refusal =
        Refusal::new(418).with_header("x-a", "1").with_header("X-B", "two words").with_body("text/plain", "no");
    let response: Response<Text> = respond(refusal);
    assert_eq!(response.status(), 418);
    let headers: Vec<_> =
        response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(
        headers,
        [("cache-control", "no-store"), ("x-a", "1"), ("x-b", "two words"), ("content-type", "text/plain")]
    );
    assert_eq!(text(response).await, "no");
    assert_eq!(text(respond(Refusal::new(404))).await, "");
    assert_eq!(<Vec<u8> as RefusalBody>::from_bytes("any".into()), b"any");
}

/// What a service answers an error with is rendered by the innermost guard, whose other headers stay.
#[tokio::test]
async fn an_error_of_the_service_is_rendered_by_its_guard() {
    let named = |name: &'static str| {
        Gate::builder()
            .scheme(Scheme::new(Names::default()).bearer())
            .render(move |_, default| default.with_body("text/plain", name))
            .build()
            .unwrap()
    };
    let failing = service_fn(|_: Request<Text>| async {
        let mut response: Response<Text> = respond_error(Error::new(ErrorKind::Denied, "no").with_code("closed"));
        response.headers_mut().insert("x-kept", HeaderValue::from_static("1"));
        Ok::<_, Infallible>(response)
    });
    let (outer, inner) = (named("outer").require(authenticated()), named("inner").require(anyone()));
    let guarded = outer.layer(failing);
    let nested = outer.layer(inner.layer(failing));
    let log = Log::listen();
    for (response, body) in [
        (send(&guarded, request("/", "alice")).await, "outer"),
        (send(&nested, request("/", "alice")).await, "inner"),
        (send(&failing, request("/", "alice")).await, r#"{"code":"closed","status":403,"title":"Forbidden"}"#),
    ] {
        assert_eq!((response.status.as_u16(), &*response.body), (403, body));
        assert!(response.headers.contains_key("x-kept"), "{body}");
        assert_eq!(response.headers.get_all("content-type").iter().count(), 1, "{body}");
    }
    assert_eq!(log.lines().len(), 3, "one event for each");
}

#[tokio::test]
async fn a_status_that_http_cannot_carry_is_500_and_told() {
    for (status, sent) in
        [(0, 500), (1, 500), (99, 500), (100, 100), (200, 200), (599, 599), (999, 999), (1000, 500), (u16::MAX, 500)]
    {
        let log = Log::listen();
        let response: Response<Text> = respond(Refusal::new(status).with_body("text/plain", "no"));
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (sent, "no"), "{status}");
        assert_eq!(log.lines().len(), usize::from(sent != status), "{status}");
    }
}

#[tokio::test]
async fn a_header_that_http_cannot_carry_is_left_out_and_told_without_its_value() {
    for (name, value) in [
        ("", "secret"),
        ("x y", "secret"),
        ("x:y", "secret"),
        ("x\r\nset-cookie", "secret"),
        ("é", "secret"),
        ("x-a", "secret\r\nset-cookie: a=b"),
        ("x-a", "secret\n"),
        ("x-a", "secret\0"),
    ] {
        let log = Log::listen();
        let refusal =
            Refusal::new(403).with_header("x-before", "1").with_header(name, value).with_header("x-after", "2");
        let response: Response<Text> = respond(refusal);
        let names: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
        let expected = vec!["cache-control", "x-before", "x-after"];
        assert_eq!((response.status().as_u16(), names), (403, expected), "{name:?}: {value:?}");
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].starts_with("ERROR") && !lines[0].contains("secret"), "{lines:?}");
    }
    let log = Log::listen();
    let response: Response<Text> = respond(Refusal::new(403).with_header("x-a", "").with_header("x-b", "tab\tand é"));
    assert_eq!(response.headers().len(), 3);
    assert!(log.lines().is_empty());
}

/// The same through a guard: an impossible answer is still an answer, and lets nobody in.
#[tokio::test]
async fn an_impossible_renderer_lets_nobody_in() {
    let impossible = |_: &Error, default: Refusal| default.with_status(7).with_header("a b", "c\nd");
    let gate = Gate::builder().scheme(Scheme::new(Names::default()).bearer()).render(impossible).build().unwrap();
    let calls = Arc::default();
    let guarded = gate.require(authenticated()).layer(echo(&calls));
    let answer = ask(&guarded, "/", "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.headers.contains_key("www-authenticate") && answer.body.contains("credential_missing"));
    assert_eq!(ask(&guarded, "/", "alice").await.body, "hello");
}
