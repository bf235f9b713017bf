//! Cases 108 to 114: refresh tokens and sessions.

use crate::service::*;
use portcullis::accounts::SessionRules;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400;

/// The settings of the original: a refresh token is good for one use.
async fn without_grace() -> Vec<Service> {
    both_with(|builder| builder.sessions(SessionRules::new().grace(Duration::ZERO))).await
}

async fn current_session(service: &Service, tokens: &Answer) -> Value {
    let sessions = service.get("/auth/sessions", &tokens.text("access_token")).await.json();
    let sessions = sessions["sessions"].as_array().unwrap().clone();
    sessions.into_iter().find(|session| session["current"] == true).unwrap()["id"].clone()
}

/// 108.
#[tokio::test]
async fn a_refresh_keeps_the_session() {
    for service in both().await {
        let first = service.signed_in(ALICE).await;
        assert_eq!(first.json()["refresh_expires_in"], 30 * DAY);
        service.pass(900);
        assert_eq!(service.get("/hello", &first.text("access_token")).await.refusal(), (401, "token_expired".into()));
        let second = service.refresh(&first.text("refresh_token")).await;
        assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
        assert_eq!(service.get("/hello", &second.text("access_token")).await.status, 200);
        // It ends when it would have ended before.
        assert_eq!(second.json()["refresh_expires_in"], 30 * DAY - 900);
        let third = service.refresh(&second.text("refresh_token")).await;
        assert_eq!(current_session(&service, &second).await, current_session(&service, &third).await);
    }
}

/// 109 and 110: with a grace period, and after it.
#[tokio::test]
async fn a_used_token_ends_its_session_after_the_grace() {
    for service in both().await {
        let (first, elsewhere) = (service.signed_in(ALICE).await, service.sign_in(ALICE, PASSWORD).await);
        let bob = service.signed_in("bob@example.com").await;
        let second = service.refresh(&first.text("refresh_token")).await;
        service.pass(30);
        let again = service.refresh(&first.text("refresh_token")).await;
        assert_eq!(again.text("refresh_token"), second.text("refresh_token"));
        service.pass(1);
        let reused = service.refresh(&first.text("refresh_token")).await;
        assert_eq!(reused.refusal(), (401, "session_reused".into()));
        // Another tab may have set better ones.
        assert!(reused.cookies().is_empty());
        assert_eq!(service.refresh(&second.text("refresh_token")).await.refusal(), (401, "session_ended".into()));
        assert_eq!(service.get("/hello", &second.text("access_token")).await.status, 401);
        for other in [elsewhere, bob] {
            assert_eq!(service.get("/hello", &other.text("access_token")).await.status, 200);
            assert_eq!(service.refresh(&other.text("refresh_token")).await.status, 200);
        }
    }
}

/// 109 as there: without a grace period.
#[tokio::test]
async fn without_grace_the_second_use_ends_the_session() {
    for service in without_grace().await {
        let (first, elsewhere) = (service.signed_in(ALICE).await, service.sign_in(ALICE, PASSWORD).await);
        let second = service.refresh(&first.text("refresh_token")).await;
        assert_eq!(second.status, 200);
        assert_eq!(service.refresh(&first.text("refresh_token")).await.refusal(), (401, "session_reused".into()));
        assert_eq!(service.refresh(&second.text("refresh_token")).await.refusal(), (401, "session_ended".into()));
        assert_eq!(service.refresh(&elsewhere.text("refresh_token")).await.status, 200);
    }
}

/// 111: two at once get the same tokens' session, and nobody is signed out.
#[tokio::test]
async fn two_tabs_stay_signed_in() {
    for service in both().await {
        let first = service.signed_in(ALICE).await.text("refresh_token");
        let (one, two) = tokio::join!(service.refresh(&first), service.refresh(&first));
        assert_eq!((one.status, two.status), (200, 200));
        assert_eq!(one.text("refresh_token"), two.text("refresh_token"));
        for tab in [one, two] {
            assert_eq!(service.get("/hello", &tab.text("access_token")).await.status, 200);
        }
    }
}

/// 111 as there: one wins, and then nobody.
#[tokio::test]
async fn without_grace_one_of_two_wins() {
    for service in without_grace().await {
        let first = service.signed_in(ALICE).await.text("refresh_token");
        let (one, two) = tokio::join!(service.refresh(&first), service.refresh(&first));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        assert_eq!((won.status, lost.refusal()), (200, (401, "session_reused".into())));
        assert_eq!(service.refresh(&won.text("refresh_token")).await.refusal(), (401, "session_ended".into()));
    }
}

/// 112.
#[tokio::test]
async fn an_unknown_token_changes_nothing() {
    for service in both().await {
        let tokens = service.signed_in(ALICE).await;
        for unknown in ["", "made-up", &"A".repeat(43), &tokens.text("access_token")] {
            assert_eq!(service.refresh(unknown).await.refusal(), (401, "invalid_refresh_token".into()), "{unknown}");
        }
        assert_eq!(service.post("/auth/refresh", Value::Null).await.refusal(), (401, "invalid_refresh_token".into()));
        assert_eq!(service.get("/hello", &tokens.text("access_token")).await.status, 200);
        assert_eq!(service.refresh(&tokens.text("refresh_token")).await.status, 200);
    }
}

/// 113.
#[tokio::test]
async fn a_session_ends_after_thirty_days_of_use() {
    for service in both().await {
        let mut tokens = service.signed_in(ALICE).await;
        for _ in 0..29 {
            service.pass(DAY);
            tokens = service.refresh(&tokens.text("refresh_token")).await;
        }
        service.pass(DAY - 1);
        tokens = service.refresh(&tokens.text("refresh_token")).await;
        assert_eq!((tokens.status, &tokens.json()["refresh_expires_in"]), (200, &json!(1)));
        service.pass(1);
        let refused = service.refresh(&tokens.text("refresh_token")).await;
        assert_eq!(refused.refusal(), (401, "session_expired".into()));
    }
}

/// 114.
#[tokio::test]
async fn a_refresh_keeps_the_organization() {
    for service in both().await {
        let tokens = service.signed_in(ALICE).await;
        let id = service.organization(&tokens.text("access_token"), "acme").await;
        let chosen = service.act_in(&tokens.text("access_token"), json!(id)).await;
        assert_eq!(service.acts_in(&chosen.text("access_token")).await, id);
        let second = service.refresh(&tokens.text("refresh_token")).await;
        let third = service.refresh(&second.text("refresh_token")).await;
        for tokens in [second, third] {
            assert_eq!(service.acts_in(&tokens.text("access_token")).await, id);
        }
    }
}

/// Sign-out and the list of sessions. There, an access token outlives its session.
#[tokio::test]
async fn a_session_that_has_ended_is_refused_at_once() {
    for service in both().await {
        let (here, there) = (service.signed_in(ALICE).await, service.sign_in(ALICE, PASSWORD).await);
        let (id, access) = (current_session(&service, &there).await, here.text("access_token"));
        let bearer = format!("Bearer {access}");
        let end = format!("/auth/sessions/{}", id.as_str().unwrap());
        let bob = service.signed_in("bob@example.com").await.text("access_token");
        let by_bob = format!("Bearer {bob}");
        let refused = service.ask("DELETE", &end, &[("authorization", &by_bob)], &Value::Null).await;
        assert_eq!(refused.refusal(), (404, "not_found".into()));
        assert_eq!(service.get("/hello", &there.text("access_token")).await.status, 200);
        let ended = service.ask("DELETE", &end, &[("authorization", &bearer)], &Value::Null).await;
        assert_eq!(ended.status, 204);
        assert_eq!(service.get("/hello", &there.text("access_token")).await.status, 401);

        assert_eq!(service.get("/hello", &access).await.body, b"hello, alice@example.com\n");
        let out = service.post("/auth/sign-out", json!({ "refresh_token": here.text("refresh_token") })).await;
        assert_eq!(out.status, 200);
        assert_eq!(service.get("/hello", &access).await.status, 401);
        assert_eq!(service.refresh(&here.text("refresh_token")).await.refusal(), (401, "session_ended".into()));
        assert_eq!(service.get("/hello", &bob).await.status, 200);
    }
}
