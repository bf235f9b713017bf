//! What a candidate would have decided beside a live policy.
//!
//! The live policy decides first, and its answer stands. Then the candidate gets the same question, with a copy of what the
//! request has read so far: neither its errors nor its further questions reach the live request. It is waited for no longer
//! than the limits say.

use crate::{
    answer::Answer,
    clock::{SharedTime, Time},
    decision::Decision,
    explanation::Explanation,
    policy::{Policy, Question, Verdict, ask},
    rights::{Rights, RightsNamed},
};
use futures_timer::Delay;
use futures_util::{
    FutureExt,
    future::{Either, select},
};
use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

/// How often candidates are asked, how long they are waited for, and how much of them is logged.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// use portcullis_core::ShadowLimits;
/// use std::time::Duration;
///
/// // A candidate that asks a database, on a service with many requests.
/// let limits = ShadowLimits::new()
///     .one_in(100)
///     .wait(Duration::from_millis(20))
///     .events_per_minute(10);
/// let gate = builder()?.shadow_limits(limits).build()?;
/// # assert!(gate.shadow("new-rule").is_none());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ShadowLimits {
    one_in: u32,
    wait: Duration,
    events_per_minute: u32,
}

impl ShadowLimits {
    /// The defaults: every request, 50 milliseconds, 60 log events in a minute.
    #[must_use]
    pub const fn new() -> Self {
        Self { one_in: 1, wait: Duration::from_millis(50), events_per_minute: 60 }
    }

    /// Asks candidates about one in this many requests, chosen at random. The others are not counted.
    #[must_use]
    pub const fn one_in(self, requests: u32) -> Self {
        Self { one_in: if requests == 0 { 1 } else { requests }, ..self }
    }

    /// How long a request waits for a candidate at most, after its live policy has decided.
    ///
    /// With [`Duration::ZERO`], a candidate counts only if it need not wait.
    #[must_use]
    pub const fn wait(self, most: Duration) -> Self {
        Self { wait: most, ..self }
    }

    /// How many differences and failures of each candidate are logged in a minute. All are counted.
    #[must_use]
    pub const fn events_per_minute(self, most: u32) -> Self {
        Self { events_per_minute: most, ..self }
    }
}

impl Default for ShadowLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// How often a candidate agreed with the live policy. See [`Gate::shadow`](crate::Gate::shadow).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowCounts {
    /// Both allowed, or both denied.
    pub agreed: u64,
    /// Only the candidate would have allowed the caller.
    pub would_allow: u64,
    /// Only the candidate would have denied the caller.
    pub would_deny: u64,
    /// The candidate returned an error, or panicked.
    pub failed: u64,
    /// The candidate was not asked, since the live policy failed, or did not answer in time.
    pub skipped: u64,
}

/// The candidates of a gate, by name.
#[derive(Debug, Default)]
pub(crate) struct Shadows {
    limits: ShadowLimits,
    time: SharedTime,
    known: RwLock<BTreeMap<&'static str, Arc<Record>>>,
}

/// What was seen of one candidate.
#[derive(Debug, Default)]
struct Record {
    counts: Mutex<ShadowCounts>,
    /// The minute of the last event, and how many events it has.
    events: Mutex<(u64, u32)>,
    /// How many comparisons of the sample were put off by a guard that could not wait.
    put_off: AtomicU32,
}

/// A comparison that has to wait. A guard that cannot drops it and decides again: then it is still one of the sample.
struct PutOff(Option<Arc<Record>>);

impl PutOff {
    fn begin(mut self) {
        self.0 = None;
    }
}

impl Drop for PutOff {
    fn drop(&mut self) {
        self.0.iter().for_each(|record| _ = record.put_off.fetch_add(1, Relaxed));
    }
}

/// A policy to ask beside the live one, by these roles.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) policy: &'a dyn Policy,
    pub(crate) rights: &'a Rights,
}

/// One comparison.
struct Comparison<'a> {
    name: &'static str,
    shadows: &'a Shadows,
    record: Arc<Record>,
    /// Whether a difference would be logged.
    logs: bool,
}

type Asked = Result<Verdict, Box<dyn Any + Send>>;

/// Decides as the live policy does, and compares the candidate.
pub(crate) fn beside<'a>(
    name: &'static str,
    live: &'a dyn Policy,
    candidate: Candidate<'a>,
    question: Question<'a>,
) -> Answer<'a, Verdict> {
    let Some(comparison) = question.rights.shadows.begin(name) else { return ask(live, question) };
    let explaining = question.explaining || comparison.logs;
    match ask(live, Question { explaining, ..question }).ready() {
        Ok(verdict) => comparison.end(candidate, question, verdict),
        Err(later) => Answer::later(async move {
            let verdict = later.await;
            comparison.end(candidate, question, verdict).await
        }),
    }
}

impl Shadows {
    pub(crate) fn new(limits: ShadowLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(crate) fn settle(&self, time: &Time) {
        self.time.settle(time);
    }

    /// A plan has a candidate of this name. Candidates of one name are counted together.
    pub(crate) fn register(&self, name: &'static str) {
        if self.find(name).is_none() {
            self.known.write().unwrap_or_else(PoisonError::into_inner).entry(name).or_default();
        }
    }

    pub(crate) fn counts(&self, name: &str) -> Option<ShadowCounts> {
        Some(*self.find(name)?.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, name: &str) -> Option<Arc<Record>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The comparison for this request, if it is one of those that are compared.
    fn begin(&self, name: &'static str) -> Option<Comparison<'_>> {
        let record = self.find(name)?;
        let is_put_off = record.put_off.fetch_update(Relaxed, Relaxed, |waiting| waiting.checked_sub(1)).is_ok();
        if !is_put_off && fastrand::u32(..self.limits.one_in) > 0 {
            return None;
        }
        let logs = tracing::enabled!(target: "portcullis::shadow", tracing::Level::INFO)
            && record.events(self.minute()) < self.limits.events_per_minute;
        Some(Comparison { name, shadows: self, record, logs })
    }

    fn minute(&self) -> u64 {
        self.time.elapsed().as_secs() / 60
    }
}

impl Record {
    fn count(&self, change: impl FnOnce(&mut ShadowCounts) -> &mut u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = change(&mut counts);
        *count = count.saturating_add(1);
    }

    /// The events of this minute.
    fn events(&self, minute: u64) -> u32 {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.0 == minute { events.1 } else { 0 }
    }

    /// Whether one more event is within the limit.
    fn may_log(&self, minute: u64, most: u32) -> bool {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.0 != minute {
            *events = (minute, 0);
        }
        let may = events.1 < most;
        events.1 = events.1.saturating_add(u32::from(may));
        may
    }
}

impl<'a> Candidate<'a> {
    fn asked(self, question: Question<'a>) -> Answer<'a, Verdict> {
        // The plan has worked out the roles of the live policy.
        ask(self.policy, Question { rights: self.rights, named: RightsNamed::NONE, ..question })
    }
}

impl<'a> Comparison<'a> {
    /// The live verdict, once the candidate was asked or given up.
    fn end(self, candidate: Candidate<'a>, question: Question<'a>, mut live: Verdict) -> Answer<'a, Verdict> {
        let Ok(decision) = &mut live else {
            self.record.count(|counts| &mut counts.skipped);
            return Answer::now(live);
        };
        let explanation = decision.explain().cloned();
        if explanation.is_some() && !question.explaining {
            *decision.explanation_mut() = None;
        }
        let (is_allowed, explaining) = (decision.is_allowed(), self.logs);
        // Nothing is begun here, since a guard that cannot wait would begin it a second time.
        let now = catch_unwind(AssertUnwindSafe(|| {
            let standings = question.standings.finished().closed();
            candidate.asked(Question { standings: &standings, explaining, ..question }).ready().ok()
        }));
        if let Some(asked) = now.transpose() {
            self.judge(is_allowed, explanation.as_ref(), asked);
            return Answer::now(live);
        }
        let put_off = PutOff(Some(self.record.clone()));
        Answer::later(async move {
            put_off.begin();
            let asked = AssertUnwindSafe(async move {
                let standings = question.standings.finished();
                candidate.asked(Question { standings: &standings, explaining, ..question }).await
            });
            let waits = Answer::later(asked.catch_unwind());
            match select(waits, Delay::new(self.shadows.limits.wait)).await {
                Either::Left((asked, _)) => self.judge(is_allowed, explanation.as_ref(), asked),
                Either::Right(((), waits)) => {
                    // What it leaves behind may panic as well.
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(waits)));
                    self.record.count(|counts| &mut counts.skipped);
                }
            }
            live
        })
    }

    /// Counts what the candidate came to, and logs it where it matters.
    fn judge(&self, is_allowed: bool, live: Option<&Explanation>, asked: Asked) {
        let said = |allowed: bool| if allowed { "allowed" } else { "denied" };
        let name = self.name;
        match asked {
            Ok(Ok(decision)) if decision.is_allowed() == is_allowed => self.record.count(|counts| &mut counts.agreed),
            Ok(Ok(decision)) => {
                let would = decision.is_allowed();
                self.record.count(|counts| if would { &mut counts.would_allow } else { &mut counts.would_deny });
                if self.may_log() {
                    tracing::info!(
                        target: "portcullis::shadow",
                        shadow = name,
                        live = said(is_allowed),
                        candidate = said(would),
                        code = code(&decision),
                        live_explanation = live.map(tracing::field::display),
                        candidate_explanation = decision.explain().map(tracing::field::display),
                        "the candidate differs from the live policy"
                    );
                }
            }
            Ok(Err(error)) => {
                self.record.count(|counts| &mut counts.failed);
                if self.may_log() {
                    let code = error.code();
                    tracing::info!(target: "portcullis::shadow", shadow = name, code, "the candidate failed: {error}");
                }
            }
            Err(_panic) => {
                self.record.count(|counts| &mut counts.failed);
                if self.may_log() {
                    tracing::info!(target: "portcullis::shadow", shadow = name, "the candidate panicked");
                }
            }
        }
    }

    fn may_log(&self) -> bool {
        self.logs && self.record.may_log(self.shadows.minute(), self.shadows.limits.events_per_minute)
    }
}

/// The code of a denial.
fn code(decision: &Decision) -> Option<&str> {
    match decision {
        Decision::Deny(denial) => Some(denial.code()),
        Decision::Allow(_) => None,
    }
}
