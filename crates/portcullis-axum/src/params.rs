use axum::extract::{ConnectInfo, FromRequestParts, OriginalUri, RawPathParams, rejection::RawPathParamsRejection};
use http::request::Parts;
use portcullis_tower::{Framework, Params};
use std::{
    future::Future,
    net::SocketAddr,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// What axum knows about a request. Routers of nested services shorten the path.
pub(crate) const AXUM: Framework = Framework::new(
    read,
    |extensions| extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri),
    |extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer),
);

/// The path parameters, decoded as `axum::extract::Path` decodes them.
///
/// `RawPathParams` is async by its trait and never waits, so one poll returns the answer.
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
