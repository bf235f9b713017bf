//! Three parts with dots between them, and not too many bytes (RFC 7515, section 7.1).

use super::*;

#[test]
fn a_token_has_three_parts() {
    let good = good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let no_jwt = || unrecognized("not a JWT");
    hold(
        &verifier(),
        [
            ("good", good.clone(), PASSES),
            ("empty", String::new(), no_jwt()),
            ("one part", header.to_owned(), no_jwt()),
            ("two parts", signed.to_owned(), no_jwt()),
            ("four parts", format!("{good}.{signature}"), no_jwt()),
            ("five parts", format!("{good}.{signature}.{signature}"), invalid("the token is encrypted (JWE)")),
            ("a dot in front", format!(".{good}"), no_jwt()),
            ("a dot behind", format!("{good}."), no_jwt()),
            ("two dots", "..".to_owned(), no_jwt()),
            ("a dot", ".".to_owned(), no_jwt()),
            ("no header", format!(".{payload}.{signature}"), no_jwt()),
            ("no payload", sign_parts(header, ""), invalid("the claims are not a JSON object")),
            ("no signature", format!("{signed}."), invalid("the signature does not fit")),
            ("an API key", "pk_live_abcdefghijklmnopqrstuvwxyz".to_owned(), no_jwt()),
            ("text that is not ASCII", "größer.größer.größer".to_owned(), no_jwt()),
            ("NUL", "\0.\0.\0".to_owned(), no_jwt()),
        ],
    );
}

#[test]
fn the_json_serialization_is_no_token() {
    // RFC 7515, section 7.2: flattened and general.
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let flattened = format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#);
    let general =
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#);
    let dotted = format!(r#"{{"a":"{good}"}}"#);
    hold(
        &verifier(),
        [
            ("compact", good.clone(), PASSES),
            ("flattened", flattened, unrecognized("not a JWT")),
            ("general", general, unrecognized("not a JWT")),
            ("compact inside JSON", dotted, unrecognized("not a JWT")),
            ("quoted", format!("\"{good}\""), unrecognized("not a JWT")),
            ("with its scheme", format!("Bearer {good}"), unrecognized("not a JWT")),
        ],
    );
}

#[test]
fn the_size_is_capped_before_anything_is_decoded() {
    let of_length = |length: usize| {
        (0..)
            .map(|pad| with_more(&format!(r#""pad":"{}""#, "x".repeat(length * 3 / 4 - 280 + pad))))
            .find(|token| token.len() >= length)
            .filter(|token| token.len() == length)
            .expect("a length that base64url can have")
    };
    let too_long = |bytes| invalid(bytes);
    hold(
        &verifier(),
        [
            ("8192 bytes", of_length(8192), PASSES),
            ("8193 bytes", of_length(8193), too_long("more than 8192 bytes")),
            (
                "a mebibyte, signed",
                with_more(&format!(r#""pad":"{}""#, "x".repeat(1 << 20))),
                too_long("more than 8192"),
            ),
            ("a million dots", ".".repeat(1_000_000), unrecognized("not a JWT")),
            ("a mebibyte that is opaque", "x".repeat(1 << 20), unrecognized("not a JWT")),
            (
                "a mebibyte that is opaque, in three parts",
                format!("{}.x.x", "x".repeat(1 << 13)),
                unrecognized("not a JWT"),
            ),
            ("a mebibyte in three parts", format!("{}.x.x", "x".repeat(1 << 20)), too_long("more than 8192 bytes")),
        ],
    );

    let good = good();
    let of_at_most = |bytes| at_noon(issuer().max_token_bytes(bytes));
    assert!(of_at_most(good.len()).verify(&good).is_ok());
    let error = of_at_most(good.len() - 1).verify(&good).unwrap_err();
    let text =
        format!("the token has more than {} bytes; Issuer::max_token_bytes sets how many it may have", good.len() - 1);
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Invalid, text));
}

#[test]
fn dots_and_depth_cost_nothing_even_without_the_cap() {
    let nested = |open: &str, close: &str, times| {
        with_more(&format!(r#""deep":{}1{}"#, open.repeat(times), close.repeat(times)))
    };
    let deep = || invalid("nested too deeply");
    let header = format!(r#"{{"alg":"HS256","deep":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    hold(
        &at_noon(issuer().max_token_bytes(usize::MAX)),
        [
            ("64 levels", nested("[", "]", 63), PASSES),
            ("65 levels", nested("[", "]", 64), deep()),
            ("64 levels of objects", nested(r#"{"a":"#, "}", 63), PASSES),
            ("65 levels of objects", nested(r#"{"a":"#, "}", 64), deep()),
            ("50,000 levels in the claims", nested("[", "]", 50_000), deep()),
            ("50,000 levels in the header", with_header(&header), invalid("the header is nested too deeply")),
            ("a million dots", ".".repeat(1_000_000), unrecognized("not a JWT")),
            ("a million dots behind", format!("{}{}", good(), ".".repeat(1_000_000)), unrecognized("not a JWT")),
            ("a mebibyte", with_more(&format!(r#""pad":"{}""#, "x".repeat(1 << 20))), PASSES),
        ],
    );
}
