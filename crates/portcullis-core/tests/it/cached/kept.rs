//! What is verified once, and for how long.

use super::*;
use portcullis_core::{Jwt, SharedSecret, policy::fresh, testing::acting_as};

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

/// The text decides, wherever it stands. Where it stood is told anew, and looked at anew.
#[test]
fn from_another_source() {
    let rig = Rig::cached();
    rig.warm();
    let good = token(1, "good");
    let cookie = || Head::new().header("cookie", format!("session={good}"));
    let table = [
        (Head::new().bearer(&good), "bearer header"),
        (cookie(), "cookie `session`"),
        (cookie().method("POST").header("sec-fetch-site", "same-origin"), "cookie `session`"),
        (Head::new().header("authorization", format!("bEARER   {good} ")), "bearer header"),
    ];
    let first = rig.accepted(&good);
    for (head, source) in table {
        let who = rig.established(&head);
        assert!(share(&first, who.principal().unwrap()));
        assert_eq!(who.source().unwrap().to_string(), source);
    }
    let refused = [
        (cookie().method("POST").header("sec-fetch-site", "cross-site"), ErrorKind::CrossOrigin),
        (Head::new().bearer(&good).bearer(&good), ErrorKind::Malformed),
        (Head::new().header("authorization", format!("Bearer {good} {good}")), ErrorKind::Invalid),
        (Head::new().header("authorization", format!("Basic {good}")), ErrorKind::Missing),
        (Head::new().bearer(&good[..good.len() - 1]), ErrorKind::Invalid),
        (Head::new().bearer(&format!("{good}A")), ErrorKind::Invalid),
        (Head::new().bearer(&format!("{good}=")), ErrorKind::Invalid),
        (Head::new(), ErrorKind::Missing),
    ];
    for (head, kind) in refused {
        assert_eq!(rig.established(&head).principal().unwrap_err().kind(), kind, "{head:?}");
    }
}

/// What another site makes a browser send is refused before anything is looked at: not even keys that are due are fetched.
#[test]
fn another_site_makes_the_gate_ask_nobody() {
    for rig in [Rig::plain(), Rig::cached()] {
        rig.warm();
        let good = token(1, "good");
        rig.accepted(&good);
        let cookie = Head::new().header("cookie", format!("session={good}")).method("POST");
        for (late, count) in [(95, 2), (1000, 3)] {
            rig.advance(late);
            let who = rig.established(&cookie.clone().header("sec-fetch-site", "cross-site"));
            assert_eq!(who.principal().unwrap_err().kind(), ErrorKind::CrossOrigin);
            assert_eq!(rig.client.count(), count - 1);
            assert!(rig.established(&cookie.clone().header("sec-fetch-site", "same-origin")).principal().is_ok());
            assert_eq!(rig.client.count(), count);
        }
    }
}

#[test]
fn conflicts_are_refused_whatever_is_known() {
    let rig = Rig::of(|gate| gate.cache(roomy()).reject_conflicts());
    rig.warm();
    let (good, other) = (token(1, "good"), token(1, "other"));
    let first = rig.accepted(&good);
    let both = |cookie: &str| Head::new().bearer(&good).header("cookie", format!("session={cookie}"));
    assert!(share(&first, rig.established(&both(&good)).principal().unwrap()));
    let error = rig.established(&both(&other)).principal().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Malformed, "conflicting_credentials"));
}

/// A route that asks for a fresh identity gets none from what only verifies, however well the token is known.
#[test]
fn a_fresh_route() {
    let revocations = portcullis_core::RevocationList::new(seconds(60));
    let gates = [
        (Rig::of(|gate| gate), Some(ErrorKind::Misconfigured)),
        (Rig::cached(), Some(ErrorKind::Misconfigured)),
        (Rig::of(|gate| gate.cache(roomy()).revocations(revocations)), None),
    ];
    for (rig, want) in gates {
        rig.warm();
        let head = Head::new().bearer(&token(1, "good"));
        let first = rig.accepted(&token(1, "good"));
        for policy in [fresh(Duration::ZERO), fresh(seconds(3600))] {
            let who = rig.gate.establish_for(&policy, &head).ready().unwrap();
            assert_eq!(who.principal().err().map(|error| error.kind()), want);
            assert!(who.principal().is_err() || share(&first, who.principal().unwrap()));
            assert_eq!(rig.ask(&token(1, "good")).err().map(|error| error.kind()), None, "without that");
        }
    }
}

/// A gate that is built anew begins with nothing, and a clone has all that the gate has.
#[test]
fn each_gate_has_a_cache_of_its_own() {
    let clock = FixedClock::at(NOW);
    let key = portcullis_core::Key::jwk(&keys::jwk("k1", 1)).unwrap();
    let jwt = Jwt::new(Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], key).unwrap()).clock(clock);
    let gate = || Gate::builder().bearer().authenticator(jwt.clone()).cache(roomy()).build().unwrap();
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
        assert_eq!(who(&acting, token).unwrap().subject(), "bob");
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
    let secret = || SharedSecret::new("cron", "a secret of two services, and nobody else's").unwrap();
    let list = || portcullis_core::RevocationList::new(seconds(60));
    let table = [
        (Rig::cached(), true),
        (Rig::plain(), false),
        (Rig::of(|gate| gate.cache(roomy()).authenticator(secret())), false),
        (Rig::of(|gate| gate.cache(roomy()).revocations(list())), false),
    ];
    for (rig, is_found) in table {
        let found = |token: &str| rig.established(&Head::new().bearer(token)).is_found_again();
        assert_eq!(found(&token(1, "good")), is_found);
        assert!(!found(&token(9, "good")) && !found("garbage"), "what is refused is not");
    }
}
