//! Webhooks in handlers.

use crate::{head::Head, rejection::Rejection};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures_util::{FutureExt, future::LocalBoxFuture};
use portcullis_core::{Error, ErrorKind, WebhookMessage, Webhooks};
use std::ops::Deref;

/// A verified webhook. A handler that takes this only runs for a message that is signed.
///
/// It dereferences to [`WebhookMessage`]. The [`Webhooks`] are in `app_data`, as they are or in `web::Data`. A longer body than
/// [`Webhooks::max_bytes`] is refused with 413; actix-web's `PayloadConfig` is not read.
///
/// A webhook has no caller, so the policy of its route is [`anyone()`](portcullis_core::policy::anyone).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use actix_web::web::ServiceConfig;
/// use portcullis_core::Webhooks;
///
/// #[derive(serde::Deserialize)]
/// struct Event {
///     a: u32,
/// }
/// async fn changed(webhook: Webhook) -> Result<String, Rejection> {
///     let event: Event = webhook.json()?;
///     Ok(format!("{}: {}", webhook.id(), event.a))
/// }
///
/// # fn main() -> Result<(), Error> {
/// let webhooks = Webhooks::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?
///     .clock(FixedClock::at(1_700_000_000)); // by default the system's
/// let gate = gate()?;
/// let app = || {
///     let (webhooks, routes) =
///         (webhooks.clone(), Routes::new(&gate).post("/webhooks", anyone(), changed));
///     |config: &mut ServiceConfig| {
///         config.app_data(webhooks).configure(routes.into_config());
///     }
/// };
///
/// let post = |body: &'static str| TestRequest::post().uri("/webhooks").set_payload(body);
/// let signed = |body| {
///     post(body)
///         .insert_header(("svix-id", "msg_1"))
///         .insert_header(("svix-timestamp", "1700000000"))
///         .insert_header(("svix-signature", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="))
/// };
/// assert_eq!(answer(app(), signed(r#"{"a":1}"#)), "200 msg_1: 1");
/// assert_eq!(answer(app(), signed(r#"{"a":2}"#)), "401 invalid_signature");
/// assert_eq!(answer(app(), post(r#"{"a":1}"#)), "400 invalid_webhook");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Webhook(pub WebhookMessage);

impl FromRequest for Webhook {
    type Error = Rejection;
    type Future = LocalBoxFuture<'static, Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Payload::from_request(request, payload).into_inner();
        let request = request.clone();
        async move {
            let (plain, shared) = (request.app_data::<Webhooks>(), request.app_data::<web::Data<Webhooks>>());
            let Some(webhooks) = plain.or_else(|| shared.map(|data| &***data)) else {
                let detail = "no `Webhooks` in `app_data`; add `.app_data(webhooks.clone())` to the App";
                return Err(Error::new(ErrorKind::Misconfigured, detail).into());
            };
            let body = match body {
                Ok(body) => body.to_bytes_limited(webhooks.body_limit()).await,
                Err(_) => return Err(Error::rejected(400, "invalid_webhook").into()),
            };
            match body {
                Ok(Ok(body)) => Ok(Self(webhooks.verify(&Head::of(&request), body)?)),
                Ok(Err(_)) => Err(Error::rejected(400, "invalid_webhook").into()),
                Err(_) => Err(Error::rejected(413, "body_too_large").into()),
            }
        }
        .boxed_local()
    }
}

impl Deref for Webhook {
    type Target = WebhookMessage;

    fn deref(&self) -> &WebhookMessage {
        &self.0
    }
}
