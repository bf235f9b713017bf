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

/// One for each gate that asked. Nearly always there is one, and no list is allocated for it.
#[derive(Debug)]
struct Remembered {
    first: Entry,
    others: Vec<Entry>,
}

/// Who one gate established, or is about to for this plan.
#[derive(Debug)]
struct Entry {
    gate: Gate,
    max_age: Option<Duration>,
    who: Who,
}

impl Remembered {
    fn of<'a>(gate: &Gate, extensions: &'a Extensions) -> Option<&'a Entry> {
        let Self { first, others } = extensions.get()?;
        std::iter::once(first).chain(others).find(|entry| entry.gate.is_same(gate))
    }

    fn add(entry: Entry, extensions: &mut Extensions) {
        let Some(Self { first, others }) = extensions.get_mut::<Self>() else {
            extensions.insert(Self { first: entry, others: Vec::new() });
            return;
        };
        match std::iter::once(first).chain(others.iter_mut()).find(|earlier| earlier.gate.is_same(&entry.gate)) {
            Some(earlier) => *earlier = entry,
            None => others.push(entry),
        }
    }
}

/// Who makes a request, if this gate has found that out already: for middleware behind a guard.
#[must_use]
pub fn established(gate: &Gate, request: &HttpRequest) -> Option<Established> {
    Remembered::of(gate, &request.extensions())?.who.now().cloned()
}

/// Finds out who makes a request, by the schemes that a plan accepts and as freshly as it asks for, unless this gate has
/// already; and remembers it in the request. Without a plan, whoever it has found is taken,
/// whatever the scheme.
pub(crate) fn establish(gate: &Gate, plan: Option<&Plan>, request: &HttpRequest) -> Who {
    looked_at(request);
    let max_age = plan.and_then(Plan::max_age);
    let is_enough = |entry: &&Entry| match entry.who.now() {
        Some(known) => match plan {
            Some(plan) => known.is_enough_for(plan),
            // Who found nobody may have read other places.
            None => !matches!(known.visitor(), Ok(None)),
        },
        None => max_age.is_none_or(|asked| entry.max_age.is_some_and(|earlier| earlier <= asked)),
    };
    if let Some(entry) = Remembered::of(gate, &request.extensions()).filter(is_enough) {
        return entry.who.clone();
    }
    let head = Head::of(request);
    let answer = plan.map_or_else(|| gate.establish(&head), |plan| gate.establish_for(plan, &head));
    let who = match answer.ready() {
        Ok(who) => Who::Known(who),
        Err(pending) => Who::Pending(pending.shared()),
    };
    Remembered::add(Entry { gate: gate.clone(), max_age, who: who.clone() }, &mut request.extensions_mut());
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
