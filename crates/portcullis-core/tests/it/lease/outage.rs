//! Connections go on for five minutes while nobody can say whether they may.

use super::{Ending, Says, alice, gate, lease, seconds};
use portcullis_core::{ErrorKind, RevocationList, SessionId};
use std::time::Duration;

fn list() -> RevocationList {
    RevocationList::new(seconds(900))
}

#[test]
fn an_outage_ends_it_after_five_minutes_however_seldom_is_looked() {
    for every in [1, 7, 30, 60, 150, 200, 299, 300, 301, 3600] {
        let says = Says::alice();
        let mut ending = Ending::of(&lease(&gate(&says, &list()), "abc").unwrap().check_every(seconds(every)));
        assert_eq!(ending.now(), None);
        says.now(Err(ErrorKind::Unavailable));
        // Nobody knows of it before the next look.
        assert_eq!(ending.after_sleep(), None, "every {every} s");
        let mut unknown_for = Duration::ZERO;
        let why = loop {
            unknown_for += ending.sleeps.last();
            assert!(unknown_for <= seconds(301), "every {every} s: it goes on for {unknown_for:?} and longer");
            match ending.after_sleep() {
                Some(why) => break why,
                None => assert!(ending.sleeps.asked().len() < 1000),
            }
        };
        assert_eq!(why, ErrorKind::Unavailable, "every {every} s");
        assert!(unknown_for >= seconds(300), "every {every} s: ended after {unknown_for:?}");
    }
}

/// Every revocation wakes all connections, and takes no time.
#[test]
fn revocations_of_others_do_not_use_up_the_five_minutes() {
    let (says, revocations) = (Says::alice(), list());
    let mut ending = Ending::of(&lease(&gate(&says, &revocations), "abc").unwrap());
    assert_eq!(ending.now(), None);
    says.now(Err(ErrorKind::Unavailable));
    for at in 0..100 {
        revocations.end_session(&SessionId::new(format!("session {at}")).with_issuer("here"));
        assert_eq!(ending.now(), None, "after {at} sign-outs of others, and no time at all");
    }
    says.now(Ok(alice()));
    assert_eq!(ending.after_sleep(), None, "the outage is over");
    revocations.end_session(&SessionId::new("hers").with_issuer("here"));
    assert_eq!(ending.now(), Some(ErrorKind::Invalid));
}
