//! Cases 11, 17 to 24, 27: refresh tokens, and sign-out.

use crate::{browser::*, service::*};
use portcullis::accounts::Token;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);
const OVER: &str = "Refresh token revoked or expired";

async fn signed_in(on: On) -> Browser {
    let mut browser = Browser::new(on).await;
    assert_eq!(browser.sign_in("owner@example.com", PASSWORD).await.status, 200);
    browser
}

/// Refreshes with this token.
async fn with(browser: &mut Browser, token: &str) -> (u16, String) {
    browser.present(token);
    let answer = browser.refresh().await;
    // Another tab may have set better ones.
    assert_eq!(answer.header("set-cookie").len(), if answer.status == 200 { 2 } else { 0 });
    (answer.status, answer.detail())
}

/// When the session of this refresh token was ended; the outer value is `None` for a token that is not in the store.
async fn ended(browser: &Browser, token: &str) -> Option<Option<SystemTime>> {
    let claims = claims(token);
    let digest = Token::new(claims["jti"].as_str().unwrap_or_default()).digest("refresh");
    let found = browser.service.stores.sessions().session_of(&digest).await.expect("a store");
    found.map(|(session, _)| session.ended_at)
}

#[tokio::test]
async fn a_token_is_exchanged() {
    for on in BOTH {
        let mut browser = signed_in(on).await;
        let first = browser.token("refresh_token");
        browser.clock().advance(MINUTE);
        // 17
        let answer = browser.refresh().await;
        let (access, second) = (browser.token("access_token"), browser.token("refresh_token"));
        let expected =
            json!({ "access_token": access, "refresh_token": second, "token_type": "bearer", "expires_in": 900 });
        assert_eq!((answer.status, answer.json()), (200, expected), "{on:?}");
        assert_eq!(answer.header("cache-control"), ["no-store"]);
        assert_eq!(claims(&access)["exp"], json!(NOW + 60 + 900));
        assert_eq!(claims(&second)["exp"], json!(NOW + 60 + 30 * 86_400));
        assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
        // 18. Differs: the original issues another pair. Here all who use the old one get the same successor.
        browser.clock().advance(10 * SECOND);
        assert_eq!(with(&mut browser, &first).await, (200, String::new()));
        assert_eq!(claims(&browser.token("refresh_token"))["jti"], claims(&second)["jti"]);
        // 19, and nobody else is signed out by it.
        browser.clock().advance(SECOND);
        assert_eq!(with(&mut browser, &first).await, (401, OVER.to_owned()));
        assert_eq!(with(&mut browser, &second).await.0, 200);
    }
}

#[tokio::test]
async fn tokens_that_are_none() {
    for on in BOTH {
        let mut browser = signed_in(on).await;
        let (access, good) = (browser.token("access_token"), browser.token("refresh_token"));
        let changed = |claim: &str, value: Value| {
            let mut claims = claims(&good);
            claims[claim] = value;
            signed(SECRET, &claims)
        };
        let mut without_jti = claims(&good);
        without_jti.as_object_mut().expect("claims").remove("jti");
        for token in [
            // 11
            access.clone(),
            // 20. Differs in words: "Refresh token payload missing jti".
            signed(SECRET, &without_jti),
            // 21. Differs in words: "Refresh token revoked or expired".
            changed("jti", json!("00000000-0000-4000-8000-000000000000")),
            changed("type", json!("access")),
            signed("another SECRET_KEY, as long as ours is", &claims(&good)),
            format!("{good}x"),
            String::from("garbage"),
        ] {
            assert_eq!(with(&mut browser, &token).await, (401, "Invalid refresh token".to_owned()), "{token}");
        }
        for cookie in [None, Some(good.clone()), Some(format!("\"Basic {good}\""))] {
            browser.cookies.retain(|name, _| name != "refresh_token");
            browser.cookies.extend(cookie.map(|cookie| ("refresh_token".to_owned(), cookie)));
            let answer = browser.refresh().await;
            assert_eq!((answer.status, &*answer.detail()), (401, "Refresh token missing or malformed"));
        }
        // The good one still is.
        assert_eq!(with(&mut browser, &good).await.0, 200);
    }
}

#[tokio::test]
async fn tokens_expire_with_their_row() {
    for on in BOTH {
        let mut browser = signed_in(on).await;
        let good = browser.token("refresh_token");
        let mut later = claims(&good);
        later["exp"] = json!(NOW + 90 * 86_400);
        browser.clock().advance(30 * DAY - SECOND);
        let last_moment = browser.token("refresh_token");
        browser.clock().advance(SECOND);
        assert_eq!(with(&mut browser, &last_moment).await, (401, "Refresh token expired".to_owned()));
        // 22
        assert_eq!(with(&mut browser, &signed(SECRET, &later)).await, (401, "Refresh token expired".to_owned()));
    }
    // Each exchange gives it 30 days more.
    let mut browser = signed_in(On::Axum).await;
    for _ in 0..3 {
        browser.clock().advance(29 * DAY);
        assert_eq!(browser.refresh().await.status, 200);
    }
}

#[tokio::test]
async fn sign_out() {
    for on in BOTH {
        let mut browser = signed_in(on).await;
        let (token, cleared) = (browser.token("refresh_token"), async |browser: &mut Browser| {
            let answer = browser.post("/api/v1/auth/remove-access-token", &[]).await;
            assert_eq!((answer.status, answer.json()), (200, json!(200)));
            let names = ["access_token", "refresh_token"];
            let removed = names.map(|name| format!("{name}=; HttpOnly; Path=/; Max-Age=0; SameSite=None; Secure"));
            assert_eq!(answer.header("set-cookie"), removed);
            assert!(browser.cookies.is_empty());
        });
        cleared(&mut browser).await;
        assert!(ended(&browser, &token).await.flatten().is_some());
        // Differs: in the original it works for ten seconds more.
        assert_eq!(with(&mut browser, &token).await, (401, OVER.to_owned()));
        // 23
        let mut browser = signed_in(on).await;
        let token = browser.token("refresh_token");
        browser.clock().advance(31 * DAY);
        assert_eq!(ended(&browser, &token).await, Some(None));
        cleared(&mut browser).await;
        assert!(ended(&browser, &token).await.flatten().is_some());
        // 24
        for cookie in ["garbage", "\"Bearer garbage\"", "\"Basic garbage\"", "\"Bearer", ""] {
            browser.cookies.insert("refresh_token".to_owned(), cookie.to_owned());
            cleared(&mut browser).await;
        }
        cleared(&mut browser).await;
    }
}

#[tokio::test]
async fn what_is_over_is_removed_after_a_day() {
    // 27
    let hour = 60 * MINUTE;
    for (age, is_kept) in [(hour, true), (2 * DAY, false)] {
        let mut browser = signed_in(On::Axum).await;
        let token = browser.token("refresh_token");
        browser.post("/api/v1/auth/remove-access-token", &[]).await;
        browser.clock().advance(age);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) + age;
        let purged = browser.service.auth.accounts.purge(now - DAY).await.expect("a store");
        assert_eq!((purged, ended(&browser, &token).await.is_some()), (u64::from(!is_kept), is_kept));
        let detail = if is_kept { OVER } else { "Invalid refresh token" };
        assert_eq!(with(&mut browser, &token).await, (401, detail.to_owned()));
    }
}

/// Differs: the original has one, which any page can make a browser open.
#[tokio::test]
async fn a_get_changes_nothing() {
    for on in BOTH {
        let mut browser = signed_in(on).await;
        let token = browser.token("refresh_token");
        for path in d2s::auth::PATHS {
            let answer = browser.get(path).await;
            assert_eq!((answer.status, answer.header("set-cookie").len()), (405, 0), "{on:?} {path}");
        }
        assert_eq!(with(&mut browser, &token).await.0, 200);
    }
}
