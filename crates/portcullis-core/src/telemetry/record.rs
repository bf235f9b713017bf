//! Counts by the recorder of the `metrics` crate.

use super::Upstream;
use crate::{
    answer::Answer,
    credential::CredentialSource,
    decision::Access,
    error::Error,
    gate::{Authentication, Gate},
    policy::Plan,
    scheme::{Scheme, Sources},
    verifier::Kind,
};
use metrics::{SharedString, counter, describe_counter};
use std::sync::Arc;

const DECISIONS: &str = "portcullis_decisions_total";
const CACHE_REQUESTS: &str = "portcullis_cache_requests_total";
const UPSTREAM_REQUESTS: &str = "portcullis_upstream_requests_total";
const UPSTREAM_PAUSES: &str = "portcullis_upstream_pauses_total";

/// There is no such name.
const NONE: &str = "none";
/// A name that the gate does not know beforehand.
const OTHER: &str = "other";

/// Describes all metrics to the recorder of the process, which is installed before.
///
/// Exporters show the descriptions. Counting works without them.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use metrics_util::debugging::{DebugValue, DebuggingRecorder};
///
/// # fn main() -> Result<(), Error> {
/// let recorder = DebuggingRecorder::new();
/// let gate = gate(&[])?.acting_as(acting_as("alice").with_role("manager"));
/// metrics::with_local_recorder(&recorder, || {
///     portcullis_core::describe_metrics();
///     assert_eq!(answer(&gate, role("manager"), get("/reports")), "200");
/// });
/// let seen = recorder.snapshotter().snapshot().into_vec();
/// let name = "portcullis_decisions_total";
/// let decisions = seen.iter().find(|(key, ..)| key.key().name() == name);
/// assert!(decisions.is_some_and(|(.., value)| *value == DebugValue::Counter(1)));
/// # Ok(()) }
/// ```
pub fn describe_metrics() {
    describe_counter!(DECISIONS, "Decisions of guards and extractors about requests.");
    describe_counter!(CACHE_REQUESTS, "Lookups in caches.");
    describe_counter!(UPSTREAM_REQUESTS, "Questions to issuers, at their end.");
    describe_counter!(UPSTREAM_PAUSES, "Pauses in which an issuer is not asked, at their start.");
}

/// The values of labels that a gate has, made when it is built.
#[derive(Clone, Default)]
pub(crate) struct Labels {
    issuers: Vec<Arc<str>>,
    sources: Vec<(CredentialSource, Arc<str>)>,
}

impl Labels {
    pub(crate) fn of(schemes: &[Scheme], all: &Sources) -> Self {
        let issuers = schemes.iter().flat_map(|scheme| match scheme.verifier.kind() {
            Kind::Tokens(jwt) => jwt.issuers().iter().map(|issuer| issuer.name.clone()).collect(),
            Kind::Asks(asks) => vec![asks.issuer().name.clone()],
            Kind::Trusted(_) | Kind::Secret(_) | Kind::Keys(_) | Kind::Own(_) => Vec::new(),
        });
        let sources = all.sources.iter().map(|source| (source.clone(), source.to_string().into()));
        Self { issuers: issuers.collect(), sources: sources.collect() }
    }

    fn issuer(&self, name: Option<&str>) -> SharedString {
        let Some(name) = name else { return NONE.into() };
        self.issuers.iter().find(|known| ***known == *name).map_or(OTHER.into(), |known| known.clone().into())
    }

    /// The name of the scheme. Without one, the source of the credential.
    fn scheme(&self, name: Option<&'static str>, source: Option<&CredentialSource>) -> SharedString {
        if let Some(name) = name {
            return name.into();
        }
        let Some(source) = source else { return NONE.into() };
        let known = self.sources.iter().find(|(known, _)| known == source);
        known.map_or(OTHER.into(), |(_, text)| text.clone().into())
    }
}

/// Counts the decision if it allows. One that refuses is counted with its answer, by [`refused`].
pub(crate) fn allowed<'a>(
    decided: Answer<'a, Result<Access, Error>>,
    gate: &'a Gate,
    who: &'a Authentication,
    plan: &Plan,
) -> Answer<'a, Result<Access, Error>> {
    if plan.is_public() {
        return decided;
    }
    decided.map(move |decided| {
        if let Ok(access) = &decided {
            let (labels, caller) = (gate.labels(), access.visitor());
            // A policy may have allowed whoever comes, whatever the credential was.
            let scheme = caller.map_or(NONE.into(), |_| labels.scheme(who.scheme(), who.source()));
            let issuer = labels.issuer(caller.and_then(|caller| caller.id().issuer()));
            counter!(DECISIONS, "code" => "allowed", "scheme" => scheme, "issuer" => issuer).increment(1);
        }
        decided
    })
}

pub(crate) fn refused(labels: &Labels, error: &Error) {
    let code = error.constant_code().unwrap_or(OTHER);
    let scheme = labels.scheme(error.scheme(), error.credential_source());
    let issuer = labels.issuer(error.issuer());
    counter!(DECISIONS, "code" => code, "scheme" => scheme, "issuer" => issuer).increment(1);
}

/// Counts what a cache has and has not.
#[derive(Clone, Copy)]
pub(crate) struct CacheMeter(&'static str);

impl CacheMeter {
    pub(crate) const fn new(cache: &'static str) -> Self {
        Self(cache)
    }

    pub(crate) fn count(self, is_hit: bool) {
        let result = if is_hit { "hit" } else { "miss" };
        counter!(CACHE_REQUESTS, "cache" => self.0, "result" => result).increment(1);
    }
}

impl Upstream {
    fn label(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Token => "token",
        }
    }
}

/// A question has ended.
pub(crate) fn upstream(what: Upstream, is_answered: bool) {
    let outcome = if is_answered { "answered" } else { "failed" };
    counter!(UPSTREAM_REQUESTS, "what" => what.label(), "outcome" => outcome).increment(1);
}

/// A pause begins.
pub(crate) fn pause(what: Upstream) {
    counter!(UPSTREAM_PAUSES, "what" => what.label()).increment(1);
}
