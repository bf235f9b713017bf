//! What ends a connection, and what does not.

use super::{Ending, Says, alice, alice_for_an_hour, gate, lease, seconds};
use crate::{fresh::upstream::Upstream, head::Head, tokens::ISSUER};
use futures_util::FutureExt;
use portcullis_core::{
    Algorithm, Audience, Error, ErrorKind, Gate, Issuer, Jwt, Lease, PrincipalId, PrincipalKind, RemoteKeys,
    RevocationList, Scheme, SessionId, TokenId,
    testing::{FixedClock, SigningKey, TestIssuer, acting_as},
};
use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

fn list() -> RevocationList {
    RevocationList::new(seconds(900))
}

/// The end, and how long was slept before it, with sleeps that take no time but on this clock.
fn end(lease: &Lease, clock: &FixedClock) -> (Error, Duration) {
    let (slept, clock) = (Arc::new(AtomicU64::new(0)), clock.clone());
    let counted = slept.clone();
    let sleep = move |time: Duration| {
        assert!(counted.fetch_add(time.as_secs(), Relaxed) < 100_000, "it never ends");
        clock.advance(time);
        ready(())
    };
    let error = lease.watch(sleep).now_or_never().expect("an end");
    (error, seconds(slept.load(Relaxed)))
}

/// An issuer whose clock shows the time of the system, and stands still.
fn as_of_now() -> TestIssuer {
    let issuer = TestIssuer::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    issuer.clock().advance(seconds(now.saturating_sub(issuer.clock().seconds())));
    issuer
}

#[test]
fn it_ends_when_the_token_expires_and_not_before() {
    for good_for in [0, 1, 29, 30, 300, 3600] {
        // By the clock of the system, the other one expired long ago: it is for the gate to say.
        for issuer in [as_of_now(), TestIssuer::new()] {
            let jwt = Jwt::new(issuer.issuer().leeway(Duration::ZERO).unwrap()).clock(issuer.clock());
            let gate = Gate::builder().scheme(Scheme::new(jwt).bearer()).build().unwrap();
            let token = issuer.token("alice").expires_in(seconds(good_for)).sign();
            if good_for == 0 {
                assert_eq!(lease(&gate, &token).unwrap_err().kind(), ErrorKind::Expired);
                continue;
            }
            let (error, slept) = end(&lease(&gate, &token).unwrap(), &issuer.clock());
            assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
            assert!(
                (good_for..=good_for + 30).contains(&slept.as_secs()),
                "good for {good_for} s, ended after {slept:?}"
            );
        }
    }
}

#[test]
fn it_ends_when_its_key_is_withdrawn() {
    let issuer = as_of_now();
    let set = |keys: &[&SigningKey]| {
        let keys: Vec<String> = keys.iter().map(|key| key.public_jwk(key.algorithm().name()).unwrap()).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    };
    let (hers, other) = (issuer.signing_key(), SigningKey::embedded(Algorithm::Rs256));
    let upstream = Upstream::saying(set(&[hers, &other]));
    let keys = RemoteKeys::jwks(format!("{ISSUER}/jwks"), upstream.clone()).unwrap();
    let trusted = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::Es256, Algorithm::Rs256], keys).unwrap();
    let gate = Gate::builder().scheme(Scheme::new(Jwt::new(trusted).clock(issuer.clock())).bearer()).build().unwrap();
    let token = issuer.token("alice").expires_in(seconds(7200)).sign();
    let lease = lease(&gate, &token).unwrap();
    upstream.says(set(&[&other]));
    let (error, slept) = end(&lease, &issuer.clock());
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(upstream.asked() >= 2 && slept < seconds(600), "keys hold for five minutes: {slept:?}");
    // And otherwise with the token.
    upstream.says(set(&[hers]));
    issuer.clock().advance(seconds(600));
    let token = issuer.token("alice").expires_in(seconds(7200)).sign();
    let (error, slept) = end(&super::lease(&gate, &token).unwrap(), &issuer.clock());
    assert!(error.kind() == ErrorKind::Expired && slept >= seconds(7200), "{error} after {slept:?}");
}

#[test]
fn it_ends_at_the_next_look_when_its_issuer_says_so() {
    for (says, why) in [
        (Ok(alice()), None),
        (Err(ErrorKind::Invalid), Some(ErrorKind::Invalid)),
        (Err(ErrorKind::Expired), Some(ErrorKind::Expired)),
        (Err(ErrorKind::Unrecognized), Some(ErrorKind::Unrecognized)),
        (Err(ErrorKind::Unavailable), None),
        (Ok(acting_as("bob").with_issuer("here").with_session("hers")), Some(ErrorKind::Invalid)),
    ] {
        let said = Says::alice();
        let mut ending = Ending::of(&lease(&gate(&said, &list()), "abc").unwrap());
        assert_eq!(ending.now(), None);
        said.now(says.clone());
        assert_eq!(ending.now(), None, "nobody looks yet");
        assert_eq!(ending.after_sleep(), why, "{says:?}");
    }
}

/// One outage does not count towards the next.
#[test]
fn short_outages_are_survived_however_many() {
    let says = Says::alice();
    let mut ending = Ending::of(&lease(&gate(&says, &list()), "abc").unwrap());
    assert_eq!(ending.now(), None);
    for outage in 0..5 {
        says.now(Err(ErrorKind::Unavailable));
        for look in 0..9 {
            assert_eq!(ending.after_sleep(), None, "outage {outage}, look {look}");
        }
        says.now(Ok(alice_for_an_hour()));
        assert_eq!(ending.after_sleep(), None);
    }
    says.now(Err(ErrorKind::Invalid));
    assert_eq!(ending.after_sleep(), Some(ErrorKind::Invalid));
}

#[test]
fn what_is_revoked_of_others_is_no_end_and_what_is_hers_is() {
    type Revoke = fn(&RevocationList);
    let hers: [Revoke; 2] = [
        |list| list.end_session(&SessionId::new("hers").with_issuer("here")),
        |list| list.sign_out(&PrincipalId::new(PrincipalKind::User, "alice").with_issuer("here"), SystemTime::now()),
    ];
    for revoke in hers {
        let revocations = list();
        let mut ending = Ending::of(&lease(&gate(&Says::alice(), &revocations), "abc").unwrap());
        assert_eq!(ending.now(), None);
        let sleeps = ending.sleeps.asked().len();
        revocations.end_session(&SessionId::new("his").with_issuer("here"));
        assert_eq!(ending.now(), None);
        revocations.end_session(&SessionId::new("hers").with_issuer("elsewhere"));
        revocations.sign_out(&PrincipalId::new(PrincipalKind::User, "bob").with_issuer("here"), SystemTime::now());
        revocations
            .sign_out(&PrincipalId::new(PrincipalKind::User, "alice").with_issuer("elsewhere"), SystemTime::now());
        revocations.revoke_token(&TokenId::new("hers").with_issuer("here"));
        assert_eq!(ending.now(), None);
        assert_eq!(ending.sleeps.asked().len(), sleeps, "nobody was asked for that");
        revoke(&revocations);
        assert_eq!(ending.now(), Some(ErrorKind::Invalid));
        assert_eq!(ending.sleeps.asked().len(), sleeps, "it did not wait for the next look");
    }
}

#[test]
fn whom_a_test_acts_as_goes_on() {
    let (says, revocations) = (Says::alice(), list());
    let real = gate(&says, &revocations);
    let acting = real.acting_as(alice());
    let leases =
        [lease(&acting, "abc"), acting.establish(&Head::new()).now_or_never().unwrap().lease(None, &Head::new())];
    for lease in leases.map(Result::unwrap) {
        assert_eq!(lease.principal().id().subject(), "alice");
        let mut ended = lease.watch(|_| ready(()));
        assert!((&mut ended).now_or_never().is_none());
        revocations.end_session(&SessionId::new("another").with_issuer("here"));
        assert!((&mut ended).now_or_never().is_none());
    }
    let mut ending = Ending::of(&lease(&real, "abc").unwrap());
    let acted = lease(&acting, "abc").unwrap();
    let mut goes_on = Ending::of(&acted);
    assert_eq!([ending.now(), goes_on.now()], [None, None]);
    says.now(Err(ErrorKind::Invalid));
    revocations.end_session(&SessionId::new("hers").with_issuer("here"));
    assert_eq!([ending.now(), goes_on.now()], [Some(ErrorKind::Invalid), None]);
    assert!(goes_on.sleeps.asked().is_empty(), "it looks at nothing");
}
