//! `jwt-simple`, whose claims are those of RFC 7519 and a type of one's own beside them.

use crate::{
    case::Operation,
    claims::{Large, Sample, Small},
    verify::SECRET,
};
use jwt_simple::{
    algorithms::{
        ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike, HS256Key, MACLike,
        RS256PublicKey, RSAPublicKeyLike,
    },
    claims::JWTClaims,
    common::VerificationOptions,
};
use portcullis_core::{Algorithm, testing::SigningKey};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashSet},
    hint::black_box,
};

const BY: &str = "jwt-simple";

/// What [`Small`] has beside the claims of RFC 7519.
#[derive(Deserialize)]
#[expect(dead_code, reason = "they are read, and nothing more")]
struct RestOfSmall {
    id: String,
    role: String,
    app_access: bool,
    admin_access: bool,
}

/// What [`Large`] has beside the claims of RFC 7519.
#[derive(Deserialize)]
#[expect(dead_code, reason = "they are read, and nothing more")]
struct RestOfLarge {
    auth_time: u64,
    azp: String,
    sid: String,
    realm_access: Roles,
    resource_access: BTreeMap<String, Roles>,
    scope: String,
    email_verified: bool,
    name: String,
    preferred_username: String,
    email: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are read, and nothing more")]
struct Roles {
    roles: Vec<String>,
}

pub(crate) fn knows(case: &str) -> bool {
    ["HS256", "RS256", "ES256", "EdDSA"].iter().any(|algorithm| case.starts_with(&format!("verify/{algorithm}/")))
}

pub(crate) fn peers(case: &str) -> Option<Operation> {
    let (algorithm, size) = case.strip_prefix("verify/")?.split_once('/')?;
    let algorithm = match algorithm {
        "HS256" => Algorithm::Hs256,
        "RS256" => Algorithm::Rs256,
        "ES256" => Algorithm::Es256,
        "EdDSA" => Algorithm::EdDsa,
        _ => return None,
    };
    Some(if size == Small::SIZE {
        peer::<Small, RestOfSmall>(algorithm)
    } else {
        peer::<Large, RestOfLarge>(algorithm)
    })
}

fn peer<C: Sample, Rest: DeserializeOwned + 'static>(algorithm: Algorithm) -> Operation {
    let signing = match algorithm {
        Algorithm::Hs256 => SigningKey::secret(algorithm, SECRET).expect("the secret is long enough"),
        _ => SigningKey::embedded(algorithm),
    };
    let token = signing.sign(&format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#), C::JSON);
    // The rules that ours has.
    let rules = VerificationOptions {
        allowed_issuers: Some(HashSet::from([C::ISSUER.to_owned()])),
        allowed_audiences: C::AUDIENCE.map(|audience| HashSet::from([audience.to_owned()])),
        time_tolerance: Some(jwt_simple::prelude::Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    macro_rules! with {
        ($key:expr) => {{
            let key = $key;
            Operation::new(BY, move || -> JWTClaims<Rest> {
                key.verify_token::<Rest>(black_box(&token), Some(rules.clone())).expect("the token is good")
            })
        }};
    }
    macro_rules! spki {
        ($name:literal) => {
            include_bytes!(concat!("../../../crates/portcullis-core/src/testing/keys/", $name, ".spki"))
        };
    }
    match algorithm {
        Algorithm::Hs256 => with!(HS256Key::from_bytes(SECRET)),
        Algorithm::Rs256 => with!(RS256PublicKey::from_der(spki!("rsa")).expect("a public key")),
        Algorithm::Es256 => with!(ES256PublicKey::from_der(spki!("p256")).expect("a public key")),
        _ => with!(Ed25519PublicKey::from_der(spki!("ed25519")).expect("a public key")),
    }
}
