//! What a request remembers: who makes it, and whether anybody asked.

use crate::head::Head;
use actix_web::{HttpMessage, HttpRequest, dev::Extensions};
use futures_util::{FutureExt, future::Shared};
use portcullis_core::{Answer, Established, Gate, Plan};
use std::{cell::Cell, rc::Rc, time::Duration};

/// Who makes the request, as one gate established it or is about to. Extractors of one handler run side by side, so what
/// they share is the pending answer. It holds on to the credential and to nothing else of the request.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Known(Established),
    Pending(Shared<Answer<'static, Established>>),
}

impl Who {
    /// If there is nothing to wait for any more.
    pub(crate) fn now(&self) -> Option<&Established> {
        match self {
            Self::Known(who) => Some(who),
            Self::Pending(pending) => pending.peek(),
        }
    }

    pub(crate) async fn get(self) -> Established {
        match self {
            Self::Known(who) => who,
            Self::Pending(pending) => pending.await,
        }
    }
}

/// What a request remembers: an entry for each gate that asked, and the guard that it has passed. Nearly always there is one
/// gate, and no list is allocated for it.
#[derive(Debug)]
struct Remembered {
    first: Option<Entry>,
    others: Option<Vec<Entry>>,
    guard: Option<Guard>,
}

/// Who one gate established, or is about to for this plan.
#[derive(Debug)]
struct Entry {
    gate: Gate,
    max_age: Option<Duration>,
    who: Who,
}

/// The innermost guard that a request has passed so far.
#[derive(Debug)]
struct Guard {
    gate: Gate,
    is_public: bool,
}

impl Guard {
    fn of(extensions: &Extensions) -> Option<&Self> {
        let remembered = extensions.get::<Remembered>().and_then(|remembered| remembered.guard.as_ref());
        remembered.or_else(|| extensions.get())
    }

    /// Remembered by itself where nobody has been looked for.
    fn leave(self, extensions: &mut Extensions) {
        if let Some(remembered) = extensions.get_mut::<Remembered>() {
            remembered.guard = Some(self);
        } else {
            extensions.insert(self);
        }
    }
}

/// The gate of the innermost guard that this request has passed.
pub(crate) fn guarding(request: &HttpRequest) -> Option<Gate> {
    Guard::of(&request.extensions()).map(|guard| guard.gate.clone())
}

/// Whether that guard has asked a policy of this gate about the caller, and with that the baseline.
pub(crate) fn has_asked(gate: &Gate, request: &HttpRequest) -> bool {
    Guard::of(&request.extensions()).is_some_and(|guard| guard.gate.is_same(gate) && !guard.is_public)
}

impl Remembered {
    fn entry(&self, gate: &Gate) -> Option<&Entry> {
        self.first.iter().chain(self.others.iter().flatten()).find(|entry| entry.gate.is_same(gate))
    }

    fn add(&mut self, entry: Entry) {
        let Some(first) = &mut self.first else {
            self.first = Some(entry);
            return;
        };
        match std::iter::once(first)
            .chain(self.others.iter_mut().flatten())
            .find(|earlier| earlier.gate.is_same(&entry.gate))
        {
            Some(earlier) => *earlier = entry,
            None => self.others.get_or_insert_default().push(entry),
        }
    }
}

/// Who makes a request, if this gate has found that out already: for middleware behind a guard.
#[must_use]
pub fn established(gate: &Gate, request: &HttpRequest) -> Option<Established> {
    request.extensions().get::<Remembered>()?.entry(gate)?.who.now().cloned()
}

/// A guard begins: extractors of this request go by its gate from here on. Who makes the request, unless the plan is public.
pub(crate) fn enter(gate: &Gate, plan: &Plan, request: &HttpRequest) -> Option<Who> {
    if plan.is_public() {
        looked_at(request);
        Guard { gate: gate.clone(), is_public: true }.leave(&mut request.extensions_mut());
        return None;
    }
    Some(find(gate, Some(plan), true, request))
}

/// Finds out who makes a request, by the schemes that a plan accepts and as freshly as it asks for, unless this gate has
/// already; and remembers it in the request. Without a plan, whoever this gate has found is taken.
pub(crate) fn establish(gate: &Gate, plan: Option<&Plan>, request: &HttpRequest) -> Who {
    find(gate, plan, false, request)
}

fn find(gate: &Gate, plan: Option<&Plan>, is_guard: bool, request: &HttpRequest) -> Who {
    looked_at(request);
    let guard = || Guard { gate: gate.clone(), is_public: false };
    let max_age = plan.and_then(Plan::max_age);
    // Who found nobody may have read other places.
    let is_enough = |entry: &&Entry| match (entry.who.now(), plan) {
        (Some(known), Some(plan)) => known.is_enough_for(plan),
        (Some(known), None) => !matches!(known.visitor(), Ok(None)),
        (None, _) => max_age.is_none_or(|asked| entry.max_age.is_some_and(|earlier| earlier <= asked)),
    };
    let earlier = request.extensions().get::<Remembered>().and_then(|remembered| {
        let entry = remembered.entry(gate).filter(is_enough)?;
        Some(entry.who.clone())
    });
    if let Some(who) = earlier {
        if is_guard {
            guard().leave(&mut request.extensions_mut());
        }
        return who;
    }
    let head = Head::of(request);
    let answer = plan.map_or_else(|| gate.establish(&head), |plan| gate.establish_for(plan, &head));
    let who = match answer.ready() {
        Ok(who) => Who::Known(who),
        Err(pending) => Who::Pending(pending.shared()),
    };
    let entry = || Entry { gate: gate.clone(), max_age, who: who.clone() };
    let mut extensions = request.extensions_mut();
    if let Some(remembered) = extensions.get_mut::<Remembered>() {
        remembered.add(entry());
        if is_guard {
            remembered.guard = Some(guard());
        }
    } else {
        extensions.insert(Remembered { first: Some(entry()), others: None, guard: is_guard.then(guard) });
    }
    who
}

/// Whether anybody has asked who makes the request, or said that it does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looked(Rc<Cell<bool>>);

impl Looked {
    /// The mark of this request; an inner middleware shares the outer one's.
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        if let Some(looked) = extensions.get::<Self>() {
            return looked.clone();
        }
        let looked = Self::default();
        extensions.insert(looked.clone());
        looked
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.get()
    }

    pub(crate) fn set(&self) {
        self.0.set(true);
    }
}

/// Tells [`enforce`](crate::GateExt::enforce) that this request was looked at. Guards and extractors do so themselves.
pub fn looked_at(request: &HttpRequest) {
    if let Some(looked) = request.extensions().get::<Looked>() {
        looked.set();
    }
}
