//! What is verified once, and for how long.

use super::*;
use portcullis_core::{
    Jwt, Scheme, SharedSecret,
    policy::{authenticated, fresh},
    testing::acting_as,
};

#[test]
fn a_token_is_verified_once_with_a_cache_and_each_time_without() {
    for (rig, is_shared) in [(Rig::cached(), true), (Rig::plain(), false)] {
        rig.warm();
        let (good, forged) = (token(1, "good"), signed(9, "k1", &claims("good", "")));
        let (one, other) = (rig.accepted(&good), rig.accepted(&good));
        assert_eq!(share(&one, &other), is_shared);
        assert_eq!(rig.refused(&forged), ErrorKind::Invalid);
        assert_eq!(share(&one, &rig.accepted(&good)), is_shared, "after a forged one");
        assert!(!share(&one, &rig.accepted(&token(1, "another"))), "tokens are told apart");
        assert_eq!(rig.accepted(&good).claims::<View>().unwrap().jti, "good");
        assert_eq!(rig.client.count(), 1);
    }
}

/// An issuer that accepts any name is found again too.
#[test]
fn of_any_name() {
    let rig = Rig::with(Issuer::dangerous_any_name, |gate| gate.cache(roomy()));
    let elsewhere = claims("a", "").replace(ISSUER, "https://elsewhere.test");
    let (good, forged) = (signed(1, "k1", &elsewhere), signed(3, "k1", &elsewhere));
    rig.warm();
    assert!(share(&rig.accepted(&good), &rig.accepted(&good)));
    assert_eq!(rig.refused(&forged), ErrorKind::Invalid);
}

/// A route that asks for a fresh identity gets none from what only verifies, however well the token is known.
#[test]
fn a_fresh_route() {
    let revocations = portcullis_core::RevocationList::new(seconds(60));
    for rig in [Rig::of(|gate| gate), Rig::cached(), Rig::of(|gate| gate.cache(roomy()).revocations(revocations))] {
        rig.warm();
        let head = Head::new().bearer(&token(1, "good"));
        for max_age in [Duration::ZERO, seconds(3600)] {
            assert_eq!(rig.gate.plan(fresh(max_age, authenticated())).unwrap_err().kind(), ErrorKind::Misconfigured);
            // Nor does whoever asks without a route.
            let credential = rig.gate.read(&head).unwrap().unwrap().with_max_age(Some(max_age));
            let who = rig.gate.authenticate(credential).ready().unwrap();
            assert_eq!(who.principal().unwrap_err().kind(), ErrorKind::Misconfigured);
            assert!(rig.ask(&token(1, "good")).is_ok(), "without that");
        }
    }
}

/// A gate that is built anew begins with nothing, and a clone has all that the gate has.
#[test]
fn each_gate_has_a_cache_of_its_own() {
    let clock = FixedClock::at(NOW);
    let key = portcullis_core::Key::jwk(&keys::jwk("k1", 1)).unwrap();
    let jwt = Jwt::new(Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], key).unwrap()).clock(clock);
    let gate = || Gate::builder().scheme(Scheme::new(jwt.clone()).bearer()).cache(roomy()).build().unwrap();
    let who = |gate: &Gate, token: &str| {
        let who = gate.establish(&Head::new().bearer(token)).ready().unwrap();
        who.principal().cloned().map_err(|error| error.kind())
    };
    let (one, other, good) = (gate(), gate(), token(1, "good"));
    let first = who(&one, &good).unwrap();
    assert!(share(&first, &who(&one, &good).unwrap()) && share(&first, &who(&one.clone(), &good).unwrap()));
    assert!(!share(&first, &who(&other, &good).unwrap()), "another gate, of the same verifier");
    assert_eq!(who(&one, &token(2, "good")).unwrap_err(), ErrorKind::Invalid);
    // A gate that acts as somebody asks nobody, and leaves what the other knows.
    let acting = one.acting_as(acting_as("bob"));
    for token in [&good, &token(2, "good"), ""] {
        assert_eq!(who(&acting, token).unwrap().id().subject(), "bob");
    }
    assert!(share(&first, &who(&one, &good).unwrap()));
}

#[test]
fn nothing_shows_a_token() {
    let rig = Rig::cached();
    rig.warm();
    let good = token(1, "good");
    let who = rig.established(&Head::new().bearer(&good));
    let builder = Gate::builder().cache(roomy());
    let shown = format!("{:?} {who:?} {who} {builder:?} {:?}", rig.gate, roomy());
    // Verifiers show which headers they have seen. There is nothing in them.
    for part in good.split('.').skip(1).chain(["good"]) {
        assert!(!shown.contains(part), "{shown}");
    }
    assert!(shown.contains("Gate"), "{shown}");
}

/// Adapters remember who makes a request unless it is found again for nothing.
#[test]
fn what_is_found_again() {
    let secret = || SharedSecret::new("cron", "a-secret-of-two-services-and-nobody-else").unwrap();
    let list = || portcullis_core::RevocationList::new(seconds(60));
    let table = [
        (Rig::cached(), true),
        (Rig::plain(), false),
        (Rig::of(|gate| gate.cache(roomy()).scheme(Scheme::new(secret()).bearer())), false),
        (Rig::of(|gate| gate.cache(roomy()).revocations(list())), false),
    ];
    for (rig, is_found) in table {
        let found = |token: &str| rig.established(&Head::new().bearer(token)).is_found_again();
        assert_eq!(found(&token(1, "good")), is_found);
        assert!(!found(&token(9, "good")) && !found("garbage"), "what is refused is not");
        // Without anything but the caller, once it is kept: it has waited for keys before.
        rig.accepted(&token(1, "good"));
        let recalled = |gate: &Gate, token: &str| gate.recall_or_establish(&Head::new().bearer(token));
        assert_eq!(recalled(&rig.gate, &token(1, "good")).is_ok(), is_found);
        let who = |gate: &Gate, token: &str| match recalled(gate, token) {
            Ok(caller) => Ok(caller),
            Err(answer) => answer.ready().unwrap().principal().cloned().map_err(|error| error.kind()),
        };
        assert_eq!(who(&rig.gate, &token(1, "good")).unwrap().id().subject(), "alice");
        assert_eq!(who(&rig.gate, &token(9, "good")).unwrap_err(), ErrorKind::Invalid);
        assert_eq!(who(&rig.gate, "garbage").unwrap_err(), ErrorKind::Unrecognized);
        let acting = rig.gate.acting_as(acting_as("bob"));
        assert_eq!(who(&acting, &token(1, "good")).unwrap().id().subject(), "bob");
    }
}
