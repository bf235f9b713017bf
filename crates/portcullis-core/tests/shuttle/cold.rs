//! Nothing is fetched yet, and several come at once.

use crate::{
    desk::{Desk, Does, answering},
    rig::{FORGED, ISSUER, Invalid, Passes, Rig, URL, Unavailable, keys, poll, waiting},
    schedules::{exhaust, explore},
};
use portcullis_core::{Answer, HttpClient, HttpRequest, HttpResponse, RemoteKeys, Reply};
use shuttle::thread;
use std::time::Duration;

#[test]
fn one_request_for_all() {
    explore(1500, &["at once", "waits"], |seen| {
        let (rig, asked) = Rig::cold();
        let issuer = answering(asked, |_, _| keys(&[1]));
        let asking: Vec<_> = (0..2).map(|_| rig.answering(1, seen)).collect();
        let ready = {
            let keys = rig.keys.clone();
            waiting(async move { keys.ready().await.is_ok() })
        };
        for asking in asking {
            assert_eq!(asking.join().unwrap(), Passes);
        }
        assert!(ready.join().unwrap());
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Passes), 1));
        issuer.landed();
        // Those who come when it has expired are as many, and cost one more.
        rig.advance(100);
        let again = [rig.waiting(1), rig.waiting(1)];
        assert_eq!(again.map(|asking| asking.join().unwrap()), [Passes; 2]);
        assert_eq!(rig.desk.requests(), 2);
        drop(rig);
        issuer.ends();
    });
}

/// Of two that begin, in every order there is.
#[test]
fn one_request_for_two() {
    exhaust(&["one request"], |seen| {
        let (rig, asked) = Rig::cold();
        let asking = [rig.asking(1), rig.asking(1)].map(|mut asking| {
            thread::spawn(move || {
                assert_eq!(poll(&mut asking), None);
                asking
            })
        });
        let both: Vec<_> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
        assert_eq!(rig.desk.requests(), 1);
        keys(&[1]).with(asked.recv().unwrap().1);
        assert!(both.into_iter().all(|mut asking| poll(&mut asking) == Some(Passes)));
        seen.note("one request");
    });
}

/// Neither those who wait nor those who do not are told of a good token that it is bad.
#[test]
fn who_does_not_wait() {
    explore(1500, &["503", "passes"], |seen| {
        let (rig, asked) = Rig::cold();
        let issuer = answering(asked, |_, _| keys(&[1]));
        let waits = rig.waiting(1);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let rig = rig.clone();
                thread::spawn(move || [rig.verify(1), rig.verify(1)])
            })
            .collect();
        for other in others {
            let [first, second] = other.join().unwrap();
            assert!(first != Invalid && second != Invalid && (first, second) != (Passes, Unavailable));
            seen.note(first);
            seen.note(second);
        }
        assert_eq!((waits.join().unwrap(), rig.desk.requests()), (Passes, 1));
        assert_eq!((rig.verify(1), rig.verify(FORGED)), (Passes, Invalid));
        drop(rig);
        issuer.ends();
    });
}

/// A client that answers before it returns.
#[derive(Debug)]
struct Quick(Desk);

impl HttpClient for Quick {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.0.send(request, Reply::new(drop));
        keys(&[1]).with(reply);
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        self.0.sleep(time)
    }
}

#[test]
fn an_answer_before_the_client_returns() {
    explore(1500, &["at once", "waits"], |seen| {
        let (desk, _asked) = Desk::new();
        let rig = Rig::of(&desk, RemoteKeys::jwks(URL, Quick(desk.clone())).unwrap());
        let asking: Vec<_> = (0..3).map(|_| rig.answering(1, seen)).collect();
        for asking in asking {
            assert_eq!(asking.join().unwrap(), Passes);
        }
        assert_eq!(rig.desk.requests(), 1);
    });
}

/// Two requests that follow each other are one flight.
#[test]
fn discovery() {
    explore(1000, &["503", "passes"], |seen| {
        let (desk, asked) = Desk::new();
        let rig = Rig::of(&desk, RemoteKeys::discover(ISSUER, desk.clone()).unwrap());
        let issuer = answering(asked, |place, request| {
            assert_eq!(request.url().ends_with("/openid-configuration"), place == 0);
            match place {
                0 => {
                    let document = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{URL}"}}"#);
                    Does::Gives(HttpResponse::new(200, document))
                }
                _ => keys(&[1]),
            }
        });
        let asking: Vec<_> = (0..3).map(|_| rig.waiting(1)).collect();
        seen.note(rig.verify(1));
        for asking in asking {
            assert_eq!(asking.join().unwrap(), Passes);
        }
        assert_eq!((rig.at_once(1), rig.desk.requests()), (Some(Passes), 2));
        issuer.landed();
        issuer.landed();
        // Where the keys are is known now.
        rig.advance(100);
        assert_eq!((rig.waiting(1).join().unwrap(), rig.desk.requests()), (Passes, 3));
        drop((rig, desk));
        issuer.ends();
    });
}
