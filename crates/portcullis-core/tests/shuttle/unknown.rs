//! Tokens that name a key that nobody knows: made-up names, and a new key, in one crowd.

use crate::{
    desk::answering,
    rig::{FORGED, Invalid, Passes, Rig, answer, keys, poll},
    schedules::{exhaust, explore},
};
use portcullis_core::Clock;
use shuttle::thread;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

/// One look is for all of them, and no token of the new key is refused.
#[test]
fn a_crowd() {
    explore(2000, &["401", "at once", "passes", "waits"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 10);
        let issuer = answering(asked, |_, _| keys(&[1, 2]));
        let forged = [rig.waiting(FORGED), rig.waiting(FORGED)];
        let new = [(); 2].map(|()| rig.answering(2, seen));
        seen.note(rig.verify(2));
        assert_eq!((rig.verify(1), rig.verify(FORGED)), (Passes, Invalid));
        assert_eq!(forged.map(|forged| forged.join().unwrap()), [Invalid; 2]);
        assert_eq!(new.map(|new| new.join().unwrap()), [Passes; 2]);
        assert_eq!((rig.at_once(2), rig.at_once(FORGED), rig.desk.requests()), (Some(Passes), Some(Invalid), 2));
        issuer.landed();
        // Five seconds later there is another look, and again one for all.
        rig.advance(5);
        let forged = [rig.waiting(FORGED), rig.waiting(FORGED)];
        assert_eq!(forged.map(|forged| forged.join().unwrap()), [Invalid; 2]);
        assert_eq!(rig.desk.requests(), 3);
        drop(rig);
        issuer.ends();
    });
}

/// It is published at any moment. Whoever is told that it is not known has come before, and after five seconds it is.
#[test]
fn a_key_that_is_published_meanwhile() {
    explore(2000, &["before the answer", "too late for it"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 10);
        let (published, brought) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_published, brings) = (published.clone(), brought.clone());
        let issuer = answering(asked, move |place, _| {
            let is_published = is_published.load(SeqCst);
            if place == 0 {
                brings.store(is_published, SeqCst);
            }
            if is_published { keys(&[1, 2]) } else { keys(&[1]) }
        });
        let forged = [rig.waiting(FORGED), rig.waiting(FORGED)];
        let new = [rig.waiting(2), rig.waiting(2)];
        let publishing = thread::spawn(move || published.store(true, SeqCst));
        assert_eq!(forged.map(|forged| forged.join().unwrap()), [Invalid; 2]);
        let new = new.map(|new| new.join().unwrap());
        publishing.join().unwrap();
        issuer.landed();
        assert_eq!(rig.desk.requests(), 2);
        if brought.load(SeqCst) {
            seen.note("before the answer");
            assert_eq!(new, [Passes; 2]);
        } else {
            seen.note("too late for it");
            assert_eq!((new, rig.at_once(2)), ([Invalid; 2], Some(Invalid)));
        }
        rig.advance(5);
        assert_eq!((rig.waiting(2).join().unwrap(), rig.verify(1)), (Passes, Passes));
        assert_eq!(rig.desk.requests(), if brought.load(SeqCst) { 2 } else { 3 });
        drop(rig);
        issuer.ends();
    });
}

/// Whoever looks at the clock before others have looked for a key looks no second time.
#[test]
fn time_passes_meanwhile() {
    explore(3000, &["looked early", "looked late"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 10);
        let clock = rig.clock.clone();
        let (began, noting) = (clock.now(), seen.clone());
        let issuer = answering(asked, move |_, _| {
            noting.note(if clock.now() == began { "looked early" } else { "looked late" });
            keys(&[1])
        });
        let forged: Vec<_> = (0..3).map(|_| rig.waiting(FORGED)).collect();
        let clock = rig.clone();
        let time = thread::spawn(move || clock.advance_millis(999));
        for forged in forged {
            assert_eq!(forged.join().unwrap(), Invalid);
        }
        time.join().unwrap();
        assert_eq!(rig.desk.requests(), 2);
        drop(rig);
        issuer.ends();
    });
}

/// The new key and a made-up one look for it, in every order.
#[test]
fn two_that_look() {
    exhaust(&["one look"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 10);
        let looking = [2, FORGED].map(|n| {
            let mut asking = rig.asking(n);
            thread::spawn(move || {
                assert_eq!(poll(&mut asking), None);
                asking
            })
        });
        let [mut new, mut forged] = looking.map(|looking| looking.join().unwrap());
        assert_eq!(rig.desk.requests(), 2);
        keys(&[1, 2]).with(asked.recv().unwrap().1);
        assert_eq!((poll(&mut new), poll(&mut forged)), (Some(Passes), Some(Invalid)));
        seen.note("one look");
    });
}

/// The new key lands while another token of it comes, in every order.
#[test]
fn who_comes_while_it_lands() {
    exhaust(&["at once", "waits"], |seen| {
        let (rig, asked) = Rig::warm(&[1], 10);
        let mut forged = rig.asking(FORGED);
        assert_eq!(poll(&mut forged), None);
        let reply = asked.recv().unwrap().1;
        let lands = thread::spawn(|| keys(&[1, 2]).with(reply));
        assert_eq!(answer(rig.asking(2), seen), Passes);
        lands.join().unwrap();
        assert_eq!((poll(&mut forged), rig.at_once(2), rig.desk.requests()), (Some(Invalid), Some(Passes), 2));
    });
}
