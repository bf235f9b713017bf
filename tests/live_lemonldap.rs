//! A real LemonLDAP::NG on loopback as the OpenID provider of a service. `servers/lemonldap-ng.sh up` starts it and prints the
//! environment that this reads. Its users sign in through its own form.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;

use axum::{
    body::Bytes,
    http::{HeaderMap, Request, Response, header::LOCATION, header::SET_COOKIE},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use common::{Anyhow, agent, variable};
use portcullis::{
    Algorithm, Audience, ClaimMap, ClientCredentials, Credential, CredentialSource, ErrorKind, Gate, Introspection,
    Issuer, Jwt, Principal, RemoteKeys, Rules, Scheme,
    reqwest::Client,
    sign_in::{Endpoint, Flow, Provider, SealingKeys, SignIn},
    testing::FixedClock,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::Mutex, task::spawn_blocking};
use ureq::Agent;

/// A rotation, or a stop, is for all who use the provider, so tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

const HOUR: Duration = Duration::from_secs(3600);

async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T, ureq::Error> + Send + 'static) -> Anyhow<T> {
    Ok(spawn_blocking(ask).await??)
}

async fn script(action: &'static str) -> Anyhow {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/lemonldap-ng.sh");
    let done =
        blocking(move || Ok(Command::new(script).arg(action).env("PORT", variable("LEMON_PORT")).output()?)).await?;
    assert!(done.status.success(), "{action}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The id and the secret of a client.
fn client(name: &str) -> (String, String) {
    let pair = variable(name);
    let (id, secret) = pair.split_once(':').unwrap_or_else(|| panic!("`{name}` is no `id:secret`"));
    (id.to_owned(), secret.to_owned())
}

#[derive(Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            let (name, value) = cookie.split(';').next().unwrap_or_default().split_once('=').unwrap_or_default();
            match value {
                "" => self.0.remove(name),
                _ => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// A user's browser at the provider.
struct Browser {
    agent: Agent,
    cookies: Cookies,
}

impl Browser {
    fn new() -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { agent, cookies: Cookies::default() }
    }

    /// Fills in the form at this address. Returns the query of the callback, if the provider redirects there.
    fn signs_in(&mut self, address: &str, user: &str, password: &str) -> Result<Option<String>, ureq::Error> {
        let mut page = self.agent.get(address).header("cookie", self.cookies.header()).call()?;
        self.cookies.keep(page.headers());
        let page = page.body_mut().read_to_string()?;
        let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let form = [("user", user), ("password", password), ("token", token.unwrap_or_default())];
        let answer = self.agent.post(address).header("cookie", self.cookies.header()).send_form(form)?;
        self.cookies.keep(answer.headers());
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let query = location.and_then(|location| location.strip_prefix(&variable("LEMON_CALLBACK"))?.strip_prefix('?'));
        Ok(query.map(str::to_owned))
    }

    fn signs_out(&mut self) -> Result<(), ureq::Error> {
        let address = format!("{}?logout=1", variable("LEMON_ISSUER"));
        let answer = self.agent.get(address).header("cookie", self.cookies.header()).call()?;
        assert_eq!(answer.status(), 200);
        Ok(())
    }
}

/// The query of the callback of a user who signs in, and the browser.
async fn signed_in(address: String, user: &'static str) -> Anyhow<(String, Browser)> {
    let (query, browser) = blocking(move || {
        let mut browser = Browser::new();
        Ok((browser.signs_in(&address, user, user)?, browser))
    })
    .await?;
    Ok((query.ok_or("the provider does not redirect to the callback")?, browser))
}

/// What the provider answers to this form of a client.
async fn asked(client: (String, String), form: Vec<(&'static str, String)>) -> Anyhow<Value> {
    blocking(move || {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", client.0, client.1)));
        let request = agent().post(variable("LEMON_TOKEN_URL")).header("authorization", basic);
        request.send_form(form)?.body_mut().read_json()
    })
    .await
}

fn map() -> Result<ClaimMap, portcullis::Error> {
    ClaimMap::new().roles("groups")?.scopes("scope")
}

fn provider(name: &str) -> Anyhow<Provider> {
    let (id, secret) = client(name);
    let provider = Provider::new(variable("LEMON_ISSUER"), id, Client::new()?)?.secret(secret);
    Ok(provider.scopes(["profile", "email", "groups"]).claim_map(map()?))
}

/// The member `verifier` of a flow, or another.
fn part(flow: &Flow, member: &str) -> Anyhow<String> {
    text(&serde_json::to_value(flow)?, member)
}

fn text(answer: &Value, member: &str) -> Anyhow<String> {
    Ok(answer[member].as_str().ok_or_else(|| format!("no `{member}` in {answer}"))?.to_owned())
}

/// All tokens of a user, by the code flow, and the browser.
async fn tokens(name: &str, user: &'static str) -> Anyhow<(Value, Browser)> {
    let (address, flow) = provider(name)?.begin(&variable("LEMON_CALLBACK")).await?;
    let (query, browser) = signed_in(address, user).await?;
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).ok_or("no code")?;
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", variable("LEMON_CALLBACK")),
        ("code_verifier", part(&flow, "verifier")?),
    ];
    Ok((asked(client(name), form).await?, browser))
}

async fn access_token(name: &str, user: &'static str) -> Anyhow<String> {
    text(&tokens(name, user).await?.0, "access_token")
}

/// Its JWTs, verified here. Its ID tokens look the same, except that they do not name a client.
fn jwts(audience: &str) -> Anyhow<Issuer> {
    let keys = RemoteKeys::discover(variable("LEMON_ISSUER"), Client::new()?)?;
    let issuer = Issuer::new(variable("LEMON_ISSUER"), Audience::is(audience), [Algorithm::Rs256], keys)?;
    Ok(issuer.rules(Rules::new().require("client_id", "web")?).claim_map(map()?))
}

/// Asks it about tokens, and remembers nothing. Its answers have neither `aud` nor `token_type`.
fn asking(issuer: Issuer) -> Anyhow<Introspection> {
    let (id, secret) = client("LEMON_API");
    let asking = Introspection::new(issuer, variable("LEMON_INTROSPECTION_URL"), Client::new()?)?.client(&id, &secret);
    Ok(asking.allow_missing_token_type().remember(Duration::ZERO, Duration::ZERO))
}

fn opaque() -> Anyhow<Issuer> {
    let issuer = Issuer::without_keys(variable("LEMON_ISSUER"), Audience::client_id("opaque"))?;
    Ok(issuer.claim_map(map()?))
}

fn now() -> Anyhow<FixedClock> {
    Ok(FixedClock::at(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()))
}

fn gate(scheme: impl Into<portcullis::Verifier>) -> Anyhow<(Gate, FixedClock)> {
    let clock = now()?;
    Ok((Gate::builder().clock(clock.clone()).scheme(Scheme::new(scheme).bearer()).build()?, clock))
}

/// Who the gate says it is, or the status of the refusal.
async fn found(gate: &Gate, credential: Credential<'_>) -> Result<Principal, u16> {
    gate.authenticate(credential).await.principal().cloned().map_err(|error| error.status())
}

async fn who(gate: &Gate, token: &str) -> Result<String, u16> {
    let principal = found(gate, Credential::new(token, CredentialSource::bearer())).await?;
    Ok(principal.id().subject().to_owned())
}

fn dwho() -> Result<String, u16> {
    Ok("dwho".to_owned())
}

/// The same with one character of its last part changed.
fn forged(token: &str) -> String {
    let at = token.len() - 9;
    let other = if token[at..].starts_with('A') { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_and_what_is_not_their_flow_is_refused() -> Anyhow {
    let _turn = TURN.lock().await;
    let (provider, callback) = (provider("LEMON_WEB")?, variable("LEMON_CALLBACK"));
    for (user, name, group, other) in
        [("dwho", "Doctor Who", "timelords", "earthlings"), ("rtyler", "Rose Tyler", "earthlings", "timelords")]
    {
        let (address, flow) = provider.begin(&callback).await?;
        let query = signed_in(address, user).await?.0;
        let identity = provider.finish(&flow, &query).await?;
        assert_eq!(identity.principal.id().subject(), user);
        assert_eq!(identity.claims.get::<String>("name")?.as_deref(), Some(name));
        let has = |role: &str| identity.principal.roles().iter().any(|has| has.as_str() == role);
        assert!(has(group) && has("users") && !has(other));
        assert!(identity.access_token().is_some() && identity.tokens_end_at() > Some(SystemTime::now()));
        // A code is redeemed once.
        assert_eq!(provider.finish(&flow, &query).await.map_err(|error| error.kind()).err(), Some(ErrorKind::Rejected));
    }
    // Another flow, with its state, its PKCE verifier or its nonce.
    for member in ["state", "verifier", "nonce"] {
        let ((address, flow), (_, other)) = (provider.begin(&callback).await?, provider.begin(&callback).await?);
        let mut mixed = serde_json::to_value(&flow)?;
        mixed[member] = part(&other, member)?.into();
        let query = signed_in(address, "dwho").await?.0;
        let refused = provider.finish(&serde_json::from_value(mixed)?, &query).await;
        assert_eq!(refused.map_err(|error| error.kind()).err(), Some(ErrorKind::Rejected), "{member}");
    }
    let (address, flow) = provider.begin(&callback).await?;
    let at = address.clone();
    let wrong = blocking(move || Browser::new().signs_in(&at, "dwho", "rtyler")).await?;
    assert_eq!(wrong, None, "the password is wrong");
    // The code of one client at another, and a client with the wrong secret.
    let query = signed_in(address, "dwho").await?.0;
    let refused = |found: Result<_, portcullis::Error>| found.map_err(|error| error.kind()).err();
    let other = self::provider("LEMON_OPAQUE")?;
    assert_eq!(refused(other.finish(&flow, &query).await), Some(ErrorKind::Rejected));
    let (address, flow) = provider.begin(&callback).await?;
    let query = signed_in(address, "dwho").await?.0;
    let wrong = provider.clone().secret("wrong").finish(&flow, &query).await;
    assert_eq!(refused(wrong), Some(ErrorKind::Misconfigured));
    assert_eq!(provider.finish(&flow, &query).await?.principal.id().subject(), "dwho");
    println!("two users signed in; a code again, mixed flows, a wrong password, client or secret refused");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn jwts_are_verified_here() -> Anyhow {
    let _turn = TURN.lock().await;
    let (given, _) = tokens("LEMON_WEB", "dwho").await?;
    let (access, id) = (text(&given, "access_token")?, text(&given, "id_token")?);
    let (here, clock) = gate(Jwt::new(jwts("web")?))?;
    assert_eq!(who(&here, &access).await, dwho());
    assert_eq!(who(&here, &forged(&access)).await, Err(401));
    assert_eq!(who(&here, &text(&given, "refresh_token")?).await, Err(401));
    assert_eq!(who(&gate(Jwt::new(jwts("api")?))?.0, &access).await, Err(401), "another audience");
    // Only the rule tells an ID token from an access token.
    assert_eq!(who(&here, &id).await, Err(401));
    let keys = RemoteKeys::discover(variable("LEMON_ISSUER"), Client::new()?)?;
    let any = Issuer::new(variable("LEMON_ISSUER"), Audience::is("web"), [Algorithm::Rs256], keys)?;
    assert_eq!(who(&gate(Jwt::new(any))?.0, &id).await, dwho());
    clock.advance(HOUR + HOUR);
    assert_eq!(who(&here, &access).await, Err(401), "it has expired");
    println!("an access token: accepted; forged, expired, of another audience, an ID or a refresh token: refused");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_about_tokens_until_the_user_signs_out() -> Anyhow {
    let _turn = TURN.lock().await;
    let (given, mut browser) = tokens("LEMON_OPAQUE", "rtyler").await?;
    let access = text(&given, "access_token")?;
    let (asked, _) = gate(asking(opaque()?)?)?;
    assert_eq!(who(&asked, &access).await, Ok("rtyler".to_owned()));
    for refused in [&text(&given, "id_token")?, &text(&given, "refresh_token")?, &forged(&access), "made-up"] {
        assert_eq!(who(&asked, refused).await, Err(401), "{refused}");
    }
    // The token of another client, and answers that have to name an audience and a type.
    let foreign = Issuer::without_keys(variable("LEMON_ISSUER"), Audience::client_id("odd"))?;
    assert_eq!(who(&gate(asking(foreign)?)?.0, &access).await, Err(401));
    let (id, secret) = client("LEMON_API");
    let strict = Issuer::without_keys(variable("LEMON_ISSUER"), Audience::is("opaque"))?;
    let strict = Introspection::new(strict, variable("LEMON_INTROSPECTION_URL"), Client::new()?)?.client(&id, &secret);
    assert_eq!(who(&gate(strict)?.0, &access).await, Err(401));
    // A JWT is verified and asked about.
    let (given, mut other) = tokens("LEMON_WEB", "dwho").await?;
    let jwt = text(&given, "access_token")?;
    let (verified, _) = gate(Jwt::new(jwts("web")?))?;
    let (both, _) = gate(asking(jwts("web")?)?)?;
    assert_eq!((who(&both, &jwt).await, who(&both, &forged(&jwt)).await), (dwho(), Err(401)));
    blocking(move || browser.signs_out().and_then(|()| other.signs_out())).await?;
    assert_eq!((who(&asked, &access).await, who(&both, &jwt).await), (Err(401), Err(401)));
    assert_eq!(who(&verified, &jwt).await, dwho(), "nobody asked");
    println!("asked about: accepted, and refused after the sign-out; verified here: accepted until it expires");
    Ok(())
}

/// RFC 6749, section 2.3.1: id and secret are encoded in the header. This provider compares them as they are there.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_encoded_goes_in_the_body() -> Anyhow {
    let _turn = TURN.lock().await;
    let credentials = |name: &str| {
        let (id, secret) = client(name);
        let credentials = ClientCredentials::new(variable("LEMON_TOKEN_URL"), &id, &secret, Client::new()?)?;
        Ok::<_, Box<dyn std::error::Error>>(credentials.scope("read"))
    };
    let (here, _) = gate(Jwt::new(jwts("web")?))?;
    assert_eq!(who(&here, credentials("LEMON_WEB")?.bearer().await?.expose()).await, Ok("web".to_owned()));
    let odd = credentials("LEMON_ODD")?;
    assert_eq!(odd.bearer().await.map_err(|error| error.status()).err(), Some(500));
    let token = odd.secret_in_body().bearer().await?;

    let (id, secret) = client("LEMON_ODD");
    let issuer = Issuer::without_keys(variable("LEMON_ISSUER"), Audience::client_id("odd"))?;
    let asking = asking(issuer)?;
    assert_eq!(who(&gate(asking.clone().client(&id, &secret))?.0, token.expose()).await, Err(503));
    assert_eq!(who(&gate(asking.client_in_body(&id, &secret))?.0, token.expose()).await, Ok("odd".to_owned()));

    let (callback, in_header) = (variable("LEMON_CALLBACK"), provider("LEMON_ODD")?);
    for (provider, expected) in
        [(in_header.clone(), Some(ErrorKind::Misconfigured)), (in_header.secret_in_body(), None)]
    {
        let (address, flow) = provider.begin(&callback).await?;
        let query = signed_in(address, "dwho").await?.0;
        assert_eq!(provider.finish(&flow, &query).await.map_err(|error| error.kind()).err(), expected);
    }
    println!("a secret with `/`, `+` and `@`: refused in the header, accepted in the body");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_followed() -> Anyhow {
    let _turn = TURN.lock().await;
    let (here, _) = gate(Jwt::new(jwts("web")?))?;
    let (asked, _) = gate(asking(jwts("web")?)?)?;
    let (provider, callback) = (provider("LEMON_WEB")?, variable("LEMON_CALLBACK"));
    let signs_in = async || {
        let (address, flow) = provider.begin(&callback).await?;
        let query = signed_in(address, "dwho").await?.0;
        Ok::<_, Box<dyn std::error::Error>>(provider.finish(&flow, &query).await?.access_token().map(str::to_owned))
    };
    let old = signs_in().await?.unwrap_or_default();
    assert_eq!((who(&here, &old).await, who(&asked, &old).await), (dwho(), dwho()));
    script("rotate").await?;
    assert_eq!(who(&here, &old).await, dwho(), "its key is known");
    let new = signs_in().await?.unwrap_or_default();
    assert_eq!((who(&here, &new).await, who(&asked, &new).await), (dwho(), dwho()));
    assert_eq!(who(&here, &forged(&new)).await, Err(401));
    // Its script publishes the new key only.
    assert_eq!((who(&here, &old).await, who(&asked, &old).await), (Err(401), Err(401)));
    println!("after a rotation: a new sign-in and its token accepted; the old token as long as its key was published");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_down_what_is_known_holds() -> Anyhow {
    let _turn = TURN.lock().await;
    let (jwt, token) = (access_token("LEMON_WEB", "dwho").await?, access_token("LEMON_OPAQUE", "dwho").await?);
    let (here, _) = gate(Jwt::new(jwts("web")?))?;
    let (asked, clock) = gate(asking(opaque()?)?)?;
    let (late, late_clock) = gate(Jwt::new(jwts("web")?))?;
    let (provider, callback) = (provider("LEMON_WEB")?, variable("LEMON_CALLBACK"));
    let (address, flow) = provider.begin(&callback).await?;
    let query = signed_in(address, "dwho").await?.0;
    assert_eq!((who(&here, &jwt).await, who(&asked, &token).await), (dwho(), dwho()));
    script("down").await?;
    assert_eq!((who(&here, &jwt).await, who(&here, &forged(&jwt)).await), (dwho(), Err(401)));
    assert_eq!((who(&asked, &token).await, who(&asked, "made-up").await), (Err(503), Err(503)));
    assert_eq!(who(&late, &jwt).await, Err(503), "its keys were never fetched");
    let refused = provider.finish(&flow, &query).await;
    assert_eq!(refused.map_err(|error| error.kind()).err(), Some(ErrorKind::Unavailable));
    script("start").await?;
    // Pauses after a failure are over.
    clock.advance(Duration::from_secs(60));
    late_clock.advance(Duration::from_secs(60));
    assert_eq!((who(&asked, &token).await, who(&asked, "made-up").await), (dwho(), Err(401)));
    assert_eq!((who(&late, &jwt).await, who(&late, &forged(&jwt)).await), (dwho(), Err(401)));
    assert_eq!(provider.finish(&flow, &query).await?.principal.id().subject(), "dwho");
    println!("down: known keys hold, what has to be asked is 503; up again: as before");
    Ok(())
}

/// A browser at a service with sessions.
struct Visitor {
    cookies: Cookies,
    sign_in: SignIn,
    gate: Gate,
}

impl Visitor {
    fn new(clock: &FixedClock) -> Anyhow<Self> {
        let keys = SealingKeys::new("a-secret-of-at-least-thirty-two-bytes")?;
        let provider = provider("LEMON_WEB")?.clock(clock.clone());
        let sign_in = SignIn::new(provider, variable("LEMON_CALLBACK"), keys)?.refreshed();
        let gate = Gate::builder().clock(clock.clone()).scheme(&sign_in).revocations(sign_in.revocations()).build()?;
        Ok(Self { cookies: Cookies::default(), sign_in, gate })
    }

    async fn ask(&mut self, endpoint: Endpoint, query: &str) -> Result<Response<Bytes>, portcullis::Error> {
        let request = Request::builder().method(endpoint.method()).uri(format!("/auth/{}?{query}", endpoint.path()));
        let request = request.header("cookie", self.cookies.header()).header("sec-fetch-site", "same-origin");
        let request = request.body(Bytes::new()).unwrap_or_default();
        let answer = self.sign_in.answer(&self.gate, endpoint, &request).await?;
        self.cookies.keep(answer.headers());
        Ok(answer)
    }

    /// Returns the browser at the provider.
    async fn signs_in(&mut self) -> Anyhow<Browser> {
        let answer = self.ask(Endpoint::Login, "").await?;
        let (query, browser) = signed_in(answer.headers()[LOCATION].to_str()?.to_owned(), "dwho").await?;
        self.ask(Endpoint::Callback, &query).await?;
        Ok(browser)
    }

    async fn who(&self) -> Result<String, u16> {
        let session = self.cookies.0.get(SignIn::COOKIE).map(String::as_str).unwrap_or_default();
        let source = CredentialSource::cookie(SignIn::COOKIE);
        Ok(found(&self.gate, Credential::new(session, source)).await?.id().subject().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_refreshed_until_the_provider_ends_it() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = now()?;
    let (mut stays, mut leaves) = (Visitor::new(&clock)?, Visitor::new(&clock)?);
    let mut browser = (stays.signs_in().await?, leaves.signs_in().await?).1;
    assert_eq!((stays.who().await, leaves.who().await, Visitor::new(&clock)?.who().await), (dwho(), dwho(), Err(401)));
    blocking(move || browser.signs_out()).await?;
    clock.advance(HOUR - Duration::from_secs(30));
    assert_eq!(leaves.ask(Endpoint::Refresh, "").await.map_err(|error| error.status()).err(), Some(401));
    assert_eq!(stays.ask(Endpoint::Refresh, "").await?.body(), &json!({ "expires_in": 3600 }).to_string());
    clock.advance(HOUR - Duration::from_secs(30));
    assert_eq!((stays.who().await, leaves.who().await), (dwho(), Err(401)));
    // It has lost all sessions. To a refresh token that it does not know, it answers `invalid_request`.
    script("down").await?;
    script("up").await?;
    assert_eq!(stays.ask(Endpoint::Refresh, "").await.map_err(|error| error.status()).err(), Some(401));
    let mut again = Visitor::new(&now()?)?;
    again.signs_in().await?;
    assert_eq!(again.who().await, dwho());
    println!("a session: refreshed; ended by a sign-out at the provider, or when that has lost it");
    Ok(())
}
