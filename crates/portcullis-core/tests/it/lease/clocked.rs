//! A connection goes by the clock of its gate.

use super::{Ending, Says, alice, lease, seconds};
use crate::tokens::NOW;
use portcullis_core::{
    ErrorKind, Gate, Scheme,
    testing::{FixedClock, TestIssuer},
};
use std::time::SystemTime;

/// Looks as seldom as it may, and at the very end.
#[test]
fn a_token_that_expires_by_the_clock_of_the_gate() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).clock(issuer.clock()).build().unwrap();
    let token = issuer.token("alice").expires_in(seconds(95)).sign();
    let mut ending = Ending::of(&lease(&gate, &token).unwrap());
    assert_eq!(ending.now(), None);
    for _ in 0..3 {
        issuer.clock().advance(ending.sleeps.last());
        assert_eq!(ending.after_sleep(), None);
    }
    issuer.clock().advance(ending.sleeps.last());
    assert_eq!(ending.after_sleep(), Some(ErrorKind::Expired));
    // Each look is given ten seconds, which it does not take.
    let waits: Vec<_> = ending.sleeps.asked().into_iter().filter(|wait| *wait != seconds(10)).collect();
    assert_eq!(waits, [30, 30, 30, 5].map(seconds));
}

/// What is known to be good until a time goes on until then, and no longer, while nobody can say.
#[test]
fn an_outage_that_lasts_beyond_the_expiry() {
    // By the clock of the system that was long ago, or is far ahead.
    for now in [NOW, 100 * NOW] {
        let (says, clock) = (Says::alice(), FixedClock::at(now));
        says.now(Ok(alice().with_times(None, Some(SystemTime::UNIX_EPOCH + seconds(now + 70)))));
        let gate = Gate::builder().scheme(Scheme::new(says.clone()).bearer()).clock(clock.clone()).build().unwrap();
        let mut ending = Ending::of(&lease(&gate, "abc").unwrap());
        says.now(Err(ErrorKind::Unavailable));
        assert_eq!(ending.now(), None);
        for wait in [30, 30, 10] {
            assert_eq!(ending.sleeps.last(), seconds(wait));
            clock.advance(seconds(wait));
            assert_eq!(ending.after_sleep(), (wait == 10).then_some(ErrorKind::Expired), "at {now}");
        }
    }
}
