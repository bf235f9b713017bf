//! Policies that a handler asks, about resources that the head of the request does not name.

use super::Authentication;
use crate::{
    decision::Access,
    error::{Error, ErrorKind},
    head::{OwnedHead, RequestHead},
    policy::{Plan, Planner, Policy},
    principal::Principal,
    scheme::{SchemeSet, Sources},
};
use std::{fmt, sync::Arc};

/// The caller of a request, for handlers that ask policies themselves: about a resource whose identifier is in the body,
/// for example.
///
/// It shares the memory of the request: what a guard has asked a membership is not asked again. Schemes and the
/// [baseline](crate::GateBuilder::baseline) belong to the route and are not checked again.
///
/// An extractor of the adapters provides it.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{gate, get, now};
/// use portcullis_core::{Caller, Error, policy::{id, role}};
///
/// /// `project` is from the body.
/// async fn create(caller: Caller, project: u32) -> Result<String, Error> {
///     caller.require(role("viewer").on("project", id(project)).hidden()).await?;
///     let draft = !caller.allows(role("manager").on("project", id(project))).await?;
///     Ok(if draft { "a draft".to_owned() } else { "published".to_owned() })
/// }
///
/// # fn main() -> Result<(), Error> {
/// # use portcullis_core::testing::acting_as;
/// # let gate = gate(&[("alice", 1, "manager"), ("alice", 2, "viewer")])?.acting_as(acting_as("alice"));
/// # let caller = now(gate.establish(&get("/articles"))).caller(&get("/articles"))?;
/// // alice is a manager of project 1, a viewer of project 2, and a stranger to project 3.
/// assert_eq!(now(create(caller.clone(), 1))?, "published");
/// assert_eq!(now(create(caller.clone(), 2))?, "a draft");
/// assert_eq!(now(create(caller, 3)).unwrap_err().status(), 404);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Caller {
    pub(super) who: Authentication,
    pub(super) principal: Principal,
    pub(super) head: OwnedHead,
}

impl Authentication {
    /// The caller, for a handler.
    ///
    /// `head` is that of the request; a copy without its credentials is kept.
    ///
    /// # Errors
    /// As [`principal`](Self::principal).
    pub fn caller(&self, head: &dyn RequestHead) -> Result<Caller, Error> {
        let principal = self.principal()?.clone();
        Ok(Caller { who: self.clone(), principal, head: OwnedHead::copy(head, &self.gate.credential_scrubber(head)) })
    }
}

impl Caller {
    /// The principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Requires that this policy allows the caller.
    ///
    /// A handler that returns the error with `?` gives the answer that the guard of the route would give.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] (403) and [`ErrorKind::Hidden`] (404) if it does not, and
    /// [`ErrorKind::InsufficientAuthentication`] (401) if it would after a new sign-in; [`ErrorKind::Misconfigured`] (500) if
    /// the policy names what the gate does not know, or requires a [fresher](crate::policy::fresh) identity than that of
    /// the route; and as memberships and rules return.
    pub async fn require(&self, policy: impl Policy + 'static) -> Result<Access, Error> {
        let plan = self.plan(policy)?;
        self.who.gate.authorize_beyond(None, &self.who, &plan, &self.head).await
    }

    pub(super) fn plan(&self, policy: impl Policy + 'static) -> Result<Plan, Error> {
        let gate = &self.who.gate;
        // The route has accepted the scheme, whichever it was.
        let (rights, unnamed, verify_only) = (&gate.0.rights, &gate.0.all, SchemeSet::NONE);
        let planner = Planner { rights, unnamed, verify_only, checks_candidates: false };
        planner.plan(Arc::new(policy), |accepted| Sources::of(&gate.0.schemes, accepted))
    }

    /// Whether this policy allows the caller.
    ///
    /// # Errors
    /// As [`require`](Self::require), except denials.
    pub async fn allows(&self, policy: impl Policy + 'static) -> Result<bool, Error> {
        is_allowed(self.require(policy).await)
    }
}

/// A denial is an answer, and any other error is none.
pub(super) fn is_allowed(decided: Result<Access, Error>) -> Result<bool, Error> {
    match decided {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::Denied | ErrorKind::Hidden | ErrorKind::InsufficientAuthentication => Ok(false),
            _ => Err(error),
        },
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("principal", &self.principal).finish_non_exhaustive()
    }
}
