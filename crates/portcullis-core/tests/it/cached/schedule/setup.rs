//! Gates of every kind.

use super::{
    seams::{Own, Script, Store, Wrapped},
    tokens::{AT_HAND, FETCHED, FOUND, SECRETS, one_of, secret},
};
use crate::cached::{
    keys::{jwk, name},
    seconds,
    web::Client,
};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, CredentialSource, Gate, GateBuilder, Issuer, Jwt, KeySet, KeySource, RemoteKeys,
    RevocationList, SharedSecret, TokenCache, testing::FixedClock,
};
use proptest::{prelude::*, sample::subsequence};
use std::time::Duration;

pub(super) const SHARED: &str = "a secret that two services share, and nobody else";

#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) size: (usize, Option<usize>),
    order: Vec<Who>,
    rules: Rules,
    revocations: bool,
    lifetime: (u64, u64),
    max_stale: u64,
    sources: Vec<CredentialSource>,
    reject_conflicts: bool,
    /// Whether issuers answer before the client returns.
    pub(super) in_send: bool,
    pub(super) seed: u64,
}

/// Who is asked.
#[derive(Debug, Clone, Copy)]
enum Who {
    First(Wrap),
    /// With another secret for an issuer of the first, and other rules.
    Second(Wrap),
    /// The first once more.
    Again,
    /// One that takes any name, with keys of the first.
    Any,
    Secret,
    Own,
    /// A verifier of one issuer, which has nothing to do with the others and is less strict.
    Lone,
}

#[derive(Debug, Clone, Copy)]
enum Wrap {
    None,
    SaysSo,
    Hides,
}

#[derive(Debug, Clone)]
struct Rules {
    leeway: u64,
    max_age: Option<u64>,
    is_strict: bool,
}

pub(super) fn setup() -> impl Strategy<Value = Setup> {
    let size = prop_oneof![
        4 => (1..8_usize, Just(None)),
        1 => (Just(0), Just(None)),
        2 => (1..100_usize, prop_oneof![0..20_000_usize, 2000..6000_usize].prop_map(Some)),
        4 => (Just(1000), Just(None)),
    ];
    let wrap = || one_of(&[(3, Wrap::None), (1, Wrap::SaysSo), (1, Wrap::Hides)]);
    let others = subsequence(vec![Who::Again, Who::Secret, Who::Own, Who::Lone], 0..=4);
    let order = (wrap(), wrap(), others, prop::bool::weighted(0.15)).prop_map(|(first, second, others, any)| {
        let any = any.then_some(Who::Any);
        others.into_iter().chain([Who::First(first), Who::Second(second)]).chain(any).collect::<Vec<_>>()
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
            order,
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

/// What a gate is built with, beside what is said of it.
pub(super) struct Parts<'p> {
    pub(super) client: &'p Client,
    pub(super) clock: &'p FixedClock,
    pub(super) own: &'p Script,
    pub(super) store: &'p Script,
    pub(super) list: &'p RevocationList,
}

impl Setup {
    pub(super) fn cache(&self) -> TokenCache {
        let (entries, bytes) = self.size;
        let cache = TokenCache::new(entries);
        bytes.map_or(cache, |bytes| cache.max_bytes(bytes))
    }

    /// The secret of the verifier that comes first, mostly.
    pub(super) fn secrets(&self) -> [u8; 4] {
        let first = self.order.iter().find_map(|who| match who {
            Who::First(_) | Who::Again => Some(1),
            Who::Second(_) => Some(2),
            _ => None,
        });
        [1, 2, first.unwrap_or(1), first.unwrap_or(1)]
    }

    pub(super) fn gate(&self, parts: &Parts<'_>) -> GateBuilder {
        let remote = |keys: RemoteKeys| {
            let (floor, ceiling) = self.lifetime;
            keys.clock(parts.clock.clone())
                .lifetime(seconds(floor), seconds(ceiling))
                .max_stale(seconds(self.max_stale))
        };
        let fetched = remote(RemoteKeys::jwks(format!("{FETCHED}/keys"), parts.client.clone()).unwrap());
        let found = remote(RemoteKeys::discover(FOUND, parts.client.clone()).unwrap());
        let first = self.first(&fetched).clock(parts.clock.clone());
        let second = self.second(found).clock(parts.clock.clone());
        let mut gate = self.sources.iter().cloned().fold(Gate::builder(), GateBuilder::source);
        gate = if self.reject_conflicts { gate.reject_conflicts() } else { gate };
        for who in &self.order {
            gate = match who {
                Who::First(wrap) => wrapped(gate, first.clone(), *wrap),
                Who::Second(wrap) => wrapped(gate, second.clone(), *wrap),
                Who::Again => gate.authenticator(std::sync::Arc::new(first.clone())),
                Who::Any => {
                    let any = issuer("https://any.test", [Algorithm::EdDsa], fetched.clone()).dangerous_any_name();
                    gate.authenticator(Jwt::new(any).clock(parts.clock.clone()))
                }
                Who::Lone => {
                    let lone = issuer("https://lone.test", [Algorithm::Hs256], secret(3).key());
                    gate.authenticator(Jwt::new(lone.leeway(seconds(300)).unwrap()).clock(parts.clock.clone()))
                }
                Who::Secret => gate.authenticator(SharedSecret::new("cron", SHARED).unwrap()),
                Who::Own => gate.authenticator(Own(parts.own.clone())),
            };
        }
        match self.revocations {
            true => gate.revocations(Store(parts.store.clone(), parts.list.clone())),
            false => gate,
        }
    }

    /// The rules are about its second and third issuer; the first has none.
    fn first(&self, fetched: &RemoteKeys) -> Jwt {
        let at_hand = KeySet::jwks(&format!(r#"{{"keys":[{},{}]}}"#, jwk(&name(1), 1), jwk(&name(2), 2))).unwrap();
        let at_hand = self.ruled(issuer(AT_HAND, [Algorithm::EdDsa], at_hand));
        let fetched = self.ruled(issuer(FETCHED, [Algorithm::EdDsa], fetched.clone()));
        let first = Jwt::new(issuer(SECRETS, [Algorithm::Hs256], secret(1).key()).dangerous_without_expiry());
        first.issuer(at_hand).unwrap().issuer(fetched).unwrap()
    }

    fn second(&self, found: RemoteKeys) -> Jwt {
        let map = ClaimMap::new().subject("jti").session("auth_time");
        let secrets = issuer(SECRETS, [Algorithm::Hs256], secret(2).key()).claim_map(map);
        let secrets = secrets.leeway(Duration::from_secs(60)).unwrap();
        Jwt::new(secrets).issuer(self.ruled(issuer(FOUND, [Algorithm::EdDsa], found))).unwrap()
    }

    fn ruled(&self, issuer: Issuer) -> Issuer {
        let issuer = issuer.leeway(seconds(self.rules.leeway)).unwrap();
        let issuer = self.rules.max_age.into_iter().fold(issuer, |issuer, age| issuer.max_token_age(seconds(age)));
        match self.rules.is_strict {
            true => issuer.require_claim("tenant", "t1").forbid_claim("forbidden").token_type("JWT"),
            false => issuer,
        }
    }
}

fn issuer(name: &str, algorithms: impl IntoIterator<Item = Algorithm>, keys: impl Into<KeySource>) -> Issuer {
    let map = ClaimMap::new().roles("roles").scopes("scope");
    Issuer::new(name, Audience::is("test"), algorithms, keys).unwrap().claim_map(map)
}

fn wrapped(gate: GateBuilder, jwt: Jwt, wrap: Wrap) -> GateBuilder {
    match wrap {
        Wrap::None => gate.authenticator(jwt),
        Wrap::SaysSo => gate.authenticator(Wrapped { jwt, says_so: true }),
        Wrap::Hides => gate.authenticator(Wrapped { jwt, says_so: false }),
    }
}
