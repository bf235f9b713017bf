//! What a webhook says.

use crate::error::Error;
use serde::de::DeserializeOwned;
use std::{fmt, time::SystemTime};

/// A verified message of a webhook: see [`Webhooks`](crate::Webhooks).
///
/// `Debug` shows its id and time, not its body.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    id: String,
    time: SystemTime,
    body: Vec<u8>,
}

impl WebhookMessage {
    pub(super) fn new(id: &str, time: SystemTime, body: Vec<u8>) -> Self {
        Self { id: id.to_owned(), time, body }
    }

    /// Its id. A message that is sent again has the same one.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was sent.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The body, as it was signed.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 with `invalid_webhook` if it is no JSON, or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| {
            // The text of the cause may have parts of the body.
            Error::rejected(400, "invalid_webhook").with_detail("the body of the webhook does not fit its type")
        })
    }
}

impl fmt::Debug for WebhookMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookMessage").field("id", &self.id).field("time", &self.time).finish_non_exhaustive()
    }
}
