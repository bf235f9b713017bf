use super::{Passed, at, fresh};
use crate::{
    id::UserId,
    one_time::{OneTime, Purpose},
    secret::Token,
    store::SessionStore,
};
use serde_json::{Map, json};

pub(super) fn one_time(purpose: Purpose, token: &Token, user: Option<&UserId>) -> OneTime {
    let user = user.cloned();
    OneTime { purpose, digest: purpose.digest(token), user, stamp: 3, payload: Map::new(), expires_at: at(1000) }
}

async fn takes(store: &dyn SessionStore, token: &OneTime) -> bool {
    store.take(token.purpose, &token.digest, at(1)).await.passed().is_some()
}

pub(super) async fn take(store: &dyn SessionStore) {
    let (user, token) = (fresh(UserId::fresh(at(0))), fresh(Token::fresh()));
    let mut full = one_time(Purpose::EmailChange, &token, Some(&user));
    full.payload.insert("näme \"'".into(), json!({ "🦀": [1, null, "\\\n'; --"] }));
    let empty = one_time(Purpose::MagicLink, &token, None);
    for kept in [&full, &empty] {
        store.keep(kept.clone(), false).await.passed();
    }
    // One text for two purposes is two tokens.
    for kept in [full, empty] {
        let wrong = store.take(Purpose::Reset, &kept.digest, at(999)).await.passed();
        assert!(wrong.is_none(), "a token for another purpose");
        let taken = store.take(kept.purpose, &kept.digest, at(999)).await.passed();
        let taken = taken.unwrap_or_else(|| panic!("a token in its last millisecond"));
        assert_eq!((&taken.user, taken.stamp, &taken.payload), (&kept.user, kept.stamp, &kept.payload));
        assert_eq!(taken.expires_at, kept.expires_at);
        assert!(taken == kept, "a token is taken as it was kept");
        assert!(!takes(store, &kept).await, "a token is taken once");
    }
    let expired = one_time(Purpose::Confirm, &token, Some(&user));
    store.keep(expired.clone(), false).await.passed();
    let taken = store.take(Purpose::Confirm, &expired.digest, at(1000)).await.passed();
    assert!(taken.is_none(), "an expired token");
    assert!(!takes(store, &one_time(Purpose::Confirm, &fresh(Token::fresh()), None)).await, "an unknown token");
}

pub(super) async fn replace(store: &dyn SessionStore) {
    let users = [fresh(UserId::fresh(at(0))), fresh(UserId::fresh(at(0)))];
    let kept = async |purpose, user, replaces| {
        let token = one_time(purpose, &fresh(Token::fresh()), user);
        store.keep(token.clone(), replaces).await.passed();
        token
    };
    let [user, other] = [Some(&users[0]), Some(&users[1])];
    let replaced = [kept(Purpose::Reset, user, false).await, kept(Purpose::Reset, user, false).await];
    let stay = [
        kept(Purpose::Confirm, user, false).await,
        kept(Purpose::Reset, other, false).await,
        kept(Purpose::Reset, None, false).await,
        // Tokens without a user are not one user's.
        kept(Purpose::Reset, None, true).await,
        kept(Purpose::Reset, user, true).await,
        kept(Purpose::Reset, user, false).await,
    ];
    for token in replaced {
        assert!(!takes(store, &token).await, "a token that was replaced");
    }
    for (number, token) in stay.iter().enumerate() {
        assert!(takes(store, token).await, "token {number} was not replaced");
    }
}
