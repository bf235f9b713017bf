//! What a request remembers: who makes it, and whether anybody asked.

use crate::head::{Head, Params};
use http::{Extensions, request::Parts};
use portcullis_core::{
    Established, Gate,
    policy::{Policy, authenticated},
};
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

fn known<'a>(gate: &Gate, policy: &dyn Policy, extensions: &'a Extensions) -> Option<&'a Established> {
    established(gate, extensions).filter(|known| known.is_enough_for(policy))
}

fn remember(gate: &Gate, extensions: &mut Extensions, established: Established) {
    let Some(Remembered { first, others }) = extensions.get_mut::<Remembered>() else {
        extensions.insert(Remembered { first: established, others: Vec::new() });
        return;
    };
    match std::iter::once(first).chain(others.iter_mut()).find(|earlier| earlier.is_of(gate)) {
        Some(earlier) => *earlier = established,
        None => others.push(established),
    }
}

/// Finds out who makes a request, unless this gate has already; and remembers it in the request, unless it is found again as
/// easily.
pub async fn establish(gate: &Gate, parts: &mut Parts) -> Established {
    establish_for(gate, &authenticated(), parts).await
}

/// The same for a route with this policy, which may ask for a [`fresh`](portcullis_core::policy::fresh) identity.
pub async fn establish_for(gate: &Gate, policy: &dyn Policy, parts: &mut Parts) -> Established {
    looked_at(&parts.extensions);
    if let Some(known) = known(gate, policy, &parts.extensions) {
        return known.clone();
    }
    let found = gate.establish_for(policy, &Head::new(parts, &Params::Absent)).await;
    if !found.is_found_again() {
        remember(gate, &mut parts.extensions, found.clone());
    }
    found
}

/// The same for a guard, behind which it is always remembered.
pub(crate) async fn establish_behind(gate: &Gate, policy: &dyn Policy, parts: &mut Parts) -> Established {
    let found = establish_for(gate, policy, parts).await;
    if found.is_found_again() {
        remember(gate, &mut parts.extensions, found.clone());
    }
    found
}

/// The same, if it needs no waiting.
pub(crate) fn establish_now(gate: &Gate, policy: &dyn Policy, parts: &mut Parts) -> bool {
    if known(gate, policy, &parts.extensions).is_some() {
        return true;
    }
    let found = gate.establish_for(policy, &Head::new(parts, &Params::Absent)).ready().ok();
    found.map(|found| remember(gate, &mut parts.extensions, found)).is_some()
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
