//! A set that is fetched again and has not changed is the same to the cache.

use super::*;

/// A set is the same if its text is: what was verified with it needs no other look. Not every issuer sends ETags.
#[test]
fn a_set_that_has_not_changed_is_the_same() {
    for tag in [Some(1), None] {
        let rig = Rig::cached();
        rig.web.change(ISSUER, |page| page.tag = tag);
        rig.warm();
        let first = rig.accepted(&token(1, "good"));
        rig.advance(95);
        rig.accepted(&token(1, "good"));
        assert_eq!(rig.client.count(), 2);
        assert!(share(&first, &rig.accepted(&token(1, "good"))), "{tag:?}");
    }
}

/// Otherwise a stranger could make up the name of a key every five seconds, and everything would be verified anew.
#[test]
fn a_made_up_key_makes_the_gate_forget_nothing() {
    let rig = Rig::cached();
    rig.warm();
    let first = rig.accepted(&token(1, "good"));
    rig.advance(5);
    assert_eq!(rig.refused(&token(9, "made-up")), ErrorKind::Invalid);
    assert_eq!(rig.client.count(), 2);
    assert!(share(&first, &rig.accepted(&token(1, "good"))));
}
