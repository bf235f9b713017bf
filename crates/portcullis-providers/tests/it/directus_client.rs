//! Signing in at an instance, keeping its tokens, and creating users. The answers are those that Directus 11.13 was seen to give.

use portcullis_core::{
    BearerToken, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply, testing::FixedClock,
};
use portcullis_providers::directus::{CookieMode, DirectusClient, KeptPair, Login};
use serde_json::{Map, Value, json};
use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

const NOW: u64 = 1_767_268_800;
const ROLE: &str = "5b6ec1d0-0f5f-4d4e-8a52-2d6c7a3a4f10";

/// Gives the next answer to each request; waits with those that come when there is none.
#[derive(Debug, Clone, Default)]
struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    requests: Vec<HttpRequest>,
    next: Vec<HttpResponse>,
    open: Vec<Reply>,
}

impl Script {
    fn with(answers: impl IntoIterator<Item = HttpResponse>) -> Self {
        let script = Self::default();
        script.0.lock().unwrap().next.extend(answers);
        script
    }

    fn asked(&self) -> Vec<(String, Value)> {
        let body = |request: &HttpRequest| serde_json::from_str(request.body()).unwrap_or_default();
        let requests = &self.0.lock().unwrap().requests;
        requests.iter().map(|request| (request.url().replace("https://directus.test", ""), body(request))).collect()
    }

    fn headers(&self) -> Vec<(String, String)> {
        let requests = &self.0.lock().unwrap().requests;
        let headers = requests.last().unwrap().headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        headers.filter(|(name, _)| name != "content-type").collect()
    }

    fn answer(&self, answer: HttpResponse) {
        let reply = self.0.lock().unwrap().open.remove(0);
        reply.give(Ok(answer));
    }
}

impl HttpClient for Script {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut state = self.0.lock().unwrap();
        state.requests.push(request);
        if state.next.is_empty() {
            return state.open.push(reply);
        }
        let answer = state.next.remove(0);
        drop(state);
        reply.give(Ok(answer));
    }
}

fn directus(script: &Script) -> DirectusClient {
    DirectusClient::new("https://directus.test/", script.clone()).unwrap()
}

fn pair(number: u8) -> HttpResponse {
    let data =
        json!({ "expires": 900_000, "refresh_token": format!("r{number}"), "access_token": format!("a{number}") });
    HttpResponse::new(200, json!({ "data": data }).to_string())
}

fn error(status: u16, code: &str) -> HttpResponse {
    let body = json!({ "errors": [{ "message": "hunter2", "extensions": { "code": code } }] });
    HttpResponse::new(status, body.to_string())
}

fn login() -> Login {
    Login::new("alice@example.com", "hunter2")
}

fn seen(error: &Error) -> (ErrorKind, u16, &str) {
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    (error.kind(), error.status(), error.code())
}

#[tokio::test]
async fn a_login_returns_a_pair() {
    let script = Script::with([pair(1), pair(2)]);
    let tokens = directus(&script).login(&login()).await.unwrap();
    assert_eq!((tokens.access_token().expose(), tokens.expose_refresh_token()), ("a1", "r1"));
    assert_eq!(tokens.expires_in(), Duration::from_secs(900));
    directus(&script).login(&login().otp("123456")).await.unwrap();
    let body = json!({ "email": "alice@example.com", "password": "hunter2", "mode": "json" });
    let mut with_otp = body.clone();
    with_otp["otp"] = json!("123456");
    assert_eq!(script.asked(), [("/auth/login".to_owned(), body), ("/auth/login".to_owned(), with_otp)]);
    assert_eq!(format!("{tokens:?} {:?}", login()), "TokenPair(..) Login(..)");
}

#[tokio::test]
async fn refusals_have_the_code_of_directus() {
    use ErrorKind::{Denied, Expired, Invalid, Rejected, Unavailable};
    let busy = error(429, "REQUESTS_EXCEEDED").with_header("retry-after", "7");
    for (answer, expected) in [
        (error(401, "INVALID_CREDENTIALS"), (Invalid, 401, "invalid_credentials")),
        (error(401, "INVALID_OTP"), (Invalid, 401, "invalid_otp")),
        (error(401, "USER_SUSPENDED"), (Invalid, 401, "user_suspended")),
        (error(403, "INVALID_TOKEN"), (Invalid, 401, "invalid_token")),
        (error(401, "TOKEN_EXPIRED"), (Expired, 401, "token_expired")),
        (error(400, "INVALID_PAYLOAD"), (Rejected, 400, "invalid_payload")),
        (error(400, "RECORD_NOT_UNIQUE"), (Rejected, 409, "record_not_unique")),
        (error(403, "FORBIDDEN"), (Denied, 403, "forbidden")),
        (error(403, "RESOURCE_RESTRICTED"), (Denied, 403, "forbidden")),
        (error(503, "SERVICE_UNAVAILABLE"), (Unavailable, 503, "unavailable")),
        (HttpResponse::new(401, "<html>"), (Unavailable, 503, "unavailable")),
        (HttpResponse::new(302, ""), (Unavailable, 503, "unavailable")),
        (HttpResponse::new(200, "<html>"), (Unavailable, 503, "unavailable")),
        (HttpResponse::new(200, r#"{"data":{"access_token":"a","expires":1}}"#), (Unavailable, 503, "unavailable")),
        (HttpResponse::new(200, r#"{"data":null}"#), (Unavailable, 503, "unavailable")),
        (busy, (Unavailable, 503, "unavailable")),
    ] {
        let refused = directus(&Script::with([answer.clone()])).login(&login()).await.unwrap_err();
        assert_eq!(seen(&refused), expected, "{answer:?}");
        assert_eq!(refused.retry_after(), answer.header("retry-after").map(|_| Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn refresh_and_logout_name_their_mode() {
    let script = Script::with([pair(2), HttpResponse::new(204, ""), error(401, "INVALID_CREDENTIALS")]);
    let directus = directus(&script);
    assert_eq!(directus.refresh("r1").await.unwrap().expose_refresh_token(), "r2");
    directus.logout("r2").await.unwrap();
    assert_eq!(seen(&directus.refresh("r1").await.unwrap_err()), (ErrorKind::Invalid, 401, "invalid_credentials"));
    let body = |token: &str| json!({ "refresh_token": token, "mode": "json" });
    let asked = script.asked();
    assert_eq!(asked[..2], [("/auth/refresh".to_owned(), body("r1")), ("/auth/logout".to_owned(), body("r2"))]);
}

#[tokio::test]
async fn cookies_pass_through_and_only_those_of_the_instance() {
    let answer = |data: Value| HttpResponse::new(200, json!({ "data": data }).to_string());
    let session = "directus_session_token=s1; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400";
    let refresh = "directus_refresh_token=r1; HttpOnly";
    let script = Script::with([
        answer(json!({ "expires": 86_400_000 })).with_header("set-cookie", "lb=1").with_header("set-cookie", session),
        answer(json!({ "expires": 900_000, "access_token": "a1" })).with_header("set-cookie", refresh),
        answer(json!({ "expires": 86_400_000 })).with_header("set-cookie", session),
        HttpResponse::new(204, "").with_header("set-cookie", "directus_refresh_token=; Max-Age=0"),
        answer(json!({ "expires": 86_400_000 })),
    ]);
    let directus = directus(&script);
    let by_session = directus.login_with_cookie(&login(), CookieMode::Session).await.unwrap();
    assert_eq!(by_session.set_cookies(), [session]);
    assert!(by_session.access_token().is_none());
    assert_eq!(by_session.expires_in(), Duration::from_secs(86_400));
    assert_eq!(script.asked()[0].1["mode"], "session");

    let by_cookie = directus.login_with_cookie(&login(), CookieMode::Cookie).await.unwrap();
    assert_eq!(by_cookie.set_cookies(), [refresh]);
    assert_eq!(by_cookie.access_token().map(BearerToken::expose), Some("a1"));

    directus.refresh_with_cookie("s1", CookieMode::Session).await.unwrap();
    assert_eq!(script.headers(), [("cookie".to_owned(), "directus_session_token=s1".to_owned())]);
    let removed = directus.logout_with_cookie("r1", CookieMode::Cookie).await.unwrap();
    assert_eq!(removed, ["directus_refresh_token=; Max-Age=0"]);
    assert_eq!(script.headers(), [("cookie".to_owned(), "directus_refresh_token=r1".to_owned())]);
    assert_eq!(script.asked()[3], ("/auth/logout".to_owned(), json!({ "mode": "cookie" })));

    // an answer without the cookie is no session
    let none = directus.login_with_cookie(&login(), CookieMode::Session).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Unavailable);
    for value in ["", "a; b=c", "a b", "a\r\nx: y", "a,b"] {
        let refused = directus.refresh_with_cookie(value, CookieMode::Session).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{value:?}");
    }
    assert_eq!(script.asked().len(), 5);
}

#[tokio::test]
async fn me_is_a_user_and_no_share() {
    let ask = async |body: &str, fields: &[&str]| {
        let script = Script::with([HttpResponse::new(200, body)]);
        let token = BearerToken::new("a1").unwrap();
        let me = directus(&script).me::<Value>(&token, fields).await;
        (me.map_err(|error| error.kind()), script)
    };
    let (me, script) = ask(r#"{"data":{"id":"u1","email":"a@b"}}"#, &["email", "role.name"]).await;
    assert_eq!(me.unwrap()["email"], "a@b");
    assert_eq!(script.asked()[0].0, "/users/me?fields=id,email,role.name");
    assert_eq!(script.headers(), [("authorization".to_owned(), "Bearer a1".to_owned())]);
    for body in [r#"{"data":{"share":"s1"}}"#, r#"{"data":"u1"}"#, r#"{"data":{"id":""}}"#, r#"{"data":{"id":1}}"#] {
        assert_eq!(ask(body, &["email"]).await.0.unwrap_err(), ErrorKind::Invalid, "{body}");
    }
    let (refused, script) = ask("", &["email&access_token=x"]).await;
    assert_eq!(refused.unwrap_err(), ErrorKind::Misconfigured);
    assert_eq!(script.asked(), []);
}

#[tokio::test]
async fn who_registers_decides_neither_role_nor_status() {
    let created = HttpResponse::new(200, r#"{"data":{"id":"u1"}}"#);
    let script = Script::with([created, HttpResponse::new(204, "")]);
    let sign_up = directus(&script).sign_up("admin-token", ROLE, &["first_name", "age"]).unwrap();
    let create = async |fields: Value| {
        let fields: Map<String, Value> = serde_json::from_value(fields).unwrap();
        let outcome = sign_up.create("a@b.test", "hunter2", &fields).await;
        outcome.map_err(|error| (error.status(), error.code().to_owned()))
    };
    assert_eq!(create(json!({ "first_name": "A", "age": 7 })).await, Ok(Some("u1".to_owned())));
    assert_eq!(create(json!({})).await, Ok(None));
    let body = json!({ "first_name": "A", "age": 7, "email": "a@b.test", "password": "hunter2", "role": ROLE, "status": "active" });
    assert_eq!(script.asked()[0], ("/users".to_owned(), body));
    assert_eq!(script.headers(), [("authorization".to_owned(), "Bearer admin-token".to_owned())]);
    for fields in [
        json!({ "role": "r" }),
        json!({ "status": "active" }),
        json!({ "token": "t" }),
        json!({ "policies": [] }),
        json!({ "email": "c@d.test" }),
        json!({ "First_name": "A" }),
        json!({ "first_name": { "role": "r" } }),
        json!({ "first_name": ["A"] }),
    ] {
        assert_eq!(create(fields.clone()).await, Err((400, "field_not_accepted".to_owned())), "{fields}");
    }
    assert_eq!(script.asked().len(), 2);
    assert!(!format!("{sign_up:?}").contains("admin-token"));

    let new = |token, role, fields| directus(&script).sign_up(token, role, fields);
    assert!(new("t", ROLE, &["last_name"]).is_ok());
    assert!(new("", ROLE, &[]).is_err() && new("t", "Members", &[]).is_err() && new("t", ROLE, &["role"]).is_err());
}

#[tokio::test]
async fn a_refused_admin_token_is_not_the_callers_fault() {
    for (answer, status, code) in [
        (error(401, "INVALID_CREDENTIALS"), 500, "misconfigured"),
        (error(403, "FORBIDDEN"), 500, "misconfigured"),
        (error(400, "RECORD_NOT_UNIQUE"), 409, "record_not_unique"),
        (HttpResponse::new(502, ""), 503, "unavailable"),
    ] {
        let sign_up = directus(&Script::with([answer])).sign_up("admin-token", ROLE, &[]).unwrap();
        let refused = sign_up.create("a@b.test", "hunter2", &Map::new()).await.unwrap_err();
        assert_eq!(refused.status(), status);
        if status != 500 {
            assert_eq!(refused.code(), code);
        }
    }
}

async fn kept(script: &Script, clock: &FixedClock) -> KeptPair {
    let directus = directus(script).clock(clock.clone());
    let pair = directus.login(&login()).await.unwrap();
    directus.keep(pair)
}

fn later(clock: &FixedClock, seconds: u64) {
    clock.advance(Duration::from_secs(seconds));
}

async fn bearer(kept: &KeptPair) -> Result<String, ErrorKind> {
    kept.bearer().await.map(|token| token.expose().to_owned()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_pair_is_refreshed_before_it_expires_with_one_request() {
    let (script, clock) = (Script::with([pair(1)]), FixedClock::at(NOW));
    let kept = kept(&script, &clock).await;
    later(&clock, 839);
    assert_eq!(bearer(&kept).await, Ok("a1".to_owned()));
    assert_eq!(script.asked().len(), 1);
    later(&clock, 2);
    for _ in 0..3 {
        assert_eq!(bearer(&kept.clone()).await, Ok("a1".to_owned()));
    }
    assert_eq!(script.asked().len(), 2);
    script.answer(pair(2));
    assert_eq!(bearer(&kept).await, Ok("a2".to_owned()));

    // nobody needs one for an hour; then many wait for the same request, which has the new refresh token
    later(&clock, 3600);
    let (mut first, mut second) = (pin!(kept.bearer()), pin!(kept.bearer()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending() && second.as_mut().poll(&mut context).is_pending());
    script.answer(pair(3));
    for waiting in [first.as_mut().poll(&mut context), second.as_mut().poll(&mut context)] {
        assert!(matches!(waiting, Poll::Ready(Ok(token)) if token.expose() == "a3"));
    }
    let tokens: Vec<Value> = script.asked()[1..].iter().map(|(_, body)| body["refresh_token"].clone()).collect();
    assert_eq!(tokens, ["r1", "r2"]);
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_asked_about_again() {
    let script = Script::with([pair(1), HttpResponse::new(503, ""), error(401, "INVALID_CREDENTIALS")]);
    let clock = FixedClock::at(NOW);
    let kept = kept(&script, &clock).await;
    later(&clock, 901);
    assert_eq!(bearer(&kept).await, Err(ErrorKind::Unavailable)); // an outage ends no session
    later(&clock, 1);
    assert_eq!(bearer(&kept).await, Err(ErrorKind::Invalid));
    for _ in 0..3 {
        later(&clock, 600);
        assert_eq!(bearer(&kept).await, Err(ErrorKind::Invalid));
    }
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn after_a_logout_there_is_no_token() {
    let script = Script::with([pair(1), HttpResponse::new(204, "")]);
    let kept = kept(&script, &FixedClock::at(NOW)).await;
    assert_eq!(bearer(&kept).await, Ok("a1".to_owned()));
    kept.logout().await.unwrap();
    assert_eq!(bearer(&kept).await, Err(ErrorKind::Invalid));
    kept.logout().await.unwrap();
    let asked = script.asked();
    assert_eq!((asked.len(), &*asked[1].0, &asked[1].1["refresh_token"]), (2, "/auth/logout", &json!("r1")));
}

#[tokio::test]
async fn a_logout_during_a_refresh_ends_the_new_session_as_well() {
    let (script, clock) = (Script::with([pair(1)]), FixedClock::at(NOW));
    let kept = kept(&script, &clock).await;
    later(&clock, 850);
    assert_eq!(bearer(&kept).await, Ok("a1".to_owned())); // a refresh is in flight
    let mut logout = pin!(kept.logout());
    assert!(logout.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    script.answer(pair(2));
    script.answer(HttpResponse::new(204, ""));
    logout.await.unwrap();
    assert_eq!(bearer(&kept).await, Err(ErrorKind::Invalid));
    let asked = script.asked();
    assert_eq!((asked.len(), &*asked[3].0, &asked[3].1["refresh_token"]), (4, "/auth/logout", &json!("r2")));
}

#[test]
fn addresses_are_checked() {
    let new = |url| DirectusClient::new(url, Script::default());
    assert!(new("https://directus.test").is_ok() && new("http://localhost:8055/cms/").is_ok());
    for url in
        ["directus.test", "https://", "https://directus.test?x=1", "https://directus.test#x", "ftp://directus.test"]
    {
        assert!(new(url).is_err(), "{url}");
    }
}
