//! What is remembered of the issuer's answers, for how long, and of whom.

use super::{INACTIVE, active, ask, asking, asking_of, assert_is, client::*, millis, seconds, set_back, without_keys};
use crate::tokens::{NOW, PASSES, expired, invalid};
use portcullis_core::{ErrorKind, Introspection, testing::FixedClock};
use serde::Deserialize;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

/// The last moment at which an answer is remembered, and the first at which the issuer is asked again.
#[test]
fn for_how_long() {
    let usual = |asking: Introspection| asking;
    let none = |asking: Introspection| asking.remember(Duration::ZERO, Duration::ZERO);
    let long = |asking: Introspection| asking.remember(seconds(3600), seconds(60));
    let short = |asking: Introspection| asking.remember(millis(1), millis(500));
    let exp = |offset: &str| active(&[("exp", &format!("{}{offset}", NOW + 5))]);
    let refused = || active(&[("aud", r#""other""#)]);
    type Change = fn(Introspection) -> Introspection;
    let rows: [(&str, Change, String, Duration); 16] = [
        ("ten seconds", usual, active(&[]), seconds(10)),
        ("two seconds", usual, INACTIVE.into(), seconds(2)),
        ("two seconds, by a rule", usual, refused(), seconds(2)),
        ("two seconds, expired", usual, active(&[("exp", "5")]), seconds(2)),
        ("until it expires", usual, exp(""), seconds(5)),
        ("until it expires, half a second later", usual, exp(".5"), millis(5500)),
        ("a late end", usual, active(&[("exp", "253402300799")]), seconds(10)),
        ("not at all", none, active(&[]), Duration::ZERO),
        ("not at all, refused", none, INACTIVE.into(), Duration::ZERO),
        ("an hour", long, active(&[]), seconds(3600)),
        ("a minute, refused", long, INACTIVE.into(), seconds(60)),
        ("an hour, but it expires", long, exp(""), seconds(5)),
        ("a moment", short, active(&[]), millis(1)),
        ("a moment, refused", short, INACTIVE.into(), millis(500)),
        ("a moment, long before it expires", short, exp(""), millis(1)),
        ("an outage", long, "garbage".into(), Duration::ZERO),
    ];
    for (what, change, body, time) in rows {
        let (endpoint, clock) = (Endpoint::saying(body), FixedClock::at(NOW));
        let asking = change(asking_of(without_keys(), &endpoint, &clock));
        let first = ask(&asking, "abc");
        if !time.is_zero() {
            let before = time - millis(1);
            clock.advance(before);
            let again = ask(&asking, "abc");
            assert_eq!(endpoint.asked(), 1, "{what}: remembered to the end");
            assert_eq!(
                first.as_ref().map(|who| who.id().subject()).ok(),
                again.as_ref().map(|who| who.id().subject()).ok()
            );
            assert_eq!(first.as_ref().err().map(ToString::to_string), again.as_ref().err().map(ToString::to_string));
            clock.advance(millis(1));
        }
        if first.is_err_and(|error| error.status() == 503) {
            clock.advance(seconds(1));
        }
        endpoint.become_like(&Endpoint::saying(INACTIVE));
        assert_is(what, &ask(&asking, "abc"), invalid("not active"));
        assert_eq!(endpoint.asked(), 2, "{what}: no longer remembered");
    }
}

/// "As long as may be" is until the token expires, and not never.
#[test]
fn for_as_long_as_may_be() {
    let (endpoint, clock) = (Endpoint::saying(active(&[("exp", &(NOW + 50).to_string())])), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock).remember(Duration::MAX, seconds(2));
    assert!(ask(&asking, "abc").is_ok());
    clock.advance(seconds(49));
    assert!(ask(&asking, "abc").is_ok());
    assert_eq!(endpoint.asked(), 1);
    clock.advance(seconds(1));
    assert_is("over", &ask(&asking, "abc"), expired(""));
    assert_eq!(endpoint.asked(), 2);
}

/// A token that is too old is refused, whatever is remembered of it.
#[test]
fn never_past_the_greatest_age() {
    let (endpoint, clock) = (Endpoint::saying(active(&[("iat", &(NOW - 55).to_string())])), FixedClock::at(NOW));
    let asking = asking_of(without_keys().max_token_age(seconds(60)), &endpoint, &clock);
    assert!(ask(&asking, "abc").is_ok());
    clock.advance(millis(4999));
    assert!(ask(&asking, "abc").is_ok());
    clock.advance(millis(1));
    assert_is("at 60 seconds", &ask(&asking, "abc"), expired("issued too long ago"));
}

#[test]
fn a_clock_that_is_set_back() {
    for (what, body, want) in [("active", active(&[]), PASSES), ("inactive", INACTIVE.into(), invalid("not active"))] {
        let (endpoint, clock) = (Endpoint::saying(body), FixedClock::at(NOW));
        let asking = asking_of(without_keys(), &endpoint, &clock);
        assert_is(what, &ask(&asking, "abc"), want);
        set_back(&clock, millis(1));
        assert_is(what, &ask(&asking, "abc"), want);
        assert_eq!(endpoint.asked(), 2, "{what}: how old the answer is, nobody knows");
        assert_is(what, &ask(&asking, "abc"), want);
        assert_eq!(endpoint.asked(), 2, "{what}: the new one is remembered");
        // The first answer is not there any more either, when its time comes again.
        clock.advance(seconds(10));
        assert_is(what, &ask(&asking, "abc"), want);
        assert_eq!(endpoint.asked(), 3, "{what}");
        set_back(&clock, seconds(3600));
        assert_is(what, &ask(&asking, "abc"), want);
        assert_eq!(endpoint.asked(), 4, "{what}");
    }
}

/// One is active, and no other one for that.
#[test]
fn tokens_that_look_alike() {
    let long = "x".repeat(8191);
    let pairs = [
        ("token-a", "token-b"),
        ("token", "Token"),
        ("token", "token "),
        ("token", " token"),
        ("token", "token\n"),
        ("token", "token\0"),
        ("token", "token="),
        ("token", ""),
        ("to+ken", "to ken"),
        ("to%2Bken", "to+ken"),
        ("é", "e\u{301}"),
        ("tokentoken", "token"),
        (&format!("{long}a"), &format!("{long}b")),
        (&long, &format!("{long}x")),
    ];
    for (good, bad) in pairs {
        for order in [[good, bad, good, bad], [bad, good, bad, good]] {
            let known = good.to_owned();
            let endpoint =
                Endpoint::answering(move |token| ok(if token == known { active(&[]) } else { INACTIVE.into() }));
            let asking = asking(&endpoint);
            for token in order {
                assert_eq!(ask(&asking, token).is_ok(), token == good, "{good:?} and {bad:?}");
            }
            assert_eq!(endpoint.asked(), 2, "{good:?} and {bad:?}");
        }
    }
}

#[test]
fn who_shares_what_is_remembered() {
    let endpoint = Endpoint::saying(active(&[]));
    let first = asking(&endpoint);
    let clone = first.clone();
    assert!(ask(&first, "abc").is_ok() && ask(&clone, "abc").is_ok());
    assert_eq!(endpoint.asked(), 1, "clones share it");
    let second = asking(&endpoint);
    assert!(ask(&second, "abc").is_ok());
    assert_eq!(endpoint.asked(), 2, "others do not");
    // With other rules, another answer may be the right one.
    let changed: [Introspection; 5] = [
        first.clone().remember(seconds(10), seconds(2)),
        first.clone().client("orders", "secret"),
        first.clone().allow_missing_token_type(),
        first.clone().clock(FixedClock::at(NOW)),
        first.clone().sessions_only(),
    ];
    for (more, changed) in changed.iter().enumerate() {
        assert!(ask(changed, "abc").is_ok());
        assert_eq!(endpoint.asked(), 3 + more);
    }
    assert!(ask(&first, "abc").is_ok());
    assert_eq!(endpoint.asked(), 7, "and the first still knows");
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts itself, as long as somebody keeps the claims that it was read from.
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from)?;
        ALIVE.fetch_add(1, SeqCst);
        Ok(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

/// Ten thousand are remembered, and the oldest goes first.
#[test]
fn no_flood_fills_the_memory() {
    const MOST: usize = 10_000;
    let (endpoint, clock) = (Endpoint::saying(active(&[])), FixedClock::at(NOW));
    let asking = asking_of(without_keys(), &endpoint, &clock);
    let of = |asking: &Introspection, at: usize| {
        let principal = ask(asking, &format!("token-{at}")).unwrap();
        principal.claims::<Counted>().unwrap();
    };
    (0..MOST).for_each(|at| of(&asking, at));
    (0..MOST).step_by(97).for_each(|at| of(&asking, at));
    assert_eq!((endpoint.asked(), ALIVE.load(SeqCst)), (MOST, MOST), "all of them are remembered");
    of(&asking, MOST);
    assert_eq!((endpoint.asked(), ALIVE.load(SeqCst)), (MOST + 1, MOST));
    of(&asking, 1);
    assert_eq!(endpoint.asked(), MOST + 1, "the second is still there");
    of(&asking, 0);
    assert_eq!(endpoint.asked(), MOST + 2, "the first had to go");
    // Those that are over are not kept beside the new ones.
    clock.advance(seconds(10));
    (0..MOST).for_each(|at| of(&asking, at));
    assert_eq!(endpoint.asked(), 2 * MOST + 2);
    assert!(ALIVE.load(SeqCst) <= MOST);
    // A flood of made-up tokens takes nothing away, and leaves nobody let in who was not.
    endpoint.become_like(&Endpoint::saying(INACTIVE));
    let flood: HashSet<_> = (0..MOST).map(|at| ask(&asking, &format!("made-up-{at}")).unwrap_err().kind()).collect();
    assert_eq!((endpoint.asked(), ALIVE.load(SeqCst)), (3 * MOST + 2, MOST));
    assert_eq!(flood, HashSet::from([ErrorKind::Invalid]));
    of(&asking, 1);
    assert_eq!(endpoint.asked(), 3 * MOST + 2, "still remembered");
    drop(asking);
    assert_eq!(endpoint.holders(), 1, "nothing holds on to the client");
}

/// One token that is asked about again and again takes one place, not those of others.
#[test]
fn one_busy_token_pushes_out_no_others() {
    let endpoint = Endpoint::answering(|token| ok(if token == "quiet" { active(&[]) } else { INACTIVE.into() }));
    let clock = FixedClock::at(NOW);
    let asking = asking_of(without_keys(), &endpoint, &clock).remember(seconds(24 * 3600), seconds(2));
    assert!(ask(&asking, "quiet").is_ok());
    for _ in 0..10_100 {
        assert!(ask(&asking, "busy").is_err());
        clock.advance(seconds(2));
    }
    assert_eq!(endpoint.asked(), 10_101);
    assert!(ask(&asking, "quiet").is_ok());
    assert_eq!(endpoint.asked(), 10_101, "two tokens in all, and the quiet one is forgotten");
}
