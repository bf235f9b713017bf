//! A client hangs up, and the future of its request is dropped, wherever it is.

use crate::Anyhow;
use portcullis_accounts::{
    Client, NewUser, OneTime, Purpose, Secret, Session, SessionId, SessionRules, Token, UserChange, UserId,
    store::{AddOutcome, Ending, RotateOutcome, Rotation, SessionStore, UserKey, UserStore},
};
use serde_json::Map;
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::{Duration, SystemTime},
};
use tokio::time::timeout;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn later(seconds: u64) -> SystemTime {
    NOW + Duration::from_secs(seconds)
}

fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Polls a future so often, and drops it. Returns whether it was ready.
async fn dropped_after(polls: usize, command: impl Future) -> bool {
    let mut command = pin!(command);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        command.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Drops a command after each number of polls. How many it needs differs from time to time.
async fn each_time(mut round: impl AsyncFnMut(usize) -> Anyhow<bool>) -> Anyhow {
    let mut ready = 0;
    for polls in 0..60 {
        // A connection that was lost for good shows as a pool that does not answer.
        ready += usize::from(timeout(Duration::from_secs(20), round(polls)).await??);
    }
    assert!((1..59).contains(&ready), "some are dropped, and some are not: {ready} of 60 were ready");
    Ok(())
}

fn session() -> Session {
    Session {
        id: SessionId::new(unique("session")),
        user: UserId::new(unique("user")),
        stamp: 0,
        methods: vec!["pwd".into()],
        organization: None,
        client: Client::unknown(),
        created_at: NOW,
        used_at: NOW,
        not_after: later(3600),
        ended_at: None,
    }
}

pub async fn everywhere<S: UserStore + SessionStore>(
    store: &S,
    number: impl AsyncFn(&'static str) -> sqlx::Result<i64>,
) -> Anyhow {
    let secret = Secret::new([7; 32])?;
    let opened = async || {
        let (session, token) = (session(), Token::new(unique("token")));
        store.open(session.clone(), token.digest("refresh"), later(3600)).await?;
        Anyhow::Ok((session, token))
    };
    const ORPHANS: &str = "SELECT (SELECT COUNT(*) FROM portcullis_sessions s \
        WHERE NOT EXISTS (SELECT 1 FROM portcullis_refresh r WHERE r.session_id = s.id))";
    // Of the tokens of a session that was never refreshed by anybody else, one is live.
    const FORKED: &str = "SELECT COUNT(*) FROM portcullis_sessions s WHERE (SELECT COUNT(*) FROM portcullis_refresh r \
        WHERE r.session_id = s.id AND r.rotated_at IS NULL AND NOT r.is_superseded) <> 1";

    each_time(async |polls| {
        let (session, token) = (session(), Token::new(unique("token")));
        let is_ready = dropped_after(polls, store.open(session.clone(), token.digest("refresh"), later(9))).await;
        let is_there = store.session(&session.id).await?.is_some();
        assert!(is_there || !is_ready, "what was answered is there");
        assert_eq!(store.session_of(&token.digest("refresh")).await?.is_some(), is_there, "no half session");
        assert_eq!(number(ORPHANS).await?, 0, "no session without a token");
        Ok(is_ready)
    })
    .await?;

    each_time(async |polls| {
        let (session, token) = opened().await?;
        let rotation = || Rotation::new(token.clone(), secret.clone(), later(1), SessionRules::new());
        let is_ready = dropped_after(polls, store.rotate(rotation())).await;
        let was_live = store.session_of(&token.digest("refresh")).await?.is_some_and(|(_, row)| row.is_live());
        assert!(!is_ready || !was_live, "what was answered is done");
        assert_eq!(number(FORKED).await?, 0, "one token of each session is live");
        let used_at = if was_live { NOW } else { later(1) };
        assert_eq!(store.session(&session.id).await?.map(|session| session.used_at), Some(used_at), "all or nothing");
        match store.rotate(rotation()).await? {
            RotateOutcome::Next { .. } => assert!(was_live, "it was undone"),
            RotateOutcome::Replay { hops, .. } => assert!(!was_live && hops == 1, "it was done"),
            other => panic!("the client asks again: {other:?}"),
        }
        Ok(is_ready)
    })
    .await?;

    each_time(async |polls| {
        let (session, _) = opened().await?;
        let is_ready = dropped_after(polls, store.end(Ending::One(&session.id), later(2))).await;
        let ended_at = store.session(&session.id).await?.and_then(|session| session.ended_at);
        assert!(!is_ready || ended_at.is_some(), "what was answered is done");
        let again = store.end(Ending::One(&session.id), later(3)).await?.len();
        assert_eq!(again, usize::from(ended_at.is_none()), "a session ends once");
        Ok(is_ready)
    })
    .await?;

    each_time(async |polls| {
        let token = |text: String| OneTime {
            purpose: Purpose::Reset,
            digest: Token::new(text).digest("reset"),
            user: Some(UserId::new("one-time")),
            stamp: 0,
            payload: Map::new(),
            expires_at: later(3600),
        };
        let (old, new) = (token(unique("old")), token(unique("new")));
        store.keep(old.clone(), true).await?;
        let is_ready = dropped_after(polls, store.keep(new.clone(), true)).await;
        const KEPT: &str = "SELECT COUNT(*) FROM portcullis_one_time";
        assert_eq!(number(KEPT).await?, 1, "the old one or the new one");
        let (old, new) = (
            store.take(Purpose::Reset, &old.digest, NOW).await?.is_some(),
            store.take(Purpose::Reset, &new.digest, NOW).await?.is_some(),
        );
        assert!(old != new && (new || !is_ready), "what was answered is done");
        Ok(is_ready)
    })
    .await?;

    each_time(async |polls| {
        let id = UserId::new(unique("user"));
        let user = || NewUser {
            id: id.clone(),
            email: format!("{id}@example.com").parse().expect("an address"),
            email_confirmed_at: None,
            password_hash: None,
            role: "user".into(),
            approved_at: None,
            extra: Map::new(),
            created_at: NOW,
        };
        let is_ready = dropped_after(polls, store.add(user())).await;
        let is_there = store.find(UserKey::Id(&id)).await?.is_some();
        assert!(is_there || !is_ready, "what was answered is there");
        let again = store.add(user()).await;
        assert_eq!(again.ok() == Some(AddOutcome::Taken), is_there, "the address is taken, or free");
        let change = UserChange { new_stamp: true, if_stamp: Some(0), ..UserChange::default() };
        let is_changed = dropped_after(polls, store.change(&id, change)).await;
        let stamp = store.find(UserKey::Id(&id)).await?.map(|user| user.stamp);
        assert!(stamp == Some(1) || (stamp == Some(0) && !is_changed), "what was answered is done: {stamp:?}");
        Ok(is_ready && is_changed)
    })
    .await
}
