//! Whether what policies name is there.

use super::Gate;
use crate::{
    error::Error,
    policy::{Need, Policy, empty_list},
    role::{RoleHierarchy, unknown_role},
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
        let known = |roles: &RoleHierarchy, role| match roles.knows(role) {
            true => Ok(()),
            false => Err(unknown_role(roles, role)),
        };
        match need {
            Need::Role(role) => known(self.roles(), role),
            Need::RoleOn(_, kind) if self.0.membership.is_none() => Err(Error::misconfigured(format!(
                "a policy asks for roles on a {kind}, and the gate has no `.membership(…)` to ask"
            ))),
            Need::RoleOn(Some(role), kind) => known(self.roles_on(kind), role),
            Need::Permission { name, on, below_not } => self.knows_permission(name, on, below_not),
            Need::Part => Err(empty_list()),
            Need::Fresh(_) if !self.may_ask() => Err(Error::misconfigured(
                "a policy asks for a fresh identity, and the gate has nobody to ask, neither an authenticator that does more \
                 than verify nor `.revocations(…)`",
            )),
            Need::RoleOn(None, _) | Need::Fresh(_) | Need::PathParam(_) => Ok(()),
        }
    }

    /// Whether a policy may ask for this permission: one of the closed set, or any; below a `not`, any that a role names.
    pub(crate) fn knows_permission(&self, name: &str, on: Option<&str>, below_not: bool) -> Result<(), Error> {
        match &self.0.permissions {
            Some(all) if all.names(name) => Ok(()),
            Some(_) => Err(Error::misconfigured(format!(
                "the gate knows no permission `{name}`; name it in `.permissions(…)` if there is one"
            ))),
            None if !below_not || on.map_or(self.roles(), |kind| self.roles_on(kind)).names_permission(name) => Ok(()),
            None => Err(Error::misconfigured(format!(
                "a policy asks who does not hold `{name}`, and no role is said to permit just this; name the permissions \
                 there are in `.permissions(…)`"
            ))),
        }
    }

    /// Whether more can be found out about a credential than that it was issued.
    fn may_ask(&self) -> bool {
        self.0.revocations.is_some() || self.0.authenticators.iter().any(|asked| asked.verifier().is_none())
    }
}
