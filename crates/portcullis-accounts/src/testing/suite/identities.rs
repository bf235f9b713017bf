use super::{
    AT_ONCE, Passed, at,
    users::{add, find, new_user},
};
use crate::{
    id::UserId,
    store::{LinkOutcome, UserKey, UserStore},
    user::{LinkedIdentity, User},
};
use futures_util::future::join_all;

/// An identity that no other test has.
fn identity(issuer: &str, user: &User) -> LinkedIdentity {
    LinkedIdentity { issuer: issuer.into(), subject: format!("O'Brien|{}", user.id), linked_at: at(1) }
}

async fn found(store: &dyn UserStore, identity: &LinkedIdentity) -> Option<UserId> {
    let user = store.find(UserKey::Identity(&identity.issuer, &identity.subject)).await.passed();
    user.map(|user| user.id)
}

const ISSUER: &str = "https://one.example.com";
const OTHER_ISSUER: &str = "https://other.example.com";

pub(super) async fn link(store: &dyn UserStore) {
    let (alice, bob) = (add(store, new_user()).await, add(store, new_user()).await);
    let one = identity(ISSUER, &alice);
    let link = async |user: &User, identity: &LinkedIdentity| store.link(&user.id, identity.clone()).await.passed();

    assert_eq!(found(store, &one).await, None, "nobody has the identity");
    assert_eq!(link(&alice, &one).await, LinkOutcome::Linked);
    assert_eq!(found(store, &one).await, Some(alice.id.clone()));
    let again = LinkedIdentity { linked_at: at(9), ..one.clone() };
    assert_eq!(link(&alice, &again).await, LinkOutcome::Linked, "it is linked already");
    assert_eq!(
        store.identities(&alice.id).await.passed().as_slice(),
        std::slice::from_ref(&one),
        "the first time stays"
    );

    assert_eq!(link(&bob, &one).await, LinkOutcome::Taken, "another user has it");
    let second = identity(ISSUER, &bob);
    assert_eq!(link(&alice, &second).await, LinkOutcome::HasAnother, "the user has another one of this issuer");
    assert_eq!(found(store, &second).await, None, "it was not linked");
    let nobody = store.link(&UserId::new("0"), second.clone()).await.passed();
    assert_eq!(nobody, LinkOutcome::Absent, "nobody has the identifier 0");

    // Another issuer with the same subject is another identity.
    let elsewhere = LinkedIdentity { issuer: OTHER_ISSUER.into(), linked_at: at(2), ..one.clone() };
    assert_eq!(found(store, &elsewhere).await, None, "the issuer counts");
    assert_eq!(link(&alice, &elsewhere).await, LinkOutcome::Linked);
    assert_eq!(store.identities(&alice.id).await.passed(), [one.clone(), elsewhere.clone()], "oldest first");
    assert!(store.identities(&bob.id).await.passed().is_empty(), "nothing was linked");

    assert!(!store.unlink(&bob.id, ISSUER).await.passed(), "there is none");
    assert_eq!(found(store, &one).await, Some(alice.id.clone()), "that of another user stays");
    assert!(store.unlink(&alice.id, ISSUER).await.passed());
    assert!(!store.unlink(&alice.id, ISSUER).await.passed(), "it was removed already");
    assert_eq!(found(store, &one).await, None, "it was removed");
    assert_eq!(found(store, &elsewhere).await, Some(alice.id.clone()), "that of another issuer stays");
    assert_eq!(link(&bob, &one).await, LinkOutcome::Linked, "what was unlinked is free");
}

pub(super) async fn remove(store: &dyn UserStore) {
    let (alice, bob) = (add(store, new_user()).await, add(store, new_user()).await);
    let (hers, his) = (identity(ISSUER, &alice), identity(ISSUER, &bob));
    store.link(&alice.id, hers.clone()).await.passed();
    store.link(&bob.id, his.clone()).await.passed();
    assert!(store.remove(&alice.id).await.passed(), "the user is there");
    assert!(!store.remove(&alice.id).await.passed(), "the user has gone");
    for key in [UserKey::Id(&alice.id), UserKey::Email(&alice.email)] {
        assert!(store.find(key).await.passed().is_none(), "the user has gone");
    }
    assert_eq!(found(store, &hers).await, None, "identities go with their user");
    assert!(store.identities(&alice.id).await.passed().is_empty(), "identities go with their user");
    assert_eq!(find(store, &bob.id).await.id, bob.id, "other users stay");
    assert_eq!(found(store, &his).await, Some(bob.id.clone()), "their identities stay");
    assert!(!store.remove(&UserId::new("0")).await.passed(), "nobody has the identifier 0");
}

pub(super) async fn races(store: &dyn UserStore) {
    // One identity for many users.
    let mut users = Vec::new();
    for _ in 0..AT_ONCE {
        users.push(add(store, new_user()).await);
    }
    let Some(first) = users.first() else { return };
    let wanted = identity(ISSUER, first);
    let outcomes = join_all(users.iter().map(|user| store.link(&user.id, wanted.clone()))).await;
    let outcomes: Vec<LinkOutcome> = outcomes.into_iter().map(Passed::passed).collect();
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (linked, taken) = (count(LinkOutcome::Linked), count(LinkOutcome::Taken));
    assert_eq!((linked, taken), (1, AT_ONCE - 1), "of {AT_ONCE} who want one identity, one gets it");

    // Many identities of one issuer for one user.
    let wanted = users.iter().map(|user| identity(OTHER_ISSUER, user));
    let outcomes = join_all(wanted.map(|identity| store.link(&first.id, identity))).await;
    let outcomes: Vec<LinkOutcome> = outcomes.into_iter().map(Passed::passed).collect();
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (linked, other) = (count(LinkOutcome::Linked), count(LinkOutcome::HasAnother));
    assert_eq!((linked, other), (1, AT_ONCE - 1), "a user has one identity of an issuer");
}
