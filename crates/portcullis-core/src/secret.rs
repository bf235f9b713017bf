//! Secrets: kept out of logs, wiped, and compared in one place.

use aws_lc_rs::{constant_time, digest};
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
