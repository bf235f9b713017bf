//! Requests that begin as good ones and are damaged: in the token, around it, and in what carries it. None may panic and
//! none may be accepted. A million in release, fewer in a debug build.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use axum::{body::Body, http::Request, routing::get};
use fastrand::Rng;
use portcullis::{
    Algorithm, Audience, Error, Gate, Issuer, Jwt, RequestHead, Scheme, SharedSecret, Verifier,
    axum::{Authenticated, Routes},
    policy::authenticated,
    testing::{FixedClock, SigningKey},
};
use std::borrow::Cow;
use tower::ServiceExt;

const REQUESTS: usize = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a-shared-secret-of-this-test-long-enough-to-be-one";

/// A request's head of arbitrary bytes, also such that no HTTP library would let through.
#[derive(Debug, Clone, Default)]
struct Raw {
    headers: Vec<(&'static str, Vec<u8>)>,
    query: Option<String>,
}

impl RequestHead for Raw {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
    fn authority(&self) -> Option<&str> {
        None
    }
    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(found, _)| *found == name).for_each(|(_, value)| see(value));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| see(name, value));
    }
    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}

/// Every algorithm has an issuer of its own, all in one verifier.
fn name(algorithm: Algorithm) -> String {
    format!("https://{algorithm}.test")
}

fn gate() -> Result<Gate, Error> {
    let mut issuers = Algorithm::ALL.into_iter().map(|algorithm| {
        Issuer::new(name(algorithm), Audience::is("here"), [algorithm], SigningKey::embedded(algorithm).key())
    });
    let first = issuers.next().ok_or_else(|| Error::new(portcullis::ErrorKind::Misconfigured, "no algorithm"))??;
    let jwt = issuers.try_fold(Jwt::new(first), |jwt, issuer| jwt.issuer(issuer?))?;
    Gate::builder()
        .scheme(everywhere(jwt.clock(FixedClock::at(NOW))))
        .scheme(everywhere(SharedSecret::new("service", SECRET)?))
        .build()
}

/// Both are read in all places, so that each is shown what is damaged of the other.
fn everywhere(verifier: impl Into<Verifier>) -> Scheme {
    let headers = Scheme::new(verifier).cookie("__Host-session").bearer().header("x-api-key");
    headers.query("access_token").websocket_protocol().websocket_query("ws_token")
}

/// Good credentials: a token of each algorithm, the cheap ones more often, and the shared secret.
fn credentials() -> Vec<Vec<u8>> {
    let token = |algorithm: Algorithm| {
        let (alg, iss) = (algorithm.name(), name(algorithm));
        let claims = format!(r#"{{"iss":"{iss}","aud":"here","sub":"alice","exp":{},"roles":["owner"]}}"#, NOW + 60);
        SigningKey::embedded(algorithm).sign(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#), &claims).into_bytes()
    };
    let cheap = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
    let often = std::iter::repeat_n(cheap, 8).flatten();
    Algorithm::ALL.into_iter().chain(often).map(token).chain([SECRET.into()]).collect()
}

const PLACES: u8 = 6;

/// The request that presents it in one of the places.
fn present(credential: &[u8], place: u8) -> Raw {
    let text = String::from_utf8_lossy(credential);
    let upgrade = || ("upgrade", b"websocket".to_vec());
    match place {
        0 => Raw { headers: vec![("cookie", format!("a=1; __Host-session={text}; b=2").into_bytes())], query: None },
        1 => Raw { headers: vec![("authorization", [b"Bearer ", credential].concat())], query: None },
        2 => Raw { headers: vec![("x-api-key", credential.to_vec())], query: None },
        3 => {
            let protocols = [b"v1, bearer, ", credential, b", v2"].concat();
            Raw { headers: vec![("sec-websocket-protocol", protocols), upgrade()], query: None }
        }
        4 => Raw { headers: vec![upgrade()], query: Some(format!("x=1&ws_token={text}")) },
        _ => Raw { headers: vec![], query: Some(format!("x=1&access_token={text}")) },
    }
}

fn accepted(gate: &Gate, raw: &Raw) -> bool {
    match gate.establish(raw).ready() {
        Ok(who) => who.principal().is_ok(),
        Err(_) => panic!("nothing here has to wait"),
    }
}

/// One to four changes: bits, bytes, lengths, parts moved about, characters that mean something.
fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(..=bytes.len());
        let meaningful = b".=;,\" \t\0\r\n%&+-_/\\{}\x7f\xff\xc3";
        match rng.u8(..10) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            2 if at < bytes.len() => bytes[at] = rng.u8(..),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => bytes.insert(at, meaningful[rng.usize(..meaningful.len())]),
            5 => bytes.truncate(at),
            6 => drop(bytes.splice(at..at, vec![rng.u8(..); rng.usize(1..40)])),
            7 => {
                let other = rng.usize(..=bytes.len());
                let part = bytes[at.min(other)..at.max(other)].to_vec();
                drop(bytes.splice(at..at, part));
            }
            8 => {
                let mut parts: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect();
                rng.shuffle(&mut parts);
                *bytes = parts.join(&b'.');
            }
            _ if at < bytes.len() => bytes[at] = meaningful[rng.usize(..meaningful.len())],
            _ => bytes.clear(),
        }
    }
}

fn holds(raw: &Raw, credential: &[u8]) -> bool {
    let in_bytes = |bytes: &[u8]| bytes.windows(credential.len()).any(|window| window == credential);
    raw.headers.iter().any(|(_, value)| in_bytes(value)) || {
        // What a query says is what stands there once decoded.
        let query = raw.query.as_deref().unwrap_or_default();
        in_bytes(query.as_bytes()) || query.contains('%')
    }
}

#[tokio::test]
async fn damaged_requests_are_refused() -> Result<(), Box<dyn std::error::Error>> {
    let (gate, credentials) = (gate()?, credentials());
    let app = Routes::new(&gate).route("/", authenticated(), get(async |_: Authenticated| "in")).into_router();
    let app = app.with_state(gate.clone());
    for credential in &credentials {
        for place in 0..PLACES {
            assert!(accepted(&gate, &present(credential, place)), "undamaged, it passes");
        }
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5EED);
    let (mut rng, mut tried, mut over_http) = (Rng::with_seed(seed), 0, 0);
    while tried < REQUESTS {
        let credential = &credentials[rng.usize(..credentials.len())];
        let mut raw = if rng.u8(..4) > 0 {
            let mut damaged = credential.clone();
            damage(&mut damaged, &mut rng);
            present(&damaged, rng.u8(..PLACES))
        } else {
            present(credential, rng.u8(..PLACES))
        };
        if rng.bool()
            && let Some((_, value)) = raw.headers.first_mut()
        {
            damage(value, &mut rng);
        }
        if rng.u8(..8) == 0 {
            let copy = raw.headers.first().cloned();
            raw.headers.extend(copy);
        }
        if holds(&raw, credential) {
            continue; // Not damaged where it counts.
        }
        tried += 1;
        assert!(!accepted(&gate, &raw), "seed {seed}, request {tried}: {raw:?}");
        if tried % 8 == 0 {
            let uri = format!("/?{}", raw.query.as_deref().unwrap_or_default());
            let request =
                raw.headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, &value[..]));
            let Ok(request) = request.body(Body::empty()) else { continue };
            let status = app.clone().oneshot(request).await?.status();
            assert!(matches!(status.as_u16(), 400 | 401), "seed {seed}, request {tried}: {status} {raw:?}");
            over_http += 1;
        }
    }
    assert!(over_http > REQUESTS / 20, "only {over_http} of {tried} were good enough for HTTP");
    Ok(())
}
