use crate::{NOW, json::strict, sealed};
use portcullis_core::{
    Algorithm, Audience, Issuer, Jwt,
    testing::{FixedClock, SigningKey},
};
use serde_json::{Map, Value};
use std::sync::LazyLock;

struct Trusted {
    key: SigningKey,
    /// Knows the key without an identifier.
    any: Jwt,
    /// Knows it as `a`, beside another one called `b`.
    named: Jwt,
}

static TRUSTED: LazyLock<[Trusted; 2]> = LazyLock::new(|| {
    let secret = |secret: u8| SigningKey::secret(Algorithm::Hs256, [secret; 32]).expect("a secret");
    let jwt = |keys: Vec<_>, algorithm| {
        let issuer = Issuer::new("issuer", Audience::is("here"), [algorithm], portcullis_core::KeySet::from_iter(keys));
        Jwt::new(issuer.expect("the issuer is sound")).clock(FixedClock::at(NOW))
    };
    let (mac, other) = (secret(b'a'), secret(b'b'));
    let curve = SigningKey::embedded(Algorithm::EdDsa);
    let named = vec![mac.key().with_id("a"), other.key().with_id("b")];
    [
        Trusted { any: jwt(vec![mac.key()], Algorithm::Hs256), named: jwt(named, Algorithm::Hs256), key: mac },
        Trusted {
            any: jwt(vec![curve.key()], Algorithm::EdDsa),
            named: jwt(vec![curve.key().with_id("a")], Algorithm::EdDsa),
            key: curve,
        },
    ]
});

/// Any header over good claims, signed: accepted if it is one that is allowed, and only then.
pub fn header_json(data: &[u8]) -> bool {
    let claims = format!(r#"{{"iss":"issuer","aud":"here","exp":{}}}"#, NOW + 60);
    let header = strict(data);
    let mut accepted = false;
    for Trusted { key, any, named } in &*TRUSTED {
        let token = sealed(key, data, claims.as_bytes());
        let allowed = header.as_ref().filter(|header| token.len() <= 8192 && is_allowed(header, key.algorithm()));
        let shown = || format!("{}: {}", key.algorithm(), String::from_utf8_lossy(data));
        // The second time the header is remembered, if it held.
        let any = any.clone();
        for _ in 0..2 {
            assert_eq!(any.verify(&token).is_ok(), allowed.is_some(), "{}", shown());
        }
        // One key under a name serves tokens that name none; of two it could not be told.
        let asked = allowed.map(|header| header.get("kid").and_then(Value::as_str));
        let is_meant = match (asked, key.algorithm()) {
            (Some(Some(id)), _) => id == "a",
            (Some(None), algorithm) => algorithm == Algorithm::EdDsa,
            (None, _) => false,
        };
        assert_eq!(named.verify(&token).is_ok(), is_meant, "{}", shown());
        accepted |= allowed.is_some();
    }
    accepted
}

fn is_allowed(header: &Map<String, Value>, algorithm: Algorithm) -> bool {
    // Absent, or a text of which this holds.
    let text = |name: &str, holds: &dyn Fn(&str) -> bool| match header.get(name) {
        None => true,
        Some(value) => value.as_str().is_some_and(holds),
    };
    let media = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
    };
    header.contains_key("alg")
        && text("alg", &|alg| alg == algorithm.name() || (algorithm == Algorithm::EdDsa && alg == "Ed25519"))
        && text("kid", &|_| true)
        && text("typ", &|typ| ["jwt", "at+jwt"].contains(&&*media(typ)))
        && text("cty", &|cty| media(cty) == "json")
        && !["crit", "b64", "zip"].iter().any(|name| header.contains_key(*name))
}
