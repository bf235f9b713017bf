//! What is withdrawn before its time, and who is refused for it.

mod asked;
mod changes;
mod failing;
mod hybrid;
mod keeping;
mod list;
mod revoke;
mod sign_out;
mod unverified;

use crate::tokens::NOW;
use futures_util::FutureExt;
use portcullis_core::{
    Gate, Principal, PrincipalId, PrincipalKind, RevocationList, Revocations, Scheme, SessionId, TokenId,
    testing::{FixedClock, TestIssuer},
};
use std::time::{Duration, SystemTime};

/// Of every issuer here.
const HERE: &str = "https://issuer.test";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn set_back(clock: &FixedClock, by: u64) {
    clock.set(clock.seconds() - by);
}

/// A list that keeps for 100 seconds, at noon.
fn list() -> (RevocationList, FixedClock) {
    let clock = FixedClock::at(NOW);
    (by(&clock, RevocationList::new(seconds(100))), clock)
}

/// The list, which goes by this clock: that of the first gate that has it.
pub fn by(clock: &FixedClock, list: RevocationList) -> RevocationList {
    let gate = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).clock(clock.clone());
    gate.revocations(list.clone()).build().unwrap();
    list
}

fn is_revoked(list: &impl Revocations, principal: &Principal) -> bool {
    list.is_revoked(principal).now_or_never().expect("an answer at once").unwrap()
}

fn user(subject: impl Into<String>) -> PrincipalId {
    PrincipalId::new(PrincipalKind::User, subject).with_issuer(HERE)
}

fn session(id: impl Into<String>) -> SessionId {
    SessionId::new(id).with_issuer(HERE)
}

fn token_id(id: impl Into<String>) -> TokenId {
    TokenId::new(id).with_issuer(HERE)
}

/// A principal whose credential expires some day.
fn of(id: PrincipalId) -> Principal {
    let principal = Principal::new(id.kind(), id.subject()).with_times(None, Some(at(2 * NOW)));
    principal.with_issuer(id.issuer().unwrap_or_default())
}

fn of_session(session: &str) -> Principal {
    of(user("alice")).with_session(session)
}
