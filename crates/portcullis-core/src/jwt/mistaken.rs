//! Values that are given as a secret by mistake. Either they are public, or they are a key of another kind, whose public half
//! is enough to forge tokens (CVE-2022-29217). Found in any place: after a byte order mark, in quotes, among other text, in
//! base64.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use memchr::memmem;
use zeroize::Zeroizing;

/// A shorter run of letters is not a key in base64.
const SHORTEST_KEY: usize = 40;

/// A key of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    Pem,
    Jwk,
    Ssh,
    /// A key or a certificate.
    Der,
}

/// What a secret is instead. Completes the sentence "the secret …".
pub(super) fn instead_of_secret(secret: &[u8]) -> Option<&'static str> {
    let bare = secret.trim_ascii();
    let bare = bare.strip_prefix(b"\"").and_then(|bare| bare.strip_suffix(b"\"")).unwrap_or(bare);
    if is_repeated(bare) || (is_encoded(bare) && decodings(bare).any(|bytes| is_repeated(&bytes))) {
        return Some("is blank, or one byte repeated");
    }
    foreign_key(secret).map(Foreign::instead_of_secret)
}

/// The kind of key that this is or contains, if any.
pub(super) fn foreign_key(bytes: &[u8]) -> Option<Foreign> {
    // PEM and JSON are put into base64 for environment variables, and have base64 in them.
    let inside = |bytes: &[u8]| of_these(bytes).or_else(|| decodings(bytes).find_map(|bytes| of_these(&bytes)));
    of_these(bytes).or_else(|| decodings(bytes).find_map(|bytes| inside(&bytes)))
}

impl Foreign {
    /// Completes the sentence "the secret …".
    pub(super) fn instead_of_secret(self) -> &'static str {
        match self {
            Self::Pem => "is or has in it a PEM document; a public key goes into `Key::pem`",
            Self::Jwk => "is or has in it a JWK, which `Key::jwk` and `KeySet::jwks` read",
            Self::Ssh => "is or has in it an SSH key, with which no token is signed",
            Self::Der => {
                "is or has in it a key or a certificate in DER; a public key goes into `Key::der` or `Key::pem`"
            }
        }
    }
}

/// A text of base64 or hex. It may be the secret itself or encode it.
pub(super) fn is_encoded(secret: &[u8]) -> bool {
    let padding = secret.iter().rev().take_while(|byte| **byte == b'=').count();
    let letters = secret.get(..secret.len() - padding).unwrap_or_default();
    let may_end_so = if padding > 0 { padding < 3 && secret.len().is_multiple_of(4) } else { letters.len() % 4 != 1 };
    may_end_so && letters.len() >= SHORTEST_KEY && letters.iter().all(|byte| is_base64(*byte))
}

fn is_repeated(bytes: &[u8]) -> bool {
    bytes.windows(2).all(|pair| matches!(pair, [one, other] if one == other))
}

/// The kind of key of which these bytes have a sign, if any.
fn of_these(bytes: &[u8]) -> Option<Foreign> {
    /// No random secret contains any of these.
    const SIGNS: [(Foreign, &[&[u8]]); 4] = [
        (
            Foreign::Pem,
            &[
                b"-----BEGIN",
                b"-----END",
                b"---- BEGIN",
                b"BEGIN PUBLIC KEY",
                b"BEGIN RSA PUBLIC KEY",
                b"BEGIN CERTIFICATE",
            ],
        ),
        (Foreign::Jwk, &[b"\"kty\"", b"'kty'", b"\\\"kty\\\""]),
        // The start of what stands in base64 after the name (RFC 4253, section 6.6), and of OpenSSH's private keys.
        (
            Foreign::Ssh,
            &[b"\0\0\0\x07ssh-", b"\0\0\0\x0bssh-", b"ecdsa-sha2-nistp", b"sk-ssh-ed25519@", b"openssh-key-v1\0"],
        ),
        // Object identifiers of RSA, of elliptic curves (ANSI X9.62, SECG), and of Ed25519 with its neighbours (RFC 8410).
        (
            Foreign::Der,
            &[
                b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01",
                b"\x06\x07\x2a\x86\x48\xce\x3d",
                b"\x06\x08\x2a\x86\x48\xce\x3d",
                b"\x06\x05\x2b\x81\x04\0",
                b"\x30\x05\x06\x03\x2b\x65",
            ],
        ),
    ];
    let has = |signs: &[&[u8]]| signs.iter().any(|sign| memmem::find(bytes, sign).is_some());
    let found = SIGNS.iter().find_map(|(foreign, signs)| has(signs).then_some(*foreign));
    found.or_else(|| is_rsa(bytes).then_some(Foreign::Der))
}

/// `RSAPublicKey` and `RSAPrivateKey` (RFC 8017, appendix A.1), which name no algorithm: a long sequence that begins with a
/// long integer, or with version 0 and a long integer.
fn is_rsa(bytes: &[u8]) -> bool {
    let inside = match bytes {
        [0x30, 0x81, _, inside @ ..] | [0x30, 0x82, _, _, inside @ ..] => inside,
        _ => return false,
    };
    let inside = inside.strip_prefix(&[2, 1, 0]).unwrap_or(inside);
    matches!(inside, [2, 0x81, _, 0, high, ..] | [2, 0x82, _, _, 0, high, ..] if *high >= 0x80)
}

/// What this encodes, if it is a text: each of its words, and all of it.
fn decodings(bytes: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let all = Zeroizing::new(bytes.iter().copied().filter(|byte| is_base64(*byte)).collect::<Vec<_>>());
    let words = bytes.split(|byte| !is_base64(*byte)).filter(|word| word.len() >= SHORTEST_KEY);
    let of_words = words.flat_map(|word| [base64(word), hex(word)]);
    of_words.chain([base64(&all), hex(&all)]).flatten()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Decodes as far as there are whole groups of four, in either alphabet.
fn base64(word: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let groups = Zeroizing::new(word.iter().take(word.len() / 4 * 4).map(standard).collect::<Vec<_>>());
    STANDARD_NO_PAD.decode(&*groups).ok().map(Zeroizing::new)
}

fn hex(word: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    word.chunks_exact(2).map(byte).collect::<Option<_>>().map(Zeroizing::new)
}
