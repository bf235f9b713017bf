//! The roles that pass, as names for a query.

use super::{Permission, RoleHierarchy};
use crate::error::Error;

impl RoleHierarchy {
    /// The names of this role and of all that include it, for a query of a list.
    ///
    /// The query finds the resources on which the caller itself has one of them. Roles that are inherited from parents, and
    /// roles that customers define, need more than names: see [`Caller::filter`](crate::Caller::filter).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate(&[])?; // viewer, manager and owner
    /// // … WHERE member = $1 AND role = ANY($2)
    /// assert_eq!(gate.roles_on("project").at_least("manager")?, ["manager", "owner"]);
    /// assert!(gate.roles_on("project").at_least("manger").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the role is unknown.
    pub fn at_least(&self, role: &str) -> Result<Vec<&str>, Error> {
        let place = self.known_place(role)?;
        Ok(self.names_where(|name| self.includes_at(name, place)))
    }

    /// The names of all roles that permit this, by themselves or by the roles that they include.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let roles = RoleHierarchy::builder()
    ///     .ranked(["viewer", "manager", "owner"])
    ///     .permits("manager", ["project:*"])
    ///     .build()?;
    /// let gate = builder()?.roles(roles).permissions(["project:read", "project:edit"]).build()?;
    /// assert_eq!(gate.roles_on("project").permitting("project:edit")?, ["manager", "owner"]);
    /// assert!(gate.roles_on("project").permitting("project:eidt").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is not `resource:action`, or not one of the gate's
    /// [permissions](crate::GateBuilder::permissions). Where the gate does not list them, if no role permits it.
    pub fn permitting(&self, permission: &str) -> Result<Vec<&str>, Error> {
        let permission: Permission = permission.parse()?;
        let names = self.names_where(|name| self.permits(name, &permission));
        match self.permissions() {
            Some(all) if all.names(permission.as_str()) => Ok(names),
            None if !names.is_empty() => Ok(names),
            Some(_) => Err(Error::misconfigured(format!(
                "the gate knows no permission `{permission}`; add it to `.permissions(…)`, or correct it"
            ))),
            None => Err(Error::misconfigured(format!(
                "no role permits `{permission}`; correct it, or list all permissions in `.permissions(…)`"
            ))),
        }
    }

    fn names_where(&self, passes: impl Fn(&str) -> bool) -> Vec<&str> {
        self.names().iter().map(String::as_str).filter(|name| passes(name)).collect()
    }
}
