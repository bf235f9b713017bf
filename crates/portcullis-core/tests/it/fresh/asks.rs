//! When an issuer is asked anew, though something is remembered or the signature would do.

use super::{INACTIVE, Outcome, URL, active, map, noon, opaque, seconds, set_back, upstream::Upstream, within};
use crate::tokens::{ISSUER, issuer, with_more};
use futures_util::FutureExt;
use portcullis_core::{Audience, ErrorKind, Introspection, Issuer, Verifier, WhoAmI, testing::FixedClock};
use std::time::Duration;

type Makes = fn(&Upstream, &FixedClock) -> Verifier;

fn introspection(issuer: Issuer, upstream: &Upstream, clock: &FixedClock) -> Introspection {
    Introspection::new(issuer.claim_map(map()), URL, upstream.clone()).unwrap().clock(clock.clone())
}

fn who_am_i(issuer: Issuer, upstream: &Upstream, clock: &FixedClock) -> WhoAmI {
    WhoAmI::new(issuer.claim_map(map()), URL, upstream.clone()).unwrap().clock(clock.clone())
}

fn without_keys() -> Issuer {
    Issuer::without_keys(ISSUER, Audience::is("test")).unwrap()
}

/// Every way to ask, a token for it, and whether an ordinary route asks about that at all.
fn ways() -> [(&'static str, String, bool, Makes); 8] {
    let (jwt, session) = (with_more(""), with_more(r#""sid":"7""#));
    [
        ("opaque", "abc".into(), true, opaque),
        ("opaque, with keys", "abc".into(), true, |u, c| introspection(issuer(), u, c).into()),
        ("a JWT, without keys", jwt.clone(), true, opaque),
        ("a JWT, with keys", jwt.clone(), true, |u, c| introspection(issuer(), u, c).into()),
        ("no session", jwt.clone(), false, |u, c| introspection(issuer(), u, c).sessions_only().into()),
        ("a session", session, true, |u, c| introspection(issuer(), u, c).sessions_only().into()),
        ("shown", "abc".into(), true, |u, c| who_am_i(without_keys(), u, c).into()),
        ("shown, no session", jwt, false, |u, c| who_am_i(issuer(), u, c).sessions_only().into()),
    ]
}

fn ask(asked: &Verifier, token: &str, max_age: impl Into<Option<Duration>>) -> Outcome {
    within(asked, token, max_age).now_or_never().expect("an answer at once")
}

/// Both ways of asking take this for a refusal.
fn refuses(what: &str) -> &'static str {
    if what.starts_with("shown") { "{}" } else { INACTIVE }
}

#[test]
fn a_fresh_route_asks_and_an_ordinary_one_remembers() {
    for (what, token, asks, make) in ways() {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
        let asked = make(&upstream, &clock);
        for _ in 0..3 {
            assert!(ask(&asked, &token, None).is_ok(), "{what}");
        }
        assert_eq!(upstream.asked(), usize::from(asks), "{what}");
        for again in 1..=3 {
            assert!(ask(&asked, &token, Duration::ZERO).is_ok(), "{what}");
            assert_eq!(upstream.asked(), usize::from(asks) + again, "{what}: each fresh one asks");
        }
        // What was found out is remembered for who is content with it.
        assert!(ask(&asked, &token, None).is_ok() && ask(&asked, &token, seconds(1)).is_ok(), "{what}");
        assert_eq!(upstream.asked(), usize::from(asks) + 3, "{what}");
        upstream.says(refuses(what));
        assert!(ask(&asked, &token, None).is_ok(), "{what}: an ordinary route does not know yet");
        assert_eq!(ask(&asked, &token, Duration::ZERO).unwrap_err().kind(), ErrorKind::Invalid, "{what}");
        assert_eq!(ask(&asked, &token, None).is_err(), asks, "{what}: now it does, if it asks at all");
        assert_eq!(upstream.asked(), usize::from(asks) + 4, "{what}");
        // What was refused is asked about anew as well.
        upstream.says(active("alice", ""));
        assert!(ask(&asked, &token, Duration::ZERO).is_ok(), "{what}");
    }
}

#[test]
fn the_claims_are_those_of_now() {
    for (what, token, _, make) in ways() {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", r#","staff":true"#)));
        let asked = make(&upstream, &clock);
        assert!(ask(&asked, &token, Duration::ZERO).unwrap().is_staff(), "{what}");
        upstream.says(active("alice", r#","staff":false"#));
        assert!(!ask(&asked, &token, Duration::ZERO).unwrap().is_staff(), "{what}");
    }
}

/// Younger than that is good, as old as that and older is not.
#[test]
fn what_is_remembered_is_good_while_it_is_young_enough() {
    for (what, token, _, make) in ways() {
        for (age, max_age, asks) in [
            (0, 5, false),
            (4999, 5, false),
            (5000, 5, true),
            (5001, 5, true),
            (1, 0, true),
            (0, 0, true),
            (999, 1, false),
        ] {
            let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
            let asked = make(&upstream, &clock);
            assert!(ask(&asked, &token, Duration::ZERO).is_ok());
            clock.advance(Duration::from_millis(age));
            assert!(ask(&asked, &token, seconds(max_age)).is_ok());
            assert_eq!(upstream.asked(), 1 + usize::from(asks), "{what}: {age} ms for {max_age} s");
        }
    }
}

/// Its age counts from when it was asked for, not from when the answer came.
#[test]
fn an_answer_that_took_long_is_old() {
    for (max_age, asks) in [(5, true), (7, false)] {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
        let asked = opaque(&upstream, &clock);
        upstream.holds(true);
        let mut slow = within(&asked, "abc", None);
        assert!((&mut slow).now_or_never().is_none());
        clock.advance(seconds(5));
        upstream.answers();
        assert!(slow.now_or_never().unwrap().is_ok());
        upstream.holds(false);
        clock.advance(seconds(1));
        assert!(ask(&asked, "abc", seconds(max_age)).is_ok());
        assert_eq!(upstream.asked(), 1 + usize::from(asks), "6 s after it was asked, for {max_age} s");
    }
}

/// Longer than it is remembered is no longer than it is remembered.
#[test]
fn a_route_makes_nothing_older() {
    let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
    let asked = opaque(&upstream, &clock);
    assert!(ask(&asked, "abc", Duration::MAX).is_ok() && ask(&asked, "abc", Duration::MAX).is_ok());
    assert_eq!(upstream.asked(), 1);
    clock.advance(seconds(10));
    assert!(ask(&asked, "abc", seconds(3600)).is_ok());
    assert_eq!(upstream.asked(), 2, "after ten seconds, as always");
    // With a clock that was set back, nobody knows how old anything is.
    set_back(&clock, seconds(5));
    assert!(ask(&asked, "abc", seconds(3600)).is_ok());
    assert_eq!(upstream.asked(), 3);
}

#[test]
fn an_outage_refuses_the_fresh_and_leaves_the_others() {
    for (what, token, _, make) in ways() {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
        let asked = make(&upstream, &clock);
        assert!(ask(&asked, &token, Duration::ZERO).is_ok(), "{what}");
        upstream.goes_down();
        for _ in 0..2 {
            let error = ask(&asked, &token, Duration::ZERO).unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Unavailable, 503), "{what}");
            clock.advance(seconds(1));
            assert!(ask(&asked, &token, None).is_ok(), "{what}: what is remembered holds");
            assert!(ask(&asked, &token, seconds(5)).is_ok(), "{what}: also for who is content with it");
        }
        assert_eq!(upstream.asked(), 3, "{what}");
    }
}

/// Nobody is shown a forged token, however fresh the route wants it.
#[test]
fn what_is_refused_here_is_asked_of_nobody() {
    let mut forged = with_more("");
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for make in [
        (|u, c| introspection(issuer(), u, c).into()) as Makes,
        |u, c| introspection(issuer(), u, c).sessions_only().into(),
        |u, c| who_am_i(issuer(), u, c).into(),
    ] {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
        let asked = make(&upstream, &clock);
        assert_eq!(ask(&asked, &forged, Duration::ZERO).unwrap_err().kind(), ErrorKind::Invalid);
        assert!(ask(&asked, &"x".repeat(9000), Duration::ZERO).is_err());
        assert_eq!(upstream.asked(), 0);
        assert!(ask(&asked, &with_more(""), Duration::ZERO).is_ok());
        clock.advance(seconds(300));
        assert_eq!(ask(&asked, &with_more(""), Duration::ZERO).unwrap_err().kind(), ErrorKind::Expired);
        assert_eq!(upstream.asked(), 1);
    }
}
