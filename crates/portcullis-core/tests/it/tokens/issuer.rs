//! `iss`: one string, byte for byte, and the keys that belong to it (RFC 8725, section 3.8; CVE-2024-53861).

use super::*;

fn says(iss: &str) -> String {
    with_claims(&format!(r#"{{"iss":{iss},"aud":"test","sub":"alice","exp":{}}}"#, NOW + 300))
}

fn silent() -> String {
    with_claims(SILENT)
}

const SILENT: &str = r#"{"aud":"test","sub":"alice","exp":1767269100}"#;

#[test]
fn the_name_is_compared_byte_for_byte() {
    let other = || unrecognized("accepted are `https://issuer.test`");
    let malformed = || unrecognized("the token has an `iss` that is not a string; accepted are `https://issuer.test`");
    hold(
        &verifier(),
        [
            ("the name", says(r#""https://issuer.test""#), PASSES),
            ("escaped", says(r#""https:\/\/issuer\u002etest""#), PASSES),
            ("another", says(r#""https://attacker.example""#), other()),
            ("a slash more", says(r#""https://issuer.test/""#), other()),
            ("the beginning", says(r#""https://issuer.tes""#), other()),
            ("a part", says(r#""issuer.test""#), other()),
            ("with more behind", says(r#""https://issuer.test.attacker.example""#), other()),
            ("upper case", says(r#""https://ISSUER.test""#), other()),
            ("a space", says(r#"" https://issuer.test""#), other()),
            ("another scheme", says(r#""http://issuer.test""#), other()),
            ("NUL", says(r#""https://issuer.test\u0000""#), other()),
            ("a look-alike", says("\"https://іssuer.test\""), other()),
            ("empty", says(r#""""#), other()),
            ("absent", silent(), unrecognized("the token has no `iss`; accepted are `https://issuer.test`")),
            ("an array", says(r#"["https://issuer.test"]"#), malformed()),
            ("an object", says(r#"{"https://issuer.test":1}"#), malformed()),
            ("a number", says("7"), malformed()),
            ("null", says("null"), malformed()),
            ("true", says("true"), malformed()),
        ],
    );
}

#[test]
fn any_name_still_has_to_be_a_name() {
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    hold(
        &at_noon(issuer().dangerous_any_name()),
        [
            ("the name", good(), PASSES),
            ("another", says(r#""https://other.example""#), PASSES),
            ("absent", silent(), PASSES),
            ("an array", says(r#"["https://issuer.test"]"#), invalid("`iss` is not a string")),
            ("null", says("null"), invalid("`iss` is not a string")),
            ("another key", theirs.sign(HEADER, &claims("")), invalid("the signature does not fit")),
        ],
    );
    let alone = Jwt::new(issuer().dangerous_any_name());
    let second =
        || Issuer::new("https://second.test", Audience::is("test"), [Algorithm::Hs256], hs256().key()).unwrap();
    assert!(Jwt::new(issuer()).issuer(second()).is_ok());
    for error in
        [alone.issuer(second()), Jwt::new(issuer()).issuer(second().dangerous_any_name())].map(Result::unwrap_err)
    {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("the only one"), "{error}");
    }
    let error = Jwt::new(issuer()).issuer(issuer()).unwrap_err();
    assert_eq!(error.to_string(), "two issuers are called `https://issuer.test`");
}

#[test]
fn an_unnamed_issuer_signs_tokens_without_a_name() {
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let other = || unrecognized("accepted are none");
    hold(
        &at_noon(issuer().unnamed()),
        [
            ("absent", silent(), PASSES),
            ("its own name", good(), other()),
            ("another", says(r#""https://other.example""#), other()),
            ("empty", says(r#""""#), other()),
            ("null", says("null"), unrecognized("the token has an `iss` that is not a string; accepted are none")),
            ("another key", theirs.sign(HEADER, SILENT), invalid("the signature does not fit")),
        ],
    );
    // Beside others, each has its own tokens.
    let second = || Issuer::new("https://second.test", Audience::is("test"), [Algorithm::Hs256], theirs.key()).unwrap();
    let verifier = Jwt::new(second()).issuer(issuer().unnamed()).unwrap().clock(FixedClock::at(NOW));
    let of_second = r#"{"iss":"https://second.test","aud":"test","sub":"bob","exp":9999999999}"#;
    hold(
        &verifier,
        [
            ("unnamed", silent(), PASSES),
            ("named", theirs.sign(HEADER, of_second), PASSES),
            ("unnamed, by the key of the other", theirs.sign(HEADER, SILENT), invalid("the signature does not fit")),
            ("the name of the unnamed", good(), unrecognized("accepted are `https://second.test`, none")),
        ],
    );
    let error = Jwt::new(issuer().unnamed()).issuer(second().unnamed()).unwrap_err();
    assert_eq!(error.to_string(), "two issuers are unnamed, and nothing tells their tokens apart");
}

#[test]
fn issuers_side_by_side_keep_their_keys_audiences_and_rules() {
    let key = |byte: u8| SigningKey::secret(Algorithm::Hs256, [byte; 32]).unwrap();
    let of = |name: &str, audience: &str, byte: u8| {
        Issuer::new(name, Audience::is(audience), [Algorithm::Hs256], key(byte).key().with_id("1")).unwrap()
    };
    let verifier =
        Jwt::new(of("a", "for-a", 1).rules(portcullis_core::Rules::new().require("token_use", "access").unwrap()))
            .issuer(of("b", "for-b", 2))
            .unwrap()
            .clock(FixedClock::at(NOW));
    let token = |name: &str, audience: &str, byte: u8| {
        let claims =
            format!(r#"{{"iss":"{name}","aud":"{audience}","sub":"x","exp":{},"token_use":"access"}}"#, NOW + 1);
        key(byte).sign(r#"{"alg":"HS256","kid":"1"}"#, &claims)
    };
    hold(
        &verifier,
        [
            ("a", token("a", "for-a", 1), PASSES),
            ("b", token("b", "for-b", 2), PASSES),
            ("a, signed by b", token("a", "for-a", 2), invalid("the signature does not fit")),
            ("b, signed by a", token("b", "for-b", 1), invalid("the signature does not fit")),
            ("a, for the audience of b", token("a", "for-b", 1), invalid("the token is for `for-b`")),
            ("b, for the audience of a", token("b", "for-a", 2), invalid("the token is for `for-a`")),
            ("c", token("c", "for-a", 1), unrecognized("accepted are `a`, `b`")),
        ],
    );
    // Who is blamed: the issuer that the token names, once it is one of ours.
    let error = verifier.verify(&token("b", "for-b", 1)).unwrap_err();
    assert_eq!(error.issuer(), Some("b"));
    assert_eq!(verifier.verify(&token("c", "for-a", 1)).unwrap_err().issuer(), None);
}

#[test]
fn an_issuer_is_put_together_soundly() {
    let new = |name: &str, audience: Audience, algorithms: &[Algorithm]| {
        Issuer::new(name, audience, algorithms.iter().copied(), hs256().key()).map(|issuer| issuer.name().to_owned())
    };
    let hs = &[Algorithm::Hs256][..];
    assert_eq!(new("x", Audience::is("test"), hs).unwrap(), "x");
    for (name, audience, algorithms, why) in [
        ("", Audience::is("test"), hs, "may not be empty"),
        ("x", Audience::is(""), hs, "may not be empty"),
        ("x", Audience::any_of(["test", ""]), hs, "may not be empty"),
        ("x", Audience::any_of(Vec::<String>::new()), hs, "may not be empty"),
        ("x", Audience::client_id(""), hs, "may not be empty"),
        ("x", Audience::client_ids([""; 0]), hs, "may not be empty"),
        ("x", Audience::is("test"), &[], "no algorithm"),
        ("x", Audience::is("test"), &[Algorithm::Hs256, Algorithm::Hs384], "no key for HS384"),
        ("x", Audience::is("test"), &[Algorithm::Rs256], "no key for RS256"),
    ] {
        let error = new(name, audience, algorithms).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(why), "{error}");
    }
}
