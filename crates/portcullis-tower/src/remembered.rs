//! What a request remembers: who makes it, and whether anybody asked.

use crate::head::{Head, Params};
use http::{Extensions, request::Parts};
use portcullis_core::{Answer, Established, Gate, Plan};
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

/// Finds out who makes a request, unless this gate has already; and remembers it in the request, unless it is found again as
/// easily.
pub async fn establish(gate: &Gate, parts: &mut Parts) -> Established {
    wait(gate, establish_now(gate, None, parts), parts).await
}

/// The same for a route with this policy: by the schemes that it accepts, and as [fresh](portcullis_core::policy::fresh) as it
/// asks for.
pub async fn establish_for(gate: &Gate, plan: &Plan, parts: &mut Parts) -> Established {
    wait(gate, establish_now(gate, Some(plan), parts), parts).await
}

async fn wait(gate: &Gate, found: Result<Established, Answer<'static, Established>>, parts: &mut Parts) -> Established {
    match found {
        Ok(who) => who,
        Err(pending) => {
            let who = pending.await;
            remember(gate, &mut parts.extensions, &who);
            who
        }
    }
}

/// The same, if it needs no waiting; otherwise what to wait for, and to [`remember`]. Without a plan, whoever this gate has
/// found is taken, whatever the scheme.
///
/// # Errors
/// If it has to be waited for.
pub fn establish_now(
    gate: &Gate,
    plan: Option<&Plan>,
    parts: &mut Parts,
) -> Result<Established, Answer<'static, Established>> {
    looked_at(&parts.extensions);
    // Who found nobody may have read other places.
    let is_enough = |known: &&Established| match plan {
        Some(plan) => known.is_enough_for(plan),
        None => !matches!(known.visitor(), Ok(None)),
    };
    if let Some(known) = established(gate, &parts.extensions).filter(is_enough) {
        return Ok(known.clone());
    }
    let head = Head::new(parts, &Params::Absent);
    let who = plan.map_or_else(|| gate.establish(&head), |plan| gate.establish_for(plan, &head)).ready()?;
    if !who.is_found_again() {
        remember(gate, &mut parts.extensions, &who);
    }
    Ok(who)
}

/// Remembers in a request who makes it, in place of what this gate has established before.
pub fn remember(gate: &Gate, extensions: &mut Extensions, who: &Established) {
    let Some(Remembered { first, others }) = extensions.get_mut::<Remembered>() else {
        extensions.insert(Remembered { first: who.clone(), others: Vec::new() });
        return;
    };
    match std::iter::once(first).chain(others.iter_mut()).find(|earlier| earlier.is_of(gate)) {
        Some(earlier) => *earlier = who.clone(),
        None => others.push(who.clone()),
    }
}

/// The innermost guard that a request has passed so far. Extractors go by its gate.
#[derive(Debug, Clone)]
pub struct Guard {
    pub(crate) gate: Gate,
    pub(crate) plan: Plan,
}

impl Guard {
    /// The guard that this request has passed.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Its gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Whether it has asked a policy of this gate about the caller, and with that the baseline.
    #[must_use]
    pub fn has_asked(&self, gate: &Gate) -> bool {
        self.gate.is_same(gate) && !self.plan.is_public()
    }
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
