use crate::GateExt;
use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::{self, MethodRouter, Route},
};
use portcullis_core::{
    Gate,
    policy::{Policy, anyone},
};
use portcullis_tower::{RequireLayer, mark_checked, respond};
use portcullis_web::{Book, Table};
use std::{convert::Infallible, fmt, future::ready, sync::Arc};
use tower_layer::Layer;
use tower_service::Service;

/// A router in which every route has a policy.
///
/// The policy is an argument, so it cannot be forgotten. The order of the calls cannot leave a route unguarded. A public
/// route has the policy [`anyone()`](portcullis_core::policy::anyone). Each method of a path has its own policy. The last one
/// added also guards the methods that the path does not have, which get 405:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use axum::Router;
/// use portcullis_axum::Routes;
/// use portcullis_core::{Gate, policy::*};
///
/// fn app(gate: &Gate) -> Router {
///     Routes::new(gate)
///         .get("/news", anyone(), async || "news")
///         .post("/news", staff(), async || "published")
///         .into_router()
/// }
///
/// # fn main() -> Result<(), Error> {
/// # let gate = gate()?;
/// let admin = gate.acting_as(acting_as("root").with_staff(true));
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&app(&gate), get("/news")), "200 news");
/// assert_eq!(answer(&app(&admin), post("/news", "{}")), "200 published");
/// assert_eq!(answer(&app(&alice), post("/news", "{}")), "403 staff_required");
/// assert_eq!(answer(&app(&gate), get("/olds")), "404"); // unknown
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "routes do nothing before `into_router`"]
pub struct Routes<S = ()> {
    pub(crate) gate: Gate,
    router: Router<S>,
    book: Book,
    layers: Vec<AddLayer<S>>,
    has_fallback: bool,
}

type AddLayer<S> = Arc<dyn Fn(Router<S>) -> Router<S> + Send + Sync>;

macro_rules! methods {
    ($($method:ident, $name:literal, $doc:literal;)+) => {$(
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
            self.guard(Some($name), path, policy, |guard| {
                // Around a handler a guard costs less than around its route. The rest are the methods that have no handler.
                let rest: MethodRouter<S> = MethodRouter::<S>::new().layer(guard.clone());
                rest.$method(handler.layer(guard))
            })
        }
    )+};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Creates an empty set of routes.
    pub fn new(gate: &Gate) -> Self {
        let (router, book) = (Router::new(), Book::new(join_paths));
        Self { gate: gate.clone(), router, book, layers: Vec::new(), has_fallback: false }
    }

    methods! {
        get, "GET", "Adds a handler for GET that this policy guards. It answers HEAD too, without the body.";
        post, "POST", "Adds a handler for POST that this policy guards.";
        put, "PUT", "Adds a handler for PUT that this policy guards.";
        patch, "PATCH", "Adds a handler for PATCH that this policy guards.";
        delete, "DELETE", "Adds a handler for DELETE that this policy guards.";
    }

    /// Adds a method router of axum, guarded by this policy. Use it for what the methods above cannot express: several
    /// methods with one policy, [`any`](routing::any), or layers inside of the guard.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use axum::routing::{get as read, any as all_methods};
    ///
    /// let app = |gate: &Gate| {
    ///     Routes::new(gate)
    ///         .route("/settings", role("manager"), read(async || "settings").put(async || "stored"))
    ///         .route("/hook", staff(), all_methods(async || "called"))
    ///         .into_router()
    /// };
    /// let manager = gate()?.acting_as(acting_as("alice").with_role("manager"));
    /// assert_eq!(answer(&app(&manager), get("/settings")), "200 settings");
    /// assert_eq!(answer(&app(&manager), get("/hook")), "403 staff_required");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy, or axum refuses the path.
    #[track_caller]
    pub fn route(self, path: &str, policy: impl Policy + 'static, methods: MethodRouter<S>) -> Self {
        self.add(None, path, policy, methods)
    }

    #[track_caller]
    pub(crate) fn add(
        self,
        method: Option<&'static str>,
        path: &str,
        policy: impl Policy + 'static,
        methods: MethodRouter<S>,
    ) -> Self {
        self.guard(method, path, policy, |guard| methods.layer(guard))
    }

    #[track_caller]
    fn guard(
        mut self,
        method: Option<&'static str>,
        path: &str,
        policy: impl Policy + 'static,
        guarded: impl FnOnce(RequireLayer) -> MethodRouter<S>,
    ) -> Self {
        let guard = self.gate.require(policy);
        self.book.add(&self.gate, guard.plan(), method, path);
        Self { router: self.router.route(path, guarded(guard)), ..self }
    }

    /// Adds a service that answers this path and all paths below it, such as `ServeDir` of tower-http. The service only sees
    /// the rest of the path.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use axum::{body::Body, http::{Request, Response}};
    /// use std::convert::Infallible;
    ///
    /// let files = tower::service_fn(|request: Request<Body>| async move {
    ///     Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
    /// });
    /// let app = |gate: &Gate| Routes::new(gate).service("/static", staff(), files).into_router();
    ///
    /// let admin = gate()?.acting_as(acting_as("root").with_staff(true));
    /// assert_eq!(answer(&app(&admin), get("/static/logo.svg")), "200 /logo.svg");
    /// assert_eq!(answer(&app(&gate()?), get("/static/logo.svg")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy, or axum refuses the path. Axum refuses `/`: use
    /// [`fallback`](Self::fallback).
    #[track_caller]
    pub fn service<T>(mut self, path: &str, policy: impl Policy + 'static, service: T) -> Self
    where
        T: Service<Request, Error = Infallible, Response: IntoResponse + 'static, Future: Send + 'static>,
        T: Clone + Send + Sync + 'static,
    {
        let guard = self.gate.require(policy);
        self.book.add_all_below(&self.gate, guard.plan(), path);
        let service = routing::any_service(service).layer(guard);
        Self { router: self.router.nest_service(path, service), ..self }
    }

    /// Adds the handler for unknown paths. Without one, they are answered like [hidden denials](Gate::not_found).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: &Gate| {
    ///     Routes::new(gate).fallback(authenticated(), async || "the page").into_router()
    /// };
    /// assert_eq!(
    ///     answer(&app(&gate()?.acting_as(acting_as("alice"))), get("/any/path")),
    ///     "200 the page"
    /// );
    /// assert_eq!(answer(&app(&gate()?), get("/any/path")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy.
    #[track_caller]
    pub fn fallback<T: 'static>(mut self, policy: impl Policy + 'static, handler: impl Handler<T, S>) -> Self {
        let guard = self.gate.require(policy);
        self.book.add_all_below(&self.gate, guard.plan(), "");
        Self { router: self.router.fallback(handler.layer(guard)), has_fallback: true, ..self }
    }

    /// Adds a layer around all routes and the fallback, outside of their guards. It does not matter where among the calls it
    /// is added. So a preflight (CORS) is answered without a credential, and refusals have the headers that a page needs to
    /// read them:
    ///
    /// ```
    /// use axum::{Router, http::{HeaderValue, header::AUTHORIZATION}};
    /// use portcullis_axum::Routes;
    /// use portcullis_core::{Gate, policy::*};
    /// use tower_http::cors::CorsLayer;
    ///
    /// fn app(gate: &Gate) -> Router {
    ///     let origin = HeaderValue::from_static("https://app.example.com");
    ///     Routes::new(gate)
    ///         .get("/me", authenticated(), async || "me")
    ///         .layer(CorsLayer::new().allow_origin(origin).allow_headers([AUTHORIZATION]))
    ///         .into_router()
    /// }
    /// ```
    ///
    /// A later layer is outside of an earlier one. The layers of nested and merged routes stay around those routes.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request, Response: IntoResponse + 'static, Error: Into<Infallible> + 'static>,
        L::Service: Service<Request, Future: Send + 'static> + Clone + Send + Sync + 'static,
    {
        self.layers.push(Arc::new(move |router| router.layer(layer.clone())));
        self
    }

    /// Adds other routes below a path. They stay guarded as they are, by the gate they were made with. Unknown paths below
    /// are answered by the fallback of those routes, or as their gate does if it is another one.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: &Gate| {
    ///     let flights = Routes::new(gate).get(
    ///         "/flights",
    ///         role("viewer").on("project", path("id")),
    ///         async || "flights",
    ///     );
    ///     Routes::new(gate).nest("/projects/{id}", flights).into_router()
    /// };
    /// let alice = gate()?.acting_as(acting_as("alice")); // a viewer of project 1
    /// assert_eq!(answer(&app(&alice), get("/projects/1/flights")), "200 flights");
    /// assert_eq!(answer(&app(&alice), get("/projects/2/flights")), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If axum refuses the path.
    #[track_caller]
    pub fn nest(mut self, path: &str, routes: Self) -> Self {
        self.book.nest(path, routes.book.clone());
        let is_other = !routes.gate.is_same(&self.gate);
        Self { router: self.router.nest(path, routes.finish(is_other)), ..self }
    }

    /// Adds other routes. They stay guarded as they are, by the gate they were made with.
    ///
    /// Use it where routes of one router belong to two gates, such as the pages of users and those of operators:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let (users, operators) = (gate()?, gate()?.acting_as(acting_as("root").with_staff(true)));
    /// let admin = Routes::new(&operators).get("/admin", staff(), async || "admin");
    /// let app =
    ///     Routes::new(&users).get("/me", authenticated(), async || "me").merge(admin).into_router();
    /// assert_eq!(answer(&app, get("/admin")), "200 admin");
    /// assert_eq!(answer(&app, get("/me")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If axum finds a route in both, or both have a fallback.
    #[track_caller]
    pub fn merge(mut self, routes: Self) -> Self {
        self.book.merge(routes.book.clone());
        let has_fallback = self.has_fallback || routes.has_fallback;
        Self { router: self.router.merge(routes.finish(false)), has_fallback, ..self }
    }

    /// Serves the metadata of the gate's [protected resource](portcullis_core::GateBuilder::protected_resource) to everyone
    /// (RFC 9728). Its scopes are those that the policies of all routes of this gate name. The path is always at the root of
    /// the host, also where these routes are nested.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use portcullis_core::{Gate, ProtectedResource, Scheme};
    ///
    /// let gate = Gate::builder()
    ///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
    ///     .protected_resource(ProtectedResource::new("https://api.example.com")?)
    ///     .build()?;
    /// let app = Routes::new(&gate)
    ///     .resource_metadata()
    ///     .get("/orders", scope("orders:read"), async || "orders")
    ///     .into_router();
    ///
    /// assert_eq!(answer(&app, get("/.well-known/oauth-protected-resource")), "200");
    /// assert_eq!(answer(&app, get("/orders")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If the gate has no protected resource.
    #[track_caller]
    pub fn resource_metadata(mut self) -> Self {
        let guard = self.gate.require(anyone());
        self.book.add_metadata(&self.gate, guard.plan());
        self
    }

    /// Sets the path below which a router of axum will nest these routes, so that its parameters are known:
    ///
    /// ```
    /// use axum::Router;
    /// use portcullis_axum::Routes;
    /// use portcullis_core::{Gate, policy::*};
    ///
    /// fn app(gate: &Gate) -> Router {
    ///     let may_read = role("viewer").on("project", path("id"));
    ///     let flights = Routes::new(gate).below("/projects/{id}").get(
    ///         "/flights",
    ///         may_read,
    ///         async || "flights",
    ///     );
    ///     Router::new().nest("/projects/{id}", flights.into_router())
    /// }
    /// ```
    pub fn below(mut self, path: &str) -> Self {
        self.book.set_below(path);
        self
    }

    /// The routes with their policies, to print or to check in a test:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let routes: Routes = Routes::new(&gate()?)
    ///     .get("/projects/{id}", role("viewer").on("project", path("id")), async || "project")
    ///     .get(
    ///         "/projects/{id}/files/{file}",
    ///         role("viewer").on("project", path("id")),
    ///         async || "file",
    ///     );
    /// let table = routes.table();
    /// assert!(table.to_string().contains("| GET | `/projects/{id}` | role viewer on project |"));
    /// // No policy says that the file belongs to the project: see `OnResource::of`.
    /// assert_eq!(table.unseen().collect::<Vec<_>>(), [("/projects/{id}/files/{file}", "file")]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn table(&self) -> Table {
        self.book.table()
    }

    /// The router. Without a [`fallback`](Self::fallback), unknown paths are answered like [hidden denials](Gate::not_found).
    /// Routers with a fallback cannot be merged: merge `Routes` before they become one.
    ///
    /// # Panics
    /// If a policy reads a path parameter that the path of its route does not have, or a path has one twice. If there is metadata
    /// of a resource below a [path](Self::below).
    #[track_caller]
    pub fn into_router(self) -> Router<S> {
        self.book.check();
        let serve = |router: Router<S>, (gate, path, metadata): (Gate, String, String)| {
            let read = routing::get(move || ready(([(CONTENT_TYPE, "application/json")], metadata.clone())));
            router.route(&path, read.layer(gate.require(anyone())))
        };
        let router = self.book.metadata().into_iter().fold(self.router, serve);
        Self { router, ..self }.finish(true)
    }

    fn finish(self, has_unknown_paths: bool) -> Router<S> {
        let gate = self.gate;
        let router = match has_unknown_paths && !self.has_fallback {
            true => self.router.fallback(move |request: Request| {
                mark_checked(request.extensions());
                let answer: Response = respond(gate.not_found());
                ready(answer)
            }),
            false => self.router,
        };
        self.layers.iter().fold(router, |router, add| add(router))
    }
}

/// As axum does.
fn join_paths(prefix: &str, path: &str) -> String {
    if path == "/" { prefix.to_owned() } else { format!("{}{path}", prefix.trim_end_matches('/')) }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Routes").field(&self.book).finish()
    }
}
