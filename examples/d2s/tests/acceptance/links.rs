//! Cases 59 to 61: the tokens of links in mails.

use crate::{browser::*, service::*};
use serde_json::json;

const RESET: &str = "/api/v1/auth/reset-password";
const CONFIRM: &str = "/api/v1/auth/confirm-email";
const APPROVE: &str = "/api/v1/auth/approve-account";
const NEW: &str = "a-new-password";
const OWNER_MAIL: &str = "owner@example.com";

async fn reset(browser: &mut Browser, token: &str, password: &str) -> (u16, String) {
    let answer = browser.post(RESET, &[("token", token), ("password", password)]).await;
    (answer.status, answer.detail())
}

async fn reset_token(browser: &mut Browser) -> String {
    let answer = browser.post("/api/v1/auth/request-password-reset", &[("email", OWNER_MAIL)]).await;
    assert_eq!((answer.status, answer.json()), (200, json!(null)));
    browser.mailed(OWNER_MAIL, "reset")
}

fn no_longer() -> (u16, String) {
    (403, "Reset token no longer active".to_owned())
}

#[tokio::test]
async fn a_token_is_accepted_once() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        browser.sign_in(OWNER_MAIL, PASSWORD).await;
        let token = reset_token(&mut browser).await;
        // Differs: the original accepts any password here. One that is refused leaves the token.
        assert_eq!(reset(&mut browser, &token, "short").await.0, 422);
        // 59
        assert_eq!(reset(&mut browser, &token, NEW).await, (200, String::new()));
        assert_eq!(reset(&mut browser, &token, NEW).await, no_longer());
        // Differs: in the original, sessions stay.
        let answer = browser.refresh().await;
        assert_eq!((answer.status, &*answer.detail()), (401, "Refresh token revoked or expired"));
        assert_eq!(browser.sign_in(OWNER_MAIL, PASSWORD).await.status, 401);
        assert_eq!(browser.sign_in(OWNER_MAIL, NEW).await.status, 200);
    }
}

#[tokio::test]
async fn a_token_is_for_one_purpose() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        // 60
        let token = reset_token(&mut browser).await;
        let answer = browser.post(CONFIRM, &[("token", &token), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, vec!["/auth/login?error=invalid"]));
        let answer = browser.post(APPROVE, &[("token", &token)]).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": "token invalid" })));
        // Nothing used it up.
        assert_eq!(reset(&mut browser, &token, NEW).await.0, 200);

        let unconfirmed = "unconfirmed@example.com";
        browser.post("/api/v1/auth/request-email-confirmation", &[("email", unconfirmed)]).await;
        let token = browser.mailed(unconfirmed, "confirm");
        assert_eq!(reset(&mut browser, &token, NEW).await, no_longer());
        let answer = browser.post(CONFIRM, &[("token", &token), ("password", PASSWORD)]).await;
        assert_eq!(answer.header("location"), ["/auth/login?email_confirmed=true"]);
        assert_eq!(browser.sign_in(unconfirmed, PASSWORD).await.detail(), "Account requires approval");
    }
}

#[tokio::test]
async fn tokens_expire() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        // 61. Differs in words: "Reset token has expired".
        let token = reset_token(&mut browser).await;
        browser.clock().advance(61 * MINUTE);
        assert_eq!(reset(&mut browser, &token, NEW).await, no_longer());
        let token = reset_token(&mut browser).await;
        browser.clock().advance(59 * MINUTE);
        assert_eq!(reset(&mut browser, &token, NEW).await.0, 200);

        for (hours, status) in [(23, "approved"), (25, "token invalid")] {
            let mut browser = Browser::new(on).await;
            let unconfirmed = "unconfirmed@example.com";
            browser.post("/api/v1/auth/request-email-confirmation", &[("email", unconfirmed)]).await;
            let token = browser.mailed(unconfirmed, "confirm");
            browser.post(CONFIRM, &[("token", &token), ("password", PASSWORD)]).await;
            let token = browser.mailed("admin@example.com", "approve");
            browser.clock().advance(hours * 60 * MINUTE);
            let answer = browser.post(APPROVE, &[("token", &token)]).await;
            assert_eq!(answer.json(), json!({ "status": status }));
        }
    }
}

/// A stranger signs up with the address of somebody else, who opens the link in the mail.
#[tokio::test]
async fn a_link_alone_does_not_open_an_account_for_a_stranger() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        let form = [("email", "victim@example.com"), ("password", "the-strangers-one")];
        assert_eq!(browser.post("/api/v1/users", &form).await.status, 201);
        let token = browser.mailed("victim@example.com", "confirm");
        let answer = browser.post(CONFIRM, &[("token", &token)]).await;
        assert_eq!(answer.header("location"), ["/auth/login?email_confirmed=true"]);
        // Differs: in the original, the password of the sign-up stays.
        assert_eq!(browser.sign_in("victim@example.com", "the-strangers-one").await.status, 401);
    }
}

#[tokio::test]
async fn nobody_learns_which_addresses_have_accounts() {
    for on in BOTH {
        let mut browser = Browser::new(on).await;
        // Differs: the original answers the first with 404.
        for path in ["/api/v1/auth/request-email-confirmation", "/api/v1/auth/request-password-reset"] {
            let known = browser.post(path, &[("email", "unconfirmed@example.com")]).await;
            assert_eq!(known, browser.post(path, &[("email", "nobody@example.com")]).await, "{path}");
            assert_eq!(known.status, 200);
        }
        assert_eq!(browser.service.mailbox.last_to("nobody@example.com"), None);
    }
}
