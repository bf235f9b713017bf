//! Answers of an instance: their data, or the error that they say.

use portcullis_core::{Error, ErrorKind, HttpResponse};
use serde_json::Value;
use std::time::Duration;

/// The member `data` of an answer.
pub(super) fn data(answer: &HttpResponse) -> Result<Value, Error> {
    accepted(answer)?;
    let mut body: Value =
        serde_json::from_slice(answer.body()).map_err(|error| unreadable("no JSON").with_cause(error))?;
    body.get_mut("data").map(Value::take).ok_or_else(|| unreadable("no `data`"))
}

/// Whether the instance did what it was asked for.
pub(super) fn accepted(answer: &HttpResponse) -> Result<(), Error> {
    match answer.status() {
        200 | 204 => Ok(()),
        _ => Err(refusal(answer)),
    }
}

/// The instance failed to answer: 503.
pub(super) fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("Directus answered with {what}"))
}

/// The error by the code of the instance. Its texts are not repeated: they may contain what was sent.
fn refusal(answer: &HttpResponse) -> Error {
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let code = body.as_ref().and_then(|body| body.pointer("/errors/0/extensions/code")?.as_str()).unwrap_or_default();
    let invalid = |code| Error::new(ErrorKind::Invalid, format!("Directus refuses with {code}"));
    match code {
        "INVALID_CREDENTIALS" => invalid(code).with_code("invalid_credentials"),
        "INVALID_OTP" => invalid(code).with_code("invalid_otp"),
        "USER_SUSPENDED" => invalid(code).with_code("user_suspended"),
        "INVALID_TOKEN" => invalid(code),
        "TOKEN_EXPIRED" => Error::new(ErrorKind::Expired, "Directus says that the token has expired"),
        "INVALID_PAYLOAD" | "FAILED_VALIDATION" => Error::rejected(400, "invalid_payload"),
        "RECORD_NOT_UNIQUE" => Error::rejected(409, "record_not_unique"),
        "FORBIDDEN" | "RESOURCE_RESTRICTED" => Error::denied("forbidden"),
        _ => {
            let error = unreadable(&format!("the status {}", answer.status()));
            match answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()) {
                Some(seconds @ 1..=3600) => error.with_retry_after(Duration::from_secs(seconds)),
                _ => error,
            }
        }
    }
}
