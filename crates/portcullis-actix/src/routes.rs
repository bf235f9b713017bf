use crate::{GateExt, carried::mark_checked, rejection::respond, require::Require};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Resource, Responder, Route,
    body::{EitherBody, MessageBody},
    dev::{HttpServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use portcullis_core::{
    Gate,
    policy::{Policy, anyone},
};
use portcullis_web::{Book, Table};
use std::{fmt, future::ready, rc::Rc};

/// The routes of an app or a scope, each with a policy.
///
/// The policy is an argument, so it cannot be forgotten. The order of the calls cannot leave a route unguarded: the first
/// path that matches gets the request, and no handler can be reached without its own policy. A public route has the policy
/// [`anyone()`](portcullis_core::policy::anyone). Each method of a path has its own policy. The last one added also guards
/// the methods that the path does not have, which get 405:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, gate, get};
/// use actix_web::App;
/// use portcullis_actix::Routes;
/// use portcullis_core::{Gate, policy::*, testing::acting_as};
///
/// fn routes(gate: &Gate) -> Routes {
///     Routes::new(gate)
///         .get("/news", anyone(), async || "news")
///         .delete("/news", staff(), async || "gone")
/// }
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let gate = gate()?;
/// App::new().configure(routes(&gate).into_config());
///
/// # let delete = || get("/news").method(actix_web::http::Method::DELETE);
/// let admin = gate.acting_as(acting_as("root").with_staff(true));
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(routes(&gate).into_config(), get("/news")), "200 news");
/// assert_eq!(answer(routes(&admin).into_config(), delete()), "200 gone");
/// assert_eq!(answer(routes(&alice).into_config(), delete()), "403 staff_required");
/// assert_eq!(answer(routes(&gate).into_config(), get("/olds")), "404"); // unknown
/// # Ok(()) }
/// ```
///
/// What is wrapped around the app, such as CORS, runs outside of all guards.
#[must_use = "routes do nothing before `into_config`"]
pub struct Routes {
    pub(crate) gate: Gate,
    book: Book,
    entries: Vec<Entry>,
    fallback: Option<MakeRoute>,
}

/// Routes of actix-web cannot be cloned, and each scope needs one for unknown paths.
type MakeRoute = Rc<dyn Fn() -> Route>;

enum Entry {
    Path(Path),
    Service(Box<dyn FnOnce(&mut ServiceConfig)>),
    Below(String, Routes),
}

/// A path with its methods and their guards, in the order of the calls.
struct Path {
    path: String,
    routes: Vec<(Route, Require)>,
}

macro_rules! methods {
    ($($method:ident, $name:literal, $doc:literal;)+) => {$(
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
            self.add(Some($name), path, policy, web::$method().to(handler))
        }
    )+};
}

impl Routes {
    /// Creates an empty set of routes.
    pub fn new(gate: &Gate) -> Self {
        Self { gate: gate.clone(), book: Book::new(join_paths), entries: Vec::new(), fallback: None }
    }

    methods! {
        get, "GET", "Adds a handler for GET that this policy guards. HEAD is a method of its own, as everywhere in actix-web.";
        post, "POST", "Adds a handler for POST that this policy guards.";
        put, "PUT", "Adds a handler for PUT that this policy guards.";
        patch, "PATCH", "Adds a handler for PATCH that this policy guards.";
        delete, "DELETE", "Adds a handler for DELETE that this policy guards.";
    }

    /// Adds a route of actix-web, guarded by this policy. Use it for what the methods above cannot express: further methods,
    /// guards of actix-web, or middleware inside of this guard.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use actix_web::guard::Header;
    ///
    /// let app = |gate: &Gate| {
    ///     let old = web::get().guard(Header("api-version", "1")).to(async || "old");
    ///     Routes::new(gate).route("/settings", role("manager"), old).into_config()
    /// };
    /// let request = || get("/settings").insert_header(("api-version", "1"));
    /// let manager = gate()?.acting_as(acting_as("alice").with_role("manager"));
    /// assert_eq!(answer(app(&manager), request()), "200 old");
    /// assert_eq!(answer(app(&gate()?.acting_as(acting_as("bob"))), request()), "403 role_required");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy.
    #[track_caller]
    pub fn route(self, path: &str, policy: impl Policy + 'static, route: Route) -> Self {
        self.add(None, path, policy, route)
    }

    #[track_caller]
    pub(crate) fn add(
        mut self,
        method: Option<&'static str>,
        path: &str,
        policy: impl Policy + 'static,
        route: Route,
    ) -> Self {
        let guard = self.gate.require(policy);
        self.book.add(&self.gate, guard.plan(), method, path);
        self.add_path(Path { path: path.to_owned(), routes: vec![(route, guard)] });
        self
    }

    fn add_path(&mut self, added: Path) {
        let known = self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Path(known) if known.path == added.path => Some(known),
            _ => None,
        });
        match known {
            Some(known) => known.routes.extend(added.routes),
            None => self.entries.push(Entry::Path(added)),
        }
    }

    /// Adds a service that answers this path and all paths below it, such as a resource, a scope, or `Files` of actix-files.
    /// The service's own path is appended to this one.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: &Gate| {
    ///     let reports = web::scope("")
    ///         .route("/{name}", web::get().to(async |name: web::Path<String>| name.into_inner()));
    ///     Routes::new(gate).service("/reports", staff(), reports).into_config()
    /// };
    /// let admin = gate()?.acting_as(acting_as("root").with_staff(true));
    /// assert_eq!(answer(app(&admin), get("/reports/2026")), "200 2026");
    /// assert_eq!(answer(app(&gate()?), get("/reports/2026")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy.
    #[track_caller]
    pub fn service(
        mut self,
        path: &str,
        policy: impl Policy + 'static,
        service: impl HttpServiceFactory + 'static,
    ) -> Self {
        let guard = self.gate.require(policy);
        self.book.add_all_below(&self.gate, guard.plan(), path);
        let unknown = unknown_path(&self.gate)();
        let scope = web::scope(path).default_service(unknown).service(service).wrap(guard);
        self.entries.push(Entry::Service(Box::new(move |config| {
            config.service(scope);
        })));
        self
    }

    /// Adds the handler for unknown paths. Without one, they are answered like [hidden denials](Gate::not_found).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: &Gate| {
    ///     Routes::new(gate).fallback(authenticated(), async || "the page").into_config()
    /// };
    /// assert_eq!(
    ///     answer(app(&gate()?.acting_as(acting_as("alice"))), get("/any/path")),
    ///     "200 the page"
    /// );
    /// assert_eq!(answer(app(&gate()?), get("/any/path")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Gate::plan`] returns an error for the policy.
    #[track_caller]
    pub fn fallback<T: FromRequest + 'static>(
        mut self,
        policy: impl Policy + 'static,
        handler: impl Handler<T, Output: Responder + 'static>,
    ) -> Self {
        let guard = self.gate.require(policy);
        self.book.add_all_below(&self.gate, guard.plan(), "");
        self.fallback = Some(Rc::new(move || web::to(handler.clone()).wrap(guard.clone())));
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
    ///     Routes::new(gate).nest("/projects/{id}", flights).into_config()
    /// };
    /// let alice = gate()?.acting_as(acting_as("alice")); // a viewer of project 1
    /// assert_eq!(answer(app(&alice), get("/projects/1/flights")), "200 flights");
    /// assert_eq!(answer(app(&alice), get("/projects/2/flights")), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    pub fn nest(mut self, path: &str, routes: Self) -> Self {
        self.book.nest(path, routes.book.clone());
        self.entries.push(Entry::Below(path.to_owned(), routes));
        self
    }

    /// Adds other routes. They stay guarded as they are, by the gate they were made with.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let (users, operators) = (gate()?, gate()?.acting_as(acting_as("root").with_staff(true)));
    /// let app = || {
    ///     let admin = Routes::new(&operators).get("/admin", staff(), async || "admin");
    ///     Routes::new(&users).get("/me", authenticated(), async || "me").merge(admin).into_config()
    /// };
    /// assert_eq!(answer(app(), get("/admin")), "200 admin");
    /// assert_eq!(answer(app(), get("/me")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If both have a fallback.
    #[track_caller]
    pub fn merge(mut self, routes: Self) -> Self {
        assert!(
            self.fallback.is_none() || routes.fallback.is_none(),
            "both have a fallback for unknown paths; leave one out"
        );
        self.book.merge(routes.book);
        self.fallback = self.fallback.or(routes.fallback);
        for entry in routes.entries {
            match entry {
                Entry::Path(path) => self.add_path(path),
                other => self.entries.push(other),
            }
        }
        self
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
    /// let app = || {
    ///     let routes = Routes::new(&gate).resource_metadata();
    ///     routes.get("/orders", scope("orders:read"), async || "orders").into_config()
    /// };
    ///
    /// assert_eq!(answer(app(), get("/.well-known/oauth-protected-resource")), "200");
    /// assert_eq!(answer(app(), get("/orders")), "401 credential_missing");
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

    /// Sets the path of the scope that these routes will be configured in, so that its parameters are known:
    ///
    /// ```
    /// use actix_web::{App, web};
    /// use portcullis_actix::Routes;
    /// use portcullis_core::{Gate, policy::*};
    ///
    /// # fn app(gate: &Gate) {
    /// let may_read = role("viewer").on("project", path("id"));
    /// let flights =
    ///     Routes::new(gate).below("/projects/{id}").get("/flights", may_read, async || "flights");
    /// App::new().service(web::scope("/projects/{id}").configure(flights.into_config()));
    /// # }
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
    /// let table = Routes::new(&gate()?)
    ///     .get("/projects/{id}", role("viewer").on("project", path("id")), async || "project")
    ///     .get(
    ///         "/projects/{id}/files/{file}",
    ///         role("viewer").on("project", path("id")),
    ///         async || "file",
    ///     )
    ///     .table();
    /// assert!(table.to_string().contains("| GET | `/projects/{id}` | role viewer on project |"));
    /// // No policy says that the file belongs to the project: see `OnResource::of`.
    /// assert_eq!(table.unseen().collect::<Vec<_>>(), [("/projects/{id}/files/{file}", "file")]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn table(&self) -> Table {
        self.book.table()
    }

    /// The routes, for `App::configure` or `Scope::configure` of actix-web.
    /// Also adds the gate as `app_data` for their extractors. Without a [`fallback`](Self::fallback), unknown paths are
    /// answered like [hidden denials](Gate::not_found).
    ///
    /// # Panics
    /// If a policy reads a path parameter that the path of its route does not have, or a path has one twice, or a method of a
    /// path is there twice. If there is metadata of a resource below a [path](Self::below).
    #[track_caller]
    pub fn into_config(self) -> impl FnOnce(&mut ServiceConfig) {
        self.book.check();
        move |config| {
            let unknown = self.unknown_path();
            config.default_service(unknown());
            config.app_data(self.gate.clone());
            for (gate, path, metadata) in self.book.metadata() {
                let read = move || ready(HttpResponse::Ok().content_type("application/json").body(metadata.clone()));
                config.service(web::resource(path).route(web::get().to(read)).wrap(gate.require(anyone())));
            }
            self.add_to(config, &unknown);
        }
    }

    fn unknown_path(&self) -> MakeRoute {
        self.fallback.clone().unwrap_or_else(|| unknown_path(&self.gate))
    }

    fn add_to(self, config: &mut ServiceConfig, unknown: &MakeRoute) {
        for entry in self.entries {
            match entry {
                Entry::Path(path) => path.add_to(config),
                Entry::Service(add) => add(config),
                Entry::Below(path, routes) => {
                    let has_own = routes.fallback.is_some() || !routes.gate.is_same(&self.gate);
                    let unknown = if has_own { routes.unknown_path() } else { unknown.clone() };
                    // A scope does not hand its default service down to those in it.
                    let scope = web::scope(&path).default_service(unknown());
                    config.service(scope.configure(|config| routes.add_to(config, &unknown)));
                }
            }
        }
    }
}

fn unknown_path(gate: &Gate) -> MakeRoute {
    let gate = gate.clone();
    Rc::new(move || {
        let gate = gate.clone();
        web::to(move |request: HttpRequest| {
            mark_checked(&request);
            ready(respond(gate.not_found()))
        })
    })
}

/// As actix-web does.
fn join_paths(prefix: &str, path: &str) -> String {
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    format!("{}{slash}{path}", prefix.trim_end_matches('/'))
}

impl Path {
    fn add_to(mut self, config: &mut ServiceConfig) {
        let Some((route, last)) = self.routes.pop() else { return };
        let resource = web::resource(self.path);
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

/// Matches if one of the routes of a path has the method of the request. That route then guards it.
struct HasMethod;

async fn mark<B>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    request.extensions_mut().insert(HasMethod);
    next.call(request).await
}

/// Guards the answer of a resource for methods that it does not have, where each of its methods has its own guard.
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
        f.debug_tuple("Routes").field(&self.book).finish()
    }
}
