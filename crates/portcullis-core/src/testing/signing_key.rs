//! Keys that sign, for tests only.

#![expect(clippy::expect_used, reason = "the embedded keys are sound, and a test with another one should stop here")]

use crate::{
    clock::{Clock, seconds},
    error::Error,
    jwt::{Algorithm, Family, Key, Material, base64url},
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{self as sig, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use pkcs1::{RsaPublicKeyRef, der::Decode};
use serde_json::{Value, json};
use spki::{Document, der::pem::LineEnding};
use std::{fmt, sync::Arc};

/// The secret of the embedded HMAC key: 64 bytes, long enough for every HMAC algorithm.
const SECRET: &[u8] = b"the test issuer's secret, published with its source: trust none.";

/// A private key that signs tokens in tests, and the public key that verifies them.
///
/// A [`TestIssuer`](super::TestIssuer) signs well-formed tokens with it. By itself it signs anything, for tests of what has to
/// be refused:
///
/// ```
/// use portcullis_core::{Algorithm, Key, testing::{SigningKey, TestIssuer}};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let key = SigningKey::embedded(Algorithm::Es256);
/// assert_eq!(key.algorithm(), Algorithm::Es256);
/// let published = key.public_jwk("test").as_deref().map(Key::jwk).transpose()?;
/// assert_eq!(published.as_ref().and_then(|key| key.id()), Some("test"));
/// assert!(key.public_pem().is_some_and(|pem| pem.starts_with("-----BEGIN PUBLIC KEY-----")));
///
/// let issuer = TestIssuer::with_key(key.clone());
/// let claims = r#"{"iss":"https://issuer.test","aud":"test","sub":"alice","exp":4102444800}"#;
/// assert!(issuer.verifier().verify(&key.sign(r#"{"alg":"ES256"}"#, claims)).is_ok());
/// assert!(issuer.verifier().verify(&key.sign(r#"{"alg":"none"}"#, claims)).is_err());
/// assert!(issuer.verifier().verify(&key.sign(r#"{"alg":"ES256"}"#, "not JSON")).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    signer: Arc<Signer>,
    key: Key,
    /// `SubjectPublicKeyInfo` in DER, if there is a public key.
    public: Option<&'static [u8]>,
}

enum Signer {
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn sig::RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// The embedded key of this algorithm.
    #[must_use]
    pub fn embedded(algorithm: Algorithm) -> Self {
        let rsa = |encoding: &'static dyn sig::RsaEncoding| {
            let pair = RsaKeyPair::from_pkcs8(include_bytes!("keys/rsa.p8")).expect("the embedded RSA key is sound");
            (Signer::Rsa(Box::new(pair), encoding), &include_bytes!("keys/rsa.spki")[..])
        };
        let ec = |encoding, private: &[u8], public: &'static [u8]| {
            (Signer::Ec(EcdsaKeyPair::from_pkcs8(encoding, private).expect("the embedded EC key is sound")), public)
        };
        let (signer, public) = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                return Self::secret(algorithm, SECRET).expect("the embedded secret is long enough");
            }
            Algorithm::Rs256 => rsa(&sig::RSA_PKCS1_SHA256),
            Algorithm::Rs384 => rsa(&sig::RSA_PKCS1_SHA384),
            Algorithm::Rs512 => rsa(&sig::RSA_PKCS1_SHA512),
            Algorithm::Ps256 => rsa(&sig::RSA_PSS_SHA256),
            Algorithm::Ps384 => rsa(&sig::RSA_PSS_SHA384),
            Algorithm::Ps512 => rsa(&sig::RSA_PSS_SHA512),
            Algorithm::Es256 => ec(
                &sig::ECDSA_P256_SHA256_FIXED_SIGNING,
                include_bytes!("keys/p256.p8"),
                include_bytes!("keys/p256.spki"),
            ),
            Algorithm::Es384 => ec(
                &sig::ECDSA_P384_SHA384_FIXED_SIGNING,
                include_bytes!("keys/p384.p8"),
                include_bytes!("keys/p384.spki"),
            ),
            Algorithm::Es512 => ec(
                &sig::ECDSA_P521_SHA512_FIXED_SIGNING,
                include_bytes!("keys/p521.p8"),
                include_bytes!("keys/p521.spki"),
            ),
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(include_bytes!("keys/ed25519.p8"));
                (
                    Signer::Ed25519(pair.expect("the embedded Ed25519 key is sound")),
                    &include_bytes!("keys/ed25519.spki")[..],
                )
            }
        };
        let key = Key::der(algorithm, public).expect("the embedded public key is sound");
        Self { algorithm, signer: Arc::new(signer), key, public: Some(public) }
    }

    /// A key from a secret of your own, however weak, as forgers use.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the algorithm takes no secret, or it is empty.
    pub fn secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let key = Key::any_secret(algorithm, secret.as_ref())?;
        let hash = algorithm.hmac().ok_or_else(|| Error::misconfigured("this algorithm takes no secret"))?;
        let signer = Arc::new(Signer::Hmac(Box::new(hmac::Key::new(hash, secret.as_ref()))));
        Ok(Self { algorithm, signer, key, public: None })
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that verifies its signatures.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key.clone()
    }

    /// The public key in PEM; `None` for a secret.
    #[must_use]
    pub fn public_pem(&self) -> Option<String> {
        let document = Document::try_from(self.public?).expect("the embedded public key is DER");
        Some(document.to_pem("PUBLIC KEY", LineEnding::LF).expect("what is DER can be PEM"))
    }

    /// The public key as a JWK (RFC 7517) under this `kid`; `None` for a secret.
    #[must_use]
    pub fn public_jwk(&self, id: &str) -> Option<String> {
        let encode = |bytes: &[u8]| Value::from(base64url::encode(bytes));
        let mut jwk = match &self.key.material {
            Material::Secret(_) => return None,
            Material::Rsa(der) => {
                let key = RsaPublicKeyRef::from_der(der).expect("the embedded public key is DER");
                let (n, e) = (encode(key.modulus.as_bytes()), encode(key.public_exponent.as_bytes()));
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Material::Ec(curve, point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
                let curve = match curve {
                    Family::P256 => "P-256",
                    Family::P384 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Material::Ed25519(bytes) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(bytes) }),
        };
        if let Some(members) = jwk.as_object_mut() {
            let more = [("kid", id), ("alg", self.algorithm.name()), ("use", "sig")];
            members.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
        }
        Some(jwk.to_string())
    }

    /// A token of exactly this header and these claims, well-formed or not. For tests of what is refused.
    #[must_use]
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()));
        let signature = self.sign_bytes(message.as_bytes());
        format!("{message}.{}", base64url::encode(&signature))
    }

    /// A proof that the client with this key makes a request with this token (RFC 9449, section 4.2): the value of the header
    /// `DPoP`. See the example of [`Dpop`](crate::Dpop).
    ///
    /// # Panics
    /// If it is a secret, which makes no proofs.
    #[must_use]
    pub fn dpop_proof(&self, method: &str, address: &str, token: &str, clock: &impl Clock) -> String {
        let jwk = self.public_jwk("").expect("a secret makes no proofs");
        let mut jwk: Value = serde_json::from_str(&jwk).expect("the key is JSON");
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "kid" | "alg" | "use"));
        }
        let header = json!({ "typ": "dpop+jwt", "alg": self.algorithm.name(), "jwk": jwk });
        let claims = json!({
            "jti": format!("{:032x}", fastrand::u128(..)),
            "htm": method,
            "htu": address,
            "iat": seconds(clock.now()).floor() as i64,
            "ath": base64url::encode(digest(&SHA256, token.as_bytes()).as_ref()),
        });
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// The signature of a message, such as a token whose parts a test encodes itself.
    #[must_use]
    pub fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.signer {
            Signer::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Signer::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).expect("RSA signs any message");
                signature
            }
            Signer::Ec(pair) => pair.sign(&random, message).expect("ECDSA signs any message").as_ref().to_vec(),
            Signer::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
