use crate::{params, rejection::Rejection};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use portcullis_core::{Access, Gate, Lease, Principal, Requirement, ResourceRef, Role};
use portcullis_tower::{Head, Params, establish, establish_for};
use std::{fmt, marker::PhantomData};

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

/// Who makes the request; a handler that takes this is not called without.
///
/// As `Option<Authenticated>` it lets those in who say nothing about who they are, and still refuses a credential that
/// does not hold.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Authenticated(pub Principal);

impl<S: HoldsGate> FromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let gate = state.gate();
        let who = establish(&gate, parts).await;
        who.principal().cloned().map(Self).map_err(|error| Rejection::new(&gate, error))
    }
}

impl<S: HoldsGate> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        let Visitor(visitor) = <Visitor as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(visitor.map(Self))
    }
}

/// Who makes the request, if they say so. The same as `Option<Authenticated>`, under a name that all frameworks share.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Visitor(pub Option<Principal>);

impl<S: HoldsGate> FromRequestParts<S> for Visitor {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let gate = state.gate();
        let who = establish(&gate, parts).await;
        who.visitor().map(|visitor| Self(visitor.cloned())).map_err(|error| Rejection::new(&gate, error))
    }
}

/// Who opens a connection that outlives the request, such as a WebSocket, and for how long they may: see [`Lease`].
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Leased(pub Lease);

impl<S: HoldsGate> FromRequestParts<S> for Leased {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let gate = state.gate();
        let who = establish(&gate, parts).await;
        who.lease(&Head::new(parts, &Params::Absent)).map(Self).map_err(|error| Rejection::new(&gate, error))
    }
}

/// Who makes the request, let through by the policy of `R`, and what was found out on the way.
///
/// A handler that takes this is not called without, wherever its route ends up.
pub struct Authorized<R> {
    principal: Principal,
    access: Access,
    requirement: PhantomData<fn() -> R>,
}

impl<R> Authorized<R> {
    /// Who makes the request.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The role by which the policy let them through, if it was one.
    #[must_use]
    pub fn role(&self) -> Option<&Role> {
        self.access.role()
    }

    /// The resource that the policy was about, if there was one.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceRef> {
        self.access.resource()
    }
}

impl<R> fmt::Debug for Authorized<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("principal", &self.principal).field("access", &self.access).finish()
    }
}

impl<S: HoldsGate, R: Requirement> FromRequestParts<S> for Authorized<R> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let gate = state.gate();
        let who = establish_for(&gate, R::POLICY, parts).await;
        // No route is added here at which a misspelt role could show, and `not(role(..))` would let everybody in.
        gate.check(R::POLICY).map_err(|error| Rejection::new(&gate, error))?;
        let params = params::read(parts);
        let access = gate.authorize(&who, R::POLICY, &Head::new(parts, &params)).await;
        let allowed = access.and_then(|access| {
            let principal = who.principal()?.clone();
            Ok(Self { principal, access, requirement: PhantomData })
        });
        allowed.map_err(|error| Rejection::new(&gate, error))
    }
}
