//! What is remembered of the answers, for how long, and of whom.

use super::{ALICE, NO_RIGHTS, ask, asking, asking_of, assert_is, client::*, issuer, millis, seconds, subject};
use crate::tokens::{NOW, expired, invalid};
use portcullis_core::{Credential, CredentialSource, WhoAmI, testing::FixedClock};
use std::time::Duration;

/// Alice until then.
fn until(offset: &str) -> Answered {
    ok(format!(r#"{{"data":{{"id":"alice","exp":{}{offset}}}}}"#, NOW + 5))
}

/// The last moment at which an answer is remembered, and the first at which it is asked for again.
#[test]
fn for_how_long() {
    let usual = |asking: WhoAmI| asking;
    let none = |asking: WhoAmI| asking.remember(Duration::ZERO, Duration::ZERO);
    let long = |asking: WhoAmI| asking.remember(seconds(3600), seconds(60));
    let short = |asking: WhoAmI| asking.remember(millis(1), millis(500));
    let alice = || [ok(ALICE), ok(NO_RIGHTS)];
    type Change = fn(WhoAmI) -> WhoAmI;
    let rows: [(&str, Change, [Answered; 2], Duration); 15] = [
        ("ten seconds", usual, alice(), seconds(10)),
        ("two seconds, 401", usual, [status(401), outage()], seconds(2)),
        ("two seconds, 403", usual, [ok(ALICE), status(403)], seconds(2)),
        ("two seconds, nobody", usual, [ok("{}"), ok("{}")], seconds(2)),
        ("two seconds, by a rule", usual, [ok(ALICE), ok(r#"{"data":{"aud":"x"}}"#)], seconds(2)),
        ("until it expires", usual, [until(""), ok(NO_RIGHTS)], seconds(5)),
        ("until it expires, by the second answer", usual, [ok(ALICE), until("")], seconds(5)),
        ("until it expires, half a second later", usual, [until(".5"), ok(NO_RIGHTS)], millis(5500)),
        ("not at all", none, alice(), Duration::ZERO),
        ("not at all, refused", none, [status(401), outage()], Duration::ZERO),
        ("an hour", long, alice(), seconds(3600)),
        ("an hour, but it expires", long, [until(""), ok(NO_RIGHTS)], seconds(5)),
        ("a minute, refused", long, [status(401), outage()], seconds(60)),
        ("a moment, refused", short, [status(403), outage()], millis(500)),
        ("an outage", long, [ok(ALICE), status(503)], Duration::ZERO),
    ];
    for (what, change, [first, second], time) in rows {
        let (service, clock) = (Service::saying(first, second), FixedClock::at(NOW));
        let asking = change(asking_of(issuer(), &service, &clock));
        let outcome = ask(&asking, "abc");
        let asked = service.asked();
        if !time.is_zero() {
            clock.advance(time - millis(1));
            let again = ask(&asking, "abc");
            assert_eq!(service.asked(), asked, "{what}: remembered to the end");
            assert_eq!(
                outcome.as_ref().map(|who| who.id().subject()).ok(),
                again.as_ref().map(|who| who.id().subject()).ok()
            );
            assert_eq!(outcome.as_ref().err().map(ToString::to_string), again.as_ref().err().map(ToString::to_string));
            clock.advance(millis(1));
        }
        if outcome.is_err_and(|error| error.status() == 503) {
            clock.advance(seconds(1));
        }
        service.become_like(&Service::saying(status(401), outage()));
        assert_is(what, &ask(&asking, "abc"), invalid("the issuer refuses the token with 401"));
        assert_eq!(service.asked(), asked + 1, "{what}: no longer remembered");
    }
}

#[test]
fn for_as_long_as_may_be() {
    let (service, clock) = (Service::saying(until(""), ok(NO_RIGHTS)), FixedClock::at(NOW));
    let asking = asking_of(issuer(), &service, &clock).remember(Duration::MAX, seconds(2));
    assert!(ask(&asking, "abc").is_ok());
    clock.advance(seconds(4));
    assert!(ask(&asking, "abc").is_ok());
    assert_eq!(service.asked(), 2);
    clock.advance(seconds(1));
    assert_is("over", &ask(&asking, "abc"), expired(""));
    assert_eq!(service.asked(), 4);
}

/// Who a token is remembered to be is never somebody else's token's business.
#[test]
fn tokens_that_look_alike() {
    let long = "x".repeat(8191);
    for (good, bad) in [
        ("token-a", "token-b"),
        ("token", "Token"),
        ("token", "token="),
        ("token", "TOKEN"),
        ("token", ""),
        (&format!("{long}a"), &format!("{long}b")),
    ] {
        for order in [[good, bad, good, bad], [bad, good, bad, good]] {
            let known = format!("Bearer {good}");
            let service = Service::answering(move |request| match header(request, "authorization") == [&*known] {
                true => ok(ALICE),
                false => status(401),
            });
            let asking = asking(&service);
            for token in order {
                assert_eq!(ask(&asking, token).is_ok(), token == good, "{good:?} and {bad:?}");
            }
            assert_eq!(service.asked(), 3, "{good:?} and {bad:?}: two questions for one, one for the other");
        }
    }
}

#[test]
fn who_shares_what_is_remembered() {
    let service = Service::of_alice();
    let first = asking(&service);
    assert!(ask(&first, "abc").is_ok() && ask(&first.clone(), "abc").is_ok());
    assert_eq!(service.asked(), 2, "clones share it");
    // With other rules, another answer may be the right one.
    let changed: [WhoAmI; 6] = [
        asking(&service),
        first.clone().within("/data").unwrap(),
        first.clone().remember(seconds(10), seconds(2)),
        first.clone().clock(FixedClock::at(NOW)),
        first.clone().sessions_only(),
        first.clone().and(super::RIGHTS).unwrap(),
    ];
    let mut asked = 2;
    for (at, changed) in changed.iter().enumerate() {
        assert!(ask(changed, "abc").is_ok());
        asked += if at == 5 { 3 } else { 2 };
        assert_eq!(service.asked(), asked, "{at}");
    }
    assert!(ask(&first, "abc").is_ok());
    assert_eq!(service.asked(), asked, "and the first still knows");
    // One that is changed looks where it is told to, not where it was before.
    assert!(ask(&first.within("/elsewhere").unwrap(), "abc").is_err());
}

#[test]
fn a_clock_that_is_set_back() {
    for answer in [ok(ALICE), status(401)] {
        let accepted = answer.as_ref().unwrap().status() == 200;
        let (service, clock) = (Service::saying(answer, ok(NO_RIGHTS)), FixedClock::at(NOW));
        let asking = asking_of(issuer(), &service, &clock);
        assert_eq!(ask(&asking, "abc").is_ok(), accepted);
        let asked = service.asked();
        // FixedClock counts in 64 bits that wrap around.
        clock.advance(millis(u64::MAX));
        assert_eq!(ask(&asking, "abc").is_ok(), accepted);
        assert_eq!(service.asked(), 2 * asked, "how old the answer is, nobody knows");
        assert_eq!(ask(&asking, "abc").is_ok(), accepted);
        assert_eq!(service.asked(), 2 * asked, "the new one is remembered");
    }
}

fn ask_within(asking: &WhoAmI, max_age: Duration) -> super::Outcome {
    let credential = Credential::new("abc", CredentialSource::bearer()).with_max_age(Some(max_age));
    futures_util::FutureExt::now_or_never(async { asking.authenticate(&credential).await }).expect("an answer at once")
}

/// A route may ask for a younger answer than is remembered. What it then learns is remembered for all.
#[test]
fn no_older_than_a_route_asks_for() {
    let (service, clock) = (Service::of_alice(), FixedClock::at(NOW));
    let asking = asking_of(issuer(), &service, &clock);
    assert!(ask(&asking, "abc").is_ok());
    clock.advance(seconds(3));
    assert!(ask_within(&asking, seconds(4)).is_ok());
    assert_eq!(service.asked(), 2, "three seconds old");
    service.become_like(&Service::saying(ok(r#"{"data":{"id":"bob"}}"#), ok(NO_RIGHTS)));
    assert_eq!(subject(&ask_within(&asking, seconds(3))), "bob");
    assert_eq!((service.asked(), subject(&ask(&asking, "abc"))), (4, "bob"));
    for again in 1..=3 {
        assert!(ask_within(&asking, Duration::ZERO).is_ok());
        assert_eq!(service.asked(), 4 + 2 * again);
    }
    // It lasts for its own ten seconds, and an outage takes nothing away from it.
    service.become_like(&Service::saying(ok(ALICE), status(502)));
    assert_eq!(ask_within(&asking, Duration::ZERO).unwrap_err().status(), 503);
    clock.advance(millis(9_999));
    assert_eq!(subject(&ask(&asking, "abc")), "bob");
    service.become_like(&Service::saying(ok(ALICE), status(401)));
    assert_is("withdrawn", &ask_within(&asking, Duration::ZERO), invalid("401"));
    assert_is("and for all", &ask(&asking, "abc"), invalid("401"));
}
