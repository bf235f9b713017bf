//! Random tokens, what a store keeps of them, and the secrets of the service.

use crate::error::Error;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hmac, rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use zeroize::Zeroizing;

/// Random bytes of the operating system. The source cannot be replaced.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

/// A secret text that is given out once, such as a refresh token or the token of a link.
///
/// It has 32 random bytes in base64url. A store keeps only its [`Digest`]. `Debug` does not show it.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    pub(crate) fn fresh() -> Result<Self, Error> {
        Ok(Self::of(&random::<32>()?))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token with this text, as a client sent it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of the purpose and the token. Tokens of two purposes never have the same.
    #[must_use]
    pub fn digest(&self, purpose: &str) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(purpose.as_bytes());
        context.update(b"\0");
        context.update(self.0.as_bytes());
        Digest::of(context.finish().as_ref())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The SHA-256 of a token and its purpose: what a store keeps and looks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 32];
        digest.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self(digest)
    }

    /// The bytes, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest with these bytes, from a store.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// The secrets of the service. The first one signs tokens, and all of them verify.
///
/// To replace a secret without signing anybody out, take two steps. First every instance knows both:
/// `Secret::new(old)?.also(new)?`. Then every instance signs with the new one: `Secret::new(new)?.also(old)?`. When all tokens
/// that the old one signed have expired, leave it out.
///
/// ```
/// use portcullis_accounts::Secret;
///
/// # fn main() -> Result<(), portcullis_accounts::Error> {
/// let old = "a-secret-of-at-least-thirty-two-bytes";
/// let secret = Secret::new("another-secret-of-thirty-two-bytes-or-more")?.also(old)?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert!(Secret::new("too-short").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Secret(Vec<Zeroizing<Vec<u8>>>);

/// What a key is derived for (RFC 5869). The secret itself only signs tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label {
    /// Successors of refresh tokens.
    Refresh,
    /// Names under which attempts are counted.
    Limits,
    /// Cookies of browsers that have signed in before.
    Device,
    /// Cookies of flows at providers.
    #[cfg(feature = "sign-in")]
    Flows,
    /// Secrets of second factors in the store.
    Factors,
    /// Names of the secrets in the tokens that they sign.
    KeyIds,
    /// Identifiers of invitations.
    Invitation,
}

impl Label {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Refresh => b"portcullis refresh",
            Self::Limits => b"portcullis limits",
            Self::Device => b"portcullis device",
            #[cfg(feature = "sign-in")]
            Self::Flows => b"portcullis flows",
            Self::Factors => b"portcullis factors",
            Self::KeyIds => b"portcullis key ids",
            Self::Invitation => b"portcullis invitation",
        }
    }
}

impl Secret {
    const MIN_BYTES: usize = 32;

    /// A secret of at least 32 bytes.
    ///
    /// # Errors
    /// [`Error::Core`] of kind [`Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if it is shorter.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self(Vec::new()).also(secret)
    }

    /// Another secret that verifies, and does not sign.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn also(mut self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let secret = secret.as_ref();
        if secret.len() < Self::MIN_BYTES {
            return Err(Error::misconfigured("a secret of accounts needs at least 32 bytes"));
        }
        self.0.push(Zeroizing::new(secret.to_vec()));
        Ok(self)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.as_slice())
    }

    /// The one that signs.
    pub(crate) fn first(&self) -> &[u8] {
        self.0.first().map_or(&[], |secret| secret.as_slice())
    }

    /// The `kid` of the tokens that each secret signs, the signing one's first.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = String> {
        self.macs(Label::KeyIds, &[]).map(|mac| mac.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// HMAC-SHA256 by the keys derived for this use, the signing secret's first.
    pub(crate) fn macs(&self, label: Label, parts: &[&[u8]]) -> impl Iterator<Item = [u8; 32]> {
        self.all().map(move |secret| mac(secret, label, parts))
    }

    /// The first of [`macs`](Self::macs).
    pub(crate) fn mac(&self, label: Label, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.first(), label, parts)
    }

    /// Seals a text with the signing secret's key for this use (AES-256-GCM with a random nonce in front). It opens only with the
    /// same `bound_to`, such as the user it belongs to.
    pub(crate) fn seal(&self, label: Label, bound_to: &[u8], text: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = text.to_vec();
        let key = sealing(self.first(), label).ok_or(Error::NoRandomness)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(bound_to), &mut sealed).map_err(|_| Error::NoRandomness)?;
        Ok([&nonce.as_ref()[..], &sealed].concat())
    }

    /// What was sealed with one of the secrets, and whether it was the signing one.
    pub(crate) fn open(&self, label: Label, bound_to: &[u8], sealed: &[u8]) -> Option<(Zeroizing<Vec<u8>>, bool)> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        self.all().enumerate().find_map(|(place, secret)| {
            let mut text = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let length = sealing(secret, label)?.open_in_place(nonce, Aad::from(bound_to), &mut text).ok()?.len();
            text.truncate(length);
            Some((text, place == 0))
        })
    }

    /// The possible successors of a refresh token, that of the signing secret first.
    ///
    /// A successor is derived, so that each presentation of the same token gets the same one, on every instance, without a
    /// store that knows a token.
    pub(crate) fn successors(&self, token: &Token, attempt: u32) -> impl Iterator<Item = Token> {
        let attempt = attempt.to_be_bytes();
        self.all().map(move |secret| Token::of(&mac(secret, Label::Refresh, &[&attempt, token.0.as_bytes()])))
    }
}

fn sealing(secret: &[u8], label: Label) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, &mac(secret, label, &[])).ok()
}

fn mac(secret: &[u8], label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    // HKDF (RFC 5869) without a salt, and one block of output.
    let extracted = sign(&[0; 32], secret);
    let key = sign(extracted.as_ref(), &[label.info(), &[1]].concat());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()));
    for part in parts {
        // With lengths, so that no two lists of parts are the same text.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    *Digest::of(context.sign().as_ref()).as_bytes()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_the_same_use_and_user() -> Result<(), Error> {
        let old = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
        let sealed = old.seal(Label::Factors, b"alice", b"text")?;
        assert_ne!(sealed, old.seal(Label::Factors, b"alice", b"text")?, "each with a nonce of its own");
        let opened = |secret: &Secret, label, user: &[u8], sealed: &[u8]| {
            secret.open(label, user, sealed).map(|(text, is_current)| (text.to_vec(), is_current))
        };
        assert_eq!(opened(&old, Label::Factors, b"alice", &sealed), Some((b"text".to_vec(), true)));
        assert_eq!(opened(&old, Label::Factors, b"bob", &sealed), None);
        assert_eq!(opened(&old, Label::Device, b"alice", &sealed), None);
        let mut changed = sealed.clone();
        changed.iter_mut().for_each(|byte| *byte ^= 1);
        for broken in [&changed[..], &[], sealed.get(..20).unwrap_or_default()] {
            assert_eq!(opened(&old, Label::Factors, b"alice", broken), None);
        }
        let new = Secret::new("another-secret-of-thirty-two-bytes-or-more")?;
        assert_eq!(opened(&new, Label::Factors, b"alice", &sealed), None);
        let both = new.also("a-secret-of-at-least-thirty-two-bytes")?;
        assert_eq!(opened(&both, Label::Factors, b"alice", &sealed), Some((b"text".to_vec(), false)));
        Ok(())
    }
}
