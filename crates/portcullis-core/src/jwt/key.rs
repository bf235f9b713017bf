//! Keys: imported from every usual format and checked, then prepared for one algorithm each.

use super::{
    Algorithm,
    algorithm::Family,
    jwk,
    mistaken::{Foreign, foreign_key, instead_of_secret, is_encoded},
};
use crate::{
    error::Error,
    secret::{Fingerprint, Secret},
};
use aws_lc_rs::{hmac, signature::ParsedPublicKey};
use pkcs1::{
    RsaPublicKeyRef, UintRef,
    der::{Decode, Encode},
};
use spki::{Document, ObjectIdentifier, SubjectPublicKeyInfoRef};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// A key to verify tokens with. It is checked when it is imported, so a bad key fails at start.
///
/// `Debug` shows its identifier, its algorithm and its type, and never the key. Several keys of one issuer make a
/// [`KeySet`](crate::KeySet). Keys that the issuer publishes at an address are [`RemoteKeys`](crate::RemoteKeys).
///
/// ```
/// use portcullis_core::{Algorithm, Audience, Issuer, Key};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// const PEM: &str = "-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// -----END PUBLIC KEY-----";
/// let key = Key::pem(Algorithm::EdDsa, PEM)?.with_id("2026-01");
/// assert_eq!(key.id(), Some("2026-01"));
/// assert!(
///     Issuer::new("https://id.example.com", Audience::is("orders"), [Algorithm::EdDsa], key)
///         .is_ok()
/// );
///
/// assert!(Key::pem(Algorithm::Es256, PEM).is_err()); // the algorithm cannot use this type
/// assert!(Key::secret(Algorithm::Hs256, PEM).is_err()); // a public key is no secret
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Key {
    pub(crate) id: Option<String>,
    /// The only algorithm it may be used with. A JWK without `alg` leaves the choice to its issuer.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) material: Material,
}

/// A key without its name, in the form that is compared and prepared.
#[derive(Clone)]
pub(crate) enum Material {
    Secret(Secret),
    /// `RSAPublicKey` of RFC 8017 in DER.
    Rsa(Arc<[u8]>),
    /// An uncompressed point on the curve of this family.
    Ec(Family, Arc<[u8]>),
    Ed25519(Arc<[u8]>),
}

impl Key {
    /// A secret shared with the issuer, for `HS256`, `HS384` or `HS512`.
    ///
    /// The secret is exactly these bytes. Many secrets are written in base64, and issuers differ: some sign with the text (as
    /// Supabase does), others with the decoded bytes. For those, decode it first:
    /// `Key::secret(Algorithm::Hs256, STANDARD.decode(text)?)` with the `base64` crate. If a signature does not match and the
    /// secret looks like base64, the log says so.
    ///
    /// ```
    /// # use portcullis_core::{Algorithm, Key};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// assert!(Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes").is_ok());
    /// // 64 bytes are needed
    /// assert!(Key::secret(Algorithm::Hs512, "a secret of at least thirty-two bytes").is_err());
    /// // needs a public key
    /// assert!(Key::secret(Algorithm::Rs256, "a secret of at least thirty-two bytes").is_err());
    /// assert!(Key::secret(Algorithm::Hs256, [b'x'; 32]).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the algorithm takes no secret, or the secret is not
    /// usable. It is not if it is shorter than the hash: 32, 48 or 64 bytes (RFC 7518, section 3.2); if it is one byte
    /// repeated; or if it is or contains a key of another kind: PEM, DER, base64 of these, a JWK, an SSH key, a certificate.
    pub fn secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let (needed, given) = (hash_bytes(algorithm)?, secret.as_ref().len());
        if given < needed {
            let detail = format!("{algorithm} needs a secret of at least {needed} bytes, and this one has {given}");
            return Err(Error::misconfigured(detail));
        }
        match instead_of_secret(secret.as_ref()) {
            Some(what) => Err(Error::misconfigured(format!("the secret {what}"))),
            None => Self::any_secret(algorithm, secret.as_ref()),
        }
    }

    /// A secret of any length except empty. A short one can be guessed from a single token.
    ///
    /// ```
    /// # use portcullis_core::{Algorithm, Key};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // A device that is already sold has this secret, and the owner cannot change it.
    /// assert!(Key::dangerous_short_secret(Algorithm::Hs256, "device-0417").is_ok());
    /// assert!(Key::secret(Algorithm::Hs256, "device-0417").is_err());
    /// assert!(Key::dangerous_short_secret(Algorithm::Hs256, "").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the algorithm takes no secret, or the secret is
    /// empty, or it is or contains a key of another kind.
    pub fn dangerous_short_secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        hash_bytes(algorithm)?;
        match foreign_key(secret.as_ref()) {
            Some(key) => Err(Error::misconfigured(format!("the secret {}", key.instead_of_secret()))),
            None => Self::any_secret(algorithm, secret.as_ref()),
        }
    }

    /// Without a check of its length and of what it is. Forged tokens of tests are signed with such secrets.
    pub(crate) fn any_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, Error> {
        hash_bytes(algorithm)?;
        if secret.is_empty() {
            return Err(Error::misconfigured("the secret is empty"));
        }
        Ok(Self { id: None, algorithm: Some(algorithm), material: Material::Secret(Secret::new(secret)) })
    }

    /// A public key in PEM, labelled `PUBLIC KEY` (RFC 7468, section 13) or `RSA PUBLIC KEY`.
    ///
    /// ```
    /// # use portcullis_core::{Algorithm, Key, testing::SigningKey};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let published = SigningKey::embedded(Algorithm::Rs256).public_pem().unwrap_or_default();
    /// let key = Key::pem(Algorithm::Rs256, &published)?; // such as `include_str!("issuer.pem")`
    /// let one_line = published.replace('\n', " ");
    /// // an environment variable that lost its line breaks
    /// assert!(Key::pem(Algorithm::Rs256, &one_line).is_err());
    /// # let _ = key; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is not such a key, a private key, a key that the
    /// algorithm cannot use, or a weak key.
    pub fn pem(algorithm: Algorithm, pem: &str) -> Result<Self, Error> {
        let (label, document) = Document::from_pem(pem.trim()).map_err(|error| {
            let what = match foreign_key(pem.as_bytes()) {
                _ if pem.contains("-----BEGIN") => "not valid PEM; are its line breaks still there?",
                Some(Foreign::Der) => {
                    "base64 without armour; a line `-----BEGIN PUBLIC KEY-----` goes before it, and `-----END PUBLIC KEY-----` after it"
                }
                Some(Foreign::Jwk) => "a JWK, which `Key::jwk` and `KeySet::jwks` read",
                Some(Foreign::Ssh) => "an SSH key; `ssh-keygen -e -m PKCS8 -f key.pub` makes a PEM of it",
                _ => "not valid PEM, which begins with `-----BEGIN PUBLIC KEY-----`",
            };
            Error::misconfigured(format!("the public key is {what}")).with_cause(error)
        })?;
        match label {
            "PUBLIC KEY" => Self::der(algorithm, document.as_bytes()),
            "RSA PUBLIC KEY" => Self::public(algorithm, Material::rsa_der(document.as_bytes())?),
            "CERTIFICATE" => Err(Error::misconfigured(CERTIFICATE)),
            _ => Err(Error::misconfigured(format!("a public key is labelled `PUBLIC KEY`, and this PEM `{label}`"))),
        }
    }

    /// A public key in DER: `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    ///
    /// ```
    /// # use portcullis_core::{Algorithm, Key};
    /// use base64::{Engine, engine::general_purpose::STANDARD};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let der = STANDARD.decode("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")?;
    /// assert!(Key::der(Algorithm::EdDsa, &der).is_ok());
    /// assert!(Key::der(Algorithm::EdDsa, &der[12..]).is_err()); // the bare 32 bytes
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Key::pem`].
    pub fn der(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        Self::public(algorithm, Material::spki(der)?)
    }

    /// One JSON Web Key (RFC 7517). Without `alg` it works with every algorithm that its type supports and its issuer allows.
    ///
    /// ```
    /// # use portcullis_core::Key;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"2026-01",
    ///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// assert_eq!(Key::jwk(jwk)?.id(), Some("2026-01"));
    /// assert!(Key::jwk(&jwk.replace("kid", "use")).is_err()); // its use is not `sig`
    /// assert!(Key::jwk(&jwk.replace("kid", "d")).is_err()); // it is private
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is malformed, not for verifying signatures,
    /// private, or weak.
    pub fn jwk(json: &str) -> Result<Self, Error> {
        jwk::key(json).map_err(|reason| Error::misconfigured(format!("the JWK {reason}")))
    }

    /// A public key for one algorithm, prepared once to see that it is sound.
    fn public(algorithm: Algorithm, material: Material) -> Result<Self, Error> {
        let key = Self { id: None, algorithm: Some(algorithm), material };
        if key.material.family() != algorithm.family() {
            return Err(Error::misconfigured(format!("{algorithm} cannot use a key of this type")));
        }
        key.prepare(algorithm)?;
        Ok(key)
    }

    /// The same key with an identifier (`kid`). Keys of one issuer that share an algorithm need one each.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The identifier (`kid`), if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it is the same key, under any name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.material.is_same(&other.material)
    }

    /// Whether it also signs. Such a key must not come over the network.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.material, Material::Secret(_))
    }

    /// Whether it may be used with this algorithm: its type fits, its `alg` does not say another, and a secret is long enough.
    pub(crate) fn can(&self, algorithm: Algorithm) -> bool {
        let allowed = match (self.algorithm, &self.material, algorithm.hmac()) {
            (Some(only), ..) => only == algorithm,
            // RFC 7518, section 3.2: what is long enough for HS256 may be too short for HS512.
            (None, Material::Secret(secret), Some(hash)) => {
                secret.expose().len() >= hash.digest_algorithm().output_len()
            }
            (None, ..) => true,
        };
        allowed && self.material.family() == algorithm.family()
    }

    /// Parses the key for an algorithm, so that verifying a token need not do it.
    ///
    /// # Errors
    /// `Misconfigured` if it is not sound, such as a point that is not on its curve.
    pub(crate) fn prepare(&self, algorithm: Algorithm) -> Result<PreparedKey, Error> {
        let check = Check::of(&self.material, algorithm)?;
        Ok(PreparedKey { check: OnceLock::from(Some(check)), ..self.prepare_later(algorithm) })
    }

    /// The same for a key that is known to be sound. It is prepared when its first token comes.
    pub(crate) fn prepare_later(&self, algorithm: Algorithm) -> PreparedKey {
        let (id, material) = (self.id.clone(), self.material.clone());
        PreparedKey { id, algorithm, material, check: OnceLock::new() }
    }
}

const CERTIFICATE: &str =
    "the public key is a certificate; `openssl x509 -pubkey -noout -in cert.pem` prints the key in it";

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.material.family();
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).field("kind", &kind).finish()
    }
}

impl Material {
    pub(crate) fn family(&self) -> Family {
        match self {
            Self::Secret(_) => Family::Hmac,
            Self::Rsa(_) => Family::Rsa,
            Self::Ec(curve, _) => *curve,
            Self::Ed25519(_) => Family::Ed25519,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(one), Self::Secret(other)) => {
                Fingerprint::of(one.expose()).is_same(&Fingerprint::of(other.expose()))
            }
            (Self::Rsa(one), Self::Rsa(other)) | (Self::Ed25519(one), Self::Ed25519(other)) => one == other,
            (Self::Ec(curve, one), Self::Ec(other_curve, other)) => curve == other_curve && one == other,
            _ => false,
        }
    }

    fn rsa_der(der: &[u8]) -> Result<Self, Error> {
        let key = RsaPublicKeyRef::from_der(der)
            .map_err(|error| Error::misconfigured("the RSA public key is malformed").with_cause(error))?;
        Self::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
            .map_err(|reason| Error::misconfigured(format!("the RSA public key {reason}")))
    }

    /// From modulus and exponent, big-endian; 2048 to 8192 bits, an odd exponent from 3 to 2^32.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, &'static str> {
        let strip = |bytes: &[u8]| bytes.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<u8>>();
        let (modulus, exponent) = (strip(modulus), strip(exponent));
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err("must have 2048 to 8192 bits");
        }
        let value =
            exponent.iter().fold(0_u64, |value, byte| value.saturating_mul(256).saturating_add(u64::from(*byte)));
        if exponent.len() > 5 || value % 2 == 0 || !(3..=1 << 32).contains(&value) {
            return Err("must have an odd exponent from 3 to 2^32");
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err("has an even modulus");
        }
        let encode = || {
            let key = RsaPublicKeyRef { modulus: UintRef::new(&modulus)?, public_exponent: UintRef::new(&exponent)? };
            key.to_der()
        };
        encode().map(|der| Self::Rsa(der.into())).map_err(|_| "cannot be encoded")
    }

    /// From an uncompressed point; that it lies on the curve is checked when it is prepared.
    pub(crate) fn ec(curve: Family, point: Vec<u8>) -> Result<Self, &'static str> {
        let length = match curve {
            Family::P256 => 65,
            Family::P384 => 97,
            Family::P521 => 133,
            _ => return Err("is on no curve for signatures"),
        };
        if point.len() != length || point.first() != Some(&4) {
            return Err("is not an uncompressed point of its curve");
        }
        Ok(Self::Ec(curve, point.into()))
    }

    /// From exactly 32 bytes that are the canonical encoding of a point of large order.
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() != 32 {
            return Err("must have 32 bytes");
        }
        if !is_sound_ed25519(bytes) {
            return Err("is a point of small order or not in canonical form");
        }
        Ok(Self::Ed25519(bytes.into()))
    }

    /// From `SubjectPublicKeyInfo`, whose algorithm identifier says the type and the curve.
    fn spki(der: &[u8]) -> Result<Self, Error> {
        const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        const CURVES: [(ObjectIdentifier, Family); 3] = [
            (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), Family::P256),
            (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Family::P384),
            (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Family::P521),
        ];
        let malformed = || Error::misconfigured(if is_certificate(der) { CERTIFICATE } else { NO_SPKI });
        let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|error| malformed().with_cause(error))?;
        let bits = info.subject_public_key.as_bytes().ok_or_else(malformed)?;
        let material = match info.algorithm.oid {
            RSA => return Self::rsa_der(bits),
            EC => {
                let curve = info.algorithm.parameters_oid().map_err(|error| malformed().with_cause(error))?;
                let family = CURVES.iter().find_map(|(oid, family)| (*oid == curve).then_some(*family));
                Self::ec(
                    family.ok_or_else(|| Error::misconfigured("the key is on a curve without algorithm here"))?,
                    bits.to_vec(),
                )
            }
            ED25519 => Self::ed25519(bits),
            _ => Err("has a type that no algorithm here uses"),
        };
        material.map_err(|reason| Error::misconfigured(format!("the public key {reason}")))
    }
}

const NO_SPKI: &str = "the public key is not a SubjectPublicKeyInfo";

/// RFC 5280, section 4.1: a sequence in a sequence that begins with the version, 3 (`[0] EXPLICIT INTEGER`).
fn is_certificate(der: &[u8]) -> bool {
    const VERSION_3: &[u8] = &[0xa0, 3, 2, 1, 2];
    der.get(..16).is_some_and(|start| start.windows(VERSION_3.len()).any(|bytes| bytes == VERSION_3))
}

/// The eight points of small order allow signatures that match any message. An encoding at or above the field prime 2^255 -
/// 19 is a second name for another key (RFC 8032, section 5.1.3; RFC 8725bis).
fn is_sound_ed25519(bytes: &[u8]) -> bool {
    const SMALL_ORDER_Y: [[u8; 32]; 4] = [
        [0; 32],
        {
            let mut one = [0; 32];
            one[0] = 1;
            one
        },
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut y = [0_u8; 32];
    for (to, from) in y.iter_mut().zip(bytes) {
        *to = *from;
    }
    let [first, middle @ .., last] = &mut y;
    *last &= 0x7f; // the sign of x
    // p - 1 = 2^255 - 20 is the eighth: (0, -1); everything from p on is not canonical.
    let above = *last == 0x7f && middle.iter().all(|byte| *byte == 0xff) && *first >= 0xec;
    !above && !SMALL_ORDER_Y.contains(&y)
}

/// The output of the hash in bytes, which is the least that a secret may have.
fn hash_bytes(algorithm: Algorithm) -> Result<usize, Error> {
    let hash = algorithm.hmac();
    let hash =
        hash.ok_or_else(|| Error::misconfigured(format!("{algorithm} is verified with a public key, not a secret")))?;
    Ok(hash.digest_algorithm().output_len())
}

/// A key for one algorithm. Requests are verified with it.
#[derive(Clone)]
pub(crate) struct PreparedKey {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    material: Material,
    /// `None` inside if it was not sound after all.
    check: OnceLock<Option<Check>>,
}

/// A key as the cryptographic library takes it.
#[derive(Clone)]
enum Check {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Check {
    /// Parses the key material. For a public key, this checks that its point is on the curve.
    fn of(material: &Material, algorithm: Algorithm) -> Result<Self, Error> {
        let rejected = || Error::misconfigured(format!("the key is not usable with {algorithm}"));
        match (material, algorithm.hmac(), algorithm.verification()) {
            (Material::Secret(secret), Some(hash), _) => {
                Ok(Self::Hmac(Box::new(hmac::Key::new(hash, secret.expose()))))
            }
            (Material::Rsa(bytes) | Material::Ec(_, bytes) | Material::Ed25519(bytes), _, Some(verification)) => {
                let key = ParsedPublicKey::new(verification, bytes);
                key.map(Self::Public).map_err(|error| rejected().with_cause(error))
            }
            _ => Err(rejected()),
        }
    }
}

impl PreparedKey {
    /// Whether the signature is that of this key. An HMAC is compared in constant time.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.check.get_or_init(|| Check::of(&self.material, self.algorithm).ok()) {
            Some(Check::Hmac(key)) => hmac::verify(key, message, signature).is_ok(),
            Some(Check::Public(key)) => key.verify_sig(message, signature).is_ok(),
            None => false,
        }
    }

    /// Whether it is the same key, with the same name and for the same algorithm. Such a key is only needed once.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.is_twin(other) && self.material.is_same(&other.material)
    }

    /// Whether a token that names this key may as well mean the other.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.id == other.id
    }

    /// Whether the secret may be encoded. For the log, if no signature matches.
    pub(crate) fn is_encoded_secret(&self) -> bool {
        matches!(&self.material, Material::Secret(secret) if is_encoded(secret.expose()))
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
