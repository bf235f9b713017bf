//! What is remembered of Directus' answers, and for how long (case 96).

use crate::{instance::*, tokens::*};
use portcullis_core::{
    Credential, CredentialSource, HttpClient, HttpRequest, HttpResponse, Reply, WhoAmI, testing::FixedClock,
};
use serde_json::json;
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

/// Both ways that ask, with a clock to move.
fn asking(instance: &Instance) -> [(WhoAmI, FixedClock); 2] {
    [instance.hybrid(), instance.introspect()].map(|way| {
        let clock = FixedClock::at(NOW);
        (way.clock(clock.clone()), clock)
    })
}

#[test]
fn ten_seconds_and_two() {
    for what in [session(), "opaque".to_owned()] {
        let known = || Instance::knowing(&what, Standing::user("u1", false));
        for (place, way) in [0, 1].into_iter().flat_map(|place| [(place, true), (place, false)]) {
            let instance = if way { known() } else { Instance::default() };
            let [asked, lasts] = if way { [2, 10] } else { [1, 2] };
            let (asking, clock) = asking(&instance)[place].clone();
            for _ in 0..lasts {
                assert_eq!(enter(&asking, &what).is_ok(), way);
                assert_eq!(instance.asked(), asked, "within {lasts} s it is asked once");
                clock.advance(SECOND);
            }
            assert_eq!(enter(&asking, &what).is_ok(), way);
            assert_eq!(instance.asked(), 2 * asked, "after {lasts} s it is asked again");
        }
    }
}

/// Cases 77 and 87: what has changed counts as soon as nothing else is remembered.
#[test]
fn a_logout_and_a_right_that_is_taken_away() {
    let instance = Instance::knowing(&session(), Standing::user("u1", true));
    for (asking, clock) in asking(&instance) {
        let instance = instance.clone().and(&session(), Standing::user("u1", true));
        assert!(enter(&asking, &session()).unwrap().is_staff());
        let instance = instance.and(&session(), Standing::user("u1", false));
        clock.advance(10 * SECOND);
        assert!(!enter(&asking, &session()).unwrap().is_staff());
        let instance = instance.and(&session(), Standing::unknown());
        clock.advance(9 * SECOND);
        assert!(enter(&asking, &session()).is_ok(), "remembered");
        clock.advance(SECOND);
        assert_eq!(subject(&asking, &session()), Err(401));
        // A new login is another token.
        let again = token(json!({ "session": "another" }));
        let _instance = instance.and(&again, Standing::user("u1", false));
        assert_eq!(subject(&asking, &again), Ok("u1".into()));
    }
}

#[test]
fn never_past_the_end_of_the_token() {
    let short = token(json!({ "session": "s", "exp": NOW + 3 }));
    let instance = Instance::knowing(&short, Standing::user("u1", false));
    let clock = FixedClock::at(NOW);
    let hybrid = instance.hybrid().remember(3600 * SECOND, SECOND).clock(clock.clone());
    clock.advance(2 * SECOND);
    assert!(enter(&hybrid, &short).is_ok());
    clock.advance(SECOND);
    assert_eq!((subject(&hybrid, &short), instance.asked()), (Err(401), 2));
}

#[test]
fn nothing_is_remembered_where_that_is_said() {
    let instance = Instance::knowing(&session(), Standing::user("u1", false));
    let hybrid = instance.hybrid().remember(Duration::ZERO, Duration::ZERO);
    for again in 1..=3 {
        assert!(enter(&hybrid, &session()).is_ok());
        assert_eq!(instance.asked(), 2 * again);
    }
    let _instance = instance.clone().and(&session(), Standing::unknown());
    assert_eq!((subject(&hybrid, &session()), instance.asked()), (Err(401), 7));
}

/// Answers when it is told to.
#[derive(Debug, Clone, Default)]
struct Slow(Arc<Mutex<(usize, Vec<Reply>)>>);

impl HttpClient for Slow {
    fn send(&self, _: HttpRequest, reply: Reply) {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        state.1.push(reply);
    }
}

impl Slow {
    fn answers(&self, (status, body): (u16, serde_json::Value)) {
        let reply = self.0.lock().unwrap().1.pop().unwrap();
        reply.give(Ok(HttpResponse::new(status, body.to_string())));
    }
}

/// A hundred requests with one session ask once, over both addresses.
#[test]
fn a_hundred_ask_once() {
    for standing in
        [Standing::user("u1", false), Standing { globals: Standing::unknown().globals, ..Standing::user("u1", false) }]
    {
        let slow = Slow::default();
        let hybrid = Instance::local().hybrid(URL, slow.clone()).unwrap();
        let session = session();
        let credential = Credential::new(&*session, CredentialSource::bearer());
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting: Vec<Pin<Box<_>>> = (0..100).map(|_| Box::pin(hybrid.authenticate(&credential))).collect();
        assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().poll(&mut context).is_pending()));
        slow.answers(standing.me.clone());
        assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().poll(&mut context).is_pending()));
        slow.answers(standing.globals.clone());
        assert_eq!(slow.0.lock().unwrap().0, 2);
        for waiting in waiting {
            assert_eq!(now(waiting).is_ok(), standing.globals.0 == 200);
        }
    }
}
