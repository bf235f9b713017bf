use crate::{GateExt, rejection::respond, remembered::looked_at, require::Require};
use actix_web::{
    Error, HttpRequest, Resource, Route,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::StatusCode,
    web::{self, ServiceConfig},
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use portcullis_core::{Gate, policy::Policy};
use std::{
    fmt,
    future::{Ready, ready},
};

/// The routes of an app or a scope, each of which says who may pass.
///
/// The policy is an argument, so it cannot be forgotten; it covers every method of the route, those that are answered
/// with 405 too; and the order of the calls opens no hole: the first path that matches gets the request, and no handler
/// can be reached past its own policy. A public route says [`anyone()`](portcullis_core::policy::anyone).
///
/// One path may be there several times, with a policy for each method; for methods that it does not have, the last of
/// them stands:
///
/// ```
/// use actix_web::{App, web};
/// use portcullis_actix::Routes;
/// use portcullis_core::{Gate, policy::*};
///
/// fn routes(gate: &Gate) -> Routes {
///     Routes::new(gate)
///         .route("/news", anyone(), web::get().to(async || "news"))
///         .route("/news", staff(), web::delete().to(async || "gone"))
/// }
/// # fn app(gate: Gate) {
/// App::new().configure(routes(&gate).into_config());
/// # }
/// ```
#[must_use = "routes do nothing before `into_config`"]
pub struct Routes {
    gate: Gate,
    entries: Vec<Entry>,
}

enum Entry {
    /// A path with its methods and their guards, in the order of the calls.
    Path(String, Vec<(Route, Require)>),
    Below(String, Routes),
}

impl Routes {
    /// No routes yet.
    pub fn new(gate: &Gate) -> Self {
        Self { gate: gate.clone(), entries: Vec::new() }
    }

    /// Adds a route that this policy guards.
    ///
    /// # Panics
    /// If the policy names a role that the gate does not know, or asks for roles on resources of a gate that has no
    /// membership.
    #[track_caller]
    pub fn route(mut self, path: &str, policy: impl Policy + 'static, route: Route) -> Self {
        let guarded = (route, self.gate.require(policy));
        self.add(path, vec![guarded]);
        self
    }

    /// Adds the routes of others below a path. They stay guarded as they are, by the gate they were made with.
    pub fn nest(mut self, path: &str, routes: Self) -> Self {
        self.entries.push(Entry::Below(path.to_owned(), routes));
        self
    }

    /// Adds the routes of others. They stay guarded as they are, by the gate they were made with; extractors go by this one.
    pub fn merge(mut self, routes: Self) -> Self {
        for entry in routes.entries {
            match entry {
                Entry::Path(path, routes) => self.add(&path, routes),
                below @ Entry::Below(..) => self.entries.push(below),
            }
        }
        self
    }

    fn add(&mut self, path: &str, added: Vec<(Route, Require)>) {
        let known = self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Path(known, routes) if known == path => Some(routes),
            _ => None,
        });
        match known {
            Some(routes) => routes.extend(added),
            None => self.entries.push(Entry::Path(path.to_owned(), added)),
        }
    }

    /// What [`App::configure`](actix_web::App::configure) and [`Scope::configure`](actix_web::Scope::configure) take: the
    /// routes, and the gate as `app_data` for their extractors. Unknown paths are answered like hidden denials: by the
    /// gate's renderer if it has one, as the default service.
    pub fn into_config(self) -> impl FnOnce(&mut ServiceConfig) {
        move |config| {
            if self.gate.not_found().is_some() {
                let gate = self.gate.clone();
                config.default_service(web::to(move |request: HttpRequest| {
                    looked_at(&request);
                    ready(gate.not_found().map(respond))
                }));
            }
            self.add_to(config);
        }
    }

    fn add_to(self, config: &mut ServiceConfig) {
        config.app_data(self.gate);
        for entry in self.entries {
            match entry {
                Entry::Path(path, routes) => add_path(config, &path, routes),
                Entry::Below(path, routes) => {
                    config.service(web::scope(&path).configure(|config| routes.add_to(config)));
                }
            }
        }
    }
}

fn add_path(config: &mut ServiceConfig, path: &str, mut routes: Vec<(Route, Require)>) {
    let Some((route, last)) = routes.pop() else { return };
    let resource = web::resource(path);
    if routes.is_empty() {
        config.service(resource.route(route).wrap(last));
        return;
    }
    routes.push((route, last.clone()));
    let guard_each = |resource: Resource, (route, guard): (Route, Require)| resource.route(route.wrap(guard));
    config.service(routes.into_iter().fold(resource, guard_each).wrap(MethodNotAllowed(last)));
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.entries.iter().map(|entry| match entry {
            Entry::Path(path, _) | Entry::Below(path, _) => path,
        });
        f.debug_struct("Routes").field("paths", &paths.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// Guards what a resource answers for methods that it does not have, where each method has a guard of its own.
struct MethodNotAllowed(Require);

impl<S, B> Transform<S, ServiceRequest> for MethodNotAllowed
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = MethodNotAllowedMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<MethodNotAllowedMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(MethodNotAllowedMiddleware { inner, guard: self.0.clone() }))
    }
}

struct MethodNotAllowedMiddleware<S> {
    inner: S,
    guard: Require,
}

impl<S, B> Service<ServiceRequest> for MethodNotAllowedMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (response, guard) = (self.inner.call(request), self.guard.clone());
        async move {
            let response = response.await?;
            if response.status() != StatusCode::METHOD_NOT_ALLOWED {
                return Ok(response.map_into_left_body());
            }
            match guard.check(response.request()).await {
                Ok(()) => Ok(response.map_into_left_body()),
                Err(error) => Ok(response.into_response(guard.refuse(&error)).map_into_right_body()),
            }
        }
        .boxed_local()
    }
}
