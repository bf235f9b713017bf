//! Arbitrary issuers, keys and tokens beside jsonwebtoken: what that refuses with every key of the issuer, we refuse.
//!
//! The reverse need not hold. Times are far from today, because the two ask the clock one after the other. Headers do
//! not offer keys of their own (`jwk`, `x5c`), which jsonwebtoken reads and we skip. It knows neither ES512 nor the
//! name `Ed25519`.

use crate::{json::same, sealed};
use arbitrary::{Arbitrary, Unstructured};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken as oracle;
use portcullis_core::{Algorithm, Audience, ErrorKind, Issuer, Jwt, Key, KeySet, Rules, testing::SigningKey};
use serde_json::{Map, Value, json};
use std::{sync::LazyLock, time::Duration};

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

/// A key of each algorithm, and for HMAC a second one: which algorithms share it, and how jsonwebtoken holds it.
struct Pair {
    signing: SigningKey,
    theirs: oracle::DecodingKey,
}

static PAIRS: LazyLock<Vec<Vec<Pair>>> = LazyLock::new(|| {
    // It would otherwise guess its cryptography from the features of the whole build.
    let _ = oracle::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let pairs = |algorithm: Algorithm| {
        let key = SigningKey::embedded(algorithm);
        let public = |pem: String| {
            let theirs = match family(algorithm) {
                "RSA" => oracle::DecodingKey::from_rsa_pem(pem.as_bytes()),
                "Ed" => oracle::DecodingKey::from_ed_pem(pem.as_bytes()),
                _ => oracle::DecodingKey::from_ec_pem(pem.as_bytes()),
            };
            vec![Pair { signing: key.clone(), theirs: theirs.expect("the embedded key is sound") }]
        };
        let secret = |byte: u8| Pair {
            signing: SigningKey::secret(algorithm, [byte; 64]).expect("a secret"),
            theirs: oracle::DecodingKey::from_secret(&[byte; 64]),
        };
        key.public_pem().map_or_else(|| vec![secret(b'a'), secret(b'b')], public)
    };
    BOTH.iter().map(|(algorithm, _)| pairs(*algorithm)).collect()
});

fn family(algorithm: Algorithm) -> &'static str {
    match &algorithm.name()[..2] {
        "HS" => "secret",
        "RS" | "PS" => "RSA",
        "Ed" => "Ed",
        _ => algorithm.name(),
    }
}

/// Takes one of these, by any number.
fn pick<T>(from: &[T], by: u8) -> &T {
    &from[usize::from(by) % from.len()]
}

#[derive(Debug, Arbitrary)]
struct Case {
    issuers: [Option<Trust>; 3],
    token: Token,
}

/// One issuer and its rules.
#[derive(Debug, Arbitrary)]
struct Trust {
    /// HMAC, or everything else.
    secrets: bool,
    /// Which algorithms of those.
    algorithms: u16,
    /// Which keys: an algorithm, which of its keys, and under which identifier.
    keys: Vec<(u8, u8, Option<u8>)>,
    audience: u8,
    leeway: u16,
    any_name: bool,
    without_expiry: bool,
    issued_in_future: bool,
    max_age: Option<u32>,
    token_type: bool,
    require: bool,
    forbid: bool,
}

#[derive(Debug, Arbitrary)]
struct Token {
    algorithm: u8,
    key: u8,
    alg: Option<u8>,
    kid: Option<u8>,
    header: Vec<u8>,
    claims: Vec<(u8, Option<Thing>)>,
    twice: Option<(u8, Thing)>,
    raw: Option<String>,
    damage: Vec<Damage>,
}

/// A value that a claim may have, or should not.
#[derive(Debug, Arbitrary)]
enum Thing {
    Ahead(u16),
    Behind(u16),
    Number(u64),
    Negative(i64),
    Float(f64),
    Text(u8),
    Texts(Vec<u8>),
    Any(String),
    Mixed(Vec<u8>),
    Flag(bool),
    Null,
}

/// What is done to the compact form after signing.
#[derive(Debug, Arbitrary)]
enum Damage {
    Replace(u16, u8),
    Insert(u16, u8),
    Cut(u16),
    Resign(u8),
    Claims(String),
    Strip,
}

const NAMES: [&str; 3] = ["a", "b", "https://c.test/"];
const IDS: [&str; 4] = ["k", "l", "", "a"];
const TEXTS: [&str; 8] = ["here", "there", "a", "b", "https://c.test/", "", "access", "here "];
const CLAIMS: [&str; 10] = ["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "client_id", "use", "nonce"];
const HEADERS: [&str; 12] = [
    r#","typ":"JWT""#,
    r#","typ":"at+jwt""#,
    r#","typ":"application/JWT""#,
    r#","typ":7"#,
    r#","typ":"dpop+jwt""#,
    r#","cty":"JWT""#,
    r#","cty":"json""#,
    r#","crit":["exp"]"#,
    r#","b64":true"#,
    r#","alg":"HS256""#,
    r#","x":[{"y":1,"y":2}]"#,
    r#","\u0061lg":"none""#,
];
const ALGS: [&str; 5] = ["none", "HS256", "RS256", "hs256", "ES512"];

impl Thing {
    fn value(&self) -> Value {
        let texts = |all: &[u8]| -> Vec<Value> { all.iter().map(|by| json!(pick(&TEXTS, *by))).collect() };
        match self {
            Self::Ahead(by) => json!(4_000_000_000_u64 + u64::from(*by)),
            Self::Behind(by) => json!(1_000_000_000_u64 + u64::from(*by)),
            Self::Number(number) => json!(number),
            Self::Negative(number) => json!(number),
            Self::Float(number) => json!(number),
            Self::Text(by) => json!(pick(&TEXTS, *by)),
            Self::Texts(all) => texts(all).into(),
            Self::Any(text) => json!(text),
            Self::Mixed(all) => texts(all).into_iter().chain([json!(1), json!(["here"])]).collect(),
            Self::Flag(flag) => json!(flag),
            Self::Null => Value::Null,
        }
    }
}

impl Trust {
    fn algorithms(&self) -> Vec<usize> {
        let range = if self.secrets { 0..3 } else { 3..BOTH.len() };
        range.enumerate().filter(|(bit, _)| self.algorithms & (1 << bit) != 0).map(|(_, place)| place).collect()
    }

    /// Places of keys that are those of this issuer: the algorithm whose pair it is, and which one.
    fn keys(&self) -> Vec<(usize, usize, Option<&'static str>)> {
        let key = |(algorithm, which, id): &(u8, u8, Option<u8>)| {
            let algorithm = usize::from(*algorithm) % BOTH.len();
            (algorithm, usize::from(*which) % PAIRS[algorithm].len(), id.map(|by| *pick(&IDS, by)))
        };
        self.keys.iter().take(4).map(key).collect()
    }

    fn audience(&self) -> Audience {
        match self.audience % 5 {
            0 => Audience::is("here"),
            1 => Audience::any_of(["here", "there"]),
            2 => Audience::absent(),
            3 => Audience::dangerous_anybody(),
            _ => Audience::client_id("here"),
        }
    }

    fn leeway(&self) -> u64 {
        u64::from(self.leeway % 301)
    }

    fn issuer(&self, name: &str) -> Result<Issuer, portcullis_core::Error> {
        let key = |(algorithm, which, id): (usize, usize, Option<&str>)| -> Key {
            let key = PAIRS[algorithm][which].signing.key();
            id.map_or(key.clone(), |id| key.with_id(id))
        };
        let algorithms: Vec<Algorithm> = self.algorithms().into_iter().map(|place| BOTH[place].0).collect();
        let keys: KeySet = self.keys().into_iter().map(key).collect();
        let mut issuer = Issuer::new(name, self.audience(), algorithms, keys)?;
        issuer = issuer.leeway(Duration::from_secs(self.leeway()))?;
        issuer = if self.any_name { issuer.dangerous_any_name() } else { issuer };
        issuer = if self.without_expiry { issuer.dangerous_without_expiry() } else { issuer };
        issuer = if self.issued_in_future { issuer.dangerous_issued_in_future() } else { issuer };
        issuer = self.max_age.map_or(issuer.clone(), |age| issuer.max_token_age(Duration::from_secs(age.into())));
        issuer = if self.token_type { issuer.token_type("at+jwt") } else { issuer };
        let rules = if self.require { Rules::new().require("use", "access")? } else { Rules::new() };
        Ok(issuer.rules(if self.forbid { rules.forbid("nonce")? } else { rules }))
    }

    /// The same rules, as far as jsonwebtoken has them, for one of the keys.
    fn validation(&self, name: &str, algorithm: usize) -> oracle::Validation {
        let mut validation = oracle::Validation::new(BOTH[algorithm].1);
        let mut required = vec![];
        match self.audience % 5 {
            0 => validation.set_audience(&["here"]),
            1 => validation.set_audience(&["here", "there"]),
            3 => validation.validate_aud = false,
            _ => {}
        }
        if self.audience % 5 < 2 {
            required.push("aud");
        }
        if !self.any_name {
            validation.set_issuer(&[name]);
            required.push("iss");
        }
        if !self.without_expiry {
            required.push("exp");
        }
        validation.required_spec_claims = required.into_iter().map(str::to_owned).collect();
        (validation.leeway, validation.validate_nbf) = (self.leeway(), true);
        validation
    }
}

impl Token {
    fn key(&self) -> &'static Pair {
        pick(pick::<Vec<Pair>>(&PAIRS, self.algorithm), self.key)
    }

    fn header(&self) -> String {
        let alg = self.alg.map_or(self.key().signing.algorithm().name(), |by| *pick(&ALGS, by));
        let kid = self.kid.map(|by| format!(r#","kid":"{}""#, pick(&IDS, by))).unwrap_or_default();
        let rest: String = self.header.iter().take(3).map(|by| *pick(&HEADERS, *by)).collect();
        format!(r#"{{"alg":"{alg}"{kid}{rest}}}"#)
    }

    fn claims(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut claims = Map::new();
        for (name, value) in [("iss", json!("a")), ("aud", json!("here")), ("exp", json!(4_000_000_000_u64))] {
            claims.insert(name.into(), value);
        }
        for (by, thing) in &self.claims {
            let name = *pick(&CLAIMS, *by);
            match thing {
                Some(thing) => claims.insert(name.into(), thing.value()),
                None => claims.remove(name),
            };
        }
        let text = Value::Object(claims).to_string();
        let Some((by, thing)) = &self.twice else { return text };
        let comma = if text == "{}" { "" } else { "," };
        format!("{}{comma}\"{}\":{}}}", &text[..text.len() - 1], pick(&CLAIMS, *by), thing.value())
    }

    fn text(&self) -> String {
        let mut token = sealed(&self.key().signing, self.header().as_bytes(), self.claims().as_bytes());
        for damage in self.damage.iter().take(3) {
            token = damage.apply(token);
        }
        token
    }
}

impl Damage {
    fn apply(&self, token: String) -> String {
        let mut bytes = token.clone().into_bytes();
        let place = |at: &u16| usize::from(*at) % token.len().max(1);
        let text = |by: &u8| *pick(b".= \n-_+/Awe0", *by);
        let (message, _) = token.rsplit_once('.').unwrap_or_default();
        match self {
            Self::Replace(at, by) if !bytes.is_empty() => bytes[place(at)] = text(by),
            Self::Insert(at, by) if !bytes.is_empty() => bytes.insert(place(at), text(by)),
            Self::Cut(at) => bytes.truncate(place(at)),
            // Signed again as it stands, by any key: damage that only the parts show.
            Self::Resign(by) => {
                let signature = pick::<Vec<Pair>>(&PAIRS, *by)[0].signing.sign_bytes(message.as_bytes());
                return format!("{message}.{}", BASE64.encode(signature));
            }
            Self::Claims(claims) => {
                let (header, _) = token.split_once('.').unwrap_or_default();
                let (_, signature) = token.rsplit_once('.').unwrap_or_default();
                return format!("{header}.{}.{signature}", BASE64.encode(claims));
            }
            Self::Strip => return format!("{message}."),
            _ => {}
        }
        String::from_utf8(bytes).unwrap_or(token)
    }
}

/// A verifier of several issuers, put together at random, and a token for it.
pub fn structured(data: &[u8]) -> bool {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return false };
    let trusted = NAMES.iter().zip(&case.issuers).filter_map(|(name, trust)| Some((*name, trust.as_ref()?)));
    let mut built = trusted.clone().map(|(name, trust)| trust.issuer(name));
    let jwt = match built.next() {
        None => return false,
        Some(first) => first.map(Jwt::new).and_then(|first| built.try_fold(first, |jwt, issuer| jwt.issuer(issuer?))),
    };
    let jwt = match jwt {
        Ok(jwt) => jwt,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{case:?}: {error}");
            return false;
        }
    };
    let token = case.token.text();
    let Ok(ours) = jwt.verify(&token) else { return false };
    let shown = || format!("{} {} {case:?}", case.token.header(), case.token.claims());
    let named = ours.issuer();
    let mut of_name = trusted.filter(|(name, trust)| trust.any_name || named.as_deref() == Some(*name));
    let (name, trust) = of_name.next().unwrap_or_else(|| panic!("of no issuer: {}", shown()));
    let mut refused = Vec::new();
    let allowed = trust.algorithms();
    for (algorithm, which, id) in trust.keys().into_iter().filter(|(algorithm, ..)| allowed.contains(algorithm)) {
        let validation = trust.validation(name, algorithm);
        match oracle::decode::<Map<String, Value>>(&token, &PAIRS[algorithm][which].theirs, &validation) {
            Ok(theirs) if id.is_some() && theirs.header.kid.as_deref().is_some_and(|asked| Some(asked) != id) => {
                refused.push("another key is meant".to_owned());
            }
            Ok(theirs) => {
                let ours = ours.view::<Map<String, Value>>().expect("claims are a map").clone();
                assert!(same(&Value::Object(ours), &Value::Object(theirs.claims)), "{}", shown());
                return true;
            }
            Err(error) => refused.push(error.to_string()),
        }
    }
    panic!("accepted here, refused there ({refused:?}): {}", shown());
}
