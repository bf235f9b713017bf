use super::{AT_ONCE, Passed, at, fresh};
use crate::{
    factor::{Factor, FactorChange},
    id::UserId,
    secret::{Digest, Token},
    store::SessionStore,
};
use futures_util::future::join_all;

const SEALED: &[u8] = &[0, 255, 7];

fn digests() -> Vec<Digest> {
    (0..3).map(|_| fresh(Token::fresh()).digest("recovery")).collect()
}

fn enrol() -> FactorChange {
    FactorChange::Enrol { sealed: SEALED.to_vec() }
}

fn used(step: i64) -> FactorChange {
    FactorChange::Use { sealed: SEALED.to_vec(), step, resealed: None }
}

async fn factor(store: &dyn SessionStore, user: &UserId) -> Option<Factor> {
    store.factor(user).await.passed()
}

async fn confirmed(store: &dyn SessionStore, recovery: &[Digest]) -> UserId {
    let user = fresh(UserId::fresh(at(0)));
    assert!(store.change_factor(&user, enrol()).await.passed(), "a first secret");
    let recovery = recovery.to_vec();
    let change = FactorChange::Confirm { sealed: SEALED.to_vec(), step: 5, recovery, at: at(1) };
    assert!(store.change_factor(&user, change).await.passed(), "a secret is confirmed");
    user
}

pub(super) async fn life(store: &dyn SessionStore) {
    let (user, codes) = (fresh(UserId::fresh(at(0))), digests());
    assert!(factor(store, &user).await.is_none(), "no factor yet");
    assert!(!store.change_factor(&user, FactorChange::Remove).await.passed(), "nothing to remove");
    assert!(store.change_factor(&user, enrol()).await.passed());
    let pending = Factor { sealed: SEALED.to_vec(), confirmed_at: None, last_step: 0, recovery: Vec::new() };
    assert_eq!(factor(store, &user).await, Some(pending.clone()), "not confirmed yet");
    let [user, other] = [confirmed(store, &codes).await, confirmed(store, &codes).await];
    let whole = Factor { confirmed_at: Some(at(1)), last_step: 5, recovery: codes.clone(), ..pending };
    assert_eq!(factor(store, &user).await.as_ref(), Some(&whole), "as it was confirmed");
    assert!(!store.change_factor(&user, enrol()).await.passed(), "a confirmed factor stays");
    assert!(!store.change_factor(&user, used(5)).await.passed(), "a step that was used");
    assert!(store.change_factor(&user, used(i64::MAX)).await.passed(), "a later step");
    let [first, ..] = codes[..] else { panic!("there are codes") };
    assert!(store.change_factor(&user, FactorChange::Recover(first)).await.passed(), "a recovery code");
    assert!(!store.change_factor(&user, FactorChange::Recover(first)).await.passed(), "a used recovery code");
    let after = factor(store, &user).await.unwrap_or_else(|| panic!("there is a factor"));
    assert_eq!((after.last_step, after.recovery.len()), (i64::MAX, 2));
    assert!(store.change_factor(&user, FactorChange::Renew(Vec::new())).await.passed(), "no codes any more");
    assert!(factor(store, &user).await.is_some_and(|factor| factor.recovery.is_empty()));
    assert!(store.change_factor(&user, FactorChange::Remove).await.passed(), "a factor is removed");
    assert!(factor(store, &user).await.is_none(), "no factor any more");
    assert_eq!(factor(store, &other).await, Some(whole), "that of another user stays");
}

pub(super) async fn races(store: &dyn SessionStore) {
    let codes = digests();
    let user = confirmed(store, &codes).await;
    let done = |changes: Vec<bool>| changes.into_iter().filter(|is_done| *is_done).count();
    let once = async |change: FactorChange| {
        let at_once = join_all((0..AT_ONCE).map(|_| store.change_factor(&user, change.clone()))).await;
        done(at_once.into_iter().map(Passed::passed).collect())
    };
    for step in 6..10 {
        assert_eq!(once(used(step)).await, 1, "a step is used once");
    }
    for code in codes {
        assert_eq!(once(FactorChange::Recover(code)).await, 1, "a recovery code is used once");
    }
    assert_eq!(once(FactorChange::Remove).await, 1, "a factor is removed once");
    // Some enrol, and others confirm: a confirmed secret is not replaced.
    let confirm = FactorChange::Confirm { sealed: SEALED.to_vec(), step: 1, recovery: Vec::new(), at: at(1) };
    let other = FactorChange::Enrol { sealed: vec![1] };
    assert!(store.change_factor(&user, enrol()).await.passed());
    let changes = (0..AT_ONCE).map(|place| if place % 2 == 0 { confirm.clone() } else { other.clone() });
    let changed = join_all(changes.map(|change| store.change_factor(&user, change))).await;
    let changed: Vec<bool> = changed.into_iter().map(Passed::passed).collect();
    let confirmations = done(changed.iter().copied().step_by(2).collect());
    let left = factor(store, &user).await.unwrap_or_else(|| panic!("there is a factor"));
    assert_eq!(
        (confirmations, left.confirmed_at.is_some()),
        if left.sealed == SEALED { (1, true) } else { (0, false) }
    );
}
