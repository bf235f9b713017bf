//! How fresh an answer has to be, after the writes that are known here.
//!
//! A token says "at least as fresh as this write". Two tokens cannot be compared, so after a second one nobody can tell which is
//! the later. One check then asks for full consistency, and the token of its answer stands for both.

use crate::messages::{Consistency, Requirement, Token};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A moment of a SpiceDB, such as that of a write. Opaque; it can be stored with the row that a write belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ZedToken(String);

impl ZedToken {
    /// The token with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, as SpiceDB has made it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Freshness {
    /// What checks ask for while no write is known: the fastest answer, or a fully consistent one.
    minimize_latency: bool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    token: Option<ZedToken>,
    /// There were writes that the token does not stand for.
    is_behind: bool,
    /// How often something was seen.
    count: u64,
}

impl Seen {
    fn fall_behind(&mut self) {
        self.is_behind = true;
        self.count += 1;
    }
}

impl Freshness {
    pub(crate) fn new(minimize_latency: bool) -> Self {
        Self { minimize_latency, ..Self::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn saw(&self, token: ZedToken) {
        let mut seen = self.seen();
        if seen.token.as_ref() != Some(&token) {
            seen.is_behind |= seen.token.is_some();
            seen.token = Some(token);
            seen.count += 1;
        }
    }

    /// A write that is counted as done unless its token is [seen](Write::saw): its answer may get lost, or nobody waits for it.
    pub(crate) fn write(&self) -> Write<'_> {
        Write { freshness: self, is_settled: false }
    }

    /// What a check has to ask for, and the count to answer with.
    pub(crate) fn needed(&self, is_fresh: bool) -> (Consistency, u64) {
        let seen = self.seen();
        let requirement = match &seen.token {
            _ if is_fresh || seen.is_behind => Requirement::FullyConsistent(true),
            Some(ZedToken(token)) => Requirement::AtLeastAsFresh(Token { token: token.clone() }),
            None if self.minimize_latency => Requirement::MinimizeLatency(true),
            None => Requirement::FullyConsistent(true),
        };
        (Consistency { requirement: Some(requirement) }, seen.count)
    }

    /// SpiceDB was asked with the token and did not answer. It may be one that SpiceDB does not know, so the next check does
    /// without.
    pub(crate) fn doubt(&self) {
        let mut seen = self.seen();
        if seen.token.is_some() {
            seen.fall_behind();
        }
    }

    /// A check that was asked at this count was answered. If it had to be fully consistent, its token stands for all before.
    pub(crate) fn checked(&self, count: u64, at: Option<Token>) {
        let mut seen = self.seen();
        if let (true, Some(Token { token })) = (seen.is_behind && seen.count == count, at) {
            (seen.token, seen.is_behind) = (Some(ZedToken(token)), false);
        }
    }
}

pub(crate) struct Write<'a> {
    freshness: &'a Freshness,
    is_settled: bool,
}

impl Write<'_> {
    pub(crate) fn saw(mut self, token: ZedToken) {
        self.is_settled = true;
        self.freshness.saw(token);
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.freshness.seen().fall_behind();
        }
    }
}
