//! Answers: who is let in by them, who is refused, and what is no answer at all.

use super::{
    INACTIVE, Outcome, active, ask, ask_after_pause, asking, asking_of, assert_is, begun, client::*, down, poll,
    without_keys,
};
use crate::tokens::{ISSUER, NOW, PASSES, Want, invalid};
use portcullis_core::{Error, ErrorKind, HttpResponse, Rules, testing::FixedClock};
use std::time::Duration;

/// Asks twice with the same answer: once asked is enough, unless that was no answer.
fn hold(rows: impl IntoIterator<Item = (impl AsRef<str>, u16, impl Into<Vec<u8>>, Want)>) {
    let (mut passed, mut refused) = (false, false);
    for (what, status, body, want) in rows {
        let (what, body) = (what.as_ref(), body.into());
        let endpoint = Endpoint::answering(move |_| Ok(HttpResponse::new(status, body.clone())));
        let clock = FixedClock::at(NOW);
        let asking = asking_of(without_keys(), &endpoint, &clock);
        let is_outage = matches!(want, Err((ErrorKind::Unavailable, _)));
        let first = ask(&asking, "secret-token");
        if is_outage {
            clock.advance(Duration::from_secs(1));
        }
        let outcomes: [Outcome; 2] = [first, ask(&asking, "secret-token")];
        for outcome in outcomes {
            assert_is(what, &outcome, want);
            if let Err(error) = outcome {
                assert_eq!(error.issuer(), Some(ISSUER), "{what}");
                assert!(!format!("{error} {error:?}").contains("secret-token"), "{what}");
            }
        }
        assert_eq!(endpoint.asked(), if is_outage { 2 } else { 1 }, "{what}: how often it is asked");
        passed |= want.is_ok();
        refused |= want.is_err();
    }
    assert!(passed && refused, "a table needs both sides");
}

#[test]
fn whether_a_token_is_active() {
    let no_flag = || down("no `active` that is true or false");
    let no_json = || down("the issuer answered with JSON that is ");
    let row = |body: String, want| (body.clone(), 200, body, want);
    let flag = |value: &str| active(&[("active", value)]);
    hold([
        row(active(&[]), PASSES),
        row(active(&[]).replace(':', " :\n\t"), PASSES),
        row(format!("\n {} \r\n", active(&[])), PASSES),
        row(active(&[]).replace("active", r"\u0061ctive"), PASSES),
        row(flag("false"), invalid("the issuer says that the token is not active")),
        row(INACTIVE.to_owned(), invalid("not active")),
        row(" { \"active\" : false } ".to_owned(), invalid("not active")),
        // What else is said of a token that is not active is of no interest.
        row(active(&[("active", "false"), ("exp", "\"never\""), ("aud", "5")]), invalid("not active")),
        row(flag(""), no_flag()),
        row(flag("null"), no_flag()),
        row(flag("1"), no_flag()),
        row(flag("0"), no_flag()),
        row(flag(r#""true""#), no_flag()),
        row(flag(r#""false""#), no_flag()),
        row(flag("[true]"), no_flag()),
        row(flag(r#"{"active":true}"#), no_flag()),
        row(active(&[]).replace("active", "Active"), no_flag()),
        row(active(&[]).replace("active", "active "), no_flag()),
        row(format!(r#"{{"data":{}}}"#, active(&[])), no_flag()),
        row("{}".to_owned(), no_flag()),
        row(flag("True"), no_json()),
        row(active(&[("x", r#"1,"active":false"#)]), no_json()),
        row(active(&[("x", r#"1,"\u0061ctive":true"#)]), no_json()),
        row(active(&[("x", r#"1,"sub":"bob""#)]), no_json()),
        row(format!("[{}]", active(&[])), no_json()),
        row("true".to_owned(), no_json()),
        row("null".to_owned(), no_json()),
        row(r#""active""#.to_owned(), no_json()),
        row(String::new(), no_json()),
        row(" ".to_owned(), no_json()),
        row(format!("{}{}", active(&[]), active(&[])), no_json()),
        row(format!("{},", active(&[])), no_json()),
        row(format!("\u{feff}{}", active(&[])), no_json()),
        row(active(&[]).replace('"', "'"), no_json()),
        row("active=true&token_type=Bearer&aud=test&sub=alice".to_owned(), no_json()),
        row("<!doctype html><title>Sign in</title>".to_owned(), no_json()),
        row(active(&[("sub", r#""\ud800""#)]), no_json()),
        row(active(&[("exp", "1e999")]), no_json()),
    ]);
}

#[test]
fn what_is_no_answer() {
    let good = || active(&[]).into_bytes();
    let mut rows = vec![("200".to_owned(), 200, good(), PASSES)];
    for status in [201, 202, 203, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 418, 429, 500, 502, 503, 504] {
        // Whatever its body says: a proxy's word is not the issuer's.
        for (what, body) in [("active", good()), ("inactive", INACTIVE.into()), ("empty", Vec::new())] {
            rows.push((format!("{status}, {what}"), status, body, down("the issuer answered with the status ")));
        }
    }
    let mut cut = good();
    cut.truncate(cut.len() - 1);
    let mut latin = active(&[("sub", r#""al?ce""#)]).into_bytes();
    let place = latin.iter().position(|byte| *byte == b'?').unwrap();
    latin[place] = 0xe9;
    let wide = active(&[]).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    rows.extend([
        ("cut off".to_owned(), 200, cut, down("JSON that is not")),
        ("Latin-1".to_owned(), 200, latin, down("no UTF-8")),
        ("UTF-16".to_owned(), 200, wide, down("JSON that is not")),
        ("garbage".to_owned(), 200, (0..=255).collect(), down("no UTF-8")),
        ("nothing but zeros".to_owned(), 200, vec![0; 64], down("JSON that is not")),
    ]);
    hold(rows);
}

#[test]
fn answers_of_any_size_and_depth() {
    let nested = |depth: usize| active(&[("x", &format!("{}{}", "[".repeat(depth), "]".repeat(depth)))]);
    let many: Vec<String> = (0..10_000).map(|at| format!(r#""m{at}":{at}"#)).collect();
    let many = active(&[("x", &format!("1,{}", many.join(",")))]);
    hold([
        ("a long text", 200, active(&[("x", &format!(r#""{}""#, "x".repeat(1 << 20)))]), PASSES),
        ("many members", 200, many, PASSES),
        ("nested", 200, nested(60), PASSES),
        ("nested deeper", 200, nested(65), down("nested too deeply")),
        ("nested without end", 200, nested(200_000), down("nested too deeply")),
    ]);
}

#[test]
fn the_type_of_a_token() {
    let wrong = || invalid("is not that of an access token");
    let rows = [
        (r#""Bearer""#, PASSES),
        (r#""bearer""#, PASSES),
        (r#""BEARER""#, PASSES),
        (r#""access_token""#, PASSES),
        (r#""Access_Token""#, PASSES),
        (r#""\u0042earer""#, PASSES),
        (r#""refresh_token""#, wrong()),
        (r#""N_A""#, wrong()),
        (r#""id_token""#, wrong()),
        // Outside of a gate nobody asks for the proof.
        (r#""DPoP""#, wrong()),
        (r#""dpop""#, wrong()),
        (r#""mac""#, wrong()),
        (r#""""#, wrong()),
        (r#"" Bearer""#, wrong()),
        (r#""Bearer ""#, wrong()),
        (r#""Bearer refresh_token""#, wrong()),
        // A long s becomes an S where whole Unicode is folded.
        (r#""acceſs_token""#, wrong()),
        (r#"["Bearer"]"#, wrong()),
        ("1", wrong()),
        ("true", wrong()),
        ("null", wrong()),
        ("", invalid("has no `token_type`, so the token may be a refresh token; allow_missing_token_type()")),
    ];
    hold(rows.map(|(value, want)| (value, 200, active(&[("token_type", value)]), want)));
    for (value, want) in rows {
        let endpoint = Endpoint::saying(active(&[("token_type", value)]));
        let want = if value.is_empty() { PASSES } else { want };
        assert_is(value, &ask(&asking(&endpoint).allow_missing_token_type(), "abc"), want);
        let endpoint = Endpoint::saying(active(&[("token_type", value), ("active", "false")]));
        assert_is(value, &ask(&asking(&endpoint).allow_missing_token_type(), "abc"), invalid("not active"));
    }
}

/// Some issuers have it under another name, and tell of refresh tokens under that one only.
#[test]
fn the_use_of_a_token() {
    let wrong = || invalid("the `token_use` ");
    for (kind, its_use, want) in [
        ("", r#""access""#, PASSES),
        ("", r#""access_token""#, PASSES),
        ("", r#""Access_Token""#, PASSES),
        (r#""Bearer""#, r#""access_token""#, PASSES),
        (r#""Bearer""#, r#""refresh_token""#, wrong()),
        (r#""Bearer""#, r#""refresh""#, wrong()),
        (r#""Bearer""#, r#""id""#, wrong()),
        (r#""Bearer""#, "null", wrong()),
        (r#""Bearer""#, r#"["access"]"#, wrong()),
        (r#""refresh_token""#, r#""access""#, invalid("the `token_type` `refresh_token` is not that of")),
        ("", r#""refresh_token""#, wrong()),
        ("", r#""DPoP""#, wrong()),
        ("", "", invalid("has no `token_type`")),
    ] {
        let what = format!("{kind}, {its_use}");
        let endpoint = Endpoint::saying(active(&[("token_type", kind), ("token_use", its_use)]));
        assert_is(&what, &ask(&asking(&endpoint), "abc"), want);
        let want = if kind.is_empty() && its_use.is_empty() { PASSES } else { want };
        assert_is(&what, &ask(&asking(&endpoint).allow_missing_token_type(), "abc"), want);
    }
}

/// Keycloak calls a refresh token `Bearer` in `token_type` and tells in `typ` what it is.
#[test]
fn what_kind_of_token_the_answer_is_about() {
    let other = || invalid("says that this is no access token");
    let rows = [
        ("typ", r#""Bearer""#, PASSES),
        ("typ", r#""at+jwt""#, PASSES),
        ("typ", r#""Refresh""#, other()),
        ("typ", r#""Offline""#, other()),
        ("typ", r#""ID""#, other()),
        ("type", r#""access""#, PASSES),
        ("type", r#""refresh""#, other()),
        ("events", r#"{"https://issuer.test/event":{}}"#, other()),
        ("happenings", r#"{"https://issuer.test/event":{}}"#, PASSES),
    ];
    let name = |(claim, kind, _): &(&str, &str, Want)| format!("{claim} {kind}");
    hold(rows.iter().map(|row| (name(row), 200, active(&[(row.0, row.1)]), row.2)));
    for row in &rows {
        let endpoint = Endpoint::saying(active(&[("token_type", ""), (row.0, row.1)]));
        let asking = asking(&endpoint).allow_missing_token_type();
        assert_is(&name(row), &ask(&asking, "abc"), row.2);
    }
    // What its rules or its issuer ask for is not refused for it.
    let refresh = Endpoint::saying(active(&[("typ", r#""Refresh""#)]));
    let asked_for = asking(&refresh).rules(Rules::new().require("typ", "Refresh").unwrap());
    assert_is("by a rule", &ask(&asked_for, "abc"), PASSES);
    let id = Endpoint::saying(active(&[("typ", r#""ID""#)]));
    let asked_for = asking(&id).rules(Rules::new().require("typ", "Refresh").unwrap());
    assert_is("another than the rule's", &ask(&asked_for, "abc"), invalid("`typ`"));
}

/// Outages are 503, are never remembered, and are over when the issuer answers again.
#[test]
fn outages_and_their_end() {
    let refused = || Endpoint::answering(|_| outage());
    let broken = || Endpoint::answering(|_| Ok(HttpResponse::new(500, active(&[]))));
    let garbage = || Endpoint::answering(|_| ok("garbage"));
    for (what, outage) in
        [("refused", refused()), ("500", broken()), ("garbage", garbage()), ("dropped", Endpoint::dropping())]
    {
        let endpoint = Endpoint::saying(active(&[]));
        endpoint.become_like(&outage);
        let clock = FixedClock::at(NOW);
        let asking = asking_of(without_keys(), &endpoint, &clock);
        for again in 1..=5 {
            let error = ask_after_pause(&asking, "abc", &clock).unwrap_err();
            assert_eq!((error.kind(), error.status(), error.issuer()), (ErrorKind::Unavailable, 503, Some(ISSUER)));
            assert_eq!(error.retry_after(), None, "{what}");
            assert_eq!(endpoint.asked(), again, "{what}");
        }
        endpoint.become_like(&Endpoint::saying(active(&[])));
        assert!(ask_after_pause(&asking, "abc", &clock).is_ok(), "{what}");
        // Nor does an outage end what is remembered.
        endpoint.become_like(&outage);
        assert!(ask(&asking, "abc").is_ok(), "{what}");
        assert_eq!(endpoint.asked(), 6, "{what}");
    }
}

/// A reply that is given up is an answer to all who wait, on whatever thread that happens.
#[test]
fn a_reply_that_is_dropped() {
    let endpoint = Endpoint::later();
    let clock = FixedClock::at(NOW);
    let asking = asking_of(without_keys(), &endpoint, &clock);
    let mut waiting: Vec<_> = (0..3).map(|_| begun(&asking, "abc")).collect();
    let reply = endpoint.take("abc");
    std::thread::spawn(move || drop(reply)).join().unwrap();
    for waiting in &mut waiting {
        assert_is("dropped", &poll(waiting).unwrap(), down("gave up without an answer"));
    }
    clock.advance(Duration::from_secs(1));
    let mut again = begun(&asking, "abc");
    endpoint.answer("abc", ok(active(&[])));
    assert!(poll(&mut again).unwrap().is_ok());
    assert_eq!(endpoint.asked(), 2);
}

/// A client that found out nothing has refused no token, whatever kind its error is of: not with 401, not for two
/// seconds, and not so that another scheme is asked.
#[test]
fn an_error_of_the_client_is_an_outage() {
    for at in [ErrorKind::Unavailable, ErrorKind::Misconfigured, ErrorKind::Invalid, ErrorKind::Unrecognized] {
        let endpoint = Endpoint::answering(move |_| Err(Error::new(at, "a certificate that nobody trusts")));
        let clock = FixedClock::at(NOW);
        let asking = asking_of(without_keys(), &endpoint, &clock);
        for again in 1..=3 {
            let error = ask_after_pause(&asking, "abc", &clock).unwrap_err();
            assert!(error.status() >= 500, "{at:?}: {error:?}");
            assert_eq!(endpoint.asked(), again, "{at:?}");
        }
        endpoint.become_like(&Endpoint::saying(active(&[])));
        assert!(ask_after_pause(&asking, "abc", &clock).is_ok(), "{at:?}");
    }
}

/// An issuer that is busy says when to come again, and so do we; not what is no number of seconds, nor what is a year.
#[test]
fn when_to_come_again() {
    let seconds = Duration::from_secs;
    let rows = [
        ("1", Some(seconds(1))),
        (" 120 ", Some(seconds(120))),
        ("3600", Some(seconds(3600))),
        ("0", None),
        ("3601", None),
        ("99999999999999999999999", None),
        ("-1", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ];
    for (said, want) in rows {
        for status in [429, 503] {
            let answer = HttpResponse::new(status, "").with_header("Retry-After", said);
            let endpoint = Endpoint::answering(move |_| Ok(answer.clone()));
            let error = ask(&asking(&endpoint), "abc").unwrap_err();
            assert_eq!((error.status(), error.retry_after()), (503, want), "{status} {said:?}");
        }
    }
    let refusal = HttpResponse::new(200, INACTIVE).with_header("Retry-After", "9");
    let endpoint = Endpoint::answering(move |_| Ok(refusal.clone()));
    assert_eq!(ask(&asking(&endpoint), "abc").unwrap_err().retry_after(), None, "a token that is not active stays so");
}
