use crate::{params, rejection::Rejection};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use futures_util::future::Either;
use http::request::Parts;
use portcullis_core::{self as core, Access, Error, Gate, Lease, Principal, Requirement};
use portcullis_tower::Carried;
use portcullis_web::{Carrier, Extracted, Extraction, Route};
use std::{
    fmt,
    future::{Future, ready},
    marker::PhantomData,
    ops::Deref,
};

/// A router state with a [`Gate`] in it: the gate itself, or any type with `impl FromRef<…> for Gate`.
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
fn route(request: &Carried<'_>, state: &impl HoldsGate) -> Route {
    Route::guarded(request).unwrap_or_else(|| Route::open(state.gate()))
}

/// Extracts what is available at once. A future that waits is boxed, so that it takes no room in the future of every handler.
fn extract<T: Extracted + Send, E: Send>(
    mut request: Carried<'_>,
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
fn extract_by<T: Extracted + Send, E: Send>(
    parts: &mut Parts,
    state: &impl HoldsGate,
    wrap: impl FnOnce(T) -> E + Send,
) -> impl Future<Output = Result<E, Rejection>> + Send {
    let request = Carried::new(parts, Some(params::AXUM));
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
/// use axum::{Json, Router, routing::post};
/// use portcullis_axum::{Caller, Rejection, Routes};
/// use portcullis_core::{Gate, policy::*};
///
/// #[derive(serde::Deserialize)]
/// struct Move {
///     flight: u64,
///     to: u64,
/// }
///
/// async fn move_flight(caller: Caller, Json(body): Json<Move>) -> Result<(), Rejection> {
///     caller.require(role("manager").on("flight", id(body.flight))).await?;
///     caller.require(role("manager").on("project", id(body.to)).hidden()).await?;
///     Ok(())
/// }
///
/// fn app(gate: &Gate) -> Router<Gate> {
///     Routes::new(gate).route("/moves", authenticated(), post(move_flight)).into_router()
/// }
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
        let request = Carried::new(parts, Some(params::AXUM));
        let route = route(&request, state);
        let gate = route.gate().clone();
        let extraction = Extraction::required::<R>(route).map_err(|error| Rejection::new(&gate, error))?;
        extract(request, extraction, |access| Self { access, requirement: PhantomData }).await
    }
}
