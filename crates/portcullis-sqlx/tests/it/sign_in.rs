//! Sessions of sign-in, as every store has to keep them.

use crate::Anyhow;
use portcullis_sign_in::{MemorySessions, SessionStore, StoredSession};
use std::time::{Duration, SystemTime};

fn later(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Tomorrow, in milliseconds as the tables have it.
fn tomorrow() -> SystemTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    later(now.as_secs() + 86400)
}

fn row(key: &str, version: u64) -> StoredSession {
    let sid = Some(format!("sid of {key}"));
    StoredSession::new(key.into(), version, format!("sealed {version}"), "alice".into(), tomorrow()).with_sid(sid)
}

pub async fn suite<S: SessionStore + Clone + 'static>(store: S) -> Anyhow {
    let keys = async |keys: &[&str]| {
        let mut found = Vec::new();
        for key in keys {
            found.extend(store.find(key).await?.map(|row| row.key));
        }
        Anyhow::Ok(found)
    };

    // What is found is what was added.
    store.add(row("a", 1)).await?;
    let found = store.find("a").await?.ok_or("it was added")?;
    let wanted = row("a", 1);
    assert_eq!((&found.key, found.version, &found.sealed), (&wanted.key, 1, &wanted.sealed));
    assert_eq!((&found.subject, &found.sid, found.ends_at), (&wanted.subject, &wanted.sid, wanted.ends_at));
    assert!(store.find("b").await?.is_none());

    // The next version replaces it, once.
    assert!(
        !store.replace(row("a", 1)).await? && !store.replace(row("a", 3)).await? && !store.replace(row("b", 2)).await?
    );
    assert!(store.replace(row("a", 2)).await?);
    assert!(!store.replace(row("a", 2)).await?, "somebody was faster");
    assert_eq!(store.find("a").await?.map(|row| row.sealed), Some("sealed 2".to_owned()));
    let racing: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.replace(row("a", 3)).await })
        })
        .collect();
    let mut replaced = 0;
    for race in racing {
        replaced += usize::from(race.await??);
    }
    assert_eq!(replaced, 1);

    // Those that end are those that were named.
    for key in ["b", "c", "d"] {
        store.add(row(key, 1)).await?;
    }
    let bob = StoredSession::new("bob".into(), 1, String::new(), "bob".into(), tomorrow());
    store.add(bob).await?;
    store.remove("a").await?;
    store.remove_sid("sid of b").await?;
    assert_eq!(keys(&["a", "b", "c", "d", "bob"]).await?, ["c", "d", "bob"]);
    store.remove_subject("alice").await?;
    assert_eq!(keys(&["c", "d", "bob"]).await?, ["bob"]);
    assert!(!store.replace(row("c", 2)).await?, "it has ended");

    // A new one removes those that are over.
    for over in 0..3 {
        let key = format!("over {over}");
        store.add(StoredSession::new(key, 1, String::new(), "bob".into(), later(over))).await?;
    }
    assert!(store.find("over 2").await?.is_some());
    store.add(row("e", 1)).await?;
    assert_eq!(keys(&["over 0", "over 1", "over 2", "bob", "e"]).await?, ["bob", "e"]);
    Ok(())
}

#[tokio::test]
async fn sessions_in_memory_pass_the_suite() -> Anyhow {
    suite(MemorySessions::new()).await
}
