//! What somebody is told, in every detail.

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{Authentication, Error, ErrorKind, Gate, Plan, Principal, PrincipalId, SessionId, TokenId};
use serde_json::Value;
use std::{error::Error as _, time::Duration};

/// What came of a request: who makes it, and whether they may.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) who: Result<Option<Shown>, Refused>,
    source: Option<String>,
    shown: String,
    is_enough: bool,
    may: Result<String, Refused>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    id: PrincipalId,
    /// Organization, roles, scopes and permissions.
    rights: String,
    is_staff: bool,
    authenticated_at: Option<Duration>,
    claims: Option<Value>,
    token_id: Option<TokenId>,
    session: Option<SessionId>,
    issued_at: Option<Duration>,
    expires_at: Option<Duration>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) kind: ErrorKind,
    code: String,
    status: u16,
    challenge: Option<String>,
    /// What the log is told, with the causes.
    words: Vec<String>,
    retry_after: Option<Duration>,
    issuer: Option<String>,
    source: Option<String>,
}

impl From<&Principal> for Shown {
    fn from(principal: &Principal) -> Self {
        let since = |time: std::time::SystemTime| time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let (roles, scopes) = (principal.roles(), principal.scopes());
        let rights = (principal.organization(), roles, scopes, principal.permissions());
        Self {
            id: principal.id().clone(),
            rights: format!("{rights:?}"),
            is_staff: principal.is_staff(),
            authenticated_at: principal.authenticated_at().map(since),
            claims: principal.token_claims().map(|claims| claims.view::<Value>().unwrap().clone()),
            token_id: principal.token_id(),
            session: principal.session(),
            issued_at: principal.issued_at().map(since),
            expires_at: principal.expires_at().map(since),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let mut words = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(found) = cause {
            words.push(found.to_string());
            cause = found.source();
        }
        Self {
            kind: error.kind(),
            code: error.code().to_owned(),
            status: error.status(),
            challenge: error.challenge(None),
            words,
            retry_after: error.retry_after(),
            issuer: error.issuer().map(Into::into),
            source: error.credential_source().map(ToString::to_string),
        }
    }
}

impl Told {
    pub(super) fn of(gate: &Gate, who: &Authentication, plan: &Plan, head: &Head) -> Self {
        let may = gate.authorize(who, plan, head).now_or_never().expect("policies that do not wait");
        Self {
            who: who.visitor().map(|principal| principal.map(Shown::from)).map_err(Refused::from),
            source: who.source().map(ToString::to_string),
            shown: who.to_string(),
            is_enough: who.is_enough_for(plan),
            may: may.map(|access| format!("{access:?}")).map_err(Refused::from),
        }
    }
}
