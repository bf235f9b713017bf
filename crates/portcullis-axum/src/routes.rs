use crate::GateExt;
use axum::{
    Router,
    extract::Request,
    handler::Handler,
    response::Response,
    routing::{self, MethodRouter},
};
use portcullis_core::{Gate, policy::Policy};
use portcullis_tower::{looked_at, respond};
use std::future::ready;

/// A router in which every route says who may pass.
///
/// The policy is an argument, so it cannot be forgotten, and the order of the calls opens no hole. A public route says
/// [`anyone()`](portcullis_core::policy::anyone). Each method of a path has its own policy. The last one added also guards
/// the methods that the path does not have, which get 405:
///
/// ```
/// use axum::Router;
/// use portcullis_axum::Routes;
/// use portcullis_core::{Gate, policy::*};
///
/// fn app(gate: &Gate) -> Router {
///     Routes::new(gate)
///         .get("/news", anyone(), async || "news")
///         .delete("/news", staff(), async || "gone")
///         .into_router()
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "routes do nothing before `into_router`"]
pub struct Routes<S = ()> {
    gate: Gate,
    router: Router<S>,
}

macro_rules! methods {
    ($($method:ident, $doc:literal;)+) => {$(
        #[doc = $doc]
        ///
        /// # Panics
        /// If [`Gate::plan`] returns an error for the policy, or axum refuses the path.
        #[track_caller]
        pub fn $method<T: 'static>(
            self,
            path: &str,
            policy: impl Policy + 'static,
            handler: impl Handler<T, S>,
        ) -> Self {
            self.route(path, policy, routing::$method(handler))
        }
    )+};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new(gate: &Gate) -> Self {
        Self { gate: gate.clone(), router: Router::new() }
    }

    methods! {
        get, "Adds a handler for GET that this policy guards. It answers HEAD too, without the body.";
        post, "Adds a handler for POST that this policy guards.";
        put, "Adds a handler for PUT that this policy guards.";
        patch, "Adds a handler for PATCH that this policy guards.";
        delete, "Adds a handler for DELETE that this policy guards.";
    }

    /// Adds a method router of axum's that this policy guards, for what the methods above do not say: several methods with one
    /// policy, [`any`](routing::any), or layers inside of the guard.
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy, or axum refuses the path.
    #[track_caller]
    pub fn route(self, path: &str, policy: impl Policy + 'static, methods: MethodRouter<S>) -> Self {
        let methods = methods.layer(self.gate.require(policy));
        Self { router: self.router.route(path, methods), gate: self.gate }
    }

    /// Adds the routes of others below a path. They stay guarded as they are, by the gate they were made with, which answers
    /// for unknown paths below too.
    ///
    /// # Panics
    /// If axum refuses the path.
    #[track_caller]
    pub fn nest(self, path: &str, routes: Self) -> Self {
        let is_same = routes.gate.is_same(&self.gate);
        let below = if is_same { routes.router } else { routes.into_router() };
        Self { router: self.router.nest(path, below), gate: self.gate }
    }

    /// Adds the routes of others. They stay guarded as they are, by the gate they were made with.
    ///
    /// # Panics
    /// If axum finds a route in both.
    #[track_caller]
    pub fn merge(self, routes: Self) -> Self {
        Self { router: self.router.merge(routes.router), gate: self.gate }
    }

    /// The router. Unknown paths are answered like [hidden denials](Gate::not_found), by a fallback. Routers with a fallback
    /// cannot be merged: merge `Routes` before they become one.
    pub fn into_router(self) -> Router<S> {
        let gate = self.gate;
        self.router.fallback(move |request: Request| {
            looked_at(request.extensions());
            let answer: Response = respond(gate.not_found());
            ready(answer)
        })
    }
}
