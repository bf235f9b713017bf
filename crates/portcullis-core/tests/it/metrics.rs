//! What is counted, under which labels, and that no client makes new ones.

use crate::head::Head;
use futures_util::FutureExt;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use portcullis_core::{
    Account, Algorithm, Audience, Authenticator, CachedDirectory, CachedMembership, Credential, Directory, Engine,
    EngineRequest, Error, ErrorKind, Gate, HttpClient, HttpRequest, Issuer, Jwt, Membership, PermissionSet, Principal,
    PrincipalKind, RemoteKeys, Reply, Role, RoleHierarchy, Scheme, SharedSecret, Standing, TokenCache,
    policy::*,
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

/// alice is an editor of projects up to 9; bob has no account.
#[derive(Debug)]
struct Store;

impl Directory for Store {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        match who.id().subject() {
            "bob" => Err(Error::no_account()),
            name => Ok(Account::new(name.to_owned())),
        }
    }
}

impl Membership for Store {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        match (who.id().subject(), id) {
            (_, 7) => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            ("alice", 0..=9) => Ok(Standing::role("editor")),
            (_, 0..=9) => Ok(Standing::stranger()),
            _ => Ok(Standing::missing()),
        }
    }

    async fn permits(&self, _: &Role, _: &u32) -> Result<Option<PermissionSet>, Error> {
        PermissionSet::exact(["kb:read"]).map(Some)
    }
}

#[test]
fn each_cache_counts_under_its_name() {
    let issuer = TestIssuer::new();
    let minute = Duration::from_secs(60);
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .roles(RoleHierarchy::ranked(["editor"]).unwrap())
        .directory(CachedDirectory::new(Store, 10, minute))
        .membership("project", CachedMembership::new(Store, 10, minute))
        .build()
        .unwrap();
    let cache = |policy: &'static dyn Policy, who: &str, id: &str| {
        let head = Head::new().bearer(&issuer.token(who).sign()).param("id", id);
        counted("portcullis_cache_requests_total", || serve(&gate, policy, &head))
    };
    const KNOWN: &dyn Policy = &authenticated();
    assert_eq!(cache(KNOWN, "alice", "1"), series([("accounts | miss", 1)]));
    assert_eq!(cache(KNOWN, "alice", "1"), series([("accounts | hit", 1)]));
    assert_eq!(cache(KNOWN, "carol", "1"), series([("accounts | miss", 1)]));
    const ROLE: &dyn Policy = &role("editor").on("project", path("id"));
    assert_eq!(cache(ROLE, "alice", "1"), series([("accounts | hit", 1), ("standings | miss", 1)]));
    assert_eq!(cache(ROLE, "alice", "1"), series([("accounts | hit", 1), ("standings | hit", 1)]));
    assert_eq!(cache(ROLE, "alice", "2"), series([("accounts | hit", 1), ("standings | miss", 1)]));
    const READ: &dyn Policy = &permission("kb:read").on("project", path("id"));
    let first = [("accounts | hit", 1), ("permissions | miss", 1), ("standings | hit", 1)];
    assert_eq!(cache(READ, "alice", "1"), series(first));
    let second = [("accounts | hit", 1), ("permissions | hit", 1), ("standings | hit", 1)];
    assert_eq!(cache(READ, "alice", "1"), series(second));
    // What failed is not kept.
    for _ in 0..2 {
        assert_eq!(cache(ROLE, "alice", "7"), series([("accounts | hit", 1), ("standings | miss", 1)]));
    }
}

/// Denies, or does not answer about project 5.
#[derive(Debug)]
struct Denies;

impl Engine for Denies {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        match request.resource().map(|on| on.id()) {
            Some("5") => Err(Error::new(ErrorKind::Unavailable, "the engine is down")),
            _ => Ok(false),
        }
    }
}

#[test]
fn each_kind_of_refusal_is_counted_under_its_code() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).cookie("__Host-session").bearer())
        .roles(RoleHierarchy::ranked(["editor", "owner"]).unwrap())
        .directory(Store)
        .membership("project", Store)
        .engine("pdp", Denies)
        .build()
        .unwrap();
    let token = |who: &str| issuer.token(who).sign();
    let cookie = format!("__Host-session={}", token("alice"));
    let two = format!("{cookie}; __Host-session=other");
    let alice = || Head::new().bearer(&token("alice"));
    let on = |id: &str| alice().param("id", id);
    let stranger = || Head::new().bearer(&token("carol")).param("id", "1");
    let foreign = Head::new().method("POST").authority("here.test").header("cookie", &cookie);
    let owner = || role("owner").on("project", path("id"));
    let asks = || engine("pdp", "read").on("project", path("id"));
    let cases: [(&str, Box<dyn Policy>, Head); 17] = [
        ("credential_missing", Box::new(authenticated()), Head::new()),
        ("invalid_request", Box::new(authenticated()), Head::new().header("cookie", &two)),
        ("invalid_token", Box::new(authenticated()), Head::new().bearer("forged")),
        ("cross_origin", Box::new(authenticated()), foreign.header("origin", "https://evil.test")),
        ("user_not_found", Box::new(authenticated()), Head::new().bearer(&token("bob"))),
        ("staff_required", Box::new(staff()), alice()),
        ("insufficient_scope", Box::new(scope("read")), alice()),
        ("claim_required", Box::new(claim("mfa")), alice()),
        ("paid", Box::new(when("paid", |_| false)), alice()),
        ("not_allowed", Box::new(not(authenticated())), alice()),
        ("role_required", Box::new(owner()), on("1")),
        ("not_a_member", Box::new(owner()), stranger()),
        ("not_found", Box::new(owner().hidden()), stranger()),
        ("invalid_id", Box::new(owner()), on("x")),
        ("engine_denied", Box::new(asks()), on("1")),
        ("unavailable", Box::new(asks()), on("5")),
        ("misconfigured", Box::new(account("young", |_: &u32| true)), alice()),
    ];
    for (code, policy, head) in cases {
        let seen = counted(DECISIONS, || serve(&gate, policy, &head));
        let (labels, count) = seen.first_key_value().unwrap();
        assert_eq!((labels.split(" | ").next(), *count, seen.len()), (Some(code), 1, 1), "{seen:?}");
    }
    // A missing resource looks like a hidden one, and a database that is down is no refusal of the caller.
    let seen = |id: &str| counted(DECISIONS, || serve(&gate, owner(), &on(id)));
    assert_eq!(seen("10"), series([("not_found | bearer header | https://issuer.test", 1)]));
    assert_eq!(seen("7"), series([("unavailable | bearer header | https://issuer.test", 1)]));
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
