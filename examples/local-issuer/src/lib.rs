//! The issuer of the examples. It makes its key when it starts, so nobody else has that key, and its tokens are worth
//! nothing after it ends.
//!
//! A real service has an issuer elsewhere, such as an OpenID provider, and knows its public keys only.

use aws_lc_rs::{
    encoding::AsDer,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis::{Algorithm, Audience, Issuer, Key};
use serde_json::{Value, json};
use std::{
    error::Error,
    time::{Duration, SystemTime},
};

/// An issuer with a key of its own.
#[derive(Debug)]
pub struct LocalIssuer {
    name: &'static str,
    audience: &'static str,
    key: Ed25519KeyPair,
}

impl LocalIssuer {
    /// An issuer of this name, whose tokens are for this audience.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(name: &'static str, audience: &'static str) -> Result<Self, Box<dyn Error>> {
        Ok(Self { name, audience, key: Ed25519KeyPair::generate()? })
    }

    /// What a service knows of it: its name, its audience and its public key.
    ///
    /// # Errors
    /// If the name, the audience or the key cannot be used.
    pub fn issuer(&self) -> Result<Issuer, Box<dyn Error>> {
        let key = Key::der(Algorithm::EdDsa, self.key.public_key().as_der()?.as_ref())?;
        Ok(Issuer::new(self.name, Audience::is(self.audience), [Algorithm::EdDsa], key)?.token_type("at+jwt"))
    }

    /// A signed token of somebody, with these permissions in the claim `permissions`.
    ///
    /// # Errors
    /// If the clock of the system is before 1970.
    pub fn token(&self, subject: &str, permissions: &[&str], lifetime: Duration) -> Result<String, Box<dyn Error>> {
        let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt" });
        let claims = json!({
            "iss": self.name,
            "aud": self.audience,
            "sub": subject,
            "permissions": permissions,
            "iat": now,
            "exp": now + lifetime.as_secs(),
        });
        let encode = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        Ok(format!("{message}.{signature}"))
    }
}

#[cfg(test)]
mod tests;
