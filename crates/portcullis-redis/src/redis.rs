//! The connection, and what it costs when there is none.

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind as Kind, FromRedisValue, RedisError, RedisResult,
    aio::MultiplexedConnection,
};
use portcullis_core::{Error, ErrorKind};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync, time};

/// How long a command may take, with the connection that it may need.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long Redis is not asked after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A Redis. Clones share one connection, which is made when it is first needed.
///
/// `Debug` shows neither address nor password.
///
/// ```
/// use portcullis_core::ErrorKind;
/// use portcullis_redis::Redis;
///
/// let redis = Redis::open("redis://:password@127.0.0.1").map(|redis| redis.prefix("shop"));
/// assert_eq!(format!("{redis:?}"), r#"Ok(Redis { prefix: "shop", .. })"#);
///
/// let unknown = Redis::open("http://:password@127.0.0.1");
/// assert!(unknown.is_err_and(|error| error.kind() == ErrorKind::Misconfigured));
/// ```
#[derive(Clone)]
pub struct Redis {
    client: Client,
    prefix: Arc<str>,
    link: Arc<Link>,
}

#[derive(Default)]
struct Link {
    connection: sync::Mutex<Option<MultiplexedConnection>>,
    /// While it does not answer: when it may be asked again.
    away: Mutex<Option<Instant>>,
}

impl Redis {
    /// The Redis at this address, such as `redis://:password@127.0.0.1:6379/0`. Nothing is connected yet.
    ///
    /// # Errors
    /// Of kind [`Misconfigured`](ErrorKind::Misconfigured), if it is no such address.
    pub fn open(url: &str) -> Result<Self, Error> {
        let client = Client::open(url);
        client.map(Self::new).map_err(|error| {
            Error::new(ErrorKind::Misconfigured, "the address of Redis is not valid").with_cause(error)
        })
    }

    /// The Redis of a client of your own, such as one with certificates of its own.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, prefix: "portcullis".into(), link: Arc::default() }
    }

    /// What all keys begin with, for services that share a Redis. By default `portcullis`.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// A connection of its own whose commands may wait for this long.
    pub(crate) async fn connect(&self, patience: Duration) -> RedisResult<MultiplexedConnection> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(patience));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Asks, unless Redis did not answer a moment ago.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        if self.link.is_away(Instant::now()) {
            return Err(RedisError::from((Kind::Io, "Redis did not answer a moment ago")));
        }
        let asking = async { command.query_async(&mut self.connection().await?).await };
        let asked = time::timeout(PATIENCE, asking).await;
        let answer = asked.unwrap_or_else(|_| Err(RedisError::from((Kind::Io, "Redis did not answer in time"))));
        let lost = answer.as_ref().err().filter(|error| error.is_io_error() || error.is_unrecoverable_error());
        if lost.is_some() {
            *self.link.connection.lock().await = None;
        }
        self.link.note(lost, Instant::now());
        answer
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut kept = self.link.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let made = self.connect(PATIENCE).await?;
        *kept = Some(made.clone());
        Ok(made)
    }
}

impl Link {
    /// Whether Redis is not to be asked. After each pause one caller asks, and the others do not wait for it.
    fn is_away(&self, now: Instant) -> bool {
        match &mut *self.away.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(again) if now < *again => true,
            Some(again) => {
                *again = now + PAUSE;
                false
            }
            None => false,
        }
    }

    fn note(&self, lost: Option<&RedisError>, now: Instant) {
        let away = lost.map(|_| now + PAUSE);
        let before = std::mem::replace(&mut *self.away.lock().unwrap_or_else(PoisonError::into_inner), away);
        match (before, lost) {
            (None, Some(error)) => tracing::warn!(target: "portcullis", %error, "Redis does not answer"),
            (Some(_), None) => tracing::info!(target: "portcullis", "Redis answers again"),
            _ => {}
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_asks_after_each_pause() {
        let (link, start) = (Link::default(), Instant::now());
        let lost = RedisError::from((Kind::Io, "lost"));
        assert!(!link.is_away(start));
        link.note(Some(&lost), start);
        assert!(link.is_away(start));
        let after = start + PAUSE;
        assert!(!link.is_away(after), "one asks");
        assert!(link.is_away(after), "and no other, until it was answered");
        link.note(None, after);
        assert!(!link.is_away(after));
    }
}
