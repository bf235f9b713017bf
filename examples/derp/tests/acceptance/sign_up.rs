//! Cases 98 to 103: sign-up and confirmation.

use crate::service::*;
use portcullis::accounts::{Accounts, Links, MailKind, Secret};
use serde_json::json;

/// 98: the address in lower case, and a link. 103: no sign-in before the address is confirmed.
#[tokio::test]
async fn an_account_is_confirmed_before_its_first_sign_in() {
    for service in both().await {
        let answer = service.sign_up("Alice@Example.COM").await;
        assert_eq!((answer.status, answer.json()), (202, json!({ "status": "mail_sent" })));
        let mail = service.mailbox.last_to(ALICE).unwrap();
        let link = mail.link.clone().unwrap();
        assert!(mail.kind == MailKind::Confirm && link.starts_with("https://derp.test/confirm#token="), "{mail:?}");
        assert_eq!(service.mailed(ALICE).len(), 43);
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.refusal(), (403, "email_unconfirmed".into()));
        // Only who knows the password is told.
        assert_eq!(service.sign_in(ALICE, OTHER).await.refusal(), (401, "invalid_credentials".into()));

        // What a scanner of mails does.
        assert_eq!(service.ask("GET", "/confirm", &[], &json!(null)).await.status, 200);
        let confirm = json!({ "token": service.mailed(ALICE), "password": PASSWORD });
        let answer = service.post("/auth/confirm", confirm.clone()).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "has_password": true })));
        assert_eq!(service.post("/auth/confirm", confirm).await.refusal(), (400, "invalid_token".into()));
        let answer = service.sign_in("ALICE@example.com", PASSWORD).await;
        assert_eq!((answer.status, answer.json()["user"]["email"].as_str()), (200, Some(ALICE)));
    }
}

/// 98 as there: a session at once.
#[tokio::test]
async fn a_new_user_may_be_signed_in_at_once() {
    for service in both_with(|builder| builder.sign_in_unconfirmed()).await {
        let answer = service.sign_up(ALICE).await;
        assert_eq!((answer.status, answer.json()["user"]["email_confirmed"].as_bool()), (200, Some(false)));
        let access = answer.text("access_token");
        assert_eq!(service.get("/auth/me", &access).await.status, 200);
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.refusal(), (403, "email_unconfirmed".into()));
        // The session is proof enough.
        let bearer = format!("Bearer {access}");
        let confirm = json!({ "token": service.mailed(ALICE) });
        let answer = service.ask("POST", "/auth/confirm", &[("authorization", &bearer)], &confirm).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "has_password": true })));
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 200);
    }
}

/// 103: the link alone opens nobody's account. There it opens that of whoever signed up.
#[tokio::test]
async fn a_link_alone_drops_the_password() {
    for service in both().await {
        service.sign_up(ALICE).await;
        let answer = service.post("/auth/confirm", json!({ "token": service.mailed(ALICE) })).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "has_password": false })));
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.refusal(), (401, "invalid_credentials".into()));
        // Whoever reads the mail chooses another.
        service.post("/auth/reset/request", json!({ "email": ALICE })).await;
        service.post("/auth/reset", json!({ "token": service.mailed(ALICE), "password": OTHER })).await;
        assert_eq!(service.sign_in(ALICE, OTHER).await.status, 200);

        // As there.
        let as_there = service.again(|builder| builder.dangerous_confirm_with_link_alone());
        as_there.sign_up("bob@example.com").await;
        as_there.post("/auth/confirm", json!({ "token": as_there.mailed("bob@example.com") })).await;
        assert_eq!(as_there.sign_in("bob@example.com", PASSWORD).await.status, 200);
    }
}

/// 99: the answer is the same, and the owner of the address learns of it.
#[tokio::test]
async fn a_second_sign_up_is_told_to_the_owner_only() {
    for service in both().await {
        let first = service.sign_up(ALICE).await;
        let hash = service.user(ALICE).await.password_hash;
        let second = service.post("/auth/sign-up", json!({ "email": "ALICE@example.com", "password": OTHER })).await;
        assert_eq!((second.status, second.json(), second.headers), (first.status, first.json(), first.headers));
        let mail = service.mailbox.last_to(ALICE).unwrap();
        assert_eq!((mail.kind, mail.link), (MailKind::SignedUpAgain, None));
        assert_eq!(service.user(ALICE).await.password_hash, hash);
    }
    // Where addresses are not confirmed, the caller is told.
    for service in both_with(|builder| builder.dangerous_without_confirmation()).await {
        assert_eq!(service.sign_up(ALICE).await.status, 200);
        assert_eq!(service.sign_up(ALICE).await.refusal(), (409, "email_taken".into()));
    }
}

/// 100.
#[tokio::test]
async fn a_short_password_is_refused() {
    for service in both().await {
        for (password, rule) in [("1234567", "too_short"), (&*"x".repeat(129), "too_long")] {
            let answer = service.post("/auth/sign-up", json!({ "email": ALICE, "password": password })).await;
            assert_eq!(answer.refusal(), (422, "password_rejected".into()));
            assert_eq!(answer.json()["rules"], json!([rule]));
        }
        assert!(service.mailbox.mails().is_empty());
        let answer = service.post("/auth/sign-up", json!({ "email": ALICE, "password": "12345678" })).await;
        assert_eq!(answer.status, 202);
    }
}

/// 101.
#[tokio::test]
async fn sign_up_can_be_switched_off() {
    for service in both_with(|builder| builder.without_sign_up()).await {
        assert_eq!(service.sign_up(ALICE).await.refusal(), (403, "sign_up_disabled".into()));
        assert!(service.mailbox.mails().is_empty());
    }
}

/// 102: nothing starts, where there the sign-up fails.
#[tokio::test]
async fn confirmation_needs_pages() {
    let secret = || Secret::new(SECRET).unwrap();
    let store = portcullis::sqlx::SqliteStore::in_memory().await.unwrap();
    let builder = Accounts::builder("derp", secret(), store.clone()).argon2(64, 1, 1);
    let error = builder.build().unwrap_err().to_string();
    assert!(error.contains("mailer"), "{error}");
    let mailbox = portcullis::accounts::testing::Mailbox::new();
    for pages in ["", "/confirm"] {
        let builder = builder_with(secret(), store.clone()).mailer(mailbox.clone(), Links::below(pages));
        assert!(builder.build().is_err(), "{pages}");
    }
    assert!(builder_with(secret(), store).mailer(mailbox, Links::below("https://derp.test")).build().is_ok());
}

fn builder_with(secret: Secret, store: portcullis::sqlx::SqliteStore) -> portcullis::accounts::AccountsBuilder {
    Accounts::builder("derp", secret, store).argon2(64, 1, 1)
}
