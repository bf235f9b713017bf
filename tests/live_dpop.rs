//! The same requests with proofs of possession (DPoP) go to us and to `oauth4webapi`, and every difference is explained. Proofs of
//! the package `dpop` are accepted. `sdk/run.sh dpop.mjs` installs both and answers for them. It needs Node and npm.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, missing_docs, reason = "tests")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis::{
    Algorithm, Audience, Dpop, Gate, Issuer, Jwt, KeySet, Scheme, SystemClock,
    testing::SigningKey,
    tower::{Head, Params},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

const ISSUER: &str = "https://id.example.com";
const API: &str = "https://api.example.com";
const PATH: &str = "/orders/a%2Fb";

/// How an answer of ours differs from theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Refuses,
    Accepts,
}
use Ours::{Accepts, Refuses};

/// Every class of difference: what our refusal or theirs says, and the reason. The first that fits counts.
const EXPLAINED: &[(Ours, &str, &str)] = &[
    (Refuses, "it was used before", "the library leaves the memory of proofs to the code around it"),
    (Refuses, "it is too old, or from the future", "a minute by default, not five: Dpop::window"),
    (Refuses, "it has expired (`exp`)", "the end of a proof has no leeway"),
    (Refuses, "its identifier (`jti`)", "an identifier has 1 to 256 bytes, because it is remembered"),
    (Refuses, "for another address (`htu`)", "RFC 3986, 6.2.2: what a browser repairs in an address is not repaired"),
    (Refuses, "form: padding", "base64url of RFC 7515 has no padding"),
    (Refuses, "duplicate member", "RFC 7515, 4, and RFC 7519, 4: a name occurs once"),
    (Refuses, "the claims are not a JSON object", "RFC 8259, 8.1: there is no byte order mark"),
    (Refuses, "an encoding of its own", "RFC 7797 and compression are not for proofs"),
    (Refuses, "the header's `kid`", "RFC 7515, 4.1.4: it is a string"),
    (Refuses, "the header's `cty`", "RFC 7515, 4.1.10: it is a string"),
    (Refuses, "(`cty`)", "RFC 7519, 5.2: it is for a token in a token"),
    (Refuses, "key in its header is private", "RFC 9449, 4.2: the key is public, so it has no private member"),
    (Refuses, "key in its header is for `enc`", "RFC 7517, 4.2: the key is for signatures"),
    (Refuses, "`key_ops` without `verify`", "RFC 7517, 4.3: the key verifies"),
    (Refuses, "has a `kid` that is not a string", "RFC 7517, 4.5: it is a string"),
    (Refuses, "the algorithm ", "five algorithms by default: Dpop::algorithms"),
    (
        Accepts,
        "htu mismatch",
        "RFC 3986, 6.2.2: escapes in either case, and those that are not needed, are one address",
    ),
    (Accepts, "(issuer) claim type", "it is no claim of proofs, and nothing follows from it"),
    (Accepts, "(audience) claim type", "it is no claim of proofs, and nothing follows from it"),
    (Accepts, "multiple confirmation claims", "the proof is one of the key of `jkt`, whatever else `cnf` has"),
    (Accepts, "unsupported JWT Confirmation", "RFC 7800, 3.4: a key by its name only is one of another protocol"),
];

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// A request, and what was changed in it.
#[derive(Clone)]
struct Asked {
    change: String,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
}

/// A client with a key, and a token that is bound to it.
struct Client {
    key: SigningKey,
    token: String,
}

/// An access token as RFC 9068 has it, with this `cnf`.
fn token(cnf: &Value) -> String {
    let mut claims = json!({ "iss": ISSUER, "aud": "api", "sub": "alice", "client_id": "web", "jti": "1",
                             "iat": now() - 30, "exp": now() + 600, "cnf": cnf });
    if cnf.is_null() {
        claims.as_object_mut().unwrap().remove("cnf");
    }
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "1" });
    SigningKey::embedded(Algorithm::Es256).sign(&header.to_string(), &claims.to_string())
}

impl Client {
    fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::embedded(algorithm);
        let token = token(&json!({ "jkt": key.key().thumbprint() }));
        Self { key, token }
    }

    /// The header and the claims of a good proof.
    fn parts(&self) -> (Value, Value) {
        let proof = self.proof();
        let mut parts =
            proof.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default()));
        (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
    }

    fn proof(&self) -> String {
        self.key.dpop_proof("GET", &format!("{API}{PATH}"), &self.token, &SystemClock::default())
    }

    fn asks(&self, change: impl Into<String>, proof: impl Into<String>) -> Asked {
        let headers = vec![("authorization", format!("DPoP {}", self.token)), ("dpop", proof.into())];
        Asked { change: change.into(), method: "GET", path: PATH, headers }
    }

    /// With changes to the header and the claims of the proof.
    fn changes(&self, change: impl Into<String>, with: impl FnOnce(&mut Value, &mut Value)) -> Asked {
        let (mut header, mut claims) = self.parts();
        with(&mut header, &mut claims);
        self.asks(change, self.key.sign(&header.to_string(), &claims.to_string()))
    }
}

fn set(of: &mut Value, name: &str, value: Option<Value>) {
    match value {
        Some(value) => of[name] = value,
        None => drop(of.as_object_mut().unwrap().remove(name)),
    }
}

/// A value that is absent, or of a type or a content that nobody expects.
fn values(good: Option<&Value>) -> Vec<Option<Value>> {
    let others =
        [json!(null), json!(true), json!(0), json!(1), json!(-1), json!(1.5), json!(""), json!(" "), json!([])];
    let more = [json!({}), json!("another"), json!(["another"]), json!("ünïcode"), json!("x".repeat(300))];
    let mut all: Vec<Option<Value>> = others.into_iter().chain(more).map(Some).chain([None]).collect();
    match good {
        Some(Value::String(text)) => all.extend(
            [
                json!([text]),
                json!(text.to_uppercase()),
                json!(text.to_lowercase()),
                json!(format!("{text} ")),
                json!(format!(" {text}")),
                json!(format!("{text}=")),
                json!(format!("{text}\n")),
                json!(format!("{text}\u{0}")),
            ]
            .map(Some),
        ),
        Some(Value::Number(number)) => all.push(Some(json!(number.to_string()))),
        _ => {}
    }
    all
}

fn changed_claims(client: &Client) -> Vec<Asked> {
    let (_, good) = client.parts();
    let names = ["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf", "iss", "aud", "sub"];
    let each = names.into_iter().flat_map(|name| values(good.get(name)).into_iter().map(move |value| (name, value)));
    let each = each.map(|(name, value)| {
        let change = format!("{name} = {}", value.as_ref().map_or("absent".to_owned(), Value::to_string));
        client.changes(change, |_, claims| set(claims, name, value))
    });
    let times = [("iat", -100_000), ("iat", -290), ("iat", -70), ("iat", -50), ("iat", 50), ("iat", 70), ("iat", 290)];
    let more = [("iat", 100_000), ("exp", -10), ("exp", 10), ("nbf", 10), ("nbf", 100_000)];
    let times = times.into_iter().chain(more).map(|(name, offset)| {
        client.changes(format!("{name} {offset:+} s"), |_, claims| claims[name] = json!(now() + offset))
    });
    let fraction = client.changes("iat with a fraction", |_, claims| claims["iat"] = json!(now() as f64 - 0.5));
    let addresses = [
        "https://api.example.com/orders/a%2fb",
        "https://api.example.com/orders/a%2Fb?x=y",
        "https://api.example.com/orders/a%2Fb#x",
        "https://api.example.com/orders/a%2Fb?x=y#z",
        "https://api.example.com/orders/a/b",
        "https://api.example.com/orders/a%252Fb",
        "https://api.example.com/orders/a%2Fb/",
        "https://api.example.com//orders/a%2Fb",
        "https://api.example.com/%6Frders/a%2Fb",
        "https://api.example.com/./orders/a%2Fb",
        "https://api.example.com/x/../orders/a%2Fb",
        "https://api.example.com/x/%2e%2e/orders/a%2Fb",
        "https://api.example.com/Orders/a%2Fb",
        "https://api.example.com\\orders\\a%2Fb",
        "https://api.example.com",
        "https://api.example.com/",
        "HTTPS://API.Example.com/orders/a%2Fb",
        "https://api.example.com:443/orders/a%2Fb",
        "https://api.example.com:/orders/a%2Fb",
        "https://api.example.com:0443/orders/a%2Fb",
        "https://api.example.com:8443/orders/a%2Fb",
        "https://api.example.com:80/orders/a%2Fb",
        "https://api.example.com./orders/a%2Fb",
        "https://alice@api.example.com/orders/a%2Fb",
        "https://api.example.com@evil.example.net/orders/a%2Fb",
        "https://evil.example.net/orders/a%2Fb",
        "https://api.example.com.evil.example.net/orders/a%2Fb",
        "http://api.example.com/orders/a%2Fb",
        "http://api.example.com:443/orders/a%2Fb",
        "wss://api.example.com/orders/a%2Fb",
        "https:api.example.com/orders/a%2Fb",
        "https:/api.example.com/orders/a%2Fb",
        "https:///api.example.com/orders/a%2Fb",
        "//api.example.com/orders/a%2Fb",
        "/orders/a%2Fb",
        "api.example.com/orders/a%2Fb",
        " https://api.example.com/orders/a%2Fb",
        "https://api.example.com/orders/a%2Fb\t",
        "https://api.exa\tmple.com/orders/a%2Fb",
        "https://%61pi.example.com/orders/a%2Fb",
        "https://ａpi.example.com/orders/a%2Fb",
        "https://api.example.com/orders/ä",
    ];
    let addresses = addresses
        .into_iter()
        .map(|address| client.changes(format!("htu = {address:?}"), |_, claims| claims["htu"] = json!(address)));
    each.chain(times).chain([fraction]).chain(addresses).collect()
}

fn changed_headers(client: &Client) -> Vec<Asked> {
    let (good, _) = client.parts();
    let mut all = Vec::new();
    for name in ["typ", "alg", "jwk", "kid", "crit", "b64", "zip", "cty", "jku", "x5c", "nonce"] {
        for value in values(good.get(name)) {
            let change = format!("header {name} = {}", value.as_ref().map_or("absent".to_owned(), Value::to_string));
            all.push(client.changes(change, |header, _| set(header, name, value)));
        }
    }
    let mut header = |name: &str, value: Value| {
        all.push(client.changes(format!("header {name} = {value}"), |header, _| header[name] = value));
    };
    for name in ["JWT", "DPOP+JWT", "application/dpop+jwt", "at+jwt", "dpop", "jwt"] {
        header("typ", json!(name));
    }
    for name in ["none", "HS256", "ES256", "ES384", "ES512", "RS256", "PS256", "RS512", "EdDSA", "Ed25519", "ML-DSA-44"]
    {
        header("alg", json!(name));
    }
    header("crit", json!(["exp"]));
    header("crit", json!(["b64"]));
    header("b64", json!(false));
    header("zip", json!("DEF"));
    header("cty", json!("JWT"));
    header("cty", json!("json"));
    let other = SigningKey::embedded(if client.key.algorithm() == Algorithm::Es384 {
        Algorithm::Es256
    } else {
        Algorithm::Es384
    });
    header("jwk", serde_json::from_str(&other.public_jwk("1").unwrap()).unwrap());
    header("jwk", json!({ "kty": "oct", "k": "A".repeat(43) }));
    header("jwk", json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43) }));
    let members = good["jwk"].as_object().unwrap();
    let private = ["d", "p", "q", "dp", "dq", "qi"].map(|name| (name, vec![Some(json!("A".repeat(43)))]));
    let uses = [
        ("use", vec![Some(json!("sig")), Some(json!("enc"))]),
        ("key_ops", vec![Some(json!(["verify"])), Some(json!(["sign"])), Some(json!(["sign", "verify"]))]),
        ("alg", vec![Some(json!(client.key.algorithm().name())), Some(json!("ES512")), Some(json!("none"))]),
        ("kid", vec![Some(json!("1")), Some(json!(1)), Some(json!(null))]),
        ("ext", vec![Some(json!(true)), Some(json!(false))]),
        ("x5c", vec![Some(json!(["AAAA"]))]),
        ("extension", vec![Some(json!([1]))]),
    ];
    let own = members.iter().map(|(name, value)| (name.as_str(), values(Some(value))));
    for (name, values) in own.chain(private).chain(uses) {
        for value in values {
            let change = format!("jwk {name} = {}", value.as_ref().map_or("absent".to_owned(), Value::to_string));
            all.push(client.changes(change, |header, _| set(&mut header["jwk"], name, value)));
        }
    }
    all
}

/// What is no change of a value: the form of the proof, its signature, and the request around it.
fn changed_forms(client: &Client) -> Vec<Asked> {
    let proof = client.proof();
    let parts: Vec<&str> = proof.split('.').collect();
    let (signed, signature) = (format!("{}.{}", parts[0], parts[1]), parts[2]);
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let flipped = |place: usize| {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let forms = [
        ("no signature", format!("{signed}.")),
        ("two parts", signed.clone()),
        ("four parts", format!("{}.{signature}", client.proof())),
        ("five parts", format!("{signed}.{signature}.a.b")),
        ("the signature of another", format!("{signed}.{}", client.proof().rsplit('.').next().unwrap())),
        ("the first bit of the signature", flipped(0)),
        ("the last bit of the signature", flipped(bytes.len() - 1)),
        ("half of the signature", format!("{signed}.{}", &signature[..signature.len() / 2])),
        ("more of a signature", format!("{signed}.{signature}AAAA")),
        ("a signature of zeros", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(vec![0; bytes.len()]))),
        ("padding", format!("{}==", client.proof())),
        ("spaces around", format!("  {}\t", client.proof())),
        ("a space within", client.proof().replacen('.', ". ", 1)),
        ("a comma behind", format!("{},", client.proof())),
        ("two in one", format!("{}, {}", client.proof(), client.proof())),
        ("quotes", format!("\"{}\"", client.proof())),
        ("behind its scheme", format!("DPoP {}", client.proof())),
        ("in lower case", client.proof().to_lowercase()),
        ("empty", String::new()),
        ("no proof", "proof".to_owned()),
        ("the token", client.token.clone()),
    ];
    let mut all: Vec<Asked> =
        forms.into_iter().map(|(name, proof)| client.asks(format!("form: {name}"), proof)).collect();
    let mut text = |change: &str, with: &dyn Fn(String, String) -> (String, String)| {
        let (header, claims) = client.parts();
        let (header, claims) = with(header.to_string(), claims.to_string());
        all.push(client.asks(format!("JSON: {change}"), client.key.sign(&header, &claims)));
    };
    text("spaces", &|header, claims| (format!(" {header} "), format!(" {claims}\n")));
    text("a byte order mark", &|header, claims| (header, format!("\u{feff}{claims}")));
    text("a member twice", &|header, claims| (header, claims.replacen('{', r#"{"jti":"a","#, 1)));
    text("a member twice, the wrong one last", &|header, claims| (header, claims.replace('}', r#","htm":"POST"}"#)));
    text("a member of the header twice", &|header, claims| (header.replacen('{', r#"{"typ":"JWT","#, 1), claims));
    text("claims that are a list", &|header, claims| (header, format!("[{claims}]")));
    text("claims that are cut off", &|header, claims| (header, claims[..claims.len() - 1].to_owned()));
    text("empty claims", &|header, _| (header, "{}".to_owned()));
    text("a header that is a list", &|header, claims| (format!("[{header}]"), claims));
    text("escapes", &|header, claims| (header, claims.replacen("htm", r"\u0068tm", 1)));
    for algorithm in Algorithm::ALL {
        let (mut header, claims) = client.parts();
        header["alg"] = json!(algorithm.name());
        let key = SigningKey::embedded(algorithm);
        all.push(
            client
                .asks(format!("signed with {}", algorithm.name()), key.sign(&header.to_string(), &claims.to_string())),
        );
    }

    let mut around = |change: &str, with: &dyn Fn(&mut Asked)| {
        let mut asked = client.asks(format!("request: {change}"), client.proof());
        with(&mut asked);
        all.push(asked);
    };
    let authorization = |value: String| move |asked: &mut Asked| asked.headers[0].1.clone_from(&value);
    let token = &client.token;
    around("as it is", &|_| ());
    around("another method", &|asked| asked.method = "POST");
    around("another path", &|asked| asked.path = "/orders/a/b");
    around("a query", &|asked| asked.path = "/orders/a%2Fb?x=y");
    around("escapes in lower case", &|asked| asked.path = "/orders/a%2fb");
    around("escapes that are not needed", &|asked| asked.path = "/%6Frders/a%2Fb");
    around("no proof", &|asked| drop(asked.headers.pop()));
    around("two proofs", &|asked| asked.headers.push(("dpop", client.proof())));
    around("the same proof twice", &|asked| asked.headers.push(asked.headers[1].clone()));
    around("an empty proof beside it", &|asked| asked.headers.push(("dpop", String::new())));
    around("Bearer", &authorization(format!("Bearer {token}")));
    around("Bearer, without a proof", &|asked| asked.headers = vec![("authorization", format!("Bearer {token}"))]);
    around("lower case", &authorization(format!("dpop {token}")));
    around("two spaces", &authorization(format!("DPoP  {token}")));
    around("a tab", &authorization(format!("DPoP\t{token}")));
    around("a word behind the token", &authorization(format!("DPoP {token} x")));
    around("no token", &authorization("DPoP".to_owned()));
    around("another scheme", &authorization(format!("Basic {token}")));
    around("no authorization", &|asked| drop(asked.headers.remove(0)));
    let thumbprint = client.key.key().thumbprint().unwrap();
    let bindings = [
        json!(null),
        json!({}),
        json!("text"),
        json!([]),
        json!({ "jkt": null }),
        json!({ "jkt": 7 }),
        json!({ "jkt": "" }),
        json!({ "jkt": [thumbprint] }),
        json!({ "jkt": format!("{thumbprint}=") }),
        json!({ "jkt": thumbprint.to_lowercase() }),
        json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
        json!({ "jkt": thumbprint, "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" }),
        json!({ "jkt": thumbprint, "kid": "7" }),
        json!({ "kid": "7" }),
    ];
    for cnf in bindings {
        let other = Client { token: self::token(&cnf), key: client.key.clone() };
        all.push(other.asks(format!("cnf = {cnf}"), other.proof()));
        let headers = vec![("authorization", format!("Bearer {}", other.token))];
        all.push(Asked { headers, ..other.asks(format!("cnf = {cnf}, as Bearer"), "") });
    }
    // Used before, by both.
    let again = client.asks("request: again", client.proof());
    all.extend([Asked { change: "request: once".to_owned(), ..again.clone() }, again]);
    all
}

/// The packages, in a process of Node.
struct Peer(Child, ChildStdin, Lines<BufReader<ChildStdout>>);

impl Peer {
    fn start() -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/sdk/run.sh");
        let mut child =
            Command::new(program).arg("dpop.mjs").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let jwk: Value = serde_json::from_str(&jwk()).unwrap();
        writeln!(input, "{}", json!({ "issuer": ISSUER, "audience": "api", "jwks": { "keys": [jwk] } })).unwrap();
        Self(child, input, BufReader::new(output).lines())
    }

    fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.1, "{line}").unwrap();
        serde_json::from_str(&self.2.next().expect("it answers").unwrap()).unwrap()
    }

    fn text(&mut self, line: &Value, name: &str) -> String {
        self.ask(line)[name].as_str().expect(name).to_owned()
    }

    /// Why a request is refused.
    fn refusal(&mut self, asked: &Asked) -> Option<String> {
        let address = format!("{API}{}", asked.path);
        let answer = self.ask(&json!({ "method": asked.method, "address": address, "headers": asked.headers }));
        assert!(answer["subject"] == "alice" || answer["refused"].is_string(), "{answer}");
        answer["refused"].as_str().map(str::to_owned)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The key of the issuer.
fn jwk() -> String {
    SigningKey::embedded(Algorithm::Es256).public_jwk("1").unwrap()
}

fn gate() -> Gate {
    let keys = KeySet::jwks(&format!(r#"{{"keys":[{}]}}"#, jwk())).unwrap();
    let issuer = Issuer::new(ISSUER, Audience::is("api"), [Algorithm::Es256], keys).unwrap();
    let scheme = Scheme::new(Jwt::new(issuer)).bearer().dpop(Dpop::new(API).unwrap());
    Gate::builder().scheme(scheme).build().unwrap()
}

/// Why the gate refuses a request.
async fn refusal(gate: &Gate, asked: &Asked) -> Option<String> {
    let request = http::Request::builder().method(asked.method).uri(asked.path);
    let request = asked.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let Ok(request) = request.body(()) else { return Some("no server reads this request".to_owned()) };
    let (parts, ()) = request.into_parts();
    let who = gate.establish(&Head::new(&parts, &Params::Absent)).await;
    match who.principal() {
        Ok(principal) => {
            assert_eq!(principal.id().subject(), "alice");
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

#[tokio::test]
async fn proofs_of_the_package_are_accepted() {
    let mut peer = Peer::start();
    let gate = gate();
    for algorithm in ["ES256", "RS256", "PS256", "Ed25519"] {
        let thumbprint = peer.text(&json!({ "key": algorithm }), "thumbprint");
        let token = token(&json!({ "jkt": thumbprint }));
        let mut made = |method: &str, path: &str, token: &str| {
            let address = format!("{API}{path}");
            peer.text(&json!({ "prove": algorithm, "method": method, "address": address, "token": token }), "proof")
        };
        let (good, post, elsewhere, of_another) = (
            made("GET", PATH, &token),
            made("POST", PATH, &token),
            made("GET", "/", &token),
            made("GET", PATH, "other"),
        );
        let asks = |proof: &str| Asked {
            change: algorithm.to_owned(),
            method: "GET",
            path: PATH,
            headers: vec![("authorization", format!("DPoP {token}")), ("dpop", proof.to_owned())],
        };
        assert_eq!(refusal(&gate, &asks(&good)).await, None, "{algorithm}");
        for (proof, why) in [(&good, "used before"), (&post, "`htm`"), (&elsewhere, "`htu`"), (&of_another, "`ath`")] {
            let refused = refusal(&gate, &asks(proof)).await.unwrap_or_default();
            assert!(refused.contains(why), "{algorithm}, {why}: {refused}");
        }
    }
}

#[tokio::test]
async fn every_difference_to_the_library_is_explained() {
    let mut peer = Peer::start();
    let (mut asked, mut accepted, mut unexplained) = (0, 0, Vec::new());
    let mut used: BTreeMap<usize, usize> = BTreeMap::new();
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256] {
        // PS256 and RS256 have one key, so their proofs may have one identifier.
        let (client, gate) = (Client::new(algorithm), gate());
        for request in [changed_claims(&client), changed_headers(&client), changed_forms(&client)].concat() {
            let (ours, theirs) = (refusal(&gate, &request).await, peer.refusal(&request));
            asked += 1;
            let (difference, text) = match (&ours, &theirs) {
                (Some(_), Some(_)) => continue,
                (None, None) => {
                    accepted += 1;
                    continue;
                }
                (Some(why), None) => (Refuses, why),
                (None, Some(why)) => (Accepts, why),
            };
            let fits = |(ours, part, _): &(Ours, &str, &str)| {
                *ours == difference && (text.contains(part) || request.change.starts_with(part))
            };
            match EXPLAINED.iter().position(fits) {
                Some(row) => *used.entry(row).or_default() += 1,
                None => unexplained.push(format!("{algorithm} | {} | {difference:?} | {text}", request.change)),
            }
        }
    }
    println!("{asked} requests, {accepted} accepted by both, {} differences explained", used.values().sum::<usize>());
    assert!(asked > 1_000 && accepted > 100, "{asked} {accepted}");
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
    let unused: Vec<_> = EXPLAINED.iter().enumerate().filter(|(row, _)| !used.contains_key(row)).collect();
    assert!(unused.is_empty(), "no longer there: {unused:?}");
}
