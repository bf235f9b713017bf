//! A stream that every process appends to and reads from its beginning.

use crate::Redis;
use ::redis::{
    AsyncCommands, RedisResult,
    aio::MultiplexedConnection,
    cmd,
    streams::{StreamId, StreamReadOptions, StreamReadReply},
};
use std::time::Duration;
use tokio::time;

/// Appends, by the clock of Redis: that of a process that is ahead would remove what others still need.
const APPEND: &str = "local time = redis.call('TIME') \
    local since = math.max(time[1] * 1000 - ARGV[1], 0) \
    redis.call('XADD', KEYS[1], 'MINID', '~', string.format('%.0f', since), '*', unpack(ARGV, 2)) \
    redis.call('PEXPIRE', KEYS[1], ARGV[1])";

/// How many entries are read at once.
const BATCH: usize = 1000;

/// How long a read waits for something new.
const WAIT: Duration = Duration::from_secs(1);

/// Pub/sub would lose what is said while a process starts or connects again.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    redis: Redis,
    key: String,
    keep: Duration,
}

/// Where a process is in the stream.
#[derive(Default)]
pub(crate) struct Reader {
    /// Its own: a read that waits would hold up all other commands.
    connection: Option<MultiplexedConnection>,
    last: Option<String>,
    failed: bool,
}

impl Stream {
    /// Entries are kept for at least this long.
    pub(crate) fn new(redis: &Redis, name: &str, keep: Duration) -> Self {
        Self { redis: redis.clone(), key: redis.key(name), keep }
    }

    pub(crate) async fn append(&self, fields: &[(&str, &str)]) -> RedisResult<()> {
        let keep = u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX);
        let mut append = cmd("EVAL");
        append.arg(APPEND).arg(1).arg(&self.key).arg(keep);
        for (name, value) in fields {
            append.arg(name).arg(value);
        }
        self.redis.ask(&append).await
    }

    /// The next entries, and whether these are all. Waits until there are some, a second at most.
    ///
    /// After an error, the next call connects again and begins at the beginning: Redis may have lost its data or its time.
    pub(crate) async fn next(&self, reader: &mut Reader) -> RedisResult<(Vec<StreamId>, bool)> {
        let read = self.read(reader).await;
        match &read {
            Ok(_) => reader.failed = false,
            Err(error) => {
                if !reader.failed {
                    tracing::warn!(target: "portcullis", %error, key = self.key, "a stream of Redis is not read");
                }
                *reader = Reader { failed: true, ..Reader::default() };
            }
        }
        read
    }

    async fn read(&self, reader: &mut Reader) -> RedisResult<(Vec<StreamId>, bool)> {
        let options = StreamReadOptions::default().count(BATCH);
        // The first read does not wait: that there is nothing is an answer.
        let (last, options) = match &reader.last {
            Some(last) => (last.clone(), options.block(usize::try_from(WAIT.as_millis()).unwrap_or(usize::MAX))),
            None => ("0-0".to_owned(), options),
        };
        let mut connection = match reader.connection.take() {
            Some(connection) => connection,
            None => self.redis.connect(10 * WAIT).await?,
        };
        let reply: Option<StreamReadReply> = connection.xread_options(&[&self.key], &[&last], &options).await?;
        let entries: Vec<_> = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).collect();
        reader.connection = Some(connection);
        reader.last = Some(entries.last().map_or(last, |entry| entry.id.clone()));
        let all = entries.len() < BATCH;
        Ok((entries, all))
    }

    /// The pause after an error.
    pub(crate) async fn pause() {
        time::sleep(WAIT / 4).await;
    }

    /// Says that an entry is skipped: others may write to this Redis too.
    pub(crate) fn skip(&self, entry: &StreamId) {
        tracing::warn!(target: "portcullis", key = self.key, id = entry.id, "an entry of a stream of Redis is not understood");
    }
}
