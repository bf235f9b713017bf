use crate::{GateExt, rejection::respond, remembered::looked_at, require::Require};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpRequest, Resource, Responder, Route,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use portcullis_core::{Gate, policy::Policy};
use std::{fmt, future::ready};

/// The routes of an app or a scope, each of which says who may pass.
///
/// The policy is an argument, so it cannot be forgotten, and the order of the calls opens no hole: the first path that matches
/// gets the request, and no handler can be reached past its own policy. A public route says
/// [`anyone()`](portcullis_core::policy::anyone). Each method of a path has its own policy. The last one added also guards
/// the methods that the path does not have, which get 405:
///
/// ```
/// use actix_web::App;
/// use portcullis_actix::Routes;
/// use portcullis_core::{Gate, policy::*};
///
/// fn routes(gate: &Gate) -> Routes {
///     Routes::new(gate)
///         .get("/news", anyone(), async || "news")
///         .delete("/news", staff(), async || "gone")
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
    Path(Path),
    Below(String, Routes),
}

/// A path with its methods and their guards, in the order of the calls.
struct Path {
    path: String,
    gate: Gate,
    routes: Vec<(Route, Require)>,
}

macro_rules! methods {
    ($($method:ident, $doc:literal;)+) => {$(
        #[doc = $doc]
        ///
        /// # Panics
        /// If [`Gate::plan`] returns an error for the policy.
        #[track_caller]
        pub fn $method<T: FromRequest + 'static>(
            self,
            path: &str,
            policy: impl Policy + 'static,
            handler: impl Handler<T, Output: Responder + 'static>,
        ) -> Self {
            self.route(path, policy, web::$method().to(handler))
        }
    )+};
}

impl Routes {
    /// No routes yet.
    pub fn new(gate: &Gate) -> Self {
        Self { gate: gate.clone(), entries: Vec::new() }
    }

    methods! {
        get, "Adds a handler for GET that this policy guards. HEAD is a method of its own, as everywhere in actix-web.";
        post, "Adds a handler for POST that this policy guards.";
        put, "Adds a handler for PUT that this policy guards.";
        patch, "Adds a handler for PATCH that this policy guards.";
        delete, "Adds a handler for DELETE that this policy guards.";
    }

    /// Adds a route of actix-web's that this policy guards, for what the methods above do not say: further methods, guards of
    /// actix-web's, or middleware inside of this guard.
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy.
    #[track_caller]
    pub fn route(mut self, path: &str, policy: impl Policy + 'static, route: Route) -> Self {
        let routes = vec![(route, self.gate.require(policy))];
        self.add(Path { path: path.to_owned(), gate: self.gate.clone(), routes });
        self
    }

    /// Adds the routes of others below a path. They stay with the gate they were made with, which answers for unknown paths
    /// below too.
    pub fn nest(mut self, path: &str, routes: Self) -> Self {
        self.entries.push(Entry::Below(path.to_owned(), routes));
        self
    }

    /// Adds the routes of others. They stay with the gate they were made with.
    ///
    /// # Panics
    /// If a path is in both, and their gates are not the same.
    #[track_caller]
    pub fn merge(mut self, routes: Self) -> Self {
        for entry in routes.entries {
            match entry {
                Entry::Path(path) => self.add(path),
                below @ Entry::Below(..) => self.entries.push(below),
            }
        }
        self
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "one path has one gate, and a second one has to show where it is added")]
    fn add(&mut self, added: Path) {
        let known = self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Path(known) if known.path == added.path => Some(known),
            _ => None,
        });
        match known {
            Some(known) if known.gate.is_same(&added.gate) => known.routes.extend(added.routes),
            Some(_) => panic!("the path `{}` is there twice, with different gates", added.path),
            None => self.entries.push(Entry::Path(added)),
        }
    }

    /// What [`App::configure`](actix_web::App::configure) and [`Scope::configure`](actix_web::Scope::configure) take: the
    /// routes, and the gate as `app_data` for their extractors. Unknown paths are answered like
    /// [hidden denials](Gate::not_found), by the default service.
    pub fn into_config(self) -> impl FnOnce(&mut ServiceConfig) {
        move |config| {
            config.default_service(unknown_path(&self.gate));
            config.app_data(self.gate.clone());
            self.add_to(config);
        }
    }

    fn add_to(self, config: &mut ServiceConfig) {
        for entry in self.entries {
            match entry {
                Entry::Path(path) => path.add_to(config),
                Entry::Below(path, routes) => {
                    // A scope does not hand its default service down to those in it.
                    let scope = web::scope(&path).default_service(unknown_path(&routes.gate));
                    config.service(scope.configure(|config| routes.add_to(config)));
                }
            }
        }
    }
}

fn unknown_path(gate: &Gate) -> Route {
    let gate = gate.clone();
    web::to(move |request: HttpRequest| {
        looked_at(&request);
        ready(respond(gate.not_found()))
    })
}

impl Path {
    fn add_to(mut self, config: &mut ServiceConfig) {
        let Some((route, last)) = self.routes.pop() else { return };
        // The extractors of a route go by the gate that guards it, whatever else the app has.
        let resource = web::resource(self.path).app_data(self.gate);
        if self.routes.is_empty() {
            config.service(resource.route(route).wrap(last));
            return;
        }
        self.routes.push((route, last.clone()));
        let guard_each = |resource: Resource, (route, guard): (Route, Require)| {
            resource.route(route.wrap(guard).wrap(from_fn(mark)))
        };
        let resource = self.routes.into_iter().fold(resource, guard_each);
        config.service(resource.wrap(from_fn(move |request, next| guard_rest(last.clone(), request, next))));
    }
}

/// One of the routes of a path has the method of the request, and guards it.
struct HasMethod;

async fn mark<B>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    request.extensions_mut().insert(HasMethod);
    next.call(request).await
}

/// Guards what a resource answers for methods that it does not have, where each method has a guard of its own.
async fn guard_rest<B: MessageBody>(
    guard: Require,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = next.call(request).await?;
    if response.request().extensions().contains::<HasMethod>() {
        return Ok(response.map_into_left_body());
    }
    match guard.check(response.request()).await {
        Ok(()) => Ok(response.map_into_left_body()),
        Err(error) => {
            let (request, not_allowed) = response.into_parts();
            // Actix-web uses a response's memory again, and with it the order of headers that an unknown path gets too.
            drop(not_allowed);
            Ok(ServiceResponse::new(request, guard.refuse(&error)).map_into_right_body())
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.entries.iter().map(|entry| match entry {
            Entry::Path(Path { path, .. }) | Entry::Below(path, _) => path,
        });
        f.debug_struct("Routes").field("paths", &paths.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
