//! The text of a key.

use super::*;
use portcullis_core::policy::{also_via, authenticated};

/// Made with Python: `zlib.crc32` and the digits `0-9A-Za-z`.
const VECTORS: [&str; 3] = [
    "acme_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4eQaGr",
    "acme_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh80XWKK2",
    "acme___________________________________________84E3aCs",
];

fn row(text: &str) -> KeyRow {
    KeyRow {
        id: text.chars().rev().take(8).collect(),
        digest: KeyDigest::of(text),
        owner: alice().id().clone(),
        organization: None,
        name: "import".into(),
        start: "acme_".into(),
        scopes: KeyScopes::all_rights(),
        created_at: SystemTime::UNIX_EPOCH,
        expires_at: None,
        withdrawn_at: None,
        used_at: None,
        uses: 0,
    }
}

#[test]
fn vectors() {
    let world = world();
    for text in VECTORS {
        assert_eq!(code(world.who(text)), Err((401, "invalid_key".into())), "{text}");
        assert_eq!(world.store.finds(), 1, "{text}");
        now(world.store.add(row(text))).unwrap();
        assert_eq!(code(world.who(text)), Ok("key|https://id.test|alice".into()), "{text}");
        assert_eq!(world.store.finds(), 1);
    }
}

#[test]
fn a_new_key_has_the_form_that_scanners_know() {
    let world = world();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let key = world.key();
        let rest = key.expose().strip_prefix("acme_").unwrap();
        // `acme_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}`
        let (body, checksum) = rest.split_at_checked(43).unwrap();
        assert!(body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{rest}");
        assert!(checksum.len() == 6 && checksum.bytes().all(|b| b.is_ascii_alphanumeric()), "{rest}");
        assert!(key.expose().starts_with(&key.row().start) && key.row().start.len() == 9);
        assert!(!key.row().id.is_empty() && !key.expose().contains(&key.row().id));
        assert!(seen.insert(key.expose().to_owned()) && seen.insert(key.row().id.clone()));
        assert_eq!(key.row().digest, KeyDigest::of(key.expose()));
        assert!(world.who(key.expose()).is_ok());
    }
}

#[test]
fn every_change_of_one_character_is_refused_without_a_question() {
    let world = world();
    let key = world.key();
    let text = key.expose();
    for at in 0..text.len() {
        for other in (b'!'..=b'~').filter(|byte| *byte != text.as_bytes()[at]) {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            // A changed prefix is somebody else's.
            let expected = if at < 5 { "invalid_token" } else { "invalid_key" };
            assert_eq!(code(world.who(&changed)), Err((401, expected.into())), "{at} {}", char::from(other));
        }
    }
    assert_eq!(world.store.finds(), 0);
    assert!(world.who(text).is_ok());
    assert_eq!(world.store.finds(), 1);
}

#[test]
fn lookalikes() {
    let world = world();
    let key = world.key();
    let text = key.expose();
    let (body, checksum) = text.split_at(48);
    for (other, expected) in [
        ("acme_".to_owned(), "invalid_key"),
        (text[..53].to_owned(), "invalid_key"),
        (format!("{text}0"), "invalid_key"),
        (format!("{body}_{checksum}"), "invalid_key"),
        (format!("{body}{}", "0".repeat(6)), "invalid_key"),
        (text.replace("acme_", "acme__"), "invalid_key"),
        (text.replace("acme_", "acmetest_"), "invalid_token"),
        (text.replace("acme_", "ACME_"), "invalid_token"),
        (text.replace("acme_", ""), "invalid_token"),
        (format!("x{text}"), "invalid_token"),
        ("acme".to_owned(), "invalid_token"),
    ] {
        assert_eq!(code(world.who(&other)), Err((401, expected.into())), "{other}");
    }
    assert_eq!(world.store.finds(), 0);
}

#[test]
fn prefixes() {
    for prefix in ["ac", "acme", "acme2", "a2345678901234567890"] {
        assert!(ApiKeys::new(prefix, MemoryKeys::new()).is_ok(), "{prefix}");
    }
    for prefix in ["", "a", "2acme", "Acme", "acme_live", "acme-live", "acmé", "a23456789012345678901", "ac me"] {
        let error = ApiKeys::new(prefix, MemoryKeys::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{prefix}");
    }
}

/// Both read one header, and each knows its own.
#[test]
fn two_prefixes_side_by_side() {
    let (live, test) = (Counted::default(), Counted::default());
    let [one, other] =
        [("acme", &live), ("acmetest", &test)].map(|(prefix, s)| ApiKeys::new(prefix, s.clone()).unwrap());
    let gate = gate_with(Scheme::named("live", one.clone()).header("x-api-key"))
        .scheme(Scheme::named("test", other.clone()).header("x-api-key"))
        .build()
        .unwrap();
    let create = |keys: &ApiKeys| {
        let new = NewKey::new("import", KeyScopes::all_rights());
        now(keys.of(&alice()).unwrap().create(new)).unwrap().expose().to_owned()
    };
    let (key, trial) = (create(&one), create(&other));
    let (live_only, trial_only) = (|| via("live"), || via("test"));
    assert!(who_by(&gate, live_only(), &key).is_ok() && who_by(&gate, trial_only(), &trial).is_ok());
    assert_eq!(code(who_by(&gate, live_only(), &trial)), code(refused(401, "invalid_token")));
    assert_eq!(code(who_by(&gate, trial_only(), &key)), code(refused(401, "invalid_token")));
    assert_eq!((live.finds(), test.finds()), (1, 1), "no store is asked about the other's keys");
    let either = || also_via("live", also_via("test", authenticated()));
    assert!(who_by(&gate, either(), &key).is_ok() && who_by(&gate, either(), &trial).is_ok());
    assert_eq!((live.finds(), test.finds()), (1, 1));
}

/// Texts of 43 characters are keys of an earlier time.
#[test]
fn other_formats() {
    let world = world_of(|keys| {
        keys.other_format(|text| match text.len() {
            43 => Ok(KeyDigest::of(text)),
            44 => Err(Error::new(ErrorKind::Malformed, "an old key with a wrong form").with_code("malformed_key")),
            _ => Err(Error::new(ErrorKind::Unrecognized, "no key of this service")),
        })
    });
    let old = "V".repeat(43);
    now(world.store.add(row(&old))).unwrap();
    assert_eq!(code(world.who(&old)), Ok("key|https://id.test|alice".into()));
    assert_eq!(world.store.finds(), 1);
    assert_eq!(code(world.who(&"v".repeat(43))), code(refused(401, "invalid_key")));
    assert_eq!(world.store.finds(), 1);
    assert_eq!(code(world.who(&"V".repeat(44))), code(refused(400, "malformed_key")));
    assert_eq!(code(world.who(&"V".repeat(45))), code(refused(401, "invalid_token")));
    // What has the prefix is ours, whatever its length.
    assert_eq!(code(world.who(&format!("acme_{}", "V".repeat(38)))), code(refused(401, "invalid_key")));
    assert_eq!(world.store.finds(), 0);
    assert!(world.key().expose().starts_with("acme_"));
}
