//! What opaque tokens look like: nobody is asked about others.

use super::{active, ask, asking, asking_of, assert_is, client::*, jwt_of, without_keys};
use crate::tokens::{ISSUER, NOW, PASSES, Want, invalid, issuer as with_keys};
use futures_util::FutureExt;
use portcullis_core::{Credential, CredentialSource, Error, ErrorKind, OpaqueTokens, WhoAmI, testing::FixedClock};

fn unrecognized() -> Want {
    Err((ErrorKind::Unrecognized, "does not look like an opaque token of `https://issuer.test`"))
}

fn ory() -> OpaqueTokens {
    let opaque = OpaqueTokens::new().prefix("ory_at_").unwrap().length(10..=20).unwrap();
    opaque.characters(|character| character.is_ascii_alphanumeric() || character == '_').unwrap()
}

#[test]
fn credentials_that_do_not_look_like_one() {
    let jwt = jwt_of(ISSUER, "");
    let rows = [
        ("one", "ory_at_abc", PASSES),
        ("the longest", "ory_at_abcdefghij012", PASSES),
        ("a JWT", &jwt, PASSES),
        ("too short", "ory_at_ab", unrecognized()),
        ("too long", "ory_at_abcdefghij0123", unrecognized()),
        ("longer than any token", &"x".repeat(9000), unrecognized()),
        ("another prefix", "ory_rt_abc", unrecognized()),
        ("another case", "Ory_at_abc", unrecognized()),
        ("a prefix further on", "x_ory_at_abc", unrecognized()),
        ("another character", "ory_at_ab-c", unrecognized()),
        ("not ASCII", "ory_at_abcé", unrecognized()),
        ("nearly a JWT", "ory_at_.abc.def", unrecognized()),
    ];
    for issuer in [without_keys, with_keys] {
        for (what, token, want) in rows {
            let endpoint = Endpoint::saying(active(&[]));
            let asking = asking_of(issuer(), &endpoint, &FixedClock::at(NOW)).opaque_tokens(ory());
            assert_is(what, &ask(&asking, token), want);
            assert_eq!(endpoint.asked(), usize::from(want.is_ok()), "{what}");
            // The same of who is asked with the token itself.
            let endpoint = Endpoint::saying(active(&[]));
            let me = WhoAmI::new(issuer(), super::URL, endpoint.clone()).unwrap().clock(FixedClock::at(NOW));
            let credential = Credential::new(token, CredentialSource::bearer());
            let outcome = me.opaque_tokens(ory()).authenticate(&credential).now_or_never().unwrap();
            assert_is(what, &outcome, want);
            assert_eq!(endpoint.asked(), usize::from(want.is_ok()), "{what}");
        }
    }
    let endpoint = Endpoint::saying(active(&[]));
    let long = "x".repeat(9000);
    assert_is("by default", &ask(&asking(&endpoint), &long), invalid("max_token_bytes"));
    assert_is("by default", &ask(&asking(&endpoint), "é"), PASSES);
}

#[test]
fn jwts_only() {
    let jwt = jwt_of(ISSUER, "");
    for (what, token, want) in [
        ("a JWT", jwt.as_str(), PASSES),
        ("a static token", "static-token", unrecognized()),
        ("one character", "x", unrecognized()),
        ("longer than any token", &"x".repeat(9000), unrecognized()),
    ] {
        let endpoint = Endpoint::saying(active(&[]));
        let asking = asking_of(without_keys(), &endpoint, &FixedClock::at(NOW)).opaque_tokens(OpaqueTokens::none());
        assert_is(what, &ask(&asking, token), want);
        assert_eq!(endpoint.asked(), usize::from(want.is_ok()), "{what}");
    }
    assert!(OpaqueTokens::none().prefix("a_").is_err(), "a prefix of none");
}

#[test]
fn several_prefixes_and_open_lengths() {
    let fits = |opaque: &OpaqueTokens, token: &str| {
        let asking = asking(&Endpoint::saying(active(&[]))).opaque_tokens(opaque.clone());
        ask(&asking, token).is_ok()
    };
    let both = OpaqueTokens::new().prefix("a_").unwrap().prefix("b_").unwrap();
    let found = ["a_1", "b_1", "c_1", "a_"].map(|token| fits(&both, token));
    assert_eq!(found, [true, true, false, true]);
    let lengths = |opaque: Result<OpaqueTokens, Error>| {
        let opaque = opaque.unwrap();
        ["x", "xx", "xxx"].map(|token| fits(&opaque, token))
    };
    assert_eq!(lengths(OpaqueTokens::new().length(2..)), [false, true, true]);
    assert_eq!(lengths(OpaqueTokens::new().length(..3)), [true, true, false]);
    assert_eq!(lengths(OpaqueTokens::new().length(..=2)), [true, true, false]);
    assert_eq!(lengths(OpaqueTokens::new().length(2..3)), [false, true, false]);
    assert_eq!(lengths(OpaqueTokens::new().length(..)), [true, true, true]);
}

#[test]
fn what_no_token_looks_like() {
    let is_digit = |character: char| character.is_ascii_digit();
    let long = OpaqueTokens::new().prefix("long_").unwrap();
    for (what, opaque, why) in [
        ("empty", OpaqueTokens::new().prefix(""), "leave it out"),
        ("no length", OpaqueTokens::new().length(5..5), "no token is that long"),
        ("nothing", OpaqueTokens::new().length(..1), "no token is that long"),
        ("a longer prefix", long.clone().length(..=4), "longer than a token"),
        ("a longer prefix, after", OpaqueTokens::new().length(..=4).unwrap().prefix("long_"), "longer than a token"),
        ("other characters", long.characters(is_digit), "characters that no token has"),
        ("no character", OpaqueTokens::new().characters(|_| false), "no ASCII character"),
        ("none of ASCII", OpaqueTokens::new().characters(|character| character == 'é'), "no ASCII character"),
    ] {
        let error = opaque.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{what}");
        assert!(error.to_string().contains(why), "{what}: {error}");
    }
    assert!(OpaqueTokens::new().prefix("long_").unwrap().length(..=5).is_ok());
    assert!(OpaqueTokens::new().prefix("12").unwrap().characters(is_digit).is_ok());
}
