//! Thumbprints of keys (RFC 7638).

use super::{
    algorithm::Family,
    base64url,
    key::{Key, Material},
};
use aws_lc_rs::digest::{SHA256, digest};
use pkcs1::{RsaPublicKeyRef, der::Decode};

impl Key {
    /// The thumbprint of a public key: the SHA-256 of its required members, in base64url (RFC 7638). A token that is bound to
    /// a key names it in `cnf.jkt` (RFC 9449, section 6.1). `None` for a secret, whose digest must not be published.
    ///
    /// ```
    /// use portcullis_core::{Algorithm, Key};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let key = Key::jwk(
    ///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    /// )?;
    /// // RFC 8037, appendix A.3
    /// let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    /// assert_eq!(key.thumbprint().as_deref(), Some(thumbprint));
    /// let secret = Key::secret(Algorithm::Hs256, "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
    /// assert_eq!(secret.thumbprint(), None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        // The members are in the order of their names, without white space, and need no escapes.
        let members = match &self.material {
            Material::Secret(_) => return None,
            Material::Rsa(der) => {
                let key = RsaPublicKeyRef::from_der(der).ok()?;
                let [e, n] = [key.public_exponent, key.modulus].map(|number| base64url::encode(number.as_bytes()));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
            Material::Ec(curve, point) => {
                let curve = match curve {
                    Family::P256 => "P-256",
                    Family::P384 => "P-384",
                    _ => "P-521",
                };
                let coordinates = point.get(1..)?;
                let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
                let [x, y] = [x, y].map(base64url::encode);
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Material::Ed25519(bytes) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(bytes))
            }
        };
        Some(base64url::encode(digest(&SHA256, members.as_bytes()).as_ref()))
    }
}
