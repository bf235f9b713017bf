//! The cache of verified tokens. Nobody can tell that it is there, but for what verifying costs.

mod alive;
mod asked;
mod bounds;
mod forged;
mod kept;
mod keys;
mod looks;
mod places;
mod revoked;
mod rotated;
mod schedule;
mod sources;
mod threads;
mod timed;
mod unchanged;
mod web;

use crate::{
    head::Head,
    tokens::{ISSUER, NOW},
};
use futures_util::FutureExt;
use keys::{name, signed};
use portcullis_core::{
    Algorithm, Audience, Authentication, Error, ErrorKind, Gate, GateBuilder, Issuer, Jwt, Principal, RemoteKeys,
    Scheme, TokenCache, testing::FixedClock,
};
use std::{ptr, time::Duration};
use web::{Client, Page, Web};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// FixedClock counts in 64 bits that wrap around, so it can be set back after all.
fn set_back(clock: &FixedClock, by: Duration) {
    let by = u64::try_from(by.as_millis()).unwrap();
    clock.advance(Duration::from_millis(0_u64.wrapping_sub(by)));
}

/// Claims that hold for an hour from noon, with these members more.
fn claims(jti: &str, more: &str) -> String {
    let expiry = NOW + 3600;
    format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{expiry},"jti":"{jti}"{more}}}"#)
}

/// A good token of the key number `n`.
fn token(n: u8, jti: &str) -> String {
    signed(n, &name(n), &claims(jti, ""))
}

/// What a handler reads of a token.
#[derive(Debug, serde::Deserialize)]
struct View {
    jti: String,
}

/// Whether somebody came with the very claims of an earlier request, so that nothing was verified anew.
fn share(one: &Principal, other: &Principal) -> bool {
    ptr::eq(one.claims::<View>().unwrap(), other.claims::<View>().unwrap())
}

fn roomy() -> TokenCache {
    TokenCache::new(1000)
}

/// A gate, and an issuer that publishes the keys 1 and 2 for 100 seconds, at noon.
struct Rig {
    web: Web,
    client: Client,
    clock: FixedClock,
    gate: Gate,
}

impl Rig {
    fn cached() -> Self {
        Self::of(|gate| gate.cache(roomy()))
    }

    fn plain() -> Self {
        Self::of(|gate| gate)
    }

    fn of(more: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        Self::with(|issuer| issuer, more)
    }

    fn with(rules: impl FnOnce(Issuer) -> Issuer, more: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let (web, clock) = (Web::default(), FixedClock::at(NOW));
        web.publish(ISSUER, Page::of(&[("k1", 1), ("k2", 2)]));
        let client = Client::of(&web);
        let keys = RemoteKeys::builder().lifetime(seconds(1), seconds(3600));
        let keys = keys.jwks(format!("{ISSUER}/keys"), client.clone()).unwrap();
        let issuer = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], keys).unwrap();
        let jwt = Jwt::new(rules(issuer)).clock(clock.clone());
        let gate = more(Gate::builder().scheme(Scheme::new(jwt).bearer().cookie("session"))).build().unwrap();
        Self { web, client, clock, gate }
    }

    /// Who makes a request with this head, once the issuer has answered.
    fn established(&self, head: &Head) -> Authentication {
        let who = self.gate.establish(head);
        self.client.answer_all();
        who.now_or_never().expect("nothing else to wait for")
    }

    fn ask(&self, token: &str) -> Result<Principal, Error> {
        self.established(&Head::new().bearer(token)).principal().cloned()
    }

    #[track_caller]
    fn accepted(&self, token: &str) -> Principal {
        self.ask(token).unwrap_or_else(|error| panic!("refused: {error}"))
    }

    #[track_caller]
    fn refused(&self, token: &str) -> ErrorKind {
        self.ask(token).expect_err("accepted").kind()
    }

    /// Lets somebody come first, who waits for keys. What is waited for is not kept.
    fn warm(&self) {
        assert_eq!(self.refused("e30.e30"), ErrorKind::Unrecognized);
        let _ = self.ask(&token(2, "first"));
        assert_eq!(self.client.count(), 1);
    }

    fn publish(&self, keys: &[(&str, u8)]) {
        self.web.publish(ISSUER, Page::of(keys));
    }

    fn advance(&self, by: u64) {
        self.clock.advance(seconds(by));
    }
}
