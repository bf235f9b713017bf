//! Whom an answer names: a service may answer 200 to nobody at all.

use super::{ask, asking, asking_one, assert_is, client::*, subject};
use crate::tokens::{PASSES, Want, invalid};
use portcullis_core::ErrorKind;

/// One address, asked twice: what it said is remembered, whoever it named.
fn hold<'a>(within: &str, rows: impl IntoIterator<Item = (&'a str, Want)>) {
    let (mut passed, mut refused) = (false, false);
    for (body, want) in rows {
        let service = Service::saying(ok(body), outage());
        let asking = asking_one(&service, within);
        for _ in 0..2 {
            assert_is(&format!("{within:?} of {body}"), &ask(&asking, "abc"), want);
        }
        assert_eq!(service.asked(), 1, "{within:?} of {body}");
        passed |= want.is_ok();
        refused |= want.is_err();
    }
    assert!(passed && refused, "a table needs both sides");
}

fn nobody() -> Want {
    invalid("has no valid subject")
}

#[test]
fn what_is_a_subject() {
    for (value, name) in [
        (r#""alice""#, "alice"),
        (r#""\u0061li\u0063e""#, "alice"),
        (r#""\ud83e\udd80""#, "🦀"),
        (r#"" ""#, " "),
        (r#""null""#, "null"),
        ("5", "5"),
        ("0", "0"),
        ("-1", "-1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ] {
        let service = Service::saying(ok(format!(r#"{{"data":{{"id":{value}}}}}"#)), outage());
        assert_eq!(subject(&ask(&asking_one(&service, "/data"), "abc")), name, "{value}");
    }
    for value in
        [r#""""#, "null", "true", "false", "1.0", "1e3", "-0.5", "[]", r#"["alice"]"#, "{}", r#"{"id":"alice"}"#]
    {
        let service = Service::saying(ok(format!(r#"{{"data":{{"id":{value}}}}}"#)), outage());
        let asking = asking_one(&service, "/data");
        for _ in 0..2 {
            assert_is(value, &ask(&asking, "abc"), nobody());
        }
        assert_eq!(service.asked(), 1, "{value}: remembered");
    }
}

#[test]
fn an_answer_about_nobody() {
    hold(
        "/data",
        [
            (r#"{"data":{"id":"alice"}}"#, PASSES),
            (r#"{"data":{"id":"alice","share":null},"meta":5}"#, PASSES),
            ("{}", nobody()),
            (r#"{"data":null}"#, nobody()),
            (r#"{"data":{}}"#, nobody()),
            (r#"{"data":[]}"#, nobody()),
            (r#"{"data":true}"#, nobody()),
            // Directus 11 to a member who asks for `policies`.
            (r#"{"data":"0a1b2c3d-0000-4000-8000-000000000003"}"#, nobody()),
            (r#"{"data":"{\"id\":\"alice\"}"}"#, nobody()),
            (r#"{"data":[{"id":"alice"}]}"#, nobody()),
            (r#"{"data":{"share":"0a1b2c3d"}}"#, nobody()),
            (r#"{"data":{"data":{"id":"alice"}}}"#, nobody()),
            (r#"{"data":{"ID":"alice"}}"#, nobody()),
            (r#"{"data":{"id ":"alice"}}"#, nobody()),
            (r#"{"Data":{"id":"alice"}}"#, nobody()),
            (r#"{"id":"alice"}"#, nobody()),
            (r#"{"errors":[{"message":"Invalid user credentials."}]}"#, nobody()),
        ],
    );
}

/// By name, or by RFC 6901 from the whole answer on.
#[test]
fn where_the_claims_are() {
    let rows: [(&str, &str, Want); 19] = [
        ("data", r#"{"data":{"id":"alice"}}"#, PASSES),
        ("data", r#"{"id":"alice"}"#, nobody()),
        ("data/user", r#"{"data/user":{"id":"alice"},"data":{"user":{"id":"bob"}}}"#, PASSES),
        ("/data", r#"{"d\u0061t\u0061":{"i\u0064":"alice"}}"#, PASSES),
        ("/data/user", r#"{"data":{"id":"bob","user":{"id":"alice"}}}"#, PASSES),
        ("/data/user", r#"{"data":{"id":"bob"}}"#, nobody()),
        ("/data/user", r#"{"data":null}"#, nobody()),
        ("/data/user", r#"{"data/user":{"id":"bob"}}"#, nobody()),
        ("/a~1b", r#"{"a/b":{"id":"alice"}}"#, PASSES),
        ("/a~1b", r#"{"a":{"b":{"id":"bob"}}}"#, nobody()),
        ("/a~0b", r#"{"a~b":{"id":"alice"}}"#, PASSES),
        ("/~01", r#"{"~1":{"id":"alice"},"/":{"id":"bob"}}"#, PASSES),
        ("/", r#"{"":{"id":"alice"},"id":"bob"}"#, PASSES),
        ("/", r#"{"id":"bob"}"#, nobody()),
        ("/data/0", r#"{"data":[{"id":"alice"},{"id":"bob"}]}"#, PASSES),
        ("/data/2", r#"{"data":[{"id":"alice"},{"id":"bob"}]}"#, nobody()),
        ("/data/00", r#"{"data":[{"id":"alice"}]}"#, nobody()),
        ("/data/-", r#"{"data":[{"id":"alice"}]}"#, nobody()),
        ("/data/0", r#"{"data":{"0":{"id":"alice"}}}"#, PASSES),
    ];
    for (within, body, want) in rows {
        let service = Service::saying(ok(body), outage());
        let outcome = ask(&asking_one(&service, within), "abc");
        assert_is(&format!("{within:?} of {body}"), &outcome, want);
        if want.is_ok() {
            assert_eq!(subject(&outcome), "alice", "{within:?} of {body}");
        }
    }
}

/// A place where no claims can be lets nobody in.
#[test]
fn a_place_that_is_not_there_is_nowhere() {
    let service = Service::of_alice();
    for within in ["Data", "data/", " /data", "/data ", "$.data", "#/data", "data.id"] {
        assert_is(within, &ask(&asking(&service).within(within).unwrap(), "abc"), nobody());
    }
    assert!(ask(&asking(&service), "abc").is_ok());
    for malformed in ["", "/data~", "/~2"] {
        let error = asking(&service).within(malformed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{malformed}");
    }
}
