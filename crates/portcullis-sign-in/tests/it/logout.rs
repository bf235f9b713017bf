//! Sign-out, by the user and by the provider.

use crate::op::{Browser, Op, location, provider, sign_in};
use bytes::Bytes;
use http::Request;
use portcullis_core::{
    Error, ErrorKind,
    testing::{SigningKey, TestIssuer, TestToken},
};
use portcullis_sign_in::{Endpoint, MemorySessions, SignIn};
use serde_json::json;
use std::{sync::Arc, time::Duration};

async fn signed_in(op: &Arc<Op>, store: bool) -> Browser {
    let sign_in = if store { sign_in(op).store(MemorySessions::new()) } else { sign_in(op) };
    let mut browser = Browser::new(op, sign_in);
    browser.signs_in().await;
    browser
}

#[tokio::test]
async fn sign_out_ends_both_sessions() {
    for store in [false, true] {
        let op = Op::new();
        let mut browser = signed_in(&op, store).await;
        let cookies = browser.cookies.clone();
        for site in ["cross-site", "same-site"] {
            let foreign = browser.ask_from(Endpoint::Logout, "", site).await.unwrap_err();
            assert_eq!(foreign.kind(), ErrorKind::CrossOrigin);
        }
        assert!(browser.who().await.is_ok());
        let answer = browser.ask(Endpoint::Logout, "").await.unwrap();
        let to = location(&answer);
        assert!(to.starts_with("https://issuer.test/end?client_id=shop&id_token_hint=ey"), "{to}");
        assert!(browser.cookies.is_empty());
        browser.cookies = cookies;
        assert_eq!(browser.who().await.unwrap_err(), "invalid_token", "a copy of the cookie is worth nothing");
        // The provider's session may go on: the same one signs in again.
        browser.signs_in().await;
        assert!(browser.who().await.is_ok());
    }
}

#[tokio::test]
async fn sign_out_needs_no_session() {
    let op = Op::new();
    let mut browser = Browser::new(&op, sign_in(&op).after_sign_out("https://shop.test/"));
    let to = location(&browser.ask(Endpoint::Logout, "").await.unwrap());
    assert_eq!(to, "https://issuer.test/end?client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fshop.test%2F");
}

async fn tells(browser: &Browser, token: String) -> Result<(), Error> {
    let body = Bytes::from(format!("logout_token={token}"));
    let request = Request::post("/auth/backchannel-logout").body(body).unwrap();
    browser.sign_in.answer(&browser.gate, Endpoint::BackChannelLogout, &request).await.map(drop)
}

fn logout(issuer: &TestIssuer) -> TestToken<'_> {
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    issuer.token("alice").header("typ", "logout+jwt").claim("events", events).claim("jti", "1")
}

#[tokio::test]
async fn the_provider_ends_sessions() {
    for store in [false, true] {
        for (token, is_ended) in [
            ((|issuer| logout(issuer).without("sub").claim("sid", "sid-1").sign()) as fn(&TestIssuer) -> String, true),
            (|issuer| logout(issuer).without("sub").claim("sid", "sid-2").sign(), false),
            (|issuer| logout(issuer).claim("sid", "sid-2").sign(), false),
            (|issuer| logout(issuer).sign(), true),
            (|issuer| logout(issuer).claim("sub", "bob").sign(), false),
        ] {
            let op = Op::new();
            let mut browser = signed_in(&op, store).await;
            tells(&browser, token(&op.issuer)).await.unwrap();
            assert_eq!(browser.who().await.is_err(), is_ended);
            let refreshed = browser.ask(Endpoint::Refresh, "").await;
            assert_eq!(refreshed.is_err(), is_ended);
        }
    }
}

#[tokio::test]
async fn a_user_can_sign_in_after_all_sessions_ended() {
    let op = Op::new();
    let mut browser = signed_in(&op, false).await;
    tells(&browser, logout(&op.issuer).sign()).await.unwrap();
    op.clock().advance(Duration::from_millis(1));
    browser.signs_in().await;
    assert!(browser.who().await.is_ok());
}

#[tokio::test]
async fn logout_tokens_that_are_none_end_nothing() {
    let op = Op::new();
    let browser = signed_in(&op, false).await;
    let forger = TestIssuer::with_key(SigningKey::secret(portcullis_core::Algorithm::Hs256, "guessed").unwrap());
    let sound = || logout(&op.issuer);
    let late = Duration::from_secs(121);
    let issued = portcullis_core::Clock::now(&op.clock()).duration_since(std::time::UNIX_EPOCH).unwrap() - late;
    for (what, token) in [
        ("forged", logout(&forger.for_audience("shop")).sign()),
        ("with a nonce", sound().claim("nonce", "1").sign()),
        ("without events", sound().without("events").sign()),
        ("another event", sound().claim("events", json!({ "https://evil.test": {} })).sign()),
        ("another audience", sound().claim("aud", "bank").sign()),
        ("another issuer", sound().claim("iss", "https://evil.test").sign()),
        ("another type", sound().header("typ", "JWT").sign()),
        ("nobody", sound().without("sub").sign()),
        ("no id", sound().without("jti").sign()),
        ("no time", sound().without("iat").sign()),
        ("old", sound().claim("iat", issued.as_secs()).sign()),
        ("an ID token", op.issuer.token("alice").claim("sid", "sid-1").sign()),
        ("nothing", String::new()),
    ] {
        let error = tells(&browser, token).await.expect_err(what);
        assert_eq!((error.status(), error.code()), (400, "invalid_logout_token"), "{what}");
        assert!(browser.who().await.is_ok(), "{what}");
    }
    assert!(tells(&browser, sound().sign()).await.is_ok());
    assert!(browser.who().await.is_err());
    let again = tells(&browser, sound().sign()).await.unwrap_err();
    assert_eq!(again.code(), "invalid_logout_token", "a token counts once");
    assert_eq!(SignIn::COOKIE, "__Host-session");
}

#[tokio::test]
async fn logout_tokens_of_drafts_count_where_they_are_allowed() {
    let op = Op::new();
    let (strict, loose) = (provider(&op), provider(&op).allow_draft_logout_tokens());
    let sound = || logout(&op.issuer);
    let draft = || sound().header("typ", "JWT").without("exp");
    let old = portcullis_core::Clock::now(&op.clock()).duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 121;
    for (what, token, is_allowed) in [
        ("a draft's", draft().sign(), true),
        ("a draft's with an end", sound().header("typ", "JWT").sign(), true),
        ("without an end", sound().without("exp").sign(), true),
        ("expired", draft().expired_for(Duration::from_secs(1)).sign(), false),
        ("old", draft().claim("iat", old).sign(), false),
        ("without a time", draft().without("iat").sign(), false),
        ("with a nonce", draft().claim("nonce", "1").sign(), false),
        ("without events", draft().without("events").sign(), false),
        ("another audience", draft().claim("aud", "bank").sign(), false),
        ("an access token", sound().header("typ", "at+jwt").sign(), false),
    ] {
        assert!(strict.verify_logout_token(&token).await.is_err(), "{what}");
        assert_eq!(loose.verify_logout_token(&token).await.is_ok(), is_allowed, "{what}");
    }
    assert!(strict.verify_logout_token(&sound().sign()).await.is_ok());
    assert!(loose.verify_logout_token(&sound().sign()).await.is_ok());
}
