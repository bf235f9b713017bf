//! How long connections wait between two looks, and that any number may wait, stop and begin again.

use super::{Ending, Says, alice, gate, lease, seconds};
use futures_channel::oneshot::{Sender, channel};
use portcullis_core::{Error, ErrorKind, Gate, Principal, RevocationList, Revocations, Scheme, SessionId};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

fn list() -> RevocationList {
    RevocationList::new(seconds(900))
}

/// What is waited between two looks; beside each look there is another sleep, which limits it.
fn waits(ending: &Ending) -> Vec<Duration> {
    let asked = ending.sleeps.asked();
    assert!(asked.iter().step_by(2).all(|limit| *limit == seconds(10)), "{asked:?}");
    asked.into_iter().skip(1).step_by(2).collect()
}

#[test]
fn it_looks_at_most_every_second_and_at_least_as_often_as_asked() {
    let endless = Duration::MAX;
    for every in [Duration::ZERO, Duration::from_millis(1), seconds(1), seconds(7), seconds(30), seconds(3600), endless]
    {
        for good_for in [None, Some(0), Some(1), Some(2), Some(20), Some(31), Some(86400)].map(|time| time.map(seconds))
        {
            for outage in [false, true] {
                let says = Says::alice();
                let until = good_for.map(|time| SystemTime::now() + time);
                says.now(Ok(alice().with_times(None, until)));
                let mut ending = Ending::of(&lease(&gate(&says, &list()), "abc").unwrap().check_every(every));
                assert_eq!(ending.now(), None);
                if outage {
                    says.now(Err(ErrorKind::Unavailable));
                }
                for _ in 0..3 {
                    if ending.after_sleep().is_some() {
                        assert!(outage, "{every:?}, good for {good_for:?}");
                        break;
                    }
                }
                let most = every.min(good_for.unwrap_or(Duration::MAX)).max(seconds(1));
                for wait in waits(&ending) {
                    assert!((seconds(1)..=most).contains(&wait), "{wait:?} of {every:?}, good for {good_for:?}");
                }
            }
        }
    }
}

#[test]
fn unless_said_otherwise_it_looks_every_half_minute() {
    let mut ending = Ending::of(&lease(&gate(&Says::alice(), &list()), "abc").unwrap());
    assert_eq!(ending.now(), None);
    for looks in 1..5 {
        assert_eq!(waits(&ending), vec![seconds(30); looks]);
        assert_eq!(ending.after_sleep(), None);
    }
}

#[test]
fn whoever_stopped_waiting_may_begin_again() {
    let (says, revocations) = (Says::alice(), list());
    let lease = lease(&gate(&says, &revocations), "abc").unwrap();
    for _ in 0..3 {
        let mut ending = Ending::of(&lease);
        assert_eq!(ending.now(), None);
        assert_eq!(ending.after_sleep(), None);
    }
    let mut ending = Ending::of(&lease);
    assert_eq!(ending.now(), None);
    drop(ending);
    revocations.end_session(&SessionId::new("hers").with_issuer("here"));
    for _ in 0..2 {
        let mut ending = Ending::of(&lease);
        assert_eq!(ending.now(), Some(ErrorKind::Invalid), "it was revoked while nobody waited, and stays so");
    }
}

#[test]
fn what_ended_while_nobody_waited_shows_at_once() {
    for kind in [ErrorKind::Invalid, ErrorKind::Expired] {
        let says = Says::alice();
        let lease = lease(&gate(&says, &list()), "abc").unwrap();
        assert_eq!(Ending::of(&lease).now(), None);
        says.now(Err(kind));
        assert_eq!(Ending::of(&lease).now(), Some(kind));
        says.now(Ok(alice()));
        assert_eq!(Ending::of(&lease).now(), None);
    }
}

#[test]
fn all_connections_of_a_token_end() {
    let (says, revocations) = (Says::alice(), list());
    let gate = gate(&says, &revocations);
    let one = lease(&gate, "abc").unwrap();
    let leases = [one.clone(), one, lease(&gate, "abc").unwrap()];
    let mut endings = leases.each_ref().map(Ending::of);
    says.now(Ok(alice().with_session("his")));
    let mut other = Ending::of(&lease(&gate, "other").unwrap());
    says.now(Ok(alice()));
    for ending in &mut endings {
        assert_eq!(ending.now(), None);
    }
    says.now(Ok(alice().with_session("his")));
    assert_eq!(other.now(), None);
    revocations.end_session(&SessionId::new("hers").with_issuer("here"));
    for ending in &mut endings {
        assert_eq!(ending.now(), Some(ErrorKind::Invalid));
    }
    assert_eq!(other.now(), None, "another session of hers");

    says.now(Ok(alice().with_session("third")));
    let mut endings = [(); 2].map(|()| Ending::of(&lease(&gate, "abc").unwrap()));
    assert_eq!([endings[0].now(), endings[1].now()], [None, None]);
    says.now(Err(ErrorKind::Invalid));
    for ending in &mut endings {
        assert_eq!(ending.after_sleep(), Some(ErrorKind::Invalid));
    }
}

/// A store whose news reach only those who wait already, and in which something is revoked right after it was looked at.
#[derive(Debug, Default)]
struct Racing {
    /// What the next looks find.
    looks: Mutex<Vec<bool>>,
    waiting: Mutex<Vec<Sender<()>>>,
}

impl Revocations for Racing {
    async fn is_revoked(&self, _: &Principal) -> Result<bool, Error> {
        let found = self.looks.lock().unwrap().pop().unwrap_or(false);
        self.waiting.lock().unwrap().drain(..).for_each(|waiting| waiting.send(()).unwrap_or_default());
        Ok(found)
    }

    async fn changed(&self) {
        let (news, told) = channel();
        self.waiting.lock().unwrap().push(news);
        told.await.unwrap_or_default();
    }
}

#[test]
fn what_is_revoked_while_it_looks_is_not_missed() {
    let (says, racing) = (Says::alice(), Arc::new(Racing::default()));
    let gate = Gate::builder().scheme(Scheme::new(says.clone()).bearer()).revocations(racing.clone()).build().unwrap();
    let lease = lease(&gate, "abc").unwrap();
    // So that nobody looks but who waits for news.
    says.now(Err(ErrorKind::Unavailable));
    *racing.looks.lock().unwrap() = vec![true, false];
    assert_eq!(Ending::of(&lease).now(), Some(ErrorKind::Invalid));
    assert!(racing.looks.lock().unwrap().is_empty(), "it looked twice, without a sleep between");
}
