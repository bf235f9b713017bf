//! A clock or a log panics while an answer is read. The flight is over all the same: nobody waits for it for ever, and there
//! is another one after a pause.

use super::*;
use crate::log::heard_by;
use portcullis_core::{Clock, Reply};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::SystemTime,
};
use tracing::{Event, Metadata, Subscriber, span};

/// A clock that panics once when it is told to.
#[derive(Debug, Clone)]
struct Broken(FixedClock, Arc<AtomicBool>);

impl Clock for Broken {
    fn now(&self) -> SystemTime {
        assert!(!self.1.swap(false, SeqCst), "the clock has a bug");
        self.0.now()
    }
}

/// A log that panics whenever it is told something.
struct Jammed;

impl Subscriber for Jammed {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "portcullis"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &Event<'_>) {
        panic!("the log has a bug");
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn panics(run: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

type Gives = fn(Reply);

/// What is answered without keys, for whatever reason.
const FAILURES: [(&str, Gives); 3] = [
    ("no connection", |reply| reply.give(Err(Error::new(ErrorKind::Unavailable, "no connection")))),
    ("a bad answer", |reply| reply.give(Ok(status(500)))),
    ("no answer", drop),
];

/// A request that waits hears of it, one that comes in the pause does too, and after it there is another flight.
#[track_caller]
fn hold(what: &str, rig: &Rig, give: impl FnOnce()) {
    let mut waits = rig.asking(&token(1));
    assert!(poll(&mut waits).is_none(), "{what}");
    panics(give);
    assert_eq!(poll(&mut waits).map(Says::from), Some(UNAVAILABLE), "{what}");
    rig.expect(what, &[(&token(1), UNAVAILABLE)], 1);
    rig.advance(1);
    rig.expect(what, &[(&token(1), WAITS)], 2);
}

/// One whose keys have a clock that can break.
fn breaking(discovers: bool) -> (Rig, Arc<AtomicBool>) {
    let (issuer, is_broken) = (Scripted::new(Does::Keep), Arc::new(AtomicBool::new(false)));
    let keys = match discovers {
        true => as_said().discover(ISSUER, issuer.clone()),
        false => as_said().jwks(URL, issuer.clone()),
    };
    (Rig::by(issuer, keys.unwrap(), |clock| Broken(clock.clone(), is_broken.clone())), is_broken)
}

#[test]
fn a_clock_where_a_failure_lands() {
    for discovers in [false, true] {
        for (what, give) in FAILURES {
            let (rig, is_broken) = breaking(discovers);
            hold(what, &rig, || {
                is_broken.store(true, SeqCst);
                give(rig.issuer.kept());
            });
        }
    }
}

#[test]
fn a_log() {
    for discovers in [false, true] {
        for (what, give) in FAILURES {
            let rig = if discovers { Rig::discovering(Does::Keep) } else { Rig::new(Does::Keep) };
            hold(what, &rig, || heard_by(Jammed, || give(rig.issuer.kept())));
        }
    }
}

/// The keys of the answer are there by then, so they serve, and when they have expired there are others to be had.
#[test]
fn a_clock_where_keys_land() {
    let (rig, is_broken) = breaking(false);
    let mut waits = rig.asking(&token(1));
    assert!(poll(&mut waits).is_none());
    is_broken.store(true, SeqCst);
    panics(|| rig.issuer.answer_next(keys(&[1])));
    assert_eq!(poll(&mut waits).map(Says::from), Some(PASSES));
    rig.expect("fetched", &[(&token(1), PASSES), (&under(9, "k1"), INVALID)], 1);
    rig.advance(100);
    rig.issuer.now(Does::Give(keys(&[2])));
    rig.expect("the next ones", &[(&token(2), PASSES), (&under(9, "k2"), INVALID)], 2);
}

/// Where nothing panics a failure is as it was.
#[test]
fn nothing_panics() {
    for (what, give) in FAILURES {
        let rig = Rig::new(Does::Keep);
        let mut waits = rig.asking(&token(1));
        assert!(poll(&mut waits).is_none(), "{what}");
        give(rig.issuer.kept());
        assert_eq!(poll(&mut waits).map(Says::from), Some(UNAVAILABLE), "{what}");
        rig.expect(what, &[(&token(1), UNAVAILABLE)], 1);
    }
}
