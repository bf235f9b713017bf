//! Times: what is known of a token holds for as long as the token, to the second.

use super::*;

/// For as long as a token holds, it is found again; a second before and a second later, it is refused as if nobody knew it.
#[test]
fn a_token_that_is_known_is_refused_as_soon_as_one_that_is_not() {
    let (exp, nbf, iat) = (NOW + 300, NOW - 20, NOW - 10);
    type Rules = fn(Issuer) -> Issuer;
    /// From then, and until then, in seconds after noon.
    type Holds = (Option<i64>, i64);
    let table: [(&str, String, Rules, Holds); 7] = [
        ("exp", format!(r#""exp":{exp}"#), |issuer| issuer, (None, 300)),
        ("leeway", format!(r#""exp":{exp}"#), |issuer| issuer.leeway(seconds(60)).unwrap(), (None, 360)),
        ("nbf", format!(r#""exp":{exp},"nbf":{nbf}"#), |issuer| issuer, (Some(-20), 300)),
        (
            "nbf and leeway",
            format!(r#""exp":{exp},"nbf":{nbf}"#),
            |issuer| issuer.leeway(seconds(5)).unwrap(),
            (Some(-25), 305),
        ),
        ("iat", format!(r#""exp":{exp},"iat":{iat}"#), |issuer| issuer, (Some(-10), 300)),
        ("age", format!(r#""exp":{exp},"iat":{iat}"#), |issuer| issuer.max_token_age(seconds(30)), (Some(-10), 20)),
        (
            "age without exp",
            format!(r#""iat":{iat}"#),
            |issuer| issuer.dangerous_without_expiry().max_token_age(seconds(90)),
            (Some(-10), 80),
        ),
    ];
    for (what, times, rules, (from, until)) in table {
        let usual = format!(r#""exp":{}"#, NOW + 3600);
        let token = signed(1, "k1", &claims("good", "").replace(&usual, &times));
        for at in [0, until - 1, until, until + 1].into_iter().chain(from.into_iter().flat_map(|from| [from - 1, from]))
        {
            let rig = Rig::with(rules, |gate| gate.cache(roomy()));
            rig.web.change(ISSUER, |page| page.max_age = Some(3600));
            rig.warm();
            let first = rig.accepted(&token);
            assert!(share(&first, &rig.accepted(&token)), "{what}");
            if at < 0 {
                set_back(&rig.clock, seconds(at.unsigned_abs()))
            } else {
                rig.advance(at.unsigned_abs())
            }
            let found = rig.ask(&token).map_err(|error| error.kind());
            match found {
                Err(ErrorKind::Expired) => assert!(at >= until, "{what} at {at}"),
                Err(ErrorKind::Invalid) => assert!(from.is_some_and(|from| at < from), "{what} at {at}"),
                Err(kind) => panic!("{what} at {at}: {kind:?}"),
                // A clock that is set back makes the keys look odd, and they are asked for again.
                Ok(found) => {
                    assert!(at < until && from.is_none_or(|from| from <= at), "{what} at {at}");
                    assert!(at < 0 || share(&first, &found), "{what} at {at}");
                }
            }
        }
    }
}

/// One millisecond decides, and a token that was refused for its time is as good as ever when that has come back.
#[test]
fn to_the_millisecond_and_back() {
    let rig = Rig::cached();
    rig.web.change(ISSUER, |page| page.max_age = Some(3600));
    rig.warm();
    let good = signed(1, "k1", &claims("good", "").replace(&(NOW + 3600).to_string(), &(NOW + 100).to_string()));
    let first = rig.accepted(&good);
    rig.clock.advance(Duration::from_millis(99_999));
    assert!(share(&first, &rig.accepted(&good)));
    rig.clock.advance(Duration::from_millis(1));
    assert_eq!(rig.refused(&good), ErrorKind::Expired);
    set_back(&rig.clock, Duration::from_millis(1));
    let again = rig.accepted(&good);
    assert!(!share(&first, &again), "what had expired was forgotten");
    assert!(share(&again, &rig.accepted(&good)));
}
