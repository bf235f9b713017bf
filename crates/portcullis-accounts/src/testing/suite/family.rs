use super::{Opened, Passed, at, digest, fresh, same, second, secret, session};
use crate::{
    secret::Token,
    session::{Session, SessionRules},
    store::{Ending, RefusedRefresh, RotateOutcome, SessionStore},
};
use std::time::{Duration, SystemTime};

pub(super) async fn exchange(store: &dyn SessionStore) {
    let rules = SessionRules::new().idle(Duration::from_millis(1_800_001));
    let opened = Opened::new(store, rules).await;
    let RotateOutcome::Next { session, token, expires_at, was_lost } = opened.refresh(&opened.first, at(7)).await
    else {
        panic!("a live token is exchanged");
    };
    assert_eq!(session, opened.session, "the session is that before");
    assert!(!same(&token, &opened.first), "the successor is another token");
    assert_eq!((expires_at, was_lost), (at(1_800_008), false), "it expires after the idle time");
    assert_eq!(opened.now().await, Session { used_at: at(7), ..opened.session.clone() }, "only `used_at` changes");
    assert!(opened.is_live(&token, at(1_800_007)).await && !opened.is_live(&token, at(1_800_008)).await);
    // The session's end is nearer than the idle time.
    let RotateOutcome::Next { session, expires_at, .. } = opened.refresh(&token, second(1800)).await else {
        panic!("a live token is exchanged");
    };
    assert_eq!((session.used_at, expires_at), (at(7), second(3600)), "it expires with its session");
    let unknown = opened.refresh(&fresh(Token::fresh()), at(8)).await;
    assert!(matches!(unknown, RotateOutcome::Unknown), "an unknown token");
}

pub(super) async fn replay(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let replayed = async |token, live: &Token, now, expected_hops, why| {
        let outcome = opened.refresh(token, now).await;
        let RotateOutcome::Replay { session, token, expires_at, hops, .. } = outcome else {
            panic!("{why}: not {outcome:?}");
        };
        assert!(same(&token, live), "{why}: the live token");
        assert_eq!((session, expires_at, hops), (opened.now().await, second(3600), expected_hops), "{why}");
    };
    let next = opened.next(&opened.first, second(100)).await;
    replayed(&opened.first, &next, second(100), 1, "at once").await;
    replayed(&opened.first, &next, second(99), 1, "by a clock that is behind").await;
    replayed(&opened.first, &next, second(130), 1, "at the end of the grace period").await;
    assert_eq!(opened.now().await.used_at, second(100), "a replay changes nothing");
    let third = opened.next(&next, second(110)).await;
    let fourth = opened.next(&third, second(125)).await;
    replayed(&opened.first, &fourth, second(126), 3, "the live token is behind other exchanges").await;
    replayed(&next, &fourth, second(126), 2, "from the middle").await;
    replayed(&opened.first, &fourth, second(130), 3, "however long ago the others were").await;
    replayed(&next, &fourth, second(131), 2, "the grace period is each token's own").await;
    assert!(opened.is_live(&fourth, second(131)).await, "the live token is the last one");
}

pub(super) async fn reuse(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let next = opened.next(&opened.first, second(100)).await;
    let outcome = opened.refresh(&opened.first, at(130_001)).await;
    let RotateOutcome::Reused(session) = outcome else { panic!("a token after its grace period: not {outcome:?}") };
    assert_eq!(session.id, opened.session.id);
    let ended = Session { used_at: second(100), ended_at: Some(at(130_001)), ..opened.session.clone() };
    assert_eq!(opened.now().await, ended, "the session was ended");
    for token in [&opened.first, &next] {
        let outcome = opened.refresh(token, at(130_002)).await;
        assert!(
            matches!(&outcome, RotateOutcome::Refused(session, RefusedRefresh::Ended) if *session == ended),
            "{outcome:?}"
        );
    }
    assert_eq!(opened.now().await, ended, "the first time stays");

    let strict = Opened::new(store, SessionRules::new().grace(Duration::ZERO)).await;
    strict.next(&strict.first, at(1)).await;
    let outcome = strict.refresh(&strict.first, at(1)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "without a grace period: not {outcome:?}");
    assert_eq!(strict.now().await.ended_at, Some(at(1)), "without a grace period");

    let kept = Opened::new(store, SessionRules::new().dangerous_keep_family()).await;
    let next = kept.next(&kept.first, at(0)).await;
    let outcome = kept.refresh(&kept.first, second(31)).await;
    assert!(matches!(outcome, RotateOutcome::Refused(_, RefusedRefresh::Again)), "it is only refused: not {outcome:?}");
    assert_eq!(kept.now().await.ended_at, None, "the session goes on");
    kept.next(&next, second(32)).await;
}

pub(super) async fn refusals(store: &dyn SessionStore) {
    let expired = |outcome: RotateOutcome| matches!(outcome, RotateOutcome::Refused(_, RefusedRefresh::Expired));
    let opened = Opened::new(store, SessionRules::new()).await;
    assert!(expired(opened.refresh(&opened.first, second(3600)).await), "a session that has expired");
    assert_eq!(opened.now().await, opened.session, "a refusal changes nothing");
    opened.next(&opened.first, at(3_599_999)).await;

    let token = fresh(Token::fresh());
    store.open(opened_like(&opened), digest(&token), second(60)).await.passed();
    assert!(expired(opened.refresh(&token, second(60)).await), "an expired token");
    opened.next(&token, at(59_999)).await;

    let ended = Opened::new(store, SessionRules::new()).await;
    store.end(Ending::One(&ended.session.id), at(5)).await.passed();
    let outcome = ended.refresh(&ended.first, at(6)).await;
    assert!(
        matches!(outcome, RotateOutcome::Refused(_, RefusedRefresh::Ended)),
        "a session that was ended: {outcome:?}"
    );
}

fn opened_like(opened: &Opened<'_>) -> Session {
    Session { id: session().id, ..opened.session.clone() }
}

pub(super) async fn lost_answers(store: &dyn SessionStore) {
    let rules = SessionRules::new().answers_may_be_lost();
    let lost_again = async |opened: &Opened<'_>, now: SystemTime| match opened.refresh(&opened.first, now).await {
        RotateOutcome::Next { token, was_lost: true, .. } => token,
        other => panic!("the answer was lost: not {other:?}"),
    };
    let opened = Opened::new(store, rules.clone()).await;
    let mut successors = vec![opened.next(&opened.first, second(100)).await];
    let within = opened.refresh(&opened.first, second(130)).await;
    assert!(matches!(within, RotateOutcome::Replay { .. }), "within the grace period: not {within:?}");
    for attempt in 1..=3 {
        successors.push(lost_again(&opened, second(100 + attempt * 31)).await);
    }
    let mut texts: Vec<&str> = successors.iter().map(Token::expose).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 4, "each time another successor");
    let again = opened.refresh(&opened.first, second(200)).await;
    assert!(
        matches!(&again, RotateOutcome::Replay { token, .. } if successors.last().is_some_and(|last| same(token, last))),
        "{again:?}"
    );
    let outcome = opened.refresh(&opened.first, second(300)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "no answer is lost four times: not {outcome:?}");

    // Whoever has a lost successor is found out.
    let opened = Opened::new(store, rules.clone()).await;
    let lost = opened.next(&opened.first, second(100)).await;
    let next = lost_again(&opened, second(131)).await;
    let outcome = opened.refresh(&lost, second(131)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "a superseded token: not {outcome:?}");
    assert!(!opened.is_live(&next, second(131)).await, "the session was ended");

    // The answer arrived, for the successor was used.
    let opened = Opened::new(store, rules).await;
    let next = opened.next(&opened.first, second(100)).await;
    opened.next(&next, second(110)).await;
    let outcome = opened.refresh(&opened.first, second(131)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "the successor was used: not {outcome:?}");
}

pub(super) async fn secrets(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let (before, between, after) = (secret(&["old"]), secret(&["old", "new"]), secret(&["new", "old"]));
    let RotateOutcome::Next { token: next, .. } = opened.refresh_by(&between, &opened.first, at(0)).await else {
        panic!("a live token is exchanged");
    };
    for secret in [&before, &after] {
        let outcome = opened.refresh_by(secret, &opened.first, at(1)).await;
        assert!(
            matches!(&outcome, RotateOutcome::Replay { token, .. } if same(token, &next)),
            "another order: {outcome:?}"
        );
    }
    // A successor by the other secret, and the chain goes over both.
    let RotateOutcome::Next { token: last, .. } = opened.refresh_by(&after, &next, at(2)).await else {
        panic!("a live token is exchanged");
    };
    let outcome = opened.refresh_by(&between, &opened.first, at(3)).await;
    assert!(matches!(&outcome, RotateOutcome::Replay { token, hops: 2, .. } if same(token, &last)), "{outcome:?}");
    // One that does not know the secret refuses, and does no harm.
    let outcome = opened.refresh_by(&secret(&["new"]), &opened.first, at(4)).await;
    assert!(matches!(outcome, RotateOutcome::Refused(_, RefusedRefresh::Again)), "an unknown secret: not {outcome:?}");
    assert_eq!(opened.now().await.ended_at, None, "the session goes on");
    assert!(opened.is_live(&last, at(4)).await, "and so does its live token");
}
