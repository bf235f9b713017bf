//! Webhooks in handlers: what is read of a body, and how much.

use crate::wire::{Wire, send};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request},
    routing::post,
};
use futures_util::stream;
use portcullis_axum::Webhook;
use portcullis_core::{Webhooks, testing::FixedClock};
use std::io;

fn webhooks() -> Webhooks {
    let webhooks = Webhooks::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    webhooks.clock(FixedClock::at(1_700_000_000))
}

fn app(webhooks: Webhooks) -> Router {
    Router::new().route("/", post(async |webhook: Webhook| webhook.body().to_vec())).with_state(webhooks)
}

async fn ask(app: &Router, body: impl Into<Body>) -> (u16, String) {
    let request = Request::post("/").header("svix-id", "msg_1").header("svix-timestamp", "1700000000");
    let request = request.header("svix-signature", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=");
    let Wire { status, body, .. } = send(app, request.body(body.into()).unwrap()).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn the_body_is_verified_as_it_was_sent() {
    let app = app(webhooks());
    assert_eq!(ask(&app, r#"{"a":1}"#).await, (200, r#"{"a":1}"#.to_owned()));
    let parts = [r#"{"a"#, "", r#"":1}"#].map(|part| Ok::<_, io::Error>(Bytes::from(part)));
    assert_eq!(ask(&app, Body::from_stream(stream::iter(parts))).await.0, 200, "in parts");
    assert_eq!(ask(&app, r#"{"a": 1}"#).await.0, 401);
    let cut = [Ok(Bytes::from(r#"{"a":1}"#)), Err(io::Error::other("connection reset"))];
    assert_eq!(ask(&app, Body::from_stream(stream::iter(cut))).await.0, 400, "cut off");
}

#[tokio::test]
async fn a_long_body_is_not_read() {
    let long = |bytes: usize| " ".repeat(bytes);
    assert_eq!(ask(&app(webhooks()), long(1 << 20)).await.0, 401);
    assert_eq!(ask(&app(webhooks()), long((1 << 20) + 1)).await.0, 413);
    assert_eq!(ask(&app(webhooks().max_bytes(6)), r#"{"a":1}"#).await.0, 413);
    assert_eq!(ask(&app(webhooks().max_bytes(7)), r#"{"a":1}"#).await.0, 200);
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 1024])));
    assert_eq!(ask(&app(webhooks()), Body::from_stream(endless)).await.0, 413);
    // That of axum counts too.
    let limited = app(webhooks()).layer(DefaultBodyLimit::max(6));
    assert_eq!(ask(&limited, r#"{"a":1}"#).await.0, 413);
}
