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
mod fresh;
mod resource;
mod when;

pub use basic::{
    Anyone, Authenticated, RequirePermission, RequireRole, RequireScope, Staff, Via, anyone, authenticated, permission,
    role, scope, staff, via,
};
pub use claim::{RequireClaim, claim};
pub(crate) use combine::empty_list;
pub use combine::{All, Any, Hidden, Not, PolicyList, all, any, hidden, not};
pub(crate) use fresh::is_within;
pub use fresh::{Fresh, fresh, max_age};
pub use resource::{OnResource, ResourceId, path, query};
pub use when::{When, WhenAsync, when, when_async};

use crate::{
    answer::Answer,
    decision::{Decision, Explanation},
    error::Error,
    head::{RequestHead, query_param},
    principal::Principal,
    rights::Rights,
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// What a policy answers: a decision, or that it cannot decide.
///
/// What cannot be judged is an error and never a no, so that [`not`] lets nobody in by ignorance.
pub type Verdict = Result<Decision, Error>;

/// Decides whether a principal may do what a request asks for.
///
/// Most policies are put together from the values of this module; implement it for what they cannot say.
pub trait Policy: fmt::Debug + Send + Sync {
    /// May this principal do this? Asked again for one request where the first answer is one to wait for, so whatever is
    /// worth doing once belongs in the future.
    ///
    /// One that turns the answer of another around does so with [`not`], which tells it so.
    ///
    /// # Errors
    /// If that could not be found out. An error refuses the request and is not reported as a denial.
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict>;

    /// What this needs to work: names that have to be known, so that a misspelt one is refused where the route is added, and
    /// how fresh the identity has to be. A policy around another one passes on what that needs.
    fn needs(&self, see: &mut dyn FnMut(Need)) {
        let _ = see;
    }

    /// Whether this allows everybody, so that nobody needs to be asked who they are.
    fn is_public(&self) -> bool {
        false
    }
}

/// Something that a policy needs: a name that it refers to, or a fresh identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// A role that principals have everywhere.
    Role(&'static str),
    /// A role, if one is named, on a kind of resource, and with that a membership to ask.
    RoleOn(Option<&'static str>, &'static str),
    /// A permission, on a kind of resource if one is named.
    Permission {
        /// Its name.
        name: &'static str,
        /// The kind of resource.
        on: Option<&'static str>,
        /// Whether it stands below a [`not`], so that an unknown one would let everybody in.
        below_not: bool,
    },
    /// Another policy: a list of policies is empty.
    Part,
    /// A parameter of the route's path.
    PathParam(&'static str),
    /// An identity of which nothing older than this is remembered.
    Fresh(Duration),
}

impl<P: Policy + ?Sized> Policy for &P {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        (**self).decide(question)
    }

    fn needs(&self, see: &mut dyn FnMut(Need)) {
        (**self).needs(see);
    }

    fn is_public(&self) -> bool {
        (**self).is_public()
    }
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        (**self).decide(question)
    }

    fn needs(&self, see: &mut dyn FnMut(Need)) {
        (**self).needs(see);
    }

    fn is_public(&self) -> bool {
        (**self).is_public()
    }
}

/// What a policy is asked: a principal, and the request it makes.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub(crate) rights: &'a Rights,
    pub(crate) principal: &'a Principal,
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
