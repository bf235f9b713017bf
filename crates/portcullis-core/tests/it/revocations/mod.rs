//! What is withdrawn before its time, and who is refused for it.

mod asked;
mod changes;
mod failing;
mod hybrid;
mod keeping;
mod list;

use crate::tokens::NOW;
use futures_util::FutureExt;
use portcullis_core::{Principal, PrincipalKind, RevocationList, Revocations, testing::FixedClock};
use std::time::{Duration, SystemTime};

/// Of every issuer here.
const HERE: &str = "https://issuer.test";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// FixedClock counts in 64 bits that wrap around, so it can be set back after all.
fn set_back(clock: &FixedClock, by: Duration) {
    clock.advance(Duration::from_millis(0_u64.wrapping_sub(u64::try_from(by.as_millis()).unwrap())));
}

/// A list that keeps for 100 seconds, at noon.
fn list() -> (RevocationList, FixedClock) {
    let clock = FixedClock::at(NOW);
    (RevocationList::new(seconds(100)).clock(clock.clone()), clock)
}

fn is_revoked(list: &impl Revocations, principal: &Principal) -> bool {
    list.is_revoked(principal).now_or_never().expect("an answer at once").unwrap()
}

fn of_session(session: &str) -> Principal {
    Principal::new(PrincipalKind::User, "alice").with_issuer(HERE).with_session(session)
}
