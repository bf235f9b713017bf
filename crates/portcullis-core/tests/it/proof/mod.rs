//! Tokens that are bound to a key, with and without a proof.

mod certificates;
mod challenge;
mod dpop;
mod fields;
mod introspected;
mod nonces;
mod once;
mod replay;

use crate::head::Head;
use portcullis_core::{
    Algorithm, Clock, Dpop, Error, Gate, RequestHead, Scheme,
    testing::{FixedClock, SigningKey, TestIssuer},
};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const API: &str = "https://api.example.com";

pub(crate) fn dpop() -> Dpop {
    Dpop::new(API).unwrap()
}

/// A gate for bearer tokens and those with a proof.
pub(crate) fn gate_with(issuer: &TestIssuer, dpop: Dpop) -> Gate {
    Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer().dpop(dpop)).build().unwrap()
}

/// A client with its key, and a token that is bound to it.
pub(crate) struct Client {
    pub(crate) key: SigningKey,
    pub(crate) token: String,
    pub(crate) clock: FixedClock,
}

impl Client {
    pub(crate) fn of(issuer: &TestIssuer, algorithm: Algorithm) -> Self {
        let key = SigningKey::embedded(algorithm);
        let bound_to = json!({ "jkt": key.key().thumbprint() });
        Self {
            token: issuer.token("alice").claim("cnf", bound_to).expires_in(Duration::from_secs(3600)).sign(),
            key,
            clock: issuer.clock(),
        }
    }

    pub(crate) fn new(issuer: &TestIssuer) -> Self {
        Self::of(issuer, Algorithm::Es256)
    }

    pub(crate) fn proof(&self, method: &str, path: &str) -> String {
        self.key.dpop_proof(method, &format!("{API}{path}"), &self.token, &self.clock)
    }

    /// A proof for `GET /`, with changes to its header and its claims.
    pub(crate) fn proof_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let proof = self.proof("GET", "/");
        let part =
            |number| -> Value { serde_json::from_slice(&decode(proof.split('.').nth(number).unwrap())).unwrap() };
        let (mut header, mut claims) = (part(0), part(1));
        change(&mut header, &mut claims);
        self.key.sign(&header.to_string(), &claims.to_string())
    }

    /// `GET /` with this proof.
    pub(crate) fn request(&self, proof: &str) -> Head {
        Head::new().header("authorization", format!("DPoP {}", self.token)).header("dpop", proof)
    }
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The subject of the caller, or the code of the error.
pub(crate) async fn ask(gate: &Gate, head: &dyn RequestHead) -> Result<String, String> {
    let who = gate.establish(head).await;
    let subject = who.principal().map(|principal| principal.id().subject().to_owned());
    subject.map_err(|error| error.code().to_owned())
}

pub(crate) async fn error(gate: &Gate, head: &dyn RequestHead) -> Error {
    gate.establish(head).await.principal().unwrap_err()
}

pub(crate) fn seconds(clock: &FixedClock) -> u64 {
    clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
