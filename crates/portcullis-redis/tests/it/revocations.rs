use crate::{Anyhow, command, prefix, redis, until};
use portcullis_core::{ErrorKind, Principal, PrincipalKind, Revocations, SessionId, TokenId};
use portcullis_redis::RedisRevocations;
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;

const KEEP: Duration = Duration::from_secs(900);

/// Ends with the test.
struct Follow(JoinHandle<()>);

impl Drop for Follow {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A process that has read the stream.
async fn process(prefix: &str) -> Anyhow<(RedisRevocations, Follow)> {
    let revocations = redis(prefix)?.revocations(KEEP);
    let error = revocations.is_revoked(&alice()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing was read yet");
    let follow = Follow(tokio::spawn(revocations.clone().follow()));
    until("the stream is read", async || revocations.behind().is_some()).await;
    Ok((revocations, follow))
}

fn alice() -> Principal {
    Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com")
}

async fn is_revoked(revocations: &RedisRevocations, who: &Principal) -> bool {
    revocations.is_revoked(who).await.unwrap()
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn what_is_revoked_in_one_process_is_refused_in_all() -> Anyhow {
    let (prefix, now) = (prefix(), SystemTime::now());
    let ((here, _follows), (there, _follow)) = (process(&prefix).await?, process(&prefix).await?);
    let (hour, second) = (Duration::from_secs(3600), Duration::from_secs(1));
    let session = |id: &str| alice().with_session(id);
    let token = |id: &str| alice().with_token_id(id).with_times(Some(now), Some(now + KEEP));
    let bob = |at| {
        Principal::new(PrincipalKind::User, "bob").with_issuer("https://id.example.com").with_times(Some(at), None)
    };
    here.end_session(&SessionId::new("s1").with_issuer("https://id.example.com")).await?;
    here.revoke_token(&TokenId::new("t1").with_issuer("https://id.example.com")).await?;
    here.revoke(&token("t2")).await?;
    here.sign_out(bob(now).id(), now).await?;
    let (later, _reads) = process(&prefix).await?;
    let (other, _reads_other) = process(&crate::prefix()).await?;
    for process in [&here, &there, &later] {
        for ended in [session("s1"), token("t1"), token("t2"), bob(now - hour), bob(now)] {
            until(format!("{ended:?}"), || is_revoked(process, &ended)).await;
            assert!(!is_revoked(&other, &ended).await, "another service");
        }
        for open in [session("s2"), token("t3"), bob(now + second), session("s1").with_issuer("https://id.example.org")]
        {
            assert!(!is_revoked(process, &open).await, "{open:?}");
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn open_connections_are_woken() -> Anyhow {
    let prefix = prefix();
    let ((here, _follows), (there, _follow)) = (process(&prefix).await?, process(&prefix).await?);
    let changed = there.changed();
    here.end_session(&SessionId::new("s1")).await?;
    tokio::time::timeout(Duration::from_secs(20), changed).await?;
    let who = Principal::new(PrincipalKind::User, "alice").with_session("s1");
    assert!(is_revoked(&there, &who).await);
    Ok(())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn what_others_wrote_is_skipped() -> Anyhow {
    let prefix = prefix();
    let key = format!("{prefix}:revoked");
    for fields in
        [&["other", "field"][..], &["token", "no id"], &["sign_out", "user||alice", "at", "never"], &["session", ""]]
    {
        command(&[&["XADD", &*key, "*"], fields].concat()).await?;
    }
    let (revocations, _follow) = process(&prefix).await?;
    assert!(!is_revoked(&revocations, &alice().with_session("s1").with_token_id("t1")).await);
    let id = SessionId::new("s1").with_issuer("https://id.example.com");
    revocations.end_session(&id).await?;
    let (later, _follows) = process(&prefix).await?;
    assert!(is_revoked(&later, &alice().with_session("s1")).await);
    Ok(())
}

/// The stream ends with its last entry, and does not grow for ever.
#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn entries_are_kept_as_long_as_tokens_live() -> Anyhow {
    let prefix = prefix();
    let (key, revocations) = (format!("{prefix}:revoked"), redis(&prefix)?.revocations(KEEP));
    let old = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() - 2 * KEEP.as_millis();
    for number in 0..250 {
        command(&["XADD", &key, &format!("{old}-{number}"), "session", "|old"]).await?;
    }
    revocations.end_session(&SessionId::new("s1")).await?;
    let number = async |parts: &[&str]| -> Anyhow<i64> { Ok(redis::from_redis_value(command(parts).await?)?) };
    let length = number(&["XLEN", &key]).await?;
    assert!((1..=101).contains(&length), "{length}");
    let left = Duration::from_millis(u64::try_from(number(&["PTTL", &key]).await?)?);
    assert!(left > KEEP && left <= KEEP + Duration::from_secs(120), "{left:?}");
    Ok(())
}
