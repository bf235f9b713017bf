//! Tokens that were verified before, and whether verifying them again would say the same.

use super::{Issuer, Jwt, KeyState, remote::Generation};
use crate::{
    claims::{Claims, RegisteredClaims},
    clock::{seconds, whole_seconds},
    principal::Principal,
};
use std::ops::Range;

/// A principal, and what it depends on in addition to the token, the time and the verifier.
#[derive(Clone)]
pub(crate) struct VerifiedToken {
    pub(crate) principal: Principal,
    pub(super) keys: Generation,
}

impl Jwt {
    /// Whether verifying the token again would have the same result: its keys are the same, and its times are still valid.
    /// Everything else belongs to the token and the verifier, and does not change. If not, the error is the look at the keys.
    pub(crate) fn still_holds(&self, verified: &VerifiedToken, surely: &Range<u32>) -> Result<(), KeyState> {
        let now = self.0.time.now();
        let Some(issuer) = self.issuer_that_verified(verified) else { return Err(KeyState::default()) };
        let state = issuer.look();
        if !issuer.still_has(verified.keys, &state) {
            return Err(state);
        }
        let is_sure = u32::try_from(whole_seconds(now)).is_ok_and(|now| surely.contains(&now));
        let is_in_time = || verified.times().is_some_and(|times| issuer.check_own_time(times, seconds(now)).is_ok());
        if is_sure || is_in_time() && !issuer.is_over(&verified.principal, now) { Ok(()) } else { Err(state) }
    }

    /// The whole seconds in which its times are certainly valid. This is enough for nearly every check.
    pub(crate) fn surely(&self, verified: &VerifiedToken) -> Range<u32> {
        let times = self.issuer_that_verified(verified).zip(verified.times());
        let surely = times.map_or(0..0, |(issuer, times)| issuer.surely(times));
        // A principal may end before its token does.
        let end = verified.principal.expires_at().and_then(|end| whole_seconds(end).try_into().ok());
        surely.start..end.map_or(surely.end, |end: u32| end.min(surely.end))
    }

    fn issuer_that_verified(&self, verified: &VerifiedToken) -> Option<&Issuer> {
        match &*self.0.issuers {
            [only] => Some(only),
            several => several.iter().find(|issuer| Some(&*issuer.name) == verified.principal.issuer()),
        }
    }
}

impl VerifiedToken {
    /// The times in its claims.
    fn times(&self) -> Option<&RegisteredClaims> {
        self.principal.token_claims().map(Claims::registered)
    }
}
