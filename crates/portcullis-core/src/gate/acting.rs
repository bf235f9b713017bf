//! Gates that take every request as one principal's, for tests.

use super::{Authentication, Gate, Parts};
use crate::{error::Error, head::RequestHead, principal::Principal, scheme::Sources};
use std::sync::Arc;

/// The caller, and its scheme.
#[derive(Clone)]
pub(super) struct ActingCaller {
    principal: Principal,
    scheme: Result<Option<u16>, Error>,
}

impl Gate {
    /// A gate like this one that takes every request as this principal's, without any credential: for tests of handlers and
    /// routes.
    ///
    /// The caller counts as authenticated by the first scheme without a name. Where a policy accepts only other schemes, it
    /// counts as absent, as its credential would: see [`acting_via`](Self::acting_via).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
    /// let alice = gate.acting_as(acting_as("alice").with_role("manager"));
    /// assert_eq!(answer(&alice, role("manager"), get("/reports")), "200");
    /// assert_eq!(answer(&alice, role("owner"), get("/reports")), "403 role_required");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        let scheme = self.0.schemes.iter().position(|scheme| scheme.name.is_none());
        self.acting(principal, Ok(scheme))
    }

    /// The same, by the scheme of this name.
    ///
    /// If the gate has no such scheme, every request is refused with 500.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let secret = SharedSecret::new("role-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
    /// let gate =
    ///     builder()?.scheme(Scheme::named("sync", secret).header("x-sync-secret")).build()?;
    ///
    /// let sync = gate.acting_via("sync", acting_as("role-sync"));
    /// assert_eq!(answer(&sync, via("sync"), get("/roles")), "200");
    /// assert_eq!(
    ///     answer(&gate.acting_as(acting_as("alice")), via("sync"), get("/roles")),
    ///     "401 credential_missing"
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn acting_via(&self, scheme: &str, principal: Principal) -> Self {
        self.acting(principal, self.0.rights.scheme(scheme).map(Some))
    }

    fn acting(&self, principal: Principal, scheme: Result<Option<usize>, Error>) -> Self {
        let scheme = scheme.map(|place| place.and_then(|place| u16::try_from(place).ok()));
        let acting_as = Some(ActingCaller { principal, scheme });
        // Nothing of a request is read, so nothing is found in the cache.
        Self(Arc::new(Parts { acting_as, finds_again: false, ..(*self.0).clone() }))
    }
}

impl ActingCaller {
    pub(super) fn establish(&self, gate: &Gate, sources: &Arc<Sources>, head: &dyn RequestHead) -> Authentication {
        match &self.scheme {
            Ok(Some(place)) if sources.schemes.has(usize::from(*place)) => {
                Authentication::known(gate, sources, None, *place, self.principal.clone())
            }
            Ok(_) => Authentication::nobody(gate, sources, head),
            Err(error) => Authentication::new(gate, sources, None, Err(error.clone())),
        }
    }
}
