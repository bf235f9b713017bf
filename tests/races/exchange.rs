//! How a race exchanges refresh tokens: as a store does, or as one would write it first.

use crate::Anyhow;
use portcullis_accounts::{
    Client, Digest, Secret, Session, SessionId, SessionRules, Token, UserId,
    store::{RotateOutcome, Rotation, Stores},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::sync::Barrier;

pub const AT_ONCE: usize = 16;

/// What a caller got for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// A successor that was made for this caller.
    New(String),
    /// One that was made before.
    Again(String),
    /// Nothing, and the session was ended.
    Reused,
    /// Nothing.
    Refused,
}

impl Got {
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::New(token) | Self::Again(token) => Some(token),
            _ => None,
        }
    }
}

/// A session with its first token.
#[derive(Debug, Clone)]
pub struct Opened {
    pub session: Session,
    pub token: String,
}

pub trait Exchange: Clone + Send + Sync + 'static {
    fn open(&self) -> impl Future<Output = Anyhow<Opened>> + Send;
    fn refresh(&self, token: String, now: SystemTime) -> impl Future<Output = Anyhow<Got>> + Send;
}

/// A time that many seconds after the sessions begin.
pub fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
}

pub fn digest(token: &str) -> Digest {
    Token::new(token).digest("refresh")
}

/// A text that this run has not had yet.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed), fastrand::u64(..))
}

pub fn session() -> Opened {
    let session = Session {
        id: SessionId::new(unique("session")),
        user: UserId::new(unique("user")),
        stamp: 0,
        methods: vec!["pwd".into()],
        organization: None,
        client: Client::unknown(),
        created_at: at(0),
        used_at: at(0),
        not_after: at(86_400),
        ended_at: None,
    };
    Opened { session, token: unique("token") }
}

/// The store.
#[derive(Clone)]
pub struct Ours {
    pub stores: Stores,
    pub rules: SessionRules,
    secret: Secret,
}

impl Ours {
    pub fn new(stores: Stores, rules: SessionRules) -> Anyhow<Self> {
        Ok(Self { stores, rules, secret: Secret::new([7; 32])? })
    }
}

impl Exchange for Ours {
    async fn open(&self) -> Anyhow<Opened> {
        let opened = session();
        let (session, token) = (opened.session.clone(), digest(&opened.token));
        self.stores.sessions().open(session, token, opened.session.not_after).await?;
        Ok(opened)
    }

    async fn refresh(&self, token: String, now: SystemTime) -> Anyhow<Got> {
        let rotation = Rotation::new(Token::new(token), self.secret.clone(), now, self.rules.clone());
        Ok(match self.stores.sessions().rotate(rotation).await? {
            RotateOutcome::Next { token, .. } => Got::New(token.expose().to_owned()),
            RotateOutcome::Replay { token, .. } => Got::Again(token.expose().to_owned()),
            RotateOutcome::Reused(_) => Got::Reused,
            _ => Got::Refused,
        })
    }
}

/// Runs tasks that all wait for the last one before they begin.
pub async fn at_once<T, F>(tasks: impl IntoIterator<Item = F>) -> Anyhow<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Anyhow<T>> + Send + 'static,
{
    let tasks: Vec<F> = tasks.into_iter().collect();
    let barrier = Arc::new(Barrier::new(tasks.len()));
    let running: Vec<_> = (tasks.into_iter())
        .map(|task| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in running {
        results.push(task.await??);
    }
    Ok(results)
}

/// Sixteen present these tokens in turn.
pub async fn sixteen<E: Exchange>(exchange: &E, tokens: &[&str], now: SystemTime) -> Anyhow<Vec<Got>> {
    let tasks = tokens.iter().cycle().take(AT_ONCE).map(|token| {
        let (exchange, token) = (exchange.clone(), (*token).to_owned());
        async move { exchange.refresh(token, now).await }
    });
    at_once(tasks).await
}
