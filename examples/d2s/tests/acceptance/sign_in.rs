//! Cases 1 to 5, 25: sign-in, and the cookies that it sets. Sign-up, and the hashes that the original kept.

use crate::{browser::*, service::*};
use portcullis::accounts::store::UserKey;
use serde_json::json;

pub const NOBODY: &str = "nobody@example.com";

#[tokio::test]
async fn the_cookies() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        // 1
        let answer = browser.sign_in("owner@example.com", PASSWORD).await;
        assert_eq!((answer.status, answer.json()), (200, json!(200)), "{on:?}");
        let (access, refresh) = (browser.token("access_token"), browser.token("refresh_token"));
        assert_eq!(
            answer.header("set-cookie"),
            [
                format!("access_token=\"Bearer {access}\"; HttpOnly; Path=/; SameSite=None; Secure"),
                format!("refresh_token=\"Bearer {refresh}\"; HttpOnly; Path=/; Max-Age=2592000; SameSite=None; Secure"),
            ]
        );
        assert_eq!(answer.header("cache-control"), ["no-store"]);
        assert_eq!(claims(&access), json!({ "sub": OWNER, "type": "access", "exp": NOW + 900 }));
        let claims = claims(&refresh);
        let jti = claims["jti"].as_str().unwrap_or_default();
        assert_eq!(jti.len(), 43);
        let expected = json!({ "sub": OWNER, "type": "refresh", "jti": jti, "iat": NOW, "exp": NOW + 30 * 86_400 });
        assert_eq!(claims, expected);
        // The browser is signed in by them.
        let me = browser.get("/api/v1/users/current").await;
        assert_eq!((me.status, me.json()["id"].clone()), (200, json!(OWNER)));
        browser.clock().advance(MINUTE * 15);
        assert_eq!(browser.get("/api/v1/users/current").await.detail(), "Access token expired");
        // A refresh token is no access token.
        let refresh = [bearer(&browser.token("refresh_token"))];
        let answer = browser.service.send(on, "GET", "/api/v1/users/current", &refresh, "text/plain", "").await;
        assert_eq!((answer.status, &*answer.detail()), (401, "Invalid access token"));
        // 25
        browser.service.auth.cookies = d2s::start::cookies(false);
        let answer = browser.sign_in("owner@example.com", PASSWORD).await;
        for cookie in answer.header("set-cookie") {
            assert!(cookie.contains("; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
        }
    }
}

#[tokio::test]
async fn who_may_sign_in() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        for (email, password, status, detail) in [
            // 2
            ("Owner@Example.COM", PASSWORD, 200, ""),
            // 3
            ("owner@example.com", "wrong horse battery", 401, "Invalid credentials"),
            (NOBODY, PASSWORD, 401, "Invalid credentials"),
            ("not an address", PASSWORD, 401, "Invalid credentials"),
            ("owner@example.com", "", 401, "Invalid credentials"),
            // 4
            ("unconfirmed@example.com", PASSWORD, 403, "Account requires email confirmation"),
            ("unconfirmed@example.com", "wrong horse battery", 401, "Invalid credentials"),
            // 5
            ("unapproved@example.com", PASSWORD, 403, "Account requires approval"),
            ("unapproved@example.com", "wrong horse battery", 401, "Invalid credentials"),
        ] {
            let answer = browser.sign_in(email, password).await;
            assert_eq!((answer.status, &*answer.detail()), (status, detail), "{on:?} {email} {password}");
            assert_eq!(answer.header("set-cookie").len(), if status == 200 { 2 } else { 0 });
        }
        let wrong = browser.sign_in("owner@example.com", "wrong horse battery").await;
        assert_eq!(wrong, browser.sign_in(NOBODY, PASSWORD).await);
    }
}

#[tokio::test]
async fn hashes_of_the_original_are_replaced_at_the_first_sign_in() {
    let mut browser = Browser::new(On::Axum).await;
    let hash = async |browser: &Browser| {
        let email = "owner@example.com".parse().expect("an address");
        let user = browser.service.stores.users().find(UserKey::Email(&email)).await.expect("a store");
        user.and_then(|user| user.password_hash).unwrap_or_default()
    };
    assert_eq!(browser.sign_in("owner@example.com", "correct horse battery.").await.status, 401);
    assert!(hash(&browser).await.starts_with("$2b$12$"));
    assert_eq!(browser.sign_in("owner@example.com", PASSWORD).await.status, 200);
    assert!(hash(&browser).await.starts_with("$argon2id$"));
    assert_eq!(browser.sign_in("owner@example.com", PASSWORD).await.status, 200);
    assert_eq!(browser.sign_in("owner@example.com", "correct horse battery.").await.status, 401);
}

/// Differs: the original accepts it, since its cookies are `SameSite=None`.
#[tokio::test]
async fn no_page_of_another_origin_signs_in_or_out() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        assert_eq!(browser.sign_in("owner@example.com", PASSWORD).await.status, 200);
        browser.site = "cross-site";
        for path in d2s::auth::PATHS {
            let answer = browser.post(path, &[("username", "viewer@example.com"), ("password", PASSWORD)]).await;
            assert_eq!((answer.status, &*answer.detail()), (403, "Cross-origin request"), "{on:?} {path}");
            assert!(answer.header("set-cookie").is_empty());
        }
        browser.site = "same-origin";
        assert_eq!(browser.post("/api/v1/auth/refresh-token", &[]).await.status, 200);
    }
}

#[tokio::test]
async fn sign_up_until_sign_in() {
    let password = "a-new-password";
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        let sign_up = |password| {
            [("email", "New@example.com"), ("first_name", "Nora"), ("last_name", "New"), ("password", password)]
        };
        // Twelve to 128 characters, no three alike in a row.
        let too_long = "ab".repeat(65);
        for refused in ["elevenchars", "aaa-a-new-password", &too_long] {
            assert_eq!(browser.post("/api/v1/users", &sign_up(refused)).await.status, 422, "{refused}");
        }
        let answer = browser.post("/api/v1/users", &sign_up(password)).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.json(), json!({ "email": "New@example.com", "first_name": "Nora", "last_name": "New" }));
        let detail = browser.sign_in("new@example.com", password).await.detail();
        assert_eq!(detail, "Account requires email confirmation");
        // Differs: the original answers 409 for an address that has an account.
        assert_eq!(browser.post("/api/v1/users", &sign_up("another-password")).await, answer);

        let token = browser.mailed("new@example.com", "confirm");
        let confirm = [("token", token.as_str()), ("password", password)];
        let answer = browser.post("/api/v1/auth/confirm-email", &confirm).await;
        assert_eq!((answer.status, answer.header("location")), (303, vec!["/auth/login?email_confirmed=true"]));
        assert_eq!(browser.sign_in("new@example.com", password).await.detail(), "Account requires approval");

        let token = browser.mailed("admin@example.com", "approve");
        let answer = browser.post("/api/v1/auth/approve-account", &[("token", &token)]).await;
        assert_eq!(answer.json(), json!({ "status": "approved" }));
        assert_eq!(browser.sign_in("new@example.com", password).await.status, 200);
        let me = browser.get("/api/v1/users/current").await.json();
        assert_eq!((&me["extra"]["first_name"], &me["is_demo"]), (&json!("Nora"), &json!(false)));
    }
}

/// A name of the form is never a right.
#[tokio::test]
async fn nobody_signs_up_with_rights() {
    let mut browser = Browser::new(On::Axum).await;
    let form = [
        ("email", NOBODY),
        ("password", "a-new-password"),
        ("is_superuser", "true"),
        ("is_staff", "true"),
        ("is_approved", "true"),
        ("is_demo", "false"),
    ];
    assert_eq!(browser.post("/api/v1/users", &form).await.status, 201);
    let email = NOBODY.parse().expect("an address");
    let user = browser.service.stores.users().find(UserKey::Email(&email)).await.expect("a store").expect("a user");
    assert!(!user.is_staff && user.approved_at.is_none() && user.email_confirmed_at.is_none());
    assert_eq!(user.extra.keys().collect::<Vec<_>>(), ["first_name", "last_name"]);
}
