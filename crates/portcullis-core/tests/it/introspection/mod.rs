//! Tokens that only their issuer can tell about: what it is asked, when, and what is made of its answers.

mod answers;
mod attack;
mod cache;
mod client;
mod flight;
mod guarded;
mod keys;
mod opaque;
mod pauses;
mod request;
mod routing;
mod rules;
mod schedule;
mod threads;

use crate::tokens::{ISSUER, NOW, Want, hs256, issuer as with_keys};
use client::Endpoint;
use futures_util::FutureExt;
use portcullis_core::{
    Audience, Credential, CredentialSource, Error, ErrorKind, Introspection, Issuer, Principal, testing::FixedClock,
};
use std::{future::Future, pin::Pin, time::Duration};

const URL: &str = "https://issuer.test/introspect";

/// No test asks as often.
const OFTEN: usize = 100_000;

type Outcome = Result<Principal, Error>;

/// Who asks, and waits.
type Waiting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn down(why: &'static str) -> Want {
    Err((ErrorKind::Unavailable, why))
}

fn without_keys() -> Issuer {
    Issuer::without_keys(ISSUER, Audience::is("test")).unwrap()
}

/// Asks this endpoint about tokens of an issuer without keys, at noon.
fn asking(endpoint: &Endpoint) -> Introspection {
    asking_of(without_keys(), endpoint, &FixedClock::at(NOW))
}

fn asking_of(issuer: Issuer, endpoint: &Endpoint, clock: &FixedClock) -> Introspection {
    Introspection::new(issuer, URL, endpoint.clone()).unwrap().clock(clock.clone())
}

/// The answer about a good token with these members changed; a value is JSON, and none takes the member away.
fn active(changes: &[(&str, &str)]) -> String {
    let usual = [("active", "true"), ("token_type", r#""Bearer""#), ("aud", r#""test""#), ("sub", r#""alice""#)];
    let kept = usual.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let members = kept.chain(changes).filter(|(_, value)| !value.is_empty());
    let members: Vec<String> = members.map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", members.join(","))
}

const INACTIVE: &str = r#"{"active":false}"#;

/// Asks as a request does that waits for the answer. Nothing happens before it is polled.
fn begin(introspection: &Introspection, token: &str) -> Waiting {
    let (introspection, token) = (introspection.clone(), token.to_owned());
    Box::pin(async move {
        let credential = Credential::new(token, CredentialSource::bearer());
        introspection.authenticate(&credential).await
    })
}

/// The same, and the question is on its way.
fn begun(introspection: &Introspection, token: &str) -> Waiting {
    let mut waiting = begin(introspection, token);
    assert!(poll(&mut waiting).is_none(), "nothing to wait for");
    waiting
}

fn poll(waiting: &mut Waiting) -> Option<Outcome> {
    waiting.now_or_never()
}

/// The same, after the pause that follows a failure.
fn ask_after_pause(introspection: &Introspection, token: &str, clock: &FixedClock) -> Outcome {
    clock.advance(seconds(60));
    ask(introspection, token)
}

/// Asks where the answer is known, or given at once.
fn ask(introspection: &Introspection, token: &str) -> Outcome {
    poll(&mut begin(introspection, token)).expect("an answer at once")
}

/// Asserts that it came out like that, and that the error shows no token.
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

fn kind(outcome: &Outcome) -> Option<ErrorKind> {
    outcome.as_ref().err().map(Error::kind)
}

/// FixedClock counts in 64 bits that wrap around, so it can be set back after all.
fn set_back(clock: &FixedClock, by: Duration) {
    let by = u64::try_from(by.as_millis()).unwrap();
    clock.advance(Duration::from_millis(0_u64.wrapping_sub(by)));
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A JWT of this issuer for the audience `test`, signed with the key of [`with_keys`], with more claims.
fn jwt_of(issuer: &str, more: &str) -> String {
    let expiry = NOW + 300;
    let claims = format!(r#"{{"iss":"{issuer}","aud":"test","sub":"alice","exp":{expiry}{more}}}"#);
    hs256().sign(crate::tokens::HEADER, &claims)
}
