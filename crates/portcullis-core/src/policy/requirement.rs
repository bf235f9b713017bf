//! Policies with a name.

use super::Policy;

/// A policy with a name, for `Authorized<…>` in a handler's signature and wherever else a policy is expected.
///
/// The gate checks it once, when it is first used. Check it in a test as well, so that a misspelt name fails there:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// struct Publish;
/// impl Requirement for Publish {
///     const POLICY: &'static dyn Policy = &role("manager");
/// }
/// struct Misspelt;
/// impl Requirement for Misspelt {
///     const POLICY: &'static dyn Policy = &role("manger");
/// }
///
/// assert!(gate.plan_of::<Publish>().is_ok());
/// assert!(gate.plan_of::<Misspelt>().is_err());
/// let viewer = gate.acting_as(acting_as("bob").with_role("viewer"));
/// assert_eq!(answer(&viewer, Publish::POLICY, get("/articles/1")), "403 role_required");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no policy",
    note = "write `impl Requirement for {Self} {{ const POLICY: &'static dyn Policy = &…; }}`"
)]
pub trait Requirement: 'static {
    /// The policy.
    const POLICY: &'static dyn Policy;
}
