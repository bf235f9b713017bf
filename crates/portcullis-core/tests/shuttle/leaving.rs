//! Requests that are dropped at any of the places where they wait, while others wait for the same.

use crate::{
    desk::{Asked, answering},
    rig::{Passes, Rig, keys, leave_after, poll, waiting},
    schedules::{exhaust, explore},
};
use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    sync::mpsc::Receiver,
    thread,
};

/// What a request waits for. The answer that brings it has the keys 1 and 2.
#[derive(Debug, Clone, Copy)]
enum For {
    /// The first keys.
    Keys,
    /// Newer ones, as those at hand have expired.
    Newer,
    /// The one key that the token names and nobody knows.
    Key,
}

const ALL: [For; 3] = [For::Keys, For::Newer, For::Key];

impl For {
    /// Somebody with a token of the key 2 has to wait now.
    fn rig(self) -> (Rig, Receiver<Asked>) {
        match self {
            Self::Keys => Rig::cold(),
            Self::Newer => Rig::warm(&[1, 2], 100),
            Self::Key => Rig::warm(&[1], 10),
        }
    }
}

#[test]
fn others_are_served() {
    explore(2000, &["it is served", "it leaves"], |seen| {
        let (rig, asked) = ALL[thread_rng().gen_range(0..3)].rig();
        let before = rig.desk.requests();
        let issuer = answering(asked, |_, _| keys(&[1, 2]));
        let leaves = waiting(leave_after(thread_rng().gen_range(0..4), rig.asking(2)));
        let stay = [rig.waiting(2), rig.waiting(2)];
        let left = leaves.join().unwrap();
        assert!(left.is_none_or(|says| says == Passes));
        seen.note(if left.is_some() { "it is served" } else { "it leaves" });
        assert_eq!(stay.map(|stays| stays.join().unwrap()), [Passes; 2]);
        assert_eq!((rig.at_once(2), rig.desk.requests() - before), (Some(Passes), 1));
        drop(rig);
        issuer.ends();
    });
}

/// The answer comes all the same, and whoever is next has it.
#[test]
fn all_leave() {
    explore(2000, &["it is asked", "nobody has looked"], |seen| {
        let (rig, asked) = ALL[thread_rng().gen_range(0..3)].rig();
        let before = rig.desk.requests();
        let issuer = answering(asked, |_, _| keys(&[1, 2]));
        let looks = [(); 3].map(|()| thread_rng().gen_range(0..4));
        let leave = looks.map(|looks| waiting(leave_after(looks, rig.asking(2))));
        for leaves in leave {
            leaves.join().unwrap();
        }
        if looks == [0; 3] {
            seen.note("nobody has looked");
            assert_eq!((rig.waiting(2).join().unwrap(), rig.desk.requests() - before), (Passes, 1));
            issuer.landed();
        } else {
            seen.note("it is asked");
            issuer.landed();
            assert_eq!((rig.at_once(2), rig.desk.requests() - before), (Some(Passes), 1));
        }
        // Nothing stays under way: those that come when it has expired have a flight of their own.
        rig.advance(100);
        assert_eq!((rig.waiting(2).join().unwrap(), rig.desk.requests() - before), (Passes, 2));
        drop(rig);
        issuer.ends();
    });
}

/// Both wait, one leaves after so many more looks, and the answer comes, in every order.
#[test]
fn one_of_two_leaves() {
    for what in ALL {
        for looks in 0..=1 {
            let both = ["it is served", "it leaves"];
            exhaust(if looks == 0 { &both[1..] } else { &both }, move |seen| {
                let (rig, asked) = what.rig();
                let before = rig.desk.requests();
                let (mut leaves, mut stays) = (rig.asking(2), rig.asking(2));
                assert_eq!((poll(&mut leaves), poll(&mut stays)), (None, None));
                let reply = asked.recv().unwrap().1;
                let stays = waiting(stays);
                let answers = thread::spawn(|| keys(&[1, 2]).with(reply));
                // In this thread, which is one to choose from less.
                let left = block_on(leave_after(looks, leaves));
                seen.note(if left.is_some() { "it is served" } else { "it leaves" });
                assert_eq!(stays.join().unwrap(), Passes);
                answers.join().unwrap();
                assert_eq!((rig.at_once(2), rig.desk.requests() - before), (Some(Passes), 1));
            });
        }
    }
}

/// The same with those who wait for the keys alone.
#[test]
fn ready() {
    explore(1000, &["it is served", "it leaves"], |seen| {
        let (rig, asked) = Rig::cold();
        let issuer = answering(asked, |_, _| keys(&[1, 2]));
        let ready = |rig: &Rig| {
            let keys = rig.keys.clone();
            Box::pin(async move { keys.ready().await.is_ok() })
        };
        let leaves = waiting(leave_after(thread_rng().gen_range(1..4), ready(&rig)));
        let stays = waiting(ready(&rig));
        let left = leaves.join().unwrap();
        seen.note(if left.is_some() { "it is served" } else { "it leaves" });
        assert!(left != Some(false) && stays.join().unwrap());
        assert_eq!((rig.at_once(2), rig.desk.requests()), (Some(Passes), 1));
        drop(rig);
        issuer.ends();
    });
}
