//! Secrets, PEM and DER.

use super::*;
use crate::tokens::{at_noon, issuer_with};
use base64::{Engine, engine::general_purpose::STANDARD};

const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDHYy8wLqg6GO33OsYdwzceiBBu
xUXGalS1YHFsHA+igQSv0sMxM1TigrC88/VC6yyz6MujKL/xMJUqx5BXhBXgNWc3
ZhRnuTAaflt0+3Ga7PFMPqXRrCuzwucFmQZ1Owuky1CW7mE1yPST9khYTDQjfQee
WFeHXz6AqSIjdx+gKwIDAQAB
-----END PUBLIC KEY-----";
const X25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAu4PTJDaH+1O3VBYH3oFf0ipEVQyq4qY25CjdJjV69DY=
-----END PUBLIC KEY-----";
const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEB8PU0a0wI6WcT2kOWS+vqGYWuXFBJwSa
ujqG9rts6gPWijcVZasWoRXvZAd2WEozlBDafOCnd9LgLbE3YPkzcQ==
-----END PUBLIC KEY-----";
const P256_COMPRESSED: &str = "-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACBJzSu4j396ycwGXYceU0UenraQOG
vizPbsFW8o1U2cc=
-----END PUBLIC KEY-----";
const P256_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgA65QcTCeQTheb1ri
4Q5V87KMwqwCi3LXtTqUZuX3q86hRANCAAQEnNK7iPf3rJzAZdhx5TRR6etpA4a+
LM9uwVbyjVTZx5B/0Iq2XwotavS7B9lmJFKt3RqHsgtmTgkHWbo6KQYE
-----END PRIVATE KEY-----";

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn secrets_are_as_long_as_the_hash() {
    // RFC 7518, section 3.2.
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        assert!(Key::secret(algorithm, secret(length)).is_ok());
        let needs = format!("{algorithm} needs a secret of at least {length} bytes, and this one has {}", length - 1);
        refused("a byte short", Key::secret(algorithm, secret(length - 1)), &needs);
        refused("empty", Key::secret(algorithm, ""), "this one has 0");
        assert!(Key::dangerous_short_secret(algorithm, "x").is_ok(), "dangerous, and named so");
        refused("empty, dangerous", Key::dangerous_short_secret(algorithm, ""), "the secret is empty");
    }
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.name().starts_with("HS")) {
        let why = format!("{algorithm} is verified with a public key, not a secret");
        refused("a secret", Key::secret(algorithm, [7; 64]), &why);
        refused("a dangerous secret", Key::dangerous_short_secret(algorithm, [7; 64]), &why);
    }
}

#[test]
fn every_public_key_from_pem_and_der() {
    let keys = [
        (
            RSA,
            &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ][..],
        ),
        (P256, &[Algorithm::Es256]),
        (P384, &[Algorithm::Es384]),
        (P521, &[Algorithm::Es512]),
        (ED25519, &[Algorithm::EdDsa]),
    ];
    for (der, algorithms) in keys {
        let pem = pem("PUBLIC KEY", der);
        for algorithm in Algorithm::ALL {
            if !algorithms.contains(&algorithm) {
                refused("PEM", Key::pem(algorithm, &pem), &format!("{algorithm} cannot use a key of this type"));
                refused("DER", Key::der(algorithm, der), &format!("{algorithm} cannot use a key of this type"));
                continue;
            }
            let forms = [pem.clone(), pem.trim_end().to_owned(), format!("\n  {pem}\n\n"), pem.replace('\n', "\r\n")];
            let keys = forms.iter().map(|pem| Key::pem(algorithm, pem)).chain([Key::der(algorithm, der)]);
            for key in keys {
                let verifier = at_noon(issuer_with(key.unwrap(), algorithm));
                assert!(verifier.verify(&token(algorithm)).is_ok(), "{algorithm}");
            }
        }
    }
}

#[test]
fn rsa_public_key_of_its_own_form() {
    // RFC 8017, appendix A.1.1.
    let pem = pem("RSA PUBLIC KEY", &RSA[24..]);
    let verifier = at_noon(issuer_with(Key::pem(Algorithm::Rs256, &pem).unwrap(), Algorithm::Rs256));
    assert!(verifier.verify(&token(Algorithm::Rs256)).is_ok());
    refused("for ES256", Key::pem(Algorithm::Es256, &pem), "ES256 cannot use a key of this type");
    refused("as DER", Key::der(Algorithm::Rs256, &RSA[24..]), "not a SubjectPublicKeyInfo");
}

#[test]
fn the_longest_rsa_key() {
    let key = Key::pem(Algorithm::Rs256, include_str!("../data/rsa8192.pem")).unwrap();
    let verifier = at_noon(issuer_with(key, Algorithm::Rs256));
    let token = include_str!("../data/rsa8192.jwt").trim();
    assert!(verifier.verify(token).is_ok());
    let other = token.replacen("eyJpc3Mi", "eyJpc3Ui", 1);
    assert_ne!(token, other);
    assert!(verifier.verify(&other).is_err());
}

#[test]
fn keys_of_other_kinds() {
    let es256 = |pem: &str| Key::pem(Algorithm::Es256, pem);
    assert!(es256(&pem("PUBLIC KEY", P256)).is_ok());
    refused("1024 bits", Key::pem(Algorithm::Rs256, RSA_1024), "must have 2048 to 8192 bits");
    refused("X25519", Key::pem(Algorithm::EdDsa, X25519), "has a type that no algorithm here uses");
    refused("secp256k1", es256(SECP256K1), "on a curve without algorithm here");
    refused("compressed", es256(P256_COMPRESSED), "not an uncompressed point of its curve");
    refused("private", es256(P256_PRIVATE), "labelled `PUBLIC KEY`, and this PEM `PRIVATE KEY`");
    refused(
        "private under a public label",
        es256(&P256_PRIVATE.replace("PRIVATE", "PUBLIC")),
        "not a SubjectPublicKeyInfo",
    );
    refused(
        "a certificate",
        es256(&pem("CERTIFICATE", P256)),
        "the public key is a certificate; `openssl x509 -pubkey",
    );
    refused("an EC private key", es256(&pem("EC PRIVATE KEY", P256)), "and this PEM `EC PRIVATE KEY`");
    refused("two keys", es256(&pem("PUBLIC KEY", P256).repeat(2)), "not valid PEM");
    refused("no PEM", es256("a secret of at least thirty-two bytes"), "not valid PEM");
    refused("empty", es256(""), "not valid PEM");
    refused("one line", es256(&pem("PUBLIC KEY", P256).replace('\n', "")), "not valid PEM");
    refused(
        "DER as a secret",
        Key::pem(Algorithm::Hs256, &pem("PUBLIC KEY", P256)),
        "HS256 cannot use a key of this type",
    );
}

#[test]
fn der_is_read_to_the_end() {
    let es256 = |der: &[u8]| Key::der(Algorithm::Es256, der);
    assert!(es256(P256).is_ok());
    refused("empty", es256(&[]), "not a SubjectPublicKeyInfo");
    refused("cut off", es256(&P256[..P256.len() - 1]), "not a SubjectPublicKeyInfo");
    refused("with more behind", es256(&[P256, &[0]].concat()), "not a SubjectPublicKeyInfo");
    for at in 0..P256.len() {
        for bit in 0..8 {
            let mut der = P256.to_vec();
            der[at] ^= 1 << bit;
            // Structure, algorithm, curve, or the point itself: nothing in it may change.
            assert!(es256(&der).is_err(), "bit {bit} of byte {at}");
        }
    }
    let mut labelled = P256.to_vec();
    labelled.splice(15..23, [0x2b, 0x81, 0x04, 0x00, 0x22]);
    (labelled[1], labelled[3], labelled[14]) = (labelled[1] - 3, labelled[3] - 3, 5);
    refused("P-256 labelled P-384", Key::der(Algorithm::Es384, &labelled), "not an uncompressed point of its curve");
    let mut off = P256.to_vec();
    *off.last_mut().unwrap() ^= 1;
    refused("off the curve", es256(&off), "the key is not usable with ES256");
}

#[test]
fn ed25519_points_that_sign_for_everybody() {
    let of = |point: &[u8]| Key::der(Algorithm::EdDsa, &[&ED25519[..12], point].concat());
    assert!(of(&ED25519[12..]).is_ok());
    for (what, point) in DEGENERATE {
        refused(what, of(&unhex(point)), "a point of small order or not in canonical form");
    }
    // The highest and the lowest other coordinates on the curve: p - 3 and 3.
    for last in [[0xea, 0xff, 0x7f], [0x03, 0x00, 0x00]] {
        let [first, middle, end] = last;
        assert!(of(&[&[first], &[middle; 30][..], &[end]].concat()).is_ok());
    }
    refused("31 bytes", Key::der(Algorithm::EdDsa, &ED25519[..43]), "not a SubjectPublicKeyInfo");
}

#[test]
fn debug_shows_no_secret() {
    let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes").unwrap().with_id("one");
    assert_eq!(format!("{key:?}"), r#"Key { id: Some("one"), algorithm: Some(Hs256), kind: Hmac }"#);
    let verifier = at_noon(issuer_with(key, Algorithm::Hs256));
    let shown = format!("{verifier:?}");
    assert!(shown.contains("one") && !shown.contains("thirty-two"), "{shown}");
    let numbers = format!("{:?}", b"thirty-two");
    assert!(!shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
}
