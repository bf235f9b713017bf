//! Connections that outlive their request, and when they have to end.

mod clocked;
mod ends;
mod extended;
mod outage;
mod policy;
mod slow;
mod waits;

use crate::head::Head;
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::FutureExt;
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, Lease, Principal, PrincipalKind, RevocationList, Scheme, Watch,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sleeps that end when the test says so.
#[derive(Clone, Default)]
struct Sleeps(Arc<Mutex<Asked>>);

/// All that were asked for, and how to end the last one.
type Asked = (Vec<Duration>, Option<Sender<()>>);

impl Sleeps {
    fn sleep(&self, time: Duration) -> Receiver<()> {
        let (over, sleep) = channel();
        let mut state = self.0.lock().unwrap();
        state.0.push(time);
        state.1 = Some(over);
        sleep
    }

    /// What was asked for so far.
    fn asked(&self) -> Vec<Duration> {
        self.0.lock().unwrap().0.clone()
    }

    fn last(&self) -> Duration {
        self.asked().last().copied().expect("a sleep")
    }

    /// The last one is over.
    fn over(&self) {
        let over = self.0.lock().unwrap().1.take().expect("a sleep that goes on");
        assert!(over.send(()).is_ok(), "nobody sleeps any more");
    }
}

/// The wait for the end of a connection.
struct Ending {
    sleeps: Sleeps,
    ended: Watch,
}

impl Ending {
    fn of(lease: &Lease) -> Self {
        let sleeps = Sleeps::default();
        let asked = sleeps.clone();
        Self { sleeps, ended: lease.watch(move |time| asked.sleep(time)) }
    }

    /// The end, if it has come.
    fn now(&mut self) -> Option<ErrorKind> {
        (&mut self.ended).now_or_never().map(|error| error.kind())
    }

    /// The end, if it comes when the sleep is over.
    fn after_sleep(&mut self) -> Option<ErrorKind> {
        self.sleeps.over();
        self.now()
    }
}

/// What an authenticator of the application's own says of every credential. Clones say the same.
#[derive(Debug, Clone)]
struct Says(Arc<Mutex<Result<Principal, ErrorKind>>>);

impl Says {
    fn alice() -> Self {
        Self(Arc::new(Mutex::new(Ok(alice()))))
    }

    fn now(&self, says: Result<Principal, ErrorKind>) {
        *self.0.lock().unwrap() = says;
    }
}

impl Authenticator for Says {
    async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
        self.0.lock().unwrap().clone().map_err(|kind| Error::new(kind, "as the test says"))
    }
}

fn alice() -> Principal {
    Principal::new(PrincipalKind::User, "alice").with_issuer("here").with_session("hers")
}

/// Good for an hour by the clock of the system, which no test waits for.
fn alice_for_an_hour() -> Principal {
    alice().with_times(None, Some(SystemTime::now() + seconds(3600)))
}

fn gate(says: &Says, revocations: &RevocationList) -> Gate {
    Gate::builder().scheme(Scheme::new(says.clone()).bearer()).revocations(revocations.clone()).build().unwrap()
}

/// What the request with this token goes on with.
fn lease(gate: &Gate, token: &str) -> Result<Lease, Error> {
    let head = Head::new().bearer(token);
    gate.establish(&head).now_or_never().expect("an answer at once").lease(None, &head)
}
