use crate::refusal::{RefusalBody, respond};
use http::{
    Method, Request, Response, Uri,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
};
use pin_project_lite::pin_project;
use portcullis_core::Gate;
use portcullis_web::{CheckMark, Memory};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;

/// Refuses responses to requests that nothing has checked. Made by [`GateExt::enforce`](crate::GateExt::enforce).
///
/// Preflights (CORS) pass. So does every answer of 300 and above: it took the place of what a handler would return.
#[derive(Debug, Clone)]
pub struct EnforceLayer(Gate);

impl EnforceLayer {
    pub(crate) fn new(gate: &Gate) -> Self {
        Self(gate.clone())
    }
}

impl<S> Layer<S> for EnforceLayer {
    type Service = Enforce<S>;

    fn layer(&self, inner: S) -> Enforce<S> {
        Enforce { inner, gate: self.0.clone() }
    }
}

/// A service that may only respond to requests that were checked.
#[derive(Debug, Clone)]
pub struct Enforce<S> {
    inner: S,
    gate: Gate,
}

impl<S, B, R> Service<Request<B>> for Enforce<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: RefusalBody,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = EnforceFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mark = request.extensions_mut().get_or_insert_default::<Memory>().check_mark();
        let is_preflight = request.method() == Method::OPTIONS
            && [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD].iter().all(|name| request.headers().contains_key(name));
        // Both are cheap to clone, and only needed for the log.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        EnforceFuture { inner: self.inner.call(request), mark, is_preflight, method, uri, gate: self.gate.clone() }
    }
}

pin_project! {
    /// The response of an enforced service.
    pub struct EnforceFuture<F> {
        #[pin]
        inner: F,
        mark: CheckMark,
        is_preflight: bool,
        method: Method,
        uri: Uri,
        gate: Gate,
    }
}

impl<F, R, E> Future for EnforceFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: RefusalBody,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(context))?;
        let forgotten = || this.mark.forgotten(response.status().as_u16(), this.method.as_str(), this.uri.path());
        let Some(error) = (!*this.is_preflight).then(forgotten).flatten() else { return Poll::Ready(Ok(response)) };
        Poll::Ready(Ok(respond(this.gate.refuse(&error))))
    }
}

impl<F> fmt::Debug for EnforceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnforceFuture(..)")
    }
}
