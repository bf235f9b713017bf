//! What was revoked is kept as long as the list was told to, and not for ever.

use super::{HERE, at, is_revoked, list, of_session, seconds, set_back};
use crate::tokens::NOW;
use portcullis_core::{Principal, PrincipalKind, RevocationList, testing::FixedClock};
use std::time::Duration;

/// Makes the list look for what it may forget.
fn tidy(list: &RevocationList, at: u64) {
    list.revoke_token("https://elsewhere.test", &format!("tidy {at}"));
}

#[test]
fn nothing_is_forgotten_before_its_time() {
    // Revoked at any time after the list was made, and looked at second by second, while others are revoked or not.
    for (revoked_at, others) in [(0, true), (0, false), (1, true), (50, true), (99, true), (100, true), (101, true)] {
        let (list, clock) = list();
        clock.advance(seconds(revoked_at));
        list.revoke_session(HERE, "hers");
        for age in 0..=100 {
            if others {
                tidy(&list, age);
            }
            assert!(is_revoked(&list, &of_session("hers")), "revoked at {revoked_at}, forgotten after {age} s");
            clock.advance(seconds(1));
        }
    }
}

/// Observed by what is let in again: a list that never forgets grows without bound.
#[test]
fn what_is_over_is_forgotten_sooner_or_later() {
    let (list, clock) = list();
    list.revoke_token(HERE, "t");
    list.revoke_session(HERE, "hers");
    list.revoke_subject(HERE, "bob", at(NOW));
    let bob = Principal::new(PrincipalKind::User, "bob").with_issuer(HERE).with_times(Some(at(NOW - 1)), None);
    for time in 0..=201 {
        tidy(&list, time);
        clock.advance(seconds(1));
    }
    tidy(&list, 202);
    assert!(!is_revoked(&list, &of_session("hers")) && !is_revoked(&list, &bob));
}

#[test]
fn a_thousand_rounds_leave_no_more_than_two_keep() {
    let (list, clock) = list();
    let rounds = 1000;
    for round in 0..rounds {
        list.revoke_session(HERE, &format!("session {round}"));
        list.revoke_session(&format!("https://issuer-{round}.test"), "s");
        list.revoke_subject(HERE, &format!("subject {round}"), at(NOW + round));
        clock.advance(seconds(1));
    }
    let sessions = (0..rounds).filter(|round| is_revoked(&list, &of_session(&format!("session {round}")))).count();
    let issuers = (0..rounds).map(|round| of_session("s").with_issuer(format!("https://issuer-{round}.test")));
    let issuers = issuers.filter(|principal| is_revoked(&list, principal)).count();
    let subject = |round: u64| Principal::new(PrincipalKind::User, format!("subject {round}")).with_issuer(HERE);
    let subjects = (0..rounds).filter(|round| is_revoked(&list, &subject(*round))).count();
    for (what, kept) in [("sessions", sessions), ("issuers", issuers), ("subjects", subjects)] {
        assert!((101..=203).contains(&kept), "{kept} {what} of the last 100 seconds");
    }
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing() {
    for back in [1, 99, 100, 101, 100_000] {
        let (list, clock) = list();
        list.revoke_session(HERE, "before");
        set_back(&clock, seconds(back));
        list.revoke_session(HERE, "after");
        for age in 0..=100 {
            tidy(&list, age);
            for name in ["before", "after"] {
                assert!(is_revoked(&list, &of_session(name)), "set back by {back}, {name} forgotten after {age} s");
            }
            clock.advance(seconds(1));
        }
        // What is over is still forgotten, though the list was last tidied in the future.
        clock.advance(seconds(back + 102));
        tidy(&list, 1000);
        clock.advance(seconds(102));
        tidy(&list, 1001);
        assert!(!is_revoked(&list, &of_session("after")), "set back by {back}");
        assert!(!is_revoked(&list, &of_session("before")), "set back by {back}");
    }
}

#[test]
fn kept_for_no_time_and_for_ever() {
    let clock = FixedClock::at(NOW);
    let none = RevocationList::new(Duration::ZERO).clock(clock.clone());
    none.revoke_session(HERE, "hers");
    assert!(is_revoked(&none, &of_session("hers")));
    clock.advance(seconds(1));
    tidy(&none, 0);
    assert!(!is_revoked(&none, &of_session("hers")));
    let ever = RevocationList::new(Duration::MAX).clock(clock.clone());
    ever.revoke_session(HERE, "hers");
    clock.advance(seconds(100_000_000_000));
    tidy(&ever, 0);
    assert!(is_revoked(&ever, &of_session("hers")));
}

#[test]
fn another_clock_begins_anew_and_clones_share() {
    let (list, _) = list();
    let clone = list.clone();
    list.revoke_session(HERE, "hers");
    assert!(is_revoked(&clone, &of_session("hers")));
    clone.revoke_session(HERE, "his");
    drop(clone);
    assert!(is_revoked(&list, &of_session("his")));
    assert!(!is_revoked(&list.clone().clock(FixedClock::at(NOW)), &of_session("his")));
    assert!(is_revoked(&list, &of_session("his")));
    assert!(!format!("{list:?}").contains("his"), "{list:?}");
}
