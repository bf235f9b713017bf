//! Answers of endpoints.

use crate::{
    enrolment::SecondFactor,
    id::UserId,
    organization::{Invitation, Member, Organization},
    secret::Token,
    session::Session,
    user::User,
};
#[cfg(feature = "sign-in")]
use crate::{error::Error, user::LinkedIdentity};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use portcullis_core::KeyRow;
use serde_json::{Value, json};
use std::time::SystemTime;

pub(super) fn ok(body: &Value) -> Response<Bytes> {
    answer(StatusCode::OK, Some(body))
}

pub(super) fn created(body: &Value) -> Response<Bytes> {
    answer(StatusCode::CREATED, Some(body))
}

pub(super) fn no_content() -> Response<Bytes> {
    answer(StatusCode::NO_CONTENT, None)
}

/// The answer to a request for a mail, whether one is sent or not.
pub(super) fn mail_sent() -> Response<Bytes> {
    answer(StatusCode::ACCEPTED, Some(&json!({ "status": "mail_sent" })))
}

fn answer(status: StatusCode, body: Option<&Value>) -> Response<Bytes> {
    let mut answer = Response::new(body.map_or_else(Bytes::new, |body| body.to_string().into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    if body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

pub(super) fn with_cookies(mut answer: Response<Bytes>, cookies: Vec<String>) -> Response<Bytes> {
    for cookie in cookies {
        match HeaderValue::try_from(cookie) {
            Ok(mut value) => {
                value.set_sensitive(true);
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
            Err(_) => {
                tracing::error!(target: "portcullis", "a cookie has a name, path or domain that HTTP cannot carry")
            }
        }
    }
    answer
}

pub(super) fn user(user: &User) -> Value {
    json!({
        "id": user.id.as_str(),
        "email": user.email.as_str(),
        "email_confirmed": user.email_confirmed_at.is_some(),
        "role": user.role,
        "extra": user.extra,
    })
}

pub(super) fn session(session: &Session, is_current: bool) -> Value {
    json!({
        "id": session.id.as_str(),
        "current": is_current,
        "created_at": seconds(session.created_at),
        "used_at": seconds(session.used_at),
        "address": session.client.address,
        "user_agent": session.client.user_agent,
    })
}

pub(super) fn second_factor(factor: Option<SecondFactor>) -> Value {
    json!({
        "since": factor.map(|factor| seconds(factor.since)),
        "recovery_codes": factor.map_or(0, |factor| factor.recovery_codes),
    })
}

pub(super) fn recovery_codes(codes: &[Token]) -> Response<Bytes> {
    ok(&json!({ "recovery_codes": codes.iter().map(Token::expose).collect::<Vec<_>>() }))
}

/// A key without its text.
pub(super) fn key(key: &KeyRow) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "start": key.start,
        "scopes": key.scopes.list(),
        "created_at": seconds(key.created_at),
        "expires_at": key.expires_at.map(seconds),
        "withdrawn_at": key.withdrawn_at.map(seconds),
        "used_at": key.used_at.map(seconds),
        "uses": key.uses,
    })
}

pub(super) fn organization(organization: &Organization, role: Option<&str>, is_active: bool) -> Value {
    json!({
        "id": organization.id.as_str(),
        "slug": organization.slug,
        "name": organization.name,
        "extra": organization.extra,
        "created_at": seconds(organization.created_at),
        "role": role,
        "active": is_active,
    })
}

pub(super) fn member(member: &Member) -> Value {
    json!({ "user": member.user.as_str(), "role": member.role, "since": seconds(member.since) })
}

pub(super) fn invitation(invitation: &Invitation, id: &str) -> Value {
    json!({
        "id": id,
        "email": invitation.email.as_str(),
        "role": invitation.role,
        "invited_by": invitation.invited_by.as_ref().map(UserId::as_str),
        "expires_at": seconds(invitation.expires_at),
    })
}

/// `provider` is the name that the service gives it, if it still has it.
#[cfg(feature = "sign-in")]
pub(super) fn identity(identity: &LinkedIdentity, provider: Option<&str>) -> Value {
    json!({ "provider": provider, "issuer": identity.issuer, "linked_at": seconds(identity.linked_at) })
}

/// Sends a browser elsewhere, with these cookies.
#[cfg(feature = "sign-in")]
pub(super) fn redirect(address: &str, cookies: Vec<String>) -> Result<Response<Bytes>, Error> {
    let mut answer = answer(StatusCode::SEE_OTHER, None);
    let address = HeaderValue::from_str(address).map_err(|_| Error::misconfigured("an address is no header"))?;
    answer.headers_mut().insert(header::LOCATION, address);
    Ok(with_cookies(answer, cookies))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
