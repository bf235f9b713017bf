//! Who shares keys, and who does not.

use super::*;
use portcullis_core::{GateBuilder, SystemClock};

#[test]
fn clones_share() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    let others = [eddsa(&rig.keys), eddsa(&rig.keys.clone()), rig.jwt.clone()];
    for jwt in others {
        assert_eq!(Says::from(jwt.clock(rig.clock.clone()).verify(&token(1))), PASSES);
    }
    assert_eq!(rig.issuer.count(), 1);
    assert!(rig.keys.clone().export().is_some());
}

#[test]
fn two_issuers_share() {
    let rig = Rig::new(Does::Keep);
    let issuer = |name: &str| {
        let keys = rig.keys.clone();
        Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::EdDsa], keys).unwrap()
    };
    let jwt = Jwt::new(issuer(ISSUER)).issuer(issuer("https://second.test")).unwrap().clock(rig.clock.clone());
    let named = |name: &str| {
        let claims = claims("").replace(ISSUER, name);
        let message = format!("{}.{}", base64url(r#"{"alg":"EdDSA","kid":"k1"}"#), base64url(claims));
        format!("{message}.{}", base64url(pair(1).sign(message.as_bytes())))
    };
    let both = [named(ISSUER), named("https://second.test")];
    assert!(both.iter().all(|token| Says::from(jwt.verify(token)) == UNAVAILABLE));
    rig.issuer.answer_next(keys(&[1]));
    assert!(both.iter().all(|token| Says::from(jwt.verify(token)) == PASSES));
    assert_eq!(Says::from(jwt.verify(&named("https://third.test"))), Says::Refused(ErrorKind::Unrecognized));
    assert_eq!(rig.issuer.count(), 1);
}

#[test]
fn two_remote_keys_do_not() {
    let client = Scripted::new(Does::Give(keys(&[1])));
    for requests in [1, 2, 3] {
        let rig = Rig::of(client.clone(), RemoteKeys::jwks(URL, client.clone()).unwrap());
        rig.expect("of its own", &[(&token(1), PASSES), (&token(1), PASSES)], requests);
    }
}

/// One builder makes other keys each time: they begin with nothing.
#[test]
fn settings_share_nothing() {
    let (client, settings) = (Scripted::new(Does::Give(keys(&[1]))), as_said().max_stale(seconds(1)));
    let [rig, other] =
        [(); 2].map(|()| settings.clone().jwks(URL, client.clone()).unwrap()).map(|keys| Rig::of(client.clone(), keys));
    assert_eq!((rig.ask(&token(1)), client.count()), (PASSES, 1));
    assert_eq!((other.keys.export(), rig.keys.export().is_some()), (None, true));
    assert_eq!((other.ask(&token(1)), client.count()), (PASSES, 2));
}

/// Keys of two gates have one clock, and the first one settles which.
#[test]
fn two_gates_with_one_clock() {
    let clock = FixedClock::at(NOW);
    let keys = || RemoteKeys::jwks(URL, Scripted::new(Does::Give(keys(&[1])))).unwrap();
    let build = |keys: &RemoteKeys, gate: fn(GateBuilder, &FixedClock) -> GateBuilder| {
        gate(Gate::builder().scheme(Scheme::new(eddsa(keys)).bearer()), &clock).build()
    };
    let (fixed, system) = (|gate: GateBuilder, clock: &FixedClock| gate.clock(clock.clone()), |gate, _: &_| gate);
    let another = |gate: GateBuilder, _: &FixedClock| gate.clock(FixedClock::at(NOW));
    for (first, second, is_fine) in [
        (
            fixed as fn(GateBuilder, &FixedClock) -> GateBuilder,
            fixed as fn(GateBuilder, &FixedClock) -> GateBuilder,
            true,
        ),
        (system, system, true),
        (system, |gate, _| gate.clock(SystemClock::default()), true),
        (fixed, another, false),
        (fixed, system, false),
        (system, fixed, false),
    ] {
        let keys = keys();
        assert!(build(&keys, first).is_ok());
        let second = build(&keys, second);
        assert_eq!(second.is_ok(), is_fine);
        if let Err(error) = second {
            assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains(ISSUER), "{error}");
        }
    }
    // Once they were used, they go by the system's.
    let keys = keys();
    keys.ready().now_or_never().unwrap().unwrap();
    assert!(build(&keys, fixed).is_err());
    assert!(build(&keys, system).is_ok());
}

/// An issuer's outage is nobody else's.
#[test]
fn one_issuer_down_and_one_up() {
    let (up, down) = (Rig::new(Does::Give(keys(&[1]))), Rig::new(Does::Keep));
    let other = "https://down.test";
    let issuer = Issuer::new(other, Audience::is("test"), [Algorithm::EdDsa], down.keys.clone()).unwrap();
    let first = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], up.keys.clone()).unwrap();
    let jwt = Jwt::new(first).issuer(issuer).unwrap().clock(up.clock.clone());
    let theirs = format!("{}.{}.AAAA", base64url(r#"{"alg":"EdDSA"}"#), base64url(claims("").replace(ISSUER, other)));
    let error = jwt.verify(&theirs).unwrap_err();
    assert_eq!((error.kind(), error.issuer()), (ErrorKind::Unavailable, Some(other)));
    assert_eq!(Says::from(jwt.verify(&token(1))), PASSES);
    assert_eq!((up.issuer.count(), down.issuer.count()), (1, 1));
}

/// The last one to go while an answer is under way leaves nothing that breaks.
#[test]
fn everybody_is_gone_when_the_answer_comes() {
    let rig = Rig::discovering(Does::Keep);
    let mut asking = rig.asking(&token(1));
    assert!(poll(&mut asking).is_none());
    let issuer = rig.issuer.clone();
    drop((asking, rig));
    issuer.answer_next(discovery::document(ISSUER, URL));
    issuer.answer_next(keys(&[1]));
    assert_eq!((issuer.count(), issuer.waiting()), (2, 0));
}
