//! Questions about tokens that only their issuer can tell about: one for each token, and each answer to those who asked for it.

use crate::{
    desk::{Asked, Desk, Does, answering, leave},
    rig::{Asking, ISSUER, NOW, Says, URL, answer, asking, keys, leave_after, poll, token, waiting},
    schedules::{exhaust, explore},
};
use portcullis_core::{
    Algorithm, Audience, HttpRequest, HttpResponse, Introspection, Issuer, RemoteKeys, testing::FixedClock,
};
use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    sync::mpsc::Receiver,
    thread,
};
use std::time::Duration;

const ASKS_AT: &str = "https://issuer.test/introspect";

/// Whoever a token is about, or why it is none. With keys, the JWT is verified first.
struct Opaque {
    desk: Desk,
    clock: FixedClock,
    introspection: Introspection,
}

impl Opaque {
    fn new() -> (Self, Receiver<Asked>) {
        Self::of(|_| Issuer::without_keys(ISSUER, Audience::is("test")).unwrap())
    }

    fn with_keys() -> (Self, Receiver<Asked>) {
        Self::of(|desk| {
            let keys = RemoteKeys::jwks(URL, desk.clone()).unwrap();
            Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], keys).unwrap()
        })
    }

    fn of(issuer: impl FnOnce(&Desk) -> Issuer) -> (Self, Receiver<Asked>) {
        let ((desk, asked), clock) = (Desk::new(), FixedClock::at(NOW));
        let introspection = Introspection::new(issuer(&desk), ASKS_AT, desk.clone()).unwrap();
        (Self { introspection: introspection.clock(clock.clone()), desk, clock }, asked)
    }

    /// A request with this token: the subject, or else the kind of error.
    fn asking(&self, token: &str) -> Asking<String> {
        let asking = asking(self.introspection.clone(), token);
        Box::pin(async move {
            match asking.await {
                Ok(principal) => principal.id().subject().to_owned(),
                Err(error) => Says::from(Err::<(), _>(error)).to_string(),
            }
        })
    }
}

/// The token of a question.
fn asked_about(request: &HttpRequest) -> &str {
    request.body().strip_prefix("token=").unwrap().split('&').next().unwrap()
}

/// Every token is about a subject of its own, but for a JWT, which says whom it is about.
fn active(request: &HttpRequest) -> Does {
    let token = asked_about(request);
    let subject = if token.contains('.') { "alice".to_owned() } else { format!("of-{token}") };
    let members = r#""active":true,"token_type":"Bearer","aud":"test""#;
    Does::Gives(HttpResponse::new(200, format!(r#"{{{members},"sub":"{subject}"}}"#)))
}

/// All look before the answer comes.
#[test]
fn one_question_for_all() {
    explore(2000, &["asked"], |seen| {
        let (opaque, asked) = Opaque::new();
        let looking: Vec<_> = (0..4)
            .map(|_| {
                let mut asking = opaque.asking("a");
                thread::spawn(move || {
                    assert_eq!(poll(&mut asking), None);
                    asking
                })
            })
            .collect();
        let looked: Vec<_> = looking.into_iter().map(|looking| looking.join().unwrap()).collect();
        assert_eq!(opaque.desk.requests(), 1);
        let all: Vec<_> = looked.into_iter().map(waiting).collect();
        let (request, reply) = asked.recv().unwrap();
        active(&request).with(reply);
        for one in all {
            assert_eq!(one.join().unwrap(), "of-a");
        }
        seen.note("asked");
        // It is remembered, and asked again when it is not any more.
        assert_eq!((poll(&mut opaque.asking("a")), opaque.desk.requests()), (Some("of-a".to_owned()), 1));
        opaque.clock.advance(Duration::from_secs(10));
        assert_eq!((poll(&mut opaque.asking("a")), opaque.desk.requests()), (None, 2));
        leave(asked);
    });
}

/// The answer comes while they look. Never are two under way, and once it is remembered there is no other.
#[test]
fn one_question_at_a_time() {
    explore(2000, &["at once", "waits"], |seen| {
        let (opaque, asked) = Opaque::new();
        let issuer = answering(asked, |_, request| active(request));
        let all: Vec<_> = (0..3)
            .map(|_| {
                let (asking, seen) = (opaque.asking("a"), seen.clone());
                thread::spawn(move || answer(asking, &seen))
            })
            .collect();
        for one in all {
            assert_eq!(one.join().unwrap(), "of-a");
        }
        let before = opaque.desk.requests();
        assert_eq!(poll(&mut opaque.asking("a")), Some("of-a".to_owned()));
        assert_eq!((opaque.desk.requests(), opaque.desk.most_under_way()), (before, 1));
        drop(opaque);
        issuer.ends();
    });
}

/// Two tokens, and the answers come in either order, one of them perhaps without saying anything.
#[test]
fn each_has_its_own_answer() {
    explore(2000, &["a: 503", "a: of-a", "b: 503", "b: of-b"], |seen| {
        let (opaque, asked) = Opaque::new();
        let fails = ["a", "b", "neither"][thread_rng().gen_range(0..3)];
        let all = ["a", "b", "a", "b"].map(|token| {
            let mut asking = opaque.asking(token);
            thread::spawn(move || {
                assert_eq!(poll(&mut asking), None);
                (token, asking)
            })
        });
        let all = all.map(|looking| looking.join().unwrap()).map(|(token, asking)| (token, waiting(asking)));
        assert_eq!((opaque.desk.requests(), opaque.desk.most_under_way()), (2, 2));
        let answers = [asked.recv().unwrap(), asked.recv().unwrap()].map(|(request, reply)| {
            thread::spawn(move || {
                let fails = asked_about(&request) == fails;
                if fails { Does::Drops } else { active(&request) }.with(reply);
            })
        });
        for (token, one) in all {
            let (says, right) = (one.join().unwrap(), format!("of-{token}"));
            assert_eq!(says, if token == fails { "503" } else { &right });
            seen.note(format_args!("{token}: {says}"));
        }
        for answer in answers {
            answer.join().unwrap();
        }
        // What was answered is remembered, and what was not is asked about again.
        for token in ["a", "b"] {
            let says = poll(&mut opaque.asking(token));
            assert_eq!(says, (token != fails).then(|| format!("of-{token}")));
        }
        assert_eq!(opaque.desk.requests(), if fails == "neither" { 2 } else { 3 });
        leave(asked);
    });
}

/// One leaves after any number of looks, or all do, and the answer comes and is remembered.
#[test]
fn leaving() {
    explore(2000, &["it is served", "it leaves"], |seen| {
        let (opaque, asked) = Opaque::new();
        let issuer = answering(asked, |_, request| active(request));
        let leave = [(); 2].map(|()| waiting(leave_after(thread_rng().gen_range(1..4), opaque.asking("a"))));
        let stays = thread_rng().r#gen::<bool>().then(|| waiting(opaque.asking("a")));
        for leaves in leave {
            let left = leaves.join().unwrap();
            seen.note(if left.is_some() { "it is served" } else { "it leaves" });
            assert!(left.is_none_or(|says| says == "of-a"));
        }
        assert!(stays.is_none_or(|stays| stays.join().unwrap() == "of-a"));
        issuer.landed();
        let before = opaque.desk.requests();
        assert_eq!(poll(&mut opaque.asking("a")), Some("of-a".to_owned()));
        assert_eq!((opaque.desk.requests(), opaque.desk.most_under_way()), (before, 1));
        drop(opaque);
        issuer.ends();
    });
}

/// Both wait, one leaves after so many more looks, and the answer comes or fails, in every order.
#[test]
fn one_of_two_leaves() {
    for (looks, fails) in [(0, false), (1, false), (2, false), (1, true)] {
        let both = ["it is served", "it leaves"];
        exhaust(if looks == 0 { &both[1..] } else { &both }, move |seen| {
            let (opaque, asked) = Opaque::new();
            let (mut leaves, mut stays) = (opaque.asking("a"), opaque.asking("a"));
            assert_eq!((poll(&mut leaves), poll(&mut stays)), (None, None));
            let (request, reply) = asked.recv().unwrap();
            let stays = waiting(stays);
            let answers = thread::spawn(move || if fails { Does::Fails } else { active(&request) }.with(reply));
            let left = block_on(leave_after(looks, leaves));
            seen.note(if left.is_some() { "it is served" } else { "it leaves" });
            assert_eq!(stays.join().unwrap(), if fails { "503" } else { "of-a" });
            answers.join().unwrap();
            // A failure is followed by a pause.
            let says = poll(&mut opaque.asking("a"));
            assert_eq!(says.as_deref(), Some(if fails { "503" } else { "of-a" }));
            assert_eq!(opaque.desk.requests(), 1);
            opaque.clock.advance(Duration::from_secs(1));
            let says = poll(&mut opaque.asking("a"));
            assert_eq!((says.is_some(), opaque.desk.requests()), if fails { (false, 2) } else { (true, 1) });
            leave(asked);
        });
    }
}

/// A JWT waits twice, for the keys and for the answer about it, and leaves at either place.
#[test]
fn a_jwt_waits_twice() {
    explore(2000, &["it is served", "it leaves"], |seen| {
        let (opaque, asked) = Opaque::with_keys();
        let issuer = answering(asked, |place, request| match request.url() {
            URL => {
                assert_eq!(place, 0);
                keys(&[1])
            }
            _ => active(request),
        });
        let leaves = waiting(leave_after(thread_rng().gen_range(1..8), opaque.asking(token(1))));
        let stays = [waiting(opaque.asking(token(1))), waiting(opaque.asking(token(1)))];
        let left = leaves.join().unwrap();
        seen.note(if left.is_some() { "it is served" } else { "it leaves" });
        assert!(left.is_none_or(|says| says == "alice"));
        assert_eq!(stays.map(|stays| stays.join().unwrap()), ["alice"; 2]);
        issuer.landed();
        issuer.landed();
        let before = opaque.desk.requests();
        assert_eq!(poll(&mut opaque.asking(token(1))), Some("alice".to_owned()));
        assert_eq!((opaque.desk.requests(), opaque.desk.most_under_way()), (before, 1));
        drop(opaque);
        issuer.ends();
    });
}
