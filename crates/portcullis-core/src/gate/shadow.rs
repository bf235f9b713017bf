//! Shadow mode: candidate roles, limits and counts.

use super::{Gate, GateBuilder};
use crate::{
    rights::RoleHierarchy,
    shadow::{ShadowCounts, ShadowLimits},
};

impl GateBuilder {
    /// Asks each policy by these roles too, and counts where it would have decided otherwise.
    ///
    /// For changing a hierarchy in production. The answer is always that of the live [`roles`](Self::roles), which these would
    /// replace. Otherwise as [`shadow`](crate::policy::shadow). Policies that ask for neither a role nor a permission are not
    /// compared.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // An owner is to be no manager any more.
    /// let roles = RoleHierarchy::builder()
    ///     .role("viewer", [])
    ///     .role("manager", ["viewer"])
    ///     .role("owner", ["viewer"])
    ///     .build()?;
    /// let gate = builder()?.shadow_roles("separate-owners", roles).build()?;
    ///
    /// let owner = gate.acting_as(acting_as("alice").with_role("owner"));
    /// assert_eq!(answer(&owner, role("manager"), get("/reports")), "200");
    /// assert_eq!(answer(&owner, role("viewer"), get("/reports")), "200");
    /// let counts = gate.shadow("separate-owners").unwrap_or_default();
    /// assert_eq!((counts.agreed, counts.would_deny), (1, 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn shadow_roles(mut self, name: &'static str, roles: RoleHierarchy) -> Self {
        self.candidate_roles.push((name, None, roles));
        self
    }

    /// The same for the roles on resources of one kind, instead of those of [`roles_on`](Self::roles_on). With the name of
    /// another candidate, both are one.
    #[must_use]
    pub fn shadow_roles_on(mut self, name: &'static str, kind: impl Into<String>, roles: RoleHierarchy) -> Self {
        self.candidate_roles.push((name, Some(kind.into()), roles));
        self
    }

    /// How often candidates are asked, and how long they are waited for: see [`ShadowLimits`].
    #[must_use]
    pub fn shadow_limits(mut self, limits: ShadowLimits) -> Self {
        self.once(".shadow_limits(…)", self.shadow_limits.is_none());
        self.shadow_limits = Some(limits);
        self
    }
}

impl Gate {
    /// How often the candidate of this name agreed with the live policy, since the gate was built.
    ///
    /// `None` if no plan has one: see [`shadow`](crate::policy::shadow) and [`GateBuilder::shadow_roles`].
    #[must_use]
    pub fn shadow(&self, name: &str) -> Option<ShadowCounts> {
        self.0.rights.shadows.counts(name)
    }
}
