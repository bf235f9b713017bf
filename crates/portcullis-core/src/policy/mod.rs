//! Policies: who may pass, as values that combine.
//!
//! All of them are `const fn`, so that a policy can be a constant and a malformed literal in one fails the build:
//!
//! ```
//! use portcullis_core::{Requirement, policy::*};
//!
//! struct ReadProject;
//! impl Requirement for ReadProject {
//!     const POLICY: &'static dyn Policy = &any((staff(), role("viewer").on("project", path("project_id")).hidden()));
//! }
//! ```

mod basic;
mod claim;
mod combine;
mod describe;
mod fresh;
mod plan;
mod resource;
mod rule;
mod ways;
mod when;

pub use basic::{
    Anyone, Authenticated, RequirePermission, RequireRole, RequireScope, Staff, anyone, authenticated, permission,
    role, scope, staff,
};
pub use claim::{RequireClaim, claim};
pub(crate) use combine::empty_list;
pub use combine::{All, Any, Hidden, Not, PolicyList, all, any, hidden, not};
pub use describe::{Description, On};
pub(crate) use fresh::is_within;
pub use fresh::{Fresh, fresh};
pub use plan::Plan;
pub(crate) use plan::Planner;
pub use resource::{OnResource, ResourceId, path, query};
pub use rule::Rule;
pub use ways::{AlsoVia, Via, also_via, via};
pub use when::{Holds, When, when};

use crate::{
    answer::Answer,
    decision::{Decision, Denial, Explanation},
    error::Error,
    head::{RequestHead, query_param},
    principal::Principal,
    rights::Rights,
    scheme::SchemeSet,
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// What a policy answers: a decision, or that it cannot decide.
///
/// What cannot be judged is an error and never a no, so that [`not`] lets nobody in by ignorance.
pub type Verdict = Result<Decision, Error>;

/// Decides whether a caller may do what its request asks for: one of the values of this module, or a [`Rule`] of yours.
///
/// Sealed: implement [`Rule`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy",
    note = "use the functions of `portcullis::policy`, or write `impl Rule for {Self}`"
)]
pub trait Policy: sealed::Sealed + fmt::Debug + Send + Sync {
    #[doc(hidden)]
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict>;

    /// What it asks, as data.
    fn describe(&self) -> Description;

    /// Whether it judges nobody itself but asks its parts. Everything else is only asked about callers of a scheme that is
    /// accepted at its place.
    #[doc(hidden)]
    fn is_transparent(&self) -> bool {
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
        }
    )+};
}
through!(&'static dyn Policy, Arc<dyn Policy>, Box<dyn Policy>);

/// Asks a policy: the one way to do it. A policy that judges is not asked about callers of a scheme that is not accepted at
/// its place. A combinator has to say that it is transparent, so one that forgets is too strict.
pub(crate) fn ask<'a>(policy: &'a dyn Policy, question: Question<'a>) -> Answer<'a, Verdict> {
    let is_accepted = || question.scheme.is_some_and(|scheme| question.accepted.has(scheme));
    let answer = if policy.is_transparent() || is_accepted() {
        policy.decide(question)
    } else {
        Answer::now(Ok(Decision::Deny(Denial {
            is_firm: true,
            is_about_scheme: true,
            ..Denial::new("scheme_not_accepted")
        })))
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

/// What a policy is asked: a principal, and the request it makes.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub(crate) rights: &'a Rights,
    pub(crate) principal: &'a Principal,
    /// The scheme by which the caller came, by its place.
    pub(crate) scheme: Option<usize>,
    /// The schemes whose callers may pass here.
    pub(crate) accepted: SchemeSet,
    pub(crate) head: &'a dyn RequestHead,
    /// How old may be what is remembered of the principal.
    pub(crate) max_age: Option<Duration>,
    /// Whether the answer will be turned around, perhaps more than once.
    pub(crate) below_not: bool,
    pub(crate) explaining: bool,
}

impl<'a> Question<'a> {
    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &'a Principal {
        self.principal
    }

    /// The request's head: method, path, headers.
    #[must_use]
    pub fn head(&self) -> &'a dyn RequestHead {
        self.head
    }

    /// A parameter of the route's path, decoded as the handler will see it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it cannot be decoded, and
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the route has no such parameter.
    pub fn param(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        self.head.param(name)?.ok_or_else(|| {
            Error::misconfigured(format!(
                "the route has no path parameter `{name}`; name it as the route does, and put the guard on the route that \
                 declares it"
            ))
        })
    }

    /// A parameter of the query, which may be there once.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it is there twice.
    pub fn query(&self, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
        query_param(self.head, name)
    }

    /// The decision of another policy on the same question.
    ///
    /// # Errors
    /// If the policy cannot be decided.
    pub async fn ask(&self, policy: &dyn Policy) -> Verdict {
        ask(policy, *self).await
    }

    /// A decision by yes or no; the explanation is only made when somebody wants it.
    pub(crate) fn verdict(&self, allowed: bool, code: &'static str, part: impl FnOnce() -> Explanation) -> Decision {
        let decision = if allowed { Decision::allow() } else { Decision::deny(code) };
        if self.explaining { decision.explained(part()) } else { decision }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("principal", &self.principal)
            .field("method", &self.head.method())
            .field("path", &self.head.path())
            .finish_non_exhaustive()
    }
}

/// A policy with a name of its own, for an `Authorized<…>` in a handler's signature and wherever a policy goes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no policy",
    note = "write `impl Requirement for {Self} {{ const POLICY: &'static dyn Policy = &…; }}`"
)]
pub trait Requirement: 'static {
    /// The policy.
    const POLICY: &'static dyn Policy;
}
