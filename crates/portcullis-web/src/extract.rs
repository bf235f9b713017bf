//! What handlers take: a principal, a visitor, a lease, a caller, or the access that a policy allowed.
//!
//! An extractor without a policy takes the caller that the guard of the route has established. Where no guard has asked the
//! baseline, the extraction asks it.

use crate::{Carrier, Guard, Who, guard::authorize_now, memory};
use portcullis_core::{Access, Authentication, Caller, Error, Gate, Lease, Plan, Principal, RequestHead, Requirement};
use std::{fmt, marker::PhantomData, sync::Arc};

/// The gate that the extractors of a request use, and the guards that it has passed.
#[derive(Debug, Clone)]
pub struct Route(Passed);

#[derive(Debug, Clone)]
enum Passed {
    /// The innermost guard, and those around it that have asked about the caller.
    Guards(Guard, Option<Arc<Vec<Guard>>>),
    /// None, at this gate.
    None(Gate),
}

impl Route {
    /// The route of the innermost guard, if the request has passed one.
    #[must_use]
    pub fn guarded(request: &impl Carrier) -> Option<Self> {
        let passed = request.recall(|memory| Some(Passed::Guards(memory.guard()?.clone(), memory.outer().cloned())));
        passed?.map(Self)
    }

    /// A route without a guard.
    #[must_use]
    pub fn open(gate: Gate) -> Self {
        Self(Passed::None(gate))
    }

    /// Its gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        match &self.0 {
            Passed::Guards(guard, _) => guard.gate(),
            Passed::None(gate) => gate,
        }
    }

    /// What the innermost guard has asked. `None` where that was nothing about the caller. Then nothing has asked the baseline
    /// either.
    fn asked(&self) -> Option<&Plan> {
        match &self.0 {
            Passed::Guards(guard, _) => Some(guard.plan()).filter(|plan| !plan.is_public()),
            Passed::None(_) => None,
        }
    }

    fn outer(&self) -> &[Guard] {
        match &self.0 {
            Passed::Guards(_, Some(outer)) => outer,
            _ => &[],
        }
    }
}

/// What an extractor hands to a handler.
pub trait Extract: Sized {
    /// Whether the baseline of the gate is asked where no guard has asked it.
    const ASKS_BASELINE: bool = true;

    /// Takes it from what is known of the request.
    ///
    /// # Errors
    /// If this request does not have it.
    fn take(facts: Facts<'_>) -> Result<Self, Error>;

    /// How to make it of the caller alone, where that is enough.
    #[must_use]
    fn of_caller() -> Option<fn(Principal) -> Self> {
        None
    }
}

/// What is known of a request once its caller was allowed.
pub struct Facts<'a> {
    who: &'a Authentication,
    access: Option<Access>,
    /// What was asked before the handler.
    plan: Option<&'a Plan>,
    /// The guards around it.
    outer: &'a [Guard],
    head: &'a dyn RequestHead,
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({})", self.who)
    }
}

/// The caller.
impl Extract for Principal {
    fn take(facts: Facts<'_>) -> Result<Self, Error> {
        facts.who.principal().cloned()
    }

    fn of_caller() -> Option<fn(Self) -> Self> {
        Some(|caller| caller)
    }
}

/// The caller, if the request has a credential.
impl Extract for Option<Principal> {
    const ASKS_BASELINE: bool = false;

    fn take(facts: Facts<'_>) -> Result<Self, Error> {
        facts.who.visitor().map(|visitor| visitor.cloned())
    }

    fn of_caller() -> Option<fn(Principal) -> Self> {
        Some(Some)
    }
}

/// The caller, for handlers that ask policies themselves.
impl Extract for Caller {
    fn take(facts: Facts<'_>) -> Result<Self, Error> {
        facts.who.caller(facts.head)
    }
}

/// The caller's right to a connection that outlives the request.
impl Extract for Lease {
    fn take(facts: Facts<'_>) -> Result<Self, Error> {
        let outer = facts.outer.iter().filter(|guard| facts.who.is_of(guard.gate()));
        facts.who.lease(outer.map(Guard::plan).chain(facts.plan), facts.head)
    }
}

/// The caller, allowed by a policy.
impl Extract for Access {
    fn take(facts: Facts<'_>) -> Result<Self, Error> {
        // A public policy asks for nobody, and yet a credential that is not valid makes no visitor.
        facts.who.visitor()?;
        Ok(facts.access.unwrap_or_default())
    }
}

/// What has to be asked before something is extracted.
#[derive(Debug, Clone)]
pub struct Extraction<T> {
    route: Route,
    policy: Option<Plan>,
    /// Whether the caller is established as the policy requires. Otherwise it is taken as it was found.
    by_policy: bool,
    extracted: PhantomData<fn() -> T>,
}

impl<T: Extract> Extraction<T> {
    /// An extraction from a request on this route.
    #[must_use]
    pub fn new(route: Route) -> Self {
        let asks = T::ASKS_BASELINE && route.asked().is_none();
        let policy = route.gate().baseline().filter(|_| asks).cloned();
        Self { route, policy, by_policy: false, extracted: PhantomData }
    }

    /// The same with the policy of `R` in place of the baseline alone.
    ///
    /// # Errors
    /// As [`Gate::plan_of`].
    pub fn required<R: Requirement>(route: Route) -> Result<Self, Error> {
        let policy = Some(route.gate().plan_of::<R>()?);
        Ok(Self { route, policy, by_policy: true, extracted: PhantomData })
    }

    /// The gate that is asked.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        self.route.gate()
    }

    /// The plan of the policy that is asked, if there is one.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.policy.as_ref()
    }

    /// Extracts without waiting.
    ///
    /// # Errors
    /// If it has to wait. The error is the caller to [`wait`](Self::wait) for.
    pub fn now(&self, request: &mut impl Carrier) -> Result<Result<T, Error>, Who> {
        let who = match self.find(request) {
            Ok(extracted) => return Ok(Ok(extracted)),
            Err(who) => who,
        };
        let extracted = who.now().and_then(|known| {
            let head = request.head(self.plan());
            let Some(plan) = self.plan() else { return Some(self.take(known, None, &head)) };
            let access = authorize_now(self.gate(), plan, known, &head)?;
            Some(access.and_then(|access| self.take(known, Some(access), &head)))
        });
        extracted.ok_or(who)
    }

    /// Finds the caller, and extracts what needs nothing else.
    fn find(&self, request: &mut impl Carrier) -> Result<T, Who> {
        let gate = self.gate();
        let Some(make) = T::of_caller().filter(|_| self.policy.is_none()) else {
            return Err(memory::establish(request, gate, self.plan().filter(|_| self.by_policy)));
        };
        let made = |who: &Who| Some(make(who.now()?.visitor().ok()??.clone()));
        match memory::recall(request, gate, None, |who| made(who).ok_or_else(|| who.clone())) {
            Ok(found) => found,
            Err(before) => memory::find_caller(request, gate, before).map(make).or_else(|who| made(&who).ok_or(who)),
        }
    }

    /// Extracts from a request of this caller with this head, waiting if necessary.
    ///
    /// # Errors
    /// If the request is refused, with the reason.
    pub async fn wait(&self, who: Who, head: &dyn RequestHead) -> Result<T, Error> {
        let who = who.get().await;
        let access = match self.plan() {
            Some(plan) => Some(self.gate().authorize(&who, plan, head).await?),
            None => None,
        };
        self.take(&who, access, head)
    }

    fn take(&self, who: &Authentication, access: Option<Access>, head: &dyn RequestHead) -> Result<T, Error> {
        let plan = self.route.asked().or(self.plan());
        T::take(Facts { who, access, plan, outer: self.route.outer(), head })
    }
}
