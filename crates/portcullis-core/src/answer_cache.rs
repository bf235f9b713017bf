//! Answers that are remembered between requests.

use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use quick_cache::sync::Cache;
use std::{
    future::Future,
    hash::Hash,
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

/// Remembers a limited number of answers for a limited time. However many callers ask at once, there is one question at a time
/// for a key. Errors and panics are not remembered.
pub(crate) struct AnswerCache<K, T: Clone> {
    max_age: Duration,
    answers: Cache<K, TimedAnswer<T>>,
}

/// An answer, or the future that will return it, and when it was asked for.
struct TimedAnswer<T: Clone> {
    at: SystemTime,
    answer: Shared<BoxFuture<'static, Result<T, Error>>>,
}

impl<T: Clone> Clone for TimedAnswer<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, answer: self.answer.clone() }
    }
}

impl<K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static> AnswerCache<K, T> {
    /// Remembers up to this many answers, each for this long. The cache chooses which ones give way.
    pub(crate) fn new(places: usize, max_age: Duration) -> Self {
        Self { max_age, answers: Cache::new(places) }
    }

    /// The remembered answer if it is young enough. Otherwise asks, or waits for a caller that has already asked.
    pub(crate) async fn get(
        &self,
        key: K,
        moment: Moment,
        ask: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let max_age = moment.max_age.map_or(self.max_age, |asked| asked.min(self.max_age));
        // An answer from the future is from before the clock was set back.
        let is_young = |asked: &TimedAnswer<T>| moment.now.duration_since(asked.at).is_ok_and(|age| age < max_age);
        self.answers.remove_if(&key, |asked| !is_young(asked));
        let start = || {
            let asked = AssertUnwindSafe(ask).catch_unwind().map(|answer| {
                let panicked = |_| Err(Error::new(ErrorKind::Unavailable, "the source of the answer panicked"));
                answer.unwrap_or_else(panicked)
            });
            Ok::<_, Error>(TimedAnswer { at: moment.now, answer: asked.boxed().shared() })
        };
        let TimedAnswer { answer, .. } = self.answers.get_or_insert_with(&key, start)?;
        let outcome = answer.clone().await;
        if outcome.is_err() {
            self.answers.remove_if(&key, |asked| asked.answer.ptr_eq(&answer));
        }
        outcome
    }

    pub(crate) fn forget(&self, key: &K) {
        self.answers.remove(key);
    }

    /// Forgets the answers of all keys that match, such as those about one principal.
    pub(crate) fn forget_where(&self, is_meant: impl Fn(&K) -> bool) {
        self.answers.retain(|key, _| !is_meant(key));
    }
}
