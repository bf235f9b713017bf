//! What an issuer's answers say: a key set, how long it may be kept, and where it is.

use super::host;
use crate::{
    error::{Error, ErrorKind, quote},
    http::{HttpResponse, checked},
    json::{self, Value},
    jwt::{
        Algorithm, Key, RejectedKey,
        jwk::{keys_of, no_key},
        key::PreparedKey,
    },
};
use httpdate::parse_http_date;
use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// How long a set is kept if the issuer does not say.
const USUAL_LIFETIME: Duration = Duration::from_secs(300);

/// A longer set is refused, whatever the client accepts.
const MOST_BYTES: usize = 1 << 20;

/// The maximum number of usable keys that are read. Issuers have a handful.
pub(super) const MOST_KEYS: usize = 1000;

/// How many reasons of unusable keys are kept.
const MOST_REASONS: usize = 8;

/// The keys of a set, for every algorithm that they may be used with. Each key is prepared for the first token that needs it.
#[derive(Debug, Clone)]
pub(super) struct PreparedSet {
    pub(super) keys: Arc<[PreparedKey]>,
    /// Another number for every set that was read.
    pub(super) generation: NonZeroU64,
    /// The first of the unusable keys, and how many more there are.
    pub(super) rejected: Vec<RejectedKey>,
    pub(super) more_rejected: usize,
    /// How many keys were over the limit.
    pub(super) unread: usize,
    /// The original text of the set.
    pub(super) text: Arc<str>,
}

impl PreparedSet {
    /// Reads a set that came over the network. Secrets are refused. Of keys that share a name and could be confused, none is
    /// used. The very same key twice counts as one.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        if text.len() > MOST_BYTES {
            return Err(Error::misconfigured(format!("the JWK set has more than {MOST_BYTES} bytes")));
        }
        let (mut read, mut rejected, mut count) = (Vec::new(), Vec::new(), 0);
        let mut refuse = |key: RejectedKey| {
            count += 1;
            if rejected.len() < MOST_REASONS {
                rejected.push(key);
            }
        };
        let mut keys = keys_of(text)?;
        for key in keys.by_ref() {
            match key {
                Ok(key) if key.is_secret() => refuse(because(key.id, "is a secret, and has been published with that")),
                Ok(key) => read.push(key),
                Err(key) => refuse(key),
            }
            if read.len() == MOST_KEYS {
                break;
            }
        }
        let unread = keys.count();
        let mut by_name: HashMap<Option<&str>, Vec<&Key>> = HashMap::new();
        read.iter().for_each(|key| by_name.entry(key.id()).or_default().push(key));
        let mut prepared = Vec::new();
        for key in &read {
            let namesakes = || by_name.get(&key.id()).into_iter().flatten().copied();
            let is_other =
                |other: &Key| !key.is_same(other) && Algorithm::ALL.iter().any(|a| key.can(*a) && other.can(*a));
            if key.id.is_some() && namesakes().any(is_other) {
                refuse(because(key.id.clone(), "has the same `kid` as another key of the set"));
                continue;
            }
            let mut earlier =
                namesakes().take_while(|other| !std::ptr::eq(*other, key)).filter(|other| key.is_same(other));
            let is_new = |algorithm: &Algorithm| !earlier.any(|other| other.can(*algorithm));
            let algorithms = Algorithm::ALL.into_iter().filter(|algorithm| key.can(*algorithm)).filter(is_new);
            prepared.extend(algorithms.map(|algorithm| key.prepare_later(algorithm)));
        }
        if prepared.is_empty() {
            return Err(no_key(&rejected, count));
        }
        let more_rejected = count - rejected.len();
        let (keys, generation) = (prepared.into(), next_generation());
        Ok(Self { keys, generation, rejected, more_rejected, unread, text: text.into() })
    }

    /// The original texts of the keys, without those that should not be public.
    pub(super) fn public_texts(&self) -> impl Iterator<Item = &str> {
        let keys = Value::new(self.text.trim()).member("keys").and_then(Value::elements).into_iter().flatten();
        keys.map(Value::text).filter(|text| Key::jwk(text).is_ok_and(|key| !key.is_secret()))
    }
}

fn next_generation() -> NonZeroU64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    NonZeroU64::MIN.saturating_add(LAST.fetch_add(1, Ordering::Relaxed))
}

fn because(id: Option<String>, reason: &str) -> RejectedKey {
    RejectedKey { id, reason: reason.to_owned() }
}

/// The result of asking for a set.
#[derive(Debug)]
pub(super) enum SetAnswer {
    New {
        set: PreparedSet,
        etag: Option<String>,
    },
    /// 304: the known set is still valid.
    Unchanged,
}

/// Reads the answer to a request for a key set. If the answer equals the set at hand, that set is returned, not a copy.
pub(super) fn key_set(answer: &HttpResponse, at_hand: Option<&PreparedSet>) -> Result<SetAnswer, Error> {
    match answer.status() {
        304 => Ok(SetAnswer::Unchanged),
        200 => {
            let text = text(answer)?;
            let set = match at_hand.filter(|at_hand| *at_hand.text == *text) {
                Some(at_hand) => at_hand.clone(),
                None => PreparedSet::read(text).map_err(|error| wrong("no usable JWK set").with_cause(error))?,
            };
            Ok(SetAnswer::New { set, etag: answer.header("etag").map(str::to_owned) })
        }
        other => Err(wrong(status(other))),
    }
}

/// Reads a discovery document (OpenID Connect Discovery 1.0, section 4.3) and returns the address of its issuer's keys.
pub(super) fn discovery(answer: &HttpResponse, issuer: &str) -> Result<String, Error> {
    if answer.status() != 200 {
        return Err(wrong(format!("{} for the discovery document", status(answer.status()))));
    }
    let text = text(answer)?;
    json::object(text).map_err(|fault| wrong(format!("a discovery document that is {}", fault.text())))?;
    let document = Value::new(text.trim());
    let member = |name: &str| document.member(name).and_then(Value::as_str);
    // Byte for byte: a server that answers for one name must not answer for another (section 4.3).
    match member("issuer") {
        Some(found) if found == issuer => {}
        Some(found) if found.contains("{tenantid}") => {
            let what = "the discovery document of all tenants (`{tenantid}`); an issuer is one tenant, whose id stands in its name";
            return Err(wrong(what));
        }
        Some(found) => {
            return Err(wrong(format!(
                "the discovery document of the issuer {}, not of `{issuer}`; one that is asked at another address than its name \
                 is asked for its set there, with `RemoteKeys::jwks`",
                quote(&found)
            )));
        }
        None => return Err(wrong(format!("a discovery document that names no issuer, and not `{issuer}`"))),
    }
    let keys = member("jwks_uri").ok_or_else(|| wrong("a discovery document without `jwks_uri`"))?;
    // Nor may it lead to what only this machine can ask.
    if issuer.starts_with("https://") && !keys.starts_with("https://") {
        return Err(wrong("a discovery document whose `jwks_uri` is not HTTPS, as the issuer is"));
    }
    if issuer.starts_with("https://") && host::may_be_here(&keys) && !host::may_be_here(issuer) {
        return Err(wrong(
            "a discovery document whose `jwks_uri` leads to this machine or its link, as the issuer does not",
        ));
    }
    checked(keys.into_owned()).map_err(|error| wrong("a `jwks_uri` that cannot be asked").with_cause(error))
}

fn status(status: u16) -> String {
    match status {
        301 | 302 | 303 | 307 | 308 => {
            format!("a redirect ({status}), which is not followed; ask the address that it leads to")
        }
        _ => format!("the status {status}"),
    }
}

fn text(answer: &HttpResponse) -> Result<&str, Error> {
    str::from_utf8(answer.body()).map_err(|error| wrong("something that is not UTF-8").with_cause(error))
}

/// The issuer's answer is an outage (503): tokens may be valid, and that cannot be checked.
fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the issuer answered with {}", what.into()))
}

/// How much longer an answer is valid by its own headers (RFC 9111, sections 4.2.1 and 5.3): `max-age`, or else `Expires`
/// after `Date`, without the `Age` it already has.
pub(super) fn lifetime(answer: &HttpResponse, now: SystemTime) -> Duration {
    // Several lines are one list (RFC 9110, section 5.3).
    let control = answer.header_values("cache-control").collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let directives = || control.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Duration::ZERO;
    }
    let max_ages =
        directives().filter_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok());
    let age = answer.header("age").and_then(|age| age.trim().parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
    let date = |name| answer.header(name).map(|date| parse_http_date(date.trim()));
    match (max_ages.min(), date("expires"), date("date")) {
        (Some(max_age), ..) => Duration::from_secs(max_age).saturating_sub(age),
        (None, Some(Ok(expires)), Some(Ok(date))) => {
            expires.duration_since(date).unwrap_or_default().saturating_sub(age)
        }
        (None, Some(Ok(expires)), _) => expires.duration_since(now).unwrap_or_default(),
        // What is no date is one of the past, such as 0.
        (None, Some(Err(_)), _) => Duration::ZERO,
        (None, None, _) => USUAL_LIFETIME,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn set(name: &str) -> String {
        let x = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{name}"}},{{"kty":"new"}}]}}"#)
    }

    fn read(text: &str, at_hand: Option<&PreparedSet>) -> PreparedSet {
        match key_set(&HttpResponse::new(200, text), at_hand).unwrap() {
            SetAnswer::New { set, .. } => set,
            SetAnswer::Unchanged => PreparedSet::read("").unwrap(),
        }
    }

    /// Results of verification are remembered with the keys they used, and the two are compared.
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
