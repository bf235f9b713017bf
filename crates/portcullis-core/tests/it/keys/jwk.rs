//! JSON Web Keys (RFC 7517; RFC 7518, section 6; RFC 8037): every member that says what a key is for is obeyed.

use super::*;
use crate::tokens::{at_noon, issuer_with};

fn jwk(algorithm: Algorithm, more: &str) -> Result<Key, Error> {
    Key::jwk(&format!("{{{}{more}}}", members(algorithm)))
}

#[test]
fn every_type_verifies_what_it_signed() {
    for algorithm in Algorithm::ALL {
        for more in
            [String::new(), format!(r#","alg":"{algorithm}","use":"sig","key_ops":["verify"],"kid":"1","x5t":5"#)]
        {
            let key = jwk(algorithm, &more).unwrap();
            assert_eq!(key.id(), more.contains("kid").then_some("1"));
            let verifier = at_noon(issuer_with(key, algorithm));
            assert!(verifier.verify(&token(algorithm)).is_ok(), "{algorithm} {more}");
        }
    }
    let other = jwk(Algorithm::EdDsa, r#","alg":"Ed25519""#).unwrap();
    assert!(at_noon(issuer_with(other, Algorithm::EdDsa)).verify(&token(Algorithm::EdDsa)).is_ok());
}

#[test]
fn white_space_and_escapes_change_nothing() {
    let text = format!(" \n{{ {} }}\t", members(Algorithm::Es256).replace("\"x\"", "\"\\u0078\"").replace(':', " : "));
    let verifier = at_noon(issuer_with(Key::jwk(&text).unwrap(), Algorithm::Es256));
    assert!(verifier.verify(&token(Algorithm::Es256)).is_ok());
}

#[test]
fn what_it_is_for() {
    let es256 = |more: &str| jwk(Algorithm::Es256, more);
    for more in ["", r#","use":"sig""#, r#","key_ops":["verify"]"#, r#","key_ops":["sign","verify"]"#, r#","ext":true"#]
    {
        assert!(es256(more).is_ok(), "{more}");
    }
    let no_verify = "has `key_ops` without `verify`";
    for (more, why) in [
        (r#","use":"enc""#, "is for `enc`, not for signatures"),
        (r#","use":"""#, "is for ``, not for signatures"),
        (r#","use":"SIG""#, "is for `SIG`, not for signatures"),
        (r#","use":5"#, "has a `use` that is not a string"),
        (r#","use":["sig"]"#, "has a `use` that is not a string"),
        (r#","key_ops":[]"#, no_verify),
        (r#","key_ops":["sign"]"#, no_verify),
        (r#","key_ops":["encrypt","wrapKey"]"#, no_verify),
        (r#","key_ops":[["verify"]]"#, no_verify),
        (r#","key_ops":"verify""#, "has `key_ops` that are not an array"),
        (r#","alg":"RS256""#, "has an `alg` that its type cannot do"),
        (r#","alg":"ES384""#, "has an `alg` that its type cannot do"),
        (r#","alg":"HS256""#, "has an `alg` that its type cannot do"),
        (r#","alg":"EdDSA""#, "has an `alg` that its type cannot do"),
        (r#","alg":"none""#, "is for `none`, which is not known here"),
        (r#","alg":"ES256K""#, "is for `ES256K`, which is not known here"),
        (r#","alg":"ECDH-ES""#, "is for `ECDH-ES`, which is not known here"),
        (r#","alg":"es256""#, "is for `es256`, which is not known here"),
        (r#","kid":1"#, "has a `kid` that is not a string"),
        (r#","d":"AAAA""#, "is private; verifying takes a public one"),
        (r#","\u0064":"AAAA""#, "is private; verifying takes a public one"),
        (r#","kid":"a","kid":"b""#, "is a JSON object with a duplicate member"),
        (r#","\u006bty":"EC""#, "is a JSON object with a duplicate member"),
        (r#","x5c":[{"a":1,"a":1}]"#, "is a JSON object with a duplicate member"),
        (",", "is not a JSON object"),
    ] {
        refused(more, es256(more), why);
    }
    for private in ["p", "q", "dp", "dq", "qi", "oth", "priv"] {
        let more = format!(r#","{private}":"AAAA""#);
        refused(private, jwk(Algorithm::Rs256, &more), "is private");
    }
}

#[test]
fn types_and_curves() {
    let (x, y) = coordinates(P256, 32);
    let point = |crv: &str| Key::jwk(&format!(r#"{{"kty":"EC","crv":{crv},"x":"{x}","y":"{y}"}}"#));
    assert!(point("\"P-256\"").is_ok());
    refused("a P-256 point as P-384", point("\"P-384\""), "a coordinate of the wrong length");
    refused("a P-256 point as P-521", point("\"P-521\""), "a coordinate of the wrong length");
    refused("secp256k1", point("\"secp256k1\""), "is on the curve `secp256k1`");
    refused("Ed25519 for EC", point("\"Ed25519\""), "is on the curve `Ed25519`");
    refused("lower case", point("\"p-256\""), "is on the curve `p-256`");
    refused("no string", point("256"), "has a `crv` that is not a string");
    let types = [
        (format!(r#"{{"kty":"EC","x":"{x}","y":"{y}"}}"#), "is on the curve `(none named)`"),
        (format!(r#"{{"crv":"P-256","x":"{x}","y":"{y}"}}"#), "has no `kty`"),
        (format!(r#"{{"kty":"ec","crv":"P-256","x":"{x}","y":"{y}"}}"#), "is of type `ec`"),
        (format!(r#"{{"kty":5,"crv":"P-256","x":"{x}","y":"{y}"}}"#), "has a `kty` that is not a string"),
        (format!(r#"{{"kty":"AKP","alg":"ML-DSA-44","pub":"{x}"}}"#), "is for `ML-DSA-44`, which is not known here"),
        (format!(r#"{{"kty":"AKP","pub":"{x}"}}"#), "is of type `AKP`"),
        (format!(r#"{{"kty":"OKP","crv":"P-256","x":"{x}","y":"{y}"}}"#), "is on the curve `P-256`"),
        (format!(r#"{{"kty":"OKP","crv":"Ed448","x":"{x}"}}"#), "is on the curve `Ed448`"),
        (format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#), "is on the curve `X25519`"),
        (format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#), "has no `y`"),
        ("{}".to_owned(), "has no `kty`"),
        ("[]".to_owned(), "is not a JSON object"),
        (String::new(), "is not a JSON object"),
        ("-----BEGIN PUBLIC KEY-----".to_owned(), "is not a JSON object"),
    ];
    for (text, why) in types {
        refused(&text, Key::jwk(&text), why);
    }
}

#[test]
fn points_off_the_curve_and_of_other_lengths() {
    let (x, y) = coordinates(P256, 32);
    let of = |x: &str, y: &str| Key::jwk(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#));
    let bytes = |length: usize, byte: u8| base64url(vec![byte; length]);
    assert!(of(&x, &y).is_ok());
    refused("exchanged", of(&y, &x), "is refused: the key is not usable with ES256");
    refused("zero", of(&bytes(32, 0), &bytes(32, 0)), "is refused: the key is not usable with ES256");
    refused("above the prime", of(&bytes(32, 255), &bytes(32, 255)), "is refused: the key is not usable with ES256");
    // RFC 7518, section 6.2.1.2.
    let wrong = "has a coordinate of the wrong length";
    refused("31 bytes", of(&bytes(31, 1), &y), wrong);
    refused("33 bytes", of(&x, &bytes(33, 0)), wrong);
    refused("lengths that make up for each other", of(&bytes(31, 1), &bytes(33, 1)), wrong);
    refused("empty", of("", ""), wrong);
    refused("padded", of(&format!("{x}="), &y), "has a `x` that is not base64url");
    refused("a line feed", of(&format!("{x}\\n"), &y), "has a `x` that is not base64url");
    refused("the standard alphabet", of(&x, &"+".repeat(43)), "has a `y` that is not base64url");
}

#[test]
fn ed25519() {
    let of = |bytes: &[u8]| Key::jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, base64url(bytes)));
    let good = &ED25519[12..];
    assert!(of(good).is_ok());
    for (what, bytes) in
        [("31 bytes", &good[..31]), ("33 bytes", &[good, &[0]].concat()), ("none", &[]), ("64", &[7; 64])]
    {
        refused(what, of(bytes), "must have 32 bytes");
    }
    for (what, point) in DEGENERATE {
        refused(what, of(&unhex(point)), "is a point of small order or not in canonical form");
    }
}

#[test]
fn rsa() {
    let of =
        |n: &[u8], e: &[u8]| Key::jwk(&format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, base64url(n), base64url(e)));
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= bytes.len() * 8 - bits;
        bytes
    };
    let (bits, exponent) = ("must have 2048 to 8192 bits", "must have an odd exponent from 3 to 2^32");
    for good in [2048, 2049, 3072, 4096, 8192] {
        assert!(of(&modulus(good), &[1, 0, 1]).is_ok(), "{good}");
    }
    for bad in [512, 1024, 2040, 2047, 8193, 8200, 16_384] {
        refused(&bad.to_string(), of(&modulus(bad), &[1, 0, 1]), bits);
    }
    refused("zeros in front", of(&[vec![0; 128], modulus(1024)].concat(), &[1, 0, 1]), bits);
    assert!(of(&[&[0], &*modulus(2048)].concat(), &[1, 0, 1]).is_ok(), "a leading zero as in DER");
    refused("empty", of(&[], &[1, 0, 1]), bits);
    let mut even = modulus(2048);
    even[255] = 0xfe;
    refused("even", of(&even, &[1, 0, 1]), "has an even modulus");
    for good in [&[3][..], &[17], &[1, 0, 1], &[0, 1, 0, 1], &[0xff, 0xff, 0xff, 0xff]] {
        assert!(of(&modulus(2048), good).is_ok(), "{good:?}");
    }
    for bad in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[4],
        &[1, 0, 0],
        &[1, 0, 0, 0, 0],
        &[1, 0, 0, 0, 1],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xff; 9],
    ] {
        refused(&format!("{bad:?}"), of(&modulus(2048), bad), exponent);
    }
    refused("an exponent as long as the modulus", of(&modulus(2048), &modulus(2048)), exponent);
    refused("no modulus", Key::jwk(r#"{"kty":"RSA","e":"AQAB"}"#), "has no `n`");
    refused("a number", Key::jwk(r#"{"kty":"RSA","n":"AQAB","e":65537}"#), "has a `e` that is not a string");
}

#[test]
fn oct() {
    let of =
        |length: usize, more: &str| Key::jwk(&format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, base64url(secret(length))));
    for (length, more) in [(32, ""), (32, r#","alg":"HS256""#), (48, r#","alg":"HS384""#), (64, r#","alg":"HS512""#)] {
        assert!(of(length, more).is_ok(), "{length} {more}");
    }
    for (length, more, why) in [
        (31, "", "HS256 needs a secret of at least 32 bytes, and this one has 31"),
        (0, "", "and this one has 0"),
        (31, r#","alg":"HS256""#, "HS256 needs a secret of at least 32 bytes"),
        (47, r#","alg":"HS384""#, "HS384 needs a secret of at least 48 bytes"),
        (63, r#","alg":"HS512""#, "HS512 needs a secret of at least 64 bytes"),
        (64, r#","alg":"RS256""#, "has an `alg` that its type cannot do"),
        (64, r#","alg":"A256GCM""#, "is for `A256GCM`, which is not known here"),
    ] {
        refused(more, of(length, more), why);
    }
    refused("no secret", Key::jwk(r#"{"kty":"oct"}"#), "has no `k`");
}
