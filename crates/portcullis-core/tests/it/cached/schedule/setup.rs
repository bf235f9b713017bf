//! How two gates may be built.

use super::random::one_of;
use portcullis_core::{CredentialSource, TokenCache};
use proptest::{prelude::*, sample::subsequence};

#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) size: (usize, Option<usize>),
    pub(super) order: Vec<Who>,
    pub(super) rules: Rules,
    pub(super) revocations: bool,
    pub(super) lifetime: (u64, u64),
    pub(super) max_stale: u64,
    pub(super) sources: Vec<CredentialSource>,
    pub(super) reject_conflicts: bool,
    /// Whether issuers answer before the client returns.
    pub(super) in_send: bool,
    pub(super) seed: u64,
}

/// Who is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    First,
    /// The first, in an authenticator of the application's own.
    Wrapped,
    /// With a secret and rules of its own.
    Second,
    /// One that takes any name, with keys of the first. It comes after all that know theirs.
    Any,
    Secret,
    Own,
    /// A verifier of one issuer, which has nothing to do with the others and is less strict.
    Lone,
}

#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) leeway: u64,
    pub(super) max_age: Option<u64>,
    pub(super) is_strict: bool,
}

pub(super) fn setup() -> impl Strategy<Value = Setup> {
    let size = prop_oneof![
        4 => (1..8_usize, Just(None)),
        1 => (Just(0), Just(None)),
        2 => (1..100_usize, prop_oneof![0..20_000_usize, 2000..6000_usize].prop_map(Some)),
        4 => (Just(1000), Just(None)),
    ];
    // The second is found again, or there would be nothing to remember.
    let first = one_of(&[(4, Who::First), (1, Who::Wrapped)]);
    let others = subsequence(vec![Who::Secret, Who::Own, Who::Lone], 0..=3);
    let order = (first, others, prop::bool::weighted(0.15)).prop_map(|(first, others, any)| {
        let any = any.then_some(Who::Any);
        others.into_iter().chain([first, Who::Second]).chain(any).collect::<Vec<_>>()
    });
    let leeway = one_of(&[(1, 0), (1, 5), (1, 60)]);
    let max_age = one_of(&[(2, None), (1, Some(20)), (1, Some(300))]);
    let rules =
        (leeway, max_age, any::<bool>()).prop_map(|(leeway, max_age, is_strict)| Rules { leeway, max_age, is_strict });
    let lifetime = one_of(&[(3, (1, 3600)), (1, (0, 3600)), (1, (60, 60))]);
    let max_stale = one_of(&[(1, 86_400), (1, 30), (1, 0)]);
    let sources = [CredentialSource::bearer(), CredentialSource::cookie("session"), CredentialSource::query("token")];
    let sources = (Just(sources.to_vec()).prop_shuffle(), prop::bool::weighted(0.2));
    let times = (lifetime, max_stale, prop::bool::weighted(0.2));
    (size, order.prop_shuffle(), rules, prop::bool::weighted(0.6), times, sources, any::<u64>()).prop_map(
        |(size, order, rules, revocations, (lifetime, max_stale, in_send), (sources, reject_conflicts), seed)| Setup {
            size,
            order: any_last(order),
            rules,
            revocations,
            lifetime,
            max_stale,
            sources,
            reject_conflicts,
            in_send,
            seed,
        },
    )
}

fn any_last(mut order: Vec<Who>) -> Vec<Who> {
    order.sort_by_key(|who| matches!(who, Who::Any));
    order
}

impl Setup {
    pub(super) fn cache(&self) -> TokenCache {
        let (entries, bytes) = self.size;
        let cache = TokenCache::new(entries);
        bytes.map_or(cache, |bytes| cache.max_bytes(bytes))
    }
}
