//! Credentials whose end is put off while a connection is open.

use super::{Ending, Says, alice, alice_for_an_hour, gate, lease, seconds};
use portcullis_core::{ErrorKind, RevocationList};
use std::time::SystemTime;

/// As sessions are that last longer with every request: what was said last counts, not what was said first.
#[test]
fn a_session_that_was_extended_is_not_over_when_it_would_have_been() {
    let (says, revocations) = (Says::alice(), RevocationList::new(seconds(900)));
    says.now(Ok(alice().with_times(None, Some(SystemTime::now() - seconds(1)))));
    let mut ending = Ending::of(&lease(&gate(&says, &revocations), "abc").unwrap());
    assert_eq!(ending.now(), None);
    assert_eq!(ending.sleeps.last(), seconds(1), "it is over any moment");
    says.now(Ok(alice_for_an_hour()));
    assert_eq!(ending.after_sleep(), None);
    assert_eq!(ending.sleeps.last(), seconds(30), "it is good for an hour, and looked at every second");
    says.now(Err(ErrorKind::Unavailable));
    assert_eq!(ending.after_sleep(), None, "an outage that is short is no end to it");
}
