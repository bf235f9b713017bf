//! What every store of API keys has to do.

#![expect(clippy::panic, reason = "a suite panics when a store does not pass")]

use crate::{
    api_key::{KeyDigest, KeyRow, KeyStore, KeyUse},
    error::{Error, ErrorKind},
    principal::{PrincipalId, PrincipalKind},
    rights::KeyScopes,
};
use std::time::{Duration, SystemTime};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn owner(name: &str) -> PrincipalId {
    PrincipalId::new(PrincipalKind::User, name).with_issuer("https://id.test/a|b")
}

fn key(id: &str, owner: PrincipalId, created_at: SystemTime) -> KeyRow {
    KeyRow {
        id: id.to_owned(),
        digest: KeyDigest::of(id),
        owner,
        organization: None,
        name: format!("key {id}"),
        start: "test_abc".to_owned(),
        scopes: KeyScopes::all_rights(),
        created_at,
        expires_at: None,
        withdrawn_at: None,
        used_at: None,
        uses: 0,
    }
}

#[track_caller]
fn done<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error}"))
}

/// Holds a store of API keys against what [`KeyStore`] asks for. The store has none of the keys `1` to `4` yet.
///
/// ```
/// use portcullis_core::{MemoryKeys, testing::key_store};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// key_store(&MemoryKeys::new()).await;
/// # }
/// ```
///
/// # Panics
/// If the store does not pass.
pub async fn key_store(store: &impl KeyStore) {
    let (alice, bob) = (owner("alice"), owner("bob|é"));
    let scopes = KeyScopes::new(["kb:read", "reports"]);
    let first = KeyRow {
        organization: Some("acme".to_owned()),
        expires_at: Some(at(100)),
        scopes: done(scopes),
        ..key("1", alice.clone(), at(0))
    };
    let (second, third) = (key("2", alice.clone(), at(1)), key("3", bob.clone(), at(1)));
    for row in [&first, &second, &third] {
        assert_eq!(done(store.find(&row.digest).await), None, "a key that was not added");
        done(store.add(row.clone()).await);
        assert_eq!(done(store.find(&row.digest).await).as_ref(), Some(row), "what was added is found");
    }

    let same_id = KeyRow { digest: KeyDigest::of("4"), ..key("1", bob.clone(), at(2)) };
    let same_digest = KeyRow { digest: first.digest, ..key("4", bob.clone(), at(2)) };
    for (twice, why) in [(same_id, "the same id"), (same_digest, "the same digest")] {
        let refused = store.add(twice).await.map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::Unavailable), "{why} twice");
    }
    assert_eq!(done(store.find(&first.digest).await).as_ref(), Some(&first), "and the first stays as it was");

    let ids = async |owner: &PrincipalId| {
        let keys = done(store.keys_of(owner).await);
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&alice).await, ["2", "1"], "the keys of an owner, newest first");
    assert_eq!(ids(&bob).await, ["3"], "and no others");
    let without_issuer = PrincipalId::new(PrincipalKind::User, "alice");
    let another_kind = PrincipalId::new(PrincipalKind::Service, "alice").with_issuer("https://id.test/a|b");
    for other in [without_issuer, another_kind] {
        assert!(ids(&other).await.is_empty(), "an owner is a kind, an issuer and a subject");
        assert_eq!(done(store.end(&other, "1", at(5), at(5)).await), None, "and ends no key of another");
    }

    // Withdrawal: by the owner alone, later or at once, and never later than before.
    assert_eq!(done(store.end(&bob, "1", at(5), at(5)).await), None, "a key of somebody else");
    assert_eq!(done(store.end(&alice, "none", at(5), at(5)).await), None, "no key");
    assert_eq!(done(store.find(&first.digest).await).as_ref(), Some(&first), "it stays as it was");
    let ended = done(store.end(&alice, "1", at(50), at(5)).await);
    assert_eq!(ended, Some(KeyRow { withdrawn_at: Some(at(50)), ..first.clone() }), "the key after it");
    for (end, kept) in [(60, 50), (40, 40)] {
        let ended = done(store.end(&alice, "1", at(end), at(6)).await);
        assert_eq!(ended.and_then(|key| key.withdrawn_at), Some(at(kept)), "the earlier end counts");
    }
    assert_eq!(done(store.end(&alice, "1", at(40), at(40)).await), None, "a key that was withdrawn");
    assert_eq!(done(store.find(&first.digest).await).and_then(|key| key.withdrawn_at), Some(at(40)));
    let expired = KeyRow { expires_at: Some(at(10)), ..key("4", bob.clone(), at(2)) };
    done(store.add(expired.clone()).await);
    assert_eq!(done(store.end(&bob, "4", at(10), at(10)).await), None, "a key that has expired");
    assert_eq!(done(store.find(&expired.digest).await), Some(expired), "is still there");
    assert_eq!(ids(&alice).await, ["2", "1"], "those that have ended are listed");

    // Uses.
    let used = |id: &str, seconds, count| KeyUse { id: id.to_owned(), at: at(seconds), count };
    done(store.note_uses(&[]).await);
    done(store.note_uses(&[used("3", 30, 2), used("none", 30, 1), used("2", 20, 5)]).await);
    done(store.note_uses(&[used("2", 10, 1)]).await);
    let noted = |key: Option<KeyRow>| key.map(|key| (key.used_at, key.uses));
    assert_eq!(noted(done(store.find(&second.digest).await)), Some((Some(at(20)), 6)), "the last use never moves back");
    assert_eq!(noted(done(store.find(&third.digest).await)), Some((Some(at(30)), 2)));
    assert_eq!(noted(done(store.find(&first.digest).await)), Some((None, 0)), "a key that was not used");
}
