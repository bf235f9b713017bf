use crate::{
    head::Head,
    rejection::Rejection,
    remembered::{Who, establish, guarding, has_asked, looked_at},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures_util::{
    FutureExt,
    future::{Either, LocalBoxFuture, Ready, ready},
};
use portcullis_core::{Access, Error, ErrorKind, Established, Gate, Lease, Plan, Principal, Requirement};
use std::{fmt, marker::PhantomData, ops::Deref};

/// What an extractor of this crate waits for: usually nothing.
type Extracting<T> = Either<Ready<Result<T, Rejection>>, LocalBoxFuture<'static, Result<T, Rejection>>>;

fn now<T>(extracted: Result<T, Rejection>) -> Extracting<T> {
    Either::Left(ready(extracted))
}

/// The gate of the guard of this route, or else that of the innermost scope that has one.
fn gate_of(request: &HttpRequest) -> Result<Gate, Rejection> {
    looked_at(request);
    if let Some(gate) = guarding(request) {
        return Ok(gate);
    }
    let (plain, shared) = (request.app_data::<Gate>(), request.app_data::<web::Data<Gate>>());
    let detail = match (plain, shared.map(|data| &***data)) {
        // Which of them is further in cannot be told.
        (Some(one), Some(other)) if !one.is_same(other) => {
            "two gates in `app_data`, one as it is and one in `web::Data`; put both there in one form"
        }
        (Some(gate), _) | (None, Some(gate)) => return Ok(gate.clone()),
        (None, None) => "no `Gate` in `app_data`; add `.app_data(gate.clone())` to the App, or use `Routes`",
    };
    Err(Error::new(ErrorKind::Misconfigured, detail).into())
}

/// Establishes who asks and takes from that what the extractor is about.
fn extract<T: 'static>(
    request: &HttpRequest,
    take: fn(&Established, &HttpRequest) -> Result<T, Error>,
) -> Extracting<T> {
    let gate = match gate_of(request) {
        Ok(gate) => gate,
        Err(rejection) => return now(Err(rejection)),
    };
    let who = establish(&gate, None, request);
    if let Some(known) = who.now() {
        return now(take(known, request).map_err(|error| Rejection::new(&gate, error)));
    }
    let request = request.clone();
    Either::Right(
        async move { take(&who.get().await, &request).map_err(|error| Rejection::new(&gate, error)) }.boxed_local(),
    )
}

/// The same of somebody, whom the baseline is asked about where no guard has asked it.
fn extract_somebody<T: 'static>(
    request: &HttpRequest,
    take: fn(&Established, &HttpRequest) -> Result<T, Error>,
) -> Extracting<T> {
    let gate = match gate_of(request) {
        Ok(gate) => gate,
        Err(rejection) => return now(Err(rejection)),
    };
    let Some(baseline) = gate.baseline().filter(|_| !has_asked(&gate, request)).cloned() else {
        return extract(request, take);
    };
    let (who, request) = (establish(&gate, None, request), request.clone());
    let asking = async move {
        let who = who.get().await;
        let allowed = gate.authorize(&who, &baseline, &Head::of(&request)).await;
        allowed.and_then(|_| take(&who, &request)).map_err(|error| Rejection::new(&gate, error))
    };
    Either::Right(asking.boxed_local())
}

/// Who makes the request; a handler that takes this is not called without.
///
/// That is whom a guard or another extractor has found, by whichever [scheme](portcullis_core::Scheme), and otherwise whoever
/// comes by a scheme without a name. Where no policy has asked the [baseline](portcullis_core::GateBuilder::baseline) of the gate,
/// this does.
///
/// Not for use as `Option<Authenticated>`: actix-web itself says what an optional extractor is, and takes *every* error for
/// `None`, so that a forged token or a missing gate would make a visitor nobody. Take a [`Visitor`].
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Authenticated(pub Principal);

impl FromRequest for Authenticated {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract_somebody(request, |who, _| who.principal().cloned().map(Self))
    }
}

/// Who makes the request, if they say so. Lets those in who say nothing about who they are, and refuses a credential that
/// does not hold.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Visitor(pub Option<Principal>);

impl FromRequest for Visitor {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, |who, _| who.visitor().map(|visitor| Self(visitor.cloned())))
    }
}

/// Who opens a connection that outlives the request, such as a WebSocket, and for how long they may: see [`Lease`].
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "handlers take it apart in their signature")]
pub struct Leased(pub Lease);

impl FromRequest for Leased {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract_somebody(request, |who, request| who.lease(&Head::of(request)).map(Self))
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

impl<R: Requirement + 'static> FromRequest for Authorized<R> {
    type Error = Rejection;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = match gate_of(request) {
            Ok(gate) => gate,
            Err(rejection) => return now(Err(rejection)),
        };
        let plan = match gate.plan_of::<R>() {
            Ok(plan) => plan,
            Err(error) => return now(Err(Rejection::new(&gate, error))),
        };
        let who = establish(&gate, Some(&plan), request);
        if let Some(known) = who.now()
            && let Ok(access) = gate.authorize(known, &plan, &Head::of(request)).ready()
        {
            let authorized = access.and_then(|access| Self::new(known, access));
            return now(authorized.map_err(|error| Rejection::new(&gate, error)));
        }
        Either::Right(authorize(gate, plan, who, request.clone()).boxed_local())
    }
}

async fn authorize<R: Requirement>(
    gate: Gate,
    plan: Plan,
    who: Who,
    request: HttpRequest,
) -> Result<Authorized<R>, Rejection> {
    let who = who.get().await;
    let access = gate.authorize(&who, &plan, &Head::of(&request)).await;
    access.and_then(|access| Authorized::new(&who, access)).map_err(|error| Rejection::new(&gate, error))
}
