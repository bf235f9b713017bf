//! A provider, and the people who have accounts there.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{
    HttpClient, HttpRequest, HttpResponse, Reply,
    testing::{FixedClock, TestIssuer},
};
use portcullis_sign_in::Provider;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What the provider says about somebody: the claims of the ID token.
pub type Person = Vec<(&'static str, Value)>;

/// Somebody with an address, and what the provider says about whether it is theirs.
pub fn person(subject: &'static str, email: &str, verified: impl Into<Value>) -> Person {
    vec![("sub", subject.into()), ("email", email.into()), ("email_verified", verified.into())]
}

#[derive(Clone)]
pub struct Op(Arc<Inner>);

struct Inner {
    name: String,
    issuer: TestIssuer,
    clock: FixedClock,
    /// Codes that were given, with nonce, challenge and person. Each is redeemed once.
    codes: Mutex<HashMap<String, (String, String, Person)>>,
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Op")
    }
}

/// The parameters of an address.
pub fn query(address: &str) -> HashMap<String, String> {
    let query = address.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let uncoded = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace('+', " ");
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), uncoded(v))).collect()
}

impl Op {
    pub fn new(name: &str, clock: &FixedClock) -> Self {
        let issuer = TestIssuer::new().named(name).for_audience("shop");
        Self(Arc::new(Inner { name: name.to_owned(), issuer, clock: clock.clone(), codes: Mutex::default() }))
    }

    pub fn provider(&self) -> Provider {
        let provider = Provider::new(&self.0.name, "shop", self.clone()).unwrap();
        provider.scopes(["email"]).clock(self.0.clock.clone())
    }

    /// The person signs in there: the query with which the browser comes back.
    pub fn authorize(&self, address: &str, person: &Person) -> String {
        assert!(address.starts_with(&format!("{}/auth?", self.0.name)), "{address}");
        let query = query(address);
        let mut codes = self.0.codes.lock().unwrap();
        // As long as those of providers.
        let code = format!("code-{:0>40}", codes.len());
        codes.insert(code.clone(), (query["nonce"].clone(), query["code_challenge"].clone(), person.clone()));
        format!("code={code}&state={}&iss={}", query["state"], self.0.name)
    }

    fn token(&self, form: &HashMap<String, String>) -> HttpResponse {
        let refused = || HttpResponse::new(400, r#"{"error":"invalid_grant"}"#);
        let given = self.0.codes.lock().unwrap().get_mut(&form["code"]).map(std::mem::take);
        let Some((nonce, challenge, person)) = given.filter(|(nonce, ..)| !nonce.is_empty()) else { return refused() };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
        if URL_SAFE_NO_PAD.encode(digest) != challenge {
            return refused();
        }
        // Its own clock stands at another time.
        let now = self.0.clock.seconds();
        let token = self.0.issuer.token("nobody").claim("iat", now).claim("exp", now + 300).without("nbf");
        let token = token.claim("nonce", nonce);
        let token = person.into_iter().fold(token, |token, (name, value)| token.claim(name, value));
        let answer = json!({ "access_token": "access-at-the-provider", "expires_in": 300, "id_token": token.sign() });
        HttpResponse::new(200, answer.to_string())
    }
}

impl HttpClient for Op {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let name = &self.0.name;
        match request.url().strip_prefix(name.as_str()) {
            Some("/.well-known/openid-configuration") => {
                let says = json!({
                    "issuer": name,
                    "jwks_uri": format!("{name}/jwks"),
                    "authorization_endpoint": format!("{name}/auth"),
                    "token_endpoint": format!("{name}/token"),
                    "authorization_response_iss_parameter_supported": true,
                });
                reply.give(Ok(HttpResponse::new(200, says.to_string())));
            }
            Some("/token") => reply.give(Ok(self.token(&query(&format!("?{}", request.body()))))),
            _ => self.0.issuer.send(request, reply),
        }
    }
}
