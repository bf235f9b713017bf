//! What it costs to verify credentials that the service hands out itself: an API key, and a signed address.

use crate::{
    case::{Case, Operation},
    head::Head,
    verify::{OURS, SECRET},
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use futures_util::FutureExt;
use portcullis_core::{
    ApiKeys, Gate, KeyScopes, MemoryKeys, NewKey, PrincipalId, PrincipalKind, Scheme, SignedUrls, policy::signed,
    testing::TestIssuer,
};
use std::{
    collections::HashMap,
    hint::black_box,
    time::{Duration, SystemTime},
};

/// The number of keys in the store.
const KEYS: usize = 10_000;

type Operations = fn() -> Vec<Operation>;

pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let cases: [(_, Operations); 2] = [("API key", key), ("signed address", address)];
    let case = |(row, operations): (_, Operations)| {
        let (name, table) = (format!("own/{row}"), "own, a credential of the service's own".to_owned());
        wanted(&name).then(|| Case { name, table, row, operations: operations() })
    };
    cases.into_iter().filter_map(case).collect()
}

/// One of many keys in memory, and the least that can be done: a hash, and a look into a map.
fn key() -> Vec<Operation> {
    let keys = ApiKeys::new("bench", MemoryKeys::new()).expect("the prefix is sound");
    let scheme = Scheme::named("api-key", keys.clone()).bearer();
    let tokens = Scheme::new(TestIssuer::new().verifier()).bearer();
    let clock = portcullis_core::SystemClock::default();
    let gate = Gate::builder().scheme(scheme).scheme(tokens).clock(clock).build().expect("the gate is sound");
    let plan = gate.plan(portcullis_core::policy::via("api-key")).expect("the policy is sound");
    let scopes = KeyScopes::new(["document:read"]).expect("the scope is sound");
    let owner = keys.of_owner(PrincipalId::new(PrincipalKind::User, "alice"));
    let make = |_| {
        let made = owner.create(NewKey::new("bench", scopes.clone())).now_or_never();
        made.expect("nobody is waited for").expect("there is room").expose().to_owned()
    };
    let texts: Vec<String> = (0..KEYS).map(make).collect();
    let head = Head::bearer(texts.get(KEYS / 2).expect("it is one of them"));
    let map: HashMap<Vec<u8>, usize> = texts
        .iter()
        .enumerate()
        .map(|(place, text)| (digest(&SHA256, text.as_bytes()).as_ref().to_vec(), place))
        .collect();
    let presented = head.clone();
    vec![
        Operation::new(OURS, move || {
            let who = gate.establish_for(&plan, &head).now_or_never().expect("nobody is waited for");
            assert!(who.principal().is_ok());
            who
        }),
        Operation::new("SHA-256, hash map", move || {
            let found = map.get(digest(&SHA256, black_box(presented.token()).as_bytes()).as_ref()).copied();
            assert_eq!(found, Some(KEYS / 2));
            found
        }),
    ]
}

/// An address with four parameters of its own, and the HMAC of as much text alone.
fn address() -> Vec<Operation> {
    let signer = SignedUrls::new("2026-11", SECRET).expect("the secret is long enough");
    let tokens = Scheme::new(TestIssuer::new().verifier()).bearer();
    let clock = portcullis_core::SystemClock::default();
    let gate =
        Gate::builder().scheme(tokens).signer("documents", signer).clock(clock).build().expect("the gate is sound");
    let plan = gate.plan(signed("documents")).expect("the policy is sound");
    let address = "/documents/7?bidx=1&rescale=0,255&colormap=viridis&format=png";
    let url = gate.sign("documents", "GET", address, Duration::from_secs(600)).expect("it can be signed");
    let url = url.expose().to_owned();
    let query = url.split_once('?').map(|(_, query)| query.to_owned());
    let head = Head { query, ..Head::default() };
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let tag = hmac::sign(&key, url.as_bytes());
    vec![
        Operation::new(OURS, move || {
            let who = gate.establish_for(&plan, &head).now_or_never().expect("nobody is waited for");
            let allowed = gate.authorize(&who, &plan, &head).now_or_never().expect("nobody is waited for");
            assert!(allowed.is_ok());
        }),
        Operation::new("bare HMAC", move || {
            assert!(SystemTime::now() > SystemTime::UNIX_EPOCH);
            hmac::verify(&key, black_box(&url).as_bytes(), tag.as_ref()).expect("it is the same");
        }),
    ]
}
