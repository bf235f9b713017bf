//! Fresh routes where nobody can be asked, and policies that keep to themselves what they need.

use super::{INACTIVE, active, noon, opaque, upstream::Upstream};
use crate::{
    asking::{Quiet, shared},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, Jwt, Principal, PrincipalKind, RevocationList, Revocations,
    Scheme, SessionId, SharedSecret, TokenCache, Verifier,
    policy::{
        values::{AnyPrincipal, Fresh},
        *,
    },
    testing::TestIssuer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

const NOW: Fresh<AnyPrincipal> = fresh(Duration::ZERO, authenticated());
const SECRET: &str = "a-secret-that-two-services-know-of";

fn status(gate: &Gate, policy: impl Policy + 'static, token: &str) -> u16 {
    let (head, plan) = (Head::new().bearer(token), gate.plan(policy).unwrap());
    let who = gate.establish_for(&plan, &head).now_or_never().expect("an answer at once");
    let decided = gate.authorize(&who, &plan, &head).now_or_never().expect("a decision at once");
    decided.map_or_else(|error| gate.refuse(&error).status(), |_| 200)
}

/// Each of them verifies, and asks nobody who it is, whatever else it asks or remembers.
fn verifying(issuer: &TestIssuer) -> Vec<Gate> {
    let jwt = || issuer.verifier();
    let other = TestIssuer::new().named("https://other.test").verifier();
    let by = |verifier: Verifier| Gate::builder().scheme(Scheme::new(verifier).bearer());
    [
        by(jwt().into()),
        by(jwt().into()).cache(TokenCache::new(10)),
        by(jwt().into()).revocations(RevocationList::new(Duration::from_secs(900))),
        by(other.into()).scheme(Scheme::new(Wrapped(jwt())).bearer()),
        by(Arc::new(Wrapped(jwt())).into()),
        // One that is always fresh makes no other so.
        by(SharedSecret::new("batch", SECRET).unwrap().into()).scheme(Scheme::new(jwt()).bearer()),
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
        for policy in [
            shared(NOW),
            shared(all((staff(), NOW))),
            shared(any((NOW, staff()))),
            shared(not(NOW)),
            shared(hidden(NOW)),
        ] {
            let error = gate.plan(policy.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(
                error.to_string().contains("fresh identity, and a scheme that the route accepts only verifies"),
                "{error}"
            );
            // Where a rule hides it from that, nobody passes; not even staff, who would pass anyway.
            let quiet = || shared(any((Quiet(policy.clone()), staff())));
            assert_eq!((status(&gate, quiet(), &token), status(&gate, quiet(), "abc")), (500, 401), "{policy:?}");
        }
        assert!(gate.plan(any((staff(), NOW))).is_err(), "though staff would pass without it");
        // Whoever authenticates without a route is told as well.
        let head = Head::new().bearer(&token);
        let credential = gate.read(&head).unwrap().unwrap().with_max_age(Some(Duration::ZERO));
        let who = gate.authenticate(credential).now_or_never().unwrap();
        let error = who.principal().unwrap_err();
        assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("fresh"), "{error}");
        assert_eq!(status(&gate, staff(), &token), 200);
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

/// Beside those that are asked, one that only verifies has a name, and is not accepted where it must be fresh.
#[test]
fn beside_others_a_token_that_is_only_verified_is_refused() {
    let issuer = TestIssuer::new().named("https://other.test");
    let upstream = Upstream::saying(active("bob", ""));
    let (keys, asked) = (Keys::default(), opaque(&upstream, &noon()));
    let ages = keys.ages.clone();
    let token = issuer.token("alice").sign();
    let gate = Gate::builder()
        .scheme(Scheme::named("jwt", issuer.verifier()).bearer())
        .scheme(Scheme::new(keys).bearer())
        .scheme(Scheme::new(asked).bearer());
    let gate = gate.cache(TokenCache::new(10)).build().unwrap();
    for (policy, verified) in [
        (shared(NOW), 401),
        (shared(also_via("jwt", authenticated())), 200),
        (shared(fresh(Duration::MAX, authenticated())), 401),
    ] {
        for _ in 0..2 {
            assert_eq!(status(&gate, policy.clone(), &token), verified, "{policy:?}");
            let asked = ["key", "opaque"].map(|token| status(&gate, policy.clone(), token));
            assert_eq!(asked, [200; 2], "{policy:?}");
        }
    }
    let seen = ages.lock().unwrap().clone();
    let [now, max] = [Duration::ZERO, Duration::MAX].map(Some);
    assert_eq!(seen, [now, now, None, None, max, max], "each is told what the route asks for");
    // A route that accepts it can ask for nothing fresh, whoever else may come there.
    for policy in [shared(also_via("jwt", NOW)), shared(any((via("jwt"), NOW))), shared(via("jwt").and(NOW))] {
        let error = gate.plan(policy.clone()).unwrap_err();
        assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("fresh"), "{policy:?}: {error}");
    }
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
    let gate = Gate::builder().scheme(Scheme::new(wrapped(&quiet)).bearer()).build().unwrap();
    assert_eq!(gate.plan(NOW).unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(status(&gate, authenticated(), "abc"), 200);
    let asked = Upstream::saying(active("alice", ""));
    for own in [Verifier::from(SaysSo(wrapped(&asked))), Verifier::from(Arc::new(SaysSo(wrapped(&asked))))] {
        let gate = Gate::builder().scheme(Scheme::new(own).bearer()).build().unwrap();
        let before = asked.asked();
        assert_eq!([status(&gate, NOW, "abc"), status(&gate, NOW, "abc")], [200; 2]);
        assert_eq!(asked.asked(), before + 2, "it is told what the route asks for");
    }
    asked.says(INACTIVE);
    let gate = Gate::builder().scheme(Scheme::new(SaysSo(wrapped(&asked))).bearer()).build().unwrap();
    assert_eq!(status(&gate, NOW, "abc"), 401);
}

#[test]
fn a_shared_secret_is_always_fresh() {
    let gate =
        Gate::builder().scheme(Scheme::new(SharedSecret::new("batch", SECRET).unwrap()).bearer()).build().unwrap();
    for policy in [NOW, fresh(Duration::MAX, authenticated())] {
        assert_eq!([status(&gate, policy, SECRET), status(&gate, policy, "another")], [200, 401]);
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
    let issuer = TestIssuer::new().named("https://other.test");
    let upstream = Upstream::saying(active("bob", r#","sid":"his""#));
    let list = Counting(RevocationList::new(Duration::from_secs(900)), Arc::default());
    let token = issuer.token("alice").claim("sid", "hers").sign();
    let gate = Gate::builder()
        .scheme(Scheme::named("jwt", issuer.verifier()).bearer())
        .scheme(Scheme::new(opaque(&upstream, &noon())).bearer())
        .cache(TokenCache::new(10));
    let gate = gate.revocations(list.clone()).build().unwrap();
    let usual = || also_via("jwt", authenticated());
    for (policy, verified) in [(shared(NOW), (401, 0)), (shared(usual()), (200, 1))] {
        for _ in 0..2 {
            let ask = |token: &str| (status(&gate, policy.clone(), token), list.1.swap(0, Relaxed));
            assert_eq!(ask("opaque"), (200, 1), "once for each request");
            assert_eq!(ask(&token), verified, "{policy:?}");
        }
    }
    list.0.end_session(&SessionId::new("hers").with_issuer("https://other.test"));
    assert_eq!(status(&gate, usual(), &token), 401);
    assert_eq!([status(&gate, NOW, "opaque"), status(&gate, usual(), "opaque")], [200; 2], "of another session");
    list.0.end_session(&SessionId::new("his").with_issuer("https://issuer.test"));
    assert_eq!([status(&gate, NOW, "opaque"), status(&gate, usual(), "opaque")], [401; 2]);
}

#[test]
fn a_policy_that_does_not_say_what_it_needs_lets_nobody_in() {
    let issuer = TestIssuer::new();
    let upstream = Upstream::saying(active("bob", r#","staff":true"#));
    let asking = Gate::builder().scheme(Scheme::new(opaque(&upstream, &noon())).bearer()).build().unwrap();
    let listed = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let listed = listed.revocations(RevocationList::new(Duration::from_secs(900))).build().unwrap();
    let verifying = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let token = issuer.token("alice").staff().sign();
    for (gate, token) in [(&asking, "abc"), (&listed, &*token), (&verifying, &*token)] {
        let quiet = || Quiet(shared(NOW));
        for policy in [
            shared(quiet()),
            shared(Quiet(shared(fresh(Duration::MAX, authenticated())))),
            shared(all((staff(), quiet()))),
            shared(any((quiet(), staff()))),
            shared(not(quiet())),
            shared(hidden(quiet())),
        ] {
            // It shows in nothing.
            let (head, plan) = (Head::new().bearer(token), gate.plan(policy).unwrap());
            let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
            let error = gate.authorize(&who, &plan, &head).now_or_never().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Misconfigured, 500), "{plan:?}");
            assert!(error.to_string().contains("lists it in `parts`"), "{error}");
        }
    }
    // Beside one that says so, there is nothing amiss.
    assert_eq!(status(&asking, all((Quiet(shared(NOW)), NOW)), "abc"), 200);
}
