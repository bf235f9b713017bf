use crate::{params, rejection::Rejection};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use futures_util::future::Either;
use http::request::Parts;
use portcullis_core::{self as core, Access, Error, Gate, Lease, Principal, Requirement};
use portcullis_tower::CarriedRequest;
use portcullis_web::{Carrier, Extract, Extraction, Route};
use std::{
    fmt,
    future::{Future, ready},
    marker::PhantomData,
    ops::Deref,
};

/// A router state with a [`Gate`] in it: the gate itself, or any type with `impl FromRef<…> for Gate`.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// use axum::extract::FromRef;
///
/// #[derive(Clone)]
/// struct AppState {
///     gate: Gate,
///     name: &'static str,
/// }
///
/// impl FromRef<AppState> for Gate {
///     fn from_ref(state: &AppState) -> Self {
///         state.gate.clone()
///     }
/// }
///
/// async fn me(Authenticated(principal): Authenticated) -> String {
///     principal.id().subject().to_owned()
/// }
///
/// let app = |gate| {
///     Router::new().route("/me", routing::get(me)).with_state(AppState { gate, name: "orders" })
/// };
/// assert_eq!(answer(&app(gate()?.acting_as(acting_as("alice"))), get("/me")), "200 alice");
/// assert_eq!(answer(&app(gate()?), get("/me")), "401 credential_missing");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "no `Gate` in the router state `{Self}`",
    label = "this state holds no gate",
    note = "use the gate as state, `.with_state(gate)`, or write `impl FromRef<{Self}> for Gate`",
    note = "below `#[debug_handler]`, name the state if it is not the handler's own: `#[debug_handler(state = …)]`"
)]
pub trait HoldsGate: Send + Sync {
    /// The gate.
    fn gate(&self) -> Gate;
}

#[diagnostic::do_not_recommend]
impl<S: Send + Sync> HoldsGate for S
where
    Gate: FromRef<S>,
{
    fn gate(&self) -> Gate {
        Gate::from_ref(self)
    }
}

/// The gate of the guard of this route, or else that of the state.
fn route(request: &CarriedRequest<'_>, state: &impl HoldsGate) -> Route {
    Route::guarded(request).unwrap_or_else(|| Route::open(state.gate()))
}

/// Extracts what is available at once. A future that waits is boxed, so that it takes no room in the future of every handler.
fn extract<T: Extract + Send, E: Send>(
    mut request: CarriedRequest<'_>,
    extraction: Extraction<T>,
    wrap: impl FnOnce(T) -> E + Send,
) -> impl Future<Output = Result<E, Rejection>> + Send {
    let end = move |extraction: &Extraction<T>, extracted: Result<T, Error>| {
        extracted.map(wrap).map_err(|error| Rejection::new(extraction.gate(), error))
    };
    match extraction.now(&mut request) {
        Ok(extracted) => Either::Left(ready(end(&extraction, extracted))),
        Err(who) => Either::Right(Box::pin(async move {
            let extracted = extraction.wait(who, &request.head(extraction.plan())).await;
            end(&extraction, extracted)
        })),
    }
}

/// The same for a route.
fn extract_by<T: Extract + Send, E: Send>(
    parts: &mut Parts,
    state: &impl HoldsGate,
    wrap: impl FnOnce(T) -> E + Send,
) -> impl Future<Output = Result<E, Rejection>> + Send {
    let request = CarriedRequest::new(parts, Some(params::AXUM));
    let extraction = Extraction::new(route(&request, state));
    extract(request, extraction, wrap)
}

/// The caller. A handler that takes this only runs for an authenticated caller.
///
/// If a guard or another extractor has established the caller, by any [scheme](portcullis_core::Scheme), this is that caller.
/// Otherwise the credential has to be one of a scheme without a name. The [baseline](portcullis_core::GateBuilder::baseline)
/// of the gate is asked here if no policy has asked it yet.
///
/// `Option<Authenticated>` also lets in requests without a credential. A credential that is not valid is still refused.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn me(Authenticated(principal): Authenticated) -> String {
///     principal.id().subject().to_owned()
/// }
///
/// let app = |gate: Gate| Router::new().route("/me", routing::get(me)).with_state(gate);
/// let gate = gate()?;
/// assert_eq!(answer(&app(gate.acting_as(acting_as("alice"))), get("/me")), "200 alice");
/// assert_eq!(answer(&app(gate), get("/me")), "401 credential_missing");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Authenticated(pub Principal);

impl<S: HoldsGate> FromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_by(parts, state, Self)
    }
}

impl<S: HoldsGate> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Option<Self>, Rejection>> + Send {
        extract_by(parts, state, |visitor: Option<Principal>| visitor.map(Self))
    }
}

/// The caller, if the request has a credential. The same as `Option<Authenticated>`, under a name that all frameworks share.
///
/// A credential that is not valid is refused, not taken for no credential. The baseline of the gate is not asked here.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn home(Visitor(visitor): Visitor) -> String {
///     visitor.map_or("a visitor".to_owned(), |principal| principal.id().subject().to_owned())
/// }
///
/// let app = |gate: Gate| Router::new().route("/", routing::get(home)).with_state(gate);
/// let gate = gate()?;
/// assert_eq!(answer(&app(gate.acting_as(acting_as("alice"))), get("/")), "200 alice");
/// assert_eq!(answer(&app(gate.clone()), get("/")), "200 a visitor");
///
/// let mut forged = get("/");
/// forged
///     .headers_mut()
///     .insert("authorization", axum::http::HeaderValue::from_static("Bearer forged"));
/// assert_eq!(answer(&app(gate), forged), "401 invalid_token");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Visitor(pub Option<Principal>);

impl<S: HoldsGate> FromRequestParts<S> for Visitor {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_by(parts, state, Self)
    }
}

/// The caller of a connection that outlives the request, such as a WebSocket, and how long it may stay open: see [`Lease`].
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// /// Answers an upgrade; `serve` would get the lease together with the socket.
/// async fn feed(Leased(lease): Leased) -> String {
///     format!("open for {}", lease.principal().id().subject())
/// }
///
/// let app = |gate: &Gate| {
///     Routes::new(gate)
///         .get("/feed", role("viewer"), feed)
///         .into_router()
///         .with_state(gate.clone())
/// };
/// let gate = gate()?;
/// let viewer = gate.acting_as(acting_as("alice").with_role("viewer"));
/// assert_eq!(answer(&app(&viewer), get("/feed")), "200 open for alice");
/// assert_eq!(
///     answer(&app(&gate.acting_as(acting_as("bob"))), get("/feed")),
///     "403 role_required"
/// );
/// # Ok(()) }
/// ```
///
/// A whole handler is in the example `websocket` of the repository, and `docs/resources.md` explains when a lease ends.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Leased(pub Lease);

impl<S: HoldsGate> FromRequestParts<S> for Leased {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_by(parts, state, Self)
    }
}

/// The caller, for handlers that ask policies themselves, for example about a resource whose identifier is in the body.
///
/// It dereferences to [`portcullis_core::Caller`], which has the methods.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, gate, post};
/// use axum::{Json, Router};
/// use portcullis_axum::{Caller, Rejection, Routes};
/// use portcullis_core::{Gate, policy::*, testing::acting_as};
///
/// #[derive(serde::Deserialize)]
/// struct NewFile {
///     project: u32,
/// }
///
/// async fn add_file(
///     caller: Caller,
///     Json(body): Json<NewFile>,
/// ) -> Result<&'static str, Rejection> {
///     caller.require(role("viewer").on("project", id(body.project)).hidden()).await?;
///     Ok("added")
/// }
///
/// fn app(gate: &Gate) -> Router {
///     Routes::new(gate)
///         .post("/files", authenticated(), add_file)
///         .into_router()
///         .with_state(gate.clone())
/// }
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let app = app(&gate()?.acting_as(acting_as("alice"))); // a viewer of project 1
/// assert_eq!(answer(&app, post("/files", r#"{"project":1}"#)), "200 added");
/// // as the guard of a hidden resource would
/// assert_eq!(answer(&app, post("/files", r#"{"project":2}"#)), "404");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Caller(pub core::Caller);

impl Deref for Caller {
    type Target = core::Caller;

    fn deref(&self) -> &core::Caller {
        &self.0
    }
}

impl<S: HoldsGate> FromRequestParts<S> for Caller {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_by(parts, state, Self)
    }
}

/// The caller, allowed by the policy of `R`, with what the decision found: the role, the resource, and the row that a
/// membership has read. See the methods of [`Access`].
///
/// A handler that takes this only runs if the policy allows the caller, wherever its route is mounted. If a guard or another
/// extractor has established the caller, this is that caller. Otherwise the credential has to be one of the
/// [schemes](portcullis_core::Scheme) that the policy accepts. A request has one caller: if it was established by a scheme
/// that the policy does not accept, the request is refused with 401.
///
/// If the policy also allows requests without a credential, there may be no principal: see [`Access::visitor`]. A credential
/// that is not valid is refused even then.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// struct ReadProject;
/// impl Requirement for ReadProject {
///     const POLICY: &'static dyn Policy = &role("viewer").on("project", path("id"));
/// }
///
/// async fn read(access: Authorized<ReadProject>) -> Result<String, Rejection> {
///     Ok(format!(
///         "{} as {:?}",
///         access.principal()?.id().subject(),
///         access.role().map(|role| role.as_str())
///     ))
/// }
///
/// let alice = gate()?.acting_as(acting_as("alice")); // a viewer of project 1
/// let app = Router::new().route("/projects/{id}", routing::get(read)).with_state(alice);
/// assert_eq!(answer(&app, get("/projects/1")), "200 alice as Some(\"viewer\")");
/// assert_eq!(answer(&app, get("/projects/2")), "403 not_a_member");
/// # Ok(()) }
/// ```
pub struct Authorized<R> {
    access: Access,
    requirement: PhantomData<fn() -> R>,
}

impl<R> Deref for Authorized<R> {
    type Target = Access;

    fn deref(&self) -> &Access {
        &self.access
    }
}

impl<R> fmt::Debug for Authorized<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorized").field(&self.access).finish()
    }
}

impl<S: HoldsGate, R: Requirement> FromRequestParts<S> for Authorized<R> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let request = CarriedRequest::new(parts, Some(params::AXUM));
        let route = route(&request, state);
        let gate = route.gate().clone();
        let extraction = Extraction::required::<R>(route).map_err(|error| Rejection::new(&gate, error))?;
        extract(request, extraction, |access| Self { access, requirement: PhantomData }).await
    }
}
