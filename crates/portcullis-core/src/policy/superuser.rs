//! Rights that a superuser passes without: see [`GateBuilder::superuser`](crate::GateBuilder::superuser).

use super::{Description, Question};
use crate::{decision::Decision, explanation::Explanation, rights::PermissionSet};

/// What the gate's superusers pass without.
#[derive(Debug, Clone)]
pub(crate) struct Superuser {
    pub(crate) policy: Description,
    /// `None`: every role and permission.
    pub(crate) permissions: Option<PermissionSet>,
}

impl Superuser {
    /// Whether it replaces this part of a policy.
    pub(crate) fn replaces(&self, part: &Description) -> bool {
        match part {
            Description::Role { .. } => self.permissions.is_none(),
            Description::Permission { permission, .. } => self.replaces_permission(permission),
            _ => false,
        }
    }

    fn replaces_permission(&self, name: &str) -> bool {
        self.permissions.as_ref().is_none_or(|permissions| permissions.holds(name))
    }
}

impl Question<'_> {
    /// Whether the caller is asked about as a superuser who passes without this role.
    pub(crate) fn is_without_role(&self) -> bool {
        self.superuser().is_some_and(|superuser| superuser.permissions.is_none())
    }

    /// Whether the caller is asked about as a superuser who passes without this permission.
    pub(crate) fn is_without_permission(&self, name: &str) -> bool {
        self.superuser().is_some_and(|superuser| superuser.replaces_permission(name))
    }

    /// Allows a superuser who does not have this right.
    pub(crate) fn superuser_verdict(&self, right: &'static str, words: impl FnOnce() -> String) -> Decision {
        let part = || Explanation::new(words(), true).with_note("a superuser passes without it");
        let mut decision = self.verdict(true, "", part);
        if let Decision::Allow(access) = &mut decision {
            access.found_mut().superuser = Some(right);
        }
        decision
    }

    fn superuser(&self) -> Option<&Superuser> {
        // Below `not`, a right that counts as fulfilled would take something.
        let is_asked = self.as_superuser && !self.below_not && self.caller.is_some();
        self.rights.superuser.as_ref().filter(|_| is_asked)
    }
}
