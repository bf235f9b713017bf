//! Keys by number, and tokens by them.

use crate::tokens::base64url;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::sync::OnceLock;

/// The key number `n`, of which there are 32.
pub(super) fn pair(n: u8) -> &'static Ed25519KeyPair {
    static PAIRS: [OnceLock<Ed25519KeyPair>; 32] = [const { OnceLock::new() }; 32];
    PAIRS[usize::from(n)].get_or_init(|| Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap())
}

/// The key number `n` under this name.
pub(super) fn jwk(kid: &str, n: u8) -> String {
    let x = base64url(pair(n).public_key());
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","alg":"EdDSA","use":"sig","x":"{x}"}}"#)
}

/// A JWK set of the keys with these names and numbers.
pub(super) fn set<'k>(keys: impl IntoIterator<Item = (&'k str, u8)>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|(kid, n)| jwk(kid, n)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The name that the key number `n` has unless a test says otherwise.
pub(super) fn name(n: u8) -> String {
    format!("k{n}")
}

/// A token of these claims, signed by the key number `n` under a name.
pub(super) fn signed(n: u8, kid: &str, claims: &str) -> String {
    signed_with(n, &format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), claims)
}

pub(super) fn signed_with(n: u8, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(pair(n).sign(message.as_bytes()));
    format!("{message}.{signature}")
}
