use crate::{
    NOW,
    json::strict,
    scripted::{Scripted, at_once},
    sealed,
};
use portcullis_core::{
    Algorithm, Audience, Credential, CredentialSource, ErrorKind, Gate, Issuer, Jwt, RemoteKeys, Scheme,
    testing::{FixedClock, SigningKey},
};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

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
    let keys = RemoteKeys::discover(name, client.clone()).expect("the name is sound");
    let issuer = Issuer::new(name, Audience::is("here"), [Algorithm::EdDsa], keys).expect("the issuer is sound");
    let gate = Gate::builder().scheme(Scheme::new(Jwt::new(issuer).clock(clock)).bearer()).build();
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
        let found = who.principal().map(|principal| principal.id().subject()).map_err(|error| error.kind());
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
    let is_elsewhere = name.starts_with("http:") || !leads_here(authority);
    (is_address && is_elsewhere).then(|| url.to_owned())
}

/// Whether it is this machine or its link, or may be.
fn leads_here(authority: &str) -> bool {
    let is_here = |v4: Ipv4Addr| matches!(v4.octets(), [0 | 127, ..] | [169, 254, ..]);
    if let Some((v6, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let Ok(v6) = v6.parse::<Ipv6Addr>() else { return true };
        let is_here6 = || v6.is_loopback() || v6.is_unspecified() || v6.segments()[0] & 0xffc0 == 0xfe80;
        return v6.to_ipv4_mapped().map_or_else(is_here6, is_here);
    }
    let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    if host.is_empty() || host.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)) {
        return true;
    }
    if let Ok(v4) = host.parse() {
        return is_here(v4);
    }
    let last = host.split('.').next_back().unwrap_or_default();
    last == "localhost" || last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit())
}
