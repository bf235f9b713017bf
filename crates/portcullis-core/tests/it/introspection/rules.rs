//! The issuer's rules, held against what it says of a token.

use super::{
    URL, active, ask, asking_of, assert_is, client::Endpoint, jwt_of, seconds, set_back, with_keys, without_keys,
};
use crate::tokens::{ISSUER, NOW, PASSES, Want, expired, invalid};
use portcullis_core::{
    Audience, ClaimMap, Introspection, Issuer, Principal, PrincipalKind, Rules, testing::FixedClock,
};
use std::time::{Duration, SystemTime};

type Members<'a> = &'a [(&'a str, &'a str)];

/// Asks twice: what the issuer has said is remembered, accepted or not.
fn hold(what: &str, issuer: &Issuer, rows: &[(Members<'_>, Want)]) {
    for (members, want) in rows {
        let endpoint = Endpoint::saying(active(members));
        let asking = asking_of(issuer.clone(), &endpoint, &FixedClock::at(NOW));
        for _ in 0..2 {
            let outcome = ask(&asking, "abc");
            assert_is(&format!("{what}, {members:?}"), &outcome, *want);
            let of = outcome.as_ref().map_or_else(|error| error.issuer(), Principal::issuer);
            assert_eq!(of, Some(ISSUER), "{members:?}");
        }
        assert_eq!(endpoint.asked(), 1, "{what}, {members:?}");
    }
    assert!(rows.iter().any(|row| row.1.is_ok()) && rows.iter().any(|row| row.1.is_err()), "both sides");
}

#[test]
fn the_issuer() {
    hold(
        "iss",
        &without_keys(),
        &[
            (&[("iss", r#""https://issuer.test""#)], PASSES),
            (&[("iss", "")], PASSES),
            (&[("iss", r#""https:\/\/issuer.test""#)], PASSES),
            (&[("iss", r#""https://issuer.test/""#)], invalid("not of `https://issuer.test`")),
            (&[("iss", r#""https://ISSUER.test""#)], invalid("not of")),
            (&[("iss", r#""https://other.test""#)], invalid("the token is of `https://other.test`")),
            (&[("iss", r#""""#)], invalid("not of")),
            (&[("iss", "1")], invalid("`iss` is not a string")),
            (&[("iss", "null")], invalid("`iss` is not a string")),
            (&[("iss", r#"["https://issuer.test"]"#)], invalid("`iss` is not a string")),
        ],
    );
}

#[test]
fn the_audience() {
    let of = |audience| Issuer::without_keys(ISSUER, audience).unwrap();
    let malformed = || invalid("`aud` is neither a string nor an array of strings");
    hold(
        "is",
        &of(Audience::is("test")),
        &[
            (&[("aud", r#""test""#)], PASSES),
            (&[("aud", r#"["test"]"#)], PASSES),
            (&[("aud", r#"["other","test"]"#)], PASSES),
            (&[("aud", "")], invalid("the token has no `aud`; expected `test`")),
            (&[("aud", "[]")], invalid("not for `test`")),
            (&[("aud", r#""other""#)], invalid("the token is for `other`, not for `test`")),
            (&[("aud", r#""test ""#)], invalid("not for")),
            (&[("aud", r#""other test""#)], invalid("not for")),
            (&[("aud", r#""TEST""#)], invalid("not for")),
            (&[("aud", r#"["other"]"#)], invalid("not for")),
            (&[("aud", "1")], malformed()),
            (&[("aud", "null")], malformed()),
            (&[("aud", r#"["test",1]"#)], malformed()),
            (&[("aud", r#"[["test"]]"#)], malformed()),
            (&[("aud", r#"{"test":true}"#)], malformed()),
            (&[("aud", ""), ("client_id", r#""test""#)], invalid("no `aud`")),
        ],
    );
    hold(
        "any of",
        &of(Audience::any_of(["one", "two"])),
        &[
            (&[("aud", r#""one""#)], PASSES),
            (&[("aud", r#"["x","two"]"#)], PASSES),
            (&[("aud", r#""test""#)], invalid("not for `one` or `two`")),
        ],
    );
    hold(
        "client_id",
        &of(Audience::client_id("app")),
        &[
            (&[("aud", ""), ("client_id", r#""app""#)], PASSES),
            (&[("aud", ""), ("client_id", r#""app2""#)], invalid("`client_id` is `app2`, not `app`")),
            (&[("aud", ""), ("client_id", "1")], invalid("`client_id`")),
            (&[("aud", "")], invalid("`client_id`")),
            (&[("aud", r#""app""#), ("client_id", r#""app""#)], invalid("meant for another service")),
        ],
    );
    hold(
        "anybody",
        &of(Audience::dangerous_anybody()),
        &[(&[("aud", "")], PASSES), (&[("aud", r#""whoever""#)], PASSES), (&[("aud", "7")], malformed())],
    );
}

/// An answer that does not say for whom an opaque token is leaves it to every client of the issuer.
#[test]
fn tokens_of_any_client() {
    let unnamed = || invalid("does not say for whom the token is; dangerous_any_client()");
    for (audience, aud, want, want_any) in [
        (Audience::absent(), "", unnamed(), PASSES),
        (Audience::absent(), r#""test""#, invalid("meant for another service"), invalid("meant for another service")),
        (Audience::absent(), "[]", invalid("meant for another service"), invalid("meant for another service")),
        (Audience::is("test"), "", invalid("the token has no `aud`"), PASSES),
        (Audience::is("test"), r#""test""#, PASSES, PASSES),
        (Audience::is("test"), r#""other""#, invalid("not for `test`"), invalid("not for `test`")),
        (Audience::client_id("app"), "", invalid("`client_id`"), PASSES),
    ] {
        let endpoint = Endpoint::saying(active(&[("aud", aud)]));
        let issuer = Issuer::without_keys(ISSUER, audience).unwrap();
        let asking = asking_of(issuer, &endpoint, &FixedClock::at(NOW));
        assert_is(aud, &ask(&asking, "abc"), want);
        assert_is(aud, &ask(&asking.dangerous_any_client(), "abc"), want_any);
    }
    let endpoint = Endpoint::saying(active(&[("aud", ""), ("client_id", r#""other""#)]));
    let issuer = Issuer::without_keys(ISSUER, Audience::client_id("app")).unwrap();
    let asking = asking_of(issuer, &endpoint, &FixedClock::at(NOW)).dangerous_any_client();
    assert_is("another client", &ask(&asking, "abc"), invalid("`client_id`"));
}

#[test]
fn claims_that_are_required_and_forbidden() {
    let issuer = without_keys().rules(Rules::new().require("plan", "paid").unwrap().forbid("share").unwrap());
    hold(
        "claims",
        &issuer,
        &[
            (&[("plan", r#""paid""#)], PASSES),
            (&[("plan", r#""id""#)], invalid("the claim `plan` is not `paid`")),
            (&[("plan", "")], invalid("the claim `plan` is not `paid`")),
            (&[("plan", r#"["paid"]"#)], invalid("the claim `plan`")),
            (&[("plan", r#""paid""#), ("share", r#""x""#)], invalid("with the claim `share`")),
            (&[("plan", r#""paid""#), ("share", "null")], invalid("with the claim `share`")),
            (&[("plan", r#""paid""#), ("Share", "null")], PASSES),
        ],
    );
}

/// An `exp`, `nbf` or `iat` relative to noon.
fn at(offset: i64) -> String {
    (NOW as i64 + offset).to_string()
}

#[test]
fn times() {
    let (second_ago, now, soon, later) = (at(-1), at(0), at(1), at(3600));
    let malformed = || invalid("is not a time between 1970 and the year 9999");
    let minute = at(60);
    hold(
        "exact",
        &without_keys().leeway(Duration::ZERO).unwrap(),
        &[
            (&[("nbf", &now)], PASSES),
            (&[("nbf", &soon)], invalid("`nbf` is 1.0 s ahead")),
            (&[("iat", &soon)], invalid("`iat` is 1.0 s ahead")),
        ],
    );
    hold(
        "by default",
        &without_keys(),
        &[
            (&[("exp", &soon)], PASSES),
            (&[("exp", &later)], PASSES),
            (&[("exp", &format!("{now}.5"))], PASSES),
            (&[("exp", "")], PASSES),
            (&[("exp", "253402300799")], PASSES),
            (&[("exp", &now)], expired("the token expired 0 s ago")),
            (&[("exp", &second_ago)], expired("the token expired 1 s ago")),
            (&[("exp", "0")], expired("expired")),
            (&[("exp", "-1")], malformed()),
            (&[("exp", "253402300800")], malformed()),
            (&[("exp", "1e300")], malformed()),
            (&[("exp", &format!("\"{later}\""))], malformed()),
            (&[("exp", "null")], malformed()),
            (&[("exp", "true")], malformed()),
            (&[("exp", &format!("[{later}]"))], malformed()),
            // Milliseconds, as some issuers have them, are years away, and not forever.
            (&[("exp", &format!("{later}000"))], malformed()),
            (&[("nbf", &now)], PASSES),
            (&[("nbf", &minute)], PASSES),
            (&[("nbf", &at(61))], invalid("`nbf` is 61.0 s ahead")),
            (&[("nbf", "\"0\"")], malformed()),
            (&[("iat", &now)], PASSES),
            (&[("iat", &second_ago)], PASSES),
            (&[("iat", &minute)], PASSES),
            (&[("iat", &at(61))], invalid("`iat` is 61.0 s ahead")),
            (&[("iat", "{}")], malformed()),
            (&[("exp", &later), ("nbf", &second_ago), ("iat", &second_ago)], PASSES),
        ],
    );
    let (four, five, six) = (at(4), at(5), at(6));
    hold(
        "leeway",
        &without_keys().leeway(seconds(5)).unwrap(),
        &[
            (&[("exp", &at(-5))], expired("expired 5 s ago")),
            (&[("nbf", &five)], PASSES),
            (&[("nbf", &six)], invalid("ahead")),
            (&[("iat", &five)], PASSES),
            (&[("iat", &six)], invalid("ahead")),
            (&[("exp", &four), ("iat", &four)], PASSES),
        ],
    );
    hold(
        "in the future",
        &without_keys().dangerous_issued_in_future(),
        &[(&[("iat", &later)], PASSES), (&[("nbf", &later)], invalid("ahead"))],
    );
    hold(
        "maximal age",
        &without_keys().max_token_age(seconds(60)),
        &[
            (&[("iat", &at(-59))], PASSES),
            (&[("iat", &at(-60))], expired("issued too long ago")),
            (&[("iat", "")], invalid("does not say when it was issued")),
        ],
    );
}

/// In the time that clocks may differ a token is good, and past its end. Nothing is remembered beyond that end.
#[test]
fn past_its_end_a_token_is_asked_about_each_time() {
    let clock = FixedClock::at(NOW);
    let endpoint = Endpoint::saying(active(&[("exp", &at(-4))]));
    let asking = asking_of(without_keys().leeway(seconds(5)).unwrap(), &endpoint, &clock);
    for again in 1..=3 {
        assert!(ask(&asking, "abc").is_ok());
        assert_eq!(endpoint.asked(), again);
    }
    clock.advance(seconds(1));
    assert_is("over", &ask(&asking, "abc"), expired("expired 5 s ago"));
    set_back(&clock, seconds(1));
    assert!(ask(&asking, "abc").is_ok(), "a refusal from the future is no refusal");
    assert_eq!(endpoint.asked(), 5);
}

#[test]
fn whom_it_is_about() {
    let nobody = || invalid("has no valid subject");
    hold(
        "sub",
        &without_keys(),
        &[
            (&[("sub", r#""alice""#)], PASSES),
            (&[("sub", "")], nobody()),
            (&[("sub", r#""""#)], nobody()),
            (&[("sub", "1")], invalid("ClaimMap::integer_subject accepts it")),
            (&[("sub", "null")], invalid("`sub` is not a string")),
            (&[("sub", ""), ("username", r#""alice""#)], nobody()),
        ],
    );
    hold(
        "elsewhere",
        &without_keys().claim_map(ClaimMap::new().subject("/user/id").unwrap()),
        &[
            (&[("sub", ""), ("user", r#"{"id":7}"#)], PASSES),
            (&[("user", r#"{"id":true}"#)], nobody()),
            (&[], nobody()),
        ],
    );
}

/// Of a token that was verified here, the issuer need not repeat whom it is about. It need not give it all of its rights.
#[test]
fn what_an_answer_need_not_repeat() {
    let token = jwt_of(ISSUER, r#","jti":"7","client_id":"app","roles":["admin"],"scope":"read write""#);
    let map = || ClaimMap::new().roles("roles").unwrap().scopes("scope").unwrap();
    let of = |issuer: Issuer, members: Members<'_>| {
        asking_of(issuer.claim_map(map()), &Endpoint::saying(active(members)), &FixedClock::at(NOW))
    };
    let silent: Members<'_> = &[("sub", ""), ("aud", "")];
    let alice = ask(&of(with_keys(), silent), &token).unwrap();
    assert_eq!((alice.id().subject(), alice.roles().len(), alice.scopes().len()), ("alice", 0, 0));
    assert_eq!(alice.token_claims().unwrap().get::<String>("jti").unwrap().as_deref(), Some("7"));
    let fewer = ask(&of(with_keys(), &[("sub", ""), ("scope", r#""read""#)]), &token).unwrap();
    assert_eq!(fewer.scopes(), ["read"]);
    for (what, issuer, members, want) in [
        ("the same", with_keys(), &[] as Members<'_>, PASSES),
        ("another", with_keys(), &[("sub", r#""bob""#)], invalid("about another principal")),
        ("nobody", with_keys(), &[("sub", "null")], invalid("`sub` is not a string")),
        ("it was not verified", without_keys(), &[("sub", "")], invalid("has no valid subject")),
    ] {
        assert_is(what, &ask(&of(issuer, members), &token), want);
    }
    // What an answer has to say, it says itself.
    let rules = Rules::new().require("client_id", "app").unwrap();
    let says = |members| ask(&of(with_keys(), members).rules(rules.clone()), &token);
    assert_is("its own word", &says(&[("client_id", r#""app""#)]), PASSES);
    assert_is("the token's", &says(&[]), invalid("`client_id`"));
}

#[test]
fn what_a_principal_is_given() {
    let map = ClaimMap::new()
        .scopes("scope")
        .unwrap()
        .roles("roles")
        .unwrap()
        .roles("/realm_access/roles")
        .unwrap()
        .staff("admin")
        .unwrap();
    let issuer = without_keys().claim_map(map.organization("org").unwrap().kind(PrincipalKind::Service));
    let principal = |members: Members<'_>| {
        let endpoint = Endpoint::saying(active(members));
        let found = Introspection::new(issuer.clone(), URL, endpoint.clone()).unwrap().clock(FixedClock::at(NOW));
        let principal = ask(&found, "abc").unwrap();
        assert_eq!(endpoint.asked(), 1);
        principal
    };
    for (scope, scopes) in [
        (r#""read write""#, &["read", "write"] as &[&str]),
        (r#"["read","write"]"#, &["read", "write"]),
        (r#"{"read":true,"write":false}"#, &["read"]),
        (r#""""#, &[]),
        ("null", &[]),
        ("", &[]),
    ] {
        assert_eq!(principal(&[("scope", scope)]).scopes(), scopes, "{scope}");
    }
    for (roles, names) in
        [(r#""admin user""#, vec!["admin user"]), (r#"["a",{"name":"b"}]"#, vec!["a", "b"]), ("null", vec![])]
    {
        let principal = principal(&[("roles", roles)]);
        assert_eq!(principal.roles().iter().map(ToString::to_string).collect::<Vec<_>>(), names, "{roles}");
    }
    for members in [[("scope", "true")], [("scope", r#"["read",1]"#)], [("roles", "1")], [("roles", r#"["a",["b"]]"#)]]
    {
        let asking = asking_of(issuer.clone(), &Endpoint::saying(active(&members)), &FixedClock::at(NOW));
        assert_is(members[0].1, &ask(&asking, "abc"), invalid("name the place inside it"));
    }
    assert_eq!(principal(&[("realm_access", r#"{"roles":["deep"]}"#)]).roles().len(), 1);
    assert_eq!(principal(&[("/realm_access/roles", r#"["deep"]"#)]).roles().len(), 0);
    for (flag, staff) in [
        ("true", true),
        ("1", true),
        (r#""true""#, false),
        (r#""1""#, false),
        ("1.0", false),
        ("2", false),
        ("[true]", false),
        ("null", false),
        ("", false),
    ] {
        assert_eq!(principal(&[("admin", flag)]).is_staff(), staff, "{flag}");
    }
    let whole = principal(&[("org", r#""acme""#), ("iat", &at(-5)), ("exp", &at(60)), ("jti", r#""7""#)]);
    let time = |offset: i64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs((NOW as i64 + offset) as u64));
    assert_eq!(
        (whole.id().subject(), whole.kind(), whole.organization()),
        ("alice", PrincipalKind::Service, Some("acme"))
    );
    assert_eq!((whole.issued_at(), whole.expires_at()), (time(-5), time(60)));
    assert_eq!(whole.token_claims().unwrap().get::<u64>("jti").ok(), None, "a text is no number");
    assert_eq!(whole.token_claims().unwrap().token_id().as_deref(), Some("7"));
    assert_eq!(principal(&[]).expires_at(), None);
}
