//! Attempts, counted for all processes.

use crate::Redis;
use ::redis::cmd;
use async_trait::async_trait;
use portcullis_accounts::{
    Limit, RateLimits, SpendOutcome,
    store::{StoreError, StoreResult},
};
use std::time::{Duration, SystemTime};

/// Returns 0, or the milliseconds until the next attempt. One script, so that no counter stays without an end.
const SPEND: &str = "local most, window = tonumber(ARGV[1]), tonumber(ARGV[2]) \
    if most < 1 then return window end \
    local count = tonumber(redis.call('GET', KEYS[1]) or '') or 0 \
    local left = redis.call('PTTL', KEYS[1]) \
    if count < 1 or left < 1 or left > window then \
        redis.call('SET', KEYS[1], 1, 'PX', window) \
        return 0 \
    end \
    if count >= most then return left end \
    redis.call('INCR', KEYS[1]) \
    return 0";

const REFUND: &str = "local count = tonumber(redis.call('GET', KEYS[1]) or '') or 0 \
    if count > 0 then redis.call('DECR', KEYS[1]) end";

/// Counts attempts of all processes. Made by [`Redis::limits`].
///
/// As with [`MemoryLimits`](portcullis_accounts::MemoryLimits), the period of a name begins with its first attempt. Periods
/// are those of the clock of Redis. If Redis does not answer, the accounts count in the process.
///
/// ```no_run
/// use portcullis_accounts::{Accounts, AccountsBuilder, Secret, store::MemoryStore};
/// use portcullis_redis::Redis;
///
/// # fn builder(secret: Secret) -> Result<AccountsBuilder, portcullis_core::Error> {
/// let redis = Redis::open("redis://127.0.0.1")?;
/// # let store = MemoryStore::new();
/// let builder = Accounts::builder("https://shop.example.com", secret, store)
///     .rate_limits(redis.limits())
///     .ended_sessions(redis.ended_sessions());
/// # Ok(builder) }
/// ```
#[derive(Debug, Clone)]
pub struct RedisLimits(Redis);

impl Redis {
    /// Attempts at the endpoints of accounts, counted for all processes.
    #[must_use]
    pub fn limits(&self) -> RedisLimits {
        RedisLimits(self.clone())
    }
}

impl RedisLimits {
    fn key(&self, name: &str) -> String {
        self.0.key(&format!("limit:{name}"))
    }
}

#[async_trait]
impl RateLimits for RedisLimits {
    async fn spend(&self, name: &str, limit: Limit, _now: SystemTime) -> StoreResult<SpendOutcome> {
        let window = u64::try_from(limit.per().as_millis()).unwrap_or(u64::MAX).max(1);
        let mut spend = cmd("EVAL");
        spend.arg(SPEND).arg(1).arg(self.key(name)).arg(limit.count()).arg(window);
        let left: u64 = self.0.ask(&spend).await.map_err(|error| StoreError::new("counting an attempt", error))?;
        Ok(match left {
            0 => SpendOutcome::Within,
            left => SpendOutcome::Over { retry_after: Duration::from_millis(left) },
        })
    }

    async fn refund(&self, name: &str, _limit: Limit, _now: SystemTime) -> StoreResult<()> {
        let mut refund = cmd("EVAL");
        refund.arg(REFUND).arg(1).arg(self.key(name));
        self.0.ask(&refund).await.map_err(|error| StoreError::new("giving an attempt back", error))
    }
}
