//! Revocations in a store, which may be slow, and may be down: nobody passes then.

use super::HERE;
use crate::{
    asking::{decide, shared},
    head::Head,
    tokens::{verifier, with_more},
};
use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::FutureExt;
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, Principal, Revocations, Scheme, TokenCache, policy::*,
};
use std::{
    fmt,
    sync::{Arc, Mutex},
};

type Said = Result<bool, ErrorKind>;

fn answered(said: Said) -> Result<bool, Error> {
    said.map_err(|kind| Error::new(kind, "as the test says").with_code("private"))
}

/// Answers at once or later, always the same.
#[derive(Debug, Clone, Copy)]
struct Always(Said, bool);

impl Revocations for Always {
    async fn is_revoked(&self, _: &Principal) -> Result<bool, Error> {
        let Self(said, later) = *self;
        if later {
            tokio::task::yield_now().await;
        }
        answered(said)
    }
}

fn gate(revocations: impl Revocations) -> Gate {
    Gate::builder().scheme(Scheme::new(verifier()).bearer()).revocations(revocations).build().unwrap()
}

fn outcome(gate: &Gate) -> Result<String, Error> {
    let who = gate.establish(&Head::new().bearer(&with_more(""))).now_or_never().expect("an answer");
    who.principal().map(|principal| principal.id().subject().to_owned())
}

#[test]
fn however_it_fails_nobody_passes_and_it_is_not_the_tokens_fault() {
    let kinds = [
        (ErrorKind::Missing, 503),
        (ErrorKind::Malformed, 503),
        (ErrorKind::Unrecognized, 503),
        (ErrorKind::Invalid, 503),
        (ErrorKind::Expired, 503),
        (ErrorKind::NoAccount, 503),
        (ErrorKind::CrossOrigin, 503),
        (ErrorKind::Denied, 503),
        (ErrorKind::Hidden, 503),
        (ErrorKind::Rejected, 503),
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Misconfigured, 500),
    ];
    for later in [false, true] {
        assert_eq!(outcome(&gate(Always(Ok(false), later))).unwrap(), "alice");
        let revoked = outcome(&gate(Always(Ok(true), later))).unwrap_err();
        assert_eq!((revoked.kind(), revoked.status()), (ErrorKind::Invalid, 401));
        for (kind, status) in kinds {
            let gate = gate(Always(Err(kind), later));
            let error = outcome(&gate).unwrap_err();
            assert_eq!((error.status(), gate.refuse(&error).status()), (status, status), "{kind:?}, later: {later}");
            let challenges = gate.refuse(&error).headers().filter(|(name, _)| *name == "www-authenticate").count();
            assert_eq!(challenges, 0, "{kind:?}: nobody is asked to sign in again");
            // Not even by a policy that lets everybody in who is somebody.
            let head = Head::new().bearer(&with_more(""));
            let who = gate.establish(&head).now_or_never().unwrap();
            for policy in
                [shared(authenticated()), shared(not(staff())), shared(hidden(any((staff(), authenticated()))))]
            {
                let found = decide(&gate, &who, policy, &head).now_or_never().unwrap();
                assert_eq!(found.unwrap_err().status(), status, "{kind:?}");
            }
        }
    }
}

/// An outage is not a reason to ask the next scheme, nor is a token that was withdrawn.
#[test]
fn the_next_scheme_is_not_asked() {
    #[derive(Debug)]
    struct Anybody;
    impl Authenticator for Anybody {
        async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
            Ok(Principal::new(portcullis_core::PrincipalKind::User, "anybody"))
        }
    }
    for (said, status) in [(Ok(true), 401), (Err(ErrorKind::Unrecognized), 503), (Err(ErrorKind::Unavailable), 503)] {
        for later in [false, true] {
            let gate = Gate::builder().scheme(Scheme::new(verifier()).bearer()).scheme(Scheme::new(Anybody).bearer());
            let gate = gate.revocations(Always(said, later)).build().unwrap();
            assert_eq!(outcome(&gate).unwrap_err().status(), status, "{said:?}, later: {later}");
        }
    }
    let gate =
        Gate::builder().scheme(Scheme::new(verifier()).bearer()).scheme(Scheme::new(Anybody).bearer()).build().unwrap();
    let who = gate.establish(&Head::new().bearer("abc")).now_or_never().unwrap();
    assert_eq!(who.principal().unwrap().id().subject(), "anybody");
}

/// Answers when the test says so.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Vec<Sender<Said>>>>);

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

impl Revocations for Slow {
    async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
        assert_eq!((principal.id().subject(), principal.issuer()), ("alice", Some(HERE)));
        let (said, says): (_, Receiver<Said>) = channel();
        self.0.lock().unwrap().push(said);
        answered(says.await.unwrap_or(Err(ErrorKind::Invalid)))
    }
}

#[test]
fn a_slow_one_is_waited_for_and_may_be_left() {
    for cached in [false, true] {
        let slow = Slow::default();
        let gate = Gate::builder().scheme(Scheme::new(verifier()).bearer()).revocations(slow.clone());
        let gate = if cached { gate.cache(TokenCache::new(10)) } else { gate }.build().unwrap();
        let establish = || Box::pin(gate.establish(&Head::new().bearer(&with_more(""))));
        let asked = || slow.0.lock().unwrap().len();
        for (said, status) in [(Ok(false), 200), (Ok(true), 401), (Err(ErrorKind::Unavailable), 503)] {
            let (mut left, mut stays) = (establish(), establish());
            assert!((&mut left).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
            assert_eq!(asked(), 2, "once for each request");
            drop(left);
            assert!((&mut stays).now_or_never().is_none());
            let said_now = slow.0.lock().unwrap().pop().unwrap();
            said_now.send(said).unwrap();
            let found = stays.now_or_never().unwrap().principal().map_or_else(|error| error.status(), |_| 200);
            assert_eq!(found, status, "cached: {cached}");
            slow.0.lock().unwrap().clear();
        }
        // A store that goes away without an answer.
        let mut waits = establish();
        assert!((&mut waits).now_or_never().is_none());
        slow.0.lock().unwrap().clear();
        assert_eq!(waits.now_or_never().unwrap().principal().unwrap_err().status(), 503);
    }
}

/// Unless it says so, nobody is told of changes; and what is behind an `Arc` is what it was.
#[test]
fn what_a_store_need_not_do() {
    let store = Arc::new(Always(Ok(true), false));
    assert!(store.changed().now_or_never().is_none());
    assert_eq!(outcome(&gate(store)).unwrap_err().status(), 401);
    let list = Arc::new({
        let (list, _) = super::list();
        list.end_session(&super::session("hers"));
        list
    });
    assert!(
        super::is_revoked(&list, &super::of_session("hers")) && !super::is_revoked(&list, &super::of_session("his"))
    );
}
