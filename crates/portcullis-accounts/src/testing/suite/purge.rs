use super::{Opened, Passed, at, digest, fresh, one_time::one_time, second, session};
use crate::{
    one_time::Purpose,
    secret::Token,
    session::{Session, SessionRules},
    store::{Ending, RotateOutcome, SessionStore},
};

pub(super) async fn counts(store: &dyn SessionStore) {
    let before = second(100);
    let open = async |not_after| Opened::with(store, SessionRules::new(), Session { not_after, ..session() }).await;
    let expired = open(at(99_999)).await;
    let expiring = open(before).await;
    let ended = open(second(3600)).await;
    store.end(Ending::One(&ended.session.id), at(99_999)).await.passed();
    let ending = open(second(3600)).await;
    store.end(Ending::One(&ending.session.id), before).await.passed();
    let open = open(second(3600)).await;
    let kept = async |expires_at| {
        let token = crate::OneTime { expires_at, ..one_time(Purpose::Reset, &fresh(Token::fresh()), None) };
        store.keep(token.clone(), false).await.passed();
        token
    };
    let (over, stays) = (kept(at(99_999)).await, kept(before).await);

    assert_eq!(store.purge(before).await.passed(), 3, "two sessions and a single-use token, in a store that was empty");
    for gone in [&expired, &ended] {
        assert_eq!(store.session(&gone.session.id).await.passed(), None, "a session that is over");
        assert!(!gone.is_live(&gone.first, at(0)).await, "its refresh token");
        assert!(matches!(gone.refresh(&gone.first, at(0)).await, RotateOutcome::Unknown), "its refresh token");
        assert_eq!(store.end(Ending::OfToken(&digest(&gone.first)), at(0)).await.passed(), [], "its refresh token");
    }
    for stays in [&expiring, &ending, &open] {
        stays.now().await;
    }
    assert!(open.is_live(&open.first, second(101)).await, "an open session goes on");
    let taken = async |token: &crate::OneTime| store.take(token.purpose, &token.digest, at(0)).await.passed().is_some();
    assert!(!taken(&over).await && taken(&stays).await, "single-use tokens that have expired");
    assert_eq!(store.purge(before).await.passed(), 0, "nothing is left to purge");
}

pub(super) async fn families(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let second_token = opened.next(&opened.first, second(100)).await;
    let third = opened.next(&second_token, second(200)).await;
    store.purge(second(100)).await.passed();
    let outcome = opened.refresh(&opened.first, second(130)).await;
    assert!(matches!(outcome, RotateOutcome::Replay { .. }), "exchanged at this time, not before: {outcome:?}");
    assert_eq!(store.purge(at(100_001)).await.passed(), 0, "refresh tokens are not counted");
    let outcome = opened.refresh(&opened.first, second(130)).await;
    assert!(matches!(outcome, RotateOutcome::Unknown), "exchanged before, and its successor too: {outcome:?}");
    store.purge(second(300)).await.passed();
    assert!(opened.is_live(&third, second(300)).await, "a live token stays");
    let outcome = opened.refresh(&second_token, second(300)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "the predecessor of a live token stays: {outcome:?}");
    assert_eq!(opened.now().await.ended_at, Some(second(300)), "so its reuse is noticed");

    let opened = Opened::new(store, SessionRules::new().answers_may_be_lost()).await;
    let lost = opened.next(&opened.first, second(100)).await;
    let next = opened.next(&opened.first, second(200)).await;
    store.purge(second(300)).await.passed();
    assert!(opened.is_live(&next, second(300)).await, "a live token stays");
    let outcome = opened.refresh(&lost, second(300)).await;
    assert!(matches!(outcome, RotateOutcome::Reused(_)), "a superseded token is noticed: {outcome:?}");
    store.purge(second(4000)).await.passed();
}
