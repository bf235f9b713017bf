//! Threads.

use super::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// Eight threads with a token whose key is in every set, while the sets change a thousand times.
#[test]
fn no_good_token_is_turned_away_while_keys_rotate() {
    let rig = Arc::new(Rig::new(Does::Give(keys_for(&[1, 2], 10))));
    assert_eq!(rig.ask(&token(1)), PASSES);
    let (done, asked, forged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), under(9, "k1"));
    let threads: Vec<_> = (0..8)
        .map(|place| {
            let (rig, done, asked, forged) = (rig.clone(), done.clone(), asked.clone(), forged.clone());
            thread::spawn(move || {
                let good = token(1);
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                while !done.load(SeqCst) {
                    if place % 2 == 0 {
                        rig.jwt.verify(&good).unwrap();
                    } else {
                        runtime.block_on(rig.asking(&good)).unwrap();
                    }
                    assert_eq!(rig.verify(&forged), INVALID);
                    asked.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for round in 0..1000_usize {
        let n = (round % 200 + 2) as u8;
        rig.issuer.now(Does::Give(keys_for(&[1, n], 10)));
        rig.advance(10);
        let before = asked.load(SeqCst);
        while asked.load(SeqCst) < before + 2 && !threads.iter().any(thread::JoinHandle::is_finished) {
            thread::yield_now();
        }
    }
    done.store(true, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // About one for each round, and a second where two met.
    assert!((500..=2100).contains(&rig.issuer.count()), "{}", rig.issuer.count());
}

/// Cold, and the answers come from a thread of the client's own.
#[test]
fn eight_threads_cold() {
    for round in 0..200 {
        let rig = Arc::new(Rig::new(Does::Keep));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let rig = rig.clone();
                thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(rig.asking(&token(1))).map(drop)
                })
            })
            .collect();
        while rig.issuer.waiting() == 0 {
            thread::yield_now();
        }
        rig.issuer.now(Does::Give(keys(&[1])));
        if round % 2 == 0 {
            rig.issuer.answer_next(keys(&[1]))
        } else {
            rig.issuer.drop_next()
        }
        for thread in threads {
            let answer = Says::from(thread.join().unwrap());
            // Who comes after the failure may find the pause.
            assert!(answer == PASSES || round % 2 == 1 && answer == UNAVAILABLE, "{answer:?}");
        }
        assert_eq!(rig.issuer.count(), 1, "round {round}");
    }
}

/// Many tasks come and go, and the answer comes from outside: nobody is left waiting.
#[test]
fn tasks_that_leave_while_it_lands() {
    let good = token(1);
    for _ in 0..50 {
        let rig = Arc::new(Rig::new(Does::Keep));
        let asking: Vec<Asking> = (0..50).map(|_| rig.asking(&good)).collect();
        let issuer = rig.issuer.clone();
        let answering = thread::spawn(move || {
            while issuer.waiting() == 0 {
                thread::yield_now();
            }
            issuer.answer_next(keys(&[1]));
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = asking.into_iter().map(tokio::spawn).collect();
            tokio::task::yield_now().await;
            for (place, task) in tasks.into_iter().enumerate() {
                if place % 3 == 0 {
                    task.abort();
                    let _ = task.await;
                } else {
                    task.await.unwrap().unwrap();
                }
            }
        });
        answering.join().unwrap();
        assert_eq!(rig.issuer.count(), 1);
    }
}
