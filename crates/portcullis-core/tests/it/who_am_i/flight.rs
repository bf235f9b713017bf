//! One question about a token at a time, over both addresses, however many wait for the end of it.

use super::{
    ALICE, ME, NO_RIGHTS, RIGHTS, Waiting, ask, asking, asking_of, assert_is, begin, begun, client::*, down, poll,
    subject,
};
use crate::tokens::{NOW, invalid};
use portcullis_core::testing::FixedClock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
    thread,
};

fn all(asking: &portcullis_core::WhoAmI, many: usize) -> Vec<Waiting> {
    (0..many).map(|_| begun(&asking.clone(), "abc")).collect()
}

#[test]
fn a_hundred_ask_once() {
    for (first, second, want) in [
        (ok(ALICE), Some(ok(NO_RIGHTS)), Ok(())),
        (ok(ALICE), Some(status(403)), invalid("refuses the token with 403")),
        (ok(ALICE), Some(status(500)), down("the status 500")),
        (ok(ALICE), Some(outage()), down("connection refused")),
        (ok("{}"), Some(ok("{}")), invalid("has no valid subject")),
        (ok("garbage"), Some(ok(NO_RIGHTS)), down("JSON")),
        (status(401), None, invalid("refuses the token with 401")),
        (status(429), None, down("the status 429")),
        (outage(), None, down("connection refused")),
    ] {
        let service = Service::later();
        let asking = asking(&service);
        let mut waiting = all(&asking, 50);
        assert_eq!((service.addresses(), service.under_way()), (vec![ME.to_owned()], 1));
        service.answer("abc", first);
        let asked = 1 + usize::from(second.is_some());
        if let Some(second) = second {
            for waiting in &mut waiting {
                assert!(poll(waiting).is_none(), "half an answer is none");
            }
            // Who comes between the two waits for the second as well.
            waiting.extend(all(&asking, 50));
            assert_eq!((service.addresses(), service.under_way()), (vec![ME.to_owned(), RIGHTS.to_owned()], 1));
            service.answer("abc", second);
        }
        for waiting in &mut waiting {
            assert_is("all the same", &poll(waiting).expect("an answer"), want);
        }
        assert_eq!(service.asked(), asked);
    }
}

/// Half of what was answered is not kept for the next time.
#[test]
fn after_a_second_address_that_fails_it_begins_anew() {
    let service = Service::later();
    let clock = FixedClock::at(NOW);
    let asking = asking_of(super::issuer(), &service, &clock);
    let begun_after_pause = |token: &str| {
        clock.advance(super::seconds(60));
        begun(&asking, token)
    };
    for failing in
        [outage(), status(500), status(404), Err(portcullis_core::Error::new(portcullis_core::ErrorKind::Invalid, "x"))]
    {
        let mut waiting = begun_after_pause("abc");
        service.answer("abc", ok(r#"{"data":{"id":"before"}}"#));
        service.answer("abc", failing);
        assert_eq!(poll(&mut waiting).unwrap().unwrap_err().status(), 503);
    }
    let mut waiting = begun_after_pause("abc");
    drop(service.take("abc"));
    assert_is("dropped at the first", &poll(&mut waiting).unwrap(), down("gave up without an answer"));
    let mut waiting = begun_after_pause("abc");
    service.answer("abc", ok(r#"{"data":{"id":"before"}}"#));
    let reply = service.take("abc");
    thread::spawn(move || drop(reply)).join().unwrap();
    assert_is("dropped at the second", &poll(&mut waiting).unwrap(), down("gave up without an answer"));
    let before = service.asked();
    let mut waiting = begun_after_pause("abc");
    service.answer("abc", ok(ALICE));
    service.answer("abc", ok(NO_RIGHTS));
    assert_eq!(subject(&poll(&mut waiting).unwrap()), "alice");
    assert_eq!(service.addresses()[before..], [ME, RIGHTS]);
}

#[test]
fn an_answer_comes_though_everybody_has_left() {
    let service = Service::later();
    let asking = asking(&service);
    drop(all(&asking, 10));
    service.answer("abc", ok(ALICE));
    drop(all(&asking, 10));
    assert_eq!(service.asked(), 2);
    service.answer("abc", ok(NO_RIGHTS));
    assert_eq!(subject(&ask(&asking, "abc")), "alice");
    assert_eq!(service.asked(), 2, "it is remembered");
    // Who only began to ask, and never waited, asked nothing.
    drop(begin(&asking, "other"));
    assert_eq!((service.asked(), service.under_way()), (2, 0));
}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The answers may come on any thread, and each other one.
#[test]
fn answers_from_other_threads() {
    let service = Service::later();
    let asking = asking(&service);
    let (mut waiting, bell) = (begin(&asking, "abc"), Arc::new(Bell::default()));
    let waker = Waker::from(bell.clone());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    for answer in [ok(ALICE), ok(NO_RIGHTS)] {
        assert_eq!(bell.0.load(SeqCst), 0);
        let reply = service.take("abc");
        thread::spawn(move || reply.give(answer)).join().unwrap();
    }
    assert!(bell.0.load(SeqCst) > 0, "who waits is told");
    assert_eq!(subject(&poll(&mut waiting).unwrap()), "alice");
}

#[test]
fn different_tokens_are_asked_about_side_by_side() {
    let service = Service::later();
    let asking = asking(&service);
    let mut waiting: Vec<(String, Waiting)> =
        (0..50).map(|at| format!("token-{at}")).map(|token| (token.clone(), begun(&asking, &token))).collect();
    assert_eq!(service.under_way(), 50);
    for (at, (token, _)) in waiting.iter().enumerate().rev() {
        service.answer(token, ok(format!(r#"{{"data":{{"id":"of {token}"}}}}"#)));
        service.answer(token, if at % 2 == 0 { ok(NO_RIGHTS) } else { status(403) });
    }
    for (at, (token, waiting)) in waiting.iter_mut().enumerate() {
        let subject = poll(waiting).unwrap().ok().map(|principal| principal.id().subject().to_owned());
        assert_eq!(subject, (at % 2 == 0).then(|| format!("of {token}")), "nobody gets another's answer");
    }
    assert_eq!(service.asked(), 100);
}

/// A question takes its place until the last address has answered.
#[test]
fn no_more_than_256_are_asked_about_at_a_time() {
    let service = Service::later();
    let asking = asking(&service);
    let waiting: Vec<_> = (0..256).map(|at| begun(&asking, &format!("token-{at}"))).collect();
    assert_is("one more", &ask(&asking, "more"), down("too many tokens are being asked about"));
    service.answer("token-7", ok(ALICE));
    assert_is("half an answer makes no room", &ask(&asking, "more"), down("too many"));
    service.answer("token-7", ok(NO_RIGHTS));
    drop(begun(&asking, "more"));
    assert_is("and then it is full again", &ask(&asking, "another"), down("too many"));
    service.answer("more", status(401));
    drop(begun(&asking, "another"));
    assert_eq!(service.under_way(), 256);
    drop(waiting);
}

/// Nothing is kept for the sake of a question that is over, nor by one that outlives who asked.
#[test]
fn what_is_dropped_is_gone() {
    let service = Service::later();
    let first = asking(&service);
    let waiting = begun(&first, "abc");
    service.answer("abc", ok(ALICE));
    let reply = service.take("abc");
    drop((first, waiting));
    reply.give(ok(NO_RIGHTS));
    assert_eq!(service.holders(), 1);
}
