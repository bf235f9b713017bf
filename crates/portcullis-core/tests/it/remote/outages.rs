//! Tokens of known and of new keys while the issuer is away, and when it is back; keys that are replaced under their name.

use super::*;

/// Twenty tokens a second of a known key, and one of a new key, through three minutes of an outage. `fails` says how long the
/// issuer takes to fail. Returns how long the new key's token was refused after it was back, in milliseconds.
fn outage(fails: u64) -> u64 {
    let rig = Rig::warm(Does::Keep);
    let (good, new, back) = (token(1), token(2), 180_000 + fails / 2);
    let mut begun: Vec<(u64, bool)> = Vec::new();
    let (mut waiting, mut now) = (Vec::<Asking>::new(), 0);
    loop {
        now += 50;
        rig.advance_millis(50);
        // What was asked before the issuer was back fails, the others are answered at once.
        let (before, is_back) = (rig.issuer.count(), now > back);
        if begun.first().is_some_and(|(at, well)| *well || at + fails <= now) {
            match begun.remove(0).1 {
                true => rig.issuer.answer_next(keys(&[1, 2])),
                false => rig.issuer.fail_next(),
            }
        }
        waiting.retain_mut(|asking| match poll(asking).map(Says::from) {
            Some(says) => {
                assert!(says == UNAVAILABLE || is_back && says == PASSES, "{says:?} at {now}");
                false
            }
            None => true,
        });
        let says = rig.ask(&good);
        assert!(says == PASSES || says == WAITS && now < 102_000, "{says:?} at {now}");
        let mut asking = rig.asking(&new);
        match poll(&mut asking).map(Says::from) {
            Some(PASSES) if is_back => return now - back,
            Some(says) => assert_eq!(says, UNAVAILABLE, "at {now}"),
            None => waiting.push(asking),
        }
        begun.extend((before..rig.issuer.count()).map(|_| (now, is_back)));
        assert!(now < back + 20_000);
    }
}

#[test]
fn a_new_key_after_an_outage() {
    for fails in [0, 1000, 3000, 5000] {
        let took = outage(fails);
        assert!(took <= 5150, "an issuer that takes {fails} ms to fail: {took} ms");
    }
}

/// After a time without tokens nobody waits long for an issuer that hangs.
#[test]
fn expired_keys_serve_after_a_second() {
    let rig = Rig::warm(Does::Keep);
    rig.issuer.wake();
    rig.advance(3600);
    let mut known: Vec<Asking> = (0..50).map(|_| rig.asking(&token(1))).collect();
    let (mut new, mut forged) = (rig.asking(&token(2)), rig.asking(&under(9, "k1")));
    assert!(known.iter_mut().chain([&mut new, &mut forged]).all(|asking| poll(asking).is_none()));
    let sleeping = rig.issuer.sleeping();
    assert_eq!((sleeping.len(), sleeping[..50].iter().max()), (52, Some(&seconds(1))));
    assert_eq!(sleeping[50..], [seconds(6), seconds(1)], "the key may be one of the next");
    rig.advance(1);
    rig.issuer.wake();
    for asking in known.iter_mut() {
        assert_eq!(poll(asking).map(Says::from), Some(PASSES));
    }
    assert_eq!(poll(&mut forged).map(Says::from), Some(INVALID));
    assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (PASSES, 1 + 1), "and then nobody waits");
    assert_eq!(poll(&mut new).map(Says::from), Some(UNAVAILABLE), "it has waited for as long as may be");
    // It is the very request that failed for all, and a late answer serves all the same.
    rig.issuer.answer_next(keys(&[2]));
    rig.expect("late", &[(&token(2), PASSES)], 2);
}

#[test]
fn expired_keys_are_replaced_within_the_second() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(3600);
    let [mut known, mut new] = [token(1), token(2)].map(|token| rig.asking(&token));
    assert!(poll(&mut known).is_none() && poll(&mut new).is_none());
    rig.issuer.answer_next(keys(&[2]));
    assert_eq!([poll(&mut known), poll(&mut new)].map(|answer| answer.map(Says::from)), [Some(INVALID), Some(PASSES)]);
}

/// A key that was replaced under its name is found by a look, which a forged signature cannot have more often than that.
#[test]
fn a_key_that_is_replaced_under_its_name() {
    let replaced = ok(set_of([bare(2, r#","kid":"k1""#)])).with_header("cache-control", "max-age=3600");
    let rig = Rig::warm(Does::Give(replaced));
    let new = under(2, "k1");
    rig.advance(4);
    rig.expect("a moment ago", &[(&new, INVALID), (&token(1), PASSES)], 1);
    rig.advance(1);
    rig.expect("found", &[(&new, PASSES), (&token(1), INVALID)], 2);
    for n in 0..1000_u64 {
        assert_eq!(rig.ask(&under(3, "k1")), INVALID);
        assert!(rig.issuer.count() as u64 <= 3 + n * 60 / 5000, "{n}");
        rig.advance_millis(60);
    }
    rig.issuer.now(Does::Fail);
    rig.advance(5);
    let before = rig.issuer.count();
    rig.expect("401 also where the look fails", &[(&token(1), INVALID), (&new, PASSES)], before + 1);
    // In the pause only a key that is not known is looked for.
    for _ in 0..4 {
        rig.advance(5);
        let asked = rig.issuer.count();
        rig.expect("it fails again", &[(&under(3, "x"), UNAVAILABLE)], asked + 1);
    }
    rig.advance_millis(5001);
    let asked = rig.issuer.count();
    rig.expect("paused", &[(&token(1), INVALID)], asked);
}

/// Where keys have no names, each may be meant by any, and so a signature that fits none is one of an unknown key.
#[test]
fn a_new_key_without_a_name() {
    let rig = Rig::new(Does::Give(ok(set_of([bare(1, "")]))));
    rig.expect("first", &[(&token(1), PASSES)], 1);
    rig.issuer.now(Does::Fail);
    rig.advance(5);
    rig.expect("down", &[(&token(1), PASSES), (&token(2), UNAVAILABLE)], 2);
    rig.issuer.now(Does::Give(ok(set_of([bare(1, ""), bare(2, "")]))));
    rig.advance(5);
    rig.expect("back", &[(&token(2), PASSES), (&token(1), PASSES), (&token(3), INVALID)], 3);
}
