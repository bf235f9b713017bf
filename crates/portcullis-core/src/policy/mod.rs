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

mod account;
mod basic;
mod claim;
mod combine;
mod describe;
mod locate;
mod modify;
mod plan;
mod resource;
mod rule;
mod ways;
mod when;

pub use account::{OfAccount, account};
pub use basic::{
    Anyone, Authenticated, RequirePermission, RequireRole, RequireScope, Staff, anyone, authenticated, permission,
    role, scope, staff,
};
pub use claim::{RequireClaim, claim};
pub(crate) use combine::empty_list;
pub use combine::{All, Any, Hidden, Not, PolicyList, all, any, hidden, not};
pub use describe::{Description, On};
pub use locate::{IdValue, Locate, ResourceId, header, id, organization, path, query};
pub(crate) use modify::is_within;
pub use modify::{Fresh, Visitors, WithoutBaseline, fresh, visitors, without_baseline};
pub use plan::Plan;
pub(crate) use plan::Planner;
pub use resource::{OnResource, OnRow};
pub use rule::Rule;
pub use ways::{AlsoVia, Via, also_via, via};
pub use when::{Holds, When, when};

use crate::{
    answer::Answer,
    clock::Moment,
    decision::{Decision, Denial, Explanation},
    error::{Error, ErrorKind},
    head::{RequestHead, query_param},
    principal::{Principal, PrincipalKind},
    rights::{Asker, Rights, Standing, Standings},
    scheme::SchemeSet,
};
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

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

/// What a policy is asked: a principal, and the request it makes.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub(crate) rights: &'a Rights,
    /// Nobody, where callers without a credential may be judged.
    pub(crate) caller: Option<&'a Principal>,
    /// The scheme by which the caller came, by its place.
    pub(crate) scheme: Option<usize>,
    /// The schemes whose callers may pass here.
    pub(crate) accepted: SchemeSet,
    pub(crate) head: &'a dyn RequestHead,
    /// Whether callers without a credential are judged here.
    pub(crate) visitors: bool,
    pub(crate) standings: &'a Standings,
    pub(crate) moment: Moment,
    /// Whether the answer will be turned around, perhaps more than once.
    pub(crate) below_not: bool,
    pub(crate) explaining: bool,
}

impl<'a> Question<'a> {
    /// The caller. A closure and a [`Rule`] are not asked about callers without a credential.
    #[must_use]
    pub fn principal(&self) -> &'a Principal {
        static NOBODY: LazyLock<Principal> = LazyLock::new(|| Principal::new(PrincipalKind::Key, ""));
        self.caller.unwrap_or(&NOBODY)
    }

    /// The row of the caller's account that the gate's [`Directory`](crate::Directory) found.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is none of this type.
    pub fn account<T: std::any::Any + Send + Sync>(&self) -> Result<&'a T, Error> {
        self.principal().account()
    }

    /// The request's head: method, path, headers.
    #[must_use]
    pub fn head(&self) -> &'a dyn RequestHead {
        self.head
    }

    /// A parameter of the route's path, decoded as the handler will see it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it cannot be decoded, and
    /// [`ErrorKind::Misconfigured`] if the route has no such parameter.
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
    /// [`ErrorKind::Malformed`] if it is there twice.
    pub fn query(&self, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
        query_param(self.head, name)
    }

    /// What the caller is to a resource, from the memory of the request.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if that is no identifier of its kind, and as the gate's
    /// [`Membership`](crate::Membership) answers.
    pub async fn standing(&self, kind: &str, id: impl ToString) -> Result<Standing, Error> {
        let on = self.rights.resource(kind, &id.to_string())?.ok_or_else(|| {
            let detail = format!("not the identifier of a {kind}");
            Error::new(ErrorKind::Malformed, detail).with_code("invalid_id")
        })?;
        self.rights.standing(self.asker(), &on).await
    }

    pub(crate) fn asker(&self) -> Asker<'a> {
        Asker { who: self.caller, standings: self.standings, moment: self.moment }
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
            .field("caller", &self.caller)
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
