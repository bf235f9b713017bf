//! Withdrawing the credential that somebody came with.

use super::{HERE, at, is_revoked, list, of, seconds, session, user};
use crate::tokens::NOW;
use portcullis_core::{Principal, PrincipalKind};

#[test]
fn by_the_narrowest_name_that_it_has() {
    let hers = of(user("alice")).with_times(Some(at(NOW - 5)), Some(at(NOW + 50)));
    let (token, other) = (hers.clone().with_session("s").with_token_id("t"), hers.clone().with_session("s"));
    let (list, _) = list();
    list.revoke(&token);
    assert!(is_revoked(&list, &token));
    assert!(!is_revoked(&list, &other.clone().with_token_id("u")) && !is_revoked(&list, &hers), "other tokens go on");
    let (list, _) = super::list();
    list.revoke(&other);
    assert!(is_revoked(&list, &other) && is_revoked(&list, &token), "the session");
    assert!(!is_revoked(&list, &hers.clone().with_session("another")) && !is_revoked(&list, &hers));
    let (list, _) = super::list();
    list.revoke(&hers);
    assert!(is_revoked(&list, &hers) && is_revoked(&list, &token), "what was issued until then");
    assert!(!is_revoked(&list, &hers.clone().with_times(Some(at(NOW - 4)), Some(at(NOW + 51)))), "and nothing later");
    assert!(!is_revoked(&list, &of(user("bob"))));
    // One that says no time.
    let (list, _) = super::list();
    list.revoke(&of(user("alice")));
    assert!(is_revoked(&list, &of(user("alice"))) && !is_revoked(&list, &of(user("bob"))));
}

#[test]
fn names_are_those_of_its_issuer() {
    let (list, _) = list();
    let hers = of(user("alice")).with_token_id("t");
    list.revoke(&hers.clone().with_issuer("https://other.test"));
    list.revoke(&Principal::new(PrincipalKind::User, "alice").with_token_id("t"));
    assert!(!is_revoked(&list, &hers));
    list.revoke(&hers);
    assert!(is_revoked(&list, &hers));
}

/// Kept for longer than the list keeps, and for no less: the clock may be ahead when it is revoked.
#[test]
fn for_as_long_as_the_credential_lives() {
    for (expires, kept) in [(NOW + 5000, 5000), (NOW + 101, 101), (NOW + 5, 100), (NOW - 5, 100)] {
        let (list, clock) = list();
        let hers = of(user("alice")).with_token_id("t").with_times(None, Some(at(expires)));
        list.revoke(&hers);
        for _ in 0..kept {
            clock.advance(seconds(1));
            list.end_session(&session("another"));
            assert!(is_revoked(&list, &hers), "until {expires}");
        }
        clock.advance(seconds(1));
        assert!(!is_revoked(&list, &hers), "until {expires}");
    }
    let (list, clock) = list();
    let leeway = of(user("alice")).with_token_id("t").with_times(None, Some(at(NOW + 200))).with_leeway(seconds(60));
    list.revoke(&leeway);
    clock.advance(seconds(260));
    assert!(is_revoked(&list, &leeway), "its issuer accepts it for longer");
    let endless = Principal::new(PrincipalKind::Key, "ci").with_issuer(HERE).with_token_id("key-7");
    list.revoke(&endless);
    clock.advance(seconds(100_000_000));
    list.end_session(&session("yet another"));
    assert!(is_revoked(&list, &endless));
}
