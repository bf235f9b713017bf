//! Proofs of possession that were used.

use crate::Redis;
use ::redis::cmd;
use portcullis_core::{Error, ErrorKind, ProofMemory};
use std::{
    fmt::Write,
    time::{Duration, SystemTime},
};

/// By how much the clocks of processes may differ.
const MARGIN: Duration = Duration::from_secs(30);

/// The recent proofs of all processes, for DPoP (RFC 9449, section 11.1). Made by [`Redis::proofs`].
///
/// If Redis does not answer, requests with a proof are refused with 503.
///
/// ```no_run
/// use portcullis_core::ProofMemory;
/// use portcullis_redis::Redis;
/// use std::time::{Duration, SystemTime};
///
/// # async fn twice() -> Result<(), portcullis_core::Error> {
/// let proofs = Redis::open("redis://127.0.0.1")?.proofs();
/// let now = SystemTime::now();
/// let until = now + Duration::from_secs(60);
/// assert!(proofs.remember([1; 32], until, now).await?);
/// assert!(!proofs.remember([1; 32], until, now).await?); // used before, in any process
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct RedisProofs(Redis);

impl Redis {
    /// Proofs of possession that any process has seen.
    #[must_use]
    pub fn proofs(&self) -> RedisProofs {
        RedisProofs(self.clone())
    }
}

impl ProofMemory for RedisProofs {
    async fn remember(&self, proof: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        let mut name = "proof:".to_owned();
        for byte in proof {
            let _ = write!(name, "{byte:02x}");
        }
        // A time to live, and not a time: the clock of Redis may be ahead, which would forget a proof at once.
        let left = until.duration_since(now).unwrap_or_default().saturating_add(MARGIN);
        let mut set = cmd("SET");
        set.arg(self.0.key(&name)).arg(1).arg("NX").arg("PX").arg(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        let set: Result<Option<String>, _> = self.0.ask(&set).await;
        set.map(|set| set.is_some()).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the memory of proofs did not answer").with_cause(error)
        })
    }
}
