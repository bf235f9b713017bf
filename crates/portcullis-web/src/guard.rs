//! Guards: what an adapter puts around a service.

use crate::{
    Carrier, Memory, Who,
    memory::{self, Before},
};
use portcullis_core::{Access, Authentication, Error, Gate, Plan, RequestHead, policy::Policy};
use std::sync::Arc;

/// A gate, and its plan of the policy of a route.
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    gate: Gate,
    plan: Plan,
}

impl Guard {
    /// A guard with this policy.
    ///
    /// # Errors
    /// As [`Gate::plan`].
    pub fn new(gate: &Gate, policy: impl Policy + 'static) -> Result<Self, Error> {
        Ok(Self(Arc::new(Parts { gate: gate.clone(), plan: gate.plan(policy)? })))
    }

    /// Its gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The plan of its policy.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Decides about the request. Records this guard in it, so that extractors use its gate, unless it is refused.
    ///
    /// # Errors
    /// If the decision has to wait. The error is the caller to [`decide`](Self::decide) about.
    pub fn decide_now(&self, request: &mut impl Carrier) -> Result<Result<(), Error>, Who> {
        let Parts { gate, plan } = &*self.0;
        if plan.is_public() {
            match request.recall(Memory::mark_checked) {
                Some(_) => request.change(|memory| memory.enter(self)),
                None => request.insert(Memory::guarded(self)),
            }
            return Ok(Ok(()));
        }
        let recalled = match memory::recall(request, gate, Some(plan), Who::clone) {
            Err(Before::Less) => Ok(memory::ask_again(request, gate, plan)),
            recalled => recalled,
        };
        let head = request.head(Some(plan));
        let (who, before) = match recalled {
            Ok(who) => (who, Before::ThisCaller),
            Err(before) => (memory::ask(&head, gate, Some(plan)), before),
        };
        let decided = who.now().and_then(|known| authorize_now(gate, plan, known, &head));
        drop(head);
        let answer = match decided {
            Some(Ok(_)) => Ok(Ok(())),
            // Nothing further in sees this request.
            Some(Err(refused)) => return Ok(Err(refused)),
            // It is copied only if somebody has to wait for it.
            None => Err(who.clone()),
        };
        memory::remember(request, gate, who, before, Some(self));
        answer
    }

    /// Decides about a request of this caller.
    ///
    /// # Errors
    /// The reason, if the request is refused.
    pub async fn decide(&self, who: Who, head: &dyn RequestHead) -> Result<(), Error> {
        let who = who.get().await;
        self.gate().authorize(&who, self.plan(), head).await.map(drop)
    }
}

/// The decision, if it needs no waiting. Questions to memberships may have been started then; the memory of the request
/// shares them with the decision that waits. A `Rule` is not started here.
pub(crate) fn authorize_now(
    gate: &Gate,
    plan: &Plan,
    who: &Authentication,
    head: &dyn RequestHead,
) -> Option<Result<Access, Error>> {
    gate.authorize(who, plan, head).ready().ok()
}
