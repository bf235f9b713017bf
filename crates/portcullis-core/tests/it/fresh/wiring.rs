//! Fresh routes where nobody can be asked, and policies that keep to themselves what they need.

use super::{INACTIVE, active, noon, opaque, upstream::Upstream};
use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Answer, Authenticator, Credential, Error, ErrorKind, Gate, Jwt, Principal, PrincipalKind, RevocationList,
    Revocations, SessionId, SharedSecret, TokenCache, Verifier, policy::*, testing::TestIssuer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

const NOW: Fresh = fresh(Duration::ZERO);

fn status(gate: &Gate, policy: &dyn Policy, token: &str) -> u16 {
    let head = Head::new().bearer(token);
    let who = gate.establish_for(policy, &head).now_or_never().expect("an answer at once");
    let decided = gate.authorize(&who, policy, &head).now_or_never().expect("a decision at once");
    decided.map_or_else(|error| gate.refuse(&error).status(), |_| 200)
}

/// Each of them verifies, and asks nobody who it is, whatever else it asks or remembers.
fn verifying(issuer: &TestIssuer) -> Vec<Gate> {
    let jwt = || issuer.authenticator();
    let other = TestIssuer::new().named("https://other.test").authenticator();
    let builder = || Gate::builder().bearer();
    [
        builder().authenticator(jwt()),
        builder().authenticator(Verifier::from(jwt())),
        builder().authenticator(jwt()).cache(TokenCache::new(10)),
        builder().authenticator(jwt()).revocations(RevocationList::new(Duration::from_secs(900))),
        builder().authenticator(other).authenticator(Wrapped(jwt())),
        builder().authenticator(Arc::new(Wrapped(jwt()))),
    ]
    .map(|builder| builder.build().unwrap())
    .into()
}

/// Of the application's own; it does not say that it asks anew.
#[derive(Debug)]
struct Wrapped<V>(V);

impl Authenticator for Wrapped<Jwt> {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.authenticate(credential).await
    }
}

impl Authenticator for Wrapped<Verifier> {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.authenticate(credential).await
    }
}

#[test]
fn a_gate_that_only_verifies_has_no_fresh_routes() {
    let issuer = TestIssuer::new();
    let token = issuer.token("alice").staff().sign();
    for gate in verifying(&issuer) {
        for policy in [&NOW as &dyn Policy, &all((staff(), NOW)), &any((staff(), NOW)), &not(NOW), &hidden(NOW)] {
            let error = gate.check(policy).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("fresh identity, and the gate has nobody to ask"), "{error}");
            // Where it survives that, nobody passes; not even staff, who would pass anyway.
            assert_eq!(status(&gate, policy, &token), 500, "{policy:?}");
            assert_eq!(status(&gate, policy, "abc"), 401, "{policy:?}");
        }
        assert!(gate.check(&staff()).is_ok());
        assert_eq!(status(&gate, &staff(), &token), 200);
    }
}

/// Knows a key, which it looks up each time.
#[derive(Debug, Default)]
struct Keys {
    ages: Arc<std::sync::Mutex<Vec<Option<Duration>>>>,
}

impl Authenticator for Keys {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        if credential.expose() != "key" {
            return Err(Error::new(ErrorKind::Unrecognized, "no key"));
        }
        self.ages.lock().unwrap().push(credential.max_age());
        tokio::task::yield_now().await;
        Ok(Principal::new(PrincipalKind::Key, "key"))
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

#[test]
fn beside_others_a_token_that_is_only_verified_is_refused() {
    let issuer = TestIssuer::new();
    let upstream = Upstream::saying(active("bob", ""));
    let (keys, asked) = (Keys::default(), opaque(&upstream, &noon()));
    let ages = keys.ages.clone();
    let token = issuer.token("alice").sign();
    let gate = Gate::builder().bearer().authenticator(issuer.authenticator()).authenticator(keys).authenticator(asked);
    let gate = gate.cache(TokenCache::new(10)).build().unwrap();
    assert!(gate.check(&NOW).is_ok(), "for some it can be had");
    for (policy, verified) in [(&NOW as &dyn Policy, 500), (&authenticated(), 200), (&fresh(Duration::MAX), 500)] {
        for _ in 0..2 {
            assert_eq!(status(&gate, policy, &token), verified, "{policy:?}");
            assert_eq!([status(&gate, policy, "key"), status(&gate, policy, "opaque")], [200; 2], "{policy:?}");
        }
    }
    let seen = ages.lock().unwrap().clone();
    let [now, max] = [Duration::ZERO, Duration::MAX].map(Some);
    assert_eq!(seen, [now, now, None, None, max, max], "each is told what the route asks for");
    // What it is refused for is the wiring, and not the token.
    let who = gate.establish_for(&NOW, &Head::new().bearer(&token)).now_or_never().unwrap();
    let error = who.principal().unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("fresh"), "{error}");
}

/// The application's own word counts, not what its authenticator is around.
#[test]
fn an_own_authenticator_is_fresh_where_it_says_so() {
    #[derive(Debug)]
    struct SaysSo(Wrapped<Verifier>);
    impl Authenticator for SaysSo {
        async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
            self.0.authenticate(credential).await
        }

        fn asks_anew(&self) -> bool {
            self.0.0.asks_anew()
        }
    }
    let wrapped = |upstream: &Upstream| Wrapped(opaque(upstream, &noon()));
    let quiet = Upstream::saying(active("alice", ""));
    let gate = Gate::builder().bearer().authenticator(wrapped(&quiet)).build().unwrap();
    assert_eq!(gate.check(&NOW).unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!([status(&gate, &NOW, "abc"), status(&gate, &authenticated(), "abc")], [500, 200]);
    let asked = Upstream::saying(active("alice", ""));
    for own in [Verifier::from(SaysSo(wrapped(&asked))), Verifier::from(Arc::new(SaysSo(wrapped(&asked))))] {
        let gate = Gate::builder().bearer().authenticator(own).build().unwrap();
        assert!(gate.check(&NOW).is_ok());
        let before = asked.asked();
        assert_eq!([status(&gate, &NOW, "abc"), status(&gate, &NOW, "abc")], [200; 2]);
        assert_eq!(asked.asked(), before + 2, "it is told what the route asks for");
    }
    asked.says(INACTIVE);
    let gate = Gate::builder().bearer().authenticator(SaysSo(wrapped(&asked))).build().unwrap();
    assert_eq!(status(&gate, &NOW, "abc"), 401);
}

#[test]
fn a_shared_secret_is_always_fresh() {
    let secret = "a-secret-that-two-services-know-of";
    let gate = Gate::builder().bearer().authenticator(SharedSecret::new("batch", secret).unwrap()).build().unwrap();
    for policy in [&NOW as &dyn Policy, &fresh(Duration::MAX)] {
        assert!(gate.check(policy).is_ok());
        assert_eq!([status(&gate, policy, secret), status(&gate, policy, "another")], [200, 401]);
    }
}

/// What was withdrawn is no answer to who somebody is: revocations make nobody fresh, and are asked besides.
#[test]
fn revocations_are_asked_besides() {
    #[derive(Debug, Clone)]
    struct Counting(RevocationList, Arc<AtomicUsize>);
    impl Revocations for Counting {
        async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
            self.1.fetch_add(1, Relaxed);
            self.0.is_revoked(principal).await
        }
    }
    let issuer = TestIssuer::new();
    let upstream = Upstream::saying(active("bob", r#","sid":"his""#));
    let list = Counting(RevocationList::new(Duration::from_secs(900)), Arc::default());
    let token = issuer.token("alice").claim("sid", "hers").sign();
    let gate = Gate::builder().bearer().authenticator(issuer.authenticator()).cache(TokenCache::new(10));
    let gate = gate.authenticator(opaque(&upstream, &noon())).revocations(list.clone()).build().unwrap();
    for (policy, verified) in [(&NOW as &dyn Policy, (500, 0)), (&authenticated(), (200, 1))] {
        for _ in 0..2 {
            let ask = |token: &str| (status(&gate, policy, token), list.1.swap(0, Relaxed));
            assert_eq!(ask("opaque"), (200, 1), "once for each request");
            assert_eq!(ask(&token), verified, "{policy:?}");
        }
    }
    list.0.end_session(&SessionId::new("hers").with_issuer("https://issuer.test"));
    assert_eq!([status(&gate, &NOW, &token), status(&gate, &authenticated(), &token)], [500, 401]);
    assert_eq!(status(&gate, &NOW, "opaque"), 200, "of another session");
    list.0.end_session(&SessionId::new("his").with_issuer("https://issuer.test"));
    assert_eq!([status(&gate, &NOW, "opaque"), status(&gate, &authenticated(), "opaque")], [401; 2]);
}

/// Keeps to itself that what it is around wants a fresh identity.
#[derive(Debug)]
struct Mute<P>(P);

impl<P: Policy> Policy for Mute<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        self.0.decide(question)
    }
}

#[test]
fn a_policy_that_does_not_say_what_it_needs_lets_nobody_in() {
    let issuer = TestIssuer::new();
    let upstream = Upstream::saying(active("bob", r#","staff":true"#));
    let asking = Gate::builder().bearer().authenticator(opaque(&upstream, &noon())).build().unwrap();
    let listed = Gate::builder().bearer().authenticator(issuer.authenticator());
    let listed = listed.revocations(RevocationList::new(Duration::from_secs(900))).build().unwrap();
    let verifying = Gate::builder().bearer().authenticator(issuer.authenticator()).build().unwrap();
    let token = issuer.token("alice").staff().sign();
    for (gate, token) in [(&asking, "abc"), (&listed, &*token), (&verifying, &*token)] {
        for policy in [
            &Mute(NOW) as &dyn Policy,
            &Mute(fresh(Duration::MAX)),
            &all((staff(), Mute(NOW))),
            &any((Mute(NOW), staff())),
            &not(Mute(NOW)),
            &hidden(Mute(NOW)),
        ] {
            assert!(gate.check(policy).is_ok(), "it shows in nothing");
            let head = Head::new().bearer(token);
            let who = gate.establish_for(policy, &head).now_or_never().unwrap();
            let error = gate.authorize(&who, policy, &head).now_or_never().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Misconfigured, 500), "{policy:?}");
            assert!(error.to_string().contains("has to pass on its `needs`"), "{error}");
        }
    }
    // Beside one that says so, there is nothing amiss.
    assert_eq!(status(&asking, &all((Mute(NOW), NOW)), "abc"), 200);
}
