//! How instances tell each other which sessions have ended.

use crate::{id::SessionId, store::StoreResult};
use async_trait::async_trait;
use std::fmt;

/// A faster way than the store to hear of sessions that ended in other instances, such as `RedisEndedSessions` of
/// `portcullis-redis`.
///
/// It need not be reliable: [`Accounts::follow`](crate::Accounts::follow) asks the store as well.
#[async_trait]
pub trait EndedSessions: fmt::Debug + Send + Sync {
    /// Tells the other instances. A sign-out waits for it, so it gives up soon.
    async fn publish(&self, ended: &[SessionId]) -> StoreResult<()>;
    /// Waits for sessions that ended, in any instance. It may return none. Of each [`Accounts`](crate::Accounts), one task
    /// calls it.
    async fn next(&self) -> StoreResult<Vec<SessionId>>;
}
