use crate::{
    carried::CarriedRequest,
    head::Head,
    rejection::{is_pending, rendered, respond},
};
use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use pin_project_lite::pin_project;
use portcullis_core::{self as core, Gate, Plan, policy::Policy};
use portcullis_web::Guard;
use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{self, Context, Poll},
};

/// Guards an app, a scope, a resource or a route with a policy. Made by [`GateExt::require`](crate::GateExt::require).
#[derive(Debug, Clone)]
pub struct Require(Guard);

impl Require {
    pub(crate) fn new(gate: &Gate, policy: impl Policy + 'static) -> Result<Self, core::Error> {
        Guard::new(gate, policy).map(Self)
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.0.plan()
    }

    /// Decides about the request, waiting if necessary.
    pub(crate) async fn check(&self, request: &HttpRequest) -> Result<(), core::Error> {
        match self.0.decide_now(&mut CarriedRequest(request)) {
            Ok(decided) => decided,
            Err(who) => self.0.decide(who, &Head::of(request)).await,
        }
    }

    pub(crate) fn refuse(&self, error: &core::Error) -> HttpResponse {
        respond(self.0.gate().refuse(error))
    }
}

impl<S, B> Transform<S, ServiceRequest> for Require
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = RequireMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<RequireMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RequireMiddleware { inner: Rc::new(inner), guard: self.clone() }))
    }
}

/// A service behind a guard.
#[derive(Debug)]
pub struct RequireMiddleware<S> {
    inner: Rc<S>,
    guard: Require,
}

impl<S, B> Service<ServiceRequest> for RequireMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = RequireFuture<S>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let state = match self.guard.0.decide_now(&mut CarriedRequest(request.request())) {
            Ok(Ok(())) => State::Inner { future: self.inner.call(request) },
            Ok(Err(error)) => State::Refused { response: Some(request.into_response(self.guard.refuse(&error))) },
            Err(who) => {
                let guard = self.guard.clone();
                // The request itself waits here, not a clone: routing further in wants to be its only holder.
                let deciding = async move {
                    let decided = guard.0.decide(who, &Head::of(request.request())).await;
                    match decided {
                        Ok(()) => Ok(request),
                        Err(error) => Err(request.into_response(guard.refuse(&error))),
                    }
                };
                State::Deciding { deciding: deciding.boxed_local(), inner: self.inner.clone() }
            }
        };
        RequireFuture { state }
    }
}

pin_project! {
    /// The response of a guarded service: the inner one's, polled in place, or a refusal.
    pub struct RequireFuture<S: Service<ServiceRequest>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<ServiceRequest>> {
        Inner { #[pin] future: S::Future },
        Refused { response: Option<ServiceResponse> },
        Deciding { deciding: LocalBoxFuture<'static, Result<ServiceRequest, ServiceResponse>>, inner: Rc<S> },
    }
}

impl<S, B> Future for RequireFuture<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Inner { future } => {
                    return future.poll(context).map_ok(|response| match is_pending(&response) {
                        true => rendered(response),
                        false => response.map_into_left_body(),
                    });
                }
                StateProjection::Refused { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response.map_into_right_body())),
                    None => return Poll::Pending,
                },
                StateProjection::Deciding { deciding, inner } => match task::ready!(deciding.as_mut().poll(context)) {
                    Ok(request) => State::Inner { future: inner.call(request) },
                    Err(response) => State::Refused { response: Some(response) },
                },
            };
            state.set(next);
        }
    }
}

impl<S: Service<ServiceRequest>> fmt::Debug for RequireFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireFuture(..)")
    }
}
