//! What is given for a secret, or for a public key, and is something else.

use super::*;
use crate::tokens::{at_noon, issuer_with};
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

const SSH_RSA: &[u8] = b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01\0\0\x01\x01";
const SSH_ED25519: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0 ";
const SSH_P256: &[u8] = b"\0\0\0\x13ecdsa-sha2-nistp256\0\0\0\x08nistp256\0\0\0A";
/// The start of a certificate: its version, its number, and the algorithm of its signature.
const CERTIFICATE_START: &[u8] = &[
    0x30, 0x82, 2, 0, 0x30, 0x82, 1, 0, 0xa0, 3, 2, 1, 2, 2, 1, 7, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7,
    0x0d, 1, 1, 0x0b, 5, 0,
];

fn certificate() -> Vec<u8> {
    let mut der = CERTIFICATE_START.to_vec();
    der.resize(4 + 0x200, 1);
    der
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines(der))
}

fn lines(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

fn hs256(secret: impl AsRef<[u8]>) -> Result<Key, Error> {
    Key::secret(Algorithm::Hs256, secret)
}

#[track_caller]
fn is_none(what: &str, secret: impl AsRef<[u8]>) {
    let why = "the secret is ";
    refused(what, hs256(&secret), why);
    refused(what, Key::dangerous_short_secret(Algorithm::Hs256, &secret), why);
}

#[test]
fn keys_of_another_kind_wherever_they_stand() {
    for (name, der) in [("RSA", RSA), ("P-256", P256), ("P-384", P384), ("P-521", P521), ("Ed25519", ED25519)] {
        let pem = pem("PUBLIC KEY", der);
        let body = lines(der);
        for (what, text) in [
            ("PEM", pem.clone()),
            ("after a byte order mark", format!("\u{feff}{pem}")),
            ("in quotes", format!("\"{pem}\"")),
            ("after attributes", format!("Bag Attributes\n    friendlyName: a\n{pem}")),
            ("in one line", pem.replace('\n', "\\n")),
            ("without its first letters", pem[5..].to_owned()),
            ("PEM in base64", STANDARD.encode(&pem)),
            ("the body", body.clone()),
            ("the body in one line", STANDARD.encode(der)),
            ("the body in quotes", format!(" \"{}\"\n", STANDARD.encode(der))),
            ("the body in other letters", base64url(der)),
            ("the body after a name", format!("key: {body}")),
            (
                "the body in short lines",
                body.as_bytes().chunks(16).map(|c| format!("{}\r\n", str::from_utf8(c).unwrap())).collect(),
            ),
            ("the body in escaped lines", body.replace('\n', "\\n")),
            ("hexadecimal", der.iter().map(|byte| format!("{byte:02x}")).collect()),
            ("a certificate's label", pem.replace("PUBLIC KEY", "CERTIFICATE")),
        ] {
            is_none(&format!("{name}, {what}"), text);
        }
        is_none(name, der);
        is_none(name, [der, b"\n"].concat());
    }
    let certificate = certificate();
    let private: &[(&str, &[u8])] = &[
        ("RSA", include_bytes!("../../../src/testing/keys/rsa.p8")),
        ("P-256", include_bytes!("../../../src/testing/keys/p256.p8")),
        ("Ed25519", include_bytes!("../../../src/testing/keys/ed25519.p8")),
        ("RSAPublicKey", &RSA[24..]),
        ("a certificate", &certificate),
    ];
    for (what, der) in private {
        is_none(what, der);
        is_none(what, lines(der));
        is_none(what, pem("PRIVATE KEY", der));
    }
}

#[test]
fn jwks_and_ssh_keys() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256] {
        let jwk = format!("{{{}}}", members(algorithm));
        let set = format!(r#"{{"keys":[{jwk}]}}"#);
        for text in [
            jwk.clone(),
            format!(" \n{jwk}"),
            jwk.replace(':', " : "),
            set,
            jwk.replace('"', "\\\""),
            STANDARD.encode(&jwk),
        ] {
            is_none("a JWK", text);
        }
    }
    for (name, blob) in [("ssh-rsa", SSH_RSA), ("ssh-ed25519", SSH_ED25519), ("ecdsa-sha2-nistp256", SSH_P256)] {
        let blob = STANDARD.encode([blob, &secret(64)].concat());
        for text in [
            format!("{name} {blob} a@b"),
            format!("no-pty {name} {blob}"),
            blob.clone(),
            format!("\u{feff}{name}\t{blob}\n"),
        ] {
            is_none(name, text);
        }
    }
    is_none("RFC 4716", "---- BEGIN SSH2 PUBLIC KEY ----\nComment: a\nAAAAB3NzaC1y\n");
}

#[test]
fn one_byte_repeated() {
    for bad in [
        vec![0; 32],
        vec![b' '; 40],
        vec![b'x'; 64],
        vec![0xff; 48],
        b" \t\n".repeat(20),
        [&[b'x'; 40][..], b"\n"].concat(),
    ] {
        refused("repeated", hs256(bad), "the secret is blank, or one byte repeated");
    }
    refused("zeros in base64", hs256(STANDARD.encode([0; 32])), "one byte repeated");
    refused("zeros in hex", hs256("0".repeat(64)), "one byte repeated");
    refused("as a JWK", Key::jwk(&format!(r#"{{"kty":"oct","k":"{}"}}"#, base64url([0; 32]))), "one byte repeated");
    refused("a key in a JWK", Key::jwk(&format!(r#"{{"kty":"oct","k":"{}"}}"#, base64url(P256))), "in DER");
    let mut nearly = [7; 32];
    nearly[31] = 8;
    assert!(hs256(nearly).is_ok());
}

/// What people and generators make.
#[test]
fn secrets() {
    for good in [
        "a secret of at least thirty-two bytes",
        "-----------------------------------------------x",
        "correct horse battery staple correct horse",
        "BEGIN and END of my public key, a secret phrase",
        "{\"secret\": \"0123456789abcdef0123456789abcdef\"}",
        "ssh-rsa is not the key to this, and never was",
        "MIIBIjANBgkqh is how a key would begin in base64",
        "550e8400-e29b-41d4-a716-446655440000",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        assert!(hs256(good).is_ok(), "{good}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_secrets(bytes in prop::collection::vec(any::<u8>(), 32..300), text in "[ -~]{32,200}") {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert!(hs256(&bytes).is_ok());
        for text in [text, hex, STANDARD.encode(&bytes), base64url(&bytes)] {
            prop_assert!(hs256(&text).is_ok(), "{text}");
        }
    }
}

/// Where a signature does not fit, and only there, the log says that the secret may have to be decoded.
#[test]
fn a_secret_that_looks_like_base64() {
    let secret = STANDARD.encode(secret(48));
    let decoded = SigningKey::secret(Algorithm::Hs256, super::secret(48)).unwrap();
    let token = |key: &SigningKey| key.sign(r#"{"alg":"HS256"}"#, &claims(""));
    for (given, is_said) in [(&*secret, true), ("a secret of at least thirty-two bytes", false)] {
        let verifier = at_noon(issuer_with(hs256(given).unwrap(), Algorithm::Hs256));
        let error = verifier.verify(&token(&decoded)).unwrap_err().to_string();
        assert_eq!(error.contains("decode it before `Key::secret`"), is_said, "{error}");
        assert!(!error.contains(given));
        assert!(verifier.verify(&token(&SigningKey::secret(Algorithm::Hs256, given).unwrap())).is_ok());
    }
}

/// Where a public key is expected.
#[test]
fn no_public_key() {
    let es256 = |text: &str| Key::pem(Algorithm::Es256, text);
    let jwk = format!("{{{}}}", members(Algorithm::Es256));
    let ssh = format!("ecdsa-sha2-nistp256 {}", STANDARD.encode([SSH_P256, &secret(64)].concat()));
    refused(
        "without armour",
        es256(&lines(P256)),
        "base64 without armour; a line `-----BEGIN PUBLIC KEY-----` goes before it",
    );
    refused("a JWK", es256(&jwk), "a JWK, which `Key::jwk`");
    refused("an SSH key", es256(&ssh), "`ssh-keygen -e -m PKCS8");
    refused("a certificate", es256(&pem("CERTIFICATE", &certificate())), "prints the key in it");
    refused("a certificate in DER", Key::der(Algorithm::Rs256, &certificate()), "prints the key in it");
    assert!(es256(&pem("PUBLIC KEY", P256)).is_ok());
}
