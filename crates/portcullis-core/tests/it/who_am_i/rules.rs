//! The issuer's rules, held against what a service says.

use super::{ask, asking_for_us, asking_of, assert_is, client::*, map, seconds};
use crate::tokens::{ISSUER, NOW, PASSES, Want, expired, invalid};
use portcullis_core::{Audience, Issuer, Principal, Rules, WhoAmI, testing::FixedClock};

/// Each member stands in the first answer, and then in the second. What was said is remembered, accepted or not.
fn hold(what: &str, issuer: &Issuer, rows: &[(&str, Want)]) {
    hold_with(asking_of, what, issuer, rows);
}

type Make = fn(Issuer, &Service, &FixedClock) -> WhoAmI;

fn hold_with(make: Make, what: &str, issuer: &Issuer, rows: &[(&str, Want)]) {
    for (members, want) in rows {
        let comma = if members.is_empty() { "" } else { "," };
        let full = ok(format!(r#"{{"data":{{"id":"alice"{comma}{members}}}}}"#));
        let more = ok(format!(r#"{{"data":{{{members}}}}}"#));
        for (first, second) in [(full.clone(), ok("{}")), (ok(super::ALICE), more), (full.clone(), full)] {
            let service = Service::saying(first, second);
            let asking = make(issuer.clone(), &service, &FixedClock::at(NOW));
            for _ in 0..2 {
                let outcome = ask(&asking, "abc");
                assert_is(&format!("{what}, {members}"), &outcome, *want);
                let of = outcome.as_ref().map_or_else(|error| error.issuer(), Principal::issuer);
                assert_eq!(of, Some(ISSUER), "{members}");
            }
            assert_eq!(service.asked(), 2, "{what}, {members}");
        }
    }
    assert!(rows.iter().any(|row| row.1.is_ok()) && rows.iter().any(|row| row.1.is_err()), "both sides");
}

fn of(audience: Audience) -> Issuer {
    Issuer::without_keys(ISSUER, audience).unwrap().claim_map(map())
}

#[test]
fn the_issuer() {
    hold(
        "iss",
        &super::issuer(),
        &[
            ("", PASSES),
            (r#""iss":"https://issuer.test""#, PASSES),
            (r#""iss":"https:\/\/issuer.test""#, PASSES),
            (r#""iss":"https://other.test""#, invalid("the token is of `https://other.test`")),
            (r#""iss":"https://issuer.test/""#, invalid("not of `https://issuer.test`")),
            (r#""iss":null"#, invalid("`iss` is not a string")),
            (r#""iss":["https://issuer.test"]"#, invalid("`iss` is not a string")),
        ],
    );
}

#[test]
fn the_audience() {
    hold_with(
        asking_for_us,
        "is",
        &of(Audience::is("test")),
        &[
            (r#""aud":"test""#, PASSES),
            (r#""aud":["other","test"]"#, PASSES),
            (r#""a\u0075d":"test""#, PASSES),
            ("", invalid("the token has no `aud`")),
            (r#""aud":"other""#, invalid("the token is for `other`, not for `test`")),
            (r#""aud":[]"#, invalid("not for `test`")),
            (r#""aud":null"#, invalid("`aud` is neither")),
            (r#""aud":["test",1]"#, invalid("`aud` is neither")),
        ],
    );
    hold(
        "is, or nothing is said",
        &of(Audience::is("test")),
        &[("", PASSES), (r#""aud":"test""#, PASSES), (r#""aud":"other""#, invalid("not for `test`"))],
    );
    hold_with(
        asking_for_us,
        "anybody, which says so itself",
        &of(Audience::dangerous_anybody()),
        &[("", PASSES), (r#""aud":7"#, invalid("`aud` is neither"))],
    );
    // Tokens of any client would pass.
    let service = Service::saying(ok(super::ALICE), ok("{}"));
    let asking = asking_for_us(of(Audience::absent()), &service, &FixedClock::at(NOW));
    assert_is("absent", &ask(&asking, "abc"), invalid("does not say for whom the token is; dangerous_any_client()"));
    hold(
        "absent",
        &of(Audience::absent()),
        &[
            ("", PASSES),
            (r#""aud":"test""#, invalid("meant for another service")),
            (r#""aud":[]"#, invalid("meant for")),
        ],
    );
    hold(
        "anybody",
        &of(Audience::dangerous_anybody()),
        &[("", PASSES), (r#""aud":"whoever""#, PASSES), (r#""aud":7"#, invalid("`aud` is neither"))],
    );
}

#[test]
fn claims_that_are_required_and_forbidden() {
    let issuer = super::issuer().rules(Rules::new().require("plan", "paid").unwrap().forbid("share").unwrap());
    hold(
        "claims",
        &issuer,
        &[
            (r#""plan":"paid""#, PASSES),
            (r#""plan":"p\u0061id""#, PASSES),
            (r#""plan":"paid","Share":1"#, PASSES),
            ("", invalid("the claim `plan` is not `paid`")),
            (r#""plan":"free""#, invalid("the claim `plan` is not `paid`")),
            (r#""plan":null"#, invalid("the claim `plan` is not `paid`")),
            (r#""plan":["paid"]"#, invalid("the claim `plan` is not `paid`")),
            (r#""Plan":"paid""#, invalid("the claim `plan` is not `paid`")),
            (r#""plan":"paid","share":"s1""#, invalid("with the claim `share`")),
            (r#""plan":"paid","share":null"#, invalid("with the claim `share`")),
            (r#""plan":"paid","sh\u0061re":false"#, invalid("with the claim `share`")),
        ],
    );
    hold(
        "required if present",
        &super::issuer().rules(Rules::new().if_present("status", ["active"]).unwrap()),
        &[
            ("", PASSES),
            (r#""status":"active""#, PASSES),
            (r#""Status":"suspended""#, PASSES),
            (r#""status":"suspended""#, invalid("the claim `status` is not `active`")),
            (r#""status":"Active""#, invalid("the claim `status` is not `active`")),
            (r#""status":"active ""#, invalid("the claim `status` is not `active`")),
            (r#""status":"""#, invalid("the claim `status` is not `active`")),
            (r#""status":null"#, invalid("the claim `status` is not `active`")),
            (r#""status":true"#, invalid("the claim `status` is not `active`")),
            (r#""st\u0061tus":"suspended""#, invalid("the claim `status` is not `active`")),
        ],
    );
}

/// What one answer says is no excuse for what another one says.
#[test]
fn a_rule_goes_by_all_answers() {
    let issuer = || super::issuer().rules(Rules::new().if_present("status", ["active"]).unwrap());
    for (first, second, want) in [
        ("active", "active", PASSES),
        ("suspended", "suspended", invalid("the claim `status`")),
        ("suspended", "active", invalid("differ in the member `status`")),
        ("active", "suspended", invalid("differ in the member `status`")),
    ] {
        let said = |status: &str| ok(format!(r#"{{"data":{{"id":"alice","status":"{status}"}}}}"#));
        let service = Service::saying(said(first), said(second));
        let asking = asking_of(issuer(), &service, &FixedClock::at(NOW));
        assert_is(&format!("{first}, {second}"), &ask(&asking, "abc"), want);
    }
}

#[test]
fn times() {
    let at = |name: &str, offset: i64| format!(r#""{name}":{}"#, NOW.saturating_add_signed(offset));
    let malformed = || invalid("is not a time between 1970 and the year 9999");
    hold(
        "by default",
        &super::issuer(),
        &[
            ("", PASSES),
            (&at("exp", 1), PASSES),
            (&at("exp", 0), expired("the token expired 0 s ago")),
            (&at("exp", -9), expired("the token expired 9 s ago")),
            (&format!(r#""exp":"{}""#, NOW + 60), malformed()),
            (r#""exp":null"#, malformed()),
            // Milliseconds, as some services have them.
            (&format!(r#""exp":{}000"#, NOW + 60), malformed()),
            (&at("nbf", 0), PASSES),
            (&at("nbf", 60), PASSES),
            (&at("nbf", 61), invalid("`nbf` is 61.0 s ahead")),
            (&at("iat", 0), PASSES),
            (&at("iat", 60), PASSES),
            (&at("iat", 61), invalid("`iat` is 61.0 s ahead")),
        ],
    );
    hold(
        "leeway",
        &super::issuer().leeway(seconds(5)).unwrap(),
        &[(&at("exp", -5), expired("5 s ago")), (&at("nbf", 5), PASSES), (&at("nbf", 6), invalid("ahead"))],
    );
    hold(
        "maximal age",
        &super::issuer().max_token_age(seconds(60)),
        &[(&at("iat", -59), PASSES), (&at("iat", -60), expired("too long ago")), ("", invalid("does not say when"))],
    );
}

/// In the time that clocks may differ, a token is good and past its end. Nothing is remembered beyond that.
#[test]
fn past_its_end_it_is_asked_each_time() {
    let clock = FixedClock::at(NOW);
    let service = Service::saying(ok(format!(r#"{{"data":{{"id":"alice","exp":{}}}}}"#, NOW - 4)), ok("{}"));
    let asking = asking_of(super::issuer().leeway(seconds(5)).unwrap(), &service, &clock);
    for again in 1..=3 {
        assert!(ask(&asking, "abc").is_ok());
        assert_eq!(service.asked(), 2 * again);
    }
    clock.advance(seconds(1));
    assert_is("over", &ask(&asking, "abc"), expired("expired 5 s ago"));
}
