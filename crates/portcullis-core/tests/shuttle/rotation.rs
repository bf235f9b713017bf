//! Another set lands while tokens are verified: the keys 1 and 2 before, 2 and 3 after.

use crate::{
    desk::{Does, leave},
    rig::{Invalid, Passes, Rig, answer, keys},
    schedules::{exhaust, explore},
};
use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    thread,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

fn next() -> Does {
    keys(&[2, 3])
}

#[test]
fn what_is_answered_meanwhile() {
    let seen = ["after: 401", "at once", "before: 401", "before: passes", "waits"];
    explore(2500, &seen, |seen| {
        // It is time for the next ones, or they have expired.
        let (rig, asked) = Rig::warm(&[1, 2], [91, 100][thread_rng().gen_range(0..2)]);
        let landed = Arc::new(AtomicBool::new(false));
        let has_landed = landed.clone();
        let issuer = thread::spawn(move || {
            for (_, reply) in asked.iter() {
                next().with(reply);
                has_landed.store(true, SeqCst);
            }
        });
        let stays = {
            let rig = rig.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    assert_eq!(block_on(rig.asking(2)), Passes);
                    assert_eq!(rig.verify(2), Passes);
                }
            })
        };
        let new = {
            let (rig, seen) = (rig.clone(), seen.clone());
            thread::spawn(move || {
                assert_eq!(answer(rig.asking(3), &seen), Passes);
                // From here on nothing is known any more of what was before.
                assert_eq!((rig.verify(3), rig.verify(1)), (Passes, Invalid));
            })
        };
        let withdrawn = {
            let (rig, seen) = (rig.clone(), seen.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    let after = landed.load(SeqCst);
                    let says = block_on(rig.asking(1));
                    assert!(says == Invalid || says == Passes && !after);
                    seen.note(format_args!("{}: {says}", if after { "after" } else { "before" }));
                }
            })
        };
        for thread in [stays, new, withdrawn] {
            thread.join().unwrap();
        }
        assert_eq!([1, 2, 3].map(|n| rig.verify(n)), [Invalid, Passes, Passes]);
        // The next ones, and a look for the key that is gone.
        assert!((2..=3).contains(&rig.desk.requests()), "{}", rig.desk.requests());
        assert_eq!(rig.desk.most_under_way(), 1);
        drop(rig);
        issuer.join().unwrap();
    });
}

/// Who sees the new set keeps seeing it, and who sees the old one is refused no token of it.
#[test]
fn one_set_or_the_other() {
    exhaust(&["new", "old", "old, then new"], |seen| {
        let (rig, asked) = Rig::warm(&[1, 2], 91);
        assert_eq!(rig.verify(2), Passes);
        let reply = asked.recv().unwrap().1;
        let lands = thread::spawn(|| next().with(reply));
        seen.note(match [3, 1, 2].map(|n| rig.verify(n)) {
            [Invalid, Passes, Passes] => "old",
            [Passes, Invalid, Passes] => "new",
            [Invalid, Invalid, Passes] => "old, then new",
            other => panic!("{other:?}"),
        });
        lands.join().unwrap();
        assert_eq!([1, 2, 3].map(|n| rig.verify(n)), [Invalid, Passes, Passes]);
        // One more for the key that is gone.
        assert_eq!(rig.desk.requests(), 3);
        leave(asked);
    });
}

/// A token of the new key and one of the key that stays, in every order.
#[test]
fn good_tokens_while_it_lands() {
    for (n, seconds_ago) in [(2, 91), (2, 100), (3, 91), (3, 100)] {
        let both = ["at once", "waits"];
        exhaust(if (n, seconds_ago) == (2, 91) { &both[..1] } else { &both }, move |seen| {
            let (rig, asked) = Rig::warm(&[1, 2], seconds_ago);
            // Who does not wait begins it.
            assert_eq!((rig.verify(1), rig.verify(3)), (Passes, Invalid));
            let reply = asked.recv().unwrap().1;
            let lands = thread::spawn(|| next().with(reply));
            assert_eq!(answer(rig.asking(n), seen), Passes);
            lands.join().unwrap();
            // One more for the key that is gone.
            assert_eq!((rig.at_once(n), rig.desk.requests()), (Some(Passes), 2));
            assert_eq!((rig.verify(1), rig.desk.requests()), (Invalid, 3));
            leave(asked);
        });
    }
}
