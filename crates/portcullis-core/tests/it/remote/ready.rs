//! Whether all schemes of a gate can verify.

use super::*;
use portcullis_core::{Authenticator, GateBuilder, Introspection, SharedSecret, Verifier, WhoAmI};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

const SECOND: &str = "https://second.test";

/// Without a name and with one, each with a source of its own.
fn gate(verifiers: impl IntoIterator<Item = Verifier>) -> Gate {
    let schemes = verifiers.into_iter().zip(["x-1", "x-2", "x-3", "x-4"]).map(|(verifier, header)| match header {
        "x-1" => Scheme::new(verifier).header(header),
        _ => Scheme::named(header, verifier).header(header),
    });
    schemes.fold(Gate::builder().clock(FixedClock::at(NOW)), GateBuilder::scheme).build().unwrap()
}

/// Fetched keys of their own, and the issuer that is asked for them.
fn fetched(name: &str, does: Does) -> (Issuer, Scripted) {
    let client = Scripted::new(does);
    let keys = RemoteKeys::jwks(URL, client.clone()).unwrap();
    (Issuer::new(name, Audience::is("test"), [Algorithm::EdDsa], keys).unwrap(), client)
}

#[test]
fn keys_of_all_issuers_are_asked_for_at_once_and_waited_for() {
    let asks = |issuer: Issuer| Introspection::new(issuer, URL, Scripted::new(Does::Panic)).unwrap();
    for build in [
        |one, other| gate([Jwt::new(one).into(), Jwt::new(other).into()]),
        |one, other| gate([Jwt::new(one).issuer(other).unwrap().into()]),
        |one, other| {
            gate([Jwt::new(one).into(), Introspection::new(other, URL, Scripted::new(Does::Panic)).unwrap().into()])
        },
    ] as [fn(Issuer, Issuer) -> Gate; 3]
    {
        let ((one, first), (other, second)) = (fetched(ISSUER, Does::Keep), fetched(SECOND, Does::Keep));
        let gate = build(one, other);
        let mut ready = Box::pin(gate.ready());
        assert!(poll(&mut ready).is_none());
        assert_eq!((first.count(), second.count()), (1, 1));
        first.answer_next(keys(&[1]));
        assert!(poll(&mut ready).is_none(), "one of them has none");
        second.answer_next(keys(&[2]));
        assert_eq!(poll(&mut ready).map(Says::from), Some(PASSES));
        assert_eq!(gate.ready().now_or_never().map(Says::from), Some(PASSES));
        assert_eq!((first.count(), second.count()), (1, 1), "and nobody is asked again");
    }
    let (one, _) = fetched(ISSUER, Does::Fail);
    assert!(gate([asks(one).into()]).ready().now_or_never().unwrap().is_err(), "its tokens are verified first");
}

#[test]
fn an_issuer_that_is_down_is_named() {
    let ((one, _), (other, down)) = (fetched(ISSUER, Does::Give(keys(&[1]))), fetched(SECOND, Does::Fail));
    let clock = FixedClock::at(NOW);
    let jwt = Jwt::new(one).issuer(other).unwrap();
    let gate = Gate::builder().scheme(Scheme::new(jwt).bearer()).clock(clock.clone()).build().unwrap();
    let error = gate.ready().now_or_never().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.status(), error.issuer()), (ErrorKind::Unavailable, 503, Some(SECOND)));
    // A probe that comes often does not flood the issuer.
    for _ in 0..10 {
        assert!(gate.ready().now_or_never().unwrap().is_err());
    }
    assert_eq!(down.count(), 1);
    down.now(Does::Give(keys(&[1])));
    clock.advance(seconds(60));
    assert!(gate.ready().now_or_never().unwrap().is_ok());
    // Keys that are stale are good in an outage.
    down.now(Does::Fail);
    clock.advance(seconds(3600));
    assert!(gate.ready().now_or_never().unwrap().is_ok());
    clock.advance(seconds(2 * 24 * 3600));
    assert!(gate.ready().now_or_never().unwrap().is_err());
}

#[test]
fn what_has_nothing_to_wait_for_is_ready() {
    let issuer = || Issuer::without_keys(ISSUER, Audience::is("test")).unwrap();
    let nobody = || Scripted::new(Does::Panic);
    let verifiers = [
        crate::tokens::verifier().into(),
        Introspection::new(issuer(), URL, nobody()).unwrap().into(),
        WhoAmI::new(issuer(), URL, nobody()).unwrap().into(),
        SharedSecret::new("cron", "swordfish-swordfish-swordfish-swordfish").unwrap().into(),
    ];
    assert!(gate(verifiers).ready().now_or_never().unwrap().is_ok());
}

#[test]
fn an_authenticator_says_it_and_hands_it_on() {
    /// Ready when it is warm.
    #[derive(Debug)]
    struct Warms(Arc<AtomicBool>);
    impl Authenticator for Warms {
        async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
            Err(Error::new(ErrorKind::Unrecognized, "nobody"))
        }

        async fn ready(&self) -> Result<(), Error> {
            match self.0.load(SeqCst) {
                true => Ok(()),
                false => Err(Error::new(ErrorKind::Unavailable, "it is cold")),
            }
        }
    }
    /// Says nothing of it, or what it is around says.
    #[derive(Debug)]
    struct Around(Verifier, bool);
    impl Authenticator for Around {
        async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
            self.0.authenticate(credential).await
        }

        async fn ready(&self) -> Result<(), Error> {
            if self.1 { self.0.ready().await } else { Ok(()) }
        }
    }
    let is_warm = Arc::new(AtomicBool::new(false));
    let warms = || Warms(is_warm.clone());
    let silent = gate([Around(warms().into(), false).into()]);
    let gates = [gate([warms().into()]), gate([Arc::new(warms()).into()]), gate([Around(warms().into(), true).into()])];
    let ready = |gate: &Gate| gate.ready().now_or_never().unwrap().is_ok();
    assert_eq!((gates.each_ref().map(ready), ready(&silent)), ([false; 3], true));
    is_warm.store(true, SeqCst);
    assert_eq!(gates.each_ref().map(ready), [true; 3]);
}
