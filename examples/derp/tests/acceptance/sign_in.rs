//! Cases 104 to 107 and 117: sign-in.

use crate::service::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// 104.
#[tokio::test]
async fn disabled_accounts_are_closed() {
    for service in both().await {
        let tokens = service.signed_in(ALICE).await;
        let alice = service.user(ALICE).await.id;
        service.accounts.admin_as("test").disable(&alice, true).await.unwrap();
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.refusal(), (403, "account_disabled".into()));
        assert_eq!(service.sign_in(ALICE, OTHER).await.refusal(), (401, "invalid_credentials".into()));
        // There, what was signed in before stays so.
        assert_eq!(service.get("/hello", &tokens.text("access_token")).await.status, 401);
        assert_eq!(service.refresh(&tokens.text("refresh_token")).await.status, 401);
        service.accounts.admin_as("test").disable(&alice, false).await.unwrap();
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 200);
    }
}

/// 105: the same answer.
#[tokio::test]
async fn a_stranger_and_a_wrong_password_are_answered_alike() {
    for service in both().await {
        service.signed_in(ALICE).await;
        let wrong = service.sign_in(ALICE, OTHER).await;
        assert_eq!(wrong.refusal(), (401, "invalid_credentials".into()));
        for email in ["nobody@example.com", "no address", ""] {
            let unknown = service.sign_in(email, OTHER).await;
            assert_eq!((unknown.status, unknown.body), (wrong.status, wrong.body.clone()), "{email}");
            assert_eq!(unknown.headers, wrong.headers, "{email}");
        }
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 200);
    }
}

/// 105: and the same work. There, an unknown address is answered at once. The bounds are wide, since other tests run beside.
#[tokio::test]
async fn a_stranger_takes_as_long_as_a_wrong_password() {
    for service in both().await {
        service.signed_in(ALICE).await;
        // Costs that are seen beside everything else.
        let service = service.again(|builder| builder.argon2(32_768, 4, 1));
        service.sign_in(ALICE, PASSWORD).await;
        let time = async |email: &str| {
            let before = Instant::now();
            assert_eq!(service.sign_in(email, OTHER).await.status, 401);
            before.elapsed()
        };
        let mut quickest = [Duration::MAX; 2];
        for _ in 0..4 {
            for (quickest, email) in quickest.iter_mut().zip([ALICE, "nobody@example.com"]) {
                *quickest = time(email).await.min(*quickest);
            }
        }
        let [known, unknown] = quickest.map(|time| time.as_secs_f64());
        assert!(unknown > known / 4.0 && unknown < known * 4.0, "known {known} s, unknown {unknown} s");
    }
}

/// 106: the address that the connection has. There, it is the first that `X-Forwarded-For` claims.
#[tokio::test]
async fn sessions_show_where_they_are_from() {
    for mut service in both().await {
        service.signed_in(ALICE).await;
        let sign_in = json!({ "email": ALICE, "password": PASSWORD });
        let from = async |service: &Service, agent: &str, forwarded: &str| {
            service.pass(1);
            let headers = [("user-agent", agent), ("x-forwarded-for", forwarded)];
            let access = service.ask("POST", "/auth/sign-in", &headers, &sign_in).await.text("access_token");
            let sessions = service.get("/auth/sessions", &access).await.json()["sessions"].clone();
            (sessions[0]["address"].clone(), sessions[0]["user_agent"].clone())
        };
        let claimed = "203.0.113.1, 198.51.100.2";
        assert_eq!(from(&service, "Firefox", claimed).await, (json!("192.0.2.7"), json!("Firefox")));
        // Behind one proxy, it is the one that the proxy saw.
        service.served.accounts = service.served.accounts.map(|endpoints| endpoints.behind_proxies(1));
        assert_eq!(from(&service, "curl", claimed).await, (json!("198.51.100.2"), json!("curl")));
        let long = "x".repeat(300);
        assert_eq!(from(&service, &long, "").await, (json!("192.0.2.7"), json!(long[..255])));
    }
}

/// 107.
#[tokio::test]
async fn an_old_hash_is_made_anew() {
    for service in both().await {
        service.signed_in(ALICE).await;
        let old = service.user(ALICE).await.password_hash.unwrap();
        assert!(old.contains("m=64,t=1,p=1"), "{old}");
        let service = service.again(|builder| builder.argon2(128, 2, 1));
        assert_eq!(service.sign_in(ALICE, OTHER).await.status, 401);
        assert_eq!(service.user(ALICE).await.password_hash.unwrap(), old);
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 200);
        let new = service.user(ALICE).await.password_hash.unwrap();
        assert!(new.contains("m=128,t=2,p=1"), "{new}");
        assert_eq!(service.sign_in(ALICE, PASSWORD).await.status, 200);
        assert_eq!(service.user(ALICE).await.password_hash.unwrap(), new);
    }
}

/// 117: a token keeps its role, so the sessions of before end. There they go on with the old role.
#[tokio::test]
async fn a_new_role_needs_a_new_sign_in() {
    for service in both().await {
        let before = service.signed_in(ALICE).await;
        assert_eq!(before.json()["user"]["role"], "default");
        let alice = service.user(ALICE).await.id;
        service.accounts.admin_as("test").set_role(&alice, "editor").await.unwrap();
        assert_eq!(service.get("/hello", &before.text("access_token")).await.status, 401);
        assert_eq!(service.refresh(&before.text("refresh_token")).await.refusal(), (401, "session_ended".into()));
        let after = service.sign_in(ALICE, PASSWORD).await;
        assert_eq!(claims(&after.text("access_token"))["role"], "editor");
    }
}

fn claims(token: &str) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
