//! What a request remembers: who makes it, and whether anybody asked.

use crate::head::Head;
use actix_web::{HttpMessage, HttpRequest, dev::Extensions};
use futures_util::{FutureExt, future::Shared};
use portcullis_core::{
    Answer, Established, Gate,
    policy::{self, Policy},
};
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

/// Who one gate established, and as freshly as this policy asked for.
#[derive(Debug)]
struct Entry {
    gate: Gate,
    fresh: Option<Duration>,
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

/// Finds out who makes a request, as freshly as this policy asks for, unless this gate has already, and remembers it in the
/// request.
pub(crate) fn establish(gate: &Gate, policy: &dyn Policy, request: &HttpRequest) -> Who {
    looked_at(request);
    let fresh = policy::max_age(policy);
    let is_enough = |entry: &&Entry| match entry.who.now() {
        Some(known) => known.is_enough_for(policy),
        None => fresh.is_none_or(|fresh| entry.fresh.is_some_and(|earlier| earlier <= fresh)),
    };
    if let Some(entry) = Remembered::of(gate, &request.extensions()).filter(is_enough) {
        return entry.who.clone();
    }
    let who = match gate.establish_for(policy, &Head::of(request)).ready() {
        Ok(who) => Who::Known(who),
        Err(pending) => Who::Pending(pending.shared()),
    };
    Remembered::add(Entry { gate: gate.clone(), fresh, who: who.clone() }, &mut request.extensions_mut());
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
