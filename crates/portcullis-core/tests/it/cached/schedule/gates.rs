//! Gates of every kind.

use super::{
    seams::{Own, Script, Store, Wrapped},
    setup::{Setup, Who},
    tokens::{AT_HAND, FETCHED, FOUND, OTHERS, SECRETS, secret},
};
use crate::cached::{
    keys::{jwk, name},
    seconds,
    web::Client,
};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Gate, GateBuilder, Issuer, Jwt, KeySet, KeySource, RemoteKeys, RevocationList,
    Scheme, SharedSecret, Verifier, testing::FixedClock,
};

pub(super) const SHARED: &str = "a-secret-that-two-services-share-and-nobody-else";

/// What a gate is built with, beside what is said of it.
pub(super) struct Parts<'p> {
    pub(super) client: &'p Client,
    pub(super) clock: &'p FixedClock,
    pub(super) own: &'p Script,
    pub(super) store: &'p Script,
    pub(super) list: &'p RevocationList,
}

impl Setup {
    pub(super) fn gate(&self, parts: &Parts<'_>) -> GateBuilder {
        let (floor, ceiling) = self.lifetime;
        let keys = RemoteKeys::builder().lifetime(seconds(floor), seconds(ceiling)).max_stale(seconds(self.max_stale));
        let fetched = keys.clone().jwks(format!("{FETCHED}/keys"), parts.client.clone()).unwrap();
        let found = keys.discover(FOUND, parts.client.clone()).unwrap();
        let first = self.first(&fetched).clock(parts.clock.clone());
        let second = self.second(found).clock(parts.clock.clone());
        let gate = if self.reject_conflicts { Gate::builder().reject_conflicts() } else { Gate::builder() };
        let gate = self.order.iter().fold(gate, |gate, who| {
            let verifier: Verifier = match who {
                Who::First => first.clone().into(),
                Who::Wrapped => Wrapped(first.clone()).into(),
                Who::Second => second.clone().into(),
                Who::Any => {
                    let any = issuer("https://any.test", [Algorithm::EdDsa], fetched.clone()).dangerous_any_name();
                    Jwt::new(any).clock(parts.clock.clone()).into()
                }
                Who::Lone => {
                    let lone = issuer("https://lone.test", [Algorithm::Hs256], secret(3).key());
                    Jwt::new(lone.leeway(seconds(300)).unwrap()).clock(parts.clock.clone()).into()
                }
                Who::Secret => SharedSecret::new("cron", SHARED).unwrap().into(),
                Who::Own => Own(parts.own.clone()).into(),
            };
            gate.scheme(self.sources.iter().cloned().fold(Scheme::new(verifier), Scheme::source))
        });
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
        let map = ClaimMap::new().subject("jti").unwrap().session("auth_time").unwrap();
        let secrets = issuer(OTHERS, [Algorithm::Hs256], secret(2).key()).claim_map(map);
        let secrets = secrets.leeway(seconds(60)).unwrap();
        Jwt::new(secrets).issuer(self.ruled(issuer(FOUND, [Algorithm::EdDsa], found))).unwrap()
    }

    fn ruled(&self, issuer: Issuer) -> Issuer {
        let issuer = issuer.leeway(seconds(self.rules.leeway)).unwrap();
        let issuer = self.rules.max_age.into_iter().fold(issuer, |issuer, age| issuer.max_token_age(seconds(age)));
        match self.rules.is_strict {
            true => issuer
                .rules(portcullis_core::Rules::new().require("tenant", "t1").unwrap().forbid("forbidden").unwrap())
                .token_type("JWT"),
            false => issuer,
        }
    }
}

fn issuer(name: &str, algorithms: impl IntoIterator<Item = Algorithm>, keys: impl Into<KeySource>) -> Issuer {
    let map = ClaimMap::new().roles("roles").unwrap().scopes("scope").unwrap();
    Issuer::new(name, Audience::is("test"), algorithms, keys).unwrap().claim_map(map)
}
