//! JWK sets (RFC 7517, section 5): a bad key is refused alone, and told.

use super::*;
use crate::tokens::{ISSUER, at_noon};
use portcullis_core::{Audience, Issuer, KeySet};

fn set(keys: &[&str]) -> Result<KeySet, Error> {
    KeySet::jwks(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

fn good() -> String {
    format!(r#"{{{},"kid":"good","alg":"ES256"}}"#, members(Algorithm::Es256))
}

fn serves(set: KeySet) -> bool {
    let issuer = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::Es256], set).unwrap();
    at_noon(issuer).verify(&token(Algorithm::Es256)).is_ok()
}

#[test]
fn the_others_serve_without_the_bad_one() {
    let es256 = members(Algorithm::Es256);
    let (x, y) = coordinates(P256, 32);
    let small = base64url([0; 32]);
    let bad = [
        (format!(r#"{{{es256},"kid":"bad","use":"enc"}}"#), Some("bad"), "is for `enc`"),
        (format!(r#"{{{es256},"kid":"bad","d":"AAAA"}}"#), Some("bad"), "is private"),
        (format!(r#"{{{es256},"kid":7}}"#), None, "has a `kid` that is not a string"),
        (format!(r#"{{{es256},"kid":"bad","kty":"EC"}}"#), Some("bad"), "duplicate member"),
        (format!(r#"{{{es256},"kid":"bad","x5c":{{"a":1,"\u0061":1}}}}"#), Some("bad"), "duplicate member"),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{y}","y":"{x}","kid":"bad"}}"#),
            Some("bad"),
            "not usable with ES256",
        ),
        (format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{y}","kid":"bad"}}"#), Some("bad"), "wrong length"),
        (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{small}","kid":"bad"}}"#), Some("bad"), "small order"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"bad"}"#.to_owned(), Some("bad"), "must have 32 bytes"),
        (r#"{"kty":"oct","k":"AAAA","kid":"bad"}"#.to_owned(), Some("bad"), "needs a secret of at least 32 bytes"),
        (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), None, "must have 2048 to 8192 bits"),
        (r#"{"kty":"AKP","kid":"bad"}"#.to_owned(), Some("bad"), "is of type `AKP`"),
        (r#"{}"#.to_owned(), None, "has no `kty`"),
        (r#"[]"#.to_owned(), None, "is not a JSON object"),
        (r#"null"#.to_owned(), None, "is not a JSON object"),
        (r#""kid""#.to_owned(), None, "is not a JSON object"),
        ("5".to_owned(), None, "is not a JSON object"),
    ];
    for (bad, id, why) in &bad {
        for keys in [[&*good(), bad], [bad, &*good()]] {
            let set = set(&keys).unwrap_or_else(|error| panic!("{bad}: {error}"));
            let [rejected] = set.rejected() else { panic!("{bad}: {:?}", set.rejected()) };
            assert_eq!(rejected.id.as_deref(), *id, "{bad}");
            assert!(rejected.reason.contains(why), "{bad}: {}", rejected.reason);
            assert!(serves(set), "{bad}");
        }
        let error = set(&[bad]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(why), "alone: {error}");
    }
    let good = good();
    let all: Vec<&str> = bad.iter().map(|(bad, ..)| &**bad).chain([&*good]).collect();
    let set = set(&all).unwrap();
    assert_eq!(set.rejected().len(), bad.len());
    assert!(serves(set));
}

#[test]
fn nothing_is_rejected_of_a_good_set() {
    let keys: Vec<String> = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa]
        .map(|algorithm| format!(r#"{{{},"kid":"{algorithm}"}}"#, members(algorithm)))
        .to_vec();
    let set = set(&keys.iter().map(|key| &**key).collect::<Vec<_>>()).unwrap();
    assert!(set.rejected().is_empty());
    assert!(serves(set));
}

#[test]
fn no_set_at_all() {
    let key = good();
    assert!(KeySet::jwks(&format!(r#" {{"keys":[{key}],"more":{{"a":1}}}} "#)).is_ok_and(serves));
    for (text, why) in [
        (key.clone(), "it has no `keys`"),
        (format!("[{key}]"), "not a JSON object"),
        (format!(r#"{{"Keys":[{key}]}}"#), "it has no `keys`"),
        (format!(r#"{{"keys":{key}}}"#), "`keys` is not an array"),
        (r#"{"keys":null}"#.to_owned(), "`keys` is not an array"),
        (format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#), "duplicate member"),
        (format!(r#"{{"keys":[{key}],"\u006beys":[]}}"#), "duplicate member"),
        (format!(r#"{{"keys":[{key},]}}"#), "not a JSON object"),
        (format!(r#"{{"keys":[{key}]"#), "not a JSON object"),
        (format!(r#"{{"keys":[{key}]}} x"#), "not a JSON object"),
        (format!("\u{feff}{{\"keys\":[{key}]}}"), "not a JSON object"),
        (format!(r#"{{"keys":[{key}],"deep":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)), "nested too deeply"),
        (r#"{"keys":[]}"#.to_owned(), "the JWK set has no keys; an issuer that signs with a shared secret"),
        (r#"{"issuer":"a","jwks_uri":"https://a.test/keys"}"#.to_owned(), "`RemoteKeys::discover` reads"),
        (r#"{"k1":"-----BEGIN CERTIFICATE-----\n"}"#.to_owned(), "it has certificates in it"),
        ("<html>503</html>".to_owned(), "not a JSON object"),
        (String::new(), "not a JSON object"),
    ] {
        let error = KeySet::jwks(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(why), "`{error}`, not `{why}`");
    }
}

#[test]
fn from_keys() {
    let key = || Key::jwk(&good()).unwrap();
    assert!(serves(KeySet::from(key())));
    assert!(serves([key()].into_iter().collect()));
    assert!(!serves(KeySet::from([key(), key().with_id("other")])), "a token that names neither");
    assert!(KeySet::default().rejected().is_empty());
}
