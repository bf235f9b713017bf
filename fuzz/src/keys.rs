use crate::{
    json::{depth, strict},
    sealed,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use portcullis_core::{Algorithm, Audience, ErrorKind, Issuer, Jwt, Key, KeySet, testing::SigningKey};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The members of private keys (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Tokens that the embedded keys have signed, for an imported key to say no or yes to.
static SIGNED: LazyLock<Vec<(Algorithm, String)>> = LazyLock::new(|| {
    let token = |algorithm: Algorithm| {
        let header = format!(r#"{{"alg":"{algorithm}"}}"#);
        let claims = br#"{"iss":"issuer","aud":"here","exp":99999999999}"#;
        (algorithm, sealed(&SigningKey::embedded(algorithm), header.as_bytes(), claims))
    };
    Algorithm::ALL.into_iter().map(token).collect()
});

/// One JSON Web Key: what is imported is well-formed, public, for verifying, and strong enough for each algorithm that
/// it serves.
pub fn jwk(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let key = match Key::jwk(text) {
        Ok(key) => key,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text}: {error}");
            return false;
        }
    };
    let jwk = strict(data).unwrap_or_else(|| panic!("not one JSON object: {text}"));
    assert_key(&jwk, text);
    // The same key with a part of a private one, or for something else, is refused.
    for (name, value) in PRIVATE.map(|name| (name, "AQAB")).into_iter().chain([("use", "enc"), ("alg", "none")]) {
        let worse = Map::from_iter(jwk.clone().into_iter().chain([(name.to_owned(), value.into())]));
        assert!(Key::jwk(&Value::Object(worse).to_string()).is_err(), "with {name}: {text}");
    }
    let mut families = Vec::new();
    for (algorithm, token) in &*SIGNED {
        let issuer = Issuer::new("issuer", Audience::is("here"), [*algorithm], key.clone());
        let Ok(issuer) = issuer else { continue };
        assert!(jwk.get("alg").is_none_or(|alg| alg == algorithm.name() || alg == "Ed25519"), "{algorithm}: {text}");
        if family(*algorithm) == Family::Secret {
            let bits: usize = algorithm.name()[2..].parse().expect("HS and a number");
            let secret = jwk["k"].as_str().and_then(|secret| BASE64.decode(secret).ok());
            assert!(secret.is_some_and(|secret| secret.len() * 8 >= bits), "{algorithm}: {text}");
        }
        families.push(family(*algorithm));
        // It may be the embedded key. What matters is that it decides.
        let _ = Jwt::new(issuer).verify(token);
    }
    families.dedup();
    assert_eq!(families.len(), 1, "{families:?}: {text}");
    assert_eq!((jwk["kty"].as_str(), jwk.get("crv").and_then(Value::as_str)), families[0].kind(&jwk), "{text}");
    true
}

/// A set of them: the keys that would be refused one by one are refused here, and only those.
pub fn jwk_set(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let set = KeySet::jwks(text);
    let outer: Option<Value> = serde_json::from_slice(data).ok();
    let Some(strict) = strict(data) else {
        // A duplicate inside one key is that key's own fault; all else is the whole set's.
        assert!(set.is_err() || outer.is_some_and(|outer| depth(&outer) <= 64), "{text}");
        return set.is_ok();
    };
    let keys = strict.get("keys").and_then(Value::as_array);
    let good = keys.into_iter().flatten().map(|key| Key::jwk(&key.to_string())).filter(Result::is_ok).count();
    match &set {
        Ok(set) => {
            assert!(good > 0, "{text}");
            assert_eq!(keys.map(Vec::len), Some(good + set.rejected().len()), "{text}: {:?}", set.rejected());
        }
        Err(error) => {
            assert_eq!((good, error.kind()), (0, ErrorKind::Misconfigured), "{text}: {error}");
        }
    }
    set.is_ok()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Secret,
    Rsa,
    Curve(&'static str),
    Edwards,
}

fn family(algorithm: Algorithm) -> Family {
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Family::Secret,
        Algorithm::Es256 => Family::Curve("P-256"),
        Algorithm::Es384 => Family::Curve("P-384"),
        Algorithm::Es512 => Family::Curve("P-521"),
        Algorithm::EdDsa => Family::Edwards,
        _ => Family::Rsa,
    }
}

impl Family {
    fn kind(self, jwk: &Map<String, Value>) -> (Option<&str>, Option<&str>) {
        let any = jwk.get("crv").and_then(Value::as_str);
        match self {
            Self::Secret => (Some("oct"), any),
            Self::Rsa => (Some("RSA"), any),
            Self::Curve(name) => (Some("EC"), Some(name)),
            Self::Edwards => (Some("OKP"), Some("Ed25519")),
        }
    }
}

fn assert_key(jwk: &Map<String, Value>, text: &str) {
    assert!(!PRIVATE.iter().any(|name| jwk.contains_key(*name)), "private: {text}");
    assert!(jwk.get("use").is_none_or(|purpose| purpose == "sig"), "{text}");
    if let Some(operations) = jwk.get("key_ops") {
        assert!(operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify")), "{text}");
    }
    assert!(jwk.get("kid").is_none_or(Value::is_string), "{text}");
    let bytes = |name: &str| {
        let text = jwk.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}: {text}"));
        BASE64.decode(text).unwrap_or_else(|_| panic!("{name} is not base64url: {text}"))
    };
    match jwk["kty"].as_str() {
        Some("oct") => {
            let least = match jwk.get("alg").and_then(Value::as_str) {
                Some("HS384") => 48,
                Some("HS512") => 64,
                _ => 32,
            };
            assert!(bytes("k").len() >= least && !bytes("k").trim_ascii_start().starts_with(b"-----BEGIN "), "{text}");
        }
        Some("RSA") => {
            let modulus = bytes("n");
            let modulus = &modulus[modulus.iter().take_while(|byte| **byte == 0).count()..];
            assert!((256..=1024).contains(&modulus.len()) && modulus[modulus.len() - 1] % 2 == 1, "{text}");
            assert!(modulus.len() > 256 || modulus[0] >= 0x80, "{text}");
            assert!(bytes("e").last().is_some_and(|last| last % 2 == 1), "{text}");
        }
        Some("EC") => assert_eq!(bytes("x").len(), bytes("y").len(), "{text}"),
        Some("OKP") => assert_eq!(bytes("x").len(), 32, "{text}"),
        other => panic!("{other:?}: {text}"),
    }
}
