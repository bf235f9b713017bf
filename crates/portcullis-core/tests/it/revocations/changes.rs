//! Who waits for something to be revoked is told, and nobody before.

use super::{at, is_revoked, list, of_session, session, token_id, user};
use crate::tokens::NOW;
use futures_util::FutureExt;
use portcullis_core::{Revocations, TokenId};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
    thread,
};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll(changed: &mut (impl Future<Output = ()> + Unpin), bell: &Arc<Bell>) -> bool {
    changed.poll_unpin(&mut Context::from_waker(&Waker::from(bell.clone()))).is_ready()
}

#[test]
fn every_kind_of_revocation_is_told_to_all_who_wait() {
    let (list, _) = list();
    list.end_session(&session("before anybody waited"));
    for revoke in [
        (|list| list.revoke_token(&token_id("t"))) as fn(&portcullis_core::RevocationList),
        |list| list.end_session(&session("s")),
        |list| list.sign_out(&user("alice"), at(NOW)),
        // Once more, which changes nothing.
        |list| list.end_session(&session("s")),
    ] {
        let mut waiting: Vec<_> = (0..10).map(|_| (list.changed(), Arc::<Bell>::default())).collect();
        for (changed, bell) in &mut waiting {
            assert!(!poll(changed, bell), "nothing was revoked since");
            assert_eq!(bell.0.load(SeqCst), 0);
        }
        // One leaves, and one looks by a clone of the list.
        waiting.pop();
        let clone = list.clone();
        let mut unpolled = clone.changed();
        revoke(&list);
        for (changed, bell) in &mut waiting {
            assert!(bell.0.load(SeqCst) > 0 && poll(changed, bell));
        }
        assert!(poll(&mut unpolled, &Arc::default()), "also who had not looked yet");
        assert!(!poll(&mut list.changed(), &Arc::default()), "and from then on it is the next one");
    }
}

#[test]
fn who_left_is_not_missed() {
    let (list, _) = list();
    let (first, second) = (Arc::<Bell>::default(), Arc::<Bell>::default());
    let (mut leaves, mut stays) = (list.changed(), list.changed());
    assert!(!poll(&mut leaves, &first) && !poll(&mut stays, &second));
    drop(leaves);
    list.end_session(&session("s"));
    assert!(second.0.load(SeqCst) > 0 && poll(&mut stays, &second));
}

/// What was revoked is refused from the moment on in which `revoke` returns, and in which anybody is told.
#[test]
fn who_is_told_sees_it() {
    let (list, _) = list();
    for round in 0..200 {
        let name = format!("session {round}");
        let (start, told) = (Barrier::new(3), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut changed = list.changed();
                    start.wait();
                    while !poll(&mut changed, &Arc::default()) {
                        thread::yield_now();
                    }
                    assert!(is_revoked(&list, &of_session(&name)), "{name}");
                    told.store(true, SeqCst);
                });
            }
            start.wait();
            assert!(!is_revoked(&list, &of_session(&name)));
            list.end_session(&session(&name));
            assert!(is_revoked(&list, &of_session(&name)));
        });
        assert!(told.load(SeqCst));
    }
}

/// Looking first and asking for the change afterwards is the wrong order; the right one misses nothing.
#[test]
fn many_revoke_and_many_look() {
    let (list, _) = list();
    let (threads, each) = (4, 100);
    thread::scope(|scope| {
        for thread in 0..threads {
            let list = &list;
            scope.spawn(move || {
                for at in 0..each {
                    list.end_session(&session(format!("{thread} {at}")));
                    list.revoke_token(&TokenId::new("t").with_issuer(format!("https://{thread}.test")));
                    assert!(is_revoked(list, &of_session(&format!("{thread} {at}"))));
                }
            });
        }
        scope.spawn(|| {
            let last = |thread| of_session(&format!("{thread} {}", each - 1));
            loop {
                let mut changed = list.changed();
                if (0..threads).all(|thread| is_revoked(&list, &last(thread))) {
                    break;
                }
                while !poll(&mut changed, &Arc::default()) {
                    thread::yield_now();
                }
            }
        });
    });
    for thread in 0..threads {
        assert!((0..each).all(|at| is_revoked(&list, &of_session(&format!("{thread} {at}")))));
        assert!(!is_revoked(&list, &of_session(&format!("{thread} {each}"))));
    }
}
