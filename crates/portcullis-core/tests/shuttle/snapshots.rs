//! Who reads while keys are replaced sees one set, whole, and never an older one after a newer one.

use crate::{
    desk::{Asked, Does},
    rig::{NOW, Passes, Rig, keys_for},
    schedules::{exhaust, explore},
};
use shuttle::{sync::mpsc::Receiver, thread};

/// The set number `n`: the key 1 and another, good for so many seconds.
fn set(n: u8) -> Does {
    Does::Gives(keys_for(&[1, n], 100 + u64::from(n)))
}

/// Which set is at hand. That it is none that never was is held against what it says of itself in three places.
fn at_hand(rig: &Rig) -> u8 {
    let export = rig.keys.export().unwrap();
    let number = |name: &str| {
        let rest = export.split_once(name).unwrap().1;
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u64>().unwrap()
    };
    let n = number(r#""lifetime":"#) - 100;
    // Each set is fetched 200 seconds after the one before it.
    assert_eq!(number(r#""fetched":"#), NOW + 200 * (n - 2), "{export}");
    let names = (2..=4).filter(|n| export.contains(&format!(r#""kid":"k{n}""#))).collect::<Vec<u64>>();
    assert_eq!(names, [n], "{export}");
    n as u8
}

/// Fetches the set number `n`.
fn fetch(rig: &Rig, asked: &Receiver<Asked>, n: u8) {
    // Expired or not there yet: who does not wait begins it.
    rig.verify(1);
    set(n).with(asked.recv().unwrap().1);
}

#[test]
fn whole_and_in_order() {
    explore(2000, &["2", "3", "4"], |seen| {
        let (rig, asked) = Rig::cold();
        fetch(&rig, &asked, 2);
        let readers = [(); 2].map(|()| {
            let (rig, seen) = (rig.clone(), seen.clone());
            thread::spawn(move || {
                let mut newest = 0;
                for _ in 0..4 {
                    let n = at_hand(&rig);
                    assert!(newest <= n, "{n} after {newest}");
                    newest = n;
                    seen.note(n);
                }
            })
        });
        for n in 3..=4 {
            rig.advance(200);
            fetch(&rig, &asked, n);
            assert_eq!(at_hand(&rig), n);
        }
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!((at_hand(&rig), rig.desk.requests()), (4, 3));
    });
}

/// Two looks, and two sets that land meanwhile, in every order.
#[test]
fn every_order_of_two_looks() {
    exhaust(&["22", "23", "24", "33", "34", "44"], |seen| {
        let (rig, asked) = Rig::cold();
        fetch(&rig, &asked, 2);
        let reading = rig.clone();
        let reader = thread::spawn(move || [(); 2].map(|()| at_hand(&reading).to_string()).concat());
        for n in 3..=4 {
            rig.advance(200);
            fetch(&rig, &asked, n);
        }
        seen.note(reader.join().unwrap());
        assert_eq!(rig.verify(1), Passes);
    });
}
