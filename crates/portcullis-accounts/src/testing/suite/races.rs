//! Sixteen at once. The store's own connections make them overlap; no second thread is needed here.

use super::{AT_ONCE, Opened, Passed, at, fresh, one_time::one_time, same, second};
use crate::{
    id::UserId,
    one_time::Purpose,
    secret::Token,
    session::{Session, SessionRules},
    store::{Ending, RefusedRefresh, RotateOutcome, SessionStore},
};
use futures_util::future::{join, join_all};
use std::time::{Duration, SystemTime};

/// How often each race is run.
const ROUNDS: usize = 4;

async fn at_once(opened: &Opened<'_>, tokens: &[&Token], now: SystemTime) -> Vec<RotateOutcome> {
    let tokens = tokens.iter().cycle().take(AT_ONCE);
    join_all(tokens.map(|token| opened.refresh(token, now))).await
}

fn count(outcomes: &[RotateOutcome], wanted: fn(&RotateOutcome) -> bool) -> usize {
    outcomes.iter().filter(|outcome| wanted(outcome)).count()
}

fn is_next(outcome: &RotateOutcome) -> bool {
    matches!(outcome, RotateOutcome::Next { .. })
}

fn is_reused(outcome: &RotateOutcome) -> bool {
    matches!(outcome, RotateOutcome::Reused(_))
}

/// The one token that all of them got.
fn common(outcomes: &[RotateOutcome]) -> Token {
    let tokens: Vec<&Token> = outcomes.iter().filter_map(token).collect();
    assert_eq!(tokens.len(), outcomes.len(), "each gets a token: {outcomes:?}");
    let first = tokens.first().unwrap_or_else(|| panic!("there are outcomes"));
    assert!(tokens.iter().all(|token| same(token, first)), "all get one successor");
    (*first).clone()
}

fn token(outcome: &RotateOutcome) -> Option<&Token> {
    match outcome {
        RotateOutcome::Next { token, .. } | RotateOutcome::Replay { token, .. } => Some(token),
        _ => None,
    }
}

pub(super) async fn refreshes(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let mut live = opened.first.clone();
    for round in 0..ROUNDS {
        let now = at(round as u64);
        let outcomes = at_once(&opened, &[&live], now).await;
        assert_eq!(count(&outcomes, is_next), 1, "a token is exchanged once: {outcomes:?}");
        let before = std::mem::replace(&mut live, common(&outcomes));

        // Some have the token before it, and some the live one.
        let outcomes = at_once(&opened, &[&before, &live], now).await;
        assert_eq!(count(&outcomes, is_next), 1, "the live token is exchanged once: {outcomes:?}");
        assert_eq!(count(&outcomes, |outcome| token(outcome).is_some()), AT_ONCE, "nobody is refused: {outcomes:?}");
        let next = outcomes.iter().find(|outcome| is_next(outcome)).and_then(token);
        let next = next.unwrap_or_else(|| panic!("one is exchanged"));
        let on_the_way = |got: &Token| same(got, next) || same(got, &live);
        assert!(outcomes.iter().filter_map(token).all(on_the_way), "nobody is sent back behind the live token");
        live = next.clone();
    }
    assert_eq!(opened.now().await.ended_at, None, "nothing is ended within the grace period");
    assert!(opened.is_live(&live, second(1)).await, "the last token is live");
}

pub(super) async fn reuse(store: &dyn SessionStore) {
    for _ in 0..ROUNDS {
        let opened = Opened::new(store, SessionRules::new()).await;
        let live = opened.next(&opened.first, at(0)).await;
        let outcomes = at_once(&opened, &[&opened.first, &live], second(31)).await;
        assert_eq!(count(&outcomes, is_reused), 1, "a session ends once: {outcomes:?}");
        assert_eq!(opened.now().await.ended_at, Some(second(31)));
        for token in outcomes.iter().filter_map(token).chain([&live]) {
            assert!(!opened.is_live(token, second(31)).await, "nothing of the session is valid");
        }
    }
}

pub(super) async fn sign_outs(store: &dyn SessionStore) {
    for _ in 0..ROUNDS {
        let opened = Opened::new(store, SessionRules::new()).await;
        let tokens = [&opened.first];
        let refreshing = at_once(&opened, &tokens, at(1));
        let ending = async {
            let ends = (0..AT_ONCE).map(|_| store.end(Ending::One(&opened.session.id), at(1)));
            join_all(ends).await.into_iter().map(|ended| ended.passed().len()).sum::<usize>()
        };
        let (outcomes, ended) = join(refreshing, ending).await;
        assert_eq!(ended, 1, "a session ends once");
        for token in outcomes.iter().filter_map(token) {
            assert!(!opened.is_live(token, at(2)).await, "nothing of the session is valid");
            let outcome = opened.refresh(token, at(2)).await;
            assert!(matches!(outcome, RotateOutcome::Refused(_, RefusedRefresh::Ended)), "{outcome:?}");
        }
    }
    // All sessions of a user, by several, while they are refreshed.
    let user = fresh(UserId::fresh(at(0)));
    let mut sessions = Vec::new();
    for _ in 0..AT_ONCE {
        let session = Session { user: user.clone(), ..super::session() };
        sessions.push(Opened::with(store, SessionRules::new(), session).await);
    }
    let refreshing = join_all(sessions.iter().map(|opened| opened.refresh(&opened.first, at(1))));
    let ending = join_all((0..4).map(|_| store.end(Ending::OfUser(&user), at(1))));
    let (_, ended) = join(refreshing, ending).await;
    let ended: usize = ended.into_iter().map(|ended| ended.passed().len()).sum();
    assert_eq!(ended, AT_ONCE, "each session of the user ends once");
    assert_eq!(store.sessions(&user, at(2)).await.passed(), [], "none is open");
}

pub(super) async fn without_grace(store: &dyn SessionStore) {
    for _ in 0..ROUNDS {
        let opened = Opened::new(store, SessionRules::new().grace(Duration::ZERO)).await;
        let outcomes = at_once(&opened, &[&opened.first], at(1)).await;
        let counts = (count(&outcomes, is_next), count(&outcomes, is_reused));
        assert_eq!(counts, (1, 1), "one gets a successor, and another ends the session: {outcomes:?}");
        assert_eq!(opened.now().await.ended_at, Some(at(1)));
    }
}

pub(super) async fn lost_answers(store: &dyn SessionStore) {
    for _ in 0..ROUNDS {
        let opened = Opened::new(store, SessionRules::new().answers_may_be_lost()).await;
        let lost = opened.next(&opened.first, at(0)).await;
        let outcomes = at_once(&opened, &[&opened.first], second(31)).await;
        assert_eq!(count(&outcomes, is_next), 1, "one new successor: {outcomes:?}");
        assert!(!same(&common(&outcomes), &lost), "the new successor is another one");
        assert!(is_reused(&opened.refresh(&lost, second(31)).await), "the lost one ends the session");
    }
}

pub(super) async fn single_use(store: &dyn SessionStore) {
    for _ in 0..ROUNDS {
        let token = one_time(Purpose::Confirm, &fresh(Token::fresh()), None);
        store.keep(token.clone(), false).await.passed();
        let takes = (0..AT_ONCE).map(|_| store.take(token.purpose, &token.digest, at(1)));
        let taken = join_all(takes).await.into_iter().filter_map(Passed::passed).count();
        assert_eq!(taken, 1, "of {AT_ONCE} callers, one gets a single-use token");

        let user = fresh(UserId::fresh(at(0)));
        let tokens: Vec<_> =
            (0..AT_ONCE).map(|_| one_time(Purpose::Reset, &fresh(Token::fresh()), Some(&user))).collect();
        let kept = join_all(tokens.iter().map(|token| store.keep(token.clone(), true))).await;
        kept.into_iter().for_each(Passed::passed);
        let takes = tokens.iter().map(|token| store.take(token.purpose, &token.digest, at(1)));
        let left = join_all(takes).await.into_iter().filter_map(Passed::passed).count();
        assert_eq!(left, 1, "of {AT_ONCE} that replace each other, one stays");
    }
}

pub(super) async fn purges(store: &dyn SessionStore) {
    let before = second(50);
    store.purge(before).await.passed();
    let (mut open, mut ended) = (Vec::new(), Vec::new());
    for number in 0..AT_ONCE {
        let opened = Opened::new(store, SessionRules::new()).await;
        let next = opened.next(&opened.first, at(0)).await;
        let live = opened.next(&next, at(1)).await;
        if number % 2 == 0 {
            store.end(Ending::One(&opened.session.id), at(2)).await.passed();
            ended.push(opened);
        } else {
            open.push((opened, live));
        }
    }
    let refreshing = join_all(open.iter().map(|(opened, live)| opened.refresh(live, before)));
    let purging = join_all((0..4).map(|_| store.purge(before)));
    let (outcomes, purged) = join(refreshing, purging).await;
    assert!(outcomes.iter().all(is_next), "a purge leaves live tokens: {outcomes:?}");
    let purged: u64 = purged.into_iter().map(Passed::passed).sum();
    assert_eq!(purged, ended.len() as u64, "several purges remove each session once");
    for opened in ended {
        assert_eq!(store.session(&opened.session.id).await.passed(), None, "a session that was ended before");
    }
}
