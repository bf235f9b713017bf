//! Two requests that meet at the worst moment. The clock is where they meet: it is asked between any two steps.

use super::*;
use std::{cell::RefCell, collections::VecDeque, fmt, rc::Rc, sync::Arc, thread::LocalKey, time::SystemTime};

type Step = Box<dyn FnOnce()>;

thread_local! {
    /// What happens when the clock is asked the next times; `None` is nothing.
    static STEPS: RefCell<VecDeque<Option<Step>>> = const { RefCell::new(VecDeque::new()) };
}

/// A clock that lets something happen while it is asked.
#[derive(Clone)]
struct Meeting(FixedClock, &'static LocalKey<RefCell<VecDeque<Option<Step>>>>);

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meeting(..)")
    }
}

impl Clock for Meeting {
    fn now(&self) -> SystemTime {
        let now = self.0.now();
        let step = self.1.with(|steps| steps.borrow_mut().pop_front()).flatten();
        if let Some(step) = step {
            step();
        }
        now
    }
}

fn rig(does: Does) -> Rc<Rig> {
    let issuer = Scripted::new(does);
    let keys = as_said().jwks(URL, issuer.clone()).unwrap();
    Rc::new(Rig::by(issuer, keys, |clock| Meeting(clock.clone(), &STEPS)))
}

/// This happens when the clock is asked for the `n`th time from now on.
fn at(n: usize, step: impl FnOnce() + 'static) {
    STEPS.with(|steps| {
        let mut steps = steps.borrow_mut();
        steps.clear();
        steps.extend((1..n).map(|_| None));
        steps.push_back(Some(Box::new(step)));
    });
}

/// The new key lands after a token has looked at the old ones, and before it asks whether to look again. It is there,
/// so the token is good, and there is nothing more to ask.
#[test]
fn a_key_that_lands_between_two_looks() {
    for (n, ahead) in (1..=4).flat_map(|n| [(n, false), (n, true)]) {
        let rig = rig(Does::Give(keys(&[1])));
        assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (PASSES, 1));
        rig.issuer.now(Does::Keep);
        // Under way is the fetch ahead of expiry, or a look for the key.
        rig.advance(if ahead { 91 } else { 10 });
        let first = if ahead { (rig.ask(&token(1)), PASSES) } else { (rig.ask(&token(2)), WAITS) };
        assert_eq!((first.0, rig.issuer.count()), (first.1, 2));
        let landing = rig.clone();
        at(n, move || landing.issuer.answer_next(keys(&[1, 2])));
        let says = rig.ask(&token(2));
        // Not landed: the clock was not asked so often.
        let landed = rig.issuer.count() > 2 || rig.issuer.waiting() == 0;
        assert_eq!(says, if landed { PASSES } else { WAITS }, "at step {n}, ahead: {ahead}");
        assert_eq!(rig.issuer.count(), 2, "at step {n}, ahead: {ahead}");
    }
}

/// Keys that another request has fetched after this one has looked at the clock are not from the future.
#[test]
fn keys_that_are_younger_than_the_request() {
    let rig = rig(Does::Give(keys(&[1])));
    let other = rig.clone();
    at(1, move || {
        other.clock.advance(Duration::from_millis(1));
        assert_eq!(other.ask(&token(1)), PASSES);
    });
    assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (PASSES, 1));
}

/// The flight fails while another token is on its way to join it.
#[test]
fn a_failure_between_two_looks() {
    for n in 1..=3 {
        let rig = rig(Does::Keep);
        assert_eq!(rig.ask(&token(1)), WAITS);
        let landing = rig.clone();
        at(n, move || {
            if landing.issuer.waiting() > 0 {
                landing.issuer.fail_next();
            }
        });
        let says = rig.ask(&token(1));
        assert!(says == UNAVAILABLE || says == WAITS, "at step {n}: {says:?}");
        assert_eq!(rig.issuer.count(), 1, "at step {n}");
    }
}

/// The flight fails after another token has looked at the clock. The pause is for that one too.
#[test]
fn a_failure_since_the_look_at_the_clock() {
    let rig = rig(Does::Keep);
    assert_eq!(rig.ask(&token(1)), WAITS);
    let landing = rig.clone();
    at(1, move || {
        landing.clock.advance(Duration::from_millis(1));
        landing.issuer.fail_next();
    });
    assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (UNAVAILABLE, 1));
    // The harmless neighbour: as much later as the pause may be.
    rig.advance(1);
    assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (WAITS, 2));
}

/// Somebody ends a look after another made-up name has looked at the clock. That one looks no second time.
#[test]
fn a_look_since_the_look_at_the_clock() {
    let rig = rig(Does::Give(keys(&[1])));
    assert_eq!(rig.ask(&token(1)), PASSES);
    rig.issuer.now(Does::Keep);
    rig.advance(10);
    let mut first = rig.asking(&under(9, "forged"));
    assert!(poll(&mut first).is_none());
    rig.issuer.answer_next(keys(&[1]));
    let other = rig.clone();
    at(2, move || {
        other.clock.advance(Duration::from_millis(1));
        assert_eq!(poll(&mut first).map(Says::from), Some(INVALID));
    });
    assert_eq!((rig.ask(&under(9, "another")), rig.issuer.count()), (INVALID, 2));
    rig.advance(5);
    assert_eq!((rig.ask(&under(9, "another")), rig.issuer.count()), (WAITS, 3));
}

/// A hundred rounds of eight threads that all bring the first token of a new key: none is turned away.
#[test]
fn the_first_tokens_of_a_new_key_come_together() {
    use std::sync::Barrier;
    let rig = Arc::new(Rig::new(Does::Give(keys_for(&[1], 3600))));
    assert_eq!(rig.ask(&token(1)), PASSES);
    rig.issuer.now(Does::Keep);
    const ROUNDS: u8 = 200;
    let barrier = Arc::new(Barrier::new(9));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (rig, barrier) = (rig.clone(), barrier.clone());
            std::thread::spawn(move || {
                let mut refused = 0;
                for n in 2..ROUNDS {
                    let token = token(n);
                    let mut asking = rig.asking(&token);
                    barrier.wait();
                    let mut answer = poll(&mut asking);
                    barrier.wait();
                    // Here the set lands.
                    barrier.wait();
                    // Whoever polls while another does is woken later.
                    for _ in 0..100_000 {
                        answer = answer.or_else(|| poll(&mut asking));
                        if answer.is_some() {
                            break;
                        }
                        std::thread::yield_now();
                    }
                    refused += usize::from(answer.is_none_or(|answer| answer.is_err()));
                }
                refused
            })
        })
        .collect();
    for n in 2..ROUNDS {
        rig.advance(6);
        barrier.wait();
        barrier.wait();
        while rig.issuer.waiting() > 0 {
            rig.issuer.answer_next(keys_for(&[1, n], 3600));
        }
        barrier.wait();
    }
    let refused: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!((refused, rig.issuer.count()), (0, usize::from(ROUNDS) - 1));
}
