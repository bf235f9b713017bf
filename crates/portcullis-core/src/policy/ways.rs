//! The schemes that a policy accepts.
//!
//! A policy that names no scheme accepts those without a name. [`via`] replaces this set for its part, [`also_via`] adds to it.

use super::{AnyPrincipal, Description, NamedScope, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    explanation::Explanation,
    rights::KeyScopes,
    scheme::SchemeSet,
};

/// Only callers of one scheme. See [`via`].
#[derive(Debug, Clone, Copy)]
pub struct Via<P> {
    scheme: &'static str,
    part: P,
}

/// Requires that the caller authenticated by this scheme.
///
/// Credentials of other schemes count as absent. The code of its denials is `scheme_required`.
///
/// `via("sync")` allows every caller of the scheme; `via("sync").and(policy)` only those that the policy allows too. It is
/// the whole policy or a part of an [`any`](super::any). In an [`all`](super::all) beside parts that accept other schemes,
/// no caller could pass, which is an error when the route is added.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// const STORE: &dyn Policy = &via("sync");
/// const READ: &dyn Policy = &any((staff(), via("sync").and(permission("roles:read"))));
///
/// # fn main() -> Result<(), Error> {
/// let sync = SharedSecret::new("role-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
/// let gate = builder()?.scheme(Scheme::named("sync", sync).header("x-sync-secret")).build()?;
///
/// let token = TestIssuer::new().token("alice").staff().sign();
/// let request = || get("/roles").header("x-sync-secret", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E");
/// assert_eq!(answer(&gate, STORE, request()), "200");
/// assert_eq!(answer(&gate, STORE, get("/roles").bearer(&token)), "401 credential_missing");
/// assert_eq!(answer(&gate, READ, request()), "403 permission_required");
/// assert_eq!(answer(&gate, READ, get("/roles").bearer(&token)), "200");
/// # Ok(()) }
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
        // Without a credential only where visitors are judged, whatever the part says of them.
        if question.scheme == Some(place) || (question.caller.is_none() && question.visitors) {
            return ask(&self.part, Question { accepted: SchemeSet::one(place), ..question });
        }
        let denial = match question.caller {
            None => Denial::absent(),
            Some(_) => Denial::new("scheme_required").with(|why| why.is_about_scheme = true),
        };
        let denial = Decision::Deny(denial);
        let part = || Explanation::new(format!("via `{}`", self.scheme), false);
        Answer::now(Ok(if question.explaining { denial.explained(part()) } else { denial }))
    }

    fn describe(&self) -> Description {
        Description::Via { scheme: self.scheme, part: Box::new(self.part.describe()) }
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.part.names_scope(scopes)
    }
}

/// Callers of one more scheme. See [`also_via`].
#[derive(Debug, Clone, Copy)]
pub struct AlsoVia<P> {
    scheme: &'static str,
    part: P,
}

/// Also accepts callers of this scheme, beside those that the policy accepts anyway.
///
/// It has to be around the whole policy.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// const READ: &dyn Policy =
///     &also_via("api-key", role("viewer").on("project", path("project_id")));
///
/// # fn main() -> Result<(), Error> {
/// let key = SharedSecret::of(
///     Principal::new(PrincipalKind::Key, "alice"),
///     "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E",
/// )?;
/// let gate = builder()?
///     .scheme(Scheme::named("api-key", key).header("x-api-key"))
///     .membership("project", Projects(&[("alice", 1, "viewer")]))
///     .build()?;
///
/// let token = TestIssuer::new().token("alice").sign();
/// let by_key = |id| project(id).header("x-api-key", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E");
/// assert_eq!(
///     [answer(&gate, READ, by_key(1)), answer(&gate, READ, project(1).bearer(&token))],
///     ["200", "200"]
/// );
/// assert_eq!(answer(&gate, READ, by_key(2)), "403 not_a_member");
/// // not accepted here
/// assert_eq!(answer(&gate, authenticated(), by_key(1)), "401 credential_missing");
/// # Ok(()) }
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

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.part.names_scope(scopes)
    }
}
