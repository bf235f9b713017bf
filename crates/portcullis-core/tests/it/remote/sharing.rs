//! Who shares keys, and who does not.

use super::*;

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

/// Another setting makes other keys: they begin with nothing.
#[test]
fn settings_after_the_fact() {
    let rig = Rig::warm(Does::Give(keys(&[1])));
    let other = rig.keys.clone().max_stale(seconds(1));
    assert_eq!((other.export(), rig.keys.export().is_some()), (None, true));
    assert_eq!(Says::from(eddsa(&other).clock(rig.clock.clone()).verify(&token(1))), PASSES);
    assert_eq!(rig.issuer.count(), 2);
}

/// An issuer's outage is nobody else's.
#[test]
fn one_issuer_down_and_one_up() {
    let (up, down) = (Rig::new(Does::Give(keys(&[1]))), Rig::new(Does::Keep));
    let other = "https://down.test";
    let keys = down.keys.clone().clock(up.clock.clone());
    let issuer = Issuer::new(other, Audience::is("test"), [Algorithm::EdDsa], keys).unwrap();
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
