//! `signed` among other policies: who is read, who is judged, and what is answered.

use super::{LIFE, Sent, answer, builder, gate, get, issuer, keys, url};
use crate::asking::{Quiet, shared};
use futures_util::FutureExt;
use portcullis_core::{Account, ErrorKind, Forecast, Holder, Scheme, SharedSecret, policy::*, testing::acting_as};

const SYNC: &str = "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU";

#[test]
fn what_is_answered() {
    let gate = gate(keys());
    let (good, wrong) = (url(&gate, "/t?a=1"), url(&gate, "/t?a=1").replace("a=1", "a=2"));
    let viewer = issuer().token("alice").role("viewer").sign();
    let nobody = issuer().token("bob").sign();
    let requests = || {
        let addresses = [good.as_str(), wrong.as_str(), "/t?a=1"];
        let [good, wrong, none] = addresses.map(get);
        [good, wrong, none]
    };
    let by = |token: &str| requests().map(|request| request.bearer(token));
    for (policy, expected) in [
        // The rows are callers: none, a viewer, one without a role, an invalid credential.
        // In a row: a valid signature, a wrong one, none.
        (shared(signed("tiles")), [["200", "403 invalid_signature", "403 signature_required"]; 4]),
        (
            shared(any((signed("tiles"), role("viewer")))),
            [
                ["200", "403 invalid_signature", "401 credential_missing"],
                ["200", "200", "200"],
                ["200", "403 role_required", "403 role_required"],
                ["401 invalid_token"; 3],
            ],
        ),
        (
            shared(any((role("viewer"), signed("tiles")))),
            [
                ["200", "403 invalid_signature", "401 credential_missing"],
                ["200", "200", "200"],
                ["200", "403 invalid_signature", "403 role_required"],
                ["401 invalid_token"; 3],
            ],
        ),
        (
            shared(all((role("viewer"), signed("tiles")))),
            [
                ["401 credential_missing"; 3],
                ["200", "403 invalid_signature", "403 signature_required"],
                ["403 role_required"; 3],
                ["401 invalid_token"; 3],
            ],
        ),
        (
            shared(all((signed("tiles"), role("viewer")))),
            [
                ["401 credential_missing", "403 invalid_signature", "403 signature_required"],
                ["200", "403 invalid_signature", "403 signature_required"],
                ["403 role_required", "403 invalid_signature", "403 signature_required"],
                ["401 invalid_token"; 3],
            ],
        ),
        (shared(hidden(signed("tiles"))), [["200", "404 not_found", "404 not_found"]; 4]),
        (
            shared(all((signed("tiles"), not(role("viewer"))))),
            [
                ["401 credential_missing", "403 invalid_signature", "403 signature_required"],
                ["403 not_allowed", "403 invalid_signature", "403 signature_required"],
                ["200", "403 invalid_signature", "403 signature_required"],
                ["401 invalid_token"; 3],
            ],
        ),
    ] {
        for (requests, expected) in [requests(), by(&viewer), by(&nobody), by("forged")].iter().zip(expected) {
            for (request, expected) in requests.iter().zip(expected) {
                assert_eq!(answer(&gate, policy.clone(), request), expected, "{policy:?}: {request:?}");
            }
        }
    }
}

/// A stale cookie does not spoil an image, and an outer guard that found a caller does not either.
#[test]
fn without_another_part_no_credential_is_read() {
    let gate = builder()
        .scheme(Scheme::named("sync", SharedSecret::new("sync", SYNC).unwrap()).header("x-sync"))
        .signer("tiles", keys())
        .signer("files", keys())
        .build()
        .unwrap();
    let none: [&str; 0] = [];
    for (policy, schemes) in [
        (shared(signed("tiles")), &none[..]),
        (shared(hidden(any((signed("tiles"), signed("files"))))), &none),
        (shared(without_baseline(all((signed("tiles"), signed("files"))))), &none),
        (shared(fresh(LIFE, signed("tiles"))), &none),
        (shared(any((signed("tiles"), via("sync")))), &["sync"]),
        (shared(all((signed("tiles"), via("sync")))), &["sync"]),
        (shared(all((any((signed("tiles"), via("sync"))), via("sync")))), &["sync"]),
        (shared(via("sync").and(signed("tiles"))), &["sync"]),
        (shared(also_via("sync", any((signed("tiles"), staff())))), &["bearer header", "sync"]),
        (shared(any((signed("tiles"), Quiet(shared(staff()))))), &["bearer header"]),
        (shared(any((signed("tiles"), authenticated()))), &["bearer header"]),
    ] {
        let plan = gate.plan(policy).unwrap();
        assert_eq!(plan.schemes(), schemes, "{plan:?}");
        assert!(!plan.is_public());
    }
    let request = get(&url(&gate, "/t")).bearer("forged");
    let (plan, outer) = (gate.plan(signed("tiles")).unwrap(), gate.plan(authenticated()).unwrap());
    for request in [request, get(&url(&gate, "/t")).bearer(&issuer().token("alice").sign())] {
        let who = gate.establish_for(&outer, &request).ready().unwrap();
        assert!(gate.authorize(&who, &plan, &request).ready().unwrap().is_ok());
    }
}

#[test]
fn a_signature_does_not_take_the_place_of_a_scheme() {
    let gate = builder()
        .scheme(Scheme::named("sync", SharedSecret::new("sync", SYNC).unwrap()).bearer())
        .signer("tiles", keys())
        .build()
        .unwrap();
    let (visitor, sync) = (get(&url(&gate, "/t")), get(&url(&gate, "/t")).bearer(SYNC));
    let answers = |policy: std::sync::Arc<dyn Policy>| {
        [&visitor, &sync].map(|request: &Sent| answer(&gate, policy.clone(), request))
    };
    assert_eq!(answers(shared(via("sync").and(signed("tiles")))), ["401 credential_missing", "200"]);
    assert_eq!(answers(shared(visitors(via("sync").and(signed("tiles"))))), ["200", "200"]);
    // A caller of a scheme that is judged elsewhere has the address all the same.
    assert_eq!(answers(shared(any((signed("tiles"), via("sync").and(staff()))))), ["200", "200"]);
    assert_eq!(answers(shared(any((all((signed("tiles"), staff())), via("sync"))))), ["401 credential_missing", "200"]);
}

#[test]
fn the_baseline_is_about_callers() {
    struct User(bool);
    let gate =
        builder().baseline(account("unconfirmed", |user: &User| user.0)).signer("tiles", keys()).build().unwrap();
    let request = get(&url(&gate, "/t"));
    let download = || any((signed("tiles"), role("viewer")));
    let by = |confirmed| gate.acting_as(acting_as("alice").with_account(Account::new(User(confirmed))));
    assert_eq!(answer(&gate, download(), &request), "200");
    assert_eq!(answer(&by(true), download(), &request), "200");
    assert_eq!(answer(&by(false), download(), &request), "403 unconfirmed");
    assert_eq!(answer(&by(false), signed("tiles"), &request), "200", "no caller is looked for");
}

#[test]
fn the_opposite_is_no_policy() {
    let gate = gate(keys());
    for policy in [
        shared(not(signed("tiles"))),
        shared(not(not(signed("tiles")))),
        shared(any((staff(), not(all((authenticated(), signed("tiles"))))))),
    ] {
        let error = gate.plan(policy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("below `not`"), "{error}");
    }
    let error = gate.plan(any((staff(), signed("files")))).unwrap_err().to_string();
    assert!(error.contains("`files`") && error.contains(r#"["tiles"]"#), "{error}");
    // A rule that keeps it to itself finds out at the request.
    let alice = gate.acting_as(acting_as("alice"));
    let request = get(&url(&gate, "/t"));
    assert_eq!(answer(&alice, not(Quiet(shared(signed("tiles")))), &request), "500 misconfigured");
    assert_eq!(answer(&alice, Quiet(shared(signed("files"))), &request), "500 misconfigured");
    assert_eq!(answer(&alice, Quiet(shared(signed("tiles"))), &request), "200");
    let error = gate.plan(signed("tiles")).map(|plan| plan.description().to_string());
    assert_eq!(error.unwrap(), "signed address tiles");
}

/// What is kept of a head after the request is still signed, and no log shows the signature.
#[test]
fn the_signature_is_scrubbed_and_handlers_can_ask() {
    let secure = keys().dangerous_payload("secure", |_| Some("all".to_owned()));
    let gate = builder().signer("tiles", keys()).signer("edge", secure).build().unwrap();
    let request = get(&url(&gate, "/t?a=1"));
    let scrubber = gate.scrubber(&request);
    let scrub = |text: &str| scrubber.address(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
    assert_eq!(
        scrub("/t?a=1&expires=9&key_id=a&signature=swordfish-swordfish&secure=0xff&b").as_deref(),
        Some("/t?a=1&expires=9&key_id=a&signature=redacted&secure=reda&b")
    );
    assert_eq!(scrub("/t?a=1&expires=9&key_id=a"), None);
    let other = builder().build().unwrap();
    assert_eq!(other.scrubber(&request).address(b"/t?signature=s"), None, "a gate without signers");
    let who = gate.acting_as(acting_as("alice"));
    let caller = who.establish(&request).ready().unwrap().caller(&request).unwrap();
    let allowed = caller.allows(signed("tiles")).now_or_never().unwrap();
    assert!(allowed.unwrap());
}

#[test]
fn what_is_answered_is_known_in_advance() {
    let gate = builder()
        .scheme(Scheme::named("sync", SharedSecret::new("sync", SYNC).unwrap()).bearer())
        .signer("tiles", keys())
        .build()
        .unwrap();
    let depends = || Forecast::Depends(vec!["signed address tiles".to_owned()]);
    for (policy, expected) in [
        (shared(signed("tiles")), [depends(), depends(), depends()]),
        (shared(any((signed("tiles"), staff()))), [depends(), depends(), Forecast::Allow]),
        (shared(all((signed("tiles"), staff()))), [Forecast::Deny, Forecast::Deny, depends()]),
        (shared(via("sync").and(signed("tiles"))), [Forecast::Deny, depends(), depends()]),
    ] {
        let plan = gate.plan(policy).unwrap();
        for (holder, expected) in [Holder::Visitor, Holder::Caller, Holder::Staff].iter().zip(expected) {
            assert_eq!(gate.forecast(&plan, holder), expected, "{plan:?}, {holder}");
        }
    }
}
