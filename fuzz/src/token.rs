use crate::{NOW, json::strict};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use portcullis_core::{
    Algorithm, Audience, Credential, CredentialSource, Gate, Issuer, Jwt, Scheme,
    testing::{FixedClock, SigningKey},
};
use std::sync::LazyLock;

/// Every algorithm has an issuer of its own, all in one verifier.
struct Trusted {
    keys: Vec<SigningKey>,
    jwt: Jwt,
    gate: Gate,
}

fn name(algorithm: Algorithm) -> String {
    format!("https://{algorithm}.test")
}

static TRUSTED: LazyLock<Trusted> = LazyLock::new(|| {
    let keys: Vec<SigningKey> = Algorithm::ALL.into_iter().map(SigningKey::embedded).collect();
    let mut issuers = keys.iter().map(|key| {
        let issuer = Issuer::new(name(key.algorithm()), Audience::is("here"), [key.algorithm()], key.key());
        issuer.expect("the issuer is sound")
    });
    let first = Jwt::new(issuers.next().expect("there are algorithms"));
    let jwt = issuers.fold(first, |jwt, issuer| jwt.issuer(issuer).expect("the names differ"));
    let jwt = jwt.clock(FixedClock::at(NOW));
    let gate = Gate::builder().scheme(Scheme::new(jwt.clone()).bearer()).build().expect("the gate is sound");
    Trusted { keys, jwt, gate }
});

/// A token of any bytes for both parts, signed by the key.
pub fn sealed(key: &SigningKey, header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = BASE64.encode(key.sign_bytes(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A good token of each algorithm, to start from.
pub fn tokens() -> Vec<(Algorithm, String)> {
    let token = |key: &SigningKey| {
        let algorithm = key.algorithm();
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
        let claims = format!(r#"{{"iss":"{}","aud":"here","sub":"a","exp":{}}}"#, name(algorithm), NOW + 60);
        (algorithm, sealed(key, header.as_bytes(), claims.as_bytes()))
    };
    TRUSTED.keys.iter().map(token).collect()
}

/// A whole token: what is accepted has one spelling and was signed by the issuer that it names.
pub fn compact_token(data: &[u8]) -> bool {
    let Ok(token) = str::from_utf8(data) else { return false };
    let Trusted { keys, jwt, gate } = &*TRUSTED;
    // A verifier that remembers no header yet, and then one that does.
    let fresh = jwt.clone();
    let (claims, again) = (fresh.verify(token), fresh.verify(token));
    assert_eq!(claims.as_ref().map_err(|error| error.kind()).err(), again.map_err(|error| error.kind()).err());
    let answer = gate.authenticate(Credential::new(token, CredentialSource::bearer()));
    let who = answer.ready().expect("nothing has to wait");
    let principal = who.principal();
    let Ok(claims) = claims else {
        assert!(principal.is_err(), "{token}");
        return false;
    };
    assert!(token.len() <= 8192, "{} bytes", token.len());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, body, signature] = parts[..] else { panic!("not three parts: {token}") };
    let [header, body, signature] = [header, body, signature].map(|part| {
        let bytes = BASE64.decode(part).expect("base64url");
        assert_eq!(BASE64.encode(&bytes), part, "another spelling");
        bytes
    });
    let header = strict(&header).expect("a JSON object");
    let body = strict(&body).expect("a JSON object");
    let algorithm: Algorithm = header["alg"].as_str().expect("a text").parse().expect("an algorithm");
    assert_eq!(body["iss"], *name(algorithm), "{token}");
    assert_eq!(claims.issuer().as_deref(), body["iss"].as_str(), "{token}");
    if let Ok(principal) = principal {
        assert_eq!(Some(principal.id().subject()), body["sub"].as_str(), "{token}");
    }
    // Most algorithms sign the same message the same way again; ECDSA and PSS do not.
    let key = keys.iter().find(|key| key.algorithm() == algorithm).expect("a known algorithm");
    if !matches!(&algorithm.name()[..2], "ES" | "PS") {
        let (message, _) = token.rsplit_once('.').expect("three parts");
        assert_eq!(key.sign_bytes(message.as_bytes()), signature, "{token}");
    }
    true
}
