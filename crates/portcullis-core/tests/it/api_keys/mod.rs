//! API keys: their text, who makes them, when they end, and what their scopes leave of their owner's rights.

mod format;
mod narrowing;
mod owner;
mod random;
mod uses;

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    ApiKey, ApiKeys, Error, ErrorKind, Gate, GateBuilder, KeyDigest, KeyRow, KeyScopes, KeyStore, KeyUse, MemoryKeys,
    NewKey, Principal, PrincipalId, PrincipalKind, Scheme,
    policy::{Policy, via},
    testing::{FixedClock, TestIssuer},
};
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, SystemTime},
};

/// A store that counts what it is asked, and fails when it is down.
#[derive(Debug, Clone, Default)]
struct Counted {
    inner: MemoryKeys,
    finds: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Counted {
    fn answer(&self, count: &AtomicUsize) -> Result<(), Error> {
        count.fetch_add(1, SeqCst);
        // Another kind than those of outages: the gate has to make one of it.
        if self.is_down.load(SeqCst) { Err(Error::new(ErrorKind::Invalid, "a lost connection")) } else { Ok(()) }
    }

    fn finds(&self) -> usize {
        self.finds.swap(0, Relaxed)
    }

    fn writes(&self) -> usize {
        self.writes.swap(0, Relaxed)
    }
}

impl KeyStore for Counted {
    async fn add(&self, key: KeyRow) -> Result<(), Error> {
        self.inner.add(key).await
    }

    async fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRow>, Error> {
        self.answer(&self.finds)?;
        self.inner.find(digest).await
    }

    async fn keys_of(&self, owner: &PrincipalId) -> Result<Vec<KeyRow>, Error> {
        self.inner.keys_of(owner).await
    }

    async fn end(
        &self,
        owner: &PrincipalId,
        id: &str,
        at: SystemTime,
        now: SystemTime,
    ) -> Result<Option<KeyRow>, Error> {
        self.inner.end(owner, id, at, now).await
    }

    async fn note_uses(&self, uses: &[KeyUse]) -> Result<(), Error> {
        self.answer(&self.writes)?;
        self.inner.note_uses(uses).await
    }
}

/// Keys at a gate with a fixed clock.
struct World {
    store: Counted,
    keys: ApiKeys,
    gate: Gate,
    clock: FixedClock,
}

const SOON: Duration = Duration::from_secs(60);

fn world() -> World {
    world_of(|keys| keys)
}

fn world_of(change: fn(ApiKeys) -> ApiKeys) -> World {
    let (store, clock) = (Counted::default(), FixedClock::at(1_700_000_000));
    let keys = change(ApiKeys::new("acme", store.clone()).unwrap());
    let gate = gate_with(Scheme::named("key", keys.clone()).header("x-api-key")).clock(clock.clone()).build().unwrap();
    World { store, keys, gate, clock }
}

fn gate_with(scheme: Scheme) -> GateBuilder {
    Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).scheme(scheme)
}

fn alice() -> Principal {
    Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.test")
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

impl World {
    fn key(&self) -> ApiKey {
        self.key_of(&alice(), NewKey::new("import", KeyScopes::all_rights()))
    }

    fn key_of(&self, who: &Principal, key: NewKey) -> ApiKey {
        now(self.keys.of(who).unwrap().create(key)).unwrap()
    }

    /// The principal of a text, or the code of the error.
    fn who(&self, text: &str) -> Result<Principal, (u16, String)> {
        who_by(&self.gate, via("key"), text)
    }
}

fn who_by(gate: &Gate, policy: impl Policy + 'static, text: &str) -> Result<Principal, (u16, String)> {
    let (plan, head) = (gate.plan(policy).unwrap(), Head::new().header("x-api-key", text));
    let who = now(gate.establish_for(&plan, &head));
    who.principal().cloned().map_err(|error| (error.status(), error.code().to_owned()))
}

fn refused(status: u16, code: &str) -> Result<Principal, (u16, String)> {
    Err((status, code.to_owned()))
}

/// `Principal` is not compared, its id is.
fn code(found: Result<Principal, (u16, String)>) -> Result<String, (u16, String)> {
    found.map(|who| who.id().to_string())
}
