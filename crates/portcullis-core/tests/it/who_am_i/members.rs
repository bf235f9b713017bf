//! The members of several answers, which are the claims of one principal.

use super::{ALICE, ask, asking, assert_is, client::*, down, subject};
use crate::tokens::{ISSUER, NOW, PASSES, invalid};
use portcullis_core::{ClaimMap, Principal, PrincipalKind, SessionId, TokenId, testing::FixedClock};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

fn data(members: &str) -> Answered {
    ok(format!(r#"{{"data":{{{members}}}}}"#))
}

/// What is known after these two answers.
fn both(first: &str, second: &str) -> Principal {
    ask(&asking(&Service::saying(data(first), data(second))), "abc").unwrap()
}

fn claims(principal: &Principal) -> BTreeMap<String, Value> {
    principal.claims::<BTreeMap<String, Value>>().unwrap().clone()
}

#[test]
fn each_answer_adds_its_own() {
    let rows: [(&str, &str, &str); 9] = [
        (r#""id":"a""#, "", r#"{"id":"a"}"#),
        ("", r#""id":"a""#, r#"{"id":"a"}"#),
        (r#""id":"a","x":1"#, r#""y":2"#, r#"{"id":"a","x":1,"y":2}"#),
        (r#""id":"a","x":1"#, r#""X":2,"x ":3"#, r#"{"id":"a","x":1,"X":2,"x ":3}"#),
        // Both may say the same.
        (r#""id":"a""#, r#""id":"a""#, r#"{"id":"a"}"#),
        (r#""id":"a","\u0078":1"#, r#""x":1"#, r#"{"id":"a","x":1}"#),
        (r#""id":"a","x":"ab""#, r#""x":"\u0061b""#, r#"{"id":"a","x":"ab"}"#),
        (r#""id":"a","x":null"#, r#""x": null "#, r#"{"id":"a","x":null}"#),
        (
            r#""id":"a","x":{"y":[1,{}],"z":true}"#,
            r#""x":{ "z":true,"y":[ 1,{ }]}"#,
            r#"{"id":"a","x":{"y":[1,{}],"z":true}}"#,
        ),
    ];
    for (first, second, want) in rows {
        let want: BTreeMap<String, Value> = serde_json::from_str(want).unwrap();
        assert_eq!(claims(&both(first, second)), want, "{first} and {second}");
    }
    assert!(both(r#""id":"a","admin":true"#, r#""admin":true"#).is_staff());
}

/// Who may write into one answer, their own profile perhaps, does not replace what the other one says.
#[test]
fn answers_that_contradict_each_other() {
    let rows = [
        (r#""id":"a""#, r#""id":"b""#),
        (r#""id":"a","admin":false"#, r#""admin":true"#),
        (r#""id":"a","admin":true"#, r#""admin":false"#),
        (r#""id":"a","x":1"#, r#""x":null"#),
        (r#""id":"a","x":1"#, r#""x":"1""#),
        (r#""id":"a","x":1"#, r#""x":1.0"#),
        (r#""id":"a","x":9007199254740993"#, r#""x":9007199254740992"#),
        (r#""id":"a","x":"a""#, r#""x":"A""#),
        (r#""id":"a","x":{"y":1}"#, r#""x":{"z":1}"#),
        (r#""id":"a","x":{"y":1}"#, r#""x":{"y":1,"z":1}"#),
        (r#""id":"a","x":{"y":1,"z":1}"#, r#""x":{"y":1}"#),
        (r#""id":"a","x":{}"#, r#""x":[]"#),
        (r#""id":"a","x":[1,2]"#, r#""x":[1]"#),
        (r#""id":"a","x":[1,2]"#, r#""x":[2,1]"#),
        // Names are compared as they read.
        (r#""id":"a","\u0078":1"#, r#""x":2"#),
        (r#""id":"a","x":1"#, r#""\u0078":2"#),
        (r#""id":"a","":1"#, r#""":2"#),
    ];
    for (first, second) in rows {
        for (one, other) in [(first, second), (second, first)] {
            let service = Service::saying(data(one), data(other));
            let asking = asking(&service);
            for _ in 0..2 {
                let outcome = ask(&asking, "abc");
                assert_is(
                    &format!("{one} and {other}"),
                    &outcome,
                    invalid("two answers of the issuer differ in the member `"),
                );
            }
            assert_eq!(service.asked(), 2, "{one} and {other}: remembered");
        }
    }
}

#[test]
fn names_and_values_of_any_kind() {
    for name in
        [r#"a\"b"#, r"a\\b", r"\n\t\u0000\u001f", r"\/", "a:b,c}d", "ä€🦀", r"\ud83e\udd80", r"\u2028", "__proto__"]
    {
        for value in ["0", "-1.5e-3", "12345678901234567890", r#""a\"b\\\u0000🦀""#, r#"[1,{"a":[]}]"#, "true", "null"]
        {
            let member = format!(r#""{name}":{value}"#);
            let want: BTreeMap<String, Value> = serde_json::from_str(&format!(r#"{{"id":"a",{member}}}"#)).unwrap();
            assert_eq!(claims(&both(r#""id":"a""#, &member)), want, "{member}");
            assert_eq!(claims(&both(&member, r#""id":"a""#)), want, "{member}");
        }
    }
}

/// One that says a thing twice has said neither.
#[test]
fn a_duplicate_is_no_answer() {
    let twice = || down("JSON that is a JSON object with a duplicate member");
    for (members, want) in [
        (r#""id":"a","x":1,"y":1"#, PASSES),
        (r#""id":"a","id":"b""#, twice()),
        (r#""id":"a","id":"a""#, twice()),
        (r#""id":"a","i\u0064":"b""#, twice()),
        (r#""id":"a","x":{"y":1,"y":2}"#, twice()),
    ] {
        for (first, second) in [(data(members), data("")), (data(r#""id":"a""#), data(members))] {
            assert_is(members, &ask(&asking(&Service::saying(first, second)), "abc"), want);
        }
    }
    for body in [r#"{"data":{"id":"a"},"data":{"id":"b"}}"#, r#"{"data":{"id":"a"},"x":1,"x":2}"#] {
        assert_is(body, &ask(&asking(&Service::saying(ok(body), data(""))), "abc"), twice());
    }
}

/// An answer without the claims adds nothing and takes nothing away; some other one has to name somebody.
#[test]
fn an_answer_without_claims() {
    for empty in [r#"{"data":null}"#, r#"{"data":"text"}"#, r#"{"data":[1]}"#, "{}", r#"{"admin":true,"id":"b"}"#] {
        for (first, second) in [(ok(ALICE), ok(empty)), (ok(empty), ok(ALICE))] {
            let outcome = ask(&asking(&Service::saying(first, second)), "abc");
            assert_eq!((subject(&outcome), outcome.as_ref().unwrap().is_staff()), ("alice", false), "{empty}");
        }
        let outcome = ask(&asking(&Service::saying(ok(empty), ok(empty))), "abc");
        assert_is(empty, &outcome, invalid("has no valid subject"));
    }
}

#[test]
fn what_a_principal_is_given() {
    #[derive(Deserialize)]
    struct Mine {
        email: String,
    }
    let map = ClaimMap::new()
        .subject("id")
        .unwrap()
        .roles("role")
        .unwrap()
        .scopes("/grants/scope")
        .unwrap()
        .staff("admin")
        .unwrap();
    let map = map.organization("org").unwrap().session("session").unwrap().kind(PrincipalKind::Service);
    let service = Service::saying(
        data(&format!(r#""id":7,"role":"editor","email":"a@b.test","exp":{},"iat":{}"#, NOW + 60, NOW - 5)),
        data(r#""admin":1,"grants":{"scope":"read write"},"org":"acme","session":"s1","jti":"t1""#),
    );
    let issuer = super::issuer().claim_map(map);
    let asking = super::asking_of(issuer, &service, &FixedClock::at(NOW));
    let principal = ask(&asking, "abc").unwrap();
    let time = |offset: i64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.saturating_add_signed(offset)));
    assert_eq!((principal.id().subject(), principal.kind()), ("7", PrincipalKind::Service));
    assert_eq!(
        (principal.issuer(), principal.organization(), principal.session()),
        (Some(ISSUER), Some("acme"), Some(SessionId::new("s1").with_issuer(ISSUER)))
    );
    assert_eq!(
        (principal.authenticated_at(), principal.issued_at(), principal.expires_at()),
        (None, time(-5), time(60))
    );
    assert_eq!(
        (principal.roles().len(), principal.scopes(), principal.is_staff()),
        (1, &["read".into(), "write".into()][..], true)
    );
    assert_eq!(
        (principal.token_id(), &*principal.claims::<Mine>().unwrap().email),
        (Some(TokenId::new("t1").with_issuer(ISSUER)), "a@b.test")
    );
    let flags = [
        ("true", true),
        ("1", true),
        ("0", false),
        (r#""true""#, false),
        ("1.0", false),
        ("[true]", false),
        ("null", false),
    ];
    for (flag, is_staff) in flags {
        assert_eq!(both(r#""id":"a""#, &format!(r#""admin":{flag}"#)).is_staff(), is_staff, "{flag}");
    }
    assert!(!both(r#""id":"a""#, "").is_staff() && both(r#""id":"a""#, "").expires_at().is_none());
}
