//! Webhooks in handlers: what is read of a body, and how much.

use actix_web::{App, test, web};
use portcullis_actix::Webhook;
use portcullis_core::{Webhooks, testing::FixedClock};

fn webhooks() -> Webhooks {
    let webhooks = Webhooks::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    webhooks.clock(FixedClock::at(1_700_000_000))
}

async fn ask(add: impl FnOnce(&mut web::ServiceConfig), body: impl Into<web::Bytes>) -> (u16, web::Bytes) {
    let app = App::new().route("/", web::post().to(async |webhook: Webhook| webhook.body().to_vec()));
    let app = test::init_service(app.configure(add)).await;
    let request = test::TestRequest::post().set_payload(body).insert_header(("svix-id", "msg_1"));
    let request = request.insert_header(("svix-timestamp", "1700000000"));
    let request = request.insert_header(("svix-signature", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="));
    let answer = test::call_service(&app, request.to_request()).await;
    (answer.status().as_u16(), test::read_body(answer).await)
}

fn with(webhooks: Webhooks) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config.app_data(webhooks);
    }
}

#[actix_web::test]
async fn the_body_is_verified_as_it_was_sent() {
    assert_eq!(ask(with(webhooks()), r#"{"a":1}"#).await, (200, r#"{"a":1}"#.into()));
    assert_eq!(ask(with(webhooks()), r#"{"a": 1}"#).await.0, 401);
    let shared = |config: &mut web::ServiceConfig| {
        config.app_data(web::Data::new(webhooks()));
    };
    assert_eq!(ask(shared, r#"{"a":1}"#).await.0, 200);
    assert_eq!(ask(|_| (), r#"{"a":1}"#).await.0, 500, "nowhere");
}

#[actix_web::test]
async fn a_long_body_is_not_read() {
    let long = |bytes: usize| " ".repeat(bytes);
    assert_eq!(ask(with(webhooks()), long(1 << 20)).await.0, 401);
    assert_eq!(ask(with(webhooks()), long((1 << 20) + 1)).await.0, 413);
    assert_eq!(ask(with(webhooks().max_bytes(6)), r#"{"a":1}"#).await.0, 413);
    assert_eq!(ask(with(webhooks().max_bytes(7)), r#"{"a":1}"#).await.0, 200);
}
