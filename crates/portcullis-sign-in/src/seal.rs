//! Cookies and rows that only this service can read and write.

use crate::fault::misconfigured;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::Error;
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

const ID: usize = 4;
const NONCE: usize = 12;

/// The keys that seal sessions: AES-256-GCM with random nonces, and a key id in front.
///
/// A key is derived (HKDF-SHA256) from a secret of at least 32 random bytes, as text. Everything is sealed with the current
/// key. During a rotation the one before still opens what it sealed; remove it when the longest session has ended. One key
/// seals at most 2^32 values (NIST SP 800-38D, section 8.3).
///
/// ```
/// use portcullis_sign_in::SealingKeys;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let keys = SealingKeys::new("a-new-secret-of-thirty-two-bytes-or-more")?
///     .and_previous("the-old-secret-of-thirty-two-bytes-or-more")?;
/// assert_eq!(format!("{keys:?}"), "SealingKeys(2)");
/// assert!(SealingKeys::new("short").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SealingKeys(Vec<Arc<SealingKey>>);

struct SealingKey {
    id: [u8; ID],
    key: LessSafeKey,
}

impl SealingKeys {
    /// The current key, from this secret.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if it has fewer than 32 bytes.
    pub fn new(secret: &str) -> Result<Self, Error> {
        Ok(Self(vec![Arc::new(SealingKey::new(secret)?)]))
    }

    /// The key before, which opens and does not seal.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if it has fewer than 32 bytes.
    pub fn and_previous(mut self, secret: &str) -> Result<Self, Error> {
        self.0.push(Arc::new(SealingKey::new(secret)?));
        Ok(self)
    }

    /// Seals a text for this purpose: key id, nonce, ciphertext and tag, in base64url.
    pub(crate) fn seal(&self, purpose: &str, text: &[u8]) -> Result<String, Error> {
        let broken = || misconfigured("the session cannot be sealed");
        let current = self.0.first().ok_or_else(broken)?;
        let nonce: [u8; NONCE] = random()?;
        let mut sealed = text.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        current.key.seal_in_place_append_tag(nonce_value, aad, &mut sealed).map_err(|_| broken())?;
        Ok(URL_SAFE_NO_PAD.encode([&current.id[..], &nonce[..], &sealed[..]].concat()))
    }

    /// What was sealed for this purpose with one of the keys.
    pub(crate) fn open(&self, purpose: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, rest) = bytes.split_at_checked(ID)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        self.0.iter().filter(|key| key.id == *id).find_map(|key| {
            let mut sealed = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let opened = key.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?.len();
            sealed.truncate(opened);
            Some(sealed)
        })
    }
}

impl SealingKey {
    fn new(secret: &str) -> Result<Self, Error> {
        if secret.len() < 32 {
            return Err(misconfigured("a secret of fewer than 32 bytes; 32 random ones in base64 are usual"));
        }
        let mut derived = Zeroizing::new([0; 32 + ID]);
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portcullis sign-in").extract(secret.as_bytes());
        let expanded = extracted.expand(&[b"AES-256-GCM and key id"], Length(32 + ID));
        expanded.and_then(|okm| okm.fill(&mut *derived)).map_err(|_| misconfigured("no key can be derived"))?;
        let (key, rest) = derived.split_at(32);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| misconfigured("no key can be derived"))?;
        let mut id = [0; ID];
        id.copy_from_slice(rest);
        Ok(Self { id, key: LessSafeKey::new(key) })
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeys({})", self.0.len())
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| misconfigured("the system has no randomness"))?;
    Ok(bytes)
}

/// A random text of this many bytes, in base64url.
pub(crate) fn random_text<const N: usize>() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::<N>()?))
}
