//! An application's own authenticator and its own store of revocations, which answer as they are told.

use super::steps::Mode;
use futures_channel::oneshot::{Sender, channel};
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Jwt, Principal, PrincipalKind, RevocationList, Revocations,
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

    /// Whether there is an answer, when it comes.
    async fn answers(&self) -> Result<(), Error> {
        self.0.asked.fetch_add(1, SeqCst);
        let mode = *self.0.mode.lock().unwrap();
        match mode {
            None | Some(Mode::Now) => Ok(()),
            Some(Mode::Unavailable) => Err(Error::new(ErrorKind::Unavailable, "no database")),
            Some(Mode::Fails) => Err(Error::new(ErrorKind::Denied, "the database says no")),
            Some(Mode::Later) => {
                let (sender, waiting) = channel();
                self.0.waiting.lock().unwrap().push(sender);
                let _ = waiting.await;
                Ok(())
            }
        }
    }
}

/// Knows what begins with `own-`, each time under another name.
#[derive(Debug)]
pub(super) struct Own(pub(super) Script);

impl Authenticator for Own {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let asked = self.0.asked();
        self.0.answers().await?;
        match credential.expose().strip_prefix("own-") {
            Some(name) => Ok(Principal::new(PrincipalKind::Key, format!("{name} {asked}"))),
            None => Err(Error::new(ErrorKind::Unrecognized, "no key of ours")),
        }
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

#[derive(Debug)]
pub(super) struct Store(pub(super) Script, pub(super) RevocationList);

impl Revocations for Store {
    async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
        self.0.answers().await?;
        self.1.is_revoked(principal).await
    }
}

/// A verifier inside another authenticator, which no cache is asked about.
#[derive(Debug)]
pub(super) struct Wrapped(pub(super) Jwt);

impl Authenticator for Wrapped {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.authenticate(credential).await
    }
}
