//! No keys yet.

use super::*;
use scripted::Asked;

#[test]
fn the_first_token_fetches_once() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    rig.expect("before any", &[], 0);
    rig.expect("at once", &[(&token(1), PASSES), (&token(1), PASSES)], 1);
    let headers = vec![(KEYS_ACCEPT.0.to_owned(), KEYS_ACCEPT.1.to_owned())];
    let asked = Asked { method: "GET".to_owned(), url: URL.to_owned(), headers, body: String::new() };
    assert_eq!(rig.issuer.asked(), [asked]);
}

#[test]
fn a_hundred_that_come_together_wait_for_one_request() {
    for lands in [true, false] {
        let rig = Rig::new(Does::Keep);
        let mut waiting: Vec<Asking> = (0..100).map(|_| rig.asking(&token(1))).collect();
        assert!(waiting.iter_mut().all(|asking| poll(asking).is_none()));
        assert_eq!(rig.issuer.count(), 1);
        if lands {
            rig.issuer.answer_next(keys(&[1]))
        } else {
            rig.issuer.fail_next()
        }
        for mut asking in waiting {
            let answer = poll(&mut asking).expect("nothing more to wait for");
            match answer {
                Ok(principal) => assert!(lands && principal.id().subject() == "alice"),
                Err(error) => assert_eq!((lands, error.kind()), (false, ErrorKind::Unavailable)),
            }
        }
        assert_eq!(rig.issuer.count(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn who_waits_is_woken_from_another_thread() {
    let rig = Rig::new(Does::Keep);
    let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(rig.asking(&token(1)))).collect();
    tokio::task::yield_now().await;
    let issuer = rig.issuer.clone();
    let answering = std::thread::spawn(move || issuer.answer_next(keys(&[1])));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    answering.join().unwrap();
    assert_eq!(rig.issuer.count(), 1);
}

/// Whoever asked first may have gone, at any of the places where it waits.
#[test]
fn leaving_does_not_end_the_flight() {
    // Made, and never polled: nothing is asked.
    let rig = Rig::new(Does::Keep);
    drop(rig.asking(&token(1)));
    assert_eq!(rig.issuer.count(), 0);
    // At the first wait.
    let mut both = [rig.asking(&token(1)), rig.asking(&token(1))];
    assert!(both.iter_mut().all(|asking| poll(asking).is_none()));
    drop(both);
    assert_eq!(rig.issuer.waiting(), 1);
    rig.issuer.answer_next(keys(&[1]));
    assert_eq!(rig.at_once(&token(1)), PASSES);
    // At the second: the set is there, and the key is looked for once more.
    rig.advance(10);
    let mut asking = rig.asking(&token(2));
    assert!(poll(&mut asking).is_none());
    drop(asking);
    rig.issuer.answer_next(keys(&[1, 2]));
    assert_eq!(rig.at_once(&token(2)), PASSES);
    assert_eq!(rig.issuer.count(), 2);
}

#[test]
fn one_leaves_and_the_other_is_served() {
    for first in [true, false] {
        let rig = Rig::new(Does::Keep);
        let mut both = [rig.asking(&token(1)), rig.asking(&token(1))];
        assert!(both.iter_mut().all(|asking| poll(asking).is_none()));
        let [one, two] = both;
        let (gone, mut stays) = if first { (one, two) } else { (two, one) };
        drop(gone);
        rig.issuer.answer_next(keys(&[1]));
        assert!(poll(&mut stays).unwrap().is_ok());
        assert_eq!(rig.issuer.count(), 1);
    }
}

#[test]
fn without_an_answer_it_is_503_and_never_401() {
    for does in [Does::Fail, Does::Drop, Does::Give(status(500)), Does::Give(status(404)), Does::Give(status(304))] {
        let rig = Rig::new(does.clone());
        for token in [token(1), under(1, "forged"), signed(9, r#"{"alg":"EdDSA"}"#)] {
            let error = rig.asking(&token).now_or_never().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Unavailable, 503), "{does:?}");
            let after = error.retry_after().expect("when to come again");
            assert!(after >= Duration::from_millis(500) && after <= seconds(1), "{does:?}: {after:?}");
            assert_eq!(error.issuer(), Some(ISSUER));
        }
        // In the pause nobody asks.
        assert_eq!(rig.issuer.count(), 1, "{does:?}");
    }
    let rig = Rig::new(Does::Keep);
    let mut asking = rig.asking(&token(1));
    assert!(poll(&mut asking).is_none());
    rig.issuer.drop_next();
    assert_eq!(Says::from(poll(&mut asking).unwrap()), UNAVAILABLE);
    assert_eq!(rig.issuer.count(), 1);
}

#[test]
fn an_issuer_that_never_answers() {
    let rig = Rig::new(Does::Keep);
    let mut asking = rig.asking(&token(1));
    for _ in 0..60 {
        assert!(poll(&mut asking).is_none());
        assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (UNAVAILABLE, 1));
        rig.clock.advance(Duration::from_millis(100));
    }
    // From then on each request has six seconds and a pause.
    for minutes in 1..100 {
        assert_eq!(rig.verify(&token(1)), UNAVAILABLE);
        assert!(rig.issuer.count() <= minutes + 1);
        rig.advance(60);
    }
    rig.issuer.wake();
    assert_eq!(poll(&mut asking).map(Says::from), Some(UNAVAILABLE));
}

#[test]
fn verify_does_not_wait_and_begins_to_fetch() {
    let rig = Rig::new(Does::Keep);
    assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (UNAVAILABLE, 1));
    rig.issuer.answer_next(keys(&[1]));
    assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (PASSES, 1));
    // A client that answers in `send` has brought them before they are asked for.
    let rig = Rig::new(Does::Give(keys(&[1])));
    assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (PASSES, 1));
}

/// What is refused without keys costs no request.
#[test]
fn nothing_is_fetched_for_what_could_not_be_verified() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    let foreign = token(1).replace(&base64url(claims("")), "");
    let tokens = [
        "abc".to_owned(),
        foreign,
        signed(1, r#"{"alg":"RS256","kid":"k1"}"#),
        signed(1, r#"{"alg":"none"}"#),
        signed(1, r#"{"alg":"HS256","kid":"k1"}"#),
        signed(1, r#"{"alg":"EdDSA","crit":["exp"]}"#),
        format!("{}.{}.", base64url(r#"{"alg":"EdDSA"}"#), base64url(r#"{"iss":"https://other.test"}"#)),
    ];
    for token in tokens.iter().skip(2) {
        assert!(matches!(rig.at_once(token), Says::Refused(ErrorKind::Invalid | ErrorKind::Unrecognized)), "{token}");
    }
    assert_eq!(rig.at_once(&tokens[0]), Says::Refused(ErrorKind::Unrecognized));
    assert_eq!(rig.issuer.count(), 0);
}

/// A made-up name before there are keys: they are as new as they can be, so there is nothing to look for again.
#[test]
fn a_forged_token_fetches_once_as_well() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    rig.expect("forged, cold", &[(&under(9, "forged"), INVALID)], 1);
}

#[test]
fn a_client_that_panics_leaves_nothing_hanging() {
    for when in [vec![Does::Panic], vec![Does::Give(discovery::document(ISSUER, URL)), Does::Panic]] {
        let rig = if when.len() == 1 { Rig::new(Does::Keep) } else { Rig::discovering(Does::Keep) };
        let requests = when.len();
        rig.issuer.next(when);
        let asking = rig.asking(&token(1));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| asking.now_or_never()));
        assert!(panicked.is_err());
        rig.expect("in the pause", &[(&token(1), UNAVAILABLE)], requests);
        rig.advance(2);
        rig.expect("after it", &[(&token(1), WAITS)], requests + 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn ready() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    rig.keys.ready().await.unwrap();
    rig.keys.ready().await.unwrap();
    assert_eq!((rig.at_once(&token(1)), rig.issuer.count()), (PASSES, 1));
    let rig = Rig::new(Does::Fail);
    let error = rig.keys.ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let again = rig.keys.ready().await.unwrap_err();
    assert!(again.kind() == ErrorKind::Unavailable && again.retry_after().is_some());
    assert_eq!(rig.issuer.count(), 1);
    rig.advance(1);
    rig.issuer.now(Does::Keep);
    let keys_of = rig.keys.clone();
    let mut waits = Box::pin(async move { keys_of.ready().await });
    assert!(poll(&mut waits).is_none());
    rig.issuer.answer_next(keys(&[1]));
    assert!(poll(&mut waits).unwrap().is_ok());
    assert_eq!(rig.issuer.count(), 2);
}
