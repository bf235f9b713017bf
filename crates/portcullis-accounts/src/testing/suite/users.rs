use super::{AT_ONCE, Passed, at, fresh};
use crate::{
    email::EmailAddress,
    id::UserId,
    store::{AddOutcome, ChangeOutcome, Page, UserKey, UserStore},
    user::{NewUser, User, UserChange},
};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

fn address() -> EmailAddress {
    fresh(format!("suite+{}@example.com", fresh(UserId::fresh(at(0)))).parse())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

pub(super) fn new_user() -> NewUser {
    NewUser {
        id: fresh(UserId::fresh(at(0))),
        email: address(),
        email_confirmed_at: None,
        password_hash: None,
        role: "user".into(),
        approved_at: None,
        extra: Map::new(),
        created_at: at(0),
    }
}

/// A user with something in every field.
fn full_user() -> NewUser {
    let extra =
        json!({ "name": "Zoë O'Brien \"🦀\" \\ \n\t{}", "nested": { "list": [1, 2.5, true, null, "ß"] }, "": "" });
    NewUser {
        email_confirmed_at: Some(at(1)),
        password_hash: Some("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA".into()),
        role: "O'Brien; DROP TABLE users --".into(),
        approved_at: Some(at(2)),
        extra: object(extra),
        ..new_user()
    }
}

pub(super) async fn add(store: &dyn UserStore, new: NewUser) -> User {
    match store.add(new).await.passed() {
        AddOutcome::Added(user) => user,
        AddOutcome::Taken => panic!("nobody has the address"),
    }
}

pub(super) async fn find(store: &dyn UserStore, id: &UserId) -> User {
    store.find(UserKey::Id(id)).await.passed().unwrap_or_else(|| panic!("the user is there"))
}

/// `User` does not show its fields, so this does.
#[track_caller]
fn assert_same(user: &User, expected: &User) {
    assert_eq!(user.id, expected.id, "id");
    assert_eq!(user.email, expected.email, "email");
    assert_eq!(user.email_confirmed_at, expected.email_confirmed_at, "email_confirmed_at");
    assert_eq!(user.password_hash, expected.password_hash, "password_hash");
    assert_eq!(user.stamp, expected.stamp, "stamp");
    assert_eq!(user.role, expected.role, "role");
    assert_eq!(user.is_staff, expected.is_staff, "is_staff");
    assert_eq!(user.approved_at, expected.approved_at, "approved_at");
    assert_eq!(user.disabled_at, expected.disabled_at, "disabled_at");
    assert_eq!(user.extra, expected.extra, "extra");
    assert_eq!(user.created_at, expected.created_at, "created_at");
    assert!(user == expected, "a field that the suite does not know");
}

pub(super) async fn add_and_find(store: &dyn UserStore) {
    for new in [new_user(), full_user()] {
        let user = add(store, new.clone()).await;
        // The store may have chosen the identifier.
        assert_same(&user, &User { id: user.id.clone(), ..User::from(new) });
        assert_same(&find(store, &user.id).await, &user);
        let by_address = store.find(UserKey::Email(&user.email)).await.passed();
        assert_same(&by_address.unwrap_or_else(|| panic!("the user is found by the address")), &user);
    }
    for unknown in ["0", "", "nobody", "'; --"] {
        let found = store.find(UserKey::Id(&UserId::new(unknown))).await.passed();
        assert!(found.is_none(), "no user is called {unknown:?}");
    }
    assert!(store.find(UserKey::Email(&address())).await.passed().is_none(), "nobody has a new address");
}

pub(super) async fn change(store: &dyn UserStore) {
    let changes = [
        UserChange::default(),
        UserChange { confirmed_at: Some(at(1001)), ..UserChange::default() },
        // The earlier time stays.
        UserChange { confirmed_at: Some(at(1002)), ..UserChange::default() },
        UserChange { email: Some((address(), at(1003))), ..UserChange::default() },
        UserChange { password_hash: Some(Some("$argon2id$ä'\"".into())), ..UserChange::default() },
        UserChange { password_hash: Some(None), ..UserChange::default() },
        UserChange { role: Some("admin".into()), ..UserChange::default() },
        UserChange { is_staff: Some(true), ..UserChange::default() },
        UserChange { is_staff: Some(false), ..UserChange::default() },
        UserChange { approved_at: Some(Some(at(1004))), ..UserChange::default() },
        UserChange { approved_at: Some(None), ..UserChange::default() },
        UserChange { disabled_at: Some(Some(at(1005))), ..UserChange::default() },
        UserChange { disabled_at: Some(None), ..UserChange::default() },
        UserChange { extra: object(json!({ "näme": "'\"🦀", "kept": 1 })), ..UserChange::default() },
        UserChange { extra: object(json!({ "näme": null, "absent": null, "more": [1] })), ..UserChange::default() },
        UserChange { new_stamp: true, ..UserChange::default() },
        UserChange { new_stamp: true, if_stamp: Some(1), role: Some("both".into()), ..UserChange::default() },
    ];
    let mut user = add(store, new_user()).await;
    let other = add(store, full_user()).await;
    for (number, change) in changes.into_iter().enumerate() {
        change.clone().apply(&mut user);
        let ChangeOutcome::Changed(changed) = store.change(&user.id, change).await.passed() else {
            panic!("change {number} is made");
        };
        assert_same(&changed, &user);
        assert_same(&find(store, &user.id).await, &user);
    }
    assert_same(&find(store, &other.id).await, &other);
    let outcome = store.change(&UserId::new("0"), UserChange::default()).await.passed();
    assert_eq!(outcome, ChangeOutcome::Absent, "nobody has the identifier 0");
}

pub(super) async fn addresses(store: &dyn UserStore) {
    let (one, other) = (add(store, full_user()).await, add(store, new_user()).await);
    let again = NewUser { email: one.email.clone(), role: "thief".into(), ..new_user() };
    let id = again.id.clone();
    assert_eq!(store.add(again).await.passed(), AddOutcome::Taken, "another user has the address");
    assert!(store.find(UserKey::Id(&id)).await.passed().is_none(), "a user who was not added is not there");
    assert_same(&find(store, &one.id).await, &one);

    let take = UserChange {
        email: Some((one.email.clone(), at(5))),
        role: Some("thief".into()),
        new_stamp: true,
        ..UserChange::default()
    };
    assert_eq!(store.change(&other.id, take.clone()).await.passed(), ChangeOutcome::Taken, "another user has it");
    assert_same(&find(store, &other.id).await, &other);
    assert_same(&find(store, &one.id).await, &one);
    let outcome = store.change(&UserId::new("0"), take.clone()).await.passed();
    assert_eq!(outcome, ChangeOutcome::Absent, "there is no such user, whoever has the address");

    // One's own address is not taken.
    let mut same = one.clone();
    take.clone().apply(&mut same);
    assert_eq!(store.change(&one.id, take).await.passed(), ChangeOutcome::Changed(same), "one's own address");

    // An address that was given up is free.
    let away = UserChange { email: Some((address(), at(6))), ..UserChange::default() };
    assert!(matches!(store.change(&one.id, away).await.passed(), ChangeOutcome::Changed(_)), "a free address");
    assert!(store.find(UserKey::Email(&one.email)).await.passed().is_none(), "the old address leads to nobody");
    add(store, NewUser { email: one.email.clone(), ..new_user() }).await;
}

pub(super) async fn stamps(store: &dyn UserStore) {
    let user = add(store, new_user()).await;
    let change = |stamp| UserChange {
        password_hash: Some(Some("new".into())),
        new_stamp: true,
        if_stamp: Some(stamp),
        ..UserChange::default()
    };
    assert_eq!(store.change(&user.id, change(1)).await.passed(), ChangeOutcome::Absent, "the stamp is 0");
    assert_same(&find(store, &user.id).await, &user);
    let ChangeOutcome::Changed(changed) = store.change(&user.id, change(0)).await.passed() else {
        panic!("the stamp is 0");
    };
    assert_eq!((changed.stamp, changed.password_hash.as_deref()), (1, Some("new")));
    assert_eq!(store.change(&user.id, change(0)).await.passed(), ChangeOutcome::Absent, "the stamp is 1 now");
}

pub(super) async fn lists(store: &dyn UserStore) {
    let before = store.count().await.passed();
    let mut added = Vec::new();
    // Three at each time, later than those of others.
    for number in 0..7 {
        added.push(add(store, NewUser { created_at: at(10_000 + number / 3), ..new_user() }).await);
    }
    assert_eq!(store.count().await.passed(), before + 7, "each user counts once");
    let (mut page, mut seen) = (Page::first(2), Vec::<User>::new());
    loop {
        let users = store.list(page).await.passed();
        assert!(users.len() <= 2, "a page has no more users than its limit");
        let Some(last) = users.last() else { break };
        page = Page::after(last, 2);
        seen.extend(users);
    }
    assert_eq!(u64::try_from(seen.len()).ok(), Some(before + 7), "each user is on one page");
    for user in &added {
        let found: Vec<&User> = seen.iter().filter(|known| known.id == user.id).collect();
        let [found] = found.as_slice() else { panic!("each user is on one page") };
        assert_same(found, user);
    }
    assert!(
        seen.windows(2).all(|pair| matches!(pair, [one, next] if one.created_at >= next.created_at)),
        "newest first"
    );

    // A page may begin behind a user who has gone.
    let (Some(gone), Some(next)) = (seen.first(), seen.get(1)) else { panic!("there are users") };
    assert!(store.remove(&gone.id).await.passed(), "the user is there");
    let behind = store.list(Page::after(gone, 1)).await.passed();
    assert!(matches!(behind.as_slice(), [user] if user.id == next.id), "the page begins where the last one ended");
    assert_eq!(store.count().await.passed(), before + 6, "one user has gone");
    assert!(store.list(Page::first(0)).await.passed().is_empty(), "a limit of 0 is none");
}

pub(super) async fn races(store: &dyn UserStore) {
    // One address.
    let email = address();
    let outcomes = join_all((0..AT_ONCE).map(|_| store.add(NewUser { email: email.clone(), ..full_user() }))).await;
    let added: Vec<User> = (outcomes.into_iter())
        .filter_map(|outcome| match outcome.passed() {
            AddOutcome::Added(user) => Some(user),
            AddOutcome::Taken => None,
        })
        .collect();
    let [user] = added.as_slice() else { panic!("{} users have one address", added.len()) };

    // One stamp.
    let change = || UserChange { new_stamp: true, if_stamp: Some(0), ..UserChange::default() };
    let outcomes = join_all((0..AT_ONCE).map(|_| store.change(&user.id, change()))).await;
    let changed = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(ChangeOutcome::Changed(_)))).count();
    assert_eq!((changed, find(store, &user.id).await.stamp), (1, 1), "of {AT_ONCE} with one stamp, one changes it");

    // Different fields: no change is lost.
    let extra = |place: usize| object(json!({ format!("field {place}"): place }));
    let outcomes = (0..AT_ONCE).map(|place| {
        store.change(&user.id, UserChange { extra: extra(place), new_stamp: true, ..UserChange::default() })
    });
    join_all(outcomes).await.into_iter().for_each(|outcome| drop(outcome.passed()));
    let user = find(store, &user.id).await;
    let kept = user.extra.keys().filter(|name| name.starts_with("field ")).count();
    assert_eq!((kept, user.stamp), (AT_ONCE, 17), "every change of {AT_ONCE} at once is kept");

    // One new address.
    let email = address();
    let mut users = Vec::new();
    for _ in 0..AT_ONCE {
        users.push(add(store, new_user()).await);
    }
    let outcomes = users.iter().map(|user| {
        store.change(&user.id, UserChange { email: Some((email.clone(), at(7))), ..UserChange::default() })
    });
    let outcomes: Vec<_> = join_all(outcomes).await.into_iter().map(Passed::passed).collect();
    let count = |wanted: fn(&ChangeOutcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
    let changed = count(|outcome| matches!(outcome, ChangeOutcome::Changed(_)));
    let taken = count(|outcome| matches!(outcome, ChangeOutcome::Taken));
    assert_eq!((changed, taken), (1, AT_ONCE - 1), "of {AT_ONCE} who want one address, one gets it");
}
