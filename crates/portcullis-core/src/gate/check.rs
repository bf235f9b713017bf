//! Whether what policies name is there.

use super::Gate;
use crate::{
    error::Error,
    policy::{Need, Policy, empty_list},
    verifier::Verifier,
};

impl Gate {
    /// Whether this gate knows every name that a policy refers to.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with the names that are known.
    pub fn check(&self, policy: &dyn Policy) -> Result<(), Error> {
        let mut checked = Ok(());
        policy.needs(&mut |need| {
            if checked.is_ok() {
                checked = self.has(need);
            }
        });
        checked
    }

    fn has(&self, need: Need) -> Result<(), Error> {
        let rights = &self.0.rights;
        match need {
            Need::Role(role) => rights.knows_role(role, None),
            Need::RoleOn(_, kind) if rights.membership.is_none() => Err(Error::misconfigured(format!(
                "a policy asks for roles on a {kind}, and the gate has no `.membership(…)` to ask"
            ))),
            Need::RoleOn(Some(role), kind) => rights.knows_role(role, Some(kind)),
            Need::Permission { name, on, below_not } => rights.knows_permission(name, on, below_not),
            Need::Part => Err(empty_list()),
            Need::Fresh(_) if !self.may_ask() => Err(Error::misconfigured(
                "a policy asks for a fresh identity, and the gate has nobody to ask; add an authenticator that asks, such as \
                 an `Introspection`, or return true from `Authenticator::asks_anew` if yours does",
            )),
            Need::RoleOn(None, _) | Need::Fresh(_) | Need::PathParam(_) => Ok(()),
        }
    }

    /// Whether more can be found out about a credential than that it was issued.
    fn may_ask(&self) -> bool {
        self.0.verifiers.iter().any(Verifier::asks_anew)
    }
}
