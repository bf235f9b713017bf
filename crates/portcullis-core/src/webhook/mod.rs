//! Webhooks: requests of another service that are signed by it (Standard Webhooks, which Svix and others send).
//!
//! What is signed is `{id}.{time}.{body}`. Neither an id with a `.` nor a time that is not a plain number is accepted, so one
//! text cannot be taken apart in two ways.

mod message;

pub use message::WebhookMessage;

use crate::{
    clock::{Clock, Time},
    error::Error,
    head::{RequestHead, only_header},
};
use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// Shorter secrets can be guessed from one message.
const MIN_BYTES: usize = 24;

/// Verifies webhooks: messages that another service signs, as Standard Webhooks and Svix do.
///
/// The signature covers the id, the time and the body of a message. A message is accepted for five minutes before and after its
/// time. Within that time it can be sent again by whoever has seen it, and senders themselves repeat messages. Store the
/// [id](WebhookMessage::id) of each message together with what it changes, and ignore an id that is stored.
///
/// The adapters have an extractor `Webhook` that reads the body and verifies it. The check alone:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{get, post};
/// use portcullis_core::{Error, Webhooks, testing::FixedClock};
///
/// # fn main() -> Result<(), Error> {
/// // The sender shows the secret when the endpoint is registered there.
/// let webhooks = Webhooks::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?
///     .clock(FixedClock::at(1_700_000_000)); // by default the system's
///
/// let request = post("/webhooks/members")
///     .header("svix-id", "msg_1")
///     .header("svix-timestamp", "1700000000")
///     .header("svix-signature", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=");
/// let message = webhooks.verify(&request, br#"{"a":1}"#)?;
/// assert_eq!((message.id(), message.body()), ("msg_1", &br#"{"a":1}"#[..]));
///
/// let forged = webhooks.verify(&request, br#"{"a":2}"#).unwrap_err();
/// assert_eq!((forged.status(), forged.code()), (401, "invalid_signature"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Webhooks {
    keys: Vec<hmac::Key>,
    tolerance: Duration,
    max_bytes: usize,
    time: Time,
}

impl Webhooks {
    /// Messages signed with this secret, which is written `whsec_` and base64.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is not written so, or has less than 24 bytes.
    pub fn new(secret: &str) -> Result<Self, Error> {
        let (tolerance, max_bytes) = (Duration::from_secs(300), 1 << 20);
        Self { keys: Vec::new(), tolerance, max_bytes, time: Time::default() }.also(secret)
    }

    /// Adds another secret, so that the sender can change it without a gap.
    ///
    /// ```
    /// use portcullis_core::Webhooks;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let (current, former) = (
    ///     "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    ///     "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
    /// );
    /// let webhooks = Webhooks::new(current)?.also(former)?;
    /// assert!(webhooks.also("whsec_").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn also(mut self, secret: &str) -> Result<Self, Error> {
        let bytes = secret.trim().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        match bytes {
            Some(bytes) if bytes.len() >= MIN_BYTES => self.keys.push(hmac::Key::new(hmac::HMAC_SHA256, &bytes)),
            Some(bytes) => {
                let given = bytes.len();
                let detail =
                    format!("the secret of a webhook needs at least {MIN_BYTES} bytes, and this one has {given}");
                return Err(Error::misconfigured(detail));
            }
            None => {
                let detail = "the secret of a webhook is written `whsec_` and base64; copy it from the sender's page";
                return Err(Error::misconfigured(detail));
            }
        }
        Ok(self)
    }

    /// How much older or newer than now a message may be: five minutes by default.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How long a body may be: 1 MiB by default.
    ///
    /// Extractors read no more than this, and answer 413 to a longer one.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The clock to compare times with; by default the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.time = Time::by(clock);
        self
    }

    /// How long a body may be, for adapters.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.max_bytes
    }

    /// Verifies a message by the head of its request and its body, byte for byte as it was received.
    ///
    /// The headers are `svix-id`, `svix-timestamp` and `svix-signature`, or the same with `webhook-`. One valid signature of
    /// several is enough: senders that change their secret sign with both.
    ///
    /// # Errors
    /// 400 with `invalid_webhook` if one of the headers is missing, present twice or malformed; 401 with `invalid_signature` if
    /// no signature is valid; 401 with `signature_expired` if the message is too old or from the future; 413 with
    /// `body_too_large` if the body is longer than [`max_bytes`](Self::max_bytes).
    pub fn verify(&self, head: &dyn RequestHead, body: impl Into<Vec<u8>>) -> Result<WebhookMessage, Error> {
        let body = body.into();
        if body.len() > self.max_bytes {
            return Err(Error::rejected(413, "body_too_large"));
        }
        let headers = Headers::read(head)?;
        if !self.is_signed(&headers, &body) {
            let detail = "no signature of the webhook is valid; compare the secret with the sender's";
            return Err(Error::rejected(401, "invalid_signature").with_detail(detail));
        }
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(headers.seconds));
        let now = self.time.now();
        let distance = |time: SystemTime| now.duration_since(time).unwrap_or_else(|ahead| ahead.duration());
        match time.filter(|time| distance(*time) <= self.tolerance) {
            Some(time) => Ok(WebhookMessage::new(headers.id, time, body)),
            None => {
                let detail = "the webhook is too old, or from the future; check the clock of this machine";
                Err(Error::rejected(401, "signature_expired").with_detail(detail))
            }
        }
    }

    /// Whether one of the signatures fits one of the secrets. All are compared, so that the time does not show which one fits.
    fn is_signed(&self, headers: &Headers<'_>, body: &[u8]) -> bool {
        let signatures = headers.signatures.split(' ').filter_map(|text| text.strip_prefix("v1,"));
        let signatures: Vec<_> = signatures.filter_map(|text| STANDARD.decode(text).ok()).collect();
        self.keys.iter().fold(false, |found, key| {
            let mut context = hmac::Context::with_key(key);
            for part in [headers.id.as_bytes(), b".", headers.time.as_bytes(), b".", body] {
                context.update(part);
            }
            let tag = context.sign();
            let fits = |signature: &Vec<u8>| constant_time::verify_slices_are_equal(tag.as_ref(), signature).is_ok();
            signatures.iter().fold(found, |found, signature| fits(signature) | found)
        })
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Webhooks");
        shown.field("tolerance", &self.tolerance).field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

/// The three headers of a message.
struct Headers<'h> {
    id: &'h str,
    time: &'h str,
    seconds: u64,
    signatures: &'h str,
}

impl<'h> Headers<'h> {
    fn read(head: &'h dyn RequestHead) -> Result<Self, Error> {
        let invalid = |detail: String| Error::rejected(400, "invalid_webhook").with_detail(detail);
        let present = |name: &str| {
            let mut found = false;
            head.each_header(name, &mut |_| found = true);
            found
        };
        // The three belong together: none is taken from the other set.
        let is_svix = ["svix-id", "svix-timestamp", "svix-signature"].into_iter().any(present);
        let names = match is_svix {
            true => ["svix-id", "svix-timestamp", "svix-signature"],
            false => ["webhook-id", "webhook-timestamp", "webhook-signature"],
        };
        let read = |name: &str| match only_header(head, name) {
            Ok(Some(text)) if !text.is_empty() => Ok(text),
            Ok(_) => Err(invalid(format!("the webhook has no `{name}`"))),
            Err(_) => Err(invalid(format!("the webhook has `{name}` twice, or it is not text"))),
        };
        let [id, time, signatures] = names.map(read);
        let (id, time, signatures) = (id?, time?, signatures?);
        let is_plain = time.bytes().all(|byte| byte.is_ascii_digit()) && !id.contains('.');
        match time.parse() {
            Ok(seconds) if is_plain => Ok(Self { id, time, seconds, signatures }),
            _ => Err(invalid("the id of the webhook has a `.`, or its time is not a plain number".to_owned())),
        }
    }
}
