//! What the header may say beside the algorithm (RFC 7515, section 4.1).

use super::*;

fn header(more: &str) -> String {
    with_header(&format!(r#"{{"alg":"HS256",{more}}}"#))
}

#[test]
fn types() {
    let wrong = || invalid("`typ`");
    hold(
        &verifier(),
        [
            ("absent", with_header(r#"{"alg":"HS256"}"#), PASSES),
            ("JWT", header(r#""typ":"JWT""#), PASSES),
            ("jwt", header(r#""typ":"jwt""#), PASSES),
            ("application/jwt", header(r#""typ":"application/jwt""#), PASSES),
            ("Application/JWT", header(r#""typ":"Application/JWT""#), PASSES),
            ("at+jwt", header(r#""typ":"at+jwt""#), PASSES),
            ("application/at+jwt", header(r#""typ":"application/at+JWT""#), PASSES),
            ("logout token", header(r#""typ":"logout+jwt""#), wrong()),
            ("DPoP proof", header(r#""typ":"dpop+jwt""#), wrong()),
            ("security event", header(r#""typ":"secevent+jwt""#), wrong()),
            ("JOSE", header(r#""typ":"JOSE""#), wrong()),
            ("empty", header(r#""typ":"""#), wrong()),
            ("a space", header(r#""typ":"JWT ""#), wrong()),
            ("twice application", header(r#""typ":"application/application/jwt""#), wrong()),
            ("another tree", header(r#""typ":"text/jwt""#), wrong()),
            ("null", header(r#""typ":null"#), invalid("`typ` is not a string")),
            ("an array", header(r#""typ":["JWT"]"#), invalid("`typ` is not a string")),
        ],
    );
}

#[test]
fn one_type_asked_for() {
    let wrong = || invalid("`typ`");
    for asked in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        hold(
            &at_noon(issuer().token_type(asked)),
            [
                ("at+jwt", header(r#""typ":"at+jwt""#), PASSES),
                ("application/at+jwt", header(r#""typ":"application/At+Jwt""#), PASSES),
                ("JWT", header(r#""typ":"JWT""#), wrong()),
                ("absent", with_header(r#"{"alg":"HS256"}"#), wrong()),
            ],
        );
    }
}

#[test]
fn several_types() {
    let both = issuer().token_type("at+jwt").token_type("application/vnd.example+jwt");
    hold(
        &at_noon(both),
        [
            ("the first", header(r#""typ":"at+jwt""#), PASSES),
            ("the second", header(r#""typ":"vnd.example+jwt""#), PASSES),
            ("JWT", header(r#""typ":"JWT""#), invalid("`typ`")),
            ("absent", with_header(r#"{"alg":"HS256"}"#), invalid("`typ`")),
        ],
    );
    let any = issuer().dangerous_any_token_type();
    hold(
        &at_noon(any.clone()),
        [
            ("logout token", header(r#""typ":"logout+jwt""#), PASSES),
            ("malformed", header(r#""typ":7"#), invalid("`typ` is not a string")),
        ],
    );
    hold(
        &at_noon(any.token_type("at+jwt")),
        [("at+jwt", header(r#""typ":"at+jwt""#), PASSES), ("JWT", header(r#""typ":"JWT""#), invalid("`typ`"))],
    );
}

#[test]
fn extensions_and_encodings_are_refused() {
    // RFC 7515, section 4.1.11; RFC 7797, section 6; CVE-2025-59420, CVE-2026-32597.
    let demands = || invalid("demands extensions (`crit`)");
    let encodes = || invalid("an encoding of its own");
    hold(
        &verifier(),
        [
            ("an unknown member that nobody demands", header(r#""exp":1,"x":{"crit":["b64"],"zip":"DEF"}"#), PASSES),
            ("crit", header(r#""crit":["exp"],"exp":1"#), demands()),
            ("crit with b64", header(r#""crit":["b64"],"b64":true"#), demands()),
            ("crit, empty", header(r#""crit":[]"#), demands()),
            ("crit, null", header(r#""crit":null"#), demands()),
            ("crit, a string", header(r#""crit":"exp""#), demands()),
            ("crit, an object", header(r#""crit":{}"#), demands()),
            ("crit, escaped", header(r#""\u0063rit":["exp"]"#), demands()),
            ("b64 false", header(r#""b64":false"#), encodes()),
            ("b64 true", header(r#""b64":true"#), encodes()),
            ("zip", header(r#""zip":"DEF""#), encodes()),
            ("zip, null", header(r#""zip":null"#), encodes()),
        ],
    );
    let unencoded =
        sign_parts(&base64url(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#), &claims("").replace('.', "%2E"));
    hold(&verifier(), [("good", good(), PASSES), ("RFC 7797", unencoded, demands())]);
}

#[test]
fn content_types() {
    let wraps = || invalid("`cty`");
    hold(
        &verifier(),
        [
            ("json", header(r#""cty":"json""#), PASSES),
            ("application/json", header(r#""cty":"application/JSON""#), PASSES),
            ("nested", header(r#""cty":"JWT""#), wraps()),
            ("nested, lower case", header(r#""cty":"jwt""#), wraps()),
            ("text", header(r#""cty":"text/plain""#), wraps()),
            ("empty", header(r#""cty":"""#), wraps()),
            ("null", header(r#""cty":null"#), invalid("`cty` is not a string")),
        ],
    );
}

#[test]
fn keys_that_the_sender_offers_are_not_used() {
    // CVE-2018-0114: whoever signs with a key of his own sends it along.
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let k = base64url([7; 32]);
    let offers = [
        format!(r#""jwk":{{"kty":"oct","k":"{k}","alg":"HS256"}}"#),
        r#""jku":"https://attacker.example/jwks.json""#.to_owned(),
        r#""x5u":"https://attacker.example/cert.pem""#.to_owned(),
        format!(r#""x5c":["{k}"]"#),
        r#""x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA","x5t#S256":"AAAA""#.to_owned(),
        r#""jwk":null,"jku":5,"x5u":[],"x5c":"x""#.to_owned(),
    ];
    for offer in offers {
        let header = format!(r#"{{"alg":"HS256",{offer}}}"#);
        hold(
            &verifier(),
            [
                ("signed with the issuer's key", hs256().sign(&header, &claims("")), PASSES),
                (
                    "signed with the key offered",
                    theirs.sign(&header, &claims("")),
                    invalid("the signature does not fit"),
                ),
            ],
        );
    }
}

#[test]
fn key_identifiers_are_strings_and_nothing_else() {
    let key = || hs256().key().with_id("one");
    let unknown = || invalid("the issuer has no key");
    hold(
        &at_noon(issuer_with(key(), Algorithm::Hs256)),
        [
            ("the key's", header(r#""kid":"one""#), PASSES),
            ("escaped", header(r#""kid":"\u006fne""#), PASSES),
            ("absent, and there is one key", with_header(r#"{"alg":"HS256"}"#), PASSES),
            ("another", header(r#""kid":"two""#), unknown()),
            ("upper case", header(r#""kid":"One""#), unknown()),
            ("more", header(r#""kid":"one ""#), unknown()),
            ("empty", header(r#""kid":"""#), unknown()),
            ("a path", header(r#""kid":"../../../../dev/null""#), unknown()),
            ("a query", header(r#""kid":"x' UNION SELECT 'secret""#), unknown()),
            ("a number", header(r#""kid":1"#), invalid("`kid` is not a string")),
            ("null", header(r#""kid":null"#), invalid("`kid` is not a string")),
            ("an array", header(r#""kid":["one"]"#), invalid("`kid` is not a string")),
        ],
    );
}
