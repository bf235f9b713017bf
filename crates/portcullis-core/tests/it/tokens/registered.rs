//! A registered claim that is there has the type that RFC 7519, section 4.1, gives it; wrong is never taken for absent.

use super::*;

fn without(claim: &str, more: &str) -> String {
    let rest = [("iss", format!("\"{ISSUER}\"")), ("aud", "\"test\"".to_owned()), ("sub", "\"alice\"".to_owned())];
    let mut members: Vec<String> = rest
        .into_iter()
        .filter(|(name, _)| *name != claim)
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    if claim != "exp" {
        members.push(format!(r#""exp":{}"#, NOW + 300));
    }
    members.extend(Some(more.to_owned()).filter(|more| !more.is_empty()));
    with_claims(&format!("{{{}}}", members.join(",")))
}

#[test]
fn strings() {
    for (claim, why) in [("sub", "`sub` is not a string"), ("jti", "`jti` is not a string")] {
        let mut table = vec![
            (format!("{claim} absent"), without(claim, ""), PASSES),
            (format!("{claim} a string"), without(claim, &format!(r#""{claim}":"x""#)), PASSES),
            (format!("{claim} an empty string"), without(claim, &format!(r#""{claim}":"""#)), PASSES),
        ];
        for value in ["5", "null", "true", "[]", r#"["x"]"#, "{}"] {
            table.push((format!("{claim} {value}"), without(claim, &format!(r#""{claim}":{value}"#)), invalid(why)));
        }
        hold(&verifier(), table);
    }
}

#[test]
fn times() {
    let bounds = "is not a time between 1970 and the year 9999 in seconds";
    for (claim, good) in [("exp", "1767269100"), ("nbf", "1767268800"), ("iat", "1767268800")] {
        let of = |value: &str| without(claim, &format!(r#""{claim}":{value}"#));
        let mut table = vec![
            (format!("{claim} whole"), of(good), PASSES),
            (format!("{claim} with a fraction"), of(&format!("{good}.0")), PASSES),
            (format!("{claim} with an exponent"), of(&format!("{good}00e-2")), PASSES),
        ];
        for value in [
            "null",
            "true",
            "[]",
            "{}",
            r#""1767269100""#,
            r#""""#,
            "[1767269100]",
            "-1",
            "-0.5",
            "-1767269100",
            "253402300800",
            "1e12",
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775808",
            "1e308",
            "-9223372036854775809",
            "1767269100000",
        ] {
            table.push((format!("{claim} {value}"), of(value), invalid(bounds)));
        }
        hold(&verifier(), table);
    }
}

#[test]
fn the_year_9999_is_the_end() {
    hold(
        &verifier(),
        [
            ("its last second", without("exp", r#""exp":253402300799"#), PASSES),
            ("the year 10000", without("exp", r#""exp":253402300800"#), invalid("`exp` is not a time")),
            ("zero is long ago", without("exp", r#""exp":0"#), expired("the token expired")),
            ("minus zero as well", without("exp", r#""exp":-0"#), expired("the token expired")),
        ],
    );
}

#[test]
fn expiry_is_required_unless_it_is_waived() {
    let missing = || invalid("the token has no `exp`");
    hold(&verifier(), [("with", good(), PASSES), ("without", without("exp", ""), missing())]);
    hold(
        &at_noon(issuer().dangerous_without_expiry()),
        [
            ("without", without("exp", ""), PASSES),
            ("with", good(), PASSES),
            ("expired", without("exp", r#""exp":1767268800"#), expired("the token expired 0 s ago")),
            ("null", without("exp", r#""exp":null"#), invalid("`exp` is not a time")),
            ("a string", without("exp", r#""exp":"never""#), invalid("`exp` is not a time")),
        ],
    );
}

#[test]
fn what_the_types_are_is_told_before_anybody_vouches_for_them_and_changes_nothing() {
    // A forged token with malformed claims is refused as one with sound claims is, and names the issuer it claims.
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let error = verifier().verify(&theirs.sign(HEADER, &claims(r#""nbf":null"#))).unwrap_err();
    assert_eq!((error.kind(), error.code(), error.status()), (ErrorKind::Invalid, "invalid_token", 401));
    let other = verifier().verify(&theirs.sign(HEADER, &claims(""))).unwrap_err();
    assert_eq!(error.challenge(None), other.challenge(None));
    assert_eq!(error.issuer(), Some(ISSUER));
    // Of an issuer that is not ours, nothing is told.
    let foreign = r#"{"iss":"x","exp":"never","aud":5}"#;
    let error = verifier().verify(&theirs.sign(HEADER, foreign)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unrecognized);
}
