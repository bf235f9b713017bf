//! The provider, and a browser.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, header};
use portcullis_core::{
    Error, Gate, HttpClient, HttpRequest, HttpResponse, Reply,
    testing::{FixedClock, TestIssuer, TestToken},
};
use portcullis_sign_in::{Endpoint, Provider, SealingKeys, SignIn};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

pub const KEY: &str = "a-secret-of-at-least-thirty-two-bytes";
pub const CALLBACK: &str = "https://shop.test/auth/callback";

type Change = Box<dyn Fn(TestToken<'_>) -> String + Send + Sync>;

pub struct Op {
    pub issuer: TestIssuer,
    pub says: Mutex<Value>,
    pub id_token: Mutex<Change>,
    /// Codes that were given, with nonce and challenge. Each is redeemed once.
    codes: Mutex<HashMap<String, (String, String)>>,
    /// How the client authenticated: what the header and the form say.
    pub client: Mutex<(Option<String>, String)>,
    /// The refresh token that counts. One of before ends the session, as with a rotating issuer.
    pub refresh: Mutex<Option<u32>>,
    pub refreshes: Mutex<u32>,
    /// Replies that wait, if they are to be kept.
    pub held: Mutex<Option<Vec<(Reply, HttpResponse)>>>,
    pub down: Mutex<bool>,
    /// How a code or a refresh token is refused.
    pub refusal: Mutex<(u16, &'static str)>,
    pub with_refresh_id_token: Mutex<bool>,
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Op")
    }
}

impl Op {
    pub fn new() -> Arc<Self> {
        let says = json!({
            "issuer": "https://issuer.test",
            "jwks_uri": "https://issuer.test/jwks",
            "authorization_endpoint": "https://issuer.test/auth",
            "token_endpoint": "https://issuer.test/token",
            "end_session_endpoint": "https://issuer.test/end",
        });
        Arc::new(Self {
            issuer: TestIssuer::new().for_audience("shop"),
            says: Mutex::new(says),
            id_token: Mutex::new(Box::new(|token| token.sign())),
            codes: Mutex::default(),
            client: Mutex::default(),
            refresh: Mutex::new(Some(0)),
            refreshes: Mutex::default(),
            held: Mutex::default(),
            down: Mutex::default(),
            refusal: Mutex::new((400, r#"{"error":"invalid_grant"}"#)),
            with_refresh_id_token: Mutex::new(true),
        })
    }

    pub fn gives(&self, change: impl Fn(TestToken<'_>) -> String + Send + Sync + 'static) {
        *self.id_token.lock().unwrap() = Box::new(change);
    }

    pub fn clock(&self) -> FixedClock {
        self.issuer.clock()
    }

    /// The user signs in: what the browser is redirected to, as a query.
    pub fn authorize(&self, address: &str) -> String {
        let query: HashMap<String, String> =
            form_urlencoded::parse(address.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
        assert_eq!((&*query["response_type"], &*query["client_id"]), ("code", "shop"));
        assert_eq!((&*query["redirect_uri"], &*query["code_challenge_method"]), (CALLBACK, "S256"));
        let mut codes = self.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        codes.insert(code.clone(), (query["nonce"].clone(), query["code_challenge"].clone()));
        format!("code={code}&state={}", query["state"])
    }

    fn token(&self, body: &str) -> HttpResponse {
        let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let refused = || {
            let (status, body) = *self.refusal.lock().unwrap();
            HttpResponse::new(status, body)
        };
        let base = || self.issuer.token("alice").claim("sid", "sid-1").claim("email", "alice@example.com");
        let mut refresh = self.refresh.lock().unwrap();
        let token = match &*form["grant_type"] {
            "authorization_code" => {
                let Some((nonce, challenge)) = self.codes.lock().unwrap().get_mut(&form["code"]).map(std::mem::take)
                else {
                    return refused();
                };
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
                if URL_SAFE_NO_PAD.encode(digest) != challenge {
                    return refused();
                }
                base().claim("nonce", nonce)
            }
            _ => {
                *self.refreshes.lock().unwrap() += 1;
                let expected = refresh.map(|count| format!("refresh-{count}"));
                if expected.as_ref() != Some(&form["refresh_token"]) {
                    *refresh = None;
                    return refused();
                }
                *refresh = refresh.map(|count| count + 1);
                base()
            }
        };
        let mut answer = json!({ "access_token": "access", "expires_in": 300 });
        if form["grant_type"] == "authorization_code" || *self.with_refresh_id_token.lock().unwrap() {
            answer["id_token"] = (self.id_token.lock().unwrap())(token).into();
        }
        if let Some(count) = *refresh {
            answer["refresh_token"] = format!("refresh-{count}").into();
        }
        HttpResponse::new(200, answer.to_string())
    }
}

#[derive(Debug)]
pub struct Client(pub Arc<Op>);

impl HttpClient for Client {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let op = &self.0;
        if *op.down.lock().unwrap() {
            return reply.give(Ok(HttpResponse::new(503, "")));
        }
        match request.url() {
            "https://issuer.test/.well-known/openid-configuration" => {
                reply.give(Ok(HttpResponse::new(200, op.says.lock().unwrap().to_string())));
            }
            "https://issuer.test/token" => {
                let header = request.headers().find(|(name, _)| *name == "authorization");
                let form = form_urlencoded::parse(request.body().as_bytes());
                let secret = form.into_owned().find(|(name, _)| name == "client_secret").map(|(_, secret)| secret);
                *op.client.lock().unwrap() = (header.map(|(_, value)| value.to_owned()), secret.unwrap_or_default());
                let answer = op.token(request.body());
                match &mut *op.held.lock().unwrap() {
                    Some(held) => held.push((reply, answer)),
                    None => reply.give(Ok(answer)),
                }
            }
            _ => op.issuer.send(request, reply),
        }
    }
}

pub fn sign_in(op: &Arc<Op>) -> SignIn {
    sign_in_with(op, SealingKeys::new(KEY).unwrap())
}

pub fn provider(op: &Arc<Op>) -> Provider {
    Provider::new("https://issuer.test", "shop", Client(op.clone())).unwrap().clock(op.clock())
}

pub fn sign_in_with(op: &Arc<Op>, keys: SealingKeys) -> SignIn {
    SignIn::new(provider(op), CALLBACK, keys).unwrap().keep_claims(["email"])
}

pub fn gate(sign_in: &SignIn, op: &Op) -> Gate {
    Gate::builder().clock(op.clock()).scheme(sign_in).revocations(sign_in.revocations()).build().unwrap()
}

/// A browser, and the service that it visits.
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    pub sign_in: SignIn,
    pub gate: Gate,
    pub op: Arc<Op>,
}

impl Browser {
    pub fn new(op: &Arc<Op>, sign_in: SignIn) -> Self {
        Self { cookies: BTreeMap::new(), gate: gate(&sign_in, op), sign_in, op: op.clone() }
    }

    pub fn beside(&self) -> Self {
        Self { cookies: BTreeMap::new(), gate: self.gate.clone(), sign_in: self.sign_in.clone(), op: self.op.clone() }
    }

    pub fn request(&self, endpoint: Endpoint, query: &str, site: &str) -> Request<Bytes> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Request::builder()
            .method(endpoint.method())
            .uri(format!("/auth/{}?{query}", endpoint.path()))
            .header("cookie", cookies.join("; "))
            .header("sec-fetch-site", site)
            .body(Bytes::new())
            .unwrap()
    }

    pub fn keep(&mut self, answer: &Response<Bytes>) {
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-") && cookie.contains("; HttpOnly; Path=/; Max-Age="), "{cookie}");
            assert!(cookie.ends_with("; SameSite=Lax; Secure"), "{cookie}");
            let (name, rest) = cookie.split_once('=').unwrap();
            match rest.split_once(';').unwrap().0 {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    pub async fn ask(&mut self, endpoint: Endpoint, query: &str) -> Result<Response<Bytes>, Error> {
        self.ask_from(endpoint, query, "same-origin").await
    }

    pub async fn ask_from(&mut self, endpoint: Endpoint, query: &str, site: &str) -> Result<Response<Bytes>, Error> {
        let request = self.request(endpoint, query, site);
        let answer = self.sign_in.answer(&self.gate, endpoint, &request).await?;
        self.keep(&answer);
        Ok(answer)
    }

    /// Begins a flow, and signs in at the provider: the query of the callback.
    pub async fn begin(&mut self) -> String {
        let answer = self.ask(Endpoint::Login, "return_to=/orders?page=2").await.unwrap();
        self.op.authorize(&location(&answer))
    }

    pub async fn signs_in(&mut self) -> Response<Bytes> {
        let query = self.begin().await;
        self.ask_from(Endpoint::Callback, &query, "cross-site").await.unwrap()
    }

    /// Who the gate says it is, or the code of the refusal.
    pub async fn who(&self) -> Result<portcullis_core::Principal, String> {
        let value = self.cookies.get(SignIn::COOKIE).cloned().unwrap_or_default();
        let source = portcullis_core::CredentialSource::cookie(SignIn::COOKIE);
        let found = self.gate.authenticate(portcullis_core::Credential::new(value, source)).await;
        found.principal().cloned().map_err(|error| error.code().to_owned())
    }
}

pub fn location(answer: &Response<Bytes>) -> String {
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}
