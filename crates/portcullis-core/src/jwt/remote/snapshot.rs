//! Keys as they were fetched once: their age, and how they are exported.

use super::answer::PreparedSet;
use crate::{
    clock::seconds,
    error::Error,
    json::{self, Value},
    jwt::key::PreparedKey,
};
use arc_swap::Guard;
use std::{
    num::NonZeroU64,
    ops::Deref,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Keys as they were fetched once, and how long they are valid.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) set: PreparedSet,
    /// The tag of the set, and the address that the tag belongs to.
    pub(super) tag: Option<Tag>,
    fetched: SystemTime,
    lifetime: Duration,
    /// When they are fetched again, while still valid. It differs, so that processes that started together do not ask
    /// together.
    due_after: Duration,
}

/// The `ETag` of a set, for the next request (`If-None-Match`; RFC 9110, section 13.1.2).
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) url: String,
    pub(super) value: String,
}

/// The state of keys at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// They are valid, and it is time to fetch the next ones.
    Due,
    /// They are only used as long as there are no others.
    Stale,
    TooOld,
}

impl Snapshot {
    /// They are due at 70 to 90 % of their lifetime, at random.
    pub(super) fn new(set: PreparedSet, tag: Option<Tag>, fetched: SystemTime, lifetime: Duration) -> Self {
        let due_after = lifetime.mul_f64(0.7 + 0.2 * fastrand::f64());
        Self { set, tag, fetched, lifetime, due_after }
    }

    /// The same, with a lifetime within these limits.
    pub(super) fn with_limits(self, floor: Duration, ceiling: Duration) -> Self {
        Self::new(self.set, self.tag, self.fetched, self.lifetime.clamp(floor, ceiling))
    }

    /// How old the keys are at this time, in terms of what to do about it.
    pub(super) fn age(&self, now: SystemTime, max_stale: Duration) -> Age {
        match now.duration_since(self.fetched) {
            Ok(age) if age < self.due_after => Age::Fresh,
            Ok(age) if age < self.lifetime => Age::Due,
            Ok(age) if age < self.lifetime.saturating_add(max_stale) => Age::Stale,
            Ok(_) => Age::TooOld,
            // Fetched since the caller read the clock.
            Err(early) if early.duration() < Duration::from_secs(1) => Age::Fresh,
            // The clock was set back, so their age is not known.
            Err(_) => Age::Stale,
        }
    }

    /// The public keys, with the time of the fetch, so that their age continues in another process.
    pub(super) fn export(&self) -> String {
        let (fetched, lifetime) = (seconds(self.fetched), self.lifetime.as_secs());
        let keys = self.set.public_texts().collect::<Vec<_>>().join(",");
        format!(r#"{{"fetched":{fetched},"lifetime":{lifetime},"jwks":{{"keys":[{keys}]}}}}"#)
    }

    /// Reads what [`export`](Self::export) wrote. The tag is not part of it: the first fetch brings a whole set.
    pub(super) fn import(export: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::misconfigured(format!("not an export of keys: {why}"));
        json::outline(export).map_err(|fault| wrong(fault.text()))?;
        let export = Value::new(export.trim());
        let number = |name: &str| export.member(name).and_then(Value::as_number).filter(|number| *number >= 0.0);
        let duration = |name: &str| number(name).and_then(|number| Duration::try_from_secs_f64(number).ok());
        let (fetched, lifetime) = (duration("fetched"), duration("lifetime"));
        let fetched = fetched.and_then(|after| SystemTime::UNIX_EPOCH.checked_add(after));
        match (fetched, lifetime, export.member("jwks")) {
            (Some(fetched), Some(lifetime), Some(set)) => {
                let set = PreparedSet::read(set.text())
                    .map_err(|error| wrong("its keys cannot be used").with_cause(error))?;
                Ok(Self::new(set, None, fetched, lifetime))
            }
            _ => Err(wrong("it has no time or no keys")),
        }
    }
}

/// Keys in use for verification. They stay, whatever replaces them meanwhile.
pub(in crate::jwt) struct Keys(pub(super) Guard<Option<Arc<Snapshot>>>);

/// Identifies keys. Two sets with the same text are the same.
pub(in crate::jwt) type Generation = Option<NonZeroU64>;

impl Keys {
    pub(in crate::jwt) fn generation(&self) -> Generation {
        self.0.as_ref().map(|snapshot| snapshot.set.generation)
    }

    /// Whether these are the keys that a token was verified with.
    pub(in crate::jwt) fn are_of(&self, generation: Generation) -> bool {
        generation.is_some() && self.generation() == generation
    }

    /// The state of the keys; `None` if there are none.
    pub(super) fn age(&self, now: SystemTime, max_stale: Duration) -> Option<Age> {
        self.0.as_ref().map(|snapshot| snapshot.age(now, max_stale))
    }

    /// Whether these are the same keys, and not others that were fetched since.
    pub(super) fn are(&self, others: &Option<Arc<Snapshot>>) -> bool {
        match (&*self.0, others) {
            (Some(these), Some(others)) => Arc::ptr_eq(these, others),
            (these, others) => these.is_none() && others.is_none(),
        }
    }
}

impl Deref for Keys {
    type Target = [PreparedKey];

    fn deref(&self) -> &[PreparedKey] {
        self.0.as_ref().map(|snapshot| &*snapshot.set.keys).unwrap_or_default()
    }
}
