//! Policies: who is allowed, as values that combine.
//!
//! All are `const fn`, so a policy can be a constant, and a malformed literal in it fails the build:
//!
//! ```
//! use portcullis_core::{Requirement, policy::*};
//!
//! struct ReadProject;
//! impl Requirement for ReadProject {
//!     const POLICY: &'static dyn Policy = &any((staff(), role("viewer").on("project", path("project_id")).hidden()));
//! }
//! ```

mod account;
mod basic;
mod claim;
mod combine;
mod describe;
mod locate;
mod modify;
pub(crate) mod plan;
pub(crate) mod question;
mod resource;
mod rule;
pub mod values;
mod ways;
mod when;

pub use account::account;
pub use basic::{anyone, authenticated, permission, role, scope, staff};
pub use claim::claim;
pub(crate) use combine::empty_list;
pub use combine::{all, any, hidden, not};
pub use locate::{header, id, organization, path, query};
pub(crate) use modify::is_within;
pub use modify::{fresh, visitors, without_baseline};
pub(crate) use plan::{Plan, Planner};
pub(crate) use question::Question;
pub use rule::Rule;
pub(crate) use values::*;
pub use ways::{also_via, via};
pub use when::when;

use crate::{
    answer::Answer,
    decision::{Decision, Denial, Explanation},
    error::Error,
};
use std::{fmt, sync::Arc};

/// The result of a policy: a decision, or the error that prevented one.
///
/// What cannot be judged is an error and never a denial, so that [`not`] allows nobody by mistake.
pub type Verdict = Result<Decision, Error>;

/// Decides whether a caller may make its request: one of the [`values`] of this module, or a [`Rule`] of yours.
///
/// Sealed: implement [`Rule`].
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
        }
    )+};
}
through!(&'static dyn Policy, Arc<dyn Policy>, Box<dyn Policy>);

/// Asks a policy: the one way to do it. A policy that judges is not asked about callers of a scheme that is not accepted at
/// its place. A combinator has to say that it is transparent, so one that forgets is too strict.
pub(crate) fn ask<'a>(policy: &'a dyn Policy, question: Question<'a>) -> Answer<'a, Verdict> {
    let refused = match (question.caller, question.scheme) {
        _ if policy.is_transparent() => None,
        (None, _) => (!policy.judges_visitors(&question)).then(Denial::absent),
        (Some(_), Some(scheme)) if question.accepted.has(scheme) => None,
        (Some(_), _) => Some(Denial::of_another_scheme()),
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

/// A policy with a name, for `Authorized<…>` in a handler's signature and wherever else a policy is expected.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no policy",
    note = "write `impl Requirement for {Self} {{ const POLICY: &'static dyn Policy = &…; }}`"
)]
pub trait Requirement: 'static {
    /// The policy.
    const POLICY: &'static dyn Policy;
}
