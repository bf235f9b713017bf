use crate::rejection::{Rejection, respond};
use actix_web::{
    Error, HttpMessage,
    body::{EitherBody, MessageBody},
    dev::{Extensions, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{
        Method, Uri,
        header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
    },
};
use pin_project_lite::pin_project;
use portcullis_core::Gate;
use portcullis_web::{CheckMark, Memory};
use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{self, Context, Poll},
};

/// Refuses responses to requests that nothing has checked. Made by [`GateExt::enforce`](crate::GateExt::enforce).
///
/// Preflights (CORS) pass. So does every answer of 300 and above: it took the place of what a handler would return.
#[derive(Debug, Clone)]
pub struct Enforce(Gate);

impl Enforce {
    pub(crate) fn new(gate: &Gate) -> Self {
        Self(gate.clone())
    }
}

impl<S, B> Transform<S, ServiceRequest> for Enforce
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = EnforceMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<EnforceMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(EnforceMiddleware { inner, gate: self.0.clone() }))
    }
}

/// A service that may only respond to requests that were checked.
#[derive(Debug)]
pub struct EnforceMiddleware<S> {
    inner: S,
    gate: Gate,
}

impl<S, B> Service<ServiceRequest> for EnforceMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = EnforceFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let mark = check_mark(&mut request.extensions_mut());
        let is_preflight = request.method() == Method::OPTIONS
            && [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD].iter().all(|name| request.headers().contains_key(name));
        // Both are cheap to clone, and only needed for the log. The request itself belongs to the routing further in.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        EnforceFuture { inner: self.inner.call(request), mark, is_preflight, method, uri, gate: self.gate.clone() }
    }
}

fn check_mark(extensions: &mut Extensions) -> CheckMark {
    if let Some(memory) = extensions.get_mut::<Memory>() {
        return memory.check_mark();
    }
    let mut memory = Memory::default();
    let mark = memory.check_mark();
    extensions.insert(memory);
    mark
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

impl<F, B> Future for EnforceFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = task::ready!(this.inner.poll(context));
        let status = match &outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        let forgotten = || this.mark.forgotten(status.as_u16(), this.method.as_str(), this.uri.path());
        let Some(error) = (!*this.is_preflight).then(forgotten).flatten() else {
            return Poll::Ready(outcome.map(ServiceResponse::map_into_left_body));
        };
        Poll::Ready(match outcome {
            Ok(response) => Ok(response.into_response(respond(this.gate.refuse(&error))).map_into_right_body()),
            Err(_) => Err(Rejection::new(this.gate, error).into()),
        })
    }
}

impl<F> fmt::Debug for EnforceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnforceFuture(..)")
    }
}
