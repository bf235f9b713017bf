use crate::{Anyhow, command, prefix, redis};
use portcullis_accounts::{EndedSessions, SessionId};

fn ids(range: std::ops::Range<usize>) -> Vec<SessionId> {
    range.map(|number| SessionId::new(format!("s{number}"))).collect()
}

/// The next that are some.
async fn next(ended: &impl EndedSessions) -> Anyhow<Vec<SessionId>> {
    for _ in 0..20 {
        let next = ended.next().await?;
        if !next.is_empty() {
            return Ok(next);
        }
    }
    Err("nothing was heard of".into())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn ended_sessions_are_heard_of() -> Anyhow {
    let prefix = prefix();
    let (here, there) = (redis(&prefix)?.ended_sessions(), redis(&prefix)?.ended_sessions());
    assert_eq!(there.next().await?, [], "there is nothing yet");
    let two = ids(0..2);
    let (published, heard) = tokio::join!(here.publish(&two), next(&there));
    published?;
    assert_eq!(heard?, two);
    // More than fit into an entry.
    here.publish(&ids(2..1202)).await?;
    let mut all = Vec::new();
    while all.len() < 1200 {
        all.extend(next(&there).await?);
    }
    assert_eq!(all, ids(2..1202));
    // Who starts later hears of all, and another service of nothing.
    assert_eq!(next(&redis(&prefix)?.ended_sessions()).await?, ids(0..1202));
    assert_eq!(redis(&crate::prefix())?.ended_sessions().next().await?, []);
    Ok(())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn what_others_wrote_is_skipped() -> Anyhow {
    let prefix = prefix();
    let (ended, key) = (redis(&prefix)?.ended_sessions(), format!("{prefix}:ended"));
    command(&["XADD", &key, "*", "other", "field"]).await?;
    command(&["XADD", &key, "*", "sessions", ""]).await?;
    ended.publish(&ids(0..1)).await?;
    assert_eq!(next(&ended).await?, ids(0..1));
    // Something that is no stream is an error until it has gone.
    command(&["SET", &key, "text"]).await?;
    assert!(ended.publish(&ids(1..2)).await.is_err());
    assert!(ended.next().await.is_err());
    command(&["DEL", &key]).await?;
    ended.publish(&ids(1..2)).await?;
    assert_eq!(next(&ended).await?, ids(1..2));
    Ok(())
}
