//! An application's own authenticator and its own store of revocations, which answer as they are told.

use super::steps::Mode;
use futures_channel::oneshot::{Sender, channel};
use portcullis_core::{
    Answer, Authenticator, Credential, Error, ErrorKind, Jwt, Principal, PrincipalKind, RevocationList, Revocations,
};
use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// What an application's own parts are told, and how often they were asked. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(Arc<State>);

#[derive(Debug, Default)]
struct State {
    mode: Mutex<Option<Mode>>,
    asked: AtomicUsize,
    waiting: Mutex<Vec<Sender<()>>>,
}

impl Script {
    pub(super) fn now(&self, mode: Mode) {
        *self.0.mode.lock().unwrap() = Some(mode);
    }

    pub(super) fn asked(&self) -> usize {
        self.0.asked.load(SeqCst)
    }

    /// Those who wait are answered.
    pub(super) fn release(&self) {
        let waiting = mem::take(&mut *self.0.waiting.lock().unwrap());
        waiting.into_iter().for_each(|waiting| waiting.send(()).unwrap_or_default());
    }

    fn answer<T: Send + 'static>(
        &self,
        find: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Answer<'static, Result<T, Error>> {
        self.0.asked.fetch_add(1, SeqCst);
        match *self.0.mode.lock().unwrap() {
            None | Some(Mode::Now) => Answer::now(find()),
            Some(Mode::Unavailable) => Answer::now(Err(Error::new(ErrorKind::Unavailable, "no database"))),
            Some(Mode::Fails) => Answer::now(Err(Error::new(ErrorKind::Denied, "the database says no"))),
            Some(Mode::Later) => {
                let (sender, waiting) = channel();
                self.0.waiting.lock().unwrap().push(sender);
                Answer::later(async move {
                    let _ = waiting.await;
                    find()
                })
            }
        }
    }
}

/// Knows what begins with `own-`, each time under another name.
#[derive(Debug)]
pub(super) struct Own(pub(super) Script);

impl Authenticator for Own {
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        let (text, asked) = (credential.expose().to_owned(), self.0.asked());
        self.0.answer(move || match text.strip_prefix("own-") {
            Some(name) => Ok(Principal::new(PrincipalKind::Key, format!("{name} {asked}"))),
            None => Err(Error::new(ErrorKind::Unrecognized, "no key of ours")),
        })
    }
}

#[derive(Debug)]
pub(super) struct Store(pub(super) Script, pub(super) RevocationList);

impl Revocations for Store {
    fn is_revoked(&self, principal: &Principal) -> Answer<'static, Result<bool, Error>> {
        let (list, principal) = (self.1.clone(), principal.clone());
        self.0.answer(move || list.is_revoked(&principal).ready().expect("a list that answers at once"))
    }
}

/// A verifier inside another authenticator, which says so or does not.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) jwt: Jwt,
    pub(super) says_so: bool,
}

impl Authenticator for Wrapped {
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        self.jwt.authenticate(credential)
    }

    fn verifier(&self) -> Option<&Jwt> {
        self.says_so.then_some(&self.jwt)
    }
}
