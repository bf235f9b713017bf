//! Amazon Cognito.

use crate::hosted::*;
use portcullis::testing::TestIssuer;
use serde_json::json;
use std::time::Duration;

/// Case 136.
#[tokio::test]
async fn the_first_group_is_the_role() {
    let service = Hosted::cognito().await;
    let known = |role: &str| (200, json!({ "user_id": "u-1", "session_id": "login-1", "role": role, "org_id": null }));
    assert_eq!(service.me(service.access().claim("cognito:groups", json!(["admin", "x"]))).await, known("admin"));
    assert_eq!(service.me(service.access()).await, known("default"));
    assert_eq!(service.me(service.access().claim("cognito:groups", json!([]))).await, known("default"));
    let admin = service.access().claim("cognito:groups", json!(["admin"]));
    assert_eq!(
        (service.status("/reports", admin).await, service.status("/reports", service.access()).await),
        (200, 403)
    );
}

/// Cases 137 and 138.
#[tokio::test]
async fn id_tokens_other_clients_and_other_pools_are_refused() {
    let service = Hosted::cognito().await;
    assert_eq!(service.status("/me", service.access()).await, 200);
    let id = service.access().claim("token_use", "id").without("client_id").claim("aud", "web");
    assert_eq!(service.status("/me", id).await, 401);
    assert_eq!(service.status("/me", service.access().claim("token_use", "id")).await, 401);
    assert_eq!(service.status("/me", service.access().claim("client_id", "other")).await, 401);
    assert_eq!(service.status("/me", service.access().claim("iss", POOL.replace("AbCd", "Other"))).await, 401);
    assert_eq!(service.status("/me", service.access().expired_for(Duration::from_secs(1))).await, 401);
    assert_eq!(service.ask("/me", &[]).await.0, 401);
    let forger = TestIssuer::new().named(POOL);
    let forged = forger.token("u-1").without("aud").claim("client_id", "web").claim("token_use", "access");
    assert_eq!(service.status("/me", forged).await, 401);
}

/// Case 139.
#[tokio::test]
async fn an_unknown_key_is_looked_for_once() {
    let service = Hosted::cognito().await;
    assert_eq!((service.status("/me", service.access()).await, service.keys.asked()), (200, 1));
    service.issuer.clock().advance(Duration::from_secs(60));
    service.keys.publish(&["1", "2"]);
    assert_eq!((service.status("/me", service.access().header("kid", "2")).await, service.keys.asked()), (200, 2));
    for number in 0..20 {
        let made_up = service.access().header("kid", format!("made-up-{number}"));
        assert_eq!(service.status("/me", made_up).await, 401);
    }
    assert_eq!(service.keys.asked(), 2, "made-up names do not flood Cognito");
    assert_eq!(service.status("/me", service.access()).await, 200);
}
