//! Answers that are remembered between requests.

use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    telemetry::CacheMeter,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
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
    meter: CacheMeter,
    answers: Cache<K, TimedAnswer<T>>,
}

/// An answer, or the future that will return it, and when it was asked for.
struct TimedAnswer<T: Clone> {
    at: SystemTime,
    answer: SharedAnswer<T>,
}

type SharedAnswer<T> = Shared<BoxFuture<'static, Result<T, Error>>>;

impl<T: Clone> Clone for TimedAnswer<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, answer: self.answer.clone() }
    }
}

impl<K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static> AnswerCache<K, T> {
    /// Remembers up to this many answers, each for this long. The cache chooses which ones give way.
    pub(crate) fn new(meter: CacheMeter, places: usize, max_age: Duration) -> Self {
        Self { max_age, meter, answers: Cache::new(places) }
    }

    /// The remembered answer if it is young enough. Otherwise asks, or waits for a caller that has already asked.
    pub(crate) async fn get(
        &self,
        key: K,
        moment: Moment,
        ask: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.forget_old(&key, moment);
        let mut is_known = true;
        let start = || {
            is_known = false;
            Ok::<_, Error>(TimedAnswer { at: moment.now, answer: caught(ask).boxed().shared() })
        };
        let TimedAnswer { answer, .. } = self.answers.get_or_insert_with(&key, start)?;
        self.meter.count(is_known);
        self.outcome(&key, answer).await
    }

    /// The same for several keys. What is not remembered is asked for in one question, whose answers are in the order of
    /// their keys, and as many.
    pub(crate) async fn get_all<F>(
        &self,
        keys: Vec<K>,
        moment: Moment,
        ask: impl FnOnce(Vec<K>) -> F,
    ) -> Result<Vec<T>, Error>
    where
        F: Future<Output = Result<Vec<T>, Error>> + Send + 'static,
    {
        let mut answers = Vec::with_capacity(keys.len());
        let mut unknown = Vec::new();
        for key in &keys {
            self.forget_old(key, moment);
            let known = self.answers.get(key).map(|known| known.answer);
            self.meter.count(known.is_some());
            if known.is_none() {
                unknown.push(key.clone());
            }
            answers.push(known);
        }
        let all = caught(ask(unknown)).boxed().shared();
        let mut place = 0;
        for (key, answer) in keys.iter().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            let (all, this) = (all.clone(), place);
            let one = async move {
                all.await?.get(this).cloned().ok_or_else(|| Error::misconfigured("an answer is missing"))
            };
            let start = || Ok::<_, Error>(TimedAnswer { at: moment.now, answer: one.boxed().shared() });
            *answer = Some(self.answers.get_or_insert_with(key, start)?.answer);
            place = place.saturating_add(1);
        }
        let outcomes = keys.iter().zip(answers.into_iter().flatten()).map(|(key, answer)| self.outcome(key, answer));
        // All of them end, so that no error stays.
        join_all(outcomes).await.into_iter().collect()
    }

    /// An answer from the future is from before the clock was set back.
    fn forget_old(&self, key: &K, moment: Moment) {
        let max_age = moment.max_age.map_or(self.max_age, |asked| asked.min(self.max_age));
        let is_young = |asked: &TimedAnswer<T>| moment.now.duration_since(asked.at).is_ok_and(|age| age < max_age);
        self.answers.remove_if(key, |asked| !is_young(asked));
    }

    async fn outcome(&self, key: &K, answer: SharedAnswer<T>) -> Result<T, Error> {
        let outcome = answer.clone().await;
        if outcome.is_err() {
            self.answers.remove_if(key, |asked| asked.answer.ptr_eq(&answer));
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

/// A question whose panics are errors.
async fn caught<T>(ask: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let panicked = |_| Err(Error::new(ErrorKind::Unavailable, "the source of the answer panicked"));
    AssertUnwindSafe(ask).catch_unwind().await.unwrap_or_else(panicked)
}
