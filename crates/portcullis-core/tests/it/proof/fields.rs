//! Each field of a proof, right and wrong.

use super::{API, Client, ask, dpop, error, gate_with, seconds};
use crate::head::Head;
use portcullis_core::{
    Algorithm, Dpop,
    testing::{SigningKey, TestIssuer},
};
use serde_json::{Value, json};
use std::time::Duration;

type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;

fn header(name: &'static str, value: Value) -> Change {
    Box::new(move |header, _| header[name] = value)
}

fn claim(name: &'static str, value: Value) -> Change {
    Box::new(move |_, claims| claims[name] = value)
}

fn without(name: &'static str) -> Change {
    Box::new(move |header, claims| {
        header.as_object_mut().unwrap().remove(name);
        claims.as_object_mut().unwrap().remove(name);
    })
}

#[tokio::test]
async fn each_field_is_checked() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let now = seconds(&client.clock);
    let accepted: [(&str, Change); 11] = [
        ("as it is", Box::new(|_, _| ())),
        ("typ in full", header("typ", json!("application/DPoP+JWT"))),
        ("an extension", claim("extension", json!([1]))),
        ("a nonce that nobody asked for", claim("nonce", json!("x"))),
        ("htu with a query", claim("htu", json!("https://API.example.com:443/?a=b#c"))),
        ("htu without a path", claim("htu", json!(API))),
        ("iat with a fraction", claim("iat", json!(now as f64 - 0.5))),
        ("a key with its name", Box::new(|header, _| header["jwk"]["kid"] = json!("7"))),
        ("a long jti", claim("jti", json!("x".repeat(256)))),
        ("exp ahead", claim("exp", json!(now + 1))),
        ("nbf by a clock that is fast", claim("nbf", json!(now + 60))),
    ];
    for (name, change) in accepted {
        let request = client.request(&client.proof_with(change));
        assert_eq!(ask(&gate, &request).await.as_deref(), Ok("alice"), "{name}");
    }
    let key = |name: &'static str, value: Value| -> Change { Box::new(move |header, _| header["jwk"][name] = value) };
    let refused: Vec<(&str, Change)> = vec![
        ("typ", header("typ", json!("JWT"))),
        ("no typ", without("typ")),
        ("alg none", header("alg", json!("none"))),
        ("alg of a secret", header("alg", json!("HS256"))),
        ("alg of another key", header("alg", json!("ES384"))),
        ("alg that is not configured", header("alg", json!("ES512"))),
        ("no alg", without("alg")),
        ("crit", header("crit", json!(["b64"]))),
        ("no jwk", without("jwk")),
        ("jwk as text", header("jwk", json!("x"))),
        ("jwk private", key("d", json!("AAAA"))),
        ("jwk for encryption", key("use", json!("enc"))),
        ("jwk of a secret", header("jwk", json!({ "kty": "oct", "k": "A".repeat(43) }))),
        ("jwk off its curve", key("x", json!("A".repeat(43)))),
        ("htm", claim("htm", json!("POST"))),
        ("htm in lower case", claim("htm", json!("get"))),
        ("no htm", without("htm")),
        ("htu of another path", claim("htu", json!("https://api.example.com/x"))),
        ("htu of another host", claim("htu", json!("https://other.example.com/"))),
        ("htu of another scheme", claim("htu", json!("http://api.example.com/"))),
        ("htu of another port", claim("htu", json!("https://api.example.com:8443/"))),
        ("htu without a scheme", claim("htu", json!("/"))),
        ("htu as a list", claim("htu", json!(["https://api.example.com/"]))),
        ("no htu", without("htu")),
        ("ath", claim("ath", json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"))),
        ("no ath", without("ath")),
        ("iat as text", claim("iat", json!(now.to_string()))),
        ("iat far away", claim("iat", json!(1e300))),
        ("no iat", without("iat")),
        ("exp now", claim("exp", json!(now))),
        ("exp as text", claim("exp", json!((now + 60).to_string()))),
        ("nbf ahead", claim("nbf", json!(now + 61))),
        ("nbf without a value", claim("nbf", json!(null))),
        ("jti empty", claim("jti", json!(""))),
        ("jti too long", claim("jti", json!("x".repeat(257)))),
        ("jti as a number", claim("jti", json!(7))),
        ("no jti", without("jti")),
    ];
    for (name, change) in refused {
        let request = client.request(&client.proof_with(change));
        assert_eq!(ask(&gate, &request).await, Err("invalid_dpop_proof".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_secret_proves_nothing() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let secret = SigningKey::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" } });
    let proof = client.proof("GET", "/");
    let claims = String::from_utf8(super::decode(proof.split('.').nth(1).unwrap())).unwrap();
    let refused = error(&gate, &client.request(&secret.sign(&header.to_string(), &claims))).await;
    assert_eq!(refused.to_string(), "the DPoP proof is refused: the algorithm HS256 is not accepted");
    let unsigned = format!("{}.", proof.rsplit_once('.').unwrap().0);
    assert_eq!(ask(&gate, &client.request(&unsigned)).await, Err("invalid_dpop_proof".to_owned()));
    assert_eq!(ask(&gate, &client.request(&proof)).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn the_header_is_one_short_token() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let proof = client.proof("GET", "/");
    let huge = client.proof_with(|_, claims| claims["padding"] = json!("x".repeat(9000)));
    let joined = format!("{proof}, {}", client.proof("GET", "/"));
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    let changed = format!("{signed}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    for (name, bad) in
        [("huge", &*huge), ("two in one", &joined), ("changed", &changed), ("empty", ""), ("junk", "a.b.c")]
    {
        assert_eq!(ask(&gate, &client.request(bad)).await, Err("invalid_dpop_proof".to_owned()), "{name}");
    }
    let long = client.proof_with(|_, claims| claims["padding"] = json!("x".repeat(4000)));
    assert_eq!(ask(&gate, &client.request(&long)).await.as_deref(), Ok("alice"));
    let twice = client.request(&proof).header("dpop", client.proof("GET", "/"));
    assert_eq!(ask(&gate, &twice).await, Err("invalid_dpop_proof".to_owned()), "two lines");
    let authorization = format!("DPoP {}", client.token);
    let bytes = Head::new().header("authorization", &authorization).header("dpop", b"\xff");
    assert_eq!(ask(&gate, &bytes).await, Err("invalid_dpop_proof".to_owned()));
    // None of these used it.
    assert_eq!(ask(&gate, &client.request(&proof)).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn a_proof_is_for_one_method_and_one_address() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let proof = client.proof("POST", "/a%2fb");
    let request = || client.request(&proof);
    for wrong in [request().path("/a%2Fb"), request().method("POST"), request().method("POST").path("/a/b")] {
        assert_eq!(ask(&gate, &wrong).await, Err("invalid_dpop_proof".to_owned()), "{wrong:?}");
    }
    let right = request().method("POST").path("/a%2Fb").query("not=signed");
    assert_eq!(ask(&gate, &right).await.as_deref(), Ok("alice"));
    // The host that the request names is not looked at, for whoever sends it chooses it.
    let elsewhere = client.key.dpop_proof("GET", "https://evil.test/", &client.token, &client.clock);
    let named = client.request(&elsewhere).authority("evil.test").header("host", "evil.test");
    assert_eq!(ask(&gate, &named).await, Err("invalid_dpop_proof".to_owned()));
}

#[tokio::test]
async fn a_proxy_may_remove_the_start_of_the_path() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let gate = gate_with(&issuer, Dpop::new("https://api.example.com/v1/").unwrap());
    assert_eq!(ask(&gate, &client.request(&client.proof("GET", "/v1/me")).path("/me")).await.as_deref(), Ok("alice"));
    let inside = client.request(&client.proof("GET", "/me")).path("/me");
    assert_eq!(ask(&gate, &inside).await, Err("invalid_dpop_proof".to_owned()));
}

#[tokio::test]
async fn a_proof_is_recent() {
    let issuer = TestIssuer::new();
    for window in [60, 5] {
        let gate = gate_with(&issuer, dpop().window(Duration::from_secs(window)));
        let client = Client::new(&issuer);
        let now = seconds(&client.clock);
        for (iat, is_accepted) in [
            (now - window - 1, false),
            (now - window, true),
            (now, true),
            (now + window, true),
            (now + window + 1, false),
        ] {
            let request = client.request(&client.proof_with(|_, claims| claims["iat"] = json!(iat)));
            assert_eq!(ask(&gate, &request).await.is_ok(), is_accepted, "{iat} at {now}, {window} s");
        }
    }
}
