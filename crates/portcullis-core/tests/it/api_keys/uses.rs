//! When keys were used: gathered, and stored in one call.

use super::*;

fn row(world: &World, key: &ApiKey) -> KeyRow {
    now(world.store.inner.find(&key.row().digest)).unwrap().unwrap()
}

#[test]
fn uses_are_stored_when_they_are_asked_for() {
    let world = world();
    let (key, other) = (world.key(), world.key());
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        world.who(key.expose()).unwrap();
    }
    world.who("acme_x").unwrap_err();
    assert_eq!((world.store.writes(), row(&world, &key).uses), (0, 0));
    now(world.keys.flush()).unwrap();
    assert_eq!(world.store.writes(), 1);
    let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_005);
    assert_eq!((row(&world, &key).uses, row(&world, &key).used_at), (5, Some(used)));
    assert_eq!((row(&world, &other).uses, row(&world, &other).used_at), (0, None));
    now(world.keys.flush()).unwrap();
    assert_eq!(world.store.writes(), 0, "there is nothing to store");
    world.who(key.expose()).unwrap();
    now(world.keys.flush()).unwrap();
    assert_eq!(row(&world, &key).uses, 6);
    // A late note of another instance does not move the last use back.
    let late = KeyUse { id: key.row().id.clone(), at: SystemTime::UNIX_EPOCH, count: 2 };
    let gone = KeyUse { id: "withdrawn-long-ago".into(), ..late.clone() };
    now(world.store.note_uses(&[gone, late])).unwrap();
    assert_eq!((row(&world, &key).uses, row(&world, &key).used_at), (8, Some(used)));
}

#[test]
fn a_refused_key_is_not_used() {
    let world = world();
    let key = world.key();
    now(world.keys.of(&alice()).unwrap().withdraw(&key.row().id)).unwrap();
    world.who(key.expose()).unwrap_err();
    now(world.keys.flush()).unwrap();
    assert_eq!((world.store.writes(), row(&world, &key).uses), (0, 0));
}

#[test]
fn uses_are_kept_while_the_store_is_down() {
    let world = world();
    let key = world.key();
    world.who(key.expose()).unwrap();
    world.store.is_down.store(true, SeqCst);
    assert!(now(world.keys.flush()).is_err());
    world.store.is_down.store(false, SeqCst);
    world.who(key.expose()).unwrap();
    now(world.keys.flush()).unwrap();
    assert_eq!(row(&world, &key).uses, 2);
}

/// One write for a thousand keys, and no more than ten thousand are remembered.
#[test]
fn many_keys() {
    let world = world();
    let mut keys = Vec::new();
    for place in 0..1_001 {
        let key = world.key();
        world.who(key.expose()).unwrap();
        assert_eq!(world.store.writes(), usize::from(place == 999), "{place}");
        keys.push(key);
    }
    assert_eq!(row(&world, &keys[0]).uses, 1);
    assert_eq!(row(&world, &keys[1_000]).uses, 0);
    now(world.keys.flush()).unwrap();
    assert!(keys.iter().all(|key| row(&world, key).uses == 1));
    world.store.writes();
    // Only the writes fail now.
    let failing = Failing::default();
    let (kept, clock) = (ApiKeys::new("acme", failing.clone()).unwrap(), world.clock.clone());
    let gate = gate_with(Scheme::named("key", kept.clone()).header("x-api-key")).clock(clock).build().unwrap();
    for _ in 0..10_200 {
        let key = now(kept.of(&alice()).unwrap().create(NewKey::new("x", KeyScopes::all_rights()))).unwrap();
        let credential = portcullis_core::Credential::new(
            key.expose().to_owned(),
            portcullis_core::CredentialSource::header("x-api-key"),
        );
        now(kept.authenticate(&credential)).unwrap();
    }
    assert_eq!(failing.0.writes(), 10, "not with every request");
    drop(gate);
    failing.1.store(true, SeqCst);
    now(kept.flush()).unwrap();
    assert_eq!(failing.2.load(SeqCst), 10_000);
}

/// Cannot write uses until it is told so, and then counts them.
#[derive(Debug, Clone, Default)]
struct Failing(Counted, Arc<AtomicBool>, Arc<AtomicUsize>);

impl KeyStore for Failing {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        self.0.add(key).await
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        self.0.find(digest).await
    }

    async fn keys_of(&self, owner: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        self.0.keys_of(owner).await
    }

    async fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> Result<Option<KeyRow>, Error> {
        self.0.end(owner, id, at, now).await
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        self.0.note_uses(uses).await?;
        match self.1.load(SeqCst) {
            true => self.2.fetch_add(uses.len(), SeqCst),
            false => return Err(Error::new(ErrorKind::Unavailable, "read-only")),
        };
        Ok(())
    }
}
