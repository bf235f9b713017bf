//! Policies that combine policies.

use super::{Description, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Access, Decision, Denial, Explanation},
    error::Error,
};
use std::fmt;

/// Several policies: a tuple of up to twelve, an array, or a `Vec`.
pub trait PolicyList: fmt::Debug + Send + Sync {
    /// The policy at this place.
    fn nth(&self, place: usize) -> Option<&dyn Policy>;
}

macro_rules! tuples {
    ($($($name:ident $place:tt),+;)+) => {$(
        impl<$($name: Policy),+> PolicyList for ($($name,)+) {
            fn nth(&self, place: usize) -> Option<&dyn Policy> {
                match place {
                    $($place => Some(&self.$place),)+
                    _ => None,
                }
            }
        }
    )+};
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}

impl<P: Policy, const N: usize> PolicyList for [P; N] {
    fn nth(&self, place: usize) -> Option<&dyn Policy> {
        self.get(place).map(|policy| policy as &dyn Policy)
    }
}

impl<P: Policy> PolicyList for Vec<P> {
    fn nth(&self, place: usize) -> Option<&dyn Policy> {
        self.get(place).map(|policy| policy as &dyn Policy)
    }
}

/// All of several policies. See [`all`].
#[derive(Debug, Clone, Copy)]
pub struct All<L>(L);

/// Requires all of these policies. They are asked in order, up to the first that denies. An empty list is a configuration
/// error.
#[must_use]
pub const fn all<L: PolicyList>(list: L) -> All<L> {
    All(list)
}

/// At least one of several policies. See [`any`].
#[derive(Debug, Clone, Copy)]
pub struct Any<L>(L);

/// Requires at least one of these policies. They are asked in order, up to the first that allows. One that fails with an
/// error ends the search, so put those that need no database first. An empty list is a configuration error.
#[must_use]
pub const fn any<L: PolicyList>(list: L) -> Any<L> {
    Any(list)
}

impl<L> Sealed for All<L> {}

impl<L: PolicyList> Policy for All<L> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        combine(&self.0, true, question)
    }

    fn describe(&self) -> Description {
        Description::All(each(&self.0).map(Policy::describe).collect())
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

impl<L> Sealed for Any<L> {}

impl<L: PolicyList> Policy for Any<L> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        combine(&self.0, false, question)
    }

    fn describe(&self) -> Description {
        Description::Any(each(&self.0).map(Policy::describe).collect())
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

fn each<L: PolicyList>(list: &L) -> impl Iterator<Item = &dyn Policy> {
    (0..).map_while(|place| list.nth(place))
}

fn combine<'a, L: PolicyList>(list: &'a L, all: bool, question: Question<'a>) -> Answer<'a, Verdict> {
    let mut tally = Tally { all, access: None, denial: None, parts: Vec::new(), explaining: question.explaining };
    let mut rest = each(list);
    while let Some(policy) = rest.next() {
        match ask(policy, question).ready() {
            Ok(Ok(decision)) => {
                if tally.settles(decision) {
                    break;
                }
            }
            Ok(Err(error)) => return Answer::now(Err(error)),
            Err(later) => {
                return Answer::later(async move {
                    let mut settled = tally.settles(later.await?);
                    while !settled && let Some(policy) = rest.next() {
                        settled = tally.settles(ask(policy, question).await?);
                    }
                    tally.end()
                });
            }
        }
    }
    Answer::now(tally.end())
}

/// The decisions of the parts so far.
struct Tally {
    all: bool,
    access: Option<Access>,
    denial: Option<Denial>,
    parts: Vec<Explanation>,
    explaining: bool,
}

impl Tally {
    /// Counts a part's decision, and returns whether it settles the result.
    fn settles(&mut self, mut decision: Decision) -> bool {
        if self.explaining {
            self.parts.extend(decision.explanation_mut().take().map(|part| *part));
        }
        match decision {
            Decision::Allow(access) => {
                self.access = Some(match self.access.take() {
                    Some(before) => before.join(access),
                    None => access,
                });
                !self.all
            }
            Decision::Deny(denial) => {
                self.denial = Some(match self.denial.take() {
                    Some(before) => before.then(denial),
                    None => denial,
                });
                self.all
            }
        }
    }

    fn end(self) -> Verdict {
        let decision = match (self.access, self.denial) {
            (Some(access), None) => Decision::Allow(access),
            (Some(access), Some(_)) if !self.all => Decision::Allow(access),
            (_, Some(denial)) => Decision::Deny(denial),
            (None, None) => return Err(empty_list()),
        };
        if !self.explaining {
            return Ok(decision);
        }
        let part = if self.all { "all of" } else { "any of" };
        let allowed = decision.is_allowed();
        Ok(decision.explained(Explanation::new(part, allowed).with_parts(self.parts)))
    }
}

/// Returned where a route is added, and where a request is decided.
pub(crate) fn empty_list() -> Error {
    Error::misconfigured(
        "a policy has an empty list, which neither allows nor denies; write `anyone()`, or leave it out",
    )
}

/// The opposite of a policy. See [`not`].
#[derive(Debug, Clone, Copy)]
pub struct Not<P>(P);

/// Allows the callers that this policy denies. Code `not_allowed`.
///
/// What cannot be judged is an error and is not inverted: a role, permission or list in the policy that cannot be right, a
/// claim of another type, a membership that fails or returns an unknown role, parents of a resource that could not all be
/// followed. What is absent is a clear no: a claim or role that the caller does not have, a resource on which it has no
/// role. So `not(role("banned").on("project", ..))` allows strangers; combine it with a policy that says who is allowed.
#[must_use]
pub const fn not<P: Policy>(policy: P) -> Not<P> {
    Not(policy)
}

impl<P> Sealed for Not<P> {}

impl<P: Policy> Policy for Not<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        ask(&self.0, Question { below_not: true, ..question }).map(move |verdict| {
            let decision = match verdict? {
                Decision::Deny(denial) if denial.why().is_firm => return Ok(Decision::Deny(denial)),
                decision => decision,
            };
            let allowed = !decision.is_allowed();
            let parts = decision.explain().cloned().into_iter().collect();
            Ok(question.verdict(allowed, "not_allowed", || Explanation::new("not", allowed).with_parts(parts)))
        })
    }

    fn describe(&self) -> Description {
        Description::Not(Box::new(self.0.describe()))
    }
}

/// A policy whose denials look like an unknown path. See [`hidden`].
#[derive(Debug, Clone, Copy)]
pub struct Hidden<P>(pub(super) P);

/// Callers this policy denies get 404, as if the resource did not exist. Callers without a credential get 401. Only the
/// resource is hidden. That such a route exists still shows: in this 401, in the methods that a framework lists when
/// another one is used, and in its answers to HEAD.
#[must_use]
pub const fn hidden<P: Policy>(policy: P) -> Hidden<P> {
    Hidden(policy)
}

impl<P> Sealed for Hidden<P> {}

impl<P: Policy> Policy for Hidden<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        ask(&self.0, question).map(|verdict| {
            verdict.map(|decision| match decision {
                Decision::Deny(denial) => Decision::Deny(denial.with(|why| why.is_hidden = !why.is_absent)),
                allowed => allowed,
            })
        })
    }

    fn describe(&self) -> Description {
        Description::Hidden(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }
}
