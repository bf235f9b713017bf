//! Keys that change: what was verified with others is verified again, and nothing else.

use super::{web::Health, *};

/// A gate that knows the token `good` of the key 1, whose keys are fetched again before they expire.
fn knowing(tag: Option<u8>) -> (Rig, Principal) {
    let rig = Rig::cached();
    rig.web.change(ISSUER, |page| page.tag = tag);
    rig.warm();
    let first = rig.accepted(&token(1, "good"));
    assert!(share(&first, &rig.accepted(&token(1, "good"))));
    (rig, first)
}

/// What an issuer does, and whether what was verified before it holds without another look. The token is accepted in any
/// case, since its key stays.
#[test]
fn a_set_that_is_published_again() {
    type Change = fn(&mut Page);
    let table: [(&str, Change, bool); 5] = [
        ("nothing, and the answer is 304", |_| {}, true),
        ("another lifetime, and the answer is 304", |page| page.max_age = Some(50), true),
        ("another key", |page| page.keys.push(("k3".to_owned(), 3)), false),
        ("one key less", |page| page.keys.truncate(1), false),
        ("another key under the name of the other", |page| page.keys[1].1 = 3, false),
    ];
    for (what, change, is_kept) in table {
        let (rig, first) = knowing(Some(1));
        rig.web.change(ISSUER, change);
        rig.advance(95);
        assert!(share(&first, &rig.accepted(&token(1, "good"))), "{what}: not fetched yet, and nobody waits");
        assert_eq!(rig.client.count(), 2, "{what}: it is fetched");
        let next = rig.accepted(&token(1, "good"));
        assert_eq!(share(&first, &next), is_kept, "{what}");
        assert!(share(&next, &rig.accepted(&token(1, "good"))), "{what}: verified once more, and kept again");
        assert_eq!(rig.refused(&token(9, "good")), ErrorKind::Invalid, "{what}");
    }
}

/// The key is gone, or another one has its name: the very next request is refused.
#[test]
fn a_key_that_is_withdrawn() {
    for keys in [&[("k2", 2)][..], &[("k1", 3), ("k2", 2)]] {
        for late in [95, 100, 3000] {
            let (rig, _) = knowing(None);
            rig.publish(keys);
            rig.advance(late);
            // Before they expire, who comes first brings the new ones about; afterwards everybody waits for them.
            if late == 95 {
                rig.accepted(&token(1, "good"));
            }
            for _ in 0..3 {
                assert_eq!(rig.refused(&token(1, "good")), ErrorKind::Invalid, "{keys:?} after {late} s");
            }
            assert_eq!(rig.accepted(&token(2, "other")).id().subject(), "alice");
            // It is published again, and known when it is looked for.
            rig.publish(&[("k1", 1), ("k2", 2)]);
            rig.advance(200);
            rig.accepted(&token(1, "good"));
        }
    }
}

/// While the issuer is down, old keys hold, and so does what was verified with them; no longer than they do.
#[test]
fn an_outage() {
    for health in [Health::Down, Health::Unreachable, Health::Babbling, Health::Empty] {
        let (rig, first) = knowing(None);
        rig.web.change(ISSUER, |page| page.health = health);
        rig.advance(95);
        assert!(share(&first, &rig.accepted(&token(1, "good"))), "{health:?}: due");
        rig.advance(1000);
        rig.accepted(&token(1, "good"));
        let stale = rig.accepted(&token(1, "good"));
        assert!(share(&stale, &rig.accepted(&token(1, "good"))), "{health:?}: stale, and nobody waits");
        assert_eq!(rig.refused(&token(9, "good")), ErrorKind::Unavailable, "{health:?}: it may be a new key");
        assert_eq!(rig.refused(&signed(9, "k1", &claims("good", ""))), ErrorKind::Invalid, "{health:?}: forged");
        rig.clock.advance(seconds(24 * 3600));
        assert_eq!(rig.refused(&signed(1, "k1", &long("good"))), ErrorKind::Unavailable, "{health:?}: too old");
    }
}

/// Claims that hold for a week.
fn long(jti: &str) -> String {
    claims(jti, "").replace(&(NOW + 3600).to_string(), &(NOW + 7 * 24 * 3600).to_string())
}

#[test]
fn keys_that_are_too_old() {
    let (rig, _) = knowing(None);
    let good = signed(1, "k1", &long("long"));
    let first = rig.accepted(&good);
    assert!(share(&first, &rig.accepted(&good)));
    rig.web.change(ISSUER, |page| page.health = Health::Down);
    rig.advance(100 + 24 * 3600 - 1);
    rig.accepted(&good);
    rig.advance(1);
    for _ in 0..3 {
        assert_eq!(rig.refused(&good), ErrorKind::Unavailable, "503, and not 200 from memory");
        rig.advance(1);
    }
    rig.publish(&[("k1", 1)]);
    rig.advance(100);
    assert!(!share(&first, &rig.accepted(&good)), "other keys, though they look the same");
}

/// The keys become too old in a pause after failures, in which nobody asks the issuer and nobody waits.
#[test]
fn keys_that_become_too_old_in_a_pause() {
    let (rig, _) = knowing(None);
    let good = signed(1, "k1", &long("long"));
    rig.web.change(ISSUER, |page| page.health = Health::Down);
    // So many failures that a pause takes half a minute at least.
    rig.advance(100 + 24 * 3600 - 1000);
    for _ in 0..10 {
        rig.accepted(&good);
        rig.advance(99);
    }
    rig.accepted(&good);
    let (first, count) = (rig.accepted(&good), rig.client.count());
    assert!(share(&first, &rig.accepted(&good)));
    rig.advance(9);
    assert!(share(&first, &rig.accepted(&good)));
    rig.advance(1);
    assert_eq!(rig.refused(&good), ErrorKind::Unavailable);
    assert_eq!(rig.client.count(), count, "it was the pause");
}

/// The clock was set back, so nobody knows how old the keys are: they are asked for as without a cache.
#[test]
fn a_clock_that_is_set_back() {
    let (rig, first) = knowing(None);
    rig.publish(&[("k2", 2)]);
    set_back(&rig.clock, seconds(10));
    assert_eq!(rig.refused(&token(1, "good")), ErrorKind::Invalid);
    rig.publish(&[("k1", 1)]);
    set_back(&rig.clock, seconds(10));
    assert!(!share(&first, &rig.accepted(&token(1, "good"))));
}
