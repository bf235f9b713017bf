//! What happens when a refresh token is used: one function without I/O, which all stores share.
//!
//! ```text
//! live ── used ──▶ rotated ── within the grace ──▶ the same successor, or the live one
//!                     │ later, its successor unused ──▶ another one, where answers may be lost
//!                     │ later otherwise ──▶ the session ends
//! superseded ── used ──▶ the session ends
//! ```
//!
//! A family, the refresh tokens of a session, never forks: commands on it are ordered by the lock on its session, and each
//! row has one successor, which is derived from the token.

use crate::{
    secret::Digest,
    session::{Session, SessionRules},
    store::{RotateOutcome, Rotation, StoreError},
};
use async_trait::async_trait;
use std::time::{Duration, SystemTime};

/// How often a successor may be lost.
const MAX_ATTEMPT: u32 = 3;

/// How many successors are followed.
const MAX_HOPS: usize = 16;

/// A refresh token, as stores keep it.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct RefreshRow {
    /// When it was issued.
    pub issued_at: SystemTime,
    /// When it expires.
    pub expires_at: SystemTime,
    /// When it was last exchanged for a successor. `None` while it is live.
    pub rotated_at: Option<SystemTime>,
    /// Which of its possible successors it has: 0, or more if one was lost.
    pub attempt: u32,
    /// The digest of its successor.
    pub successor: Option<Digest>,
    /// Whether its predecessor got another successor.
    pub is_superseded: bool,
}

impl RefreshRow {
    /// A live token.
    #[must_use]
    pub fn live(issued_at: SystemTime, expires_at: SystemTime) -> Self {
        Self { issued_at, expires_at, rotated_at: None, attempt: 0, successor: None, is_superseded: false }
    }

    /// Whether it was neither exchanged nor superseded.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.rotated_at.is_none() && !self.is_superseded
    }
}

/// What to do with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Set `rotated_at` to now and `attempt` to this, supersede its successor if it has one, and insert a new one.
    Rotate {
        /// The attempt of the successor.
        attempt: u32,
        /// When the successor expires.
        expires_at: SystemTime,
    },
    /// Decide about its successor, with `late` set.
    Follow,
    /// The token is live, and the answer to one that came late.
    Arrived,
    /// End the session.
    End,
    /// Refuse, and change nothing.
    Refuse(RefusedRefresh),
}

/// Why a refresh token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedRefresh {
    /// The token or its session has expired.
    Expired,
    /// The session was ended before.
    Ended,
    /// The token was used again, and that does not end the session.
    Again,
}

/// Decides about one row.
///
/// `late` says that a predecessor within its grace period led to this row. `successor_is_live` says so of the row's
/// successor; it is asked only where answers may be lost.
#[must_use]
pub fn decide(
    row: &RefreshRow,
    session: &Session,
    successor_is_live: bool,
    late: bool,
    now: SystemTime,
    rules: &SessionRules,
) -> Step {
    if session.ended_at.is_some() {
        return Step::Refuse(RefusedRefresh::Ended);
    }
    if session.not_after <= now {
        return Step::Refuse(RefusedRefresh::Expired);
    }
    let again = if rules.keeps_family { Step::Refuse(RefusedRefresh::Again) } else { Step::End };
    let rotate = |attempt| Step::Rotate { attempt, expires_at: rules.expiry(session, now) };
    if row.is_superseded {
        return again;
    }
    let Some(rotated_at) = row.rotated_at else {
        return match row.expires_at <= now {
            true => Step::Refuse(RefusedRefresh::Expired),
            false if late => Step::Arrived,
            false => rotate(0),
        };
    };
    // Another instance's clock may be ahead. Then the age is zero.
    let age = now.duration_since(rotated_at).unwrap_or_default();
    if late || (!rules.grace.is_zero() && age <= rules.grace) {
        return Step::Follow;
    }
    let is_lost = rules.answers_may_be_lost && successor_is_live && row.attempt < MAX_ATTEMPT && now < row.expires_at;
    if is_lost { rotate(row.attempt.saturating_add(1)) } else { again }
}

/// A session and its refresh tokens, inside of one transaction that has locked the session's row.
#[async_trait]
pub trait Family: Send {
    /// The row of this token, read after the lock was taken.
    async fn row(&mut self, token: &Digest) -> Result<Option<RefreshRow>, StoreError>;
    /// Replaces the row of this token, inserts its successor, and sets the session's `used_at` to the successor's `issued_at`.
    async fn put(&mut self, token: &Digest, row: RefreshRow, successor: (Digest, RefreshRow))
    -> Result<(), StoreError>;
    /// Sets `is_superseded` of this token.
    async fn supersede(&mut self, token: &Digest) -> Result<(), StoreError>;
    /// Ends the session.
    async fn end(&mut self, now: SystemTime) -> Result<(), StoreError>;
}

/// Carries out a rotation, for a store that has locked the session's row and read the session after that.
///
/// # Errors
/// Those of the family.
pub async fn rotate(
    family: &mut dyn Family,
    session: Session,
    rotation: &Rotation,
) -> Result<RotateOutcome, StoreError> {
    let (mut token, mut digest) = (rotation.token().clone(), rotation.presented());
    let (now, rules) = (rotation.now(), rotation.rules());
    let mut used_late = Duration::ZERO;
    for hops in 0..MAX_HOPS {
        let late = hops > 0;
        let Some(row) = family.row(&digest).await? else { return Ok(RotateOutcome::Unknown) };
        let successor_is_live = match row.successor {
            Some(successor) if !late && rules.answers_may_be_lost => {
                family.row(&successor).await?.is_some_and(|row| row.is_live())
            }
            _ => false,
        };
        match decide(&row, &session, successor_is_live, late, now, rules) {
            Step::Rotate { attempt, expires_at } => {
                if let Some(lost) = row.successor {
                    family.supersede(&lost).await?;
                }
                let Some((token, next)) = rotation.successors(&token, attempt).next() else {
                    return Ok(RotateOutcome::Refused(session, RefusedRefresh::Again));
                };
                let row = RefreshRow { rotated_at: Some(now), attempt, successor: Some(next), ..row };
                family.put(&digest, row, (next, RefreshRow::live(now, expires_at))).await?;
                return Ok(RotateOutcome::Next { session, token, expires_at, was_lost: attempt > 0 });
            }
            Step::Follow => {
                if let Some(rotated_at) = row.rotated_at.filter(|_| !late) {
                    used_late = now.duration_since(rotated_at).unwrap_or_default();
                }
                // Another instance may have derived it from another of the secrets.
                let known = rotation.successors(&token, row.attempt).find(|(_, next)| row.successor == Some(*next));
                match known {
                    Some(next) => (token, digest) = next,
                    None => return Ok(RotateOutcome::Refused(session, RefusedRefresh::Again)),
                }
            }
            Step::Arrived => {
                return Ok(RotateOutcome::Replay { session, token, expires_at: row.expires_at, hops, late: used_late });
            }
            Step::End => {
                family.end(now).await?;
                return Ok(RotateOutcome::Reused(session));
            }
            Step::Refuse(why) => return Ok(RotateOutcome::Refused(session, why)),
        }
    }
    Ok(RotateOutcome::Refused(session, RefusedRefresh::Again))
}
