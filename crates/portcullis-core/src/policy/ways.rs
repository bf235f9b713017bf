//! The schemes that a policy accepts.

use super::{AnyPrincipal, Description, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial, Explanation},
    scheme::SchemeSet,
};

/// Only callers of one scheme. See [`via`].
#[derive(Debug, Clone, Copy)]
pub struct Via<P> {
    scheme: &'static str,
    part: P,
}

/// Requires that the caller authenticated by this scheme. Credentials of other schemes count as absent. Code
/// `scheme_required`.
///
/// `via("sync")` allows every caller of the scheme; `via("sync").and(policy)` only those that the policy allows too. It is
/// the whole policy or a part of an [`any`](super::any). In an [`all`](super::all) beside parts that accept other schemes,
/// no caller could pass, which is an error when the route is added.
///
/// ```
/// use portcullis_core::policy::*;
///
/// const STORE: &dyn Policy = &via("sync");
/// const READ: &dyn Policy = &any((staff(), via("api-key").and(scope("read"))));
/// ```
#[must_use]
pub const fn via(scheme: &'static str) -> Via<AnyPrincipal> {
    Via { scheme, part: AnyPrincipal }
}

impl Via<AnyPrincipal> {
    /// Also requires this policy of the scheme's callers.
    #[must_use]
    pub const fn and<P: Policy>(self, policy: P) -> Via<P> {
        Via { scheme: self.scheme, part: policy }
    }
}

impl<P> Sealed for Via<P> {}

impl<P: Policy> Policy for Via<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let place = match question.rights.scheme(self.scheme) {
            Ok(place) => place,
            Err(error) => return Answer::now(Err(error)),
        };
        if question.scheme == Some(place) || question.caller.is_none() {
            return ask(&self.part, Question { accepted: SchemeSet::one(place), ..question });
        }
        let denial = Decision::Deny(Denial::new("scheme_required").with(|why| why.is_about_scheme = true));
        let part = || Explanation::new(format!("via `{}`", self.scheme), false);
        Answer::now(Ok(if question.explaining { denial.explained(part()) } else { denial }))
    }

    fn describe(&self) -> Description {
        Description::Via { scheme: self.scheme, part: Box::new(self.part.describe()) }
    }

    fn is_transparent(&self) -> bool {
        true
    }
}

/// Callers of one more scheme. See [`also_via`].
#[derive(Debug, Clone, Copy)]
pub struct AlsoVia<P> {
    scheme: &'static str,
    part: P,
}

/// Also accepts callers of this scheme, beside those that the policy accepts anyway. It has to be around the whole policy.
///
/// ```
/// use portcullis_core::policy::*;
///
/// const READ: &dyn Policy = &also_via("api-key", role("viewer").on("project", path("project_id")));
/// ```
#[must_use]
pub const fn also_via<P: Policy>(scheme: &'static str, policy: P) -> AlsoVia<P> {
    AlsoVia { scheme, part: policy }
}

impl<P> Sealed for AlsoVia<P> {}

impl<P: Policy> Policy for AlsoVia<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        match question.rights.scheme(self.scheme) {
            Ok(place) => {
                let accepted = question.accepted.or(SchemeSet::one(place));
                ask(&self.part, Question { accepted, ..question })
            }
            Err(error) => Answer::now(Err(error)),
        }
    }

    fn describe(&self) -> Description {
        Description::AlsoVia { scheme: self.scheme, part: Box::new(self.part.describe()) }
    }

    fn is_transparent(&self) -> bool {
        true
    }
}
