//! The same tokens go to us and to published SDKs of issuers, and every difference is explained. `sdk/run.sh sdks.mjs` installs
//! the SDKs and answers for them. It needs Node and npm.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

use portcullis::{
    Algorithm, Credential, CredentialSource, Jwt, KeySet, Verifier,
    providers::{clerk::Instance, cognito, google, stytch},
    testing::SigningKey,
};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

const POOL: &str = "eu-central-1_AbCdEf123";
const PROJECT: &str = "project-test-11111111-1111-4111-8111-111111111111";
const ORIGIN: &str = "https://app.example.com";
const SESSION: &str = "https://stytch.com/session";
const ORGANIZATION: &str = "https://stytch.com/organization";

/// What permissions of the tokens are made of.
const FEATURES: [&str; 6] = ["dashboard", "teams", "x", "y", "a", "a:b"];
const ACTIONS: [&str; 4] = ["manage", "read", "a", "b"];

/// How an answer of ours differs from that of an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Refuses,
    Accepts,
    /// Both accept, and say other things about the caller.
    Says,
}
use Ours::{Accepts, Refuses, Says};

/// Every class of difference: the SDK (`*` for all), the difference, what our refusal, their refusal, or the change says, and
/// the reason. The first that fits counts.
const EXPLAINED: &[(&str, Ours, &str, &str)] = &[
    ("*", Refuses, "is not a time between 1970", "times are in RFC 7519's range"),
    ("*", Refuses, "s ahead of this clock", "a token from the future is refused"),
    ("*", Refuses, "the token expired", "the leeway is shorter here"),
    ("*", Refuses, "the token has no `iss`", "tokens of other issuers are refused"),
    ("*", Refuses, "the token has the `iss`", "tokens of other issuers are refused"),
    ("*", Refuses, "that is not a string; accepted are", "a claim that is used has the type that is documented"),
    ("*", Refuses, "does not fit the type asked for", "a claim that is used has the type that is documented"),
    ("*", Refuses, "is not a string or an integer", "a claim that is used has the type that is documented"),
    ("*", Refuses, "is not one organization", "a claim that is used has the type that is documented"),
    (
        "*",
        Refuses,
        "is neither a string nor an array of strings",
        "a claim that is used has the type that is documented",
    ),
    ("*", Refuses, "is not a string, an array of strings", "a claim that is used has the type that is documented"),
    ("*", Refuses, "` is not a string", "a claim that is used has the type that is documented"),
    ("*", Refuses, "the token has no `exp`", "a token without an end is refused"),
    ("*", Refuses, "no valid subject", "a caller has a subject"),
    ("*", Refuses, "the token has no `sid`", "the token of a session has its id"),
    ("*", Refuses, "meant for another service", "a session token of Clerk has no audience"),
    (
        "*",
        Refuses,
        "the claim `sts` is not",
        "a session with open tasks is no sign-in; the SDK leaves it to the code around it",
    ),
    (
        "*",
        Refuses,
        "the claim `cat` is not",
        "a token of a template or a machine is no session; the SDK leaves it to the code around it",
    ),
    ("*", Refuses, "session tokens of Clerk of version", "a version that is not known is not guessed at"),
    ("*", Refuses, "the token's `typ`", "the type of a token is stated"),
    ("*", Refuses, "the issuer has no key for", "the key is that of the token's `kid` and `alg`"),
    ("*", Refuses, "the algorithm `", "only RS256 is accepted"),
    ("*", Refuses, "the token demands extensions", "RFC 7515, 4.1.11: an extension that is not known is refused"),
    ("*", Refuses, "an encoding of its own", "RFC 7797 and compression are not for session and access tokens"),
    ("*", Refuses, "the signature does not fit", "base64url of RFC 7515 has no padding and no space"),
    ("*", Refuses, "the credential is not a JWT", "the encoding of RFC 7515 is strict"),
    ("*", Refuses, "is no time in RFC 3339", "a claim that is used has the type that is documented"),
    ("*", Refuses, "the token has no `organization_id`", "a member is in an organization"),
    (
        "clerk",
        Accepts,
        "Invalid JWT type",
        "RFC 7515, 4.1.9: `typ` is compared without case and without `application/`",
    ),
    ("clerk", Accepts, "missing colon", "a feature without scope grants nothing here"),
    ("cognito", Accepts, "scope claim is not a string", "a claim `scope` of another type is no scope here"),
    ("cognito", Accepts, "does not have valid kid", "a token without `kid` is verified with the keys there are"),
    ("cognito", Accepts, "is not of type string", "RFC 7519, 4.1.3: an audience may be an array"),
    ("google", Accepts, "Wrong recipient", "RFC 7519, 4.1.3: an audience may be an array"),
    ("google", Accepts, "No issue time", "the end of a token counts, not its beginning"),
    ("google", Accepts, "too far in future", "Google signs no such token; Issuer::max_token_age limits it"),
    ("google", Accepts, "No pem found", "a token without `kid` is verified with the keys there are"),
    ("stytch", Accepts, "\"typ\" JWT header", "every JWT that the project's key signed for the project counts"),
    (
        "clerk",
        Says,
        "packed ",
        "what two ways of counting do not both grant is left out, and what is no permission or no mask",
    ),
    ("clerk", Says, "org_id ", "permissions without an organization are none"),
    ("clerk", Says, "org_permissions ", "`another` is no permission, which has a resource and an action"),
    ("clerk", Says, "fea ", "`teams/` is no resource"),
    ("clerk", Says, "o/id ", "permissions without an organization are none"),
    ("clerk", Says, "o/per ", "what is no permission is left out"),
    ("cognito", Says, "cognito:groups ", "one text is one group"),
    ("cognito", Says, "origin_jti ", "an integer is read as text"),
    ("google", Says, "hd ", "an integer is read as text, and an empty list as nothing"),
    ("stytch", Says, "https://stytch.com/session/id ", "an integer is read as text"),
    ("stytch", Says, "https://stytch.com/session/roles ", "one text is one role"),
    (
        "stytch",
        Says,
        "https://stytch.com/organization/organization_id ",
        "an integer and a list of one are read as text",
    ),
];

/// One SDK, what is ours beside it, and what it is asked about.
struct Side {
    sdk: &'static str,
    verifier: Verifier,
    claims: Value,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn sides(keys: &KeySet) -> Vec<Side> {
    let side = |sdk, issuer: Result<portcullis::Issuer, portcullis::Error>, claims: Value| {
        let mut all = json!({ "iat": now() - 30, "exp": now() + 600 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        Side { sdk, verifier: Jwt::new(issuer.unwrap()).into(), claims: all }
    };
    let keys = || keys.clone();
    let clerk = Instance::new("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k").unwrap();
    let session = json!({ "iss": "https://clerk.example.com", "sub": "user_1", "sid": "sess_1", "azp": ORIGIN, "nbf": now() - 60 });
    let with = |claims: &Value, more: Value| {
        let mut all = claims.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    let first = with(
        &session,
        json!({ "org_id": "org_1", "org_role": "org:admin", "org_permissions": ["org:teams:read", "org:teams:manage"] }),
    );
    let second = with(
        &session,
        json!({ "v": 2, "sts": "active", "fea": "o:dashboard,o:teams", "fva": [0, -1],
                "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2" } }),
    );
    let pool = format!("https://cognito-idp.eu-central-1.amazonaws.com/{POOL}");
    let access = json!({ "iss": pool, "sub": "alice", "client_id": "web", "token_use": "access", "scope": "openid orders/read",
                         "version": 2, "origin_jti": "login-1", "jti": "token-1", "cognito:groups": ["admins", "staff"] });
    let id = json!({ "iss": pool, "sub": "alice", "aud": "web", "token_use": "id", "origin_jti": "login-1",
                     "cognito:groups": ["admins"] });
    let account = json!({ "iss": "https://accounts.google.com", "sub": "1", "aud": "web", "azp": "web", "hd": "example.com",
                          "email": "alice@example.com", "email_verified": true });
    let user = json!({ "iss": format!("stytch.com/{PROJECT}"), "sub": "user-test-1", "aud": [PROJECT], "nbf": now() - 30,
                       SESSION: { "id": "session-test-1", "roles": ["stytch_user"], "started_at": "2026-01-01T00:00:00Z",
                                  "last_accessed_at": "2026-01-01T00:00:00Z", "expires_at": "2096-01-01T00:00:00Z" } });
    let member = with(&user, json!({ ORGANIZATION: { "organization_id": "organization-test-1", "slug": "acme" } }));
    vec![
        side("clerk", clerk.sessions_of([ORIGIN], keys()), first.clone()),
        side("clerk", clerk.sessions_of([ORIGIN], keys()), second.clone()),
        side("clerk, any page", clerk.sessions(keys()), first),
        side("clerk, any page", clerk.sessions(keys()), second),
        side("cognito access", cognito::access_tokens(POOL, ["web"], keys()), access),
        side("cognito id", cognito::id_tokens(POOL, ["web"], keys()), id),
        side("google", google::any_account(["web"], keys()), account),
        side("stytch", stytch::sessions(PROJECT, keys()), user),
        side("stytch b2b", stytch::b2b_sessions(PROJECT, keys()), member),
    ]
}

/// A token and what was changed in it.
type Changed = (String, String);

fn sign(algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    SigningKey::embedded(algorithm).sign(&header.to_string(), &claims.to_string())
}

fn changed(side: &Side) -> Vec<Changed> {
    let (header, claims) = (json!({ "alg": "RS256", "typ": "JWT", "kid": "1" }), &side.claims);
    let good = sign(Algorithm::Rs256, &header, claims);
    let mut all = vec![("nothing".to_owned(), good.clone())];
    let mut add =
        |name: String, header: &Value, claims: &Value| all.push((name, sign(Algorithm::Rs256, header, claims)));

    // Each claim, and each member of the claims that are objects.
    let mut places: Vec<(Vec<String>, Value)> = Vec::new();
    let members = claims.as_object().unwrap();
    for name in
        members.keys().map(String::as_str).chain(["aud", "nbf", "azp", "sts", "v", "o", "org_id", "cnf", "hd", "act"])
    {
        places.push((vec![name.to_owned()], members.get(name).cloned().unwrap_or_default()));
        for (member, value) in members.get(name).and_then(Value::as_object).into_iter().flatten() {
            places.push((vec![name.to_owned(), member.clone()], value.clone()));
        }
    }
    places.dedup();
    for (path, value) in places {
        let mut set = |label: String, new: Option<Value>| {
            let mut claims = claims.clone();
            let (last, parents) = path.split_last().unwrap();
            let parent = parents.iter().fold(&mut claims, |at, name| &mut at[name]);
            let parent: &mut Map<String, Value> = parent.as_object_mut().unwrap();
            match new {
                Some(new) => parent.insert(last.clone(), new),
                None => parent.remove(last),
            };
            add(format!("{} {label}", path.join("/")), &header, &claims);
        };
        set("absent".into(), None);
        let others = [
            json!(null),
            json!(true),
            json!(0),
            json!(1),
            json!(-1),
            json!(1.5),
            json!(""),
            json!(" "),
            json!([]),
            json!({}),
        ];
        for new in others.into_iter().chain([json!("another"), json!(["another"]), json!([["another"]]), json!([1])]) {
            set(format!("= {new}"), Some(new));
        }
        match &value {
            Value::String(text) => {
                set("as an array".into(), Some(json!([text])));
                set("with another".into(), Some(json!([text, "another"])));
                set("in upper case".into(), Some(text.to_uppercase().into()));
                set("with a space".into(), Some(format!("{text} ").into()));
                set("with a slash".into(), Some(format!("{text}/").into()));
            }
            Value::Number(number) => set("as a string".into(), Some(number.to_string().into())),
            Value::Array(items) => {
                set("as a string".into(), items.first().cloned());
                set("with another".into(), Some(items.iter().cloned().chain([json!("another")]).collect()));
            }
            _ => {}
        }
    }
    for name in ["exp", "nbf", "iat"] {
        for offset in [-90_000, -3_600, -120, 120, 3_600, 80_000, 200_000] {
            let mut claims = claims.clone();
            claims[name] = (now().cast_signed() + offset).into();
            add(format!("{name} {offset:+} s"), &header, &claims);
        }
    }
    if claims["o"].is_object() {
        let features = [
            "",
            "o:teams",
            "u:teams",
            "uo:teams",
            "ou:teams",
            "o:teams,u:x,o:y",
            "u:x,o:teams",
            "teams",
            "o:",
            " o:teams , o:y",
            "o:a:b",
        ];
        for fea in features {
            for per in ["", "read", "read,manage", "read,,manage", " read , manage ", "read,manage,a,b"] {
                for fpm in ["", "0", "1", "3", "1,2", "2,1,3", "9", "x", "-1", "1.5", "0x3", " 3 ", ",3", "4294967297"]
                {
                    let mut claims = claims.clone();
                    claims["fea"] = fea.into();
                    claims["o"]["per"] = per.into();
                    claims["o"]["fpm"] = fpm.into();
                    add(format!("packed fea {fea:?}, per {per:?}, fpm {fpm:?}"), &header, &claims);
                }
            }
        }
    }
    for (name, values) in [
        ("typ", vec![json!(null), json!("jwt"), json!("at+jwt"), json!("application/jwt"), json!(""), json!(1)]),
        ("kid", vec![json!(null), json!("2"), json!(""), json!(1), json!(["1"])]),
        (
            "alg",
            vec![
                json!(null),
                json!("none"),
                json!("rs256"),
                json!("RS512"),
                json!("HS256"),
                json!("ES256"),
                json!(1),
                json!(["RS256"]),
            ],
        ),
        ("cat", vec![json!("cl_B7d4PD111AAA"), json!("cl_another"), json!(1)]),
        ("crit", vec![json!([]), json!(["exp"]), json!(["b64"]), json!("b64")]),
        ("b64", vec![json!(false), json!(true)]),
        ("jku", vec![json!("https://evil.example.net/jwks")]),
        ("jwk", vec![json!({ "kty": "RSA" })]),
        ("zip", vec![json!("DEF")]),
    ] {
        let mut without = header.clone();
        without.as_object_mut().unwrap().remove(name);
        add(format!("header {name} absent"), &without, claims);
        for value in values {
            let mut header = header.clone();
            header[name] = value.clone();
            add(format!("header {name} = {value}"), &header, claims);
        }
    }
    for algorithm in
        [Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256]
    {
        let mut header = header.clone();
        header["alg"] = algorithm.name().into();
        all.push((format!("signed with {}", algorithm.name()), sign(algorithm, &header, claims)));
    }
    let pem = SigningKey::embedded(Algorithm::Rs256).public_pem().unwrap();
    let confused = SigningKey::secret(Algorithm::Hs256, pem).unwrap();
    all.push((
        "signed with HS256 by the public key".into(),
        confused.sign(&json!({ "alg": "HS256", "typ": "JWT", "kid": "1" }).to_string(), &claims.to_string()),
    ));
    let parts: Vec<&str> = good.split('.').collect();
    let other = sign(Algorithm::Rs256, &header, &json!({ "sub": "other" }));
    for (name, token) in [
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("signature of another", format!("{}.{}.{}", parts[0], parts[1], other.rsplit('.').next().unwrap())),
        ("signature with padding", format!("{good}==")),
        ("a space before", format!(" {good}")),
        ("a space behind", format!("{good} ")),
        ("a line break behind", format!("{good}\n")),
        ("empty", String::new()),
        ("no token", "token".into()),
        ("signature with a character more", format!("{good}A")),
        ("in lower case", good.to_lowercase()),
    ] {
        all.push((format!("form: {name}"), token));
    }
    all
}

/// The SDKs, in a process of Node.
struct Sdks(Child, ChildStdin, Lines<BufReader<ChildStdout>>);

impl Sdks {
    fn start(jwk: &str) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/sdk/run.sh");
        let mut child =
            Command::new(program).arg("sdks.mjs").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let jwk: Value = serde_json::from_str(jwk).unwrap();
        let pem = SigningKey::embedded(Algorithm::Rs256).public_pem();
        let settings = json!({ "jwks": { "keys": [jwk] }, "pem": pem, "pool": POOL, "project": PROJECT, "client": "web", "origin": ORIGIN });
        writeln!(input, "{settings}").unwrap();
        Self(child, input, BufReader::new(output).lines())
    }

    fn ask(&mut self, sdk: &str, token: &str) -> Value {
        writeln!(self.1, "{}", json!({ "sdk": sdk, "token": token })).unwrap();
        serde_json::from_str(&self.2.next().expect("the SDKs answer").unwrap()).unwrap()
    }
}

impl Drop for Sdks {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What ours says, in the form of what an SDK says.
async fn ours(side: &Side, token: &str) -> Value {
    let credential = Credential::new(token, CredentialSource::bearer());
    match side.verifier.authenticate(&credential).await {
        Err(error) => json!({ "refused": error.to_string() }),
        Ok(who) => {
            let roles: Vec<&str> = who.roles().iter().map(|role| role.as_str()).collect();
            let names = FEATURES.iter().flat_map(|feature| ACTIONS.map(|action| format!("{feature}:{action}")));
            let holds = |name: &String| name.parse().is_ok_and(|permission| who.permissions().contains(&permission));
            let permissions: Vec<String> = names.filter(holds).collect();
            // The id of a session that is not of this service is `issuer|session`.
            let session = who.session().map(|id| id.to_string().rsplit('|').next().unwrap_or_default().to_owned());
            let organization = who.organization();
            json!({ "principal": { "subject": who.id().subject(), "session": session, "organization": organization,
                                   "roles": roles, "permissions": permissions } })
        }
    }
}

/// A list in order, without what does not count, and without the `org:` of Clerk's permissions.
fn list(value: &Value) -> Vec<String> {
    let items =
        value.as_array().into_iter().flatten().map(|item| item.as_str().map_or(item.to_string(), str::to_owned));
    let mut items: Vec<String> = items.map(|item| item.strip_prefix("org:").unwrap_or(&item).to_owned()).collect();
    items.sort();
    items.dedup();
    items
}

fn difference(sdk: &str, ours: &Value, theirs: &Value) -> Option<Ours> {
    match (ours.get("principal"), theirs.get("principal")) {
        (None, None) => None,
        (None, Some(_)) => Some(Refuses),
        (Some(_), None) => Some(Accepts),
        (Some(ours), Some(theirs)) => {
            let same_text = |name: &str| ours[name] == theirs[name] || (ours[name].is_null() && theirs[name] == "");
            // Google's SDK knows no session.
            let texts =
                ["subject", "organization", "session"].iter().filter(|name| sdk != "google" || **name != "session");
            let lists = ["roles", "permissions"];
            let is_same = texts.into_iter().all(|name| same_text(name))
                && lists.iter().all(|name| list(&ours[*name]) == list(&theirs[*name]));
            (!is_same).then_some(Says)
        }
    }
}

#[tokio::test]
async fn every_difference_to_an_sdk_is_explained() {
    let jwk = SigningKey::embedded(Algorithm::Rs256).public_jwk("1").unwrap();
    let keys = KeySet::jwks(&format!(r#"{{"keys":[{jwk}]}}"#)).unwrap();
    let mut sdks = Sdks::start(&jwk);
    let (mut asked, mut accepted, mut unexplained) = (0, 0, Vec::new());
    let mut used: BTreeMap<usize, usize> = BTreeMap::new();
    for side in sides(&keys) {
        for (change, token) in changed(&side) {
            let (ours, theirs) = (ours(&side, &token).await, sdks.ask(side.sdk, &token));
            asked += 1;
            accepted += usize::from(ours["principal"].is_object() && theirs["principal"].is_object());
            assert!(
                change != "nothing" || ours["principal"].is_object() && theirs["principal"].is_object(),
                "{ours} {theirs}"
            );
            let Some(difference) = difference(side.sdk, &ours, &theirs) else { continue };
            // Permissions are where ours may be fewer, never more.
            if difference == Says && side.sdk.starts_with("clerk") {
                let (ours, theirs) =
                    (list(&ours["principal"]["permissions"]), list(&theirs["principal"]["permissions"]));
                assert!(ours.iter().all(|name| theirs.contains(name)), "{change}: {ours:?} {theirs:?}");
            }
            let text = match difference {
                Refuses => ours["refused"].as_str().unwrap_or_default(),
                Accepts => theirs["refused"].as_str().unwrap_or_default(),
                Says => &change,
            };
            let fits = |(sdk, ours, part, _): &(&str, Ours, &str, &str)| {
                (*sdk == "*" || side.sdk.starts_with(sdk)) && *ours == difference && text.contains(part)
            };
            match EXPLAINED.iter().position(fits) {
                Some(row) => *used.entry(row).or_default() += 1,
                None => unexplained.push(format!("{} | {change} | {difference:?} | {ours} | {theirs}", side.sdk)),
            }
        }
    }
    println!("{asked} tokens, {accepted} accepted by both, {} differences explained", used.values().sum::<usize>());
    assert!(asked > 2_000 && accepted > 200, "{asked} {accepted}");
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
    let unused: Vec<_> = EXPLAINED.iter().enumerate().filter(|(row, _)| !used.contains_key(row)).collect();
    assert!(unused.is_empty(), "no longer there: {unused:?}");
}
