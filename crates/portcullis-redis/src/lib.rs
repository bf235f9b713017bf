//! What several processes of a service share in Redis.
//!
//! ```no_run
//! use portcullis_core::Gate;
//! use portcullis_redis::Redis;
//! use std::time::Duration;
//!
//! # async fn gate(verifier: portcullis_core::Jwt) -> Result<(), portcullis_core::Error> {
//! let redis = Redis::open("rediss://:password@redis.example.com")?.prefix("shop");
//! // as long as tokens live at most
//! let revocations = redis.revocations(Duration::from_secs(15 * 60));
//! tokio::spawn(revocations.clone().follow());
//!
//! let gate = Gate::builder()
//!     .scheme(portcullis_core::Scheme::new(verifier).bearer())
//!     .revocations(revocations.clone())
//!     .build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! | value | what is shared | while Redis does not answer |
//! |---|---|---|
//! | [`RedisRevocations`] | revoked tokens, sessions and sign-outs, for users of an issuer elsewhere | what is known already is refused |
//! | [`RedisProofs`] | proofs of possession (DPoP) that were used | requests with a proof are refused with 503 |
//! | `RedisLimits` | attempts at the endpoints of accounts | each process counts for itself |
//! | `RedisEndedSessions` | sessions of accounts that have ended | each process asks the database |
//!
//! Redis 6.2 or later, or Valkey. A command that is not answered within half a second has failed. After that, Redis is asked once
//! a second until it answers, so an outage does not slow requests down. The log says when it begins and when it ends.
//!
//! Whoever can write to this Redis can revoke tokens and reset what is counted, and can make no token valid. Entries that are
//! not understood are skipped, with a line in the log.
//!
//! # Features
//! - `accounts`: `RedisLimits` and `RedisEndedSessions`, for `portcullis-accounts`.
//!
//! `rediss://` needs TLS: enable a feature such as `tokio-rustls-comp` of the crate `redis`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "accounts")]
mod ended;
#[cfg(feature = "accounts")]
mod limits;
mod proofs;
mod redis;
mod revocations;
mod stream;

#[cfg(feature = "accounts")]
pub use ended::RedisEndedSessions;
#[cfg(feature = "accounts")]
pub use limits::RedisLimits;
pub use proofs::RedisProofs;
pub use redis::Redis;
pub use revocations::RedisRevocations;
