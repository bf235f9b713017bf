//! Keys: what is imported, and what is refused before any request could meet it.

mod jwk;
mod mistaken;
mod raw;
mod select;
mod set;

use crate::tokens::{base64url, claims};
use portcullis_core::{Algorithm, Error, ErrorKind, Key, testing::SigningKey};

const RSA: &[u8] = include_bytes!("../../../src/testing/keys/rsa.spki");
const P256: &[u8] = include_bytes!("../../../src/testing/keys/p256.spki");
const P384: &[u8] = include_bytes!("../../../src/testing/keys/p384.spki");
const P521: &[u8] = include_bytes!("../../../src/testing/keys/p521.spki");
const ED25519: &[u8] = include_bytes!("../../../src/testing/keys/ed25519.spki");

/// The eight points of small order on edwards25519, and the other encodings of those whose coordinate is above the prime.
const DEGENERATE: [(&str, &str); 14] = [
    ("order 1", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("order 4", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("order 4, the other", "0000000000000000000000000000000000000000000000000000000000000080"),
    ("order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ("order 8, the second", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    ("order 8, the third", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("order 8, the fourth", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    ("order 1 with a sign", "0100000000000000000000000000000000000000000000000000000000000080"),
    ("order 2 with a sign", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("zero as p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("zero as p with a sign", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("one as p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("3 as p + 3", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
];

/// Asserts that a key is refused as a mistake of whoever configured it, for this reason.
fn refused(what: &str, key: Result<Key, Error>, why: &str) {
    let error = key.map(|key| format!("{key:?}")).expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{what}");
    assert!(error.to_string().contains(why), "{what}: `{error}`, not `{why}`");
}

/// A secret of so many bytes, no two of which are alike.
fn secret(length: usize) -> Vec<u8> {
    (1..=length as u8).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The coordinates of a point at the end of a `SubjectPublicKeyInfo`, in base64url.
fn coordinates(spki: &[u8], length: usize) -> (String, String) {
    let (front, y) = spki.split_at(spki.len() - length);
    (base64url(&front[front.len() - length..]), base64url(y))
}

fn ec(curve: &str, spki: &[u8], length: usize) -> String {
    let (x, y) = coordinates(spki, length);
    format!(r#""kty":"EC","crv":"{curve}","x":"{x}","y":"{y}""#)
}

/// The members of the embedded public keys as JWKs.
fn members(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Es256 => ec("P-256", P256, 32),
        Algorithm::Es384 => ec("P-384", P384, 48),
        Algorithm::Es512 => ec("P-521", P521, 66),
        Algorithm::EdDsa => format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, base64url(&ED25519[12..])),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
            let secret = b"the test issuer's secret, published with its source: trust none.";
            format!(r#""kty":"oct","k":"{}""#, base64url(secret))
        }
        _ => format!(r#""kty":"RSA","n":"{}","e":"AQAB""#, base64url(&RSA[33..33 + 256])),
    }
}

/// A good token, signed with the embedded key of this algorithm.
fn token(algorithm: Algorithm) -> String {
    SigningKey::embedded(algorithm).sign(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""))
}
