//! JSON objects in one reading only (RFC 8259; RFC 8725, section 3.11 of its revision): no member twice, no extensions of
//! the grammar.

use super::*;

#[test]
fn a_member_stands_once_in_the_header() {
    let twice = || invalid("the header is a JSON object with a duplicate member");
    let of = |text: &str| with_header(text);
    hold(
        &verifier(),
        [
            ("once", of(r#"{"alg":"HS256","kid":"a","x":1}"#), PASSES),
            ("alg", of(r#"{"alg":"none","alg":"HS256"}"#), twice()),
            ("alg, the same", of(r#"{"alg":"HS256","alg":"HS256"}"#), twice()),
            ("alg, escaped", of(r#"{"\u0061lg":"none","alg":"HS256"}"#), twice()),
            ("alg, escaped in two ways", of(r#"{"\u0061lg":"HS256","a\u006Cg":"HS256"}"#), twice()),
            ("another letter case is another name", of(r#"{"alg":"HS256","ALG":"none"}"#), PASSES),
            ("kid", of(r#"{"alg":"HS256","kid":"a","kid":"b"}"#), twice()),
            ("one that nobody knows", of(r#"{"alg":"HS256","x":1,"x":1}"#), twice()),
            ("inside", of(r#"{"alg":"HS256","x":{"a":1,"a":2}}"#), twice()),
            ("inside an array", of(r#"{"alg":"HS256","x":[0,[{"a":1,"\u0061":2}]]}"#), twice()),
            ("in two objects", of(r#"{"alg":"HS256","x":{"a":1},"y":{"a":1,"x":2}}"#), PASSES),
        ],
    );
}

#[test]
fn a_member_stands_once_in_the_claims() {
    let twice = || invalid("the claims are a JSON object with a duplicate member");
    let many = |last: &str| (0..100).map(|n| format!(r#""n{n}":{n},"#)).collect::<String>() + last;
    hold(
        &verifier(),
        [
            ("once", with_more(r#""role":"user""#), PASSES),
            ("sub", with_more(r#""sub":"root""#), twice()),
            ("exp", with_more(r#""exp":253402300799"#), twice()),
            ("iss", with_more(r#""iss":"https://issuer.test""#), twice()),
            ("aud, escaped", with_more(r#""\u0061ud":"test""#), twice()),
            ("role", with_more(r#""role":"user","role":"admin""#), twice()),
            ("admin_access", with_more(r#""admin_access":false,"admin\u005faccess":true"#), twice()),
            ("a surrogate pair", with_more(r#""😀":1,"\ud83d\ude00":2"#), twice()),
            ("a quote and a line feed", with_more(r#""\"\n":1,"\u0022\u000A":2"#), twice()),
            ("the empty name", with_more(r#""":1,"":2"#), twice()),
            ("inside", with_more(r#""realm_access":{"roles":[],"roles":["admin"]}"#), twice()),
            ("deep inside", with_more(r#""a":[[{"b":[{"c":1,"d":2,"c":3}]}]]"#), twice()),
            ("in two objects", with_more(r#""a":[{"sub":1},{"sub":2}],"b":{"a":1}"#), PASSES),
            ("many", with_more(&many(r#""n100":0"#)), PASSES),
            ("many, one twice", with_more(&many(r#""n\u0035":0"#)), twice()),
            ("other Unicode forms are other names", with_more("\"\u{e9}\":1,\"e\u{301}\":2"), PASSES),
        ],
    );
}

#[test]
fn objects_and_nothing_like_them() {
    let no_object = || unrecognized("not a JWT");
    let header = |text: &str| with_header(text);
    hold(
        &verifier(),
        [
            ("an object", header(HEADER), PASSES),
            ("an array", header(r#"[{"alg":"HS256"}]"#), no_object()),
            ("a string", header(r#""HS256""#), no_object()),
            ("null", header("null"), no_object()),
            ("white space", header("  "), no_object()),
            ("a comma at the end", header(r#"{"alg":"HS256",}"#), no_object()),
            ("two objects", header(r#"{"alg":"HS256"}{"alg":"HS256"}"#), no_object()),
            ("something behind", header(r#"{"alg":"HS256"} x"#), no_object()),
            ("NUL behind", header("{\"alg\":\"HS256\"}\0"), no_object()),
            ("cut off", header(r#"{"alg":"HS256""#), no_object()),
            ("single quotes", header(r"{'alg':'HS256'}"), no_object()),
            ("a name without quotes", header(r#"{alg:"HS256"}"#), no_object()),
            ("a comment", header(r#"{"alg":"HS256"/* none */}"#), no_object()),
            ("a line feed in a string", header("{\"alg\":\"HS256\",\"x\":\"\n\"}"), no_object()),
            ("a lone surrogate", header(r#"{"alg":"HS256","x":"\ud800"}"#), invalid("the header is not a JSON object")),
            ("an escape that there is not", header(r#"{"alg":"HS256","x":"\x41"}"#), no_object()),
        ],
    );
    let no_object = || invalid("the claims are not a JSON object");
    let mut table = vec![("an object", good(), PASSES), ("an array", with_claims("[]"), no_object())];
    table.push((
        "numbers",
        with_more(r#""x":[0,-0,1.5,1e5,1E-5,-1.0e+2,1e308,123456789012345678901234567890]"#),
        PASSES,
    ));
    table.push(("literals", with_more(r#""x":[true,false,null]"#), PASSES));
    for value in [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "1e400",
        "-1e400",
        "01",
        "+1",
        ".5",
        "1.",
        "0x10",
        "1_000",
        "1e",
        "-",
        "True",
        "undefined",
        "tru",
        "nulll",
        "'x'",
        "\"\u{1}\"",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        "[1,]",
        "{,}",
        "\u{feff}1",
    ] {
        table.push((value, with_more(&format!(r#""x":{value}"#)), no_object()));
    }
    hold(&verifier(), table);
}
