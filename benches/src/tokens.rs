//! Tokens with small claims, each of another subject, and who verifies them.

use crate::{
    claims::{Sample, Small},
    head::Head,
    verify::SECRET,
};
use portcullis_core::{Algorithm, Audience, ClaimMap, Gate, Issuer, Jwt, Scheme, TokenCache, testing::SigningKey};

/// The tokens of one issuer, signed with one key.
pub(crate) struct Tokens {
    algorithm: Algorithm,
    key: SigningKey,
}

impl Tokens {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::Hs256 => SigningKey::secret(algorithm, SECRET).expect("the secret is long enough"),
            _ => SigningKey::embedded(algorithm),
        };
        Self { algorithm, key }
    }

    /// The request with the token of this number.
    pub(crate) fn request(&self, number: usize) -> Head {
        // The first digits of the subject.
        let claims = Small::JSON.replacen("3f0c1a52", &format!("{number:08x}"), 1);
        Head::bearer(&self.key.sign(&format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm), &claims))
    }

    pub(crate) fn verifier(&self) -> Jwt {
        let issuer = Issuer::new(Small::ISSUER, Audience::absent(), [self.algorithm], self.key.key());
        let map =
            ClaimMap::new().subject("id").and_then(|map| map.roles("role")?.staff("admin_access")?.session("session"));
        Jwt::new(issuer.expect("the issuer is sound").claim_map(map.expect("the places are sound")))
    }

    /// A gate that knows a token again.
    pub(crate) fn gate(&self, cache: TokenCache) -> Gate {
        let gate = Gate::builder().scheme(Scheme::new(self.verifier()).bearer()).cache(cache);
        gate.build().expect("the gate is sound")
    }
}
