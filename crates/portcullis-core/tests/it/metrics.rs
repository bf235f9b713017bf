//! What is counted, under which labels, and that no client makes new ones.

use crate::head::Head;
use futures_util::FutureExt;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use portcullis_core::{
    Algorithm, Audience, Authenticator, Credential, Error, ErrorKind, Gate, HttpClient, HttpRequest, Issuer, Jwt,
    Principal, PrincipalKind, RemoteKeys, Reply, RoleHierarchy, Scheme, SharedSecret, TokenCache,
    policy::{Policy, anyone, authenticated, role, via},
    testing::{TestIssuer, acting_as},
};
use std::{collections::BTreeMap, time::Duration};

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

/// The counters of one name after this, by the values of their labels.
fn counted(name: &str, act: impl FnOnce()) -> BTreeMap<String, u64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, act);
    let all = snapshotter.snapshot().into_vec();
    let of_name = all.into_iter().filter(|(key, ..)| key.key().name() == name);
    let series = of_name.map(|(key, _, _, value)| {
        let labels: Vec<&str> = key.key().labels().map(|label| label.value()).collect();
        let DebugValue::Counter(count) = value else { panic!("not a counter") };
        (labels.join(" | "), count)
    });
    series.collect()
}

fn series<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.into_iter().map(|(labels, count)| (labels.to_owned(), count)).collect()
}

fn gate(issuer: &TestIssuer) -> Gate {
    Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).cookie("__Host-session").bearer())
        .scheme(Scheme::named("sync", SharedSecret::new("role-sync", SECRET).unwrap()).header("x-sync-secret"))
        .roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
        .cache(TokenCache::new(10))
        .build()
        .unwrap()
}

/// A request as an adapter serves it: refused by the gate, or allowed.
fn serve(gate: &Gate, policy: impl Policy + 'static, head: &Head) {
    let plan = gate.plan(policy).unwrap();
    let who = gate.establish_for(&plan, head).now_or_never().unwrap();
    if let Err(error) = gate.authorize(&who, &plan, head).now_or_never().unwrap() {
        let _ = gate.refuse(&error);
    }
}

const DECISIONS: &str = "portcullis_decisions_total";

#[test]
fn a_decision_is_counted_once_under_its_code_scheme_and_issuer() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let alice = Head::new().bearer(&issuer.token("alice").sign());
    let old = Head::new().bearer(&issuer.token("alice").expired_for(Duration::from_secs(3600)).sign());
    let sync = |secret| Head::new().header("x-sync-secret", secret);
    let seen = |policy: &'static dyn Policy, head: &Head| counted(DECISIONS, || serve(&gate, policy, head));

    const ANY: &dyn Policy = &authenticated();
    assert_eq!(seen(ANY, &alice), series([("allowed | bearer header | https://issuer.test", 1)]));
    assert_eq!(seen(ANY, &Head::new()), series([("credential_missing | none | none", 1)]));
    assert_eq!(seen(ANY, &Head::new().bearer("forged")), series([("invalid_token | bearer header | none", 1)]));
    assert_eq!(seen(ANY, &old), series([("token_expired | bearer header | https://issuer.test", 1)]));
    const OWNER: &dyn Policy = &role("owner");
    assert_eq!(seen(OWNER, &alice), series([("role_required | bearer header | https://issuer.test", 1)]));
    const SYNC: &dyn Policy = &via("sync");
    assert_eq!(seen(SYNC, &sync(SECRET)), series([("allowed | sync | none", 1)]));
    const SYNC_OWNER: &dyn Policy = &via("sync").and(role("owner"));
    assert_eq!(seen(SYNC_OWNER, &sync(SECRET)), series([("role_required | sync | none", 1)]));
    // No scheme recognizes it.
    assert_eq!(seen(SYNC, &sync("wrong")), series([("invalid_token | header `x-sync-secret` | none", 1)]));
    // Nothing is decided.
    const ANYONE: &dyn Policy = &anyone();
    assert_eq!(seen(ANYONE, &alice), series([]));
}

#[test]
fn what_a_handler_and_a_lease_ask_is_not_counted() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let head = Head::new().bearer(&issuer.token("alice").sign());
    let plan = gate.plan(authenticated()).unwrap();
    let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
    let seen = counted(DECISIONS, || {
        let caller = who.caller(&head).unwrap();
        assert!(caller.require(authenticated()).now_or_never().unwrap().is_ok());
        assert!(caller.require(role("owner")).now_or_never().unwrap().is_err());
        let lease = who.lease(Some(&plan), &head).unwrap();
        assert!(lease.watch(|_| std::future::pending::<()>()).now_or_never().is_none());
    });
    assert_eq!(seen, series([]));
}

/// Copies what a client writes into everything that may become a label.
#[derive(Debug)]
struct Gullible;

impl Authenticator for Gullible {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let text = credential.expose().to_owned();
        match text.starts_with("bad") {
            true => Err(Error::new(ErrorKind::Invalid, "as the client says").with_code(text.clone()).with_issuer(text)),
            false => Ok(Principal::new(PrincipalKind::User, text.clone()).with_issuer(text)),
        }
    }
}

#[test]
fn clients_make_no_series() {
    let gate = Gate::builder().scheme(Scheme::new(Gullible).bearer()).build().unwrap();
    let seen = counted(DECISIONS, || {
        for number in 0..1000 {
            serve(&gate, authenticated(), &Head::new().bearer(&format!("good-{number}")));
            serve(&gate, authenticated(), &Head::new().bearer(&format!("bad-{number}")));
        }
    });
    let expected = [("allowed | bearer header | other", 1000), ("other | bearer header | other", 1000)];
    assert_eq!(seen, series(expected));

    let tokens = self::gate(&TestIssuer::new());
    let seen = counted(DECISIONS, || {
        for number in 0..1000 {
            let other = TestIssuer::new().named(format!("https://{number}.test"));
            serve(&tokens, authenticated(), &Head::new().bearer(&other.token("mallory").sign()));
        }
    });
    assert_eq!(seen, series([("invalid_token | bearer header | none", 1000)]));
}

#[test]
fn a_token_is_looked_up_once_for_a_request() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let alice = Head::new().bearer(&issuer.token("alice").sign());
    let seen = counted("portcullis_cache_requests_total", || {
        for _ in 0..3 {
            serve(&gate, authenticated(), &alice);
        }
    });
    assert_eq!(seen, series([("tokens | hit", 2), ("tokens | miss", 1)]));
}

#[derive(Debug)]
struct Down;

impl HttpClient for Down {
    fn send(&self, _: HttpRequest, reply: Reply) {
        // Not answered: the same as a failure.
        drop(reply);
    }
}

#[test]
fn questions_to_issuers_and_pauses_are_counted() {
    fn gate(client: impl HttpClient + 'static) -> Gate {
        let keys = RemoteKeys::discover("https://issuer.test", client).unwrap();
        let issuer = Issuer::new("https://issuer.test", Audience::is("test"), [Algorithm::Es256], keys).unwrap();
        Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build().unwrap()
    }
    let token = TestIssuer::with_algorithm(Algorithm::Es256).on_system_time();
    let head = Head::new().bearer(&token.token("alice").sign());
    let seen = |gate: Gate, name| {
        counted(name, || {
            for _ in 0..3 {
                serve(&gate, authenticated(), &head);
            }
        })
    };
    let requests = "portcullis_upstream_requests_total";
    let pauses = "portcullis_upstream_pauses_total";
    assert_eq!(seen(gate(token.clone()), requests), series([("keys | answered", 1)]));
    assert_eq!(seen(gate(token.clone()), pauses), series([]));
    assert_eq!(seen(gate(Down), requests), series([("keys | failed", 1)]));
    assert_eq!(seen(gate(Down), pauses), series([("keys", 1)]));
}

#[test]
fn an_acting_gate_counts_as_well() {
    let gate = gate(&TestIssuer::new()).acting_as(acting_as("alice"));
    let seen = counted(DECISIONS, || serve(&gate, authenticated(), &Head::new()));
    assert_eq!(seen.values().sum::<u64>(), 1);
}
