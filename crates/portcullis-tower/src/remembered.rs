//! What a request remembers: who makes it, and whether anybody asked.

use crate::head::{Head, Params};
use http::{Extensions, request::Parts};
use portcullis_core::{Established, Gate};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Who makes the request, as each gate that asked has established it. Nearly always there is one gate.
#[derive(Debug, Clone)]
struct Remembered {
    first: Established,
    others: Vec<Established>,
}

/// Who makes a request, if this gate has found that out already.
#[must_use]
pub fn established<'a>(gate: &Gate, extensions: &'a Extensions) -> Option<&'a Established> {
    let remembered = extensions.get::<Remembered>()?;
    std::iter::once(&remembered.first).chain(&remembered.others).find(|established| established.is_of(gate))
}

fn remember(extensions: &mut Extensions, established: Established) {
    match extensions.get_mut::<Remembered>() {
        Some(remembered) => remembered.others.push(established),
        None => drop(extensions.insert(Remembered { first: established, others: Vec::new() })),
    }
}

/// Finds out who makes a request, unless this gate has already, and remembers it in the request.
pub async fn establish(gate: &Gate, parts: &mut Parts) -> Established {
    looked_at(&parts.extensions);
    if let Some(known) = established(gate, &parts.extensions) {
        return known.clone();
    }
    let found = gate.establish(&Head::new(parts, &Params::Absent)).await;
    remember(&mut parts.extensions, found.clone());
    found
}

/// The same, if it needs no waiting.
pub(crate) fn establish_now(gate: &Gate, parts: &mut Parts) -> bool {
    if established(gate, &parts.extensions).is_some() {
        return true;
    }
    let found = gate.establish(&Head::new(parts, &Params::Absent)).ready().ok();
    found.map(|found| remember(&mut parts.extensions, found)).is_some()
}

/// Whether anybody has asked who makes the request, or said that it does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looked(Arc<AtomicBool>);

impl Looked {
    /// The mark of this request; an inner layer shares the outer one's.
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        extensions.get_or_insert_default::<Self>().clone()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }
}

/// Tells [`enforce`](crate::GateExt::enforce) that this request was looked at. Guards and extractors do so themselves.
pub fn looked_at(extensions: &Extensions) {
    if let Some(looked) = extensions.get::<Looked>() {
        looked.set();
    }
}
