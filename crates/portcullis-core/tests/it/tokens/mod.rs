//! Tokens: every way to be refused, beside its harmless neighbour that passes.

mod algorithm;
mod audience;
mod encoding;
mod header;
mod issuer;
mod kind;
mod members;
mod registered;
mod shape;
mod signature;
mod time;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{
    Algorithm, Audience, Error, ErrorKind, Issuer, Jwt, Key,
    testing::{FixedClock, SigningKey},
};

/// Noon of the first of January 2026.
pub(crate) const NOW: u64 = 1_767_268_800;
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
pub(crate) const ISSUER: &str = "https://issuer.test";

/// What is expected of a token: that it passes, or a kind of error and a part of its message.
pub(crate) type Want = Result<(), (ErrorKind, &'static str)>;

pub(crate) const PASSES: Want = Ok(());

pub(crate) fn invalid(why: &'static str) -> Want {
    Err((ErrorKind::Invalid, why))
}

pub(crate) fn unrecognized(why: &'static str) -> Want {
    Err((ErrorKind::Unrecognized, why))
}

pub(crate) fn expired(why: &'static str) -> Want {
    Err((ErrorKind::Expired, why))
}

/// Holds a verifier against a table. A table without a token that passes, or without one that is refused, proves nothing.
pub(crate) fn hold(verifier: &Jwt, table: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>, Want)>) {
    let (mut passed, mut refused) = (false, false);
    for (what, token, want) in table {
        let (what, token) = (what.as_ref(), token.as_ref());
        match (verifier.verify(token), want) {
            (Ok(_), Ok(())) => passed = true,
            (Err(error), Err((kind, why))) => {
                let (found, text) = (error.kind(), error.to_string());
                assert!(found == kind && text.contains(why), "{what}: {found:?} `{text}`, not {kind:?} `{why}`");
                assert_quiet(what, token, &error);
                refused = true;
            }
            (Ok(_), Err(want)) => panic!("{what}: passed, and should be refused: {want:?}"),
            (Err(error), Ok(())) => panic!("{what}: should pass, and was refused: {error}"),
        }
    }
    assert!(passed && refused, "a table needs both sides");
}

/// No part of a token that could be used or guessed from stands in its error.
fn assert_quiet(what: &str, token: &str, error: &Error) {
    let shown = format!("{error} {error:?}");
    for part in token.split('.').filter(|part| part.len() >= 16) {
        assert!(!shown.contains(part), "{what}: the error shows a part of the token");
    }
}

pub(crate) fn hs256() -> SigningKey {
    SigningKey::embedded(Algorithm::Hs256)
}

/// An issuer of [`ISSUER`] for the audience `test` with this key.
pub(crate) fn issuer_with(key: Key, algorithm: Algorithm) -> Issuer {
    Issuer::new(ISSUER, Audience::is("test"), [algorithm], key).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    issuer_with(hs256().key(), Algorithm::Hs256)
}

pub(crate) fn at_noon(issuer: Issuer) -> Jwt {
    Jwt::new(issuer).clock(FixedClock::at(NOW))
}

pub(crate) fn verifier() -> Jwt {
    at_noon(issuer())
}

/// Claims that pass, with these members in front of the closing brace.
pub(crate) fn claims(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    let expiry = NOW + 300;
    format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{expiry}{comma}{more}}}"#)
}

/// A good token but for its header.
pub(crate) fn with_header(header: &str) -> String {
    hs256().sign(header, &claims(""))
}

/// A good token but for its claims.
pub(crate) fn with_claims(claims: &str) -> String {
    hs256().sign(HEADER, claims)
}

/// A good token with more claims.
pub(crate) fn with_more(more: &str) -> String {
    with_claims(&claims(more))
}

/// A good token.
pub(crate) fn good() -> String {
    with_more("")
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these bytes, well-formed or not, with a signature that fits.
pub(crate) fn sign_parts(header: &str, payload: &str) -> String {
    let message = format!("{header}.{payload}");
    let signature = base64url(hs256().sign_bytes(message.as_bytes()));
    format!("{message}.{signature}")
}
