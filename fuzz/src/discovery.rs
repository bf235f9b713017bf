use crate::{
    NOW,
    json::strict,
    scripted::{Scripted, at_once},
    sealed,
};
use portcullis_core::{
    Algorithm, Audience, Credential, CredentialSource, ErrorKind, Gate, Issuer, Jwt, RemoteKeys,
    testing::{FixedClock, SigningKey},
};
use serde_json::Value;
use std::sync::LazyLock;

/// Issuers, and where the discovery document of each is.
const ISSUERS: [(&str, &str); 2] = [
    ("https://id.test", "https://id.test/.well-known/openid-configuration"),
    ("http://id.test/realm/", "http://id.test/realm/.well-known/openid-configuration"),
];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::embedded(Algorithm::EdDsa));

/// What an issuer answers for its discovery document. Keys are fetched from where it says, if it is the issuer's own
/// and that may be asked, and from nowhere else; without keys no token is accepted, and none is called invalid.
pub fn discovery(data: &[u8]) -> bool {
    // Every one of them, also after one that fetches.
    ISSUERS.iter().filter(|(name, document)| fetches(name, document, data)).count() > 0
}

fn fetches(name: &str, document: &str, data: &[u8]) -> bool {
    let set = format!(r#"{{"keys":[{}]}}"#, KEY.public_jwk("a").expect("a public key"));
    let (client, clock) = (Scripted::new(&[data, set.as_bytes()]), FixedClock::at(NOW));
    let keys = RemoteKeys::discover(name, client.clone()).expect("the name is sound").clock(clock.clone());
    let issuer = Issuer::new(name, Audience::is("here"), [Algorithm::EdDsa], keys).expect("the issuer is sound");
    let gate = Gate::builder().bearer().authenticator(Jwt::new(issuer).clock(clock)).build();
    let gate = gate.expect("the gate is sound");
    let claims = format!(r#"{{"iss":"{name}","aud":"here","sub":"a","exp":{}}}"#, NOW + 60);
    let token = sealed(&KEY, br#"{"alg":"EdDSA","kid":"a"}"#, claims.as_bytes());

    let keys_at = keys_at(data, name);
    let shown = || format!("{name}: {}", String::from_utf8_lossy(data));
    let gets = [document].into_iter().chain(keys_at.as_deref()).map(|url| ["GET", url, ""].map(str::to_owned));
    let gets: Vec<_> = gets.collect();
    // The second time the keys are there, or it is too early to ask again.
    for _ in 0..2 {
        let who = at_once(gate.authenticate(Credential::new(&*token, CredentialSource::bearer())));
        let found = who.principal().map(|principal| principal.subject()).map_err(|error| error.kind());
        let expected = if keys_at.is_some() { Ok("a") } else { Err(ErrorKind::Unavailable) };
        assert_eq!(found, expected, "{}", shown());
        assert_eq!(client.asked(), gets, "{}", shown());
    }
    keys_at.is_some()
}

/// OpenID Connect Discovery 1.0, section 4.3, read a second time: where the keys of this issuer are.
fn keys_at(data: &[u8], name: &str) -> Option<String> {
    let document = strict(data)?;
    let member = |name: &str| document.get(name).and_then(Value::as_str);
    let url = member("jwks_uri").filter(|_| member("issuer") == Some(name))?;
    let rest = match url.split_once("://")? {
        ("https", rest) => rest,
        ("http", rest) if name.starts_with("http:") => rest,
        _ => return None,
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let is_address =
        !authority.is_empty() && !authority.contains('@') && rest.chars().all(|c| ('!'..='~').contains(&c));
    is_address.then(|| url.to_owned())
}
