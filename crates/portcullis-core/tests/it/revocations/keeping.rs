//! What was revoked is kept as long as the list was told to, and not for ever.

use super::{HERE, at, by, is_revoked, list, of, of_session, seconds, session, set_back, token_id, user};
use crate::tokens::NOW;
use portcullis_core::{Principal, PrincipalKind, RevocationList, SessionId, TokenId, testing::FixedClock};
use std::time::Duration;

/// Makes the list look for what it may forget.
fn tidy(list: &RevocationList, at: u64) {
    list.revoke_token(&TokenId::new(format!("tidy {at}")).with_issuer("https://elsewhere.test"));
}

fn entries(list: &RevocationList) -> usize {
    let shown = format!("{list:?}");
    let (_, entries) = shown.split_once("entries: ").expect("how many there are");
    entries.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[test]
fn nothing_is_forgotten_before_its_time() {
    // Revoked at any time after the list was made, and looked at second by second, while others are revoked or not.
    for (revoked_at, others) in [(0, true), (0, false), (1, true), (50, true), (99, true), (100, true), (101, true)] {
        let (list, clock) = list();
        clock.advance(seconds(revoked_at));
        list.end_session(&session("hers"));
        for age in 0..=100 {
            if others {
                tidy(&list, age);
            }
            assert!(is_revoked(&list, &of_session("hers")), "revoked at {revoked_at}, forgotten after {age} s");
            clock.advance(seconds(1));
        }
    }
}

/// A list that never forgets grows without bound.
#[test]
fn what_is_over_is_forgotten_sooner_or_later() {
    let (list, clock) = list();
    list.revoke_token(&token_id("t"));
    list.end_session(&session("hers"));
    list.sign_out(&user("bob"), at(NOW));
    let bob = of(user("bob"));
    assert!(is_revoked(&list, &bob));
    for time in 0..=201 {
        tidy(&list, time);
        clock.advance(seconds(1));
    }
    tidy(&list, 202);
    assert!(!is_revoked(&list, &of_session("hers")) && !is_revoked(&list, &bob));
    assert!(entries(&list) <= 203, "{list:?}");
}

#[test]
fn a_thousand_rounds_leave_no_more_than_two_keep() {
    let (list, clock) = list();
    let rounds = 1000;
    for round in 0..rounds {
        list.end_session(&session(format!("session {round}")));
        list.end_session(&SessionId::new("s").with_issuer(format!("https://issuer-{round}.test")));
        list.sign_out(&user(format!("subject {round}")), at(NOW + round));
        clock.advance(seconds(1));
    }
    let sessions = (0..rounds).filter(|round| is_revoked(&list, &of_session(&format!("session {round}")))).count();
    let issuers = (0..rounds).map(|round| of_session("s").with_issuer(format!("https://issuer-{round}.test")));
    let issuers = issuers.filter(|principal| is_revoked(&list, principal)).count();
    let subjects = (0..rounds).filter(|round| is_revoked(&list, &of(user(format!("subject {round}"))))).count();
    for (what, kept) in [("sessions", sessions), ("issuers", issuers), ("subjects", subjects)] {
        assert_eq!(kept, 100, "{what} of the last 100 seconds");
    }
    let held = entries(&list);
    assert!((300..=3 * 203).contains(&held), "{held} entries in memory");
    // And for an issuer of which something has no expiry, all of them, however often they are revoked.
    assert!(!is_revoked(&list, &Principal::new(PrincipalKind::User, "bob").with_issuer(HERE)));
    for _ in 0..10 {
        (0..500).for_each(|round| list.end_session(&session(format!("session {round}"))));
        clock.advance(seconds(500));
        (0..500).for_each(|round| list.end_session(&SessionId::new(format!("{round}")).with_issuer("https://b.test")));
        clock.advance(seconds(500));
    }
    let held = entries(&list);
    assert!((1000..=1000 + 2 * 203).contains(&held), "{held} entries in memory");
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing() {
    for back in [1, 99, 100, 101, 100_000] {
        let (list, clock) = list();
        list.end_session(&session("before"));
        set_back(&clock, back);
        list.end_session(&session("after"));
        for age in 0..=100 {
            tidy(&list, age);
            for name in ["before", "after"] {
                assert!(is_revoked(&list, &of_session(name)), "set back by {back}, {name} forgotten after {age} s");
            }
            clock.advance(seconds(1));
        }
        // What is over is still forgotten.
        clock.advance(seconds(back + 102));
        tidy(&list, 1000);
        clock.advance(seconds(102));
        tidy(&list, 1001);
        assert!(!is_revoked(&list, &of_session("after")), "set back by {back}");
        assert!(!is_revoked(&list, &of_session("before")), "set back by {back}");
    }
}

/// However often it leaps, how far, and for how long.
#[test]
fn a_clock_that_leaps_ahead_and_comes_back_forgets_nothing() {
    for ahead in [1, 101, 100_000, 10_000_000_000] {
        let (list, clock) = list();
        list.end_session(&session("hers"));
        list.revoke(&of_session("unused").with_token_id("t"));
        list.sign_out(&user("bob"), at(NOW));
        let refused = [of_session("hers"), of_session("s").with_token_id("t"), of(user("bob"))];
        for age in 0..=100 {
            clock.set(NOW + age + ahead);
            tidy(&list, 2 * age);
            tidy(&list, 2 * age + 1);
            assert!(refused.iter().all(|principal| is_revoked(&list, principal)), "while it is ahead by {ahead}");
            clock.set(NOW + age);
            tidy(&list, age);
            assert!(refused.iter().all(|principal| is_revoked(&list, principal)), "ahead by {ahead}, after {age} s");
            clock.advance(seconds(1));
        }
        assert!(!is_revoked(&list, &refused[0]) && !is_revoked(&list, &refused[2]), "and it ends");
    }
}

/// Nobody else has to be revoked for that.
#[test]
fn an_entry_ends_by_itself() {
    let (list, clock) = list();
    list.end_session(&session("hers"));
    list.revoke_token(&token_id("t"));
    list.sign_out(&user("bob"), at(NOW));
    let refused = [of_session("hers"), of_session("s").with_token_id("t"), of(user("bob"))];
    clock.advance(seconds(100));
    assert!(refused.iter().all(|principal| is_revoked(&list, principal)));
    clock.advance(seconds(1));
    assert!(!refused.iter().any(|principal| is_revoked(&list, principal)));
    list.end_session(&session("hers"));
    assert_eq!(
        refused.each_ref().map(|principal| is_revoked(&list, principal)),
        [true, false, false],
        "and begins anew"
    );
}

/// Whether it was seen before it was revoked, meanwhile, or never.
#[test]
fn for_what_has_no_expiry_nothing_ends() {
    for seen in ["before", "meanwhile", "never, but another one of its issuer"] {
        let (list, clock) = list();
        let endless = |name: &str| Principal::new(PrincipalKind::User, name).with_issuer(HERE);
        let hers = endless("alice").with_session("hers");
        if seen == "before" {
            assert!(!is_revoked(&list, &hers));
        }
        list.end_session(&session("hers"));
        list.sign_out(&user("bob"), at(NOW));
        list.revoke_token(&token_id("t"));
        clock.advance(seconds(50));
        match seen {
            "meanwhile" => assert!(is_revoked(&list, &hers)),
            _ => assert!(!is_revoked(&list, &endless("carol"))),
        }
        for round in 0..20 {
            clock.advance(seconds(100));
            tidy(&list, round);
            list.end_session(&session(format!("somebody's {round}")));
        }
        let refused = [hers, endless("bob"), endless("carol").with_token_id("t")];
        assert!(refused.iter().all(|principal| is_revoked(&list, principal)), "{seen}");
        // It is the credential that has no end, not the entry: one that expires in time is let in.
        assert!(!is_revoked(&list, &of_session("hers")) && !is_revoked(&list, &of(user("bob"))), "{seen}");
        assert!(!is_revoked(&list, &endless("carol")), "{seen}: nobody else");
    }
}

#[test]
fn kept_for_no_time_and_for_ever() {
    let clock = FixedClock::at(NOW);
    let none = by(&clock, RevocationList::new(Duration::ZERO));
    none.end_session(&session("hers"));
    assert!(is_revoked(&none, &of_session("hers")));
    clock.advance(seconds(1));
    tidy(&none, 0);
    assert!(!is_revoked(&none, &of_session("hers")));
    let ever = by(&clock, RevocationList::new(Duration::MAX));
    ever.end_session(&session("hers"));
    clock.advance(seconds(100_000_000_000));
    tidy(&ever, 0);
    assert!(is_revoked(&ever, &of_session("hers")));
}

#[test]
fn clones_share_and_another_list_begins_anew() {
    let (list, _) = list();
    let clone = list.clone();
    list.end_session(&session("hers"));
    assert!(is_revoked(&clone, &of_session("hers")));
    clone.end_session(&session("his"));
    drop(clone);
    assert!(is_revoked(&list, &of_session("his")));
    assert!(!is_revoked(&RevocationList::new(seconds(100)), &of_session("his")));
    assert!(is_revoked(&list, &of_session("his")));
    assert!(!format!("{list:?}").contains("his"), "{list:?}");
}
