//! Webhooks in handlers.

use crate::{Rejection, params};
use axum::{
    RequestExt,
    body::to_bytes,
    extract::{FromRef, FromRequest, Request},
};
use http_body_util::LengthLimitError;
use portcullis_core::{Error, WebhookMessage, Webhooks};
use portcullis_tower::CarriedRequest;
use portcullis_web::Carrier;
use std::{error, iter::successors, ops::Deref};

/// A verified webhook. A handler that takes this only runs for a message that is signed.
///
/// It dereferences to [`WebhookMessage`]. The [`Webhooks`] are in the router's state, as a gate is. A longer body than
/// [`Webhooks::max_bytes`], or than axum's `DefaultBodyLimit`, is refused with 413.
///
/// A webhook has no caller, so the policy of its route is [`anyone()`](portcullis_core::policy::anyone).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use axum::extract::FromRef;
/// use portcullis_core::Webhooks;
///
/// #[derive(Clone)]
/// struct AppState {
///     gate: Gate,
///     webhooks: Webhooks,
/// }
/// impl FromRef<AppState> for Webhooks {
///     fn from_ref(state: &AppState) -> Self {
///         state.webhooks.clone()
///     }
/// }
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
/// let app = Routes::new(&gate)
///     .post("/webhooks", anyone(), changed)
///     .into_router()
///     .with_state(AppState { gate, webhooks });
///
/// let signed = |body| {
///     let mut request = post("/webhooks", body);
///     for (name, value) in [
///         ("svix-id", "msg_1"),
///         ("svix-timestamp", "1700000000"),
///         ("svix-signature", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="),
///     ] {
///         request.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
///     }
///     request
/// };
/// assert_eq!(answer(&app, signed(r#"{"a":1}"#)), "200 msg_1: 1");
/// assert_eq!(answer(&app, signed(r#"{"a":2}"#)), "401 invalid_signature");
/// assert_eq!(answer(&app, post("/webhooks", r#"{"a":1}"#)), "400 invalid_webhook");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Webhook(pub WebhookMessage);

impl<S: Send + Sync> FromRequest<S> for Webhook
where
    Webhooks: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let webhooks = Webhooks::from_ref(state);
        let (mut parts, body) = request.with_limited_body().into_parts();
        let body = to_bytes(body, webhooks.body_limit()).await.map_err(|error| match is_too_large(&error) {
            true => Error::rejected(413, "body_too_large"),
            false => Error::rejected(400, "invalid_webhook"),
        })?;
        let mut request = CarriedRequest::new(&mut parts, Some(params::AXUM));
        Ok(Self(webhooks.verify(&request.head(None), body)?))
    }
}

/// The limit of axum is inside of the limit here, so its error is a cause of another one.
fn is_too_large(error: &axum::Error) -> bool {
    successors(Some(error as &dyn error::Error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

impl Deref for Webhook {
    type Target = WebhookMessage;

    fn deref(&self) -> &WebhookMessage {
        &self.0
    }
}
