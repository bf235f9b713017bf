//! Tokens that a service is shown, to learn whose they are: what it is asked, when, and what is made of its answers.

mod answers;
mod client;
mod flight;
mod keys;
mod members;
mod memory;
mod nobody;
mod quiet;
mod request;
mod routing;
mod rules;

use crate::tokens::{ISSUER, NOW, Want};
use client::Service;
use futures_util::FutureExt;
use portcullis_core::{
    Audience, ClaimMap, Credential, CredentialSource, Error, Issuer, Principal, WhoAmI, testing::FixedClock,
};
use std::{future::Future, pin::Pin, time::Duration};

const ME: &str = "https://issuer.test/users/me?fields=id";
const RIGHTS: &str = "https://issuer.test/rights";

/// What is answered about Alice, at either address.
const ALICE: &str = r#"{"data":{"id":"alice"}}"#;
const NO_RIGHTS: &str = r#"{"data":{"admin":false}}"#;

type Outcome = Result<Principal, Error>;

/// Who asks, and waits.
type Waiting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The subject in `id`, as many services have it.
fn map() -> ClaimMap {
    ClaimMap::new().subject("id").unwrap().roles("role").unwrap().staff("admin").unwrap()
}

fn issuer() -> Issuer {
    Issuer::without_keys(ISSUER, Audience::absent()).unwrap().claim_map(map())
}

/// Asks this service for the claims below `data` at both addresses, at noon.
fn asking(service: &Service) -> WhoAmI {
    asking_of(issuer(), service, &FixedClock::at(NOW))
}

fn asking_of(issuer: Issuer, service: &Service, clock: &FixedClock) -> WhoAmI {
    asking_for_us(issuer, service, clock).dangerous_any_client()
}

/// The same where the answers have to say for whom a token is.
fn asking_for_us(issuer: Issuer, service: &Service, clock: &FixedClock) -> WhoAmI {
    let me = WhoAmI::new(issuer, ME, service.clone()).unwrap();
    me.and(RIGHTS).unwrap().within("/data").unwrap().clock(clock.clone())
}

/// Asks at one address, for the claims at this place.
fn asking_one(service: &Service, within: &str) -> WhoAmI {
    let me = WhoAmI::new(issuer(), ME, service.clone()).unwrap().within(within).unwrap();
    me.clock(FixedClock::at(NOW)).dangerous_any_client()
}

/// Asks as a request does that waits for the answer. Nothing happens before it is polled.
fn begin(asking: &WhoAmI, token: &str) -> Waiting {
    let (asking, token) = (asking.clone(), token.to_owned());
    Box::pin(async move { asking.authenticate(&Credential::new(token, CredentialSource::bearer())).await })
}

/// The same, and the question is on its way.
fn begun(asking: &WhoAmI, token: &str) -> Waiting {
    let mut waiting = begin(asking, token);
    assert!(poll(&mut waiting).is_none(), "nothing to wait for");
    waiting
}

fn poll(waiting: &mut Waiting) -> Option<Outcome> {
    waiting.now_or_never()
}

/// Asks where the answer is known, or given at once.
fn ask(asking: &WhoAmI, token: &str) -> Outcome {
    poll(&mut begin(asking, token)).expect("an answer at once")
}

fn subject(outcome: &Outcome) -> &str {
    outcome.as_ref().unwrap().id().subject()
}

/// Asserts that it came out like that.
fn assert_is(what: &str, outcome: &Outcome, want: Want) {
    match (outcome, want) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err((kind, why))) => {
            let (found, text) = (error.kind(), error.to_string());
            assert!(found == kind && text.contains(why), "{what}: {found:?} `{text}`, not {kind:?} `{why}`");
        }
        (found, want) => panic!("{what}: {found:?}, not {want:?}"),
    }
}

fn down(why: &'static str) -> Want {
    Err((portcullis_core::ErrorKind::Unavailable, why))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
