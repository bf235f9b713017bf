use crate::{params, rejection::Rejection};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use futures_util::future::Either;
use http::request::Parts;
use portcullis_core::{Access, Error, Established, Gate, Lease, Principal, Requirement};
use portcullis_tower::{Guard, Head, Params, establish, establish_for, establish_now, remember};
use std::{
    fmt,
    future::{Future, ready},
    marker::PhantomData,
    ops::Deref,
};

/// A router state in which a [`Gate`] can be found: the gate itself, or anything with `impl FromRef<…> for Gate`.
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
fn gate_of(parts: &Parts, state: &impl HoldsGate) -> Gate {
    Guard::of(&parts.extensions).map_or_else(|| state.gate(), |guard| guard.gate().clone())
}

/// Establishes who asks and takes from that what the extractor is about. What waits is boxed, so that it takes no room in
/// the future of every handler.
fn extract<T: Send>(
    gate: Gate,
    parts: &mut Parts,
    take: fn(&Established, &Parts) -> Result<T, Error>,
) -> impl Future<Output = Result<T, Rejection>> + Send {
    let taken = move |gate: &Gate, who: &Established, parts: &Parts| {
        take(who, parts).map_err(|error| Rejection::new(gate, error))
    };
    match establish_now(&gate, None, parts) {
        Ok(who) => Either::Left(ready(taken(&gate, &who, parts))),
        Err(waiting) => Either::Right(Box::pin(async move {
            let who = waiting.await;
            remember(&gate, &mut parts.extensions, &who);
            taken(&gate, &who, parts)
        })),
    }
}

/// The same of somebody, whom the baseline is asked about where no guard has asked it.
fn extract_somebody<T: Send>(
    gate: Gate,
    parts: &mut Parts,
    take: fn(&Established, &Parts) -> Result<T, Error>,
) -> impl Future<Output = Result<T, Rejection>> + Send {
    let asked = || Guard::of(&parts.extensions).is_some_and(|guard| guard.has_asked(&gate));
    let Some(baseline) = gate.baseline().filter(|_| !asked()).cloned() else {
        return Either::Left(extract(gate, parts, take));
    };
    Either::Right(Box::pin(async move {
        let who = establish(&gate, parts).await;
        let params = params::read(parts);
        let allowed = gate.authorize(&who, &baseline, &Head::new(parts, &params)).await;
        allowed.and_then(|_| take(&who, parts)).map_err(|error| Rejection::new(&gate, error))
    }))
}

/// Who makes the request; a handler that takes this is not called without.
///
/// That is whom a guard or another extractor has found, by whichever [scheme](portcullis_core::Scheme), and otherwise whoever
/// comes by a scheme without a name. Where no policy has asked the [baseline](portcullis_core::GateBuilder::baseline) of the gate,
/// this does.
///
/// As `Option<Authenticated>` it lets those in who say nothing about who they are, and still refuses a credential that
/// does not hold.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Authenticated(pub Principal);

impl<S: HoldsGate> FromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_somebody(gate_of(parts, state), parts, |who, _| who.principal().cloned().map(Self))
    }
}

impl<S: HoldsGate> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Option<Self>, Rejection>> + Send {
        extract(gate_of(parts, state), parts, |who, _| who.visitor().map(|visitor| visitor.cloned().map(Self)))
    }
}

/// Who makes the request, if they say so. The same as `Option<Authenticated>`, under a name that all frameworks share.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Visitor(pub Option<Principal>);

impl<S: HoldsGate> FromRequestParts<S> for Visitor {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract(gate_of(parts, state), parts, |who, _| who.visitor().map(|visitor| Self(visitor.cloned())))
    }
}

/// Who opens a connection that outlives the request, such as a WebSocket, and for how long they may: see [`Lease`].
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Leased(pub Lease);

impl<S: HoldsGate> FromRequestParts<S> for Leased {
    type Rejection = Rejection;

    fn from_request_parts(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        extract_somebody(gate_of(parts, state), parts, |who, parts| {
            who.lease(&Head::new(parts, &Params::Absent)).map(Self)
        })
    }
}

/// The caller, let through by the policy of `R`, and what was found out on the way: its role, the resource, and the row that a
/// membership has read, by the methods of [`Access`].
///
/// A handler that takes this is not called without, wherever its route ends up. The caller is whom a guard or another extractor
/// has found, and otherwise whoever comes by one of the [schemes](portcullis_core::Scheme) that the policy accepts. A request
/// has one caller: one who was found and came by another scheme is refused with 401.
///
/// Where the policy lets callers in without a credential there may be no principal: see [`Access::visitor`]. A credential that
/// is not valid is refused there as well.
pub struct Authorized<R> {
    access: Access,
    requirement: PhantomData<fn() -> R>,
}

impl<R> Authorized<R> {
    /// A public policy asks for nobody, and yet a credential that is not valid makes no visitor.
    fn new(who: &Established, access: Access) -> Result<Self, Error> {
        who.visitor()?;
        Ok(Self { access, requirement: PhantomData })
    }
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
        let gate = gate_of(parts, state);
        let plan = gate.plan_of::<R>().map_err(|error| Rejection::new(&gate, error))?;
        let who = establish_for(&gate, &plan, parts).await;
        let params = params::read(parts);
        let access = gate.authorize(&who, &plan, &Head::new(parts, &params)).await;
        access.and_then(|access| Self::new(&who, access)).map_err(|error| Rejection::new(&gate, error))
    }
}
