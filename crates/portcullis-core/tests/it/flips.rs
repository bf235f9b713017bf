//! One bit anywhere in a token, and it is refused.

use crate::tokens::{at_noon, claims, issuer_with};
use portcullis_core::{Algorithm, testing::SigningKey};

/// Flips bits of the token as it is sent. The highest bit of a byte makes it no text, which `verify` does not take.
fn flip_all(algorithm: Algorithm) {
    let key = SigningKey::embedded(algorithm);
    let verifier = at_noon(issuer_with(key.key(), algorithm));
    let token = key.sign(&format!(r#"{{"alg":"{algorithm}","kid":"1"}}"#), &claims(r#""role":"user""#));
    assert!(verifier.verify(&token).is_ok(), "{algorithm}");
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let other = String::from_utf8(bytes).unwrap();
            assert!(verifier.verify(&other).is_err(), "{algorithm}: bit {bit} of byte {at}");
        }
    }
    assert!(verifier.verify(&token).is_ok(), "{algorithm} still");
}

#[test]
fn hmac() {
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        flip_all(algorithm);
    }
}

#[test]
fn rsa() {
    for algorithm in [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512] {
        flip_all(algorithm);
    }
}

#[test]
fn rsa_pss() {
    for algorithm in [Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512] {
        flip_all(algorithm);
    }
}

#[test]
fn ecdsa() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        flip_all(algorithm);
    }
}

#[test]
fn ed25519() {
    flip_all(Algorithm::EdDsa);
}
