//! Signatures that are nearly right.

use super::*;

/// The order of the base point of edwards25519, little-endian (RFC 8032, section 5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The order of the base point of P-256, big-endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn of(algorithm: Algorithm) -> (Jwt, String, Vec<u8>) {
    let key = SigningKey::embedded(algorithm);
    let token = key.sign(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    (at_noon(issuer_with(key.key(), algorithm)), signed.to_owned(), signature)
}

fn join(signed: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{signed}.{}", base64url(signature))
}

fn hold_signatures(algorithm: Algorithm, bad: impl FnOnce(&[u8]) -> Vec<(&'static str, Vec<u8>)>) {
    let (verifier, signed, signature) = of(algorithm);
    let mut table = vec![(format!("{algorithm} as it is"), join(&signed, &signature), PASSES)];
    for (what, bad) in bad(&signature) {
        table.push((format!("{algorithm}: {what}"), join(&signed, bad), invalid("the signature does not fit")));
    }
    hold(&verifier, table);
}

/// Adds little-endian numbers of the same length; the carry out of the last byte is given back.
fn add<'n>(sum: impl Iterator<Item = &'n mut u8>, other: impl Iterator<Item = &'n u8>) -> bool {
    sum.zip(other).fold(0_u16, |carry, (to, from)| {
        let total = u16::from(*to) + u16::from(*from) + carry;
        *to = total as u8;
        total >> 8
    }) != 0
}

#[test]
fn of_other_lengths() {
    for algorithm in Algorithm::ALL {
        hold_signatures(algorithm, |signature| {
            vec![
                ("empty", vec![]),
                ("one byte", vec![signature[0]]),
                ("the first half", signature[..signature.len() / 2].to_vec()),
                ("a byte short", signature[..signature.len() - 1].to_vec()),
                ("a byte more", [signature, &[0]].concat()),
                ("a zero in front", [&[0], signature].concat()),
                ("twice", signature.repeat(2)),
                ("1024 bytes", vec![0x5a; 1024]),
                ("more than any key signs", vec![0; 1025]),
                ("zeros", vec![0; signature.len()]),
                ("ones", vec![0xff; signature.len()]),
            ]
        });
    }
}

#[test]
fn of_ecdsa() {
    // CVE-2022-21449: zero fits everything. RFC 7518, section 3.4: two numbers, not a DER sequence.
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        hold_signatures(algorithm, |signature| {
            let (r, s) = signature.split_at(signature.len() / 2);
            let zero = vec![0; r.len()];
            let one: Vec<u8> = zero[1..].iter().copied().chain([1]).collect();
            vec![
                ("r = 0", [&zero, s].concat()),
                ("s = 0", [r, &zero].concat()),
                ("r = s = 1", one.repeat(2)),
                ("r and s in the other order", [s, r].concat()),
                ("DER", der(r, s)),
            ]
        });
    }
    hold_signatures(Algorithm::Es256, |signature| {
        let s = &signature[32..];
        vec![("r = s = n", N.repeat(2)), ("r = n", [&N, s].concat()), ("s = n", [&signature[..32], &N].concat())]
    });
}

/// SEQUENCE of two INTEGERs.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let number: Vec<u8> = number.iter().skip_while(|byte| **byte == 0).copied().collect();
        let number = if number[0] & 0x80 == 0 { number } else { [&[0], &*number].concat() };
        [&[2, number.len() as u8], &*number].concat()
    };
    let both = [integer(r), integer(s)].concat();
    let length = if both.len() < 128 { vec![both.len() as u8] } else { vec![0x81, both.len() as u8] };
    [&[0x30], &*length, &*both].concat()
}

#[test]
fn of_p256_with_the_other_s() {
    // n - s is as good as s (there is no rule for the lower one in RFC 7518): whoever keeps a list of tokens keeps `jti`.
    let (verifier, signed, signature) = of(Algorithm::Es256);
    let mut other = signature.clone();
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let difference = i16::from(N[at]) - i16::from(signature[32 + at]) - borrow;
        other[32 + at] = difference.rem_euclid(256) as u8;
        borrow = i16::from(difference < 0);
    }
    assert_ne!(signature, other);
    let mut wrong = other.clone();
    wrong[63] ^= 1;
    hold(
        &verifier,
        [
            ("s", join(&signed, &signature), PASSES),
            ("n - s", join(&signed, &other), PASSES),
            ("n - s and a bit", join(&signed, &wrong), invalid("the signature does not fit")),
        ],
    );
}

#[test]
fn of_ed25519() {
    // RFC 8032, section 5.1.7: S below L, or there is a second signature for each.
    hold_signatures(Algorithm::EdDsa, |signature| {
        let mut above = signature.to_vec();
        assert!(!add(above[32..].iter_mut(), L.iter()), "S + L fits");
        let (r, s) = signature.split_at(32);
        let identity: Vec<u8> = [1].into_iter().chain([0; 31]).collect();
        vec![
            ("S + L", above),
            ("S = L", [r, &L].concat()),
            ("S = 0", [r, &[0; 32]].concat()),
            ("R the identity and S = 0", [&*identity, &[0; 32]].concat()),
            ("R the identity", [&*identity, s].concat()),
            ("the halves in the other order", [s, r].concat()),
        ]
    });
}

#[test]
fn of_rsa_above_the_modulus() {
    // RFC 8017, section 8.2.2: s + n is no second signature.
    let spki = include_bytes!("../../../src/testing/keys/rsa.spki");
    let modulus = &spki[33..33 + 256];
    let key = SigningKey::embedded(Algorithm::Rs256);
    let (token, above) = (0..)
        .find_map(|n| {
            let token = key.sign(r#"{"alg":"RS256"}"#, &claims(&format!(r#""n":{n}"#)));
            let (signed, signature) = token.rsplit_once('.')?;
            let mut above = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let fits = !add(above.iter_mut().rev(), modulus.iter().rev());
            fits.then(|| (token.clone(), join(signed, above)))
        })
        .unwrap();
    let verifier = at_noon(issuer_with(key.key(), Algorithm::Rs256));
    hold(&verifier, [("s", token, PASSES), ("s + n", above, invalid("the signature does not fit"))]);
}

#[test]
fn of_rsa_with_the_exponent_3() {
    // CVE-2006-4339: a cube root whose padding ends early.
    let line = |name: &str| {
        include_str!("../data/rsa_e3.txt").lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap()
    };
    let jwk = format!(r#"{{"kty":"RSA","alg":"RS256","n":"{}","e":"Aw"}}"#, line("n"));
    let verifier = at_noon(issuer_with(Key::jwk(&jwk).unwrap(), Algorithm::Rs256));
    hold(
        &verifier,
        [("good", line("good"), PASSES), ("garbage", line("garbage"), invalid("the signature does not fit"))],
    );
}

#[test]
fn of_pss_with_other_salts() {
    // RFC 7518, section 3.5: the salt is as long as the hash.
    let verifier = at_noon(issuer_with(SigningKey::embedded(Algorithm::Ps256).key(), Algorithm::Ps256));
    let table = include_str!("../data/pss_salts.txt").lines().map(|line| {
        let (salt, token) = line.split_once(' ').unwrap();
        let want = if salt == "32" { PASSES } else { invalid("the signature does not fit") };
        (format!("a salt of {salt} bytes"), token, want)
    });
    hold(&verifier, table);
}

#[test]
fn of_somebody_else() {
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let (signed, signature) = {
        let token = good();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        (signed.to_owned(), signature.to_owned())
    };
    let other = with_more(r#""admin":true"#);
    let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
    let wrong = || invalid("the signature does not fit the issuer's key for HS256");
    hold(
        &verifier(),
        [
            ("ours", good(), PASSES),
            ("another key", theirs.sign(HEADER, &claims("")), wrong()),
            ("the signature of another token", format!("{signed}.{other_signature}"), wrong()),
            ("the claims of another token", format!("{other_signed}.{signature}"), wrong()),
            ("the fingerprint of nothing", format!("{signed}.{}", base64url([0; 32])), wrong()),
        ],
    );
}
