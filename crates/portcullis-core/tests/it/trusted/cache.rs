//! Verified tokens of issuers known at run time, in the cache of a gate.

use super::*;
use portcullis_core::{Gate, Scheme, TokenCache};

fn gate(issuers: TrustedIssuers, clock: &FixedClock) -> Gate {
    let scheme = Scheme::new(issuers).bearer();
    Gate::builder().scheme(scheme).cache(TokenCache::new(10)).clock(clock.clone()).build().unwrap()
}

async fn asked(gate: &Gate, token: &str) -> Result<String, ErrorKind> {
    let who = gate.authenticate(Credential::new(token.to_owned(), CredentialSource::bearer())).await;
    who.principal().map(|principal| principal.issuer().unwrap_or_default().to_owned()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_cached_token_of_an_issuer_that_is_not_trusted_any_more_is_refused() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&[A]));
    let gate = gate(trusting_nobody(&web, &clock).trust_with(tenants.clone()), &clock);
    let token = token_of(A);
    for _ in 0..3 {
        assert_eq!(asked(&gate, &token).await, Ok(A.to_owned()));
    }
    assert_eq!((web.count(), tenants.count()), (2, 1));
    tenants.set(&[]);
    clock.advance(seconds(59));
    assert_eq!(asked(&gate, &token).await, Ok(A.to_owned()));
    clock.advance(seconds(1));
    assert_eq!(asked(&gate, &token).await, Err(ErrorKind::Unrecognized));
}

#[tokio::test]
async fn a_cached_token_ends_with_its_keys_and_its_time() {
    let (web, clock) = (Web::of(&[A, B]), clock());
    let gate = gate(trusting_nobody(&web, &clock).trust([A, B]).unwrap(), &clock);
    let (a, b) = (token_of(A), issuer(B).token("bob").expires_in(seconds(100)).sign());
    for _ in 0..3 {
        assert_eq!((asked(&gate, &a).await, asked(&gate, &b).await), (Ok(A.to_owned()), Ok(B.to_owned())));
    }
    clock.advance(seconds(100));
    assert_eq!((asked(&gate, &a).await, asked(&gate, &b).await), (Ok(A.to_owned()), Err(ErrorKind::Expired)));
    web.put(A, TestIssuer::with_algorithm(Algorithm::EdDsa).named(A));
    clock.advance(seconds(600));
    assert_eq!(asked(&gate, &token(&TestIssuer::with_algorithm(Algorithm::EdDsa).named(A))).await, Ok(A.to_owned()));
    assert_eq!(asked(&gate, &a).await, Err(ErrorKind::Invalid));
}

/// The cache belongs to a place, and each issuer has a verifier of its own.
#[tokio::test]
async fn an_issuer_that_made_room_is_verified_anew() {
    let (web, clock) = (Web::of(&[A, B]), clock());
    let gate = gate(trusting_nobody(&web, &clock).trust_with(Tenants::of(&[A, B])).max_issuers(1), &clock);
    for _ in 0..2 {
        assert_eq!(asked(&gate, &token_of(A)).await, Ok(A.to_owned()));
        assert_eq!(asked(&gate, &token_of(B)).await, Ok(B.to_owned()));
    }
    assert_eq!(web.count(), 8);
}

#[test]
fn a_gate_knows_that_these_are_signed_tokens() {
    let scheme = Scheme::new(trusting_nobody(&Web::default(), &clock()));
    assert!(scheme.is_jwt());
}
