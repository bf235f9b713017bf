use axum::extract::{FromRequestParts, RawPathParams, rejection::RawPathParamsRejection};
use http::request::Parts;
use portcullis_tower::Params;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// The path parameters, decoded as `axum::extract::Path` decodes them.
///
/// `RawPathParams` is async by its trait and never waits, so one poll brings the answer.
pub(crate) fn read(parts: &mut Parts) -> Params {
    let reading = pin!(RawPathParams::from_request_parts(parts, &()));
    match reading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(params)) => {
            Params::Read(params.iter().map(|(name, value)| (name.into(), value.to_owned())).collect())
        }
        Poll::Ready(Err(RawPathParamsRejection::InvalidUtf8InPathParam(_))) => Params::Unreadable,
        _ => Params::Absent,
    }
}
