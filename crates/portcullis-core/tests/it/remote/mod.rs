//! Keys that are fetched: what is asked of the issuer and when, and what tokens are answered meanwhile. No network, and
//! no time that passes by itself.

mod algorithms;
mod caching;
mod clocks;
mod cold;
mod discovery;
mod expiry;
mod export;
mod faults;
mod gate;
mod limits;
mod log;
mod outages;
mod panics;
mod pauses;
mod races;
mod ready;
mod schedules;
mod scripted;
mod sharing;
mod threads;
mod unknown;
mod warm;

use crate::tokens::{ISSUER, NOW, base64url, claims};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use futures_util::FutureExt;
use portcullis_core::{
    Algorithm, Audience, Clock, Credential, CredentialSource, Error, ErrorKind, Gate, HttpResponse, Issuer, Jwt,
    Principal, RemoteKeys, RemoteKeysBuilder, Scheme, testing::FixedClock,
};
use scripted::{Does, Scripted};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

const URL: &str = "https://issuer.test/keys";
const KEYS_ACCEPT: (&str, &str) = ("accept", "application/jwk-set+json, application/json");

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The key number `n`, called `k{n}`.
fn pair(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap()
}

/// The key number `n` as a JWK that says nothing but its material, and more members.
fn bare(n: u8, more: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"{more}}}"#, base64url(pair(n).public_key()))
}

fn jwk(n: u8) -> String {
    bare(n, &format!(r#","kid":"k{n}","alg":"EdDSA","use":"sig""#))
}

fn set_of(jwks: impl IntoIterator<Item = String>) -> String {
    format!(r#"{{"keys":[{}]}}"#, jwks.into_iter().collect::<Vec<_>>().join(","))
}

/// The set with the keys of these numbers.
fn set(numbers: &[u8]) -> String {
    set_of(numbers.iter().map(|n| jwk(*n)))
}

fn ok(body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::new(200, body)
}

/// The answer with these keys, good for so many seconds.
fn keys_for(numbers: &[u8], max_age: u64) -> HttpResponse {
    ok(set(numbers)).with_header("Cache-Control", format!("max-age={max_age}"))
}

/// The same, for the 100 seconds that nearly all tests go by.
fn keys(numbers: &[u8]) -> HttpResponse {
    keys_for(numbers, 100)
}

fn status(status: u16) -> HttpResponse {
    HttpResponse::new(status, "")
}

/// A token of this header, signed by the key number `n`, good for a century.
fn signed(n: u8, header: &str) -> String {
    let claims = claims("").replace(&(NOW + 300).to_string(), &(NOW + 3_153_600_000).to_string());
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(pair(n).sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A token signed by the key number `n` under any name.
fn under(n: u8, kid: &str) -> String {
    signed(n, &format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#))
}

/// A good token of the key number `n`.
fn token(n: u8) -> String {
    under(n, &format!("k{n}"))
}

/// What a token is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Passes,
    Refused(ErrorKind),
    Waits,
}

const PASSES: Says = Says::Passes;
const WAITS: Says = Says::Waits;
/// 401.
const INVALID: Says = Says::Refused(ErrorKind::Invalid);
/// 503.
const UNAVAILABLE: Says = Says::Refused(ErrorKind::Unavailable);

impl<T> From<Result<T, Error>> for Says {
    fn from(result: Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Passes,
            Err(error) => Self::Refused(error.kind()),
        }
    }
}

type Asking = Pin<Box<dyn Future<Output = Result<Principal, Error>> + Send>>;

fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Keys that hold for as short as their issuer says.
fn as_said() -> RemoteKeysBuilder {
    RemoteKeys::builder().lifetime(seconds(1), seconds(3600))
}

fn eddsa(keys: &RemoteKeys) -> Jwt {
    Jwt::new(Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], keys.clone()).unwrap())
}

/// An issuer that answers as it is told, and a verifier of its tokens, at noon.
struct Rig {
    issuer: Scripted,
    clock: FixedClock,
    keys: RemoteKeys,
    jwt: Jwt,
}

impl Rig {
    fn new(does: Does) -> Self {
        Self::with(does, |keys| keys)
    }

    fn with(does: Does, settings: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder) -> Self {
        let issuer = Scripted::new(does);
        let keys = settings(as_said()).jwks(URL, issuer.clone()).unwrap();
        Self::of(issuer, keys)
    }

    fn discovering(does: Does) -> Self {
        let issuer = Scripted::new(does);
        let keys = as_said().discover(ISSUER, issuer.clone()).unwrap();
        Self::of(issuer, keys)
    }

    fn of(issuer: Scripted, keys: RemoteKeys) -> Self {
        Self::by(issuer, keys, FixedClock::clone)
    }

    /// One whose keys go by a clock of their own: that of the verifier which has them first.
    fn by<C: Clock + 'static>(issuer: Scripted, keys: RemoteKeys, clock_of: impl FnOnce(&FixedClock) -> C) -> Self {
        let clock = FixedClock::at(NOW);
        drop(eddsa(&keys).clock(clock_of(&clock)));
        let jwt = eddsa(&keys).clock(clock.clone());
        Self { issuer, clock, keys, jwt }
    }

    /// One with the key 1 at hand, for 100 seconds from noon, and an issuer that does this from now on. One request.
    fn warm(does: Does) -> Self {
        Self::warm_with(does, |keys| keys)
    }

    fn warm_with(does: Does, settings: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder) -> Self {
        let rig = Self::with(Does::Give(keys(&[1])), settings);
        assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (PASSES, 1));
        rig.issuer.now(does);
        rig
    }

    fn advance(&self, by: u64) {
        self.clock.advance(seconds(by));
    }

    fn advance_millis(&self, by: u64) {
        self.clock.advance(Duration::from_millis(by));
    }

    /// A request with this token, which begins when it is polled.
    fn asking(&self, token: &str) -> Asking {
        let (jwt, credential) = (self.jwt.clone(), Credential::new(token, CredentialSource::bearer()).to_owned());
        Box::pin(async move { jwt.authenticate(&credential).await })
    }

    /// What a request with this token is answered as long as the issuer does not answer later.
    fn ask(&self, token: &str) -> Says {
        self.asking(token).now_or_never().map_or(WAITS, Says::from)
    }

    /// The answer that is there without any future.
    fn at_once(&self, token: &str) -> Says {
        let credential = Credential::new(token, CredentialSource::bearer());
        let gate = Gate::builder().scheme(Scheme::new(self.jwt.clone()).bearer()).build().unwrap();
        gate.authenticate(credential).ready().map_or(WAITS, |who| who.principal().into())
    }

    fn verify(&self, token: &str) -> Says {
        self.jwt.verify(token).into()
    }

    /// The answers to these tokens, and how many requests there were in all.
    #[track_caller]
    fn expect(&self, what: &str, table: &[(&str, Says)], requests: usize) {
        for (token, says) in table {
            let header = token.split('.').next().unwrap();
            assert_eq!(self.ask(token), *says, "{what}: {header}");
        }
        assert_eq!(self.issuer.count(), requests, "{what}: requests");
    }
}
