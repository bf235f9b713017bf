//! Words around a policy: for visitors too, without the baseline, with a fresh identity.

use super::{Description, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial, Explanation},
    error::Error,
};
use std::time::Duration;

/// A policy that is asked about callers without a credential too. See [`visitors`].
#[derive(Debug, Clone, Copy)]
pub struct Visitors<P>(P);

/// Asks the policy about callers without a credential too: about resources by [`Membership::visitor`](crate::Membership::visitor).
/// Every other part says no about them. A no about a caller without a credential is 401. What they may, callers with a credential
/// may as well.
///
/// ```
/// use portcullis_core::policy::*;
///
/// const READ: &dyn Policy = &visitors(role("viewer").on("file", path("id")).hidden());
/// ```
#[must_use]
pub const fn visitors<P: Policy>(policy: P) -> Visitors<P> {
    Visitors(policy)
}

impl<P: Policy> Visitors<P> {
    /// What callers without a credential may, everybody may: they could leave theirs out.
    async fn or_as_visitor(&self, question: Question<'_>, denial: Denial) -> Verdict {
        match ask(&self.0, Question { caller: None, scheme: None, ..question }).await? {
            Decision::Deny(_) => Ok(Decision::Deny(denial)),
            allowed => Ok(allowed),
        }
    }
}

impl<P> Sealed for Visitors<P> {}

impl<P: Policy> Policy for Visitors<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let question = Question { visitors: true, ..question };
        match ask(&self.0, question).ready() {
            Ok(Ok(Decision::Deny(denial))) if question.caller.is_some() => {
                Answer::begin(self.or_as_visitor(question, denial))
            }
            Ok(verdict) => Answer::now(verdict),
            Err(later) => Answer::later(async move {
                match later.await? {
                    Decision::Deny(denial) if question.caller.is_some() => self.or_as_visitor(question, denial).await,
                    decision => Ok(decision),
                }
            }),
        }
    }

    fn describe(&self) -> Description {
        Description::Visitors(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

/// A policy below which the gate's baseline does not hold. See [`without_baseline`].
#[derive(Debug, Clone, Copy)]
pub struct WithoutBaseline<P>(P);

/// Leaves the gate's [baseline](crate::GateBuilder::baseline) out: for the routes on which callers confirm an address or accept
/// terms. It stands around the whole policy.
#[must_use]
pub const fn without_baseline<P: Policy>(policy: P) -> WithoutBaseline<P> {
    WithoutBaseline(policy)
}

impl<P> Sealed for WithoutBaseline<P> {}

impl<P: Policy> Policy for WithoutBaseline<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        ask(&self.0, question)
    }

    fn describe(&self) -> Description {
        Description::WithoutBaseline(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

/// A policy with a fresh identity. See [`fresh`].
#[derive(Debug, Clone, Copy)]
pub struct Fresh<P>(Duration, P);

/// Requires that the caller's identity was checked with its issuer at most `max_age` ago; with [`Duration::ZERO`], that its
/// issuer is asked anew. For routes where a session that was just ended, or a right that was just taken away, must count: all
/// parts of the route's policy and its handler go by what is known then.
///
/// ```
/// use portcullis_core::policy::*;
/// use std::time::Duration;
///
/// const DELETE_ACCOUNT: &dyn Policy = &fresh(Duration::ZERO, staff());
/// ```
///
/// What answers is what would answer anyway, without its memory: [`Introspection`](crate::Introspection) asks also about
/// tokens that it would otherwise verify here. Where a scheme that the route accepts only verifies, nobody could be asked,
/// which is an error when the route is added.
#[must_use]
pub const fn fresh<P: Policy>(max_age: Duration, policy: P) -> Fresh<P> {
    Fresh(max_age, policy)
}

impl<P> Sealed for Fresh<P> {}

impl<P: Policy> Policy for Fresh<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        if !is_within(question.moment.max_age, Some(self.0)) {
            return Answer::now(Err(Error::misconfigured(
                "the caller's identity is older than the policy asks for; a rule around `fresh` names it in its `parts`",
            )));
        }
        ask(&self.1, question).map(move |verdict| {
            let mut decision = verdict?;
            let Some(part) = decision.explanation_mut().take() else { return Ok(decision) };
            let allowed = decision.is_allowed();
            let part = Explanation::new(format!("fresh within {:?}", self.0), allowed).with_parts(vec![*part]);
            Ok(decision.explained(part))
        })
    }

    fn describe(&self) -> Description {
        Description::Fresh { max_age: self.0, part: Box::new(self.1.describe()) }
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

/// Whether what was established with one age is good for another.
pub(crate) fn is_within(established: Option<Duration>, asked: Option<Duration>) -> bool {
    asked.is_none_or(|asked| established.is_some_and(|established| established <= asked))
}
