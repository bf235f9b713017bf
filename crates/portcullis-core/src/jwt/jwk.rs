//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037), read strictly: every member that says what a key is for is
//! obeyed, and a key that is wrong in one of them is refused alone.

use super::{
    Algorithm,
    algorithm::Family,
    base64url,
    key::{Key, Material},
};
use crate::{
    error::{Error, quote},
    json::{self, Value},
    secret::Secret,
};
use std::borrow::Cow;

/// A key of a set that was refused, and why; the others of the set serve without it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectedKey {
    /// Its identifier (`kid`), if it could be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// The keys of one issuer.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    rejected: Vec<RejectedKey>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517, section 5). Keys that cannot be used are left out and listed in
    /// [`rejected`](Self::rejected).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no JWK set, or no key of it can be used.
    pub fn jwks(json: &str) -> Result<Self, Error> {
        let no_set = |why: &str| Error::misconfigured(format!("not a JWK set: {why}"));
        // A key with a duplicate member is refused alone, when it is read.
        json::outline(json).map_err(|fault| no_set(fault.text()))?;
        let keys = Value::new(json.trim()).member("keys").ok_or_else(|| no_set("it has no `keys`"))?;
        let mut set = Self::default();
        for jwk in keys.elements().ok_or_else(|| no_set("`keys` is not an array"))? {
            match key(jwk.text()) {
                Ok(key) => set.keys.push(key),
                Err(reason) => {
                    let id = jwk.member("kid").and_then(Value::as_str).map(Cow::into_owned);
                    set.rejected.push(RejectedKey { id, reason });
                }
            }
        }
        if set.keys.is_empty() {
            let reasons: Vec<_> = set.rejected.iter().take(4).map(|key| format!("a key {}", key.reason)).collect();
            return Err(no_set(&format!("no key of it can be used ({})", reasons.join("; "))));
        }
        Ok(set)
    }

    /// The keys of the set that could not be used.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedKey] {
        &self.rejected
    }

    /// What came over a network has no secrets in it that anybody could sign with.
    pub(super) fn without_secrets(mut self) -> (Self, Vec<RejectedKey>) {
        let is_secret = |key: &mut Key| key.is_secret();
        let reason = "is a secret, and has been published with that".to_owned();
        let secret = |key: Key| RejectedKey { id: key.id, reason: reason.clone() };
        self.rejected.extend(self.keys.extract_if(.., is_secret).map(secret));
        let rejected = std::mem::take(&mut self.rejected);
        (self, rejected)
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl From<Key> for KeySet {
    fn from(key: Key) -> Self {
        Self { keys: vec![key], rejected: Vec::new() }
    }
}

impl FromIterator<Key> for KeySet {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect(), rejected: Vec::new() }
    }
}

impl<const N: usize> From<[Key; N]> for KeySet {
    fn from(keys: [Key; N]) -> Self {
        keys.into_iter().collect()
    }
}

/// Reads one key; the error completes the sentence "the key …".
pub(super) fn key(json: &str) -> Result<Key, String> {
    json::object(json).map_err(|fault| format!("is {}", fault.text()))?;
    let jwk = Value::new(json.trim());
    let text = |name: &str| match jwk.member(name).map(Value::as_str) {
        None => Ok(None),
        Some(None) => Err(format!("has a `{name}` that is not a string")),
        Some(Some(text)) => Ok(Some(text)),
    };
    let bytes = |name: &str| {
        let text = text(name)?.ok_or_else(|| format!("has no `{name}`"))?;
        base64url::decode(text.as_bytes()).ok_or_else(|| format!("has a `{name}` that is not base64url"))
    };
    let id = text("kid")?.map(Cow::into_owned);
    if let Some(purpose) = text("use")?.filter(|purpose| purpose != "sig") {
        return Err(format!("is for {}, not for signatures", quote(&purpose)));
    }
    if let Some(operations) = jwk.member("key_ops") {
        let mut operations = operations.elements().ok_or("has `key_ops` that are not an array")?;
        if !operations.any(|operation| operation.as_str().is_some_and(|operation| operation == "verify")) {
            return Err("has `key_ops` without `verify`".to_owned());
        }
    }
    if ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"].iter().any(|name| jwk.member(name).is_some()) {
        return Err("is private; verifying takes a public one".to_owned());
    }
    let algorithm = match text("alg")? {
        None => None,
        Some(name) => Some(
            Algorithm::from_name(&name).ok_or_else(|| format!("is for {}, which is not known here", quote(&name)))?,
        ),
    };
    let kind = text("kty")?.ok_or("has no `kty`")?;
    let curve = text("crv")?;
    let material = match (&*kind, curve.as_deref()) {
        ("RSA", _) => Material::rsa(&bytes("n")?, &bytes("e")?)?,
        ("EC", Some("P-256")) => point(Family::P256, 32, &bytes("x")?, &bytes("y")?)?,
        ("EC", Some("P-384")) => point(Family::P384, 48, &bytes("x")?, &bytes("y")?)?,
        ("EC", Some("P-521")) => point(Family::P521, 66, &bytes("x")?, &bytes("y")?)?,
        ("OKP", Some("Ed25519")) => Material::ed25519(&bytes("x")?)?,
        ("oct", _) => Material::Secret(Secret::new(&bytes("k")?)),
        ("EC" | "OKP", other) => return Err(format!("is on the curve {}", quote(other.unwrap_or("(none named)")))),
        (other, _) => return Err(format!("is of type {}", quote(other))),
    };
    let key = Key { id, algorithm, material };
    check(&key)?;
    Ok(key)
}

/// RFC 7518, section 6.2.1.2: each coordinate has the full length of the field.
fn point(curve: Family, length: usize, x: &[u8], y: &[u8]) -> Result<Material, &'static str> {
    if x.len() != length || y.len() != length {
        return Err("has a coordinate of the wrong length");
    }
    Material::ec(curve, [&[4], x, y].concat())
}

/// The key can do what it says, and is sound: prepared once for an algorithm of its type.
fn check(key: &Key) -> Result<(), String> {
    let named = |algorithm: &Algorithm| key.algorithm.is_none_or(|only| only == *algorithm);
    let mut of_type = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.family() == key.material.family());
    let Some(algorithm) = of_type.find(named) else {
        return Err("has an `alg` that its type cannot do".to_owned());
    };
    match &key.material {
        Material::Secret(secret) => Key::secret(algorithm, secret.expose()).map(drop),
        _ => key.prepare(algorithm).map(drop),
    }
    .map_err(|error| format!("is refused: {error}"))
}
