//! What a request remembers.

use crate::{Carrier, CheckMark, Guard};
use futures_util::{FutureExt, future::Shared};
use portcullis_core::{Answer, Authentication, Gate, Plan, Principal, RequestHead};
use std::{sync::Arc, time::Duration};

/// What a request remembers: the caller as each gate has established it, and the innermost guard. Nearly always there is one
/// gate.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    first: Option<Who>,
    others: Vec<Who>,
    guard: Option<Guard>,
    /// The guards around it that have asked about the caller, outermost first: for leases. Nearly always there is none.
    outer: Option<Arc<Vec<Guard>>>,
    /// Set where guards are enforced.
    mark: Option<CheckMark>,
}

/// The caller, as one gate has established it or is about to. Extractors of one handler may run at the same time, so they
/// share the pending answer.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_enums, reason = "there is nothing between")]
pub enum Who {
    /// The caller is known.
    Known(Authentication),
    /// The caller has to be waited for.
    Pending(Pending),
}

/// A caller that a gate is about to establish. It keeps the credential and nothing else of the request.
#[derive(Debug, Clone)]
pub struct Pending {
    gate: Gate,
    /// The maximum age of the identity that was asked for.
    max_age: Option<Duration>,
    answer: Shared<Answer<'static, Authentication>>,
}

impl Who {
    #[inline(always)]
    fn of(answer: Answer<'static, Authentication>, gate: &Gate, plan: Option<&Plan>) -> Self {
        match answer.ready() {
            Ok(who) => Self::Known(who),
            Err(pending) => {
                let (gate, max_age) = (gate.clone(), plan.and_then(Plan::max_age));
                Self::Pending(Pending { gate, max_age, answer: pending.shared() })
            }
        }
    }

    fn answer(self) -> Answer<'static, Authentication> {
        match self {
            Self::Known(who) => Answer::now(who),
            Self::Pending(pending) => Answer::later(pending.answer),
        }
    }

    /// The caller, if there is nothing more to wait for.
    #[must_use]
    pub fn now(&self) -> Option<&Authentication> {
        match self {
            Self::Known(who) => Some(who),
            Self::Pending(pending) => pending.answer.peek(),
        }
    }

    /// Waits for the caller.
    pub async fn get(self) -> Authentication {
        match self {
            Self::Known(who) => who,
            Self::Pending(pending) => pending.answer.await,
        }
    }

    fn is_of(&self, gate: &Gate) -> bool {
        match self {
            Self::Known(who) => who.is_of(gate),
            Self::Pending(pending) => pending.gate.is_same(gate),
        }
    }

    /// Whether this is what a route with this plan needs. Without a plan, any caller that the gate has found is enough.
    fn is_enough_for(&self, plan: Option<&Plan>) -> bool {
        match (self, self.now(), plan) {
            (_, Some(known), Some(plan)) => known.is_enough_for(plan),
            // Where nobody was found, other places may not have been read.
            (_, Some(known), None) => !matches!(known.visitor(), Ok(None)),
            (Self::Pending(pending), None, plan) => {
                let asked = plan.and_then(Plan::max_age);
                asked.is_none_or(|asked| pending.max_age.is_some_and(|earlier| earlier <= asked))
            }
            (Self::Known(_), None, _) => false,
        }
    }
}

impl Memory {
    /// The innermost guard that the request has passed so far. Extractors use its gate.
    #[must_use]
    pub fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// The guards around the innermost one that have asked about the caller, outermost first.
    pub(crate) fn outer(&self) -> Option<&Arc<Vec<Guard>>> {
        self.outer.as_ref()
    }

    /// The caller, if this gate has established it: for services behind a guard.
    #[must_use]
    pub fn established(&self, gate: &Gate) -> Option<&Authentication> {
        self.who(gate)?.now()
    }

    /// The mark of a request whose guards are enforced. Inner middleware that enforces guards shares it.
    pub fn check_mark(&mut self) -> CheckMark {
        self.mark.get_or_insert_default().clone()
    }

    /// Records that a guard or an extractor checks the request.
    pub fn mark_checked(&self) {
        if let Some(mark) = &self.mark {
            mark.set();
        }
    }

    pub(crate) fn guarded(guard: &Guard) -> Self {
        Self { guard: Some(guard.clone()), ..Self::default() }
    }

    pub(crate) fn enter(&mut self, guard: &Guard) {
        if let Some(outer) = self.guard.replace(guard.clone()).filter(|outer| !outer.plan().is_public()) {
            Arc::make_mut(self.outer.get_or_insert_default()).push(outer);
        }
    }

    fn who(&self, gate: &Gate) -> Option<&Who> {
        self.first.iter().chain(&self.others).find(|who| who.is_of(gate))
    }

    fn add(&mut self, gate: &Gate, who: Who) {
        let Some(first) = &mut self.first else {
            self.first = Some(who);
            return;
        };
        match std::iter::once(first).chain(&mut self.others).find(|earlier| earlier.is_of(gate)) {
            Some(earlier) => *earlier = who,
            None => self.others.push(who),
        }
    }
}

/// Establishes the caller, unless this gate already has. Remembers it, unless establishing it again costs as little. With a
/// plan, the caller is established by the schemes that the policy accepts, and as [fresh](portcullis_core::policy::fresh) as
/// the policy requires. Without a plan, any caller that this gate has found is taken.
pub fn establish(request: &mut impl Carrier, gate: &Gate, plan: Option<&Plan>) -> Who {
    match (recall(request, gate, plan, Who::clone), plan) {
        (Ok(who), _) => who,
        (Err(Before::Less), Some(plan)) => ask_again(request, gate, plan),
        (Err(before), plan) => {
            let who = ask(&request.head(None), gate, plan);
            keep(request, gate, &who, before);
            who
        }
    }
}

/// Finds a caller that the request does not remember, for an extractor that needs nothing else.
#[inline(always)]
pub(crate) fn find_caller(request: &mut impl Carrier, gate: &Gate, before: Before) -> Result<Principal, Who> {
    let answer = match gate.recall_or_establish(&request.head(None)) {
        Ok(caller) => return Ok(caller),
        Err(answer) => answer,
    };
    let who = Who::of(answer, gate, None);
    keep(request, gate, &who, before);
    Err(who)
}

fn keep(request: &mut impl Carrier, gate: &Gate, who: &Who, before: Before) {
    if !matches!(who, Who::Known(who) if who.is_found_again()) {
        remember(request, gate, who.clone(), before, None);
    }
}

/// What a request remembered before its caller was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before {
    Nothing,
    Others,
    /// This caller, with less than the plan requires.
    Less,
    ThisCaller,
}

/// Sees the caller, if the request remembers it, and it is enough for this plan.
#[inline]
pub(crate) fn recall<T>(
    request: &impl Carrier,
    gate: &Gate,
    plan: Option<&Plan>,
    see: impl FnOnce(&Who) -> T,
) -> Result<T, Before> {
    let known = request.recall(|memory| {
        memory.mark_checked();
        match memory.who(gate) {
            Some(who) if who.is_enough_for(plan) => Ok(see(who)),
            Some(_) => Err(Before::Less),
            None => Err(Before::Others),
        }
    });
    known.unwrap_or(Err(Before::Nothing))
}

/// Asks the gate for the caller. Nothing is remembered yet.
#[inline(always)]
pub(crate) fn ask(head: &dyn RequestHead, gate: &Gate, plan: Option<&Plan>) -> Who {
    let answer = plan.map_or_else(|| gate.establish(head), |plan| gate.establish_for(plan, head));
    Who::of(answer, gate, plan)
}

/// Asks again for a caller that the request remembers with less than the plan requires, and remembers what was found.
#[cold]
pub(crate) fn ask_again(request: &mut impl Carrier, gate: &Gate, plan: &Plan) -> Who {
    let before = request.recall(|memory| memory.who(gate).cloned()).flatten();
    let head = request.head(None);
    let answer = match before {
        Some(before) => gate.establish_again(before.answer(), plan, &head),
        None => gate.establish_for(plan, &head),
    };
    drop(head);
    let who = Who::of(answer, gate, Some(plan));
    remember(request, gate, who.clone(), Before::Less, None);
    who
}

/// Remembers the caller. Extractors of the request use the guard from now on.
#[inline]
pub(crate) fn remember(request: &mut impl Carrier, gate: &Gate, who: Who, before: Before, guard: Option<&Guard>) {
    if matches!(before, Before::Nothing) {
        let (first, guard) = (Some(who), guard.cloned());
        request.insert(Memory { first, others: Vec::new(), guard, outer: None, mark: None });
        return;
    }
    request.change(|memory| {
        if !matches!(before, Before::ThisCaller) {
            memory.add(gate, who);
        }
        if let Some(guard) = guard {
            memory.enter(guard);
        }
    });
}
