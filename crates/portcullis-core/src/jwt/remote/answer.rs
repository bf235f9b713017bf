//! What an issuer's answers say: a key set, how long it may be kept, and where it is to be had.

use crate::{
    error::{Error, ErrorKind, quote},
    http::{HttpResponse, checked},
    json::{self, Value},
    jwt::{Algorithm, Key, KeySet, RejectedKey, key::PreparedKey},
};
use std::{sync::Arc, time::Duration};

/// How long a set is kept whose issuer does not say.
const USUAL_LIFETIME: Duration = Duration::from_secs(300);

/// More keys than this are not prepared; issuers have a handful.
const MOST_KEYS: usize = 100;

/// The keys of a set, each prepared for every algorithm that it may be used with.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) keys: Arc<[PreparedKey]>,
    pub(super) rejected: Vec<RejectedKey>,
    /// The set as it came.
    pub(super) text: Arc<str>,
}

impl Prepared {
    /// A set that came over the network: secrets have no place in it, and of keys that could not be told apart none serves.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let (set, mut rejected) = KeySet::jwks(text)?.without_secrets();
        let mut keys: Vec<PreparedKey> = Vec::new();
        let mut refuse = |id: Option<&str>, reason: &str| {
            rejected.push(RejectedKey { id: id.map(str::to_owned), reason: reason.to_owned() });
        };
        for (place, key) in set.keys().iter().enumerate() {
            let is_twin = |(other_place, other): (usize, &Key)| {
                other_place != place
                    && other.id() == key.id()
                    && Algorithm::ALL.iter().any(|algorithm| key.can(*algorithm) && other.can(*algorithm))
            };
            if place >= MOST_KEYS {
                refuse(key.id(), "is one too many");
            } else if set.keys().iter().enumerate().any(is_twin) {
                refuse(key.id(), "cannot be told from another one of the set");
            } else {
                for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| key.can(*algorithm)) {
                    keys.push(key.prepare(algorithm)?);
                }
            }
        }
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Unavailable, "no key of the set can be used"));
        }
        Ok(Self { keys: keys.into(), rejected, text: text.into() })
    }

    /// The keys as they came, without those that nobody should have seen.
    pub(super) fn public_texts(&self) -> impl Iterator<Item = &str> {
        let keys = Value::new(self.text.trim()).member("keys").and_then(Value::elements).into_iter().flatten();
        keys.map(Value::text).filter(|text| Key::jwk(text).is_ok_and(|key| !key.is_secret()))
    }
}

/// What came of asking for a set.
#[derive(Debug)]
pub(super) enum SetAnswer {
    New {
        set: Prepared,
        etag: Option<String>,
    },
    /// 304: what is known still holds.
    Unchanged,
}

/// Reads the answer to a request for a key set. One that says what the set at hand says brings that set, and not a second one
/// like it.
pub(super) fn key_set(answer: &HttpResponse, at_hand: Option<&Prepared>) -> Result<SetAnswer, Error> {
    match answer.status() {
        304 => Ok(SetAnswer::Unchanged),
        200 => {
            let text = text(answer)?;
            let set = match at_hand.filter(|at_hand| *at_hand.text == *text) {
                Some(at_hand) => at_hand.clone(),
                None => Prepared::read(text).map_err(|error| wrong("no usable JWK set").with_cause(error))?,
            };
            Ok(SetAnswer::New { set, etag: answer.header("etag").map(str::to_owned) })
        }
        status => Err(wrong(format!("the status {status}"))),
    }
}

/// Reads a discovery document (OpenID Connect Discovery 1.0, section 4.3) and returns where its issuer's keys are.
pub(super) fn discovery(answer: &HttpResponse, issuer: &str) -> Result<String, Error> {
    if answer.status() != 200 {
        return Err(wrong(format!("the status {} for the discovery document", answer.status())));
    }
    let text = text(answer)?;
    json::object(text).map_err(|fault| wrong(format!("a discovery document that is {}", fault.text())))?;
    let document = Value::new(text.trim());
    let member = |name: &str| document.member(name).and_then(Value::as_str);
    // Byte for byte: whoever can answer for one name must not answer for another (section 4.3).
    match member("issuer") {
        Some(found) if found == issuer => {}
        found => {
            let found = found.map_or("none".to_owned(), |found| quote(&found));
            return Err(wrong(format!("the discovery document of the issuer {found}, not of `{issuer}`")));
        }
    }
    let keys = member("jwks_uri").ok_or_else(|| wrong("a discovery document without `jwks_uri`"))?;
    // Nor may it lead to what only this machine can ask.
    if issuer.starts_with("https://") && !keys.starts_with("https://") {
        return Err(wrong("a discovery document whose `jwks_uri` is not HTTPS, as the issuer is"));
    }
    checked(keys.into_owned()).map_err(|error| wrong("a `jwks_uri` that cannot be asked").with_cause(error))
}

fn text(answer: &HttpResponse) -> Result<&str, Error> {
    str::from_utf8(answer.body()).map_err(|error| wrong("something that is not UTF-8").with_cause(error))
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the issuer answered with {}", what.into()))
}

/// How long an answer says that it holds from now on (RFC 9111, section 4.2): `max-age` without the `Age` it has already.
pub(super) fn lifetime(answer: &HttpResponse) -> Duration {
    // Several lines are one list (RFC 9110, section 5.3).
    let control = answer.header_values("cache-control").collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let directives = || control.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Duration::ZERO;
    }
    let max_ages =
        directives().filter_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok());
    let max_age = max_ages.min();
    let age = answer.header("age").and_then(|age| age.trim().parse().ok()).unwrap_or(0_u64);
    max_age.map_or(USUAL_LIFETIME, |max_age: u64| Duration::from_secs(max_age.saturating_sub(age)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn set(name: &str) -> String {
        let x = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{name}"}},{{"kty":"new"}}]}}"#)
    }

    fn read(text: &str, at_hand: Option<&Prepared>) -> Prepared {
        match key_set(&HttpResponse::new(200, text), at_hand).unwrap() {
            SetAnswer::New { set, .. } => set,
            SetAnswer::Unchanged => Prepared::read("").unwrap(),
        }
    }

    /// Whoever remembers what it verified with which keys compares the two.
    #[test]
    fn the_same_text_is_the_same_set() {
        let first = read(&set("a"), None);
        let again = read(&set("a"), Some(&first));
        assert!(Arc::ptr_eq(&first.keys, &again.keys) && Arc::ptr_eq(&first.text, &again.text));
        assert_eq!((again.keys.len(), again.rejected.len()), (1, 1));
        for other in [set("b"), set("a").replace(',', ", "), set("a") + " "] {
            let other = read(&other, Some(&first));
            assert!(!Arc::ptr_eq(&first.keys, &other.keys));
            assert_eq!((other.keys.len(), other.rejected.len()), (1, 1));
        }
        assert!(!Arc::ptr_eq(&first.keys, &read(&set("a"), None).keys), "there was nothing to compare with");
    }
}
