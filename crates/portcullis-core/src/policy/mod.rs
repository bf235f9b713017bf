//! Policies: who is allowed, as values that combine.
//!
//! | policy | allows |
//! |---|---|
//! | [`anyone`], [`authenticated`] | every caller; every caller with a valid credential |
//! | [`staff`], [`role`], [`permission`], [`scope`], [`claim`] | callers that have it, by their credential |
//! | `role(…).on(…)`, `permission(…).on(…)` | callers that have it on a resource, by a [membership](crate::Membership) |
//! | [`signed_in_within`], [`factor`] | people who signed in a short time ago, or by a factor |
//! | [`account`], `.on(…).row(…)` | callers whose account, or whose resource, meets a condition |
//! | [`via`], [`also_via`] | callers of a scheme with a name |
//! | [`signed`] | every caller, with or without a credential, whose address is signed |
//! | [`when`], [`Rule`] | what a closure, or a type of yours, allows |
//! | [`engine`] | what a policy engine allows |
//! | [`all`], [`any`], [`not`] | what their parts allow, combined |
//! | [`shadow`] | what the live policy allows; counts where a candidate differs |
//! | [`hidden`], [`visitors`], [`fresh`], [`without_baseline`] | the same as their part, answered or asked in another way |
//!
//! All are `const fn`, so a policy can be a constant, and a malformed literal in it fails the build. Names that the gate does
//! not know, such as a misspelt role, are an error when the route is added.
//!
//! ```
//! # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, gate, project};
//! use portcullis_core::{Requirement, policy::*, testing::acting_as};
//!
//! struct ReadProject;
//! impl Requirement for ReadProject {
//!     const POLICY: &'static dyn Policy =
//!         &any((staff(), role("viewer").on("project", path("project_id")).hidden()));
//! }
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let gate = gate(&[("alice", 1, "viewer")])?;
//! // alice is a viewer of project 1.
//! let alice = gate.acting_as(acting_as("alice"));
//! assert_eq!(answer(&alice, ReadProject::POLICY, project(1)), "200");
//! assert_eq!(answer(&alice, ReadProject::POLICY, project(2)), "404 not_found");
//! # Ok(()) }
//! ```
//!
//! `answer` and other [helpers](crate#helpers-of-the-examples) of the examples are not part of the crate.

mod account;
mod basic;
mod claim;
mod combine;
mod describe;
mod engine;
pub(crate) mod forecast;
mod locate;
mod modify;
mod narrowing;
pub(crate) mod plan;
pub(crate) mod question;
pub(crate) mod requirement;
mod resource;
mod rule;
mod shadow;
mod signed;
mod step_up;
mod superuser;
pub mod values;
mod ways;
mod when;

pub use account::account;
pub use basic::{anyone, authenticated, permission, role, scope, staff};
pub use claim::claim;
pub(crate) use combine::empty_list;
pub use combine::{all, any, hidden, not};
pub use engine::engine;
pub use locate::{header, id, organization, path, query};
pub(crate) use modify::is_within;
pub use modify::{fresh, visitors, without_baseline};
pub(crate) use narrowing::{NamedScope, Narrowing};
pub(crate) use plan::{Plan, Planner};
pub(crate) use question::Question;
pub(crate) use requirement::Requirement;
pub use rule::Rule;
pub use shadow::shadow;
pub use signed::signed;
pub(crate) use step_up::required;
pub use step_up::{factor, minutes, signed_in_within};
pub(crate) use superuser::Superuser;
pub(crate) use values::*;
pub use ways::{also_via, via};
pub use when::when;

use crate::{answer::Answer, decision::Decision, error::Error, explanation::Explanation, rights::KeyScopes};
use std::{fmt, sync::Arc};

/// The result of a policy: a decision, or the error that prevented one.
///
/// What cannot be judged is an error and never a denial, so that [`not`] allows nobody by mistake.
pub type Verdict = Result<Decision, Error>;

/// Decides whether a caller may make its request: one of the [`values`] of this module, or a [`Rule`] of yours.
///
/// Sealed: implement [`Rule`].
///
/// Policies are values: pass them to a route, to [`Gate::plan`](crate::Gate::plan) or to
/// [`Caller::require`](crate::Caller::require). Where the type matters, `&'static dyn Policy`, `Arc<dyn Policy>` and
/// `Box<dyn Policy>` are policies too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy",
    note = "use the functions of `portcullis::policy`, or write `impl Rule for {Self}`"
)]
pub trait Policy: sealed::Sealed + fmt::Debug + Send + Sync {
    #[doc(hidden)]
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict>;

    /// What it requires, as data.
    fn describe(&self) -> Description;

    /// Whether it only asks its parts and judges nothing itself. Every other policy is asked only about callers of a scheme
    /// that is accepted at its place.
    #[doc(hidden)]
    fn is_transparent(&self) -> bool {
        false
    }

    /// Whether it can judge callers without a credential.
    #[doc(hidden)]
    fn judges_visitors(&self, question: &Question<'_>) -> bool {
        let _ = question;
        false
    }

    /// Whether it names a permission or scope that a key with these scopes has.
    #[doc(hidden)]
    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        let _ = scopes;
        NamedScope::None
    }
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! through {
    ($($pointer:ty),+) => {$(
        impl sealed::Sealed for $pointer {}

        impl Policy for $pointer {
            fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
                (**self).decide(question)
            }

            fn describe(&self) -> Description {
                (**self).describe()
            }

            fn is_transparent(&self) -> bool {
                (**self).is_transparent()
            }

            fn judges_visitors(&self, question: &Question<'_>) -> bool {
                (**self).judges_visitors(question)
            }

            fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
                (**self).names_scope(scopes)
            }
        }
    )+};
}
through!(&'static dyn Policy, Arc<dyn Policy>, Box<dyn Policy>);

/// Asks a policy: the one way to do it. A policy that judges is not asked about callers of a scheme that is not accepted at
/// its place, nor about a key without the scope for it. A combinator has to say that it is transparent, so one that forgets is
/// too strict.
#[inline]
pub(crate) fn ask<'a>(policy: &'a dyn Policy, question: Question<'a>) -> Answer<'a, Verdict> {
    // So are most questions, and nothing below changes their answer.
    if question.is_plain() {
        return policy.decide(question);
    }
    ask_with_care(policy, question)
}

fn ask_with_care<'a>(policy: &'a dyn Policy, question: Question<'a>) -> Answer<'a, Verdict> {
    let refused = match question.caller {
        _ if policy.is_transparent() => None,
        None if policy.judges_visitors(&question) => None,
        _ => match (question.unaccepted(), question.narrowing) {
            (None, Narrowing::Off) => None,
            (None, _) => question.refuse_key(policy),
            (refused, _) => refused,
        },
    };
    let answer = match refused {
        None => policy.decide(question),
        Some(denial) => Answer::now(Ok(Decision::Deny(denial))),
    };
    if !question.explaining {
        return answer;
    }
    answer.map(move |verdict| {
        verdict.map(|decision| match decision.explain() {
            Some(_) => decision,
            None => {
                let part = Explanation::new(policy.describe().to_string(), decision.is_allowed());
                decision.explained(part)
            }
        })
    })
}
