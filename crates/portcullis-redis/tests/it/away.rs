//! Where no Redis is.

use portcullis_core::{ErrorKind, Principal, PrincipalId, PrincipalKind, ProofMemory, Revocations, SessionId};
use portcullis_redis::Redis;
use std::time::{Duration, SystemTime};

const KEEP: Duration = Duration::from_secs(900);

/// An address at which nothing listens.
fn nobody() -> Redis {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    Redis::open(&format!("redis://:a-password@{address}")).unwrap()
}

#[test]
fn passwords_are_not_shown() {
    for url in ["redis://:a-password@127.0.0.1", "redis://somebody:a-password@127.0.0.1/4"] {
        let redis = Redis::open(url).unwrap();
        let shown = format!("{redis:?} {:?} {:?}", redis.proofs(), redis.revocations(KEEP));
        assert!(shown.contains("portcullis") && !shown.contains("a-password"), "{shown}");
    }
    for url in
        ["http://:a-password@127.0.0.1", "redis://:a-password@127.0.0.1:port", "redis://:a-password@[", "a-password"]
    {
        let error = Redis::open(url).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let shown = format!("{error:?} {error} {cause:?}");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(!shown.contains("a-password"), "{shown}");
    }
}

#[tokio::test]
async fn a_proof_is_refused() {
    let now = SystemTime::now();
    let error = nobody().proofs().remember([1; 32], now + KEEP, now).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// What is revoked here is told to nobody, which the caller learns; and nothing is decided before the stream was read.
#[tokio::test]
async fn revocations_are_unknown() {
    let revocations = nobody().revocations(KEEP);
    let error = revocations.end_session(&SessionId::new("s1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let other = Principal::new(PrincipalKind::User, "alice").with_session("s2");
    assert_eq!(revocations.is_revoked(&other).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(revocations.behind(), None);
}

/// Refused before Redis is asked.
#[tokio::test]
async fn what_is_not_kept_long_enough_is_not_revoked() {
    let (revocations, now) = (nobody().revocations(KEEP), SystemTime::now());
    let kind = |result: Result<(), portcullis_core::Error>| result.unwrap_err().kind();
    let alice = Principal::new(PrincipalKind::User, "alice").with_token_id("t1");
    assert_eq!(kind(revocations.revoke(&alice).await), ErrorKind::Misconfigured);
    let until = |expiry| alice.clone().with_times(Some(now), Some(expiry));
    assert_eq!(kind(revocations.revoke(&until(now + 2 * KEEP)).await), ErrorKind::Misconfigured);
    assert_eq!(kind(revocations.revoke(&until(now + KEEP)).await), ErrorKind::Unavailable);
    let id = PrincipalId::new(PrincipalKind::User, "alice");
    assert_eq!(kind(revocations.sign_out(&id, now + KEEP).await), ErrorKind::Misconfigured);
    assert_eq!(kind(revocations.sign_out(&id, now).await), ErrorKind::Unavailable);
}

#[cfg(feature = "accounts")]
#[tokio::test]
async fn attempts_are_counted_by_nobody() {
    use portcullis_accounts::{EndedSessions, Limit, RateLimits};
    let (redis, limit) = (nobody(), Limit::new(1, KEEP));
    assert!(redis.limits().spend("a", limit, SystemTime::now()).await.is_err());
    assert!(redis.limits().refund("a", limit, SystemTime::now()).await.is_err());
    assert!(redis.ended_sessions().next().await.is_err());
}
