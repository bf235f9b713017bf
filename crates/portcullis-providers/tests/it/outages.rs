//! Directus cannot be asked: nobody is let in by that, and nobody's token is called invalid.

use crate::{instance::*, tokens::*};
use portcullis_core::{Error, ErrorKind, WhoAmI};
use serde_json::json;

/// Cases 95 and 113: 503, and nothing is kept of it.
#[test]
fn whatever_it_answers_that_is_no_answer() {
    let statuses = [
        (429, "REQUESTS_EXCEEDED"),
        (500, "INTERNAL_SERVER_ERROR"),
        (503, "SERVICE_UNAVAILABLE"),
        (404, "ROUTE_NOT_FOUND"),
        (400, "INVALID_PAYLOAD"),
        (204, ""),
        (302, ""),
    ];
    for (status, code) in statuses {
        let fails = Standing::fails(status, code);
        let late = Standing { globals: fails.globals.clone(), ..Standing::user("u1", true) };
        for (standing, asked) in [(fails, 1), (late, 2)] {
            let instance = Instance::default().and(&session(), standing.clone()).and("opaque", standing);
            for (way, what) in [
                (instance.hybrid(), session()),
                (instance.hybrid(), "opaque".into()),
                (instance.introspect(), session()),
            ] {
                let before = instance.asked();
                for _ in 0..3 {
                    let error = enter(&way, &what).unwrap_err();
                    assert_eq!((error.kind(), error.issuer()), (ErrorKind::Unavailable, Some("directus")), "{status}");
                }
                assert_eq!(instance.asked(), before + asked, "{status}: a pause follows");
            }
            // It is over when it is over.
            let instance = instance.and(&session(), Standing::user("u1", false));
            assert_eq!(subject(&instance.hybrid(), &session()), Ok("u1".into()));
        }
    }
}

/// Case 94: Directus 10 is not asked who is staff in another way; it is an outage, not an answer.
#[test]
fn directus_10_cannot_be_asked() {
    let instance = Instance::knowing(&session(), Standing::version_10("u1"));
    assert_eq!(subject(&instance.introspect(), &session()), Err(503));
    assert_eq!(subject(&instance.hybrid(), &session()), Err(503));
    assert_eq!(subject(&instance.hybrid(), &token(json!({ "admin_access": 1 }))), Ok("u1".into()), "nor need it be");
}

/// What the secret alone can tell goes on.
#[test]
fn who_needs_not_be_asked_about_is_served() {
    let instance = Instance::knowing(&session(), Standing::user("u1", false));
    for why in [ErrorKind::Unavailable, ErrorKind::Invalid, ErrorKind::Misconfigured] {
        instance.goes_down(Error::new(why, "connection refused"));
        let (hybrid, introspect) = (instance.hybrid(), instance.introspect());
        let before = instance.asked();
        assert_eq!(subject(&hybrid, &token(json!({}))), Ok("u1".into()));
        assert_eq!(subject(&hybrid, &token(json!({ "exp": NOW - 1 }))), Err(401));
        assert_eq!(subject(&hybrid, &token(json!({ "iss": "other" }))), Err(401));
        assert_eq!(instance.asked(), before);
        let status = |way: &WhoAmI, what: &str| subject(way, what).unwrap_err();
        for refused in [status(&hybrid, &session()), status(&hybrid, "opaque"), status(&introspect, &token(json!({})))]
        {
            assert!(refused >= 500, "{why:?}: {refused}");
        }
        assert_eq!(instance.asked(), before + 3);
        instance.goes_down(None);
        assert_eq!(subject(&instance.hybrid(), &session()), Ok("u1".into()));
    }
}

/// Garbage with the status 200 is no answer either.
#[test]
fn a_page_in_place_of_an_answer() {
    for body in [json!("<!doctype html>"), json!([]), json!(null), json!(5)] {
        let standing = Standing { me: (200, body.clone()), ..Standing::user("u1", true) };
        let instance = Instance::knowing(&session(), standing);
        assert_eq!(subject(&instance.hybrid(), &session()), Err(503), "{body}");
        let standing = Standing { globals: (200, body.clone()), ..Standing::user("u1", true) };
        let instance = Instance::knowing(&session(), standing);
        assert_eq!(subject(&instance.introspect(), &session()), Err(503), "{body}");
    }
}
