//! Addresses of one caller.

use super::{LIFE, answer, builder, gate, get, keys};
use portcullis_core::{
    Error, Gate, Principal, PrincipalId, PrincipalKind, Scheme, SharedSecret, policy::*, testing::acting_as,
};

#[test]
fn an_address_is_its_callers_alone() {
    let gate = gate(keys().bound_to_caller());
    let alice = acting_as("alice");
    let sign = |id: &PrincipalId| gate.sign_for("tiles", id, "GET", "/t?a=1", LIFE).unwrap();
    let url = sign(alice.id());
    for (name, caller, expected) in [
        ("itself", alice.clone(), "200"),
        ("with other rights", acting_as("alice").with_role("manager"), "200"),
        ("another", acting_as("bob"), "403 invalid_signature"),
        ("a key", Principal::new(PrincipalKind::Key, "alice"), "403 invalid_signature"),
        ("of an issuer", acting_as("alice").with_issuer("https://id.example.com"), "403 invalid_signature"),
    ] {
        let gate = gate.acting_as(caller);
        assert_eq!(answer(&gate, signed("tiles"), &get(url.expose())), expected, "{name}");
        assert_eq!(answer(&gate, signed("tiles"), &get("/t?a=1")), "403 signature_required", "{name}");
    }
    assert_eq!(answer(&gate, signed("tiles"), &get(url.expose())), "401 credential_missing");
    assert_eq!(answer(&gate, signed("tiles"), &get(url.expose()).bearer("forged")), "401 invalid_token");
    assert_eq!(answer(&gate, any((signed("tiles"), role("viewer"))), &get(url.expose())), "401 credential_missing");
}

#[test]
fn visitors_are_not_asked_about() {
    let gate = gate(keys().bound_to_caller());
    let url = gate.sign_for("tiles", acting_as("alice").id(), "GET", "/t", LIFE).unwrap();
    assert_eq!(answer(&gate, visitors(signed("tiles")), &get(url.expose())), "401 credential_missing");
    assert_eq!(gate.plan(signed("tiles")).unwrap().schemes(), ["bearer header"]);
}

#[test]
fn signing_names_the_caller_where_the_signer_is_bound_and_nowhere_else() {
    let alice = acting_as("alice");
    let (bound, free) = (gate(keys().bound_to_caller()), gate(keys()));
    let error = |result: Result<_, Error>| result.map(drop).unwrap_err().to_string();
    assert!(error(bound.sign("tiles", "GET", "/t", LIFE)).contains("sign_for"));
    assert!(error(free.sign_for("tiles", alice.id(), "GET", "/t", LIFE)).contains("bound_to_caller"));
}

/// Only callers of schemes that the policy accepts count.
#[test]
fn the_scheme_has_to_be_accepted() {
    const SYNC: &str = "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU";
    let sync = Principal::new(PrincipalKind::Service, "sync");
    let secret = SharedSecret::of(sync.clone(), SYNC).unwrap();
    let gate: Gate = builder()
        .scheme(Scheme::named("sync", secret).bearer())
        .signer("tiles", keys().bound_to_caller())
        .build()
        .unwrap();
    let url = gate.sign_for("tiles", sync.id(), "GET", "/t", LIFE).unwrap();
    let request = get(url.expose()).bearer(SYNC);
    assert_eq!(answer(&gate, also_via("sync", signed("tiles")), &request), "200");
    assert_eq!(answer(&gate, via("sync").and(signed("tiles")), &request), "200");
    assert_eq!(answer(&gate, any((signed("tiles"), via("sync").and(staff()))), &request), "403 staff_required");
    assert_eq!(answer(&gate, signed("tiles"), &request), "401 invalid_token");
}
