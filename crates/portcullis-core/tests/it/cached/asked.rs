//! Who is asked each time, and who is not.

use super::{keys::jwk, *};
use portcullis_core::{Authenticator, Credential, Key, PrincipalKind, Scheme, Verifier};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// An authenticator around a verifier, which counts how often it is asked.
#[derive(Debug, Clone)]
struct Around {
    jwt: Jwt,
    asked: Arc<AtomicUsize>,
}

impl Authenticator for Around {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.asked.fetch_add(1, SeqCst);
        self.jwt.authenticate(credential).await
    }
}

/// Whatever it is around, it may do more than verify: what it accepts is its own to remember.
#[test]
fn an_authenticator_around_a_verifier_is_asked_each_time() {
    let key = Key::jwk(&jwk("k1", 1)).unwrap();
    let jwt = |name: &str| {
        let issuer = Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::EdDsa], key.clone()).unwrap();
        Jwt::new(issuer).clock(FixedClock::at(NOW))
    };
    let around = Around { jwt: jwt(ISSUER), asked: Arc::default() };
    let wrappers = [Verifier::from(around.clone()), Verifier::from(Arc::new(around.clone()))];
    for (wrapper, cache) in wrappers.into_iter().flat_map(|wrapper| [(wrapper.clone(), true), (wrapper, false)]) {
        around.asked.store(0, SeqCst);
        let gate = Gate::builder()
            .scheme(Scheme::new(wrapper).bearer())
            .scheme(Scheme::new(jwt("https://beside.test")).bearer());
        let gate = if cache { gate.cache(roomy()) } else { gate }.build().unwrap();
        let ask = |token: &str| {
            let who = gate.establish(&Head::new().bearer(token)).ready().unwrap();
            who.principal().cloned().map_err(|error| error.kind())
        };
        let first = ask(&token(1, "good")).unwrap();
        for _ in 0..3 {
            assert!(!share(&first, &ask(&token(1, "good")).unwrap()));
            assert_eq!(ask(&token(2, "good")).unwrap_err(), ErrorKind::Invalid);
        }
        assert_eq!(around.asked.load(SeqCst), 7);
        // Of the verifier beside it, the cache knows all the same.
        let beside = signed(1, "k1", &claims("good", "").replace(ISSUER, "https://beside.test"));
        let first = ask(&beside).unwrap();
        assert_eq!(share(&first, &ask(&beside).unwrap()), cache);
    }
}

/// Accepts what it is told, for as long as it is told so.
#[derive(Debug, Clone, Default)]
struct Own(Arc<AtomicUsize>);

impl Authenticator for Own {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let time = self.0.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        match credential.expose() {
            "ours" if time % 3 != 2 => Ok(Principal::new(PrincipalKind::Key, time.to_string())),
            _ => Err(Error::new(ErrorKind::Unrecognized, "not ours")),
        }
    }
}

#[test]
fn one_of_the_applications_own_is_asked_each_time() {
    let own = Own::default();
    let rig = Rig::of(|gate| gate.cache(roomy()).scheme(Scheme::new(own.clone()).bearer()));
    rig.warm();
    own.0.store(0, SeqCst);
    for time in 0..9 {
        let who = rig.ask("ours").map(|principal| principal.id().subject().to_owned()).map_err(|error| error.kind());
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
    let gate = Gate::builder()
        .scheme(Scheme::new(own.clone()).bearer())
        .scheme(Scheme::new(jwt).bearer())
        .cache(roomy())
        .build()
        .unwrap();
    let ask = |token: &str| {
        let who = gate.establish(&Head::new().bearer(token)).now_or_never().unwrap();
        who.principal().cloned().map_err(|error| error.kind())
    };
    let first = ask(&token(1, "good")).unwrap();
    assert!(share(&first, &ask(&token(1, "good")).unwrap()));
    assert_eq!(ask(&token(2, "good")).unwrap_err(), ErrorKind::Invalid);
    assert_eq!(own.0.load(SeqCst), 3, "it comes first each time");
}
