//! A candidate beside a live policy.

use super::{Description, NamedScope, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    rights::KeyScopes,
    shadow::{Candidate, beside},
};
use std::sync::Arc;

/// A policy with a candidate beside it. See [`shadow`].
#[derive(Debug, Clone, Copy)]
pub struct Shadow<L, C> {
    name: &'static str,
    live: L,
    candidate: C,
}

/// Decides by the live policy, and counts where the candidate would have decided otherwise.
///
/// For changing a policy in production: the answer is always that of the live policy. Put it around the whole policy, since
/// it compares only the parts that it is around. Tables, and the checks when a route is
/// added, see the live policy alone. [`Gate::shadow`](crate::Gate::shadow) returns the counts. Each difference is logged
/// (target `portcullis::shadow`, level info), with the explanation of both and without the subject.
///
/// The candidate gets the same question after the live policy has decided. It uses what the request has read so far, and asks
/// memberships for what is missing; neither errors nor panics of it reach the request. It is waited for at most as long as the
/// [limits](crate::GateBuilder::shadow_limits) say. In a [list](crate::Caller::filter), an engine is asked about all rows at
/// once. The candidate judges only callers that the live policy judges: if only the candidate is for
/// [`visitors`](super::visitors) or for another scheme, their requests are refused before.
///
/// A name in the candidate that the gate does not know is an error when the route is added, as in the live policy. In a
/// policy that a handler asks, the candidate counts as failed instead.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// // From now on, only managers are to export. How many viewers would that affect?
/// const EXPORT: &dyn Policy = &shadow("export-managers", role("viewer"), role("manager"));
///
/// let gate = gate(&[])?;
/// let user = |role: &'static str| gate.acting_as(acting_as("alice").with_role(role));
/// assert_eq!(answer(&user("viewer"), EXPORT, get("/export")), "200");
/// assert_eq!(answer(&user("owner"), EXPORT, get("/export")), "200");
///
/// let counts = gate.shadow("export-managers").unwrap_or_default();
/// assert_eq!((counts.agreed, counts.would_deny, counts.would_allow), (1, 1, 0));
/// assert!(gate.plan(shadow("misspelt", role("viewer"), role("manger"))).is_err());
/// # Ok(()) }
/// ```
///
/// With `panic = "abort"`, a panic of the candidate ends the process as any other does. A panic while your own code has a
/// lock may leave it poisoned.
#[must_use]
pub const fn shadow<L: Policy, C: Policy>(name: &'static str, live: L, candidate: C) -> Shadow<L, C> {
    Shadow { name, live, candidate }
}

impl<L, C> Sealed for Shadow<L, C> {}

impl<L: Policy, C: Policy> Policy for Shadow<L, C> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let candidate = Candidate { policy: &self.candidate, rights: question.rights };
        beside(self.name, &self.live, candidate, question)
    }

    fn describe(&self) -> Description {
        let (live, candidate) = (self.live.describe(), self.candidate.describe());
        Description::Shadow { name: self.name, live: Box::new(live), candidate: Box::new(candidate) }
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.live.names_scope(scopes)
    }
}

/// A policy that is also asked by candidate roles.
#[derive(Debug)]
pub(super) struct ByCandidateRoles {
    pub(super) name: &'static str,
    pub(super) live: Arc<dyn Policy>,
}

impl Sealed for ByCandidateRoles {}

impl Policy for ByCandidateRoles {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let known = question.rights.candidates.iter().find(|(name, _)| *name == self.name);
        let Some((_, rights)) = known else { return ask(&*self.live, question) };
        let candidate = Candidate { policy: &*self.live, rights };
        beside(self.name, &*self.live, candidate, question)
    }

    fn describe(&self) -> Description {
        self.live.describe()
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.live.names_scope(scopes)
    }
}
