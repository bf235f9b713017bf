//! Who makes keys, and when they end.

use super::*;

fn new() -> NewKey {
    NewKey::new("import", KeyScopes::new(["kb:read", "reports"]).unwrap())
}

#[test]
fn a_key_acts_as_its_owner() {
    let world = world();
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_300);
    let key = world.key_of(&alice(), new().expires_at(expiry).organization(7));
    let who = world.who(key.expose()).unwrap();
    assert_eq!(who.id().to_string(), "key|https://id.test|alice");
    let id = who.token_id().map(|id| (id.issuer().map(str::to_owned), id.id().to_owned()));
    assert_eq!(id, Some((Some("https://id.test".to_owned()), key.row().id.clone())));
    assert_eq!((who.organization(), who.expires_at()), (Some("7"), Some(expiry)));
    assert_eq!(who.key_scopes().map(ToString::to_string).as_deref(), Some("kb:read reports"));
    assert!(!who.is_staff() && who.roles().is_empty() && who.authenticated_at().is_none());
    let all = world.who(world.key().expose()).unwrap();
    assert!(all.key_scopes().is_none() && all.expires_at().is_none() && all.organization().is_none());
    let names: Vec<_> = now(world.keys.of(&alice()).unwrap().list()).unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["import", "import"]);
}

#[test]
fn a_key_makes_no_keys() {
    let world = world();
    let by_key = world.who(world.key().expose()).unwrap();
    let error = world.keys.of(&by_key).unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "not_for_keys"));
    for kind in [PrincipalKind::User, PrincipalKind::Service] {
        assert!(world.keys.of(&Principal::new(kind, "alice")).is_ok());
    }
    // A program that makes keys for others says so.
    let key = now(world.keys.of_owner(alice().id().clone()).create(new())).unwrap();
    assert_eq!(code(world.who(key.expose())), Ok("key|https://id.test|alice".into()));
}

#[test]
fn expiry() {
    let world = world();
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    for past in [at(1_600_000_000), at(1_700_000_000)] {
        let error = now(world.keys.of(&alice()).unwrap().create(new().expires_at(past))).unwrap_err();
        assert_eq!((error.status(), error.code()), (400, "invalid_expiry"));
    }
    let key = world.key_of(&alice(), new().expires_at(at(1_700_000_060)));
    world.clock.set(1_700_000_059);
    assert!(world.who(key.expose()).is_ok());
    world.clock.set(1_700_000_060);
    assert_eq!(code(world.who(key.expose())), code(refused(401, "key_expired")));
    // It has ended already.
    let owner = world.keys.of(&alice()).unwrap();
    assert_eq!(now(owner.withdraw(&key.row().id)).unwrap_err().status(), 404);
    assert_eq!(now(owner.rotate(&key.row().id, SOON)).unwrap_err().status(), 404);
}

#[test]
fn withdrawal() {
    let world = world();
    let (key, other) = (world.key(), world.key());
    let owner = world.keys.of(&alice()).unwrap();
    now(owner.withdraw(&key.row().id)).unwrap();
    assert_eq!(code(world.who(key.expose())), code(refused(401, "invalid_key")));
    assert!(world.who(other.expose()).is_ok());
    // Not for a second time, and not to make another one.
    assert_eq!(now(owner.withdraw(&key.row().id)).unwrap_err().status(), 404);
    assert_eq!(now(owner.rotate(&key.row().id, SOON)).unwrap_err().status(), 404);
    let listed = now(owner.list()).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|row| (row.withdrawn_at.is_some()) == (row.id == key.row().id)));
}

#[test]
fn withdrawal_of_all() {
    let world = world();
    let bob = Principal::new(PrincipalKind::User, "bob").with_issuer("https://id.test");
    let (keys, others) = ([world.key(), world.key()], world.key_of(&bob, new()));
    let owner = world.keys.of(&alice()).unwrap();
    let successor = now(owner.rotate(&keys[0].row().id, SOON)).unwrap();
    now(owner.withdraw_all()).unwrap();
    for key in keys.iter().chain([&successor]) {
        assert_eq!(code(world.who(key.expose())), code(refused(401, "invalid_key")));
    }
    assert!(world.who(others.expose()).is_ok() && world.who(world.key().expose()).is_ok());
}

#[test]
fn keys_of_somebody_else() {
    let world = world();
    let key = world.key();
    let id = key.row().id.as_str();
    for other in [
        Principal::new(PrincipalKind::User, "bob").with_issuer("https://id.test"),
        Principal::new(PrincipalKind::User, "alice").with_issuer("https://other.test"),
        Principal::new(PrincipalKind::User, "alice"),
        Principal::new(PrincipalKind::Service, "alice").with_issuer("https://id.test"),
    ] {
        let other = world.keys.of(&other).unwrap();
        for error in [now(other.withdraw(id)).unwrap_err(), now(other.rotate(id, SOON)).unwrap_err()] {
            assert_eq!((error.status(), error.code()), (404, "not_found"));
        }
        assert_eq!(now(other.list()).unwrap(), []);
    }
    let owner = world.keys.of(&alice()).unwrap();
    assert_eq!(now(owner.withdraw("no-such-key")).unwrap_err().status(), 404);
    assert!(world.who(key.expose()).is_ok());
    now(owner.withdraw(id)).unwrap();
}

#[test]
fn rotation_with_an_overlap() {
    let world = world();
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let old = world.key_of(&alice(), new().expires_at(expiry).organization(7));
    world.clock.advance(SOON);
    let owner = world.keys.of(&alice()).unwrap();
    let new = now(owner.rotate(&old.row().id, SOON)).unwrap();
    assert_ne!((new.expose(), &new.row().id), (old.expose(), &old.row().id));
    let same = |row: &KeyRow| (row.name.clone(), row.scopes.clone(), row.expires_at, row.organization.clone());
    assert_eq!(same(new.row()), same(old.row()));
    let ends = world.who(old.expose()).unwrap().expires_at();
    assert_eq!(ends, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_120)), "a connection ends then too");
    assert!(world.who(new.expose()).is_ok());
    // A second rotation does not prolong it, an earlier end shortens it.
    now(owner.rotate(&old.row().id, SOON * 100)).unwrap();
    world.clock.advance(SOON - Duration::from_secs(1));
    assert!(world.who(old.expose()).is_ok());
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(code(world.who(old.expose())), code(refused(401, "invalid_key")));
    assert!(world.who(new.expose()).is_ok());
    let third = now(owner.rotate(&new.row().id, SOON)).unwrap();
    now(owner.withdraw(&new.row().id)).unwrap();
    assert_eq!(code(world.who(new.expose())), code(refused(401, "invalid_key")));
    let last = now(owner.rotate(&third.row().id, Duration::ZERO)).unwrap();
    assert_eq!(code(world.who(third.expose())), code(refused(401, "invalid_key")));
    let error = now(owner.rotate(&last.row().id, Duration::MAX)).unwrap_err();
    assert_eq!((error.status(), error.code()), (400, "invalid_overlap"));
    assert!(world.who(last.expose()).is_ok());
}

#[test]
fn a_store_that_fails() {
    let world = world();
    let key = world.key();
    world.store.is_down.store(true, SeqCst);
    assert_eq!(code(world.who(key.expose())), code(refused(503, "unavailable")));
    // What no store has to be asked for is known all the same.
    assert_eq!(code(world.who("acme_x")), code(refused(401, "invalid_key")));
    world.store.is_down.store(false, SeqCst);
    assert!(world.who(key.expose()).is_ok());
}

#[test]
fn a_row_is_added_once() {
    let world = world();
    let row = world.key().row().clone();
    let (same_id, same_digest) =
        (KeyRow { digest: KeyDigest::of("x"), ..row.clone() }, KeyRow { id: "x".into(), ..row.clone() });
    let collected: MemoryKeys = [row.clone(), same_id.clone(), same_digest.clone()].into_iter().collect();
    assert_eq!(now(collected.keys_of(&row.owner)).unwrap(), std::slice::from_ref(&row));
    for twice in [row, same_id, same_digest] {
        assert_eq!(now(world.store.add(twice)).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn one_clock() {
    let world = world();
    let again = gate_with(Scheme::named("key", world.keys.clone()).header("x-api-key"));
    assert!(again.clock(world.clock.clone()).build().is_ok());
    let other = gate_with(Scheme::named("key", world.keys.clone()).header("x-api-key"));
    let error = other.clock(FixedClock::at(1)).build().unwrap_err();
    assert!(error.to_string().contains("API keys use another clock"), "{error}");
}

#[test]
fn scopes_that_are_none() {
    for scopes in [&[][..], &[""], &["kb:read", ""], &["kb read"], &["*"], &["kb*"], &["*kb:read"], &["a\"b"], &["é"]]
    {
        let error = KeyScopes::new(scopes).unwrap_err();
        assert_eq!((error.status(), error.code()), (400, "invalid_scope"), "{scopes:?}");
    }
    for (scopes, text) in [
        (&["reports", "kb:read", "kb:read"][..], "kb:read reports"),
        (&["*:*"], "*:*"),
        (&["kb_*:read*"], "kb_*:read*"),
        (&["a:b:c", "https://scopes.test/x"], "a:b:c https://scopes.test/x"),
    ] {
        let parsed = KeyScopes::new(scopes).unwrap();
        assert_eq!(parsed.to_string(), text);
        assert_eq!(text.parse::<KeyScopes>().unwrap(), parsed);
        assert!(!parsed.has_all_rights() && !parsed.list().is_empty());
    }
    let all = KeyScopes::all_rights();
    assert_eq!((all.to_string().as_str(), "*".parse::<KeyScopes>().unwrap()), ("*", all.clone()));
    assert!(all.has_all_rights() && all.list().is_empty());
    // An empty column is no key with all rights.
    for text in ["", " ", "* kb:read", "kb:read  reports"] {
        assert!(text.parse::<KeyScopes>().is_err(), "{text:?}");
    }
}
