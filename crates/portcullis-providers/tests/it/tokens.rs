//! Tokens as Directus signs them, and what comes of who presents one.

use portcullis_core::{Algorithm, Credential, CredentialSource, Error, Principal, Verifier, testing::SigningKey};
use serde_json::{Value, json};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

pub const NOW: u64 = 1_795_353_900;
pub const SECRET: &str = "the SECRET of a Directus instance that there is not, long enough for HS512";

/// The claims of a good token of user `u1` in `json` mode, with these changed or added.
pub fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "id": "u1", "role": "r1", "app_access": true, "admin_access": false,
        "iat": NOW, "exp": NOW + 900, "iss": "directus",
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

pub fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = SigningKey::secret(algorithm, secret).unwrap();
    key.sign(&json!({ "alg": algorithm.name(), "typ": "JWT" }).to_string(), &claims.to_string())
}

pub fn token(changes: Value) -> String {
    signed(Algorithm::Hs256, SECRET, &claims(changes))
}

/// The same in `session` mode.
pub fn session() -> String {
    token(json!({ "session": "s".repeat(64) }))
}

/// What is there at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing at once"),
    }
}

/// Who presents this, on a route that asks for a fresh identity or on one that does not.
pub fn enter_within(
    on: &(impl Into<Verifier> + Clone),
    token: &str,
    max_age: Option<Duration>,
) -> Result<Principal, Error> {
    let credential = Credential::new(token, CredentialSource::bearer()).with_max_age(max_age);
    now(on.clone().into().authenticate(&credential))
}

pub fn enter(on: &(impl Into<Verifier> + Clone), token: &str) -> Result<Principal, Error> {
    enter_within(on, token, None)
}

/// The subject, or the status of the refusal.
pub fn subject(on: &(impl Into<Verifier> + Clone), token: &str) -> Result<String, u16> {
    enter(on, token).map(|who| who.id().subject().to_owned()).map_err(|error| error.status())
}
