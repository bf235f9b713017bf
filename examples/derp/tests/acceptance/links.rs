//! Cases 118 to 120: links that sign in, and links to reset a password.

use crate::{hosted::Keys, service::*};
use portcullis::{
    accounts::{Config, MailKind, testing::Mailbox},
    sqlx::SqliteStore,
};
use serde_json::json;

/// 118.
#[tokio::test]
async fn links_sign_in_where_they_are_switched_on() {
    let without = SETTINGS.replace("enable_magic_link = true\n", "");
    assert_ne!(without, SETTINGS);
    let config = Config::parse(&without, |_| Some(SECRET.to_owned())).unwrap();
    let store = SqliteStore::in_memory().await.unwrap();
    let all = derp::organizations(&config, store.clone()).unwrap();
    let off = derp::accounts(&config, &all, store, Mailbox::new(), "https://derp.test").unwrap().build().unwrap();
    assert_eq!(off.send_magic_link(ALICE, &Default::default()).await.unwrap_err().code(), "not_enabled");
    // Not even a route.
    let gate = gate(&config, Some(&off), &all, Keys::default()).unwrap().0.build().unwrap();
    assert!(off.endpoints().list(&gate).unwrap().all(|endpoint| !endpoint.path().starts_with("magic-link")));
    for service in both().await {
        let request = async || service.post("/auth/magic-link/request", json!({ "email": ALICE })).await.status;
        let sign_in = async |token: &str| service.post("/auth/magic-link", json!({ "token": token })).await;
        assert_eq!(request().await, 202);
        assert_eq!(service.mailbox.last_to(ALICE).unwrap().kind, MailKind::MagicLink);
        // There the account is made now, and its address counts as confirmed.
        assert!(service.find(ALICE).await.is_none());
        let token = service.mailed(ALICE);
        let answer = sign_in(&token).await;
        assert_eq!((answer.status, answer.json()["user"]["email_confirmed"].as_bool()), (200, Some(true)));
        assert_eq!(service.get("/hello", &answer.text("access_token")).await.status, 200);
        assert_eq!(sign_in(&token).await.refusal(), (400, "invalid_token".into()));
        assert_eq!(sign_in("made-up").await.refusal(), (400, "invalid_token".into()));

        assert_eq!(request().await, 202);
        service.pass(599);
        assert_eq!(sign_in(&service.mailed(ALICE)).await.status, 200);
        assert_eq!(request().await, 202);
        service.pass(600);
        assert_eq!(sign_in(&service.mailed(ALICE)).await.refusal(), (400, "invalid_token".into()));
    }
}

/// 119.
#[tokio::test]
async fn a_reset_ends_all_sessions() {
    for service in both().await {
        let (one, two) = (service.signed_in(ALICE).await, service.sign_in(ALICE, PASSWORD).await);
        let request = service.post("/auth/reset/request", json!({ "email": "Alice@example.com" })).await;
        assert_eq!(request.status, 202);
        let token = service.mailed(ALICE);
        let reset = async |token: &str, password: &str| {
            service.post("/auth/reset", json!({ "token": token, "password": password })).await
        };
        assert_eq!(reset(&token, "short").await.refusal(), (422, "password_rejected".into()));
        assert_eq!(service.get("/hello", &one.text("access_token")).await.status, 200);
        // The token is still good.
        assert_eq!(reset(&token, OTHER).await.status, 200);
        for session in [one, two] {
            assert_eq!(service.get("/hello", &session.text("access_token")).await.status, 401);
            assert_eq!(service.refresh(&session.text("refresh_token")).await.status, 401);
        }
        assert_eq!(service.mailbox.last_to(ALICE).unwrap().kind, MailKind::PasswordChanged);
        assert_eq!(reset(&token, PASSWORD).await.refusal(), (400, "invalid_token".into()));
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 401);
        assert_eq!(service.sign_in(ALICE, OTHER).await.status, 200);
        // A token of another purpose is none.
        service.post("/auth/reset/request", json!({ "email": ALICE })).await;
        let confirm = json!({ "token": service.mailed(ALICE), "password": OTHER });
        assert_eq!(service.post("/auth/confirm", confirm).await.refusal(), (400, "invalid_token".into()));
    }
}

/// 120: no mail, and the same answer.
#[tokio::test]
async fn an_unknown_address_gets_no_mail() {
    for service in both().await {
        service.signed_in(ALICE).await;
        service.mailbox.clear();
        let known = service.post("/auth/reset/request", json!({ "email": ALICE })).await;
        assert_eq!(service.mailbox.mails().len(), 1);
        let unknown = service.post("/auth/reset/request", json!({ "email": "nobody@example.com" })).await;
        assert_eq!(service.mailbox.mails().len(), 1);
        assert_eq!((unknown.status, unknown.body, unknown.headers), (known.status, known.body, known.headers));
        let resent = service.post("/auth/confirm/resend", json!({ "email": "nobody@example.com" })).await;
        assert_eq!((resent.status, service.mailbox.mails().len()), (202, 1));
    }
}
