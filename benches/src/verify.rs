//! From a token to typed claims: by us, by `jsonwebtoken`, and no more than the signature by aws-lc-rs.

use crate::{
    case::{Case, Operation},
    claims::{Large, Sample, Small},
};
use aws_lc_rs::{
    hmac,
    signature::{self as sig, ParsedPublicKey, VerificationAlgorithm},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation, decode};
use portcullis_core::{Algorithm, Audience, Issuer, Jwt, testing::SigningKey};
use std::{hint::black_box, sync::Arc};

/// The one that services see most.
pub(crate) const HS256: &str = "verify/HS256/small";
pub(crate) const OURS: &str = "portcullis";
pub(crate) const PEER: &str = "jsonwebtoken";
pub(crate) const BARE: &str = "bare aws-lc-rs";

/// Sixty-four bytes, long enough for every HMAC.
pub(crate) const SECRET: &[u8] = b"a benchmark's secret that protects nothing, and is 64 bytes long";

/// What aws-lc-rs needs to know of an algorithm.
#[derive(Clone, Copy)]
enum Primitive {
    Hmac(hmac::Algorithm),
    /// With the public key that belongs to the embedded signing key, in the form that PEM files lead to.
    Public(&'static dyn VerificationAlgorithm, &'static [u8]),
}

/// A case for every size and algorithm whose name, such as `verify/HS256/small`, is wanted.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let (primitives, mut cases) = (primitives(), Vec::new());
    for (size, make) in [(Small::SIZE, case::<Small> as fn(_, _) -> _), (Large::SIZE, case::<Large>)] {
        let here = primitives.iter().filter(|(algorithm, _)| wanted(&format!("verify/{algorithm}/{size}")));
        cases.extend(here.map(|(algorithm, primitive)| make(*algorithm, *primitive)));
    }
    cases
}

fn case<C: Sample>(algorithm: Algorithm, primitive: Primitive) -> Case {
    let signing = match primitive {
        Primitive::Hmac(_) => SigningKey::secret(algorithm, SECRET).expect("the secret is long enough"),
        Primitive::Public(..) => SigningKey::embedded(algorithm),
    };
    let token: Arc<str> = signing.sign(&format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#), C::JSON).into();
    let audience = C::AUDIENCE.map_or_else(Audience::absent, Audience::is);
    let issuer = Issuer::new(C::ISSUER, audience, [algorithm], signing.key()).expect("the issuer is sound");
    let verifier = Jwt::new(issuer);
    let peer = peer::<C>(algorithm, primitive, token.clone(), &verifier);
    let bare = bare(primitive, &token);
    let operations = [ours::<C>(verifier, token)].into_iter().chain(peer).chain([bare]).collect();
    let table = format!("verify, {} claims ({} bytes of JSON)", C::SIZE, C::JSON.len());
    Case { name: format!("verify/{algorithm}/{}", C::SIZE), table, row: algorithm.name(), operations }
}

fn ours<C: Sample>(verifier: Jwt, token: Arc<str>) -> Operation {
    Operation::new(OURS, move || {
        let claims = verifier.verify(black_box(&token)).expect("the token is good");
        black_box(claims.view::<C>().expect("the claims fit their type"));
        claims
    })
}

/// `None` where `jsonwebtoken` does not know the algorithm. It has to read the same as our verifier does.
fn peer<C: Sample>(algorithm: Algorithm, primitive: Primitive, token: Arc<str>, ours: &Jwt) -> Option<Operation> {
    let algorithm: jsonwebtoken::Algorithm = algorithm.name().parse().ok()?;
    let key = match primitive {
        Primitive::Hmac(_) => DecodingKey::from_secret(SECRET),
        Primitive::Public(_, public) => match algorithm.family() {
            jsonwebtoken::AlgorithmFamily::Rsa => DecodingKey::from_rsa_der(public),
            jsonwebtoken::AlgorithmFamily::Ec => DecodingKey::from_ec_der(public),
            _ => DecodingKey::from_ed_der(public),
        },
    };
    // The rules that ours has: `exp` and `iss` have to be there, `nbf` is obeyed, and without an audience of its own it
    // refuses a token that has any.
    let mut rules = Validation::new(algorithm);
    rules.leeway = 0;
    rules.validate_nbf = true;
    rules.set_issuer(&[C::ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss"]);
    if let Some(audience) = C::AUDIENCE {
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    }
    let claims = ours.verify(&token).expect("the token is good");
    let verify = move || decode::<C>(black_box(token.as_bytes()), &key, &rules).expect("the token is good");
    assert_eq!(&verify().claims, claims.view::<C>().expect("the claims fit their type"));
    Some(Operation::new(PEER, verify))
}

fn bare(primitive: Primitive, token: &str) -> Operation {
    let (message, signature) = token.rsplit_once('.').expect("a token has dots");
    let (message, signature) =
        (message.to_owned(), URL_SAFE_NO_PAD.decode(signature).expect("a signature is base64url"));
    match primitive {
        Primitive::Hmac(hash) => {
            let key = hmac::Key::new(hash, SECRET);
            Operation::new(BARE, move || {
                hmac::verify(&key, black_box(message.as_bytes()), &signature).expect("it fits")
            })
        }
        Primitive::Public(algorithm, public) => {
            let key = ParsedPublicKey::new(algorithm, public).expect("the public key is sound");
            Operation::new(BARE, move || key.verify_sig(black_box(message.as_bytes()), &signature).expect("it fits"))
        }
    }
}

fn primitives() -> [(Algorithm, Primitive); 9] {
    // The key itself is the end of its SubjectPublicKeyInfo.
    macro_rules! public {
        ($algorithm:ident, $key:literal, $length:literal) => {{
            let info = include_bytes!(concat!("../../crates/portcullis-core/src/testing/keys/", $key, ".spki"));
            Primitive::Public(&sig::$algorithm, info.last_chunk::<$length>().expect("the embedded key is as long"))
        }};
    }
    [
        (Algorithm::Hs256, Primitive::Hmac(hmac::HMAC_SHA256)),
        (Algorithm::Hs384, Primitive::Hmac(hmac::HMAC_SHA384)),
        (Algorithm::Hs512, Primitive::Hmac(hmac::HMAC_SHA512)),
        (Algorithm::Rs256, public!(RSA_PKCS1_2048_8192_SHA256, "rsa", 270)),
        (Algorithm::Ps256, public!(RSA_PSS_2048_8192_SHA256, "rsa", 270)),
        (Algorithm::Es256, public!(ECDSA_P256_SHA256_FIXED, "p256", 65)),
        (Algorithm::Es384, public!(ECDSA_P384_SHA384_FIXED, "p384", 97)),
        (Algorithm::Es512, public!(ECDSA_P521_SHA512_FIXED, "p521", 133)),
        (Algorithm::EdDsa, public!(ED25519, "ed25519", 32)),
    ]
}
