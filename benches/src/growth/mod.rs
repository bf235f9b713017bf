//! How much a verification or a decision grows with what a service is configured with.

mod decision;

use crate::{
    case::{Case, Operation},
    claims::{Sample, Small},
    guard::axum::operation,
    head::Head,
    verify::SECRET,
};
use portcullis_axum::Routes;
use portcullis_core::{
    Algorithm, Audience, Gate, GateBuilder, Issuer, Jwt, Key, KeySet, Scheme, TokenCache,
    policy::authenticated,
    testing::{SigningKey, acting_as},
};
use std::hint::black_box;

/// From the most to one, which is the floor.
type Sizes = [(&'static str, usize); 3];

const SIZES: Sizes = [("100", 100), ("10", 10), ("1", 1)];
/// A gate has at most 64 schemes.
const SCHEMES: Sizes = [("64", 64), ("10", 10), ("1", 1)];
/// Each of those before the right one reads the token.
const BEARERS: Sizes = [("10", 10), ("4", 4), ("1", 1)];
/// Inheritance is followed for at most eight steps.
const STEPS: Sizes = [("8", 8), ("4", 4), ("1", 1)];

type Grown = fn(&'static str, usize) -> Operation;

/// A case for everything whose number can grow.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let cases: [(_, _, Grown); 9] = [
        ("issuers", SIZES, issuers),
        ("keys", SIZES, keys),
        ("schemes", SCHEMES, |by, size| {
            schemes(by, size, |scheme, place| scheme.header(&header_of(place)), Gate::builder())
        }),
        ("bearer schemes", BEARERS, |by, size| schemes(by, size, |scheme, _| scheme.bearer(), Gate::builder())),
        ("cached bearer schemes", BEARERS, |by, size| {
            schemes(by, size, |scheme, _| scheme.bearer(), Gate::builder().cache(TokenCache::new(20_000)))
        }),
        ("routes", SIZES, routes),
        ("roles", SIZES, decision::roles),
        ("permissions", SIZES, decision::permissions),
        ("parents", STEPS, decision::parents),
    ];
    let case = |(row, sizes, grown): (&'static str, Sizes, Grown)| {
        let (name, table) = (format!("growth/{row}"), "growth, with so many of them".to_owned());
        let operations = || sizes.into_iter().map(|(by, size)| grown(by, size)).collect();
        wanted(&name).then(|| Case { name, table, row, operations: operations() })
    };
    cases.into_iter().filter_map(case).collect()
}

/// A token of the last of a verifier's issuers.
fn issuers(by: &'static str, size: usize) -> Operation {
    let add = |jwt: Jwt, place| jwt.issuer(issuer(place)).expect("its name is its own");
    let jwt = (1..size).fold(Jwt::new(issuer(0)), add);
    let token = token(size - 1, &key_of(0));
    Operation::new(by, move || jwt.verify(black_box(&token)).expect("the token is good"))
}

/// A token by the last of an issuer's keys.
fn keys(by: &'static str, size: usize) -> Operation {
    let keys: KeySet = (0..size).map(key).collect();
    let issuer = Issuer::new(issuer_of(0), Audience::absent(), [Algorithm::Hs256], keys).expect("it is sound");
    let (jwt, token) = (Jwt::new(issuer), token(0, &key_of(size - 1)));
    Operation::new(by, move || jwt.verify(black_box(&token)).expect("the token is good"))
}

/// A token for the last of a gate's schemes. Each has an issuer of its own, and reads this place.
fn schemes(by: &'static str, size: usize, read: fn(Scheme, usize) -> Scheme, gate: GateBuilder) -> Operation {
    let scheme = |place| read(Scheme::new(Jwt::new(issuer(place))), place);
    let gate = (0..size).fold(gate, |gate, place| gate.scheme(scheme(place))).build();
    let gate = gate.expect("the gate is sound");
    let token = token(size - 1, &key_of(0));
    let own = Head { other: Some((header_of(size - 1), token.clone())), ..Head::default() };
    let heads = [Head::bearer(&token), own];
    let accepted = |head: &Head| gate.establish(head).ready().is_ok_and(|who| who.principal().is_ok());
    let head = heads.into_iter().find(accepted).expect("the last scheme reads one of them");
    Operation::new(by, move || {
        let who = gate.establish(black_box(&head)).ready().expect("nobody is waited for");
        assert!(who.principal().is_ok());
        who
    })
}

/// A request for the last of the routes, each of which has a guard.
fn routes(by: &'static str, size: usize) -> Operation {
    let gate = Gate::builder().scheme(Scheme::new(Jwt::new(issuer(0))).bearer()).build();
    let gate = gate.expect("the gate is sound").acting_as(acting_as("alice"));
    let add = |routes: Routes, place| routes.get(&format!("/route-{place:03}"), authenticated(), async || "ok");
    let routes = (1..size).fold(Routes::new(&gate), add).get("/x", authenticated(), async || "ok");
    operation(by, &token(0, &key_of(0)), routes.into_router())
}

fn issuer(place: usize) -> Issuer {
    Issuer::new(issuer_of(place), Audience::absent(), [Algorithm::Hs256], key(0)).expect("it is sound")
}

fn key(place: usize) -> Key {
    Key::secret(Algorithm::Hs256, SECRET).expect("the secret is long enough").with_id(key_of(place))
}

fn token(issuer: usize, key: &str) -> String {
    let signing = SigningKey::secret(Algorithm::Hs256, SECRET).expect("the secret is long enough");
    let claims = Small::JSON.replace(Small::ISSUER, &issuer_of(issuer)).replace(r#""id""#, r#""sub""#);
    signing.sign(&format!(r#"{{"alg":"HS256","kid":"{key}","typ":"JWT"}}"#), &claims)
}

fn issuer_of(place: usize) -> String {
    format!("https://tenant-{place:03}.example.com")
}

fn key_of(place: usize) -> String {
    format!("2026-11-{place:03}")
}

fn header_of(place: usize) -> String {
    format!("x-token-{place:03}")
}
