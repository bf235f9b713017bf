use crate::{
    carried::CarriedRequest,
    head::Framework,
    refusal::{RefusalBody, rendered, respond},
};
use http::{Request, Response, request::Parts};
use pin_project_lite::pin_project;
use portcullis_core::{Error, ErrorKind, Gate, Plan, policy::Policy};
use portcullis_web::{Carrier, Guard, Who};
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;

/// Guards services with a policy. Made by [`GateExt::require`](crate::GateExt::require).
#[derive(Debug, Clone)]
pub struct RequireLayer {
    guard: Guard,
    framework: Option<Framework>,
}

impl RequireLayer {
    /// A guard, with what the framework knows about requests, if anything.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the policy refers to something that
    /// the gate or the framework does not have.
    pub fn new(gate: &Gate, policy: impl Policy + 'static, framework: Option<Framework>) -> Result<Self, Error> {
        let guard = Guard::new(gate, policy)?;
        match (guard.plan().params().first(), framework) {
            (Some(name), None) => Err(Error::new(
                ErrorKind::Misconfigured,
                format!(
                    "a policy asks for the path parameter `{name}`, and a plain tower service has none; on axum, \
                         use `portcullis::axum::GateExt`"
                ),
            )),
            _ => Ok(Self { guard, framework }),
        }
    }

    /// For guards written in the source code: a mistake in one stops the program where the route is added.
    ///
    /// # Panics
    /// If there was an error.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "a misspelt name in a route has to show at start, as a bad path does in axum")]
    pub fn or_panic(layer: Result<Self, Error>) -> Self {
        match layer {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// The gate's plan of the policy.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.guard.plan()
    }

    async fn decide(self, who: Who, mut parts: Parts) -> Result<Parts, Error> {
        let mut carried = CarriedRequest::new(&mut parts, self.framework);
        self.guard.decide(who, &carried.head(Some(self.guard.plan()))).await?;
        Ok(parts)
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, layer: self.clone() }
    }
}

/// A service behind a guard.
#[derive(Debug, Clone)]
pub struct Require<S> {
    inner: S,
    layer: RequireLayer,
}

impl<S, B, R> Service<Request<B>> for Require<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: RefusalBody,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = RequireFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let RequireLayer { guard, framework } = &self.layer;
        let decided = guard.decide_now(&mut CarriedRequest::new(&mut parts, *framework));
        let state = match decided {
            Ok(Ok(())) => State::Inner { future: self.inner.call(Request::from_parts(parts, body)) },
            Ok(Err(error)) => State::Refused { error: Some(error) },
            Err(who) => {
                // The clone takes the place of the one that is ready and waits here for the decision.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let deciding = Box::pin(self.layer.clone().decide(who, parts));
                State::Deciding { deciding, rest: Some((inner, body)) }
            }
        };
        RequireFuture { state, guard: guard.clone() }
    }
}

pin_project! {
    /// The response of a guarded service: the inner one's, polled in place, or a refusal.
    pub struct RequireFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B>,
        guard: Guard,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<B>>, B> {
        Inner { #[pin] future: S::Future },
        Refused { error: Option<Error> },
        Deciding { deciding: Pin<Box<dyn Future<Output = Result<Parts, Error>> + Send>>, rest: Option<(S, B)> },
    }
}

impl<S, B, R> Future for RequireFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: RefusalBody,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Inner { future } => {
                    return future.poll(context).map_ok(|response| rendered(this.guard.gate(), response));
                }
                StateProjection::Refused { error } => match error.take() {
                    Some(error) => return Poll::Ready(Ok(respond(this.guard.gate().refuse(&error)))),
                    None => return Poll::Pending,
                },
                StateProjection::Deciding { deciding, rest } => {
                    match (ready!(deciding.as_mut().poll(context)), rest.take()) {
                        (Ok(parts), Some((mut inner, body))) => {
                            State::Inner { future: inner.call(Request::from_parts(parts, body)) }
                        }
                        (Err(error), _) => State::Refused { error: Some(error) },
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for RequireFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireFuture(..)")
    }
}
