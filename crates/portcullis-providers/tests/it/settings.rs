//! Where an instance is, and what was set before it is asked.

use crate::{instance::*, tokens::*};
use portcullis_core::{Algorithm, ErrorKind, testing::FixedClock};
use portcullis_providers::directus::Directus;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn addresses() {
    for (url, base) in [
        ("https://directus.test", "https://directus.test"),
        ("https://directus.test/", "https://directus.test"),
        ("https://example.test/cms", "https://example.test/cms"),
        ("https://example.test/cms/", "https://example.test/cms"),
        ("https://example.test:8055", "https://example.test:8055"),
        ("http://127.0.0.1:8055/", "http://127.0.0.1:8055"),
        ("http://[::1]:8055", "http://[::1]:8055"),
    ] {
        let instance = Instance::knowing("opaque", Standing::user("u1", true));
        for way in [Directus::introspect(url, instance.clone()), Instance::local().hybrid(url, instance.clone())] {
            let before = instance.asked();
            assert!(enter(&way.unwrap(), "opaque").unwrap().is_staff(), "{url}");
            assert_eq!(instance.addresses()[before..], [format!("{base}{ME}"), format!("{base}{GLOBALS}")], "{url}");
        }
    }
    for url in [
        "",
        "directus.test",
        "/cms",
        "ftp://directus.test",
        "https:///cms",
        "https://a b",
        " https://a",
        "https://a\r\nb",
    ] {
        for way in [Directus::introspect(url, Instance::default()), Instance::local().hybrid(url, Instance::default())]
        {
            assert_eq!(way.unwrap_err().kind(), ErrorKind::Misconfigured, "{url:?}");
        }
    }
    let error = Directus::introspect("https://admin:swordfish@directus.test", Instance::default()).unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && !format!("{error:?}").contains("swordfish"));
}

/// Without a host, the path that is added would name one, and be shown all tokens: so is `https://$HOST` where the variable
/// is empty. And after a query or a fragment it is no path.
#[test]
fn addresses_to_which_no_path_can_be_added() {
    for url in [
        "https://",
        "http://",
        "https:///",
        "https://directus.test?x=y",
        "https://directus.test/?",
        "https://directus.test/#/admin",
        "https://directus.test#",
    ] {
        for way in [Directus::introspect(url, Instance::default()), Instance::local().hybrid(url, Instance::default())]
        {
            assert_eq!(way.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Misconfigured), "{url:?}");
        }
    }
}

/// What is shown of it is where it asks, and neither secret nor token.
#[test]
fn what_it_shows_of_itself() {
    let instance = Instance::knowing(&session(), Standing::user("u1", false));
    let hybrid = instance.hybrid();
    assert!(enter(&hybrid, &session()).is_ok());
    let shown = format!("{hybrid:?} {:?}", enter(&hybrid, "nobody-s-token").unwrap_err());
    assert!(shown.contains("https://directus.test/users/me") && shown.contains("of `directus`"), "{shown}");
    for secret in ["SECRET", &session(), "nobody-s-token"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Each setting accepts one more token, by both ways to verify it, and its neighbour without the setting refuses it unasked.
#[test]
fn settings_before_asking_carry_over() {
    type Set = fn(Directus) -> Directus;
    let rows: [(&str, Set, Value); 6] = [
        ("any issuer", Directus::dangerous_any_issuer, json!({ "iss": "other" })),
        ("any issuer, and none", Directus::dangerous_any_issuer, json!({ "iss": null })),
        ("without expiry", Directus::dangerous_without_expiry, json!({ "exp": null })),
        ("issued in the future", Directus::dangerous_issued_in_future, json!({ "iat": NOW + 5000 })),
        ("any audience", |directus| directus.dangerous_any_audience().unwrap(), json!({ "aud": "x" })),
        ("leeway", |directus| directus.leeway(Duration::from_secs(10)).unwrap(), json!({ "exp": NOW - 5 })),
    ];
    for (what, set, changes) in rows {
        for session in [false, true] {
            let mut claims = claims(changes.clone());
            let members = claims.as_object_mut().unwrap();
            members.retain(|_, value| !value.is_null());
            if session {
                members.insert("session".into(), json!("s"));
            }
            let token = signed(Algorithm::Hs256, SECRET, &claims);
            let instance = Instance::knowing(&token, Standing::user("u1", true));
            let way = set(Instance::local()).hybrid(URL, instance.clone()).unwrap();
            assert_eq!(subject(&way, &token), Ok("u1".into()), "{what}");
            assert_eq!(instance.asked(), if session { 2 } else { 0 }, "{what}");
            assert_eq!(subject(&instance.hybrid(), &token), Err(401), "{what}: not without the setting");
            assert_eq!(subject(&way, &format!("{token}x")), Err(401), "{what}: nor forged");
            assert_eq!(instance.asked(), if session { 2 } else { 0 }, "{what}");
        }
    }
}

/// In either order, and also the ones that make an instance.
#[test]
fn secrets_and_clocks_carry_over() {
    let of_session = |algorithm, secret| signed(algorithm, secret, &claims(json!({ "session": "s" })));
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let token = of_session(algorithm, SECRET);
        let instance = Instance::knowing(&token, Standing::user("u1", false));
        let any = Directus::dangerous_any_hmac(SECRET).unwrap().clock(FixedClock::at(NOW));
        assert_eq!(subject(&any.hybrid(URL, instance.clone()).unwrap(), &token), Ok("u1".into()));
        assert_eq!(subject(&instance.hybrid(), &token).is_ok(), algorithm == Algorithm::Hs256, "{algorithm}");
    }
    let short = Directus::dangerous_short_secret("short").unwrap().clock(FixedClock::at(NOW));
    let token = signed(Algorithm::Hs256, "short", &claims(json!({})));
    assert_eq!(subject(&short.hybrid(URL, Instance::default()).unwrap(), &token), Ok("u1".into()));
    // By the system's clock these tokens have not been issued yet, or are long over.
    let plain = crate::tokens::token(json!({}));
    let clock = FixedClock::at(NOW);
    let before =
        Instance::local().clock(clock.clone()).dangerous_any_issuer().hybrid(URL, Instance::default()).unwrap();
    let after = Directus::new(SECRET).unwrap().hybrid(URL, Instance::default()).unwrap().clock(clock.clone());
    assert!(enter(&before, &plain).is_ok() && enter(&after, &plain).is_ok());
    clock.advance(Duration::from_secs(900));
    assert_eq!(enter(&before, &plain).unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(enter(&after, &plain).unwrap_err().kind(), ErrorKind::Expired);
}

/// Any name means any token, opaque ones among them: all of them are asked about.
#[test]
fn any_issuer_and_opaque_tokens() {
    let foreign = token(json!({ "iss": "other", "session": "s" }));
    let instance = Instance::knowing("opaque", Standing::user("u9", false)).and(&foreign, Standing::unknown());
    let any = Instance::local().dangerous_any_issuer().hybrid(URL, instance.clone()).unwrap();
    assert_eq!((subject(&any, "opaque"), instance.asked()), (Ok("u9".into()), 2));
    // Case 74: Directus takes it for a static token that it does not know.
    assert_eq!((subject(&any, &foreign), instance.asked()), (Err(401), 3));
}
