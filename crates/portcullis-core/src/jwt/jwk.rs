//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037), read strictly. Every member that says what a key is for is obeyed.
//! A key that is wrong in one of them is refused without the rest of its set.

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

/// A key of a set that was refused, and why. The other keys of the set still work.
///
/// Issuers also publish keys for encryption and keys of new types. These do no harm. A key that you expected to work deserves a
/// look at its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectedKey {
    /// Its identifier (`kid`), if it could be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// The keys of one issuer.
///
/// During a rotation an issuer has two keys, and each needs a `kid`. For a set that changes while the service runs, there are
/// [`RemoteKeys`](crate::RemoteKeys).
///
/// ```
/// use portcullis_core::{Algorithm, Audience, Issuer, Key, KeySet};
/// # use portcullis_core::testing::SigningKey;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let [old, new] = [Algorithm::Es256, Algorithm::EdDsa].map(|algorithm| SigningKey::embedded(algorithm).key());
/// let keys = KeySet::from([old.clone().with_id("2025"), new.with_id("2026")]);
/// let audience = || Audience::is("orders");
/// assert!(
///     Issuer::new(
///         "https://id.example.com",
///         audience(),
///         [Algorithm::Es256, Algorithm::EdDsa],
///         keys
///     )
///     .is_ok()
/// );
///
/// // Two different keys for one algorithm under the same name: a token could not say which it
/// // means.
/// let other = Key::jwk(
///     r#"{"kty":"EC","crv":"P-256",
/// "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
/// "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
/// )?;
/// let keys: KeySet = [old.with_id("2025"), other.with_id("2025")].into_iter().collect();
/// assert!(Issuer::new("https://id.example.com", audience(), [Algorithm::Es256], keys).is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    rejected: Vec<RejectedKey>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517, section 5). Keys that cannot be used are left out and listed in
    /// [`rejected`](Self::rejected).
    ///
    /// ```
    /// # use portcullis_core::KeySet;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let set = KeySet::jwks(
    ///     r#"{"keys": [
    /// {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"sign"},
    /// {"kty":"OKP","crv":"X25519","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
    ///     "kid":"encrypt","use":"enc"}
    /// ]}"#,
    /// )?;
    /// let [rejected] = set.rejected() else { panic!("one key of two") };
    /// assert_eq!(rejected.id.as_deref(), Some("encrypt"));
    /// assert!(rejected.reason.contains("not for signatures"));
    ///
    /// assert!(KeySet::jwks(r#"{"keys": []}"#).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no JWK set, or no key of it can be used.
    pub fn jwks(json: &str) -> Result<Self, Error> {
        let mut set = Self::default();
        for key in keys_of(json)? {
            match key {
                Ok(key) => set.keys.push(key),
                Err(rejected) => set.rejected.push(rejected),
            }
        }
        if set.keys.is_empty() {
            return Err(no_key(&set.rejected, set.rejected.len()));
        }
        Ok(set)
    }

    /// The keys of the set that could not be used.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedKey] {
        &self.rejected
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

/// The keys of a set (RFC 7517, section 5), read one by one: a bad one is refused without the rest.
pub(super) fn keys_of(json: &str) -> Result<impl Iterator<Item = Result<Key, RejectedKey>>, Error> {
    let no_set = |why: &str| Error::misconfigured(format!("not a JWK set: {why}"));
    // A key with a duplicate member is refused alone, when it is read.
    json::outline(json).map_err(|fault| no_set(fault.text()))?;
    let set = Value::new(json.trim());
    let keys = set.member("keys").ok_or_else(|| {
        no_set(if set.member("jwks_uri").is_some() {
            "it is a discovery document, which `RemoteKeys::discover` reads"
        } else if json.contains("BEGIN CERTIFICATE") {
            "it has certificates in it; the set is at another address, the `jwks_uri` of the discovery document"
        } else {
            "it has no `keys`"
        })
    })?;
    Ok(keys.elements().ok_or_else(|| no_set("`keys` is not an array"))?.map(|jwk| {
        key(jwk.text()).map_err(|reason| {
            let id = jwk.member("kid").and_then(Value::as_str).map(Cow::into_owned);
            RejectedKey { id, reason }
        })
    }))
}

/// Why no key of a set can be used: the reasons of the first few of the `count` keys.
pub(super) fn no_key(rejected: &[RejectedKey], count: usize) -> Error {
    if count == 0 {
        let why = "the JWK set has no keys; an issuer that signs with a shared secret publishes none, and its tokens are verified \
                   with `Key::secret`";
        return Error::misconfigured(why);
    }
    let name = |key: &RejectedKey| key.id.as_deref().map_or("one without `kid`".to_owned(), quote);
    let mut reasons: Vec<_> = rejected.iter().take(4).map(|key| format!("{} {}", name(key), key.reason)).collect();
    if let Some(more) = count.checked_sub(reasons.len()).filter(|more| *more > 0) {
        reasons.push(format!("and {more} more"));
    }
    Error::misconfigured(format!("no key of the JWK set can be used ({})", reasons.join("; ")))
}

/// Reads one key; the error completes the sentence "the key …".
pub(super) fn key(json: &str) -> Result<Key, String> {
    json::object(json).map_err(|fault| format!("is {}", fault.text()))?;
    let jwk = Value::new(json.trim());
    // Some issuers write `null` for what they leave out.
    let member = |name: &str| jwk.member(name).filter(|value| value.text() != "null");
    let text = |name: &str| match member(name).map(Value::as_str) {
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
    if let Some(operations) = member("key_ops") {
        let mut operations = operations.elements().ok_or("has `key_ops` that are not an array")?;
        if !operations.any(|operation| operation.as_str().is_some_and(|operation| operation == "verify")) {
            return Err("has `key_ops` without `verify`".to_owned());
        }
    }
    if ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"].iter().any(|name| member(name).is_some()) {
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

/// Checks that the key can be used as it says, and is sound. It is prepared once for an algorithm of its type.
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
