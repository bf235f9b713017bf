//! The list in memory: what it takes for withdrawn.

use super::{HERE, at, is_revoked, list, of_session, seconds, session, token_id, user};
use crate::tokens::{NOW, issuer, with_claims};
use futures_util::FutureExt;
use portcullis_core::{
    Credential, CredentialSource, Jwt, Principal, PrincipalId, PrincipalKind, RevocationList, SessionId, TokenId,
};
use std::time::{Duration, SystemTime};

/// A principal whose token says this of itself; valid at any time that these tests are at.
fn of(more: &str) -> Principal {
    let claims = format!(r#"{{"iss":"{HERE}","aud":"test","sub":"alice"{more}}}"#);
    let credential = Credential::new(with_claims(&claims), CredentialSource::bearer());
    let issuer = issuer().leeway(Duration::ZERO).unwrap();
    let jwt = Jwt::new(issuer.dangerous_without_expiry()).clock(portcullis_core::testing::FixedClock::at(NOW + 10));
    jwt.authenticate(&credential).now_or_never().unwrap().unwrap()
}

#[test]
fn a_token_a_session_and_nobody_elses() {
    let (list, _) = list();
    let (first, second) = (of(r#","jti":"t1""#), of(r#","jti":"t2","sid":"s1""#));
    assert!(!is_revoked(&list, &first) && !is_revoked(&list, &second));
    list.revoke_token(&token_id("t1"));
    assert!(is_revoked(&list, &first) && !is_revoked(&list, &second));
    list.end_session(&session("s1"));
    assert!(is_revoked(&list, &second));
    // A name is one of what it was revoked as.
    for more in ["", r#","jti":"s1""#, r#","sid":"t1""#, r#","jti":"t11""#, r#","jti":"T1""#, r#","jti":"t1 ""#] {
        assert!(!is_revoked(&list, &of(more)), "{more:?}");
    }
    // One that is revoked is enough.
    assert!(is_revoked(&list, &of(r#","jti":"t1","sid":"good""#)) && is_revoked(&list, &of(r#","sid":"s1""#)));
}

#[test]
fn each_issuer_has_its_own_names() {
    let elsewhere = "https://issuer.test/";
    for revoke in [
        (|list, issuer| list.revoke_token(&TokenId::new("t").with_issuer(issuer))) as fn(&RevocationList, &str),
        |list, issuer| list.end_session(&SessionId::new("s").with_issuer(issuer)),
        |list, issuer| list.sign_out(&PrincipalId::new(PrincipalKind::User, "alice").with_issuer(issuer), at(NOW)),
    ] {
        let (list, _) = list();
        let hers = of(&format!(r#","jti":"t","sid":"s","iat":{}"#, NOW - 1));
        let without =
            Principal::new(PrincipalKind::User, "alice").with_session("s").with_times(Some(at(NOW - 1)), None);
        for issuer in [elsewhere, "", "alice", "HTTPS://ISSUER.TEST"] {
            revoke(&list, issuer);
        }
        assert!(!is_revoked(&list, &hers));
        let other = hers.clone().with_issuer(elsewhere);
        assert!(is_revoked(&list, &other));
        revoke(&list, HERE);
        assert!(is_revoked(&list, &hers));
        // What has no issuer is nobody's of these.
        let (list, _) = super::list();
        revoke(&list, HERE);
        assert!(is_revoked(&list, &hers) && !is_revoked(&list, &without));
    }
}

#[test]
fn a_principal_until_a_time() {
    let (list, _) = list();
    list.sign_out(&user("alice"), at(NOW));
    for (more, revoked) in [
        (format!(r#","iat":{}"#, NOW - 1), true),
        (format!(r#","iat":{NOW}"#), true),
        (format!(r#","iat":{}"#, NOW + 1), false),
        (format!(r#","iat":{}.5"#, NOW - 1), true),
        (format!(r#","iat":{}.999"#, NOW - 1), true),
        (format!(r#","iat":{NOW}.0"#), true),
        (format!(r#","iat":{NOW}.001"#), false),
        (r#","iat":0"#.into(), true),
        (String::new(), true),
        // When somebody signed in counts where nothing says when the token was issued, which was later.
        (format!(r#","iat":{},"auth_time":5"#, NOW + 1), false),
        (format!(r#","iat":{},"auth_time":{}"#, NOW - 1, NOW + 5), true),
        (format!(r#","auth_time":{}"#, NOW + 5), false),
        (format!(r#","auth_time":{NOW}"#), true),
        (r#","auth_time":"now""#.into(), true),
    ] {
        assert_eq!(is_revoked(&list, &of(&more)), revoked, "{more:?}");
    }
    let bob = Principal::new(PrincipalKind::User, "bob").with_issuer(HERE);
    assert!(!is_revoked(&list, &bob), "nobody else");
}

/// A token tells its time in whole seconds, and who signs everybody out is in the midst of one.
#[test]
fn in_the_midst_of_a_second() {
    let (list, _) = list();
    list.sign_out(&user("alice"), at(NOW) + Duration::from_millis(500));
    for (iat, revoked) in
        [("268800", true), ("268800.499", true), ("268800.5", true), ("268800.501", false), ("268801", false)]
    {
        assert_eq!(is_revoked(&list, &of(&format!(r#","iat":1767{iat}"#))), revoked, "{iat}");
    }
}

#[test]
fn without_a_token_it_counts_when_somebody_proved_who_they_are() {
    let (list, _) = list();
    list.sign_out(&user("alice"), at(NOW));
    let alice = Principal::new(PrincipalKind::User, "alice").with_issuer(HERE);
    assert!(is_revoked(&list, &alice), "when is not said");
    assert!(is_revoked(&list, &alice.clone().with_times(Some(at(NOW)), None)));
    assert!(!is_revoked(&list, &alice.with_times(Some(at(NOW + 1)), None)));
}

#[test]
fn of_two_times_the_later_counts() {
    for times in [[10, 20], [20, 10], [20, 20]] {
        let (list, _) = list();
        let _ = times.map(|time| list.sign_out(&user("alice"), at(NOW - 30 + time)));
        assert!(is_revoked(&list, &of(&format!(r#","iat":{}"#, NOW - 10))), "{times:?}");
        assert!(!is_revoked(&list, &of(&format!(r#","iat":{}"#, NOW - 9))), "{times:?}");
    }
    // Of tokens and sessions too: what is revoked again is kept from then on.
    let (list, clock) = list();
    list.end_session(&session("again"));
    clock.advance(seconds(90));
    list.end_session(&session("again"));
    clock.advance(seconds(90));
    list.end_session(&session("another"));
    clock.advance(seconds(10));
    list.end_session(&session("a third"));
    assert!(is_revoked(&list, &of_session("again")));
}

#[test]
fn times_at_the_ends_of_time() {
    let far = SystemTime::UNIX_EPOCH + seconds(400_000_000_000);
    let (list, clock) = list();
    list.sign_out(&user("alice"), far);
    clock.advance(seconds(1_000_000));
    list.sign_out(&user("bob"), SystemTime::UNIX_EPOCH - seconds(5));
    list.revoke_token(&token_id("t"));
    assert!(is_revoked(&list, &of(&format!(r#","iat":{NOW}"#))), "a ban for good");
    let bob = Principal::new(PrincipalKind::User, "bob").with_issuer(HERE);
    assert!(!is_revoked(&list, &bob.with_times(Some(SystemTime::UNIX_EPOCH), None)));
}

#[test]
fn odd_names() {
    let (list, _) = list();
    let odd = ["", " ", "\0", "a\nb", "é", "e\u{301}", "𝄞", "\"", "\\", "null", "https://issuer.test", "%00", "*"];
    for name in odd {
        assert!(!is_revoked(&list, &of_session(name)), "{name:?}");
        list.end_session(&session(name));
        list.revoke_token(&TokenId::new("").with_issuer(name));
        assert!(is_revoked(&list, &of_session(name)), "{name:?}");
    }
    let long = "x".repeat(100_000);
    list.end_session(&session(&long));
    assert!(is_revoked(&list, &of_session(&long)) && !is_revoked(&list, &of_session(&long[1..])));
    // An empty name is not that of who has none.
    list.revoke_token(&token_id(""));
    assert!(!is_revoked(&list, &of("")) && is_revoked(&list, &of(r#","jti":"""#)));
    // Escapes are what they stand for.
    list.revoke_token(&token_id("a/b"));
    assert!(is_revoked(&list, &of(r#","jti":"a\/\u0062""#)));
}
