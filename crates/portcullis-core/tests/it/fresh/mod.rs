//! Routes for which whoever issued the credential is asked anew.

mod asks;
mod flight;
mod routes;
pub mod upstream;
mod wiring;

use crate::tokens::{ISSUER, NOW};
use portcullis_core::{
    Audience, ClaimMap, Credential, CredentialSource, Error, Introspection, Issuer, Principal, Verifier,
    testing::FixedClock,
};
use std::{pin::Pin, time::Duration};
use upstream::Upstream;

const URL: &str = "https://issuer.test/introspect";

type Outcome = Result<Principal, Error>;

type Asking = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// FixedClock counts in 64 bits that wrap around, so it can be set back after all.
fn set_back(clock: &FixedClock, by: Duration) {
    clock.advance(Duration::from_millis(0_u64.wrapping_sub(u64::try_from(by.as_millis()).unwrap())));
}

/// The answer about a good token of this subject, with more members.
pub fn active(subject: &str, more: &str) -> String {
    format!(r#"{{"active":true,"token_type":"Bearer","aud":"test","sub":"{subject}"{more}}}"#)
}

pub const INACTIVE: &str = r#"{"active":false}"#;

fn map() -> ClaimMap {
    ClaimMap::new().staff("staff").unwrap().scopes("scope").unwrap()
}

/// Asks about tokens that are opaque, at noon.
fn opaque(upstream: &Upstream, clock: &FixedClock) -> Verifier {
    let issuer = Issuer::without_keys(ISSUER, Audience::is("test")).unwrap().claim_map(map());
    Introspection::new(issuer, URL, upstream.clone()).unwrap().clock(clock.clone()).into()
}

/// As a route asks on which nothing may be older than this.
fn within(asked: &Verifier, token: &str, max_age: impl Into<Option<Duration>>) -> Asking {
    let credential = Credential::new(token.to_owned(), CredentialSource::bearer()).with_max_age(max_age.into());
    let asked = asked.clone();
    Box::pin(async move { asked.authenticate(&credential).await })
}

fn noon() -> FixedClock {
    FixedClock::at(NOW)
}
