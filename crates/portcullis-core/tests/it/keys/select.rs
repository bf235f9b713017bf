//! Which key a token means: by `kid`, type and algorithm, and never by guessing.

use super::*;
use crate::tokens::{HEADER, ISSUER, PASSES, at_noon, hold, invalid};
use portcullis_core::{Audience, Issuer, Jwt, KeySource};

fn key(byte: u8) -> SigningKey {
    SigningKey::secret(Algorithm::Hs512, [byte; 64]).unwrap()
}

fn issuer(algorithms: &[Algorithm], keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    Issuer::new(ISSUER, Audience::is("test"), algorithms.iter().copied(), keys)
}

fn hs512(keys: impl Into<KeySource>) -> Jwt {
    at_noon(issuer(&[Algorithm::Hs512], keys).unwrap())
}

fn signed(byte: u8, kid: Option<&str>) -> String {
    let kid = kid.map(|kid| format!(r#","kid":"{kid}""#)).unwrap_or_default();
    key(byte).sign(&format!(r#"{{"alg":"HS512"{kid}}}"#), &claims(""))
}

#[test]
fn by_identifier() {
    let verifier = hs512([key(1).key().with_id("1"), key(2).key().with_id("2")]);
    let wrong = || invalid("the signature does not fit");
    hold(
        &verifier,
        [
            ("the first", signed(1, Some("1")), PASSES),
            ("the second", signed(2, Some("2")), PASSES),
            ("the second called the first", signed(2, Some("1")), wrong()),
            ("the first called the second", signed(1, Some("2")), wrong()),
            ("neither", signed(1, Some("3")), invalid("the issuer has no key for HS512 with the token's `kid` (`3`)")),
            ("none named", signed(1, None), invalid("the token names no key, and there are several for HS512")),
        ],
    );
}

#[test]
fn a_key_without_identifier_serves_those_that_nobody_else_has() {
    let verifier = hs512([key(1).key().with_id("1"), key(2).key()]);
    let wrong = || invalid("the signature does not fit");
    hold(
        &verifier,
        [
            ("the first", signed(1, Some("1")), PASSES),
            ("another", signed(2, Some("other")), PASSES),
            ("another, signed by the first", signed(1, Some("other")), wrong()),
            ("the second called the first", signed(2, Some("1")), wrong()),
            ("none named", signed(2, None), PASSES),
            ("none named, signed by the first", signed(1, None), wrong()),
        ],
    );
    let verifier = hs512(key(1).key());
    hold(
        &verifier,
        [
            ("none named", signed(1, None), PASSES),
            ("any", signed(1, Some("any")), PASSES),
            ("any, signed by another", signed(2, Some("any")), wrong()),
        ],
    );
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let two = |first: Key, second: Key| issuer(&[Algorithm::Hs512], [first, second]).map(drop);
    assert!(two(key(1).key().with_id("1"), key(2).key().with_id("2")).is_ok());
    let error = two(key(1).key(), key(2).key()).unwrap_err();
    assert!(error.to_string().contains("two keys without `kid` for HS512"), "{error}");
    let error = two(key(1).key().with_id("1"), key(2).key().with_id("1")).unwrap_err();
    assert!(error.to_string().contains("two keys with the `kid` `1` for HS512"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[test]
fn one_identifier_for_keys_of_two_types() {
    // Which is what one finds where the identifier is a version or a date.
    let embedded = |algorithm| SigningKey::embedded(algorithm).key().with_id("2026");
    let both = [Algorithm::Rs256, Algorithm::Es256];
    let verifier = at_noon(issuer(&both, both.map(embedded)).unwrap());
    let table = both.map(|algorithm| {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"2026"}}"#);
        (algorithm.name(), SigningKey::embedded(algorithm).sign(&header, &claims("")), PASSES)
    });
    let crossed = SigningKey::embedded(Algorithm::Rs256).sign(r#"{"alg":"ES256","kid":"2026"}"#, &claims(""));
    hold(&verifier, table.into_iter().chain([("crossed", crossed, invalid("the signature does not fit"))]));
}

#[test]
fn a_jwk_without_algorithm_serves_those_that_are_named() {
    let jwk = || Key::jwk(&format!("{{{}}}", members(Algorithm::Rs256))).unwrap();
    let named = [Algorithm::Rs256, Algorithm::Ps512];
    let all =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];
    let verifier = at_noon(issuer(&named, jwk()).unwrap());
    let table = all.map(|algorithm| {
        let want = if named.contains(&algorithm) { PASSES } else { invalid("the issuer has no key for") };
        (algorithm.name(), token(algorithm), want)
    });
    hold(&verifier, table);

    let only = Key::jwk(&format!(r#"{{{},"alg":"RS256"}}"#, members(Algorithm::Rs256))).unwrap();
    let error = issuer(&named, only.clone()).unwrap_err();
    assert!(error.to_string().contains("no key for PS512"), "{error}");
    assert!(issuer(&[Algorithm::Rs256], only).is_ok());
}

#[test]
fn a_secret_without_algorithm_serves_those_it_is_long_enough_for() {
    // RFC 7518, section 3.2.
    let oct = |length| Key::jwk(&format!(r#"{{"kty":"oct","k":"{}"}}"#, base64url(secret(length)))).unwrap();
    for (length, good, bad) in [
        (32, &[Algorithm::Hs256][..], &[Algorithm::Hs384, Algorithm::Hs512][..]),
        (48, &[Algorithm::Hs256, Algorithm::Hs384], &[Algorithm::Hs512]),
        (64, &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512], &[]),
    ] {
        assert!(issuer(good, oct(length)).is_ok(), "{length}");
        for algorithm in bad {
            let error = issuer(&[*algorithm], oct(length)).unwrap_err();
            assert!(error.to_string().contains(&format!("no key for {algorithm}")), "{error}");
        }
    }
    let verifier = at_noon(issuer(&[Algorithm::Hs256], oct(32)).unwrap());
    let key = SigningKey::secret(Algorithm::Hs256, secret(32)).unwrap();
    assert!(verifier.verify(&key.sign(HEADER, &claims(""))).is_ok());
}

#[test]
fn issuers_with_each_others_keys() {
    // The same identifier with two issuers, and the keys the other way round: neither is tried for the other.
    let of = |name: &str, algorithm| {
        let key = SigningKey::embedded(algorithm).key().with_id("1");
        Issuer::new(name, Audience::is("test"), [algorithm], key).unwrap()
    };
    let verifier = Jwt::new(of("rsa", Algorithm::Rs256)).issuer(of("ec", Algorithm::Es256)).unwrap();
    let verifier = verifier.clock(portcullis_core::testing::FixedClock::at(crate::tokens::NOW));
    let token = |name: &str, algorithm: Algorithm| {
        let claims = claims("").replace(ISSUER, name);
        SigningKey::embedded(algorithm).sign(&format!(r#"{{"alg":"{algorithm}","kid":"1"}}"#), &claims)
    };
    hold(
        &verifier,
        [
            ("rsa", token("rsa", Algorithm::Rs256), PASSES),
            ("ec", token("ec", Algorithm::Es256), PASSES),
            ("rsa with the key of ec", token("rsa", Algorithm::Es256), invalid("the issuer has no key for ES256")),
            ("ec with the key of rsa", token("ec", Algorithm::Rs256), invalid("the issuer has no key for RS256")),
        ],
    );
}
