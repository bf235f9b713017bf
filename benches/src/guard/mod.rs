//! What a guard costs a route, beside the bare route, and beside a peer where the token is verified on the way.

pub(crate) mod actix;
pub(crate) mod axum;
pub(crate) mod refused;
pub(crate) mod rs256;

use crate::{
    case::Case,
    claims::{Sample, Small},
    verify::SECRET,
};
use jsonwebtoken::{DecodingKey, Validation, decode};
use portcullis_core::{Algorithm, Error, Gate, GateBuilder, Scheme, testing::SigningKey};
use portcullis_providers::directus::Directus;
use std::marker::PhantomData;

pub(crate) const BARE: &str = "bare route";
/// The route in a layer or middleware that does nothing: what the framework takes for any.
pub(crate) const NO_OP: &str = "no-op layer";

/// Routes with and without a guard.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let token = token();
    let gate = |settings: fn(GateBuilder) -> GateBuilder| gate(settings).expect("the gate is sound");
    let mut cases = axum::cases(&wanted, gate, &token);
    cases.extend(actix::cases(&wanted, gate, &token));
    cases.extend(rs256::cases(&wanted));
    cases.extend(refused::cases(&wanted));
    cases
}

/// A small token, signed with HS256.
pub(crate) fn token() -> String {
    let signing = SigningKey::secret(Algorithm::Hs256, SECRET).expect("the secret is long enough");
    signing.sign(r#"{"alg":"HS256","typ":"JWT"}"#, Small::JSON)
}

pub(crate) fn gate(settings: impl FnOnce(GateBuilder) -> GateBuilder) -> Result<Gate, Error> {
    settings(Gate::builder().scheme(Scheme::new(Directus::new(SECRET)?).bearer())).build()
}

/// `jsonwebtoken` with the rules that ours has.
pub(crate) struct Verifier<C>(DecodingKey, Validation, PhantomData<fn() -> C>);

impl Verifier<Small> {
    /// For tokens of Directus.
    pub(crate) fn new() -> Self {
        Self::with(DecodingKey::from_secret(SECRET), jsonwebtoken::Algorithm::HS256)
    }
}

impl<C: Sample> Verifier<C> {
    pub(crate) fn with(key: DecodingKey, algorithm: jsonwebtoken::Algorithm) -> Self {
        let mut rules = Validation::new(algorithm);
        rules.leeway = 0;
        rules.validate_nbf = true;
        rules.set_issuer(&[C::ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss"]);
        if let Some(audience) = C::AUDIENCE {
            rules.set_audience(&[audience]);
            rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        }
        Self(key, rules, PhantomData)
    }

    pub(crate) fn verify(&self, token: &str) -> Option<C> {
        decode(token, &self.0, &self.1).ok().map(|token| token.claims)
    }
}
