use crate::{
    carried::{CarriedRequest, mark_checked},
    head::Head,
    rejection::Rejection,
};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures_util::{
    FutureExt,
    future::{Either, LocalBoxFuture, Ready, ready},
};
use portcullis_core::{self as core, Access, Error, ErrorKind, Gate, Lease, Principal, Requirement};
use portcullis_web::{Extract, Extraction, Route};
use std::{fmt, marker::PhantomData, ops::Deref};

/// The future of an extractor of this crate. Usually it is ready at once.
type Extracting<T> = Either<Ready<Result<T, Rejection>>, LocalBoxFuture<'static, Result<T, Rejection>>>;

/// The gate of the guard of this route, or else that of the innermost scope that has one.
fn route(request: &HttpRequest) -> Result<Route, Rejection> {
    if let Some(route) = Route::guarded(&CarriedRequest(request)) {
        return Ok(route);
    }
    let (plain, shared) = (request.app_data::<Gate>(), request.app_data::<web::Data<Gate>>());
    let detail = match (plain, shared.map(|data| &***data)) {
        // Which of them is further in cannot be told.
        (Some(one), Some(other)) if !one.is_same(other) => {
            "two gates in `app_data`, one as it is and one in `web::Data`; put both there in one form"
        }
        (Some(gate), _) | (None, Some(gate)) => return Ok(Route::open(gate.clone())),
        (None, None) => "no `Gate` in `app_data`; add `.app_data(gate.clone())` to the App, or use `Routes`",
    };
    Err(Error::new(ErrorKind::Misconfigured, detail).into())
}

fn extract<T: Extract + 'static, E: 'static>(
    request: &HttpRequest,
    extraction: impl FnOnce(Route) -> Result<Extraction<T>, Rejection>,
    wrap: impl FnOnce(T) -> E + 'static,
) -> Extracting<E> {
    let extraction = match route(request).and_then(extraction) {
        Ok(extraction) => extraction,
        Err(rejection) => {
            // Elsewhere the gate is asked, which marks the request too.
            mark_checked(request);
            return Either::Left(ready(Err(rejection)));
        }
    };
    let end = move |extraction: &Extraction<T>, extracted: Result<T, Error>| {
        extracted.map(wrap).map_err(|error| Rejection::new(extraction.gate(), error))
    };
    match extraction.now(&mut CarriedRequest(request)) {
        Ok(extracted) => Either::Left(ready(end(&extraction, extracted))),
        Err(who) => {
            let request = request.clone();
            let extracting = async move { end(&extraction, extraction.wait(who, &Head::of(&request)).await) };
            Either::Right(extracting.boxed_local())
        }
    }
}

/// The caller. A handler that takes this only runs for an authenticated caller.
///
/// If a guard or another extractor has established the caller, by any [scheme](portcullis_core::Scheme), this is that caller.
/// Otherwise the credential has to be one of a scheme without a name. The [baseline](portcullis_core::GateBuilder::baseline)
/// of the gate is asked here if no policy has asked it yet.
///
/// Do not use it as `Option<Authenticated>`. In actix-web, an optional extractor turns *every* error into `None`. The handler
/// runs as if the request had no credential, and nothing is logged, when the token is forged or expired, when an issuer or a
/// directory is down, when the baseline denies the caller, and when there is no gate. Only a guard whose policy is not public
/// refuses such a request before. Take a [`Visitor`] instead: it is `None` only without a credential.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn me(Authenticated(principal): Authenticated) -> String {
///     principal.id().subject().to_owned()
/// }
///
/// // the handler requires a caller
/// let app = |gate: &Gate| Routes::new(gate).get("/me", anyone(), me).into_config();
/// let gate = gate()?;
/// assert_eq!(answer(app(&gate.acting_as(acting_as("alice"))), get("/me")), "200 alice");
/// assert_eq!(answer(app(&gate), get("/me")), "401 credential_missing");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Authenticated(pub Principal);

impl FromRequest for Authenticated {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, |route| Ok(Extraction::new(route)), Self)
    }
}

/// The caller, if the request has a credential. Requests without one are let in. A credential that is not valid is refused.
///
/// The baseline of the gate is not asked here.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// async fn home(Visitor(visitor): Visitor) -> String {
///     visitor.map_or("a visitor".to_owned(), |principal| principal.id().subject().to_owned())
/// }
///
/// let app = |gate: &Gate| Routes::new(gate).get("/", anyone(), home).into_config();
/// let gate = gate()?;
/// assert_eq!(answer(app(&gate.acting_as(acting_as("alice"))), get("/")), "200 alice");
/// assert_eq!(answer(app(&gate), get("/")), "200 a visitor");
/// let forged = get("/").insert_header(("authorization", "Bearer forged"));
/// assert_eq!(answer(app(&gate), forged), "401 invalid_token");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Visitor(pub Option<Principal>);

impl FromRequest for Visitor {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, |route| Ok(Extraction::new(route)), Self)
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
/// let app = |gate: &Gate| Routes::new(gate).get("/feed", role("viewer"), feed).into_config();
/// let gate = gate()?;
/// let viewer = gate.acting_as(acting_as("alice").with_role("viewer"));
/// assert_eq!(answer(app(&viewer), get("/feed")), "200 open for alice");
/// assert_eq!(answer(app(&gate.acting_as(acting_as("bob"))), get("/feed")), "403 role_required");
/// # Ok(()) }
/// ```
///
/// A whole handler is in the example `websocket` of the repository, and `docs/resources.md` explains when a lease ends.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Leased(pub Lease);

impl FromRequest for Leased {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, |route| Ok(Extraction::new(route)), Self)
    }
}

/// The caller, for handlers that ask policies themselves, for example about a resource whose identifier is in the body.
///
/// It dereferences to [`portcullis_core::Caller`], which has the methods.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, gate, get};
/// use actix_web::{Responder, web};
/// use portcullis_actix::{Caller, Rejection, Routes};
/// use portcullis_core::{Gate, policy::*, testing::acting_as};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct NewFile {
///     project: u32,
/// }
///
/// async fn add_file(
///     caller: Caller,
///     body: web::Json<NewFile>,
/// ) -> Result<impl Responder, Rejection> {
///     caller.require(role("viewer").on("project", id(body.project)).hidden()).await?;
///     Ok("added")
/// }
///
/// fn routes(gate: &Gate) -> Routes {
///     Routes::new(gate).post("/files", authenticated(), add_file)
/// }
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let post = |project| get("/files").method(actix_web::http::Method::POST).set_json(NewFile { project });
/// let alice = gate()?.acting_as(acting_as("alice")); // a viewer of project 1
/// assert_eq!(answer(routes(&alice).into_config(), post(1)), "200 added");
/// // as the guard of a hidden resource would
/// assert_eq!(answer(routes(&alice).into_config(), post(2)), "404");
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

impl FromRequest for Caller {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, |route| Ok(Extraction::new(route)), Self)
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
/// let app = || Routes::new(&alice).get("/projects/{id}", authenticated(), read).into_config();
/// assert_eq!(answer(app(), get("/projects/1")), "200 alice as Some(\"viewer\")");
/// assert_eq!(answer(app(), get("/projects/2")), "403 not_a_member");
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

impl<R: Requirement> FromRequest for Authorized<R> {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extraction = |route: Route| {
            let gate = route.gate().clone();
            Extraction::required::<R>(route).map_err(|error| Rejection::new(&gate, error))
        };
        extract(request, extraction, |access| Self { access, requirement: PhantomData })
    }
}
