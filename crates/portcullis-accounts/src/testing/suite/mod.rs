//! The suite that every store has to pass: each command with each of its outcomes, and races of sixteen.
//!
//! It panics at the first thing that is wrong, with what it is. It needs no runtime and no test framework of its own.
//!
//! ```
//! use portcullis_accounts::{store::MemoryStore, testing::suite};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! suite::all(&MemoryStore::new().into()).await;
//! // A store of users of your own:
//! suite::users(&MemoryStore::new()).await;
//! # }
//! ```
#![allow(clippy::panic, reason = "a suite panics when a store does not pass")]

mod factors;
mod family;
mod identities;
mod one_time;
mod organizations;
mod purge;
mod races;
mod sessions;
mod users;

use crate::{
    client::Client,
    id::{SessionId, UserId},
    secret::{Digest, Secret, Token},
    session::{Session, SessionRules},
    store::{OrganizationStore, RotateOutcome, Rotation, SessionStore, StoreError, Stores, UserStore},
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How many callers a race has.
const AT_ONCE: usize = 16;

/// Everything, on a store without sessions and single-use tokens.
///
/// # Panics
/// If the store does not pass.
pub async fn all(stores: &Stores) {
    users(stores.users()).await;
    sessions(stores.sessions()).await;
}

/// The commands of users. There may be users already; it adds others.
///
/// # Panics
/// If the store does not pass.
pub async fn users(store: &dyn UserStore) {
    users::add_and_find(store).await;
    users::change(store).await;
    users::addresses(store).await;
    users::stamps(store).await;
    users::races(store).await;
    users::lists(store).await;
    identities::link(store).await;
    identities::remove(store).await;
    identities::races(store).await;
}

/// The commands of sessions and single-use tokens, on a store that has none: `purge` would remove them.
///
/// # Panics
/// If the store does not pass.
pub async fn sessions(store: &dyn SessionStore) {
    // First, while nothing else is there to be purged.
    purge::families(store).await;
    purge::counts(store).await;
    sessions::open(store).await;
    sessions::tokens(store).await;
    sessions::touch(store).await;
    sessions::organization(store).await;
    sessions::end(store).await;
    sessions::lists(store).await;
    factors::life(store).await;
    factors::races(store).await;
    family::exchange(store).await;
    family::replay(store).await;
    family::reuse(store).await;
    family::refusals(store).await;
    family::lost_answers(store).await;
    family::secrets(store).await;
    one_time::take(store).await;
    one_time::replace(store).await;
    races::refreshes(store).await;
    races::reuse(store).await;
    races::sign_outs(store).await;
    races::without_grace(store).await;
    races::lost_answers(store).await;
    races::single_use(store).await;
    races::purges(store).await;
}

/// The commands of organizations. There may be organizations already; it adds others.
///
/// # Panics
/// If the store does not pass.
pub async fn organizations(store: impl OrganizationStore + 'static) {
    organizations::all(Arc::new(store)).await;
}

/// A time with milliseconds, this long after another one.
fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123 + millis)
}

/// As [`at`], in seconds.
fn second(seconds: u64) -> SystemTime {
    at(seconds * 1000)
}

/// The outcome of a command that must not fail.
trait Passed<T> {
    fn passed(self) -> T;
}

impl<T> Passed<T> for Result<T, StoreError> {
    #[track_caller]
    fn passed(self) -> T {
        self.unwrap_or_else(|error| panic!("the store failed: {error:?}"))
    }
}

#[track_caller]
fn fresh<T, E: std::fmt::Debug>(made: Result<T, E>) -> T {
    made.unwrap_or_else(|error| panic!("{error:?}"))
}

fn secret(texts: &[&str]) -> Secret {
    let (first, others) = texts.split_first().unwrap_or((&"", &[]));
    let first = fresh(Secret::new(format!("{first:0>32}")));
    others.iter().fold(first, |secret, text| fresh(secret.also(format!("{text:0>32}"))))
}

/// A session of a new user that began at second 0 and lasts an hour.
fn session() -> Session {
    Session {
        id: fresh(SessionId::fresh(at(0))),
        user: fresh(UserId::fresh(at(0))),
        stamp: 7,
        methods: vec!["pwd".into()],
        organization: None,
        client: Client::unknown(),
        created_at: at(0),
        used_at: at(0),
        not_after: second(3600),
        ended_at: None,
    }
}

fn digest(token: &Token) -> Digest {
    token.digest(Rotation::PURPOSE)
}

/// A session in a store, with the first of its refresh tokens.
struct Opened<'s> {
    store: &'s dyn SessionStore,
    session: Session,
    first: Token,
    rules: SessionRules,
}

impl<'s> Opened<'s> {
    /// Its first token lasts as long as it does.
    async fn new(store: &'s dyn SessionStore, rules: SessionRules) -> Self {
        Self::with(store, rules, session()).await
    }

    async fn with(store: &'s dyn SessionStore, rules: SessionRules, session: Session) -> Self {
        let first = fresh(Token::fresh());
        store.open(session.clone(), digest(&first), session.not_after).await.passed();
        Self { store, session, first, rules }
    }

    async fn refresh(&self, token: &Token, now: SystemTime) -> RotateOutcome {
        self.refresh_by(&secret(&["secret"]), token, now).await
    }

    async fn refresh_by(&self, secret: &Secret, token: &Token, now: SystemTime) -> RotateOutcome {
        self.store.rotate(Rotation::new(token.clone(), secret.clone(), now, self.rules.clone())).await.passed()
    }

    /// Exchanges a live token.
    #[track_caller]
    fn next(&self, token: &Token, now: SystemTime) -> impl Future<Output = Token> {
        let caller = std::panic::Location::caller();
        async move {
            match self.refresh(token, now).await {
                RotateOutcome::Next { token, .. } => token,
                other => panic!("a live token is exchanged, and not {other:?} ({caller})"),
            }
        }
    }

    async fn is_live(&self, token: &Token, now: SystemTime) -> bool {
        is_live(self.store, token, now).await
    }

    /// The session as the store has it.
    async fn now(&self) -> Session {
        let session = self.store.session(&self.session.id).await.passed();
        session.unwrap_or_else(|| panic!("the session is there"))
    }
}

/// Whether a token is live and its session open.
async fn is_live(store: &dyn SessionStore, token: &Token, now: SystemTime) -> bool {
    let found = store.session_of(&digest(token)).await.passed();
    found.is_some_and(|(session, row)| session.is_open(now) && row.is_live() && row.expires_at > now)
}

/// Whether both are the same text.
fn same(one: &Token, other: &Token) -> bool {
    one.expose() == other.expose()
}
