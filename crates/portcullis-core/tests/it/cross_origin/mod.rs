//! A browser adds cookies to requests whoever made them, so a cookie counts only if a page of ours made the request.

mod admitted;
mod checked;
mod exempt;
mod host;
mod site;
mod told;

use crate::{
    head::Head,
    sources::{ABSENT, CONFLICT, MALFORMED, Read, UNUSABLE, gate, gate_with, text},
};
use portcullis_core::{
    Authenticator, Credential, CredentialSource, Error, ErrorKind, Gate, GateBuilder, Principal, Refusal, Scheme,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::{
    fmt::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tracing::{Event, Level, Metadata, Subscriber, field, span};

pub const CROSS: Read = Err((ErrorKind::CrossOrigin, "cross_origin"));
const READ: Read = text("abc");

const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// What a request says of itself, and what is read from it by a safe method and by another one.
type Row<'a> = (&'a [(&'a str, &'a str)], Read, Read);

/// A request of this method with the cookie of a visitor.
fn with_cookie(method: &'static str, headers: &[(&str, &str)]) -> Head {
    let head = Head::new().method(method).header("cookie", "session=abc");
    headers.iter().fold(head, |head, (name, value)| head.header(name, value))
}

fn post(headers: &[(&str, &str)]) -> Head {
    with_cookie("POST", headers)
}

fn get(headers: &[(&str, &str)]) -> Head {
    with_cookie("GET", headers)
}

fn cookies(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    gate_with(|scheme| scheme.cookie("session"), parts)
}

/// Reads the head and compares what came of it, with the status and where the log says that it was.
#[track_caller]
pub fn check(gate: &Gate, what: &str, head: &Head, expected: Read) {
    let read = gate.read(head);
    let found = match &read {
        Ok(credential) => Ok(credential.as_ref().map(Credential::expose)),
        Err(error) => Err((error.kind(), error.code())),
    };
    assert_eq!(found, expected, "{what}");
    if let Err(error) = read {
        let status = match expected {
            CROSS => 403,
            UNUSABLE => 401,
            _ => 400,
        };
        assert_eq!(error.status(), status, "{what}");
        let cookie = CredentialSource::cookie("session");
        assert!(
            expected != CROSS || error.credential_source() == Some(&cookie),
            "{what}: the log would not know where"
        );
    }
}
