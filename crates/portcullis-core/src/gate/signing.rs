//! Signed addresses of a gate.

use super::{Gate, GateBuilder, Parts};
use crate::{
    error::Error,
    principal::PrincipalId,
    rights::Rights,
    signed::{Expiry, SignedUrl, SignedUrls},
};
use std::time::Duration;

impl GateBuilder {
    /// Adds a signer of addresses: see [`SignedUrls`].
    ///
    /// [`Gate::sign`] and the policy [`signed`](crate::policy::signed) name it. The parameter with the signature is kept out of
    /// logs by `scrub` of the adapters, on all routes.
    #[must_use]
    pub fn signer(mut self, name: impl Into<String>, signer: SignedUrls) -> Self {
        let name = name.into();
        self.once(&format!(".signer({name:?}, …)"), !self.rights.signers.contains_key(&name));
        self.rights.signers.insert(name, signer);
        self
    }
}

/// Signers that cannot work.
pub(super) fn check(parts: &Parts, rights: &Rights) -> Option<String> {
    rights.signers.iter().find_map(|(name, signer)| {
        let problem = match signer.check() {
            _ if name.is_empty() => "has no name".to_owned(),
            Some(problem) => problem.to_owned(),
            None => {
                let sources = parts.schemes.iter().flat_map(|scheme| &scheme.sources);
                let is_read = |name: &&str| sources.clone().any(|source| source.query_name() == Some(name));
                let name = signer.parameters().names().find(is_read)?;
                format!("adds the query parameter `{name}`, which a scheme reads as a credential; rename that one")
            }
        };
        Some(format!("signer `{name}` {problem}"))
    })
}

impl Gate {
    /// Signs an address for one method, valid for this time from now on.
    ///
    /// The address is a path with its query, encoded as the client will send it. It has to be the one that the service
    /// receives: a prefix that a proxy removes is put in front of the result.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let clock = FixedClock::at(1_700_000_000);
    /// let uploads = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
    /// let gate = builder()?.clock(clock).signer("uploads", uploads).build()?;
    ///
    /// let url = gate.sign("uploads", "POST", "/files?folder=7", minute)?;
    /// assert!(url.expose().starts_with("/files?folder=7&expires=1700000060&key_id=a&signature="));
    /// assert_eq!(answer(&gate, signed("uploads"), post(url.expose())), "200");
    /// assert_eq!(answer(&gate, signed("uploads"), get(url.expose())), "403 invalid_signature");
    ///
    /// // a client would send `/my%20file`
    /// assert!(gate.sign("uploads", "POST", "/my file", minute).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the gate has no signer of this name, or the signer is
    /// bound to callers. If clients would not send the address as it is: it has characters that are not encoded, or `..`. If it
    /// has a parameter that the signature adds, or none that the signer covers. If the life is less than a second or longer than
    /// [`SignedUrls::max_life`].
    pub fn sign(&self, signer: &str, method: &str, address: &str, life: Duration) -> Result<SignedUrl, Error> {
        self.sign_by(signer, None, method, address, life)
    }

    /// The same for one caller, by a signer that is [bound to callers](SignedUrls::bound_to_caller).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let invoices = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?.bound_to_caller();
    /// let gate = builder()?.signer("invoices", invoices).build()?;
    /// let [alice, bob] = ["alice", "bob"].map(acting_as);
    /// let minute = Duration::from_secs(60);
    /// let url = gate.sign_for("invoices", alice.id(), "GET", "/invoices/7", minute)?;
    ///
    /// let by = |gate: &Gate| answer(gate, signed("invoices"), get(url.expose()));
    /// assert_eq!(by(&gate.acting_as(alice)), "200");
    /// assert_eq!(by(&gate.acting_as(bob)), "403 invalid_signature");
    /// assert_eq!(by(&gate), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`sign`](Self::sign), and if the signer is not bound to callers.
    pub fn sign_for(
        &self,
        signer: &str,
        caller: &PrincipalId,
        method: &str,
        address: &str,
        life: Duration,
    ) -> Result<SignedUrl, Error> {
        self.sign_by(signer, Some(caller), method, address, life)
    }

    fn sign_by(
        &self,
        name: &str,
        caller: Option<&PrincipalId>,
        method: &str,
        address: &str,
        life: Duration,
    ) -> Result<SignedUrl, Error> {
        let signer = self.0.rights.signer(name)?;
        match (signer.is_bound(), caller) {
            (true, None) => Err(Error::misconfigured(format!(
                "the signer `{name}` is bound to callers; sign the address by `sign_for`"
            ))),
            (false, Some(_)) => Err(Error::misconfigured(format!(
                "the signer `{name}` is not bound to callers; set `bound_to_caller`, or sign the address by `sign`"
            ))),
            _ => signer.sign(name, caller, method, address, Expiry { now: self.now(), life }),
        }
    }
}
