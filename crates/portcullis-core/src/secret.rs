//! Secrets: kept out of logs, wiped, and compared in one place.

use crate::{error::Error, jwt::base64url};
use aws_lc_rs::{constant_time, digest, hmac};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that must not be seen: shown as `Secret(..)`, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret that was made of a text; nothing of one that was not.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a secret: what is kept and compared instead of it.
#[derive(Clone)]
pub(crate) struct Fingerprint(digest::Digest);

impl Fingerprint {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(digest::digest(&digest::SHA256, secret))
    }

    /// The one comparison of secrets: over digests, so neither content nor length shows in the time it takes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_ref(), other.0.as_ref()).is_ok()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

/// Shorter secrets can be guessed.
const MIN_SIGNING_BYTES: usize = 32;

/// A secret that signs: HMAC-SHA256.
#[derive(Clone)]
pub(crate) struct SigningSecret(hmac::Key);

impl SigningSecret {
    pub(crate) fn new(secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < MIN_SIGNING_BYTES {
            let detail = format!(
                "a secret that signs needs at least {MIN_SIGNING_BYTES} bytes, and this one has {}",
                secret.len()
            );
            return Err(Error::misconfigured(detail));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Signs what `feed` passes.
    pub(crate) fn sign(&self, feed: impl FnOnce(&mut MacInput)) -> Mac {
        let mut input = MacInput(hmac::Context::with_key(&self.0));
        feed(&mut input);
        Mac(input.0.sign())
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// What is to be signed.
pub(crate) struct MacInput(hmac::Context);

impl MacInput {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// A text behind its length, so that no two lists of fields are the same message.
    pub(crate) fn field(&mut self, text: &str) {
        self.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.update(text.as_bytes());
    }
}

/// Compares a signature with the one that a request has, in constant time. Its length is no secret.
pub(crate) fn is_same_signature(ours: &str, theirs: &str) -> bool {
    constant_time::verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok()
}

/// A signature.
pub(crate) struct Mac(hmac::Tag);

impl Mac {
    pub(crate) fn to_base64url(&self) -> String {
        base64url::encode(self.0.as_ref())
    }

    /// With `0x`, in lower case.
    pub(crate) fn to_hex(&self) -> String {
        self.0.as_ref().iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }
}
