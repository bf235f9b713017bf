//! What counts as issued before a sign-out: whatever may have been.

use super::{HERE, at, is_revoked, list, of, user};
use crate::{
    fresh::{active, upstream::Upstream},
    head::Head,
    tokens::{NOW, hs256, issuer},
};
use futures_util::FutureExt;
use portcullis_core::{
    Gate, Introspection, Issuer, Jwt, RevocationList, Scheme, Verifier, WhoAmI, testing::FixedClock,
};
use std::time::Duration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with_leeway(leeway: u64) -> Issuer {
    issuer().leeway(seconds(leeway)).unwrap()
}

/// Gates that verify, ask, or both, at a time.
fn gates(leeway: u64, (list, clock): &(RevocationList, FixedClock), now: u64, said: &str) -> [Gate; 3] {
    clock.set(now);
    let upstream = Upstream::saying(active("alice", said));
    let introspection = Introspection::new(with_leeway(leeway), "https://issuer.test/i", upstream.clone()).unwrap();
    let who_am_i = WhoAmI::new(with_leeway(leeway), "https://issuer.test/me", upstream).unwrap();
    let gate = |verifier: Verifier| {
        Gate::builder()
            .scheme(Scheme::new(verifier).bearer())
            .clock(clock.clone())
            .revocations(list.clone())
            .build()
            .unwrap()
    };
    [gate(Jwt::new(with_leeway(leeway)).into()), gate(introspection.into()), gate(who_am_i.into())]
}

fn statuses(gates: &[Gate; 3], token: &str) -> [u16; 3] {
    gates.each_ref().map(|gate| {
        let who = gate.establish(&Head::new().bearer(token)).now_or_never().unwrap();
        who.principal().map_or_else(|error| error.status(), |_| 200)
    })
}

fn token(issued: u64) -> String {
    let claims = format!(r#"{{"iss":"{HERE}","aud":"test","sub":"alice","iat":{issued},"exp":{}}}"#, NOW + 900);
    hs256().sign(crate::tokens::HEADER, &claims)
}

/// The clock of the issuer may be ahead by the leeway, so a token that says so may have been issued before.
#[test]
fn a_clock_that_is_ahead_within_the_leeway() {
    for leeway in [0, 5, 60] {
        let listed = list();
        listed.0.sign_out(&user("alice"), at(NOW));
        for (issued, status) in [(NOW - 5, 401), (NOW, 401), (NOW + leeway, 401), (NOW + leeway + 1, 200)] {
            let gates = gates(leeway, &listed, NOW + leeway + 1, "");
            assert_eq!(statuses(&gates, &token(issued)), [status; 3], "{leeway} s of leeway, at {issued}");
        }
    }
}

/// The price of the leeway, and how to come back.
#[test]
fn who_signs_in_again_is_let_in_after_the_leeway() {
    let listed = list();
    listed.0.sign_out(&user("alice"), at(NOW));
    for (signed_in, status) in [(NOW + 1, 401), (NOW + 30, 401), (NOW + 31, 200)] {
        assert_eq!(statuses(&gates(30, &listed, signed_in, ""), &token(signed_in)), [status; 3], "{signed_in}");
    }
    // Ending a session has no such price.
    let listed = list();
    listed.0.end_session(&super::session("hers"));
    assert_eq!(statuses(&gates(30, &listed, NOW + 1, ""), &token(NOW + 1)), [200; 3]);
}

/// What is not said by the answer may be said by the verified token, and the other way round.
#[test]
fn either_of_token_and_answer_may_say_when() {
    let without = hs256()
        .sign(crate::tokens::HEADER, &format!(r#"{{"iss":"{HERE}","aud":"test","sub":"alice","exp":{}}}"#, NOW + 900));
    let listed = list();
    listed.0.sign_out(&user("alice"), at(NOW));
    let said = format!(r#","iat":{}"#, NOW + 1);
    assert_eq!(statuses(&gates(0, &listed, NOW + 1, &said), &without), [401, 200, 200], "the answer says");
    assert_eq!(statuses(&gates(0, &listed, NOW + 1, ""), &without), [401; 3], "nobody says");
    let listed = list();
    listed.0.sign_out(&user("bob"), at(NOW));
    assert_eq!(statuses(&gates(0, &listed, NOW + 1, ""), &without), [200; 3], "somebody else's sign-out");
}

/// One that says no time at all cannot be told from an older one; one that does can.
#[test]
fn a_new_credential_that_can_be_told_apart() {
    let (list, clock) = list();
    list.sign_out(&user("alice"), at(NOW));
    assert!(is_revoked(&list, &of(user("alice"))), "it may be an old one");
    assert!(!is_revoked(&list, &of(user("bob"))));
    let new = of(user("alice")).with_times(Some(at(NOW + 1)), Some(at(2 * NOW)));
    assert!(!is_revoked(&list, &new));
    assert!(!is_revoked(&list, &new.clone().with_times(Some(at(NOW + 1)), None)), "without an expiry as well");
    assert!(is_revoked(&list, &new.with_leeway(seconds(1))));
    clock.advance(seconds(101));
    assert!(!is_revoked(&list, &of(user("alice"))), "all that could be old have expired");
}

#[test]
fn a_sign_out_ahead_of_time_is_kept_until_its_tokens_have_expired() {
    let (list, clock) = list();
    list.sign_out(&user("alice"), at(NOW + 1000));
    let issued = of(user("alice")).with_times(Some(at(NOW + 1000)), Some(at(NOW + 1100)));
    clock.advance(seconds(1100));
    assert!(is_revoked(&list, &issued));
    clock.advance(seconds(1));
    assert!(!is_revoked(&list, &issued));
}
