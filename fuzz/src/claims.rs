use crate::{
    NOW,
    json::{same, strict},
    sealed,
};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Claims, Credential, CredentialSource, ErrorKind, Gate, Issuer, Jwt, Principal,
    Scheme,
    testing::{FixedClock, SigningKey},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

const LEEWAY: u64 = 10;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: f64 = 253_402_300_799.0;

struct Trusted {
    key: SigningKey,
    jwt: Jwt,
    gate: Gate,
}

static TRUSTED: LazyLock<Trusted> = LazyLock::new(|| {
    let key = SigningKey::embedded(Algorithm::Hs256);
    let issuer = Issuer::new("issuer", Audience::any_of(["here", "hier"]), [Algorithm::Hs256], key.key());
    let issuer = issuer.and_then(|issuer| issuer.leeway(std::time::Duration::from_secs(LEEWAY)));
    let map = ClaimMap::new()
        .roles("/realm/roles")
        .expect("sound")
        .roles("role")
        .expect("sound")
        .scopes("scope")
        .expect("sound")
        .permissions("permissions")
        .expect("sound");
    let map = map.staff("/flags/0").expect("sound").organization("org").expect("sound");
    let jwt = Jwt::new(issuer.expect("the issuer is sound").claim_map(map)).clock(FixedClock::at(NOW));
    let gate = Gate::builder().scheme(Scheme::new(jwt.clone()).bearer()).build().expect("the gate is sound");
    Trusted { key, jwt, gate }
});

/// Any claims under a good header, signed: accepted if they are what the issuer has to say, and only then, and read as
/// `serde_json` reads them.
pub fn claims_json(data: &[u8]) -> bool {
    let Trusted { key, jwt, gate } = &*TRUSTED;
    let token = sealed(key, br#"{"alg":"HS256"}"#, data);
    let shown = String::from_utf8_lossy(data);
    let found = jwt.verify(&token);
    let expected = if token.len() > 8192 { Err(ErrorKind::Invalid) } else { expected(data) };
    let answer = gate.authenticate(Credential::new(&*token, CredentialSource::bearer()));
    let who = answer.ready().expect("nothing has to wait");
    let claims = match (found, expected) {
        (Ok(claims), Ok(_)) => claims,
        (Err(found), Err(expected)) => {
            assert_eq!(found.kind(), expected, "{shown}: {found}");
            assert_eq!(who.principal().err().map(|error| error.kind()), Some(expected), "{shown}");
            return false;
        }
        (found, expected) => panic!("{shown}: {:?}, not {expected:?}", found.map_err(|error| error.to_string())),
    };
    let value = Value::Object(strict(data).expect("it was accepted"));
    assert_reads_alike(&claims, &value, str::from_utf8(data).expect("it was accepted"));
    let subject = value["sub"].as_str().filter(|subject| !subject.is_empty());
    match (who.principal(), subject.filter(|_| is_read(&value))) {
        (Ok(principal), Some(subject)) => assert_principal(principal, subject, &value),
        (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Invalid, "{shown}"),
        (found, subject) => panic!("{shown}: {found:?} and {subject:?}"),
    }
    true
}

/// RFC 7519, section 4.1, read a second time.
fn expected(data: &[u8]) -> Result<(), ErrorKind> {
    let holds = |condition: bool| if condition { Ok(()) } else { Err(ErrorKind::Invalid) };
    let claims = strict(data).ok_or(ErrorKind::Invalid)?;
    if claims.get("iss").and_then(Value::as_str) != Some("issuer") {
        return Err(ErrorKind::Unrecognized);
    }
    let Registered { names, expiry, start, issued } = Registered::read(&claims).ok_or(ErrorKind::Invalid)?;
    holds(!is_of_another_kind(&claims))?;
    holds(names.is_some_and(|names| names.iter().any(|name| ["here", "hier"].contains(name))))?;
    let (now, leeway) = (NOW as f64, LEEWAY as f64);
    match expiry {
        None => return Err(ErrorKind::Invalid),
        Some(expiry) if now >= expiry + leeway => return Err(ErrorKind::Expired),
        Some(_) => {}
    }
    let begun = |time: Option<f64>| time.is_none_or(|time| time <= now + leeway);
    holds(begun(start) && begun(issued))
}

/// The registered claims that are compared, of the types that RFC 7519 gives them.
pub(crate) struct Registered<'c> {
    pub(crate) names: Option<Vec<&'c str>>,
    pub(crate) expiry: Option<f64>,
    pub(crate) start: Option<f64>,
    pub(crate) issued: Option<f64>,
}

impl<'c> Registered<'c> {
    /// `None` if one of them is of another type.
    pub(crate) fn read(claims: &'c Map<String, Value>) -> Option<Self> {
        let is_text = |name: &str| claims.get(name).is_none_or(Value::is_string);
        let time = |name: &str| match claims.get(name) {
            None => Some(None),
            Some(value) => value.as_f64().filter(|time| (0.0..=LAST_SECOND).contains(time)).map(Some),
        };
        let names = match claims.get("aud") {
            None => None,
            Some(Value::String(name)) => Some(vec![&**name]),
            Some(Value::Array(names)) => Some(names.iter().map(Value::as_str).collect::<Option<_>>()?),
            Some(_) => return None,
        };
        let found = Self { names, expiry: time("exp")?, start: time("nbf")?, issued: time("iat")? };
        ["iss", "sub", "jti"].into_iter().all(is_text).then_some(found)
    }
}

/// RFC 8725, section 3.11.
pub(crate) fn is_of_another_kind(claims: &Map<String, Value>) -> bool {
    let others = "id id_token id+jwt serialized-id refresh refresh_token refresh+jwt offline logout logout_token logout+jwt \
                  secevent+jwt dpop+jwt";
    let is_other = |kind: &str| others.split(' ').any(|other| other == kind.to_ascii_lowercase());
    let says = |claim: &str| claims.get(claim).and_then(Value::as_str).is_some_and(is_other);
    claims.contains_key("events") || ["typ", "type", "token_use", "token_type"].into_iter().any(says)
}

/// Whether everything that is mapped has a shape that is known.
fn is_read(value: &Value) -> bool {
    let lists = [value.pointer("/realm/roles"), value.get("role"), value.get("scope"), value.get("permissions")];
    let is_session = value["sid"].is_null() || name(&value["sid"]).is_some();
    is_session && lists.into_iter().all(|list| names(list).is_some()) && organization(&value["org"]).is_some()
}

fn name(value: &Value) -> Option<String> {
    let digits = |text: &String| text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    value.as_str().map(str::to_owned).or_else(|| Some(value.as_number()?.to_string()).filter(digits))
}

fn organization(value: &Value) -> Option<Option<String>> {
    if let Some(one) = name(value) {
        return Some(Some(one).filter(|one| !one.is_empty()));
    }
    match &*names(Some(value))? {
        [] => Some(None),
        [one] => Some(Some((*one).to_owned())),
        _ => None,
    }
}

/// Names in a known shape.
pub(crate) fn names(value: Option<&Value>) -> Option<Vec<&str>> {
    let names: Option<Vec<&str>> = match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(all)) => {
            all.iter().map(|one| one.as_str().or(one["name"].as_str()).or(one["authority"].as_str())).collect()
        }
        Some(Value::Object(all)) => {
            let is_set = |value: &Value| match value {
                Value::Object(_) | Value::Bool(true) => Some(true),
                Value::Null | Value::Bool(false) => Some(false),
                value => value.as_u64().filter(|flag| *flag < 2).map(|flag| flag == 1),
            };
            let entry = |(name, value)| is_set(value).map(|is_set| Some(name).filter(|_| is_set).map(String::as_str));
            all.iter().map(entry).collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect())
        }
        Some(_) => None,
    };
    Some(names?.into_iter().filter(|name| !name.is_empty()).collect())
}

#[derive(Debug, PartialEq, Deserialize)]
struct Typed {
    iss: String,
    sub: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    realm: Option<Realm>,
    staff: Option<bool>,
    exp: Value,
    count: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Realm {
    roles: Option<Vec<String>>,
}

fn assert_reads_alike(claims: &Claims, value: &Value, text: &str) {
    let all = Value::Object(claims.view::<Map<String, Value>>().expect("any claims are a map").clone());
    assert!(same(&all, value), "{all} and {value}");
    assert_eq!(claims.view::<Typed>().ok(), serde_json::from_str::<Typed>(text).ok().as_ref(), "{text}");
    for path in ["/realm/roles", "/realm/roles/1", "/flags/0", "/a~1b/m~0n", "role", "sub", "/sub", "/", "//"] {
        let found = claims.get::<Value>(path).expect("any claim is a value");
        let expected = if path.starts_with('/') { value.pointer(path) } else { value.get(path) };
        let alike = match (&found, expected) {
            (Some(found), Some(expected)) => same(found, expected),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(alike, "{path} in {text}: {found:?} and {expected:?}");
    }
    assert_eq!(claims.subject().as_deref(), value["sub"].as_str(), "{text}");
    assert_eq!(claims.token_id().as_deref(), value["jti"].as_str(), "{text}");
    assert!(claims.audience().iter().any(|name| name == "here" || name == "hier"), "{text}");
    assert!(claims.expires_at().is_some(), "{text}");
}

fn assert_principal(principal: &Principal, subject: &str, value: &Value) {
    assert_eq!(principal.id().subject(), subject, "{value}");
    let texts = |value| names(value).expect("it was read");
    let roles = [texts(value.pointer("/realm/roles")), texts(value.get("role"))].concat();
    let found: Vec<&str> = principal.roles().iter().map(|role| role.as_str()).collect();
    assert!(found.iter().all(|role| roles.contains(role)), "{found:?} in {value}");
    assert!(roles.iter().all(|role| found.contains(role)), "{found:?} in {value}");
    let scopes = texts(value.get("scope")).join(" ");
    assert!(
        scopes
            .split(' ')
            .filter(|scope| !scope.is_empty())
            .all(|scope| principal.scopes().iter().any(|held| held == scope)),
        "{value}"
    );
    assert!(principal.scopes().iter().all(|held| scopes.split(' ').any(|scope| held == scope)), "{value}");
    let flag = value.pointer("/flags/0");
    let is_set = flag == Some(&Value::Bool(true)) || flag.is_some_and(|flag| flag.as_u64() == Some(1));
    assert_eq!(principal.is_staff(), is_set, "{value}");
    assert_eq!(principal.organization().map(str::to_owned), organization(&value["org"]).flatten(), "{value}");
}
