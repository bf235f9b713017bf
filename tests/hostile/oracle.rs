//! The verifier beside jsonwebtoken with matching rules: what that refuses, ours refuses too. The reverse need not hold.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken as oracle;
use portcullis::{Algorithm, Audience, Issuer, Jwt, testing::SigningKey};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use std::{
    cell::RefCell,
    time::{Duration, SystemTime},
};

const SECRET: &str = "the secret of this test, which is long enough for all of the HMACs";
const TOKENS: u32 = if cfg!(debug_assertions) { 4_000 } else { 100_000 };

/// All that both know; ES512 and the name `Ed25519` are held against published vectors elsewhere.
const BOTH: [(Algorithm, oracle::Algorithm); 12] = [
    (Algorithm::Hs256, oracle::Algorithm::HS256),
    (Algorithm::Hs384, oracle::Algorithm::HS384),
    (Algorithm::Hs512, oracle::Algorithm::HS512),
    (Algorithm::Rs256, oracle::Algorithm::RS256),
    (Algorithm::Rs384, oracle::Algorithm::RS384),
    (Algorithm::Rs512, oracle::Algorithm::RS512),
    (Algorithm::Ps256, oracle::Algorithm::PS256),
    (Algorithm::Ps384, oracle::Algorithm::PS384),
    (Algorithm::Ps512, oracle::Algorithm::PS512),
    (Algorithm::Es256, oracle::Algorithm::ES256),
    (Algorithm::Es384, oracle::Algorithm::ES384),
    (Algorithm::EdDsa, oracle::Algorithm::EdDSA),
];

/// One issuer, as each of the two trusts it.
struct Pair {
    key: SigningKey,
    ours: Jwt,
    theirs: (oracle::DecodingKey, oracle::Validation),
}

fn pair(algorithm: Algorithm, theirs: oracle::Algorithm, leeway: u64) -> Result<Pair, Box<dyn std::error::Error>> {
    let key = match &algorithm.name()[..2] {
        "HS" => SigningKey::secret(algorithm, SECRET)?,
        _ => SigningKey::embedded(algorithm),
    };
    let decoding = match (&algorithm.name()[..2], key.public_pem()) {
        (_, None) => oracle::DecodingKey::from_secret(SECRET.as_bytes()),
        ("RS" | "PS", Some(pem)) => oracle::DecodingKey::from_rsa_pem(pem.as_bytes())?,
        ("ES", Some(pem)) => oracle::DecodingKey::from_ec_pem(pem.as_bytes())?,
        (_, Some(pem)) => oracle::DecodingKey::from_ed_pem(pem.as_bytes())?,
    };
    let mut validation = oracle::Validation::new(theirs);
    validation.set_issuer(&["issuer"]);
    validation.set_audience(&["here"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    (validation.leeway, validation.validate_nbf) = (leeway, true);
    let ours =
        Issuer::new("issuer", Audience::is("here"), [algorithm], key.key())?.leeway(Duration::from_secs(leeway))?;
    Ok(Pair { ours: Jwt::new(ours), theirs: (decoding, validation), key })
}

/// Values that a claim may have and those that it should not.
fn value(now: u64) -> impl Strategy<Value = Value> {
    let far = 1000..100_000_u64;
    prop_oneof![
        4 => far.clone().prop_map(move |ahead| json!(now + ahead)),
        4 => far.prop_map(move |behind| json!(now - behind)),
        1 => select(vec![json!(now as f64 + 1000.5), json!(-1), json!(1e300), json!(u64::MAX), json!(253_402_300_800_u64)]),
        3 => select(vec![json!("issuer"), json!("here"), json!("other"), json!("")]),
        2 => select(vec![json!(["here"]), json!(["issuer"]), json!(["other", "here"]), json!([]), json!([["here"]]), json!([1])]),
        1 => select(vec![json!(null), json!(true), json!({}), json!({ "here": 1 })]),
    ]
}

/// A good token's claims with up to three changed, added or left out.
fn claims(now: u64) -> impl Strategy<Value = String> {
    let names = vec!["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "role"];
    let changes = proptest::collection::vec((select(names), proptest::option::of(value(now))), 0..=3);
    (changes, any::<bool>()).prop_map(move |(changes, duplicate)| {
        let mut claims = Map::new();
        for (name, value) in
            [("iss", json!("issuer")), ("aud", json!("here")), ("exp", json!(now + 5000)), ("sub", json!("a"))]
        {
            claims.insert(name.into(), value);
        }
        let mut twice = String::new();
        for (name, value) in changes {
            if let (true, Some(value)) = (duplicate, &value) {
                twice = format!(",\"{name}\":{value}");
            }
            match value {
                Some(value) => claims.insert(name.into(), value),
                None => claims.remove(name),
            };
        }
        let text = Value::Object(claims).to_string();
        format!("{}{twice}}}", text.trim_end_matches('}'))
    })
}

fn header(algorithm: Algorithm) -> impl Strategy<Value = String> {
    let alg =
        prop_oneof![12 => Just(algorithm.name()), 1 => select(vec!["none", "HS256", "RS256", "ES256", "hs256", ""])];
    let rest = prop_oneof![
        6 => Just(String::new()),
        1 => select(vec![r#","typ":"JWT""#, r#","typ":"jwt","kid":"k""#, r#","typ":7"#, r#","kid":1"#, r#","crit":[]"#, r#","alg":"HS256""#, r#","b64":false"#, r#","jwk":{}"#, ","]).prop_map(Into::into),
    ];
    (alg, rest).prop_map(|(alg, rest)| format!(r#"{{"alg":"{alg}"{rest}}}"#))
}

/// What is done to the compact form after signing.
#[derive(Debug, Clone)]
enum Damage {
    None,
    Replace(prop::sample::Index, char),
    Insert(prop::sample::Index, &'static str),
    Cut(prop::sample::Index),
    Payload,
}

fn damage() -> impl Strategy<Value = Damage> {
    let character = prop_oneof![any::<char>(), proptest::char::range('A', 'z')];
    prop_oneof![
        6 => Just(Damage::None),
        1 => (any::<prop::sample::Index>(), character).prop_map(|(at, character)| Damage::Replace(at, character)),
        1 => (any::<prop::sample::Index>(), select(vec!["=", ".", " ", "\n", "AA", "%3D", "é"])).prop_map(|(at, text)| Damage::Insert(at, text)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        1 => Just(Damage::Payload),
    ]
}

fn apply(damage: &Damage, token: String) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    let length = characters.len();
    match damage {
        Damage::None => {}
        Damage::Replace(at, character) => characters[at.index(length)] = *character,
        Damage::Insert(at, text) => drop(characters.splice(at.index(length)..at.index(length), text.chars())),
        Damage::Cut(at) => characters.truncate(at.index(length)),
        Damage::Payload => {
            let other = BASE64.encode(r#"{"iss":"issuer","aud":"here","exp":9999999999,"sub":"root"}"#);
            let mut parts: Vec<&str> = token.split('.').collect();
            parts[1] = &other;
            return parts.join(".");
        }
    }
    characters.into_iter().collect()
}

#[test]
fn refuses_what_jsonwebtoken_refuses() -> Result<(), Box<dyn std::error::Error>> {
    // It would otherwise guess its cryptography from the features of the whole build.
    let _ = oracle::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let (mut accepted, mut refused, mut stricter) = (0, 0, 0);
    for (algorithm, theirs) in BOTH {
        // A leeway that the far times above do not come near.
        for leeway in [0, 300] {
            let pair = pair(algorithm, theirs, leeway)?;
            let config = Config { cases: TOKENS / 24, failure_persistence: None, ..Config::default() };
            let counts = RefCell::new((0, 0, 0));
            TestRunner::new(config).run(&(header(algorithm), claims(now), damage()), |(header, claims, damage)| {
                let token = apply(&damage, pair.key.sign(&header, &claims));
                let (key, validation) = &pair.theirs;
                let theirs = oracle::decode::<Map<String, Value>>(&token, key, validation);
                let ours = pair.ours.verify(&token);
                let mut counts = counts.borrow_mut();
                match (&ours, &theirs) {
                    (Ok(_), Err(error)) => {
                        let known = format!("accepted here, refused there ({error}): {header} {claims} {damage:?}");
                        return Err(TestCaseError::fail(known));
                    }
                    (Ok(ours), Ok(theirs)) => {
                        let same: &Map<String, Value> =
                            ours.view().map_err(|error| TestCaseError::fail(error.to_string()))?;
                        prop_assert_eq!(same, &theirs.claims);
                        counts.0 += 1;
                    }
                    (Err(_), Err(_)) => counts.1 += 1,
                    (Err(_), Ok(_)) => counts.2 += 1,
                }
                Ok(())
            })?;
            let counts = counts.into_inner();
            accepted += counts.0;
            refused += counts.1;
            stricter += counts.2;
        }
    }
    println!("{accepted} accepted by both, {refused} refused by both, {stricter} refused only here");
    let all = accepted + refused + stricter;
    assert!(accepted > all / 10 && refused > all / 10 && stricter > 0, "the tokens are not varied enough");
    Ok(())
}
