//! One algorithm for each key, and only those that were named (RFC 8725, sections 2.1 and 3.1).

use super::*;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::KeySet;

fn spki(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Es256 => include_bytes!("../../../src/testing/keys/p256.spki"),
        Algorithm::EdDsa => include_bytes!("../../../src/testing/keys/ed25519.spki"),
        _ => include_bytes!("../../../src/testing/keys/rsa.spki"),
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn unsigned(header: &str) -> String {
    format!("{}.{}.", base64url(header), base64url(claims("")))
}

#[test]
fn tokens_say_their_algorithm_to_the_letter() {
    let wrong = || invalid("is not accepted");
    let mut table = vec![("HS256".to_owned(), with_header(r#"{"alg":"HS256"}"#), PASSES)];
    table.push(("escaped".into(), with_header(r#"{"alg":"\u0048S256"}"#), PASSES));
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "",
        "hs256",
        "HS256 ",
        " HS256",
        "HS256\\u0000",
        "HMAC",
        "HS257",
        "HS2560",
        "SHA256",
        "ES256K",
        "Ed448",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "RS1",
        "ΗS256",
    ] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        table.push((format!("`{name}`, signed"), with_header(&header), wrong()));
        table.push((format!("`{name}`, unsigned"), unsigned(&header), wrong()));
    }
    for (value, why) in
        [("null", "`alg` is not a string"), ("[\"HS256\"]", "`alg` is not a string"), ("5", "`alg` is not")]
    {
        table.push((value.to_owned(), with_header(&format!(r#"{{"alg":{value}}}"#)), invalid(why)));
    }
    table.push(("no algorithm".into(), with_header(r#"{"typ":"JWT"}"#), unrecognized("not a JWT")));
    table.push(("another letter case".into(), with_header(r#"{"Alg":"HS256"}"#), unrecognized("not a JWT")));
    table.push(("an unsigned HS256".into(), unsigned(HEADER), invalid("the signature does not fit")));
    hold(&verifier(), table);
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_else() {
    for ours in Algorithm::ALL {
        let verifier = at_noon(issuer_with(SigningKey::embedded(ours).key(), ours));
        let table = Algorithm::ALL.map(|theirs| {
            let token = SigningKey::embedded(theirs).sign(&format!(r#"{{"alg":"{theirs}"}}"#), &claims(""));
            let want = if theirs == ours { PASSES } else { invalid("the issuer has no key for") };
            (format!("{theirs} for {ours}"), token, want)
        });
        hold(&verifier, table);
    }
}

#[test]
fn the_header_does_not_choose_how_a_signature_is_read() {
    // The signature is of one algorithm and the header says another, both of them accepted for the same key.
    let key = || SigningKey::embedded(Algorithm::Rs256);
    let rsa =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];
    let keys: Vec<Key> = rsa.into_iter().map(|algorithm| SigningKey::embedded(algorithm).key()).collect();
    let issuer = Issuer::new(ISSUER, Audience::is("test"), rsa, KeySet::from_iter(keys)).unwrap();
    let says = |algorithm: Algorithm| key().sign(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""));
    let table = rsa.map(|algorithm| {
        let want = if algorithm == Algorithm::Rs256 { PASSES } else { invalid("the signature does not fit") };
        (format!("RS256 called {algorithm}"), says(algorithm), want)
    });
    hold(&at_noon(issuer), table);
}

#[test]
fn ed25519_has_two_names() {
    // RFC 8037 and RFC 9864.
    let key = SigningKey::embedded(Algorithm::EdDsa);
    let token = |name: &str| key.sign(&format!(r#"{{"alg":"{name}"}}"#), &claims(""));
    hold(
        &at_noon(issuer_with(key.key(), Algorithm::EdDsa)),
        [
            ("EdDSA", token("EdDSA"), PASSES),
            ("Ed25519", token("Ed25519"), PASSES),
            ("Ed448", token("Ed448"), invalid("is not accepted")),
            ("EDDSA", token("EDDSA"), invalid("is not accepted")),
        ],
    );
}

#[test]
fn a_public_key_is_not_a_secret() {
    // CVE-2015-9235, CVE-2022-29217, CVE-2023-48223, CVE-2026-34950: HMAC with whatever form of the public key.
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
        let der = spki(algorithm);
        let pem = pem(der);
        assert!(Key::pem(algorithm, &pem).is_ok(), "the PEM is the key's");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let tail = |length: usize| der[der.len().saturating_sub(length)..].to_vec();
        let mut secrets: Vec<Vec<u8>> =
            vec![der.to_vec(), tail(32), tail(64), tail(65), tail(der.len() - 12), tail(270)];
        let texts = [&*pem, pem.trim_end(), &format!("\n{pem}"), &format!(" {pem}"), &pem.replace('\n', "\r\n"), &body];
        secrets.extend(texts.map(|text| text.as_bytes().to_vec()));
        let mut table = vec![(
            "honest".to_owned(),
            SigningKey::embedded(algorithm).sign(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims("")),
            PASSES,
        )];
        for (number, secret) in secrets.iter().enumerate() {
            let mac = SigningKey::secret(Algorithm::Hs256, secret).unwrap();
            table.push((
                format!("form {number} as HS256"),
                mac.sign(HEADER, &claims("")),
                invalid("the issuer has no key for HS256"),
            ));
            let named = mac.sign(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""));
            table.push((format!("form {number} as {algorithm}"), named, invalid("the signature does not fit")));
        }
        hold(&at_noon(issuer_with(SigningKey::embedded(algorithm).key(), algorithm)), table);
    }
}

#[test]
fn secrets_and_public_keys_are_not_mixed() {
    let keys = || [hs256().key(), SigningKey::embedded(Algorithm::Rs256).key()];
    let new = |algorithms: &[Algorithm]| Issuer::new(ISSUER, Audience::is("test"), algorithms.iter().copied(), keys());
    assert!(new(&[Algorithm::Rs256]).is_ok());
    assert!(new(&[Algorithm::Hs256]).is_ok());
    let error = new(&[Algorithm::Rs256, Algorithm::Hs256]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("do not belong to one issuer"), "{error}");
    // A key that is there, and whose algorithm is not named, does not serve.
    let verifier = at_noon(new(&[Algorithm::Rs256]).unwrap());
    let token = SigningKey::embedded(Algorithm::Rs256).sign(r#"{"alg":"RS256"}"#, &claims(""));
    hold(&verifier, [("RS256", token, PASSES), ("HS256", good(), invalid("the issuer has no key for HS256"))]);
}
