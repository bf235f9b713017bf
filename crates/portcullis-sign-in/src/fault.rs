//! Errors of this crate: those of the core, with codes of their own.

use portcullis_core::{Error, ErrorKind};
use std::{error, fmt};

/// A callback or a request for an endpoint that is refused. The client reads the code, the log the detail.
pub(crate) fn refused(code: &'static str, detail: impl Into<String>) -> Error {
    Error::rejected(400, code).with_cause(Detail(detail.into()))
}

/// The callback is not one of a flow that this browser began, or the provider refused it.
pub(crate) fn failed(detail: impl Into<String>) -> Error {
    refused("sign_in_failed", detail)
}

pub(crate) fn misconfigured(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, detail.into())
}

pub(crate) fn unavailable(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, detail.into())
}

/// The caller has to sign in again.
pub(crate) fn no_session(detail: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, detail)
}

#[derive(Debug)]
struct Detail(String);

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Detail {}
