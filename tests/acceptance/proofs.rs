//! Proofs of possession (DPoP). Each is good for one request, so a request has its own made when it is sent.

use crate::cast::ISSUER;
use portcullis::{
    Algorithm, Dpop, RecentProofs,
    testing::{SigningKey, TestToken},
};
use serde_json::json;
use std::sync::LazyLock;

const ADDRESS: &str = "https://api.example.com";
const KEY: Algorithm = Algorithm::Es256;

static USED: LazyLock<RecentProofs> = LazyLock::new(|| RecentProofs::new(100_000));

/// How proofs are checked, by gates that know what the others have seen.
pub fn dpop() -> Dpop {
    Dpop::new(ADDRESS).unwrap().memory(USED.clone())
}

/// A token about somebody that is bound to the key of the client.
pub fn bound(subject: &str) -> TestToken<'static> {
    ISSUER.token(subject).claim("cnf", json!({ "jkt": SigningKey::embedded(KEY).key().thumbprint() }))
}

/// What a proof is for.
#[derive(Debug, Clone)]
pub struct Proof {
    pub method: &'static str,
    pub path: String,
    pub token: String,
    pub key: Algorithm,
}

impl Proof {
    pub fn new(method: &'static str, path: &str, token: &str) -> Self {
        Self { method, path: path.to_owned(), token: token.to_owned(), key: KEY }
    }

    pub fn made(&self) -> String {
        let address = format!("{ADDRESS}{}", self.path);
        SigningKey::embedded(self.key).dpop_proof(self.method, &address, &self.token, &ISSUER.clock())
    }
}
