//! Random tokens, what a store keeps of them, and the secrets of the service.

use crate::error::Error;
use aws_lc_rs::{digest, hmac, rand};
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

/// What a key is derived for (RFC 5869). The secret itself only signs access tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label {
    /// Successors of refresh tokens.
    Refresh,
    /// Names under which attempts are counted.
    Limits,
    /// Cookies of browsers that have signed in before.
    Device,
}

impl Label {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Refresh => b"portcullis refresh",
            Self::Limits => b"portcullis limits",
            Self::Device => b"portcullis device",
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

    /// HMAC-SHA256 by the keys derived for this use, the signing secret's first.
    pub(crate) fn macs(&self, label: Label, parts: &[&[u8]]) -> impl Iterator<Item = [u8; 32]> {
        self.all().map(move |secret| mac(secret, label, parts))
    }

    /// The first of [`macs`](Self::macs).
    pub(crate) fn mac(&self, label: Label, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.first(), label, parts)
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
