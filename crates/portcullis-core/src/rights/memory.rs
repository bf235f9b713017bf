//! The standings and permissions that a request has read already.
//!
//! Policies judge from this memory without waiting. Where an answer is missing, it is asked for and everything is judged
//! again, so that a policy whose answers are all here costs no future. All that wait for an answer share it, errors
//! included, so its question is asked once.

use super::{AnyMembership, PermissionSet, ResourceRef, Role, Standing};
use crate::{answer::Answer, clock::Moment, error::Error, principal::Principal};
use futures_util::{FutureExt, future::Shared};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

type SharedAnswer<T> = Shared<Answer<'static, Result<T, Error>>>;

/// What one caller was found to be, for the length of a request. Clones share it: guard, extractors, each part of a policy
/// and the handler.
#[derive(Clone, Default)]
pub(crate) struct Standings {
    memory: Arc<Mutex<Memory>>,
    /// What is missing is not asked for, and never comes.
    is_closed: bool,
}

/// By the kind of a resource, and by its identifier.
type Memory = BTreeMap<Cow<'static, str>, BTreeMap<Arc<str>, Answers>>;

/// The answers about one resource.
#[derive(Default)]
struct Answers {
    /// The caller's standing.
    caller: Option<SharedAnswer<Standing>>,
    /// The standing of callers without a credential.
    visitor: Option<SharedAnswer<Standing>>,
    permits: BTreeMap<Role, SharedAnswer<Option<PermissionSet>>>,
}

/// Why something cannot be judged from the memory.
pub(crate) enum Halt {
    /// This answer is missing.
    Missing(Answer<'static, ()>),
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Judges from the memory, and again after each missing answer.
pub(crate) fn answer<'a, T>(judge: impl Fn() -> Result<T, Halt> + Send + 'a) -> Answer<'a, Result<T, Error>> {
    let judge = move || match judge() {
        Ok(judged) => Ok(Ok(judged)),
        Err(Halt::Failed(error)) => Ok(Err(error)),
        Err(Halt::Missing(answer)) => Err(answer),
    };
    loop {
        let missing = match judge() {
            Ok(judged) => return Answer::now(judged),
            Err(missing) => missing,
        };
        let Err(mut missing) = missing.started() else { continue };
        return Answer::later(async move {
            loop {
                missing.await;
                match judge() {
                    Ok(judged) => return judged,
                    Err(next) => missing = next,
                }
            }
        });
    }
}

impl Standings {
    /// The resource with this identifier and the standing of a caller on it, if it is here.
    pub(super) fn known(
        &self,
        kind: &'static str,
        id: &str,
        is_visitor: bool,
    ) -> Result<Option<(ResourceRef, Standing)>, Error> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((id, answers)) = memory.get(kind).and_then(|kind| kind.get_key_value(id)) else { return Ok(None) };
        let answer = if is_visitor { &answers.visitor } else { &answers.caller };
        match answer.as_ref().and_then(Shared::peek) {
            Some(standing) => Ok(Some((ResourceRef::new(kind, id.clone()), standing.clone()?))),
            None => Ok(None),
        }
    }

    pub(super) fn standing(
        &self,
        membership: &Arc<dyn AnyMembership>,
        who: Option<&Principal>,
        on: &ResourceRef,
        moment: Moment,
    ) -> Result<Standing, Halt> {
        self.recall(on, |answers| {
            let answer = if who.is_none() { &mut answers.visitor } else { &mut answers.caller };
            answer.get_or_insert_with(|| membership.clone().standing(who.cloned(), on.shared_id(), moment).shared())
        })
    }

    /// What has been answered by now, as a memory of its own: what is asked by it is not shared.
    pub(crate) fn finished(&self) -> Self {
        fn done(answer: &Option<SharedAnswer<Standing>>) -> Option<SharedAnswer<Standing>> {
            answer.clone().filter(|answer| answer.peek().is_some())
        }
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let of_resource = |(id, answers): (&Arc<str>, &Answers)| {
            let permits = answers.permits.iter().filter(|(_, permits)| permits.peek().is_some());
            let permits = permits.map(|(role, permits)| (role.clone(), permits.clone())).collect();
            (id.clone(), Answers { caller: done(&answers.caller), visitor: done(&answers.visitor), permits })
        };
        let of_kind = |(kind, resources): (&Cow<'static, str>, &BTreeMap<Arc<str>, Answers>)| {
            (kind.clone(), resources.iter().map(of_resource).collect())
        };
        Self { memory: Arc::new(Mutex::new(memory.iter().map(of_kind).collect())), is_closed: false }
    }

    /// The same without asking: what is missing never comes.
    pub(crate) fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// Prepares one question about resources of one kind, except those that are here or asked for. It is asked when one of
    /// these standings is needed. `then` gets what was found, before anything is judged by it.
    pub(super) fn prepare(
        &self,
        membership: &Arc<dyn AnyMembership>,
        who: &Principal,
        on: Vec<ResourceRef>,
        moment: Moment,
        then: impl FnOnce(&Self, &[Standing]) + Send + 'static,
    ) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unknown: BTreeMap<Arc<str>, ResourceRef> = on.into_iter().map(|on| (on.shared_id(), on)).collect();
        unknown.retain(|id, on| {
            let known = memory.get(on.kind()).and_then(|kind| kind.get(id));
            known.is_none_or(|answers| answers.caller.is_none())
        });
        let asked = membership.clone().standings(who.clone(), unknown.keys().cloned().collect(), moment);
        // The memory has the question, so the question may not own the memory.
        let this = Arc::downgrade(&self.memory);
        let all = Answer::later(async move {
            let found = asked.await?;
            if let Some(memory) = this.upgrade() {
                then(&Self { memory, is_closed: false }, &found);
            }
            Ok(found)
        });
        let all: SharedAnswer<Vec<Standing>> = all.shared();
        for (place, (id, on)) in unknown.into_iter().enumerate() {
            let all = all.clone();
            let missing = || Error::misconfigured("a standing is missing");
            let one = Answer::later(async move { all.await?.get(place).cloned().ok_or_else(missing) });
            memory.entry(on.shared_kind()).or_default().entry(id).or_default().caller = Some(one.shared());
        }
    }

    pub(super) fn permits(
        &self,
        membership: &Arc<dyn AnyMembership>,
        role: &Role,
        on: &ResourceRef,
        moment: Moment,
    ) -> Result<Option<PermissionSet>, Halt> {
        self.recall(on, |answers| {
            let ask = || membership.clone().permits(role.clone(), on.shared_id(), moment).shared();
            answers.permits.entry(role.clone()).or_insert_with(ask)
        })
    }

    /// An answer that is here, or the one to wait for. Nothing is polled under the lock.
    fn recall<T: Clone + Unpin + Send + Sync + 'static>(
        &self,
        on: &ResourceRef,
        answer: impl FnOnce(&mut Answers) -> &mut SharedAnswer<T>,
    ) -> Result<T, Halt> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answer(memory.entry(on.shared_kind()).or_default().entry(on.shared_id()).or_default());
        match answer.peek() {
            Some(answer) => Ok(answer.clone()?),
            None if self.is_closed => Err(Halt::Missing(Answer::later(pending()))),
            None => Err(Halt::Missing(Answer::later(answer.clone().map(drop)))),
        }
    }
}

impl fmt::Debug for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standings(..)")
    }
}
