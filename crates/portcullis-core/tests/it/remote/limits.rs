//! A client that never replies is not waited for without end.

use super::*;
use log::listen;
use portcullis_core::{Answer, HttpClient, HttpRequest, Reply};
use std::sync::Arc;

/// Whoever waits stops at the limit, and after a pause there is another request.
#[test]
fn who_waits_gives_up() {
    let rig = Rig::new(Does::Keep);
    let mut waits = rig.asking(&token(1));
    assert!(poll(&mut waits).is_none());
    assert_eq!(rig.issuer.sleeping(), [seconds(6)]);
    rig.issuer.wake();
    let error = poll(&mut waits).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some_and(|after| after <= seconds(1)), "{error:?}");
    rig.expect("the pause after a failure", &[(&token(1), UNAVAILABLE)], 1);
    rig.advance(1);
    let mut waits = rig.asking(&token(1));
    assert!(poll(&mut waits).is_none());
    // The first one replies at last: that is nothing to those who wait for the second.
    rig.issuer.answer_next(keys(&[3]));
    assert!(poll(&mut waits).is_none());
    rig.issuer.answer_next(keys(&[1]));
    assert_eq!(poll(&mut waits).map(Says::from), Some(PASSES));
    rig.expect("the keys of the second", &[(&token(1), PASSES), (&under(3, "k1"), INVALID)], 2);
}

/// What comes after the limit, and before another request was made, is good all the same. A failure counts once.
#[test]
fn an_answer_that_is_late() {
    for (answer, says, retry) in [(keys(&[1]), PASSES, 1), (status(500), UNAVAILABLE, 2)] {
        let rig = Rig::new(Does::Keep);
        let mut waits = rig.asking(&token(1));
        assert!(poll(&mut waits).is_none());
        rig.issuer.wake();
        assert_eq!(poll(&mut waits).map(Says::from), Some(UNAVAILABLE));
        rig.issuer.answer_next(answer);
        rig.expect("late", &[(&token(1), says)], 1);
        rig.advance(1);
        assert_eq!(rig.ask(&token(1)), if says == PASSES { PASSES } else { WAITS });
        assert_eq!(rig.issuer.count(), retry);
    }
}

/// All who wait for one request stop when its time is over, and one line says so.
#[test]
fn who_comes_later_waits_for_the_rest() {
    let rig = Rig::new(Does::Keep);
    let mut first = rig.asking(&token(1));
    assert!(poll(&mut first).is_none());
    rig.advance(4);
    let mut second = rig.asking(&token(1));
    assert!(poll(&mut second).is_none());
    assert_eq!((rig.issuer.sleeping(), rig.issuer.count()), (vec![seconds(6), seconds(2)], 1));
    rig.advance(2);
    rig.issuer.wake();
    let heard = listen(|| {
        for waits in [&mut first, &mut second] {
            assert_eq!(poll(waits).map(Says::from), Some(UNAVAILABLE));
        }
    });
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("is the runtime that it runs on blocked?"), "{heard:?}");
    assert_eq!(rig.issuer.count(), 1);
}

/// Keys are fetched ahead, so nobody waits: whoever comes after the limit sees that there was no reply.
#[test]
fn nobody_waits() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(95);
    rig.expect("fetched ahead", &[(&token(1), PASSES)], 2);
    rig.clock.advance(Duration::from_millis(5999));
    assert_eq!((rig.ask(&token(2)), rig.issuer.count()), (WAITS, 2));
    rig.clock.advance(Duration::from_millis(1));
    rig.expect("given up, and paused", &[(&token(1), PASSES)], 2);
    rig.advance(1);
    rig.expect("another one", &[(&token(1), PASSES)], 3);
    rig.issuer.drop_next();
    rig.issuer.answer_next(keys(&[2]));
    rig.expect("its keys", &[(&token(2), PASSES)], 3);
}

/// Two answers have twice the time; one of them has it once.
#[test]
fn a_discovery() {
    let rig = Rig::discovering(Does::Keep);
    let mut waits = rig.asking(&token(1));
    assert!(poll(&mut waits).is_none());
    let document = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{URL}"}}"#);
    rig.issuer.answer_next(ok(document));
    assert_eq!((rig.issuer.sleeping(), rig.issuer.count()), (vec![seconds(12)], 2));
    rig.issuer.answer_next(keys(&[1]));
    assert_eq!(poll(&mut waits).map(Says::from), Some(PASSES));
    rig.advance(100);
    rig.issuer.wake();
    let mut waits = rig.asking(&token(2));
    assert!(poll(&mut waits).is_none());
    assert_eq!((rig.issuer.sleeping(), rig.issuer.count()), (vec![seconds(6)], 3));
}

#[test]
fn ready_gives_up() {
    let rig = Rig::new(Does::Keep);
    let mut ready = Box::pin(rig.keys.ready());
    assert!(poll(&mut ready).is_none());
    rig.issuer.wake();
    assert_eq!(poll(&mut ready).unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
}

/// A client that says nothing of time.
#[derive(Debug)]
struct Plain;

impl HttpClient for Plain {
    fn send(&self, _: HttpRequest, reply: Reply) {
        drop(reply);
    }
}

/// The default timer needs no runtime with time.
#[test]
fn the_default() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for client in [Arc::new(Plain) as Arc<dyn HttpClient>, Arc::new(Arc::new(Plain))] {
        assert_eq!(client.time_limit(), seconds(6));
        assert!(client.sleep(seconds(3600)).now_or_never().is_none());
        let answer: Answer<'_, ()> = client.sleep(Duration::from_millis(1));
        runtime.block_on(answer);
    }
}
