//! Boundaries in time, to the millisecond (RFC 7519, sections 4.1.4 to 4.1.6).

use super::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock of any time at all.
#[derive(Debug, Clone, Copy)]
struct At(SystemTime);

impl portcullis_core::Clock for At {
    fn now(&self) -> SystemTime {
        self.0
    }
}

fn at(issuer: Issuer, milliseconds: i64) -> Jwt {
    let step = Duration::from_millis(milliseconds.unsigned_abs());
    let noon = UNIX_EPOCH + Duration::from_secs(NOW);
    Jwt::new(issuer).clock(At(if milliseconds < 0 { noon - step } else { noon + step }))
}

fn token(times: &str) -> String {
    with_claims(&format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice",{times}}}"#))
}

/// Verifies one token at several times around noon, in milliseconds.
fn over_time(issuer: &Issuer, token: &str, table: &[(i64, Want)]) {
    assert!(table.iter().any(|(_, want)| want.is_ok()), "some time is good");
    for (milliseconds, want) in table {
        let found = at(issuer.clone(), *milliseconds).verify(token).map(drop);
        match (found, want) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err((kind, why))) if error.kind() == *kind && error.to_string().contains(why) => {}
            (found, want) => panic!("{milliseconds} ms from noon: {found:?}, not {want:?}"),
        }
    }
}

#[test]
fn expired_from_the_very_moment() {
    let old = |why| expired(why);
    let at_noon = token(&format!(r#""exp":{NOW}"#));
    over_time(
        &issuer(),
        &at_noon,
        &[
            (-1000, PASSES),
            (-1, PASSES),
            (0, old("expired 0 s ago")),
            (1, old("expired")),
            (61_000, old("expired 61 s ago")),
        ],
    );
    // Fractions are kept, not rounded up.
    let half = token(&format!(r#""exp":{NOW}.5"#));
    over_time(&issuer(), &half, &[(0, PASSES), (499, PASSES), (500, old("expired")), (501, old("expired"))]);
    let leeway = issuer().leeway(Duration::from_secs(2)).unwrap();
    over_time(
        &leeway,
        &at_noon,
        &[(0, PASSES), (1999, PASSES), (2000, old("expired 2 s ago")), (2001, old("expired"))],
    );
    let fraction = issuer().leeway(Duration::from_millis(250)).unwrap();
    over_time(&fraction, &half, &[(749, PASSES), (750, old("expired")), (751, old("expired"))]);
}

#[test]
fn good_from_the_very_moment() {
    let early = || invalid("`nbf` is");
    let from_noon = token(&format!(r#""exp":{},"nbf":{NOW}"#, NOW + 300));
    let exact = issuer().leeway(Duration::ZERO).unwrap();
    over_time(&exact, &from_noon, &[(-1000, early()), (-1, early()), (0, PASSES), (1, PASSES)]);
    over_time(&issuer(), &from_noon, &[(-60_001, early()), (-60_000, PASSES), (0, PASSES)]);
    let fraction = token(&format!(r#""exp":{},"nbf":{NOW}.4"#, NOW + 300));
    over_time(&exact, &fraction, &[(0, invalid("0.4 s ahead of this clock")), (399, early()), (400, PASSES)]);
    let leeway = issuer().leeway(Duration::from_secs(2)).unwrap();
    over_time(&leeway, &from_noon, &[(-2001, early()), (-2000, PASSES), (0, PASSES)]);
}

#[test]
fn not_issued_in_the_future() {
    let early = || invalid("`iat` is");
    let noon = token(&format!(r#""exp":{},"iat":{NOW}"#, NOW + 300));
    over_time(
        &issuer().leeway(Duration::ZERO).unwrap(),
        &noon,
        &[(-60_000, invalid("60.0 s ahead of this clock")), (-1, early()), (0, PASSES), (1, PASSES)],
    );
    // A fresh login at an issuer whose clock is ahead.
    over_time(&issuer(), &noon, &[(-60_001, invalid("60.0 s ahead")), (-60_000, PASSES), (-1000, PASSES)]);
    let leeway = issuer().leeway(Duration::from_secs(2)).unwrap();
    over_time(&leeway, &noon, &[(-2001, early()), (-2000, PASSES), (0, PASSES)]);
}

#[test]
fn not_issued_too_long_ago() {
    let old = || expired("issued too long ago");
    let noon = token(&format!(r#""exp":{},"iat":{NOW}"#, NOW + 3600));
    let hour = |leeway| issuer().max_token_age(Duration::from_secs(60)).leeway(Duration::from_secs(leeway)).unwrap();
    over_time(&hour(0), &noon, &[(0, PASSES), (59_999, PASSES), (60_000, old()), (60_001, old())]);
    over_time(&hour(5), &noon, &[(-5000, PASSES), (64_999, PASSES), (65_000, old())]);
    over_time(&issuer(), &noon, &[(60_001, PASSES), (3_599_999, PASSES), (3_600_000, expired("expired 0 s ago"))]);
    let silent = token(&format!(r#""exp":{}"#, NOW + 3600));
    let error = at(hour(0), 0).verify(&silent).unwrap_err();
    assert_eq!(
        (error.kind(), &*error.to_string()),
        (ErrorKind::Invalid, "the token does not say when it was issued (`iat`)")
    );
    over_time(&issuer().max_token_age(Duration::MAX), &noon, &[(0, PASSES)]);
}

#[test]
fn an_expired_token_is_told_apart() {
    let error = at(issuer(), 0).verify(&token(&format!(r#""exp":{NOW}"#))).unwrap_err();
    assert_eq!((error.code(), error.status(), error.issuer()), ("token_expired", 401, Some(ISSUER)));
    // Only if it was good once: a forged or foreign token is invalid, however old.
    let theirs = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let forged = theirs.sign(HEADER, &format!(r#"{{"iss":"{ISSUER}","aud":"test","exp":1}}"#));
    assert_eq!(verifier().verify(&forged).unwrap_err().kind(), ErrorKind::Invalid);
    let foreign = with_claims(&format!(r#"{{"iss":"{ISSUER}","aud":"other","exp":1}}"#));
    assert_eq!(verifier().verify(&foreign).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn leeway_is_capped() {
    assert!(issuer().leeway(Duration::from_secs(300)).is_ok());
    for leeway in [Duration::from_millis(300_001), Duration::from_secs(NOW + 1), Duration::MAX] {
        let error = issuer().leeway(leeway).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().ends_with("at most 300s"), "{error}");
    }
}

#[test]
fn no_time_of_the_clock_is_too_strange() {
    let long = token(r#""exp":253402300799,"iat":0,"nbf":0"#);
    let leeway = || issuer().leeway(Duration::from_secs(300)).unwrap();
    let on = |time: SystemTime| Jwt::new(leeway()).clock(At(time)).verify(&long).map(drop);
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    assert!(on(UNIX_EPOCH).is_ok());
    assert!(on(UNIX_EPOCH - Duration::from_secs(300)).is_ok());
    assert!(on(last).is_ok(), "leeway");
    assert_eq!(on(UNIX_EPOCH - Duration::from_secs(301)).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(on(last + Duration::from_secs(300)).unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(on(UNIX_EPOCH + Duration::from_secs(1 << 62)).unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(on(UNIX_EPOCH - Duration::from_secs(1 << 62)).unwrap_err().kind(), ErrorKind::Invalid);
}
