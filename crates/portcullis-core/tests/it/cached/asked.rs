//! Who is asked each time, and who is not.

use super::{keys::jwk, *};
use portcullis_core::{Answer, Authenticator, Credential, Key, PrincipalKind};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// An authenticator around a verifier, which counts how often it is asked.
#[derive(Debug, Clone)]
struct Around {
    jwt: Jwt,
    says_so: bool,
    asked: Arc<AtomicUsize>,
}

impl Authenticator for Around {
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        self.asked.fetch_add(1, SeqCst);
        self.jwt.authenticate(credential)
    }

    fn verifier(&self) -> Option<&Jwt> {
        self.says_so.then_some(&self.jwt)
    }
}

#[test]
fn one_that_says_that_it_only_verifies_is_found_again() {
    for (says_so, cache, is_shared) in [(true, true, true), (false, true, false), (true, false, false)] {
        let key = Key::jwk(&jwk("k1", 1)).unwrap();
        let issuer = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], key.clone()).unwrap();
        let beside = Issuer::new("https://beside.test", Audience::is("test"), [Algorithm::EdDsa], key).unwrap();
        let beside = Jwt::new(beside);
        let around = Around { jwt: Jwt::new(issuer).clock(FixedClock::at(NOW)), says_so, asked: Arc::default() };
        // Behind a pointer it is the same.
        let gate = Gate::builder().bearer().authenticator(Arc::new(around.clone())).authenticator(beside.clone());
        let gate = if cache { gate.cache(roomy()) } else { gate }.build().unwrap();
        let ask = |token: &str| {
            let who = gate.establish(&Head::new().bearer(token)).ready().unwrap();
            who.principal().cloned().map_err(|error| error.kind())
        };
        let first = ask(&token(1, "good")).unwrap();
        for _ in 0..3 {
            assert_eq!(share(&first, &ask(&token(1, "good")).unwrap()), is_shared);
            assert_eq!(ask(&token(2, "good")).unwrap_err(), ErrorKind::Invalid);
        }
        // Where there is a cache, its verifier is asked in its stead.
        assert_eq!(around.asked.load(SeqCst), if is_shared { 0 } else { 7 });
    }
}

/// Accepts what it is told, for as long as it is told so.
#[derive(Debug, Clone, Default)]
struct Own(Arc<AtomicUsize>);

impl Authenticator for Own {
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        let time = self.0.fetch_add(1, SeqCst);
        let is_ours = credential.expose() == "ours" && time % 3 != 2;
        let principal = Principal::new(PrincipalKind::Key, format!("{time}"));
        let unknown = || Error::new(ErrorKind::Unrecognized, "not ours");
        Answer::later(async move { is_ours.then_some(principal).ok_or_else(unknown) })
    }
}

#[test]
fn one_of_the_applications_own_is_asked_each_time() {
    let own = Own::default();
    let rig = Rig::of(|gate| gate.cache(roomy()).authenticator(own.clone()));
    rig.warm();
    own.0.store(0, SeqCst);
    for time in 0..9 {
        let who = rig.ask("ours").map(|principal| principal.subject().to_owned()).map_err(|error| error.kind());
        let want = if time % 3 == 2 { Err(ErrorKind::Unrecognized) } else { Ok(time.to_string()) };
        assert_eq!(who, want);
    }
    // Tokens of the verifier before it never get there.
    rig.accepted(&token(1, "good"));
    rig.refused(&token(9, "good"));
    assert_eq!(own.0.load(SeqCst), 9);
}

/// An authenticator that answers later stands before the verifier: what it leaves over is verified once all the same.
#[test]
fn behind_one_that_answers_later() {
    let clock = FixedClock::at(NOW);
    let key = Key::jwk(&jwk("k1", 1)).unwrap();
    let jwt = Jwt::new(Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], key).unwrap()).clock(clock);
    let own = Own::default();
    let gate = Gate::builder().bearer().authenticator(own.clone()).authenticator(jwt).cache(roomy()).build().unwrap();
    let ask = |token: &str| {
        let who = gate.establish(&Head::new().bearer(token)).now_or_never().unwrap();
        who.principal().cloned().map_err(|error| error.kind())
    };
    let first = ask(&token(1, "good")).unwrap();
    assert!(share(&first, &ask(&token(1, "good")).unwrap()));
    assert_eq!(ask(&token(2, "good")).unwrap_err(), ErrorKind::Invalid);
    assert_eq!(own.0.load(SeqCst), 3, "it comes first each time");
}
