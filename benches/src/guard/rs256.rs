//! A large access token, as Keycloak issues it, verified with RS256 for each request.

use super::{
    BARE, Verifier,
    axum::{by_jsonwebtoken, greeting, operation, unguarded},
};
use crate::{
    case::{Case, Operation},
    claims::{Large, Sample},
    verify::{OURS, PEER},
};
use jsonwebtoken::DecodingKey;
use portcullis_core::{Algorithm, Audience, Gate, Issuer, Jwt, Scheme, testing::SigningKey};

pub(crate) const NAME: &str = "guard/axum/RS256, large";

pub(super) fn cases(wanted: impl Fn(&str) -> bool) -> Option<Case> {
    let (table, row) = ("guard, axum, a request built and answered".to_owned(), "RS256, large");
    wanted(NAME).then(|| Case { name: NAME.to_owned(), table, row, operations: operations() })
}

fn operations() -> Vec<Operation> {
    let (gate, token) = (gate(), token());
    vec![
        operation(OURS, &token, greeting(&gate)),
        operation(PEER, &token, by_jsonwebtoken(verifier())),
        operation(BARE, &token, unguarded(&gate)),
    ]
}

pub(crate) fn token() -> String {
    SigningKey::embedded(Algorithm::Rs256).sign(r#"{"alg":"RS256","typ":"JWT","kid":"1"}"#, Large::JSON)
}

pub(crate) fn gate() -> Gate {
    let audience = Large::AUDIENCE.map_or_else(Audience::absent, Audience::is);
    let key = SigningKey::embedded(Algorithm::Rs256).key();
    let issuer = Issuer::new(Large::ISSUER, audience, [Algorithm::Rs256], key).expect("the issuer is sound");
    Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build().expect("the gate is sound")
}

pub(crate) fn verifier() -> Verifier<Large> {
    Verifier::with(DecodingKey::from_rsa_der(public_key()), jsonwebtoken::Algorithm::RS256)
}

/// In the form of PKCS#1, which is the end of its SubjectPublicKeyInfo.
pub(crate) fn public_key() -> &'static [u8; 270] {
    let info = include_bytes!("../../../crates/portcullis-core/src/testing/keys/rsa.spki");
    info.last_chunk().expect("the embedded key is as long")
}
