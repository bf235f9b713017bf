//! Times: what is known of a token holds for as long as the token, to the millisecond.

use super::*;
use crate::tokens::{issuer, with_claims};

/// A gate that has its key at hand, so that nothing but the time matters.
fn rig(rules: impl FnOnce(Issuer) -> Issuer) -> Rig {
    let rig = Rig::of(|gate| gate);
    let jwt = Jwt::new(rules(issuer())).clock(rig.clock.clone());
    let gate = Gate::builder().scheme(Scheme::new(jwt).bearer()).cache(roomy()).build().unwrap();
    Rig { gate, ..rig }
}

/// Claims with these times instead of the usual one.
fn timed(times: &str) -> String {
    with_claims(&claims("good", "").replace(&format!(r#""exp":{}"#, NOW + 3600), times))
}

/// Moves a clock that stands at noon, in milliseconds.
fn move_to(clock: &FixedClock, at: i64) {
    clock.advance(Duration::from_millis(at as u64));
}

/// For as long as a token holds, it is found again; a moment before and from its end on, it is refused as if nobody knew it.
#[test]
fn a_token_that_is_known_is_refused_as_soon_as_one_that_is_not() {
    let (exp, nbf, iat) = (NOW + 300, NOW - 20, NOW - 10);
    type Rules = fn(Issuer) -> Issuer;
    /// From then, and until then, in seconds after noon.
    type Holds = (Option<i64>, i64);
    let leeway: Rules = |issuer| issuer.leeway(seconds(5)).unwrap();
    let aged: Rules = |issuer| issuer.max_token_age(seconds(30));
    let endless: Rules = |issuer| issuer.dangerous_without_expiry().max_token_age(seconds(90));
    let exact: Rules = |issuer| issuer.leeway(Duration::ZERO).unwrap();
    let table: [(&str, String, Rules, Holds); 11] = [
        ("exp", format!(r#""exp":{exp}"#), |issuer| issuer, (None, 300)),
        ("exp, leeway", format!(r#""exp":{exp}"#), leeway, (None, 305)),
        ("nbf", format!(r#""exp":{exp},"nbf":{nbf}"#), |issuer| issuer, (Some(-80), 300)),
        ("nbf, exact", format!(r#""exp":{exp},"nbf":{nbf}"#), exact, (Some(-20), 300)),
        ("nbf, leeway", format!(r#""exp":{exp},"nbf":{nbf}"#), leeway, (Some(-25), 305)),
        ("iat", format!(r#""exp":{exp},"iat":{iat}"#), |issuer| issuer, (Some(-70), 300)),
        ("iat, exact", format!(r#""exp":{exp},"iat":{iat}"#), exact, (Some(-10), 300)),
        ("iat, leeway", format!(r#""exp":{exp},"iat":{iat}"#), leeway, (Some(-15), 305)),
        ("iat, unchecked", format!(r#""exp":{exp},"iat":{iat}"#), Issuer::dangerous_issued_in_future, (None, 300)),
        ("age", format!(r#""exp":{exp},"iat":{iat}"#), aged, (Some(-70), 20)),
        ("age, no exp", format!(r#""iat":{iat}"#), endless, (Some(-70), 80)),
    ];
    for (what, times, rules, (from, until)) in table {
        let (token, from, until) = (timed(&times), from.map(|from| from * 1000), until * 1000);
        let edges = [0, until - 1000, until - 1, until, until + 1, until + 1000];
        for at in edges.into_iter().chain(from.iter().flat_map(|from| [from - 1000, from - 1, *from, from + 1])) {
            let rig = rig(rules);
            let first = rig.accepted(&token);
            assert!(share(&first, &rig.accepted(&token)), "{what}");
            move_to(&rig.clock, at);
            match rig.ask(&token).map_err(|error| error.kind()) {
                Err(ErrorKind::Expired) => assert!(at >= until, "{what} at {at}"),
                Err(ErrorKind::Invalid) => assert!(from.is_some_and(|from| at < from), "{what} at {at}"),
                Err(kind) => panic!("{what} at {at}: {kind:?}"),
                Ok(found) => {
                    assert!(at < until && from.is_none_or(|from| from <= at), "{what} at {at}");
                    assert!(share(&first, &found), "{what} at {at}");
                }
            }
        }
    }
}

/// Times may have fractions.
#[test]
fn a_fraction_of_a_second() {
    let token = timed(&format!(r#""exp":{}.25,"nbf":{}.75"#, NOW + 300, NOW - 1));
    for (at, holds) in [(-251, false), (-250, true), (300_249, true), (300_250, false)] {
        let rig = rig(|issuer| issuer.leeway(Duration::ZERO).unwrap());
        let first = rig.accepted(&token);
        move_to(&rig.clock, at);
        assert_eq!(rig.ask(&token).is_ok_and(|found| share(&first, &found)), holds, "{at}");
        assert_eq!(rig.ask(&token).is_ok(), holds, "{at}");
    }
}

/// A token that was refused for its time is as good as ever when that has come back.
#[test]
fn there_and_back() {
    let rig = rig(|issuer| issuer);
    let token = timed(&format!(r#""exp":{}"#, NOW + 100));
    rig.accepted(&token);
    move_to(&rig.clock, 100_000);
    assert_eq!(rig.refused(&token), ErrorKind::Expired);
    set_back(&rig.clock, Duration::from_millis(1));
    let again = rig.accepted(&token);
    assert!(share(&again, &rig.accepted(&token)));
}
