//! Policies about the address of the request: it is signed.

use super::{Description, Planner, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::Decision,
    error::Error,
    explanation::Explanation,
    principal::Principal,
    scheme::SchemeSet,
    signed::{Flaw, SignedUrls},
};

/// Requires a signed address. See [`signed`].
#[derive(Debug, Clone, Copy)]
pub struct Signed(&'static str);

/// Requires that the gate's [signer](crate::GateBuilder::signer) of this name has signed the address of the request.
///
/// The codes of its denials are `signature_required`, `invalid_signature` and `signature_expired`, all with 403.
///
/// It allows every caller with such an address, also one without a credential. Where no other part of the policy judges the
/// caller, no credential is read: a request with an expired cookie is allowed, and the handler has no caller. Otherwise a
/// credential that is present has to be valid.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// use std::time::Duration;
///
/// const DOWNLOAD: &dyn Policy = &any((signed("reports"), role("viewer")));
///
/// let reports = SignedUrls::new("2026-11", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
/// let gate = builder()?.signer("reports", reports).build()?;
/// let url = gate.sign("reports", "GET", "/reports/7.pdf", Duration::from_secs(600))?;
/// let (signed_url, plain) = (get(url.expose()), get("/reports/7.pdf"));
/// assert_eq!(answer(&gate, DOWNLOAD, signed_url.clone()), "200");
/// assert_eq!(answer(&gate, DOWNLOAD, plain.clone()), "401 credential_missing");
///
/// let alice = gate.acting_as(acting_as("alice").with_role("viewer"));
/// assert_eq!(answer(&alice, DOWNLOAD, plain), "200");
///
/// let stale = signed_url.bearer("expired");
/// assert_eq!(answer(&gate, DOWNLOAD, stale.clone()), "401 invalid_token");
/// assert_eq!(answer(&gate, signed("reports"), stale), "200");
/// assert!(gate.plan(signed("report")).is_err()); // found when the route is added
/// # Ok(()) }
/// ```
///
/// A signer that is [bound to callers](crate::SignedUrls::bound_to_caller) requires the caller that the address was signed for,
/// with a valid credential. Below [`not`](super::not) it is an error, since whoever removes the signature would be allowed.
#[must_use]
pub const fn signed(signer: &'static str) -> Signed {
    Signed(signer)
}

impl Signed {
    fn judge(self, signer: &SignedUrls, question: &Question<'_>) -> Decision {
        if signer.is_bound()
            && let Some(denial) = question.unaccepted()
        {
            return Decision::Deny(denial);
        }
        let caller = question.caller.filter(|_| signer.is_bound()).map(Principal::id);
        let flaw = signer.verify(self.0, caller, question.head, question.moment.now).err();
        let code = match flaw {
            None => "",
            Some(Flaw::Unsigned) => "signature_required",
            Some(Flaw::Invalid) => "invalid_signature",
            Some(Flaw::Expired) => "signature_expired",
        };
        let part = || Explanation::new(format!("signed address `{}`", self.0), flaw.is_none());
        match question.verdict(flaw.is_none(), code, part) {
            Decision::Deny(denial) => Decision::Deny(denial.with(|why| why.is_unsigned = flaw == Some(Flaw::Unsigned))),
            allowed => allowed,
        }
    }
}

impl Sealed for Signed {}

impl Policy for Signed {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let signer =
            question.rights.signer(self.0).and_then(|signer| not_inverted(question.below_not).map(|()| signer));
        Answer::now(signer.map(|signer| self.judge(signer, &question)))
    }

    fn describe(&self) -> Description {
        Description::Signed { signer: self.0 }
    }

    /// It judges the address. Whether the caller counts is decided where the signer is known.
    fn is_transparent(&self) -> bool {
        true
    }
}

/// An address without its signature would pass the opposite.
fn not_inverted(below_not: bool) -> Result<(), Error> {
    match below_not {
        true => Err(Error::misconfigured(
            "`signed` is below `not`, so that an address without a signature would be allowed",
        )),
        false => Ok(()),
    }
}

impl Planner<'_> {
    pub(super) fn check_signed(&self, signer: &str, below_not: bool) -> Result<(), Error> {
        self.rights.signer(signer)?;
        not_inverted(below_not)
    }

    pub(super) fn is_bound(&self, signer: &str) -> bool {
        self.rights.signer(signer).is_ok_and(SignedUrls::is_bound)
    }

    /// The schemes whose credentials some part of the policy judges.
    pub(super) fn judged(&self, part: &Description, here: SchemeSet) -> SchemeSet {
        let one = |scheme: &str| self.rights.scheme(scheme).map_or(SchemeSet::NONE, SchemeSet::one);
        match part {
            Description::Signed { signer } if !self.is_bound(signer) => SchemeSet::NONE,
            Description::Via { scheme, .. } => one(scheme),
            Description::AlsoVia { scheme, part } => self.judged(part, here.or(one(scheme))),
            Description::Rule { .. } | Description::Not(_) | Description::Row { .. } => here,
            part if part.parts().is_empty() => here,
            part => part.parts().iter().fold(SchemeSet::NONE, |all, part| all.or(self.judged(part, here))),
        }
    }
}
