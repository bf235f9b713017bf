//! What is remembered of issuers: the verifiers of the trusted ones, and which ones are not trusted.

use crate::{
    error::Error,
    jwt::{Jwt, RemoteKeys},
};
use futures_util::future::{BoxFuture, Shared, WeakShared};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The maximum number of issuers that are remembered as not trusted. The oldest is dropped first.
const MOST_REFUSED: usize = 10_000;

/// The maximum number of look-ups at a time of issuers that were not trusted before.
const MOST_LOOKUPS: usize = 256;

/// A look-up in progress, for all callers that wait for it.
pub(super) type LookupEnd = Shared<BoxFuture<'static, Result<Jwt, Error>>>;

#[derive(Default)]
pub(super) struct Memory {
    found: HashMap<Arc<str>, Found>,
    refused: HashMap<Arc<str>, (Error, Range<SystemTime>)>,
    /// Of the refused ones, in the order in which they came.
    order: VecDeque<Arc<str>>,
    lookups: HashMap<Arc<str>, WeakShared<BoxFuture<'static, Result<Jwt, Error>>>>,
    uses: u64,
}

/// A trusted issuer. It has a verifier of its own, so its keys verify no token of another one.
pub(super) struct Found {
    pub(super) jwt: Jwt,
    pub(super) keys: RemoteKeys,
    /// While a look-up counts.
    pub(super) approved: Range<SystemTime>,
    pub(super) used: u64,
}

/// From a look-up's start on: what it says may have changed since.
pub(super) fn period(start: SystemTime, time: Duration) -> Range<SystemTime> {
    start..start.checked_add(time).unwrap_or(start)
}

impl Memory {
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// The verifier of an issuer that is trusted, whoever said so.
    pub(super) fn verifier(&mut self, name: &str) -> Option<Jwt> {
        self.uses = self.uses.saturating_add(1);
        let found = self.found.get_mut(name)?;
        found.used = self.uses;
        Some(found.jwt.clone())
    }

    pub(super) fn is_approved(&self, name: &str, now: SystemTime) -> bool {
        self.found.get(name).is_some_and(|found| found.approved.contains(&now))
    }

    pub(super) fn refusal(&self, name: &str, now: SystemTime) -> Option<Error> {
        self.refused.get(name).filter(|(_, during)| during.contains(&now)).map(|(error, _)| error.clone())
    }

    /// Adds an issuer unless it is there. Of more than `most` that are not listed, one makes room: the one that was used least
    /// recently, and first of all one whose keys never came.
    pub(super) fn add(&mut self, name: &Arc<str>, found: Found, listed: &HashSet<Arc<str>>, most: usize) {
        self.found.entry(name.clone()).or_insert(found);
        let others = || self.found.iter().filter(|(other, _)| !listed.contains(*other));
        if others().count() > most {
            let made = others().filter(|(other, _)| *other != name);
            let last =
                made.min_by_key(|(_, found)| (found.keys.are_there(), found.used)).map(|(other, _)| other.clone());
            last.and_then(|last| self.found.remove(&last));
        }
    }

    pub(super) fn approve(&mut self, name: &str, during: Range<SystemTime>) {
        self.refused.remove(name);
        if let Some(found) = self.found.get_mut(name) {
            found.approved = during;
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.found.remove(name);
    }

    pub(super) fn refuse(&mut self, name: &Arc<str>, error: Error, during: Range<SystemTime>) {
        self.refused.insert(name.clone(), (error, during));
        // One that comes again may stand here twice; then it is dropped earlier.
        self.order.push_back(name.clone());
        while self.order.len() > MOST_REFUSED {
            self.order.pop_front().and_then(|oldest| self.refused.remove(&oldest));
        }
    }

    /// The look-up in progress for this issuer.
    pub(super) fn lookup(&self, name: &str) -> Option<LookupEnd> {
        self.lookups.get(name).and_then(WeakShared::upgrade)
    }

    /// Whether one more may start. Those that a caller began and all have left do not count.
    pub(super) fn may_look_up(&mut self, name: &str) -> bool {
        if self.lookups.len() >= MOST_LOOKUPS {
            self.lookups.retain(|_, lookup| lookup.upgrade().is_some());
        }
        self.lookups.len() < MOST_LOOKUPS || self.found.contains_key(name)
    }

    pub(super) fn started(&mut self, name: &Arc<str>, lookup: &LookupEnd) {
        if let Some(lookup) = lookup.downgrade() {
            self.lookups.insert(name.clone(), lookup);
        }
    }

    pub(super) fn ended(&mut self, name: &str) {
        self.lookups.remove(name);
    }
}
